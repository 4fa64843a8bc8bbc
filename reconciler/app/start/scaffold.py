"""What ``init`` writes: a working repository, in which nothing that is there already is touched."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from reconciler.app.start.writing import Made, fill_starter, read_platform, write_files
from reconciler.declare.schema.schemas import KINDS, file_name, schema_text
from reconciler.domain.values.names import is_name
from reconciler.errors import ReconcilerError, UsageError

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
# Where jobs log in by what their platform signs, and where people only do.
_LOGIN_OF_JOBS = (
    "How CI logs in (reconciler bootstrap --ci). A token in VAULT_TOKEN is used whatever this says."
)
_LOGIN_BY_HAND = "How to log in: with the token in VAULT_TOKEN, else in ~/.vault-token."
_FALLBACK_NAME = "integrations"
_FALLBACK_PREFIX = "key"


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
    return write_files(root, files, ci)


def starter_files(name: str, ci: str = "github") -> Mapping[str, str]:
    """Path → text of every file, in the order in which they are written.

    ``ci`` is a CI platform, or ``none``.
    """
    files = {f"schemas/{file_name(kind)}": schema_text(kind) for kind in KINDS}
    rows, steps = ("", "") if ci == "none" else read_platform(f"README-{ci}.md")
    given = {
        "@NAME@": name,
        "@PREFIX@": key_prefix(name),
        "@FILES@": rows,
        "@CI@": steps,
        "@LOGIN@": _LOGIN_BY_HAND if ci == "none" else _LOGIN_OF_JOBS,
        "@STAGING@": _auth("staging", ci),
        "@PRODUCTION@": _auth("production", ci),
    }
    for path, source in (_STARTER | _PLATFORMS[ci] | {_PROJECT_FILE: "reconciler.yaml"}).items():
        files[path] = fill_starter(source, given)
    return files


def _auth(environment: str, ci: str) -> str:
    return (
        "{method: token}"
        if ci == "none"
        else f"{{method: jwt, role: integrations-{environment}-plan}}"
    )
