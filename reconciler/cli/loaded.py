"""``reconciler.yaml`` alone, and what was read of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import DeclarationError, UsageError

if TYPE_CHECKING:
    from reconciler.domain.declared.checkout import Loaded
    from reconciler.domain.declared.desired import Environment, Project


def environment_and_files(root: Path, name: str) -> tuple[Project, Environment, Loaded]:
    """The project, one environment of it and the files that say so. Raises ``DeclarationError`` and
    ``UsageError`` RC002."""
    from reconciler.declare.repository import load_project_and_files

    project, findings, files = load_project_and_files(root)
    if project is None:
        remedy = "mend it and run the command again"
        raise DeclarationError("RC100", "reconciler.yaml is not valid", remedy, tuple(findings))
    if name not in project.environments:
        raise unknown_environment(project, name)
    return project, project.environments[name], files


def unknown_environment(project: Project, name: str) -> UsageError:
    from reconciler.domain.values.names import one_of

    remedy = one_of(project.environments, "declare it in reconciler.yaml")
    return UsageError("RC002", f"the project has no environment {name}", remedy)
