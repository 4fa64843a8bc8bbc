"""The project on disk: where it is, whose it is, and what it declares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import DeclarationError, ReconcilerError, UsageError

if TYPE_CHECKING:
    from reconciler.declare.clients.kept_files import KeptFiles
    from reconciler.domain.declared.checkout import Loaded
    from reconciler.domain.declared.desired import Desired, Environment, Project


def project_root(folder: Path | None, environ: Mapping[str, str]) -> Path:
    """The directory of ``reconciler.yaml``: ``folder`` itself, or the nearest one upwards from the
    working directory when there is none.

    Raises ``UsageError`` RC001, ``ReconcilerError`` RC042 for the project of somebody else.
    """
    from reconciler.declare.files.files import find_misnamed_project, find_project, show_path

    start = folder or Path.cwd()
    root = find_project(start)
    if root is None or (folder is not None and root != folder.resolve()):
        if (other := find_misnamed_project(start)) is not None:
            message = (
                f"{start} has {show_path(other)} and no reconciler.yaml: capitals count in names"
            )
            raise UsageError("RC001", message, f"rename {show_path(other)} to {other.lower()}")
        raise UsageError(
            "RC001",
            f"there is no reconciler.yaml in {start} or above",
            "go to your repository, name it with --project DIR, or make one with reconciler init",
        )
    refuse_foreign(root, environ)
    return root


def refuse_foreign(root: Path, environ: Mapping[str, str]) -> None:
    """Raises ``ReconcilerError`` RC042 when the project, or its reconciler.yaml, is another
    user's."""
    from reconciler.adapters.git.project_owner import is_foreign
    from reconciler.declare.files.files import project_paths

    if is_foreign(root, project_paths(root), environ):
        raise ReconcilerError(
            "RC042",
            f"{root} or its reconciler.yaml belongs to another user, who could name a server of"
            " theirs",
            f"if you trust that user: git config --global --add safe.directory {root}",
        )


def project_folder(folder: Path | None) -> str:
    """Where the project lies in its repository, ``/`` between the parts; empty at its root, or
    outside of both. Forges want paths from there, findings have theirs from the project."""
    from reconciler.declare.files.files import find_project

    root = find_project(folder or Path.cwd())
    if root is None:
        return ""
    top = next((above for above in (root, *root.parents) if (above / ".git").exists()), root)
    return "" if root == top else root.relative_to(top).as_posix()


def load_environment(root: Path, name: str) -> tuple[Project, Environment]:
    """The project and one environment, from ``reconciler.yaml`` alone: an emergency revocation must
    work while some client's file is broken. Raises ``DeclarationError`` and ``UsageError``
    RC002."""
    project, environment, _ = environment_and_files(root, name)
    return project, environment


def environment_and_files(root: Path, name: str) -> tuple[Project, Environment, Loaded]:
    """As ``load_environment``, and the files that say so."""
    from reconciler.declare.repository import load_project, unknown_environment

    project, findings, files = load_project(root)
    if project is None:
        remedy = "mend it and run the command again"
        raise DeclarationError("RC100", "reconciler.yaml is not valid", remedy, tuple(findings))
    if name not in project.environments:
        raise unknown_environment(project, name)
    return project, project.environments[name], files


def load_desired(
    root: Path,
    environment: str,
    kept: KeptFiles | None = None,
) -> Desired:
    """Everything declared for one environment. What is ``kept`` is not read anew.

    Raises ``DeclarationError`` with all findings, ``UsageError`` RC002.
    """
    from reconciler.declare.repository import load

    return load(root, environment, kept)
