"""What a plan makes of the checkout that it is made in: whether an absence is a removal, whether
HEAD is a step back, whether a commit holds what is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.domain.declared.checkout import Applied, Checkout, Descent
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import Observed
from reconciler.domain.plan.plan import Action, Risk
from reconciler.errors import NOWHERE, Finding, Level
from reconciler.planning.actions.inputs import Standing
from reconciler.planning.actions.reasons import Reason

_SHORT = 12  # digits of a commit that are shown
_SHOWN = 5  # paths
# A plan and a run on record name so many uncommitted paths.
MOST_PATHS = 1000
_WORK_IN_GIT = (
    "work in a clone of the repository whose git answers; a project without git says so (audit:"
    " {git: false})"
)
_FETCH = "fetch the whole history (git fetch --unshallow; in CI fetch-depth: 0, GIT_DEPTH: 0)"


def shorten(commit: str | None) -> str:
    """A commit for people."""
    return (commit or "none")[:_SHORT]


def raise_rollback(actions: Sequence[Action], standing: Standing) -> tuple[Action, ...]:
    """``actions``; each change of a step back is critical."""
    if standing.rolled_back_from is None:
        return tuple(actions)
    why = (
        f"a rollback: commit {shorten(standing.rolled_back_from)} was applied last, and HEAD does"
        " not build on it"
    )
    return tuple(
        (
            action
            if action.kind is ActionKind.NO_OP
            else replace(action, risk=Risk.CRITICAL, risk_reasons=(why, *action.risk_reasons))
        )
        for action in actions
    )


def find_removals(actions: Iterable[Action]) -> list[Action]:
    """The clients that end because nothing declares them any more."""
    return [
        one
        for one in actions
        if one.kind is ActionKind.RETIRE_CLIENT and one.reason == Reason.DECLARATION_REMOVED
    ]


@dataclass(frozen=True, slots=True)
class RemovalDoubt:
    """Why it is not proven that somebody removed a declaration, and what to do."""

    why: str
    remedy: str
    code: str = "RC372"


def doubt_of(client: str, standing: Standing, environment: str) -> RemovalDoubt | None:
    """None: somebody removed the declaration of ``client``, and a commit proves it."""
    checkout = standing.checkout
    if checkout.trouble:
        return RemovalDoubt(
            f"that proves nothing: {checkout.trouble}",
            "fix that, then plan again; or declare it with state: retired",
        )
    if not checkout.holds_project:
        return RemovalDoubt(
            "HEAD does not hold reconciler.yaml of this project", "commit the project first"
        )
    if checkout.declared is None:
        why = "HEAD's version of a changed file cannot be read"
        return RemovalDoubt(why, _unfilter(checkout) or "commit what corrects it first")
    if client in checkout.declared:
        return RemovalDoubt(
            f"HEAD ({shorten(checkout.head)}) declares it: git hides the file here, or it was"
            " removed without a commit",
            "bring the file back (git status, git sparse-checkout list), or commit its removal",
        )
    if client in checkout.remembered:
        return RemovalDoubt(
            "it was applied from a file that no commit held, so that another checkout may still"
            " declare it",
            "commit the file (git add --force where git ignores it), apply that, and remove it in a"
            " later commit; or declare it with state: retired",
        )
    if standing.astray and not standing.allowed:
        return RemovalDoubt(_astray(checkout), _way_back(checkout))
    if checkout.head is not None and checkout.descent is Descent.FIRST:
        return RemovalDoubt(
            "no applied commit is on record yet, so this clone may be old",
            "put one on record: check out the commit that still declares it and run reconciler"
            f" apply -e {environment}; or, if this is the newest commit, run reconciler apply -e"
            f" {environment} --only CLIENT with a client that stays; then plan again. With state:"
            " retired no commit on record is needed",
            "RC374",
        )
    return None


def next_applied(checkout: Checkout, run_id: str, observed: Observed) -> Applied | None:
    """What an apply from this checkout puts on record; None where there is no commit. A client that
    no document of HEAD declared is known as such until an apply of a commit that does."""
    if checkout.commit is None:
        return None
    kept = {
        name
        for name in checkout.remembered
        if name in observed.records and name not in checkout.committed
    }
    return Applied(checkout.commit, run_id, observed.now, frozenset(kept | checkout.uncommitted))


def checkout_findings(standing: Standing) -> Iterator[Finding]:
    """What is reported of the checkout. An error: nothing may be applied from it."""
    checkout = standing.checkout
    if checkout.dirty:
        whose = (
            f"HEAD ({shorten(checkout.head)}) does not hold" if checkout.head else "no commit holds"
        )
        yield Finding(
            "RC371",
            Level.WARNING,
            f"{whose} what is used here: {_list_paths(checkout.dirty)}",
            NOWHERE,
            _unfilter(checkout)
            or "commit it or undo it; otherwise nobody can tell from git what was applied",
        )
    if standing.rollback is not None and standing.astray and not standing.allowed:
        yield Finding(
            "RC373",
            Level.ERROR,
            f"--allow-rollback names {standing.rollback!r:.80}, and HEAD is {shorten(checkout.head)}",
            NOWHERE,
            f"name the commit to go back to: --allow-rollback {shorten(checkout.head)}",
        )
    elif standing.astray and standing.allowed:
        yield Finding(
            "RC375",
            Level.WARNING,
            f"a rollback, which --allow-rollback allows: {_astray(checkout)}",
            NOWHERE,
            "check that everything which the newer commit brought may go",
        )
    elif standing.astray:
        level = Level.ERROR if standing.applying else Level.WARNING
        yield Finding(
            "RC373", level, f"{_astray(checkout)}: apply refuses it", NOWHERE, _way_back(checkout)
        )


def _astray(checkout: Checkout) -> str:
    head, applied = shorten(checkout.head), shorten(checkout.applied)
    if checkout.descent is Descent.BESIDE:
        return f"HEAD ({head}) does not build on commit {applied}, which was applied last"
    why = checkout.trouble or "the history is cut off in this clone"
    return (
        f"it is not known whether HEAD ({head}) builds on commit {applied}, which was applied last:"
        f" {why}"
    )


def _way_back(checkout: Checkout) -> str:
    if checkout.descent is Descent.UNKNOWN:
        if not checkout.trouble:
            return _FETCH
        return "fix that, then plan again" if checkout.head is not None else _WORK_IN_GIT
    return (
        "check out the newest commit, or merge it into this branch; where the history was"
        " rewritten (amend, rebase, squash), or to go back on purpose, add --allow-rollback"
        f" {shorten(checkout.head)}"
    )


def _unfilter(checkout: Checkout) -> str:
    """What to do about files that differ from HEAD because of a filter; empty when there is
    none."""
    if not checkout.filtered:
        return ""
    paths = _list_paths(checkout.filtered)
    return f"take out of the filters in .gitattributes, and commit anew: {paths}"


def _list_paths(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more
