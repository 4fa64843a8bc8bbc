"""Whether a saved plan may still be applied: the plan that was reviewed is the plan that is
applied."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Action, Plan
from reconciler.domain.values.canonical import dumps, iso
from reconciler.domain.values.duration import format_duration
from reconciler.errors import StalePlanError
from reconciler.planning.actions.reasons import Reason, Removals

REMEDY = "make a new plan and have it reviewed"
# So many differences are told, the rest is counted.
_SHOWN = 5
# What sentences tell of times and of earlier runs, which may be otherwise another day: ids of runs,
# instants and days, numbers of versions, and how many there are. Every other number is a part of
# what was agreed to.
_RUN = re.compile(r"\b[0-9]{8}[Tt][0-9]{6}[Zz]-[0-9a-f]{12}-[0-9a-f]{4}\b")
_INSTANT = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?\b")
_VERSION = re.compile(r"\b(version |in use: )[0-9]+(?![\w.:/-])|(?<![^\s(])(v)[0-9]+(?![\w.:/-])")
_COUNT = re.compile(r"(?<![^\s(])[0-9]+ (run|key version)s?\b")
# The nodes of one cluster may tell the time a little differently.
CLOCKS_DIFFER = timedelta(minutes=5)


def refuse_wrong_target(saved: Plan, environment: str, project: str) -> None:
    """Raises ``StalePlanError`` RC391 when the plan was made for somewhere else."""
    if (saved.environment, saved.project) != (environment, project):
        raise StalePlanError(
            "RC391",
            f"the plan is for {saved.environment} of {saved.project}, not for {environment} of"
            f" {project}",
            f"apply it with -e {saved.environment}, or make a plan for {environment}",
        )


def list_proofs_asked(saved: Plan) -> frozenset[str]:
    """The webhooks that somebody asked to have proven when the plan was made."""
    return frozenset(
        one.address for one in saved.actions if one.reason == Reason.VERIFICATION_REQUESTED
    )


def read_agreed(saved: Plan) -> Removals | None:
    """What somebody agreed to end when the plan was made."""
    if saved.yes_remove is None:
        return None
    ended = frozenset(one.client for one in saved.actions if one.kind is ActionKind.RETIRE_CLIENT)
    return Removals(saved.yes_remove, ended)


def refuse_expired(saved: Plan, now: datetime, holds: timedelta) -> None:
    """Raises ``StalePlanError`` RC392, or RC390 for a plan of the future, by the server's time.

    ``holds`` is how long the project lets a plan hold: the file's own word for it is not enough,
    anybody can write another one into it.
    """
    if saved.created_at - now > CLOCKS_DIFFER:
        raise StalePlanError(
            "RC390",
            f"the plan is for {iso(saved.created_at)}, and it is {iso(now)} by the server's time",
            REMEDY,
        )
    if now >= saved.expires_at:
        raise StalePlanError("RC392", f"the plan expired {iso(saved.expires_at)}", REMEDY)
    if now - saved.created_at >= holds:
        raise StalePlanError(
            "RC392",
            f"the plan was made {iso(saved.created_at)}; plans of this project expire"
            f" {format_duration(holds)} later",
            REMEDY,
        )


def refuse_stale(saved: Plan, fresh: Plan) -> None:
    """Raises ``StalePlanError`` RC394 when ``fresh``, made now for the same clients and time, is
    another plan.

    A change of some other client does not matter, a new commit that leaves these clients alone
    neither.
    """
    names = sorted({*saved.revisions, *fresh.revisions})
    for name in names:
        if saved.revisions.get(name) != fresh.revisions.get(name):
            raise stale_error(name, "its live record changed")
        if saved.desired_digests.get(name) != fresh.desired_digests.get(name):
            raise stale_error(name, "its declaration changed")
        ours = [action for action in saved.actions if action.client == name]
        theirs = [action for action in fresh.actions if action.client == name]
        if ours != theirs:
            raise stale_error(name, "something else would be done now")


def refuse_unreviewed(reviewed: Plan, fresh: Plan) -> None:
    """Raises ``StalePlanError`` RC389 when ``fresh``, made now for the clients of ``reviewed``,
    does something else.

    Other than ``refuse_stale`` it does not mind which commit, which revision or when: a pull
    request is planned on a commit that never becomes part of the branch, often days before. What
    would be done has to be the same to the last field, and so has what was said of it: a file may
    hold any sentence, and people decide by them. Only times, versions and what tells of earlier
    runs may differ in sentences.
    """
    differences = list(_differences(reviewed, fresh))
    if differences:
        more = f" (and {len(differences) - _SHOWN} more)" if len(differences) > _SHOWN else ""
        raise StalePlanError(
            "RC389",
            "something else would be done now than was reviewed:"
            f" {'; '.join(differences[:_SHOWN])}{more}",
            "look at a new plan for this commit and have that one reviewed",
        )


def _differences(reviewed: Plan, fresh: Plan) -> Iterator[str]:
    before, now = (Counter(map(_content, plan.changes)) for plan in (reviewed, fresh))
    gone, added = before - now, now - before
    for action in reviewed.changes:
        if _content(action) in gone:
            yield f"no longer {_name_action(action)}"
    for action in fresh.changes:
        if _content(action) in added:
            yield f"not reviewed: {_name_action(action)}"
    if not (gone or added):  # else the other words are those of what differs
        yield from _find_reworded(reviewed, fresh)
    known = {(one.approver, address) for one in reviewed.approvals for address in one.addresses}
    for one in fresh.approvals:
        if any((one.approver, address) not in known for address in one.addresses):
            yield f"not known then: {one.approver} has to agree"


def _content(action: Action) -> str:
    """What an action does; two of a plan may be of one kind and address."""
    return dumps(asdict(replace(action, message="", risk_reasons=())))


def _find_reworded(reviewed: Plan, fresh: Plan) -> Iterator[str]:
    """Actions that are the same, of which something else was said."""
    unsaid = Counter(map(_dump_words, reviewed.changes)) - Counter(map(_dump_words, fresh.changes))
    for action in reviewed.changes:
        if _dump_words(action) in unsaid:
            yield f"other reasons than were told for {_name_action(action)}"


def _dump_words(action: Action) -> str:
    words = (_timeless(text) for text in (action.message, *action.risk_reasons))
    return dumps([_content(action), *words])


def _timeless(sentence: str) -> str:
    """``sentence`` with a sign for each instant, version, run and count of these."""
    plain = _INSTANT.sub("#", _RUN.sub("#", sentence))
    return _COUNT.sub(r"# \1", _VERSION.sub(lambda found: f"{found[1] or found[2]}#", plain))


def take_compared(plan: Plan) -> Plan:
    """The part of a reviewed plan that ``refuse_unreviewed`` holds against the one made anew.
    Whatever else a file says (findings, approvals, unfinished business, no-ops, its commit) nobody
    has looked at."""
    return replace(
        plan,
        actions=plan.changes,
        findings=(),
        approvals=(),
        unfinished=(),
        sources={},
        git_commit=None,
        yes_remove=None,
        dirty=(),
        rollback_from=None,
    )


def _name_action(action: Action) -> str:
    return f"{action.kind.value} {action.address} ({action.reason})"


def stale_error(client: str, why: str) -> StalePlanError:
    """RC394: the plan does not fit ``client`` any more."""
    return StalePlanError(
        "RC394", f"the plan is stale for client {client}: {why} since it was made", REMEDY
    )


def list_touched(saved: Plan) -> Collection[str]:
    """The clients that a saved plan is about."""
    return frozenset(saved.revisions)
