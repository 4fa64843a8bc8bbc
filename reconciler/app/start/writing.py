"""How ``init`` writes a repository: files of ``starter/``, filled in, where nothing is yet."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path

from reconciler.adapters.git.command import GitCommand
from reconciler.dataclass import dataclass
from reconciler.errors import AuditError, ReconcilerError

# What a platform reads at the top of a repository only; {} is the directory of the project.
_AT_THE_TOP = {
    "github": "GitHub reads workflows there only, so move .github",
    "gitlab": (
        "GitLab reads .gitlab-ci.yml there only, so move it and .gitlab there, "
        "and add `project: {}` to the inputs of each include"
    ),
}


@dataclass(frozen=True, slots=True)
class Made:
    """What ``init`` did. Paths are relative to the project; ``repository`` is a sentence about git,
    or empty."""

    created: tuple[str, ...]
    kept: tuple[str, ...]
    repository: str


def write_files(root: Path, files: Mapping[str, str], ci: str) -> Made:
    """Write ``files`` (path below ``root`` → text) in their order, those that are not there, and
    make ``root`` a git repository when it is in none. ``ci`` is a CI platform, or ``none``.

    Raises ``ReconcilerError`` RC016 when a file cannot be written (running it again goes on).
    """
    created = [path for path, text in files.items() if _write_new(root / path, text)]
    kept = [path for path in files if path not in created]
    return Made(tuple(sorted(created)), tuple(sorted(kept)), _ensure_repository(root, ci))


def fill_starter(source: str, given: Mapping[str, str]) -> str:
    """The text of a file of ``starter/``, with the values of ``given`` for its markers."""
    text = _read(source)
    for marker, value in given.items():
        text = text.replace(marker, value)
    return text


def read_platform(source: str) -> tuple[str, str]:
    """What the README says of a CI platform: rows for the table of files, and the steps to take.
    Each ends with a line end, or is empty."""
    rows, _, steps = _read(source).partition("\n\n")
    return rows and f"{rows}\n", f"{steps}\n"


def _read(source: str) -> str:
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
