"""The terms of the commit before, for those who read a plan: what was loosened in the same
change."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.trust.base import NoBase, copy_files, find_named_base, usual_base
from reconciler.app.workplace import Workplace
from reconciler.declare.terms import FILES, list_named_files, load_terms
from reconciler.errors import DeclarationError

if TYPE_CHECKING:
    from reconciler.adapters.git.command import GitCommand
    from reconciler.domain.declared.desired import Desired
    from reconciler.domain.declared.terms import Terms
    from reconciler.planning.loosening.terms_before import Before

_SHORT = 12  # characters of a commit


def terms_before(
    workplace: Workplace,
    desired: Desired,
    base: str | None,
) -> Before | None:
    """The terms of ``base`` (None: of the commit that this is a change of) and those of today;
    None, with a line that says why, when there is nothing to compare. Raises ``UsageError`` RC027
    for a ``base`` that does not exist."""
    from reconciler.planning.loosening.terms_before import Before

    git, environment = workplace.git, desired.environment.name
    named = find_named_base(git, base) if base is not None else None
    try:
        commit = named or usual_base(git, desired.project.audit_path, workplace.environ)
        before = _terms_of(git, commit, environment)
        now = load_terms(workplace.root, environment)
    except NoBase as why:
        workplace.console.say(f"what is looser than before is not reported: {why}")
        return None
    return Before(before, now, f"commit {commit[:_SHORT]}") if now is not None else None


def _terms_of(
    git: GitCommand,
    commit: str,
    environment: str,
) -> Terms:
    """Raises ``NoBase``."""
    with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
        place = Path(folder)
        copy_files(git, commit, FILES, place)
        copy_files(git, commit, list_named_files(place), place)
        try:
            terms = load_terms(place, environment)
        except DeclarationError:
            raise NoBase(f"the declaration of commit {commit[:_SHORT]} is not valid") from None
    if terms is None:
        raise NoBase(f"commit {commit[:_SHORT]} has no declaration here")
    return terms
