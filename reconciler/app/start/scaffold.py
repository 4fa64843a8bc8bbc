"""What ``init`` writes: a working repository, in which nothing that is there already is touched."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path

from reconciler.adapters.git.command import GitCommand
from reconciler.dataclass import dataclass
from reconciler.declare.schema.schemas import KINDS, file_name, schema_text
from reconciler.domain.values.names import is_name
from reconciler.errors import AuditError, ReconcilerError, UsageError

_PROJECT_FILE = "reconciler.yaml"
# Where each file of ``starter/`` goes. The project file comes last: only with it is the directory a
# project, so an init that was cut short can be run again.
_STARTER = {
    ".gitignore": "gitignore",
    ".gitattributes": "gitattributes",
    "README.md": "README.md",
    "scopes.yaml": "scopes.yaml",
    "policy.yaml": "policy.yaml",
    "templates/custom.yaml": "template-custom.yaml",
    "clients/example-partner.yaml": "client-example-partner.yaml",
}
# CI platform → its files.
_PLATFORMS = {
    "github": {
        # The action is that of this program's own repository; its files are links there.
        ".github/actions/reconciler/action.yml": "action-action",
        **{
            f".github/actions/reconciler/{name}.py": f"action-{name}"
            for name in ("api", "install", "login", "reviewed", "run", "runner", "start")
        },
        **{
            f".github/workflows/reconciler-{name}.yml": f"workflow-{name}.yml"
            for name in ("plan", "apply", "drift", "revoke")
        },
    },
    "gitlab": {".gitlab/reconciler.yml": "gitlab-component.yml", ".gitlab-ci.yml": "gitlab-ci.yml"},
    "none": {},
}
# What a platform reads at the top of a repository only; {} is the directory of the project.
_AT_THE_TOP = {
    "github": "GitHub reads workflows there only, so move .github",
    "gitlab": (
        "GitLab reads .gitlab-ci.yml there only, so move it and .gitlab there, "
        "and add `project: {}` to the inputs of each include"
    ),
}
# Where jobs log in by what their platform signs, and where people only do.
_LOGIN_OF_JOBS = (
    "How CI logs in (reconciler bootstrap --ci). A token in VAULT_TOKEN is used whatever this says."
)
_LOGIN_BY_HAND = "How to log in: with the token in VAULT_TOKEN, else in ~/.vault-token."
_FALLBACK_NAME = "integrations"
_FALLBACK_PREFIX = "key"


@dataclass(frozen=True, slots=True)
class Made:
    """What ``init`` did. Paths are relative to the project; ``repository`` is a sentence about git,
    or empty."""

    created: tuple[str, ...]
    kept: tuple[str, ...]
    repository: str


def project_name(root: Path, asked: str | None) -> str:
    """``asked``, else a valid name made of the directory's. Raises ``UsageError`` RC014."""
    if asked is not None:
        if not is_name(asked):
            raise UsageError(
                "RC014",
                f"--name {asked!r} is not a name",
                "1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit",
            )
        return asked
    return (
        re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-")[:63].rstrip("-") or _FALLBACK_NAME
    )


def key_prefix(name: str) -> str:
    """The first part of issued keys, from the project's name: ``acme`` of ``acme-integrations``."""
    words = [re.sub(r"^[0-9]+", "", word)[:16] for word in name.split("-")]
    return next((word for word in words if len(word) > 1), _FALLBACK_PREFIX)


def make_project(
    root: Path,
    name: str,
    ci: str = "github",
) -> Made:
    """Write the files of a new project into ``root``, and make it a git repository when it is in
    none.

    Raises ``ReconcilerError`` RC015 when there is a project already (nothing is written then),
    RC016 when a file cannot be written (running it again goes on).
    """
    if os.path.lexists(root / _PROJECT_FILE):
        raise ReconcilerError(
            "RC015",
            f"{root / _PROJECT_FILE} exists: this is a project already",
            "go on with reconciler validate, or name another directory",
        )
    files = starter_files(name, ci)
    created = [path for path, text in files.items() if _write_new(root / path, text)]
    kept = [path for path in files if path not in created]
    return Made(tuple(sorted(created)), tuple(sorted(kept)), _ensure_repository(root, ci))


def starter_files(name: str, ci: str = "github") -> Mapping[str, str]:
    """Path → text of every file, in the order in which they are written.

    ``ci`` is a CI platform, or ``none``.
    """
    files = {f"schemas/{file_name(kind)}": schema_text(kind) for kind in KINDS}
    rows, _, steps = ("", "", "") if ci == "none" else _starter(f"README-{ci}.md").partition("\n\n")
    given = {
        "@NAME@": name,
        "@PREFIX@": key_prefix(name),
        "@FILES@": rows and f"{rows}\n",
        "@CI@": steps and f"{steps}\n",
        "@LOGIN@": _LOGIN_BY_HAND if ci == "none" else _LOGIN_OF_JOBS,
        "@STAGING@": _auth("staging", ci),
        "@PRODUCTION@": _auth("production", ci),
    }
    for path, source in (_STARTER | _PLATFORMS[ci] | {_PROJECT_FILE: "reconciler.yaml"}).items():
        text = _starter(source)
        for marker, value in given.items():
            text = text.replace(marker, value)
        files[path] = text
    return files


def _auth(environment: str, ci: str) -> str:
    return (
        "{method: token}"
        if ci == "none"
        else f"{{method: jwt, role: integrations-{environment}-plan}}"
    )


def _starter(source: str) -> str:
    return (resources.files("reconciler.app") / "starter" / source).read_text(encoding="utf-8")


def _write_new(path: Path, text: str) -> bool:
    """Write a file that does not exist; False, and nothing done, when there is something of that
    name."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("x", encoding="utf-8", newline="\n")
    except FileExistsError:
        if path.parent.is_dir():
            return False
        raise _unwritable(path, "a file stands where a folder is needed") from None
    except OSError as error:
        raise _unwritable(path, error.strerror or type(error).__name__) from None
    try:
        with file:
            file.write(text)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise _unwritable(path, error.strerror or type(error).__name__) from None
    return True


def _unwritable(path: Path, why: str) -> ReconcilerError:
    return ReconcilerError(
        "RC016",
        f"{path} cannot be written: {why}",
        "fix that and run the command again: it goes on where it stopped",
    )


def _ensure_repository(root: Path, ci: str) -> str:
    """Make ``root`` a git repository unless it lies in one. The files stay, whatever git says."""
    git = GitCommand(root)
    try:
        repository = git.repository
    except AuditError as error:
        if error.code != "RC602":
            return (
                "apply commits its report with git, and git cannot be asked about this directory:"
                f" {error.message}"
            )
    else:
        if not repository.prefix:
            return ""
        move = _AT_THE_TOP.get(ci, "").format(repository.prefix.rstrip("/"))
        return f"{repository.work_tree} is the top of this git repository: {move}" if move else ""
    try:
        git.make()
    except AuditError as error:
        return f"apply commits its report with git, and git init failed: {error.message}"
    return "a git repository was made (git init): it was in none"
