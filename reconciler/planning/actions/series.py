"""Actions for one series: claims left behind, a new version, the end of old ones."""

from __future__ import annotations

from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live import transitions
from reconciler.domain.live.record import USABLE, Series, Version, VersionState
from reconciler.domain.plan.plan import Action
from reconciler.domain.values.duration import format_duration
from reconciler.planning.actions.checks import SeriesView, describe_revoked, end_cause, first_cause
from reconciler.planning.actions.reasons import Cause, Reason


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """``usable``: a version will be active afterwards.

    ``renewed``: it will be another one than now.
    """

    actions: tuple[Action, ...]
    usable: bool
    renewed: bool


def plan_series(view: SeriesView) -> SeriesPlan:
    """Actions for a series that is declared and whose client is live."""
    actions: list[Action] = []
    pending = view.series.pending
    settled = view.series
    if pending is not None:
        action, settled = settle_claim(view, pending)
        actions.append(action)
    view = replace(view, series=settled)
    cause = first_cause(view)
    active = settled.active
    if cause is not None:
        actions.append(_new_version(view, cause))
    elif active is None:
        actions.append(_explain_hold(view))
    actions += _endings(view, cause)
    adopted = pending is not None and active is not None and active.number == pending.number
    usable = cause is not None or active is not None
    return SeriesPlan(tuple(actions), usable, renewed=cause is not None or adopted)


def settle_claim(view: SeriesView, pending: Version) -> tuple[Action, Series]:
    """What to do with a claim that an earlier run left, and the series as it will be then."""
    if pending.id in view.claimed and not view.series.edited:
        message = (
            f"an earlier run ({pending.run}) wrote version {pending.number} but did not commit it"
        )
        action = view.subject.action(
            ActionKind.ADOPT_CLAIM, Cause(Reason.CLAIM_WRITTEN, message), pending.number
        )
        return action, transitions.activate(
            view.series, pending.number, view.now, view.lifecycle.grace
        )
    message = (
        f"an earlier run ({pending.run}) claimed version {pending.number} but did not write it"
    )
    action = view.subject.action(
        ActionKind.ABANDON_CLAIM, Cause(Reason.CLAIM_NOT_WRITTEN, message), pending.number
    )
    return action, transitions.abandon(view.series, pending.number)


def _new_version(view: SeriesView, cause: Cause) -> Action:
    active = view.series.active
    kind = view.subject.kind.issue if active is None else view.subject.kind.rotate
    # The next number that neither the record nor Vault has used; the protocol counts in the same
    # way.
    known = view.info.current if view.info is not None and view.info.current is not None else 0
    after: dict[str, object] = {"version": max(view.series.last, known) + 1}
    if active is None:
        return view.subject.action(
            kind, cause, after={**after, "lifetime": format_duration(view.lifecycle.lifetime)}
        )
    if replace_without_grace(view, active, cause) is None:
        until = format_duration(view.lifecycle.grace)
        cause = replace(
            cause,
            message=f"{cause.message}; version {active.number} stays valid for {until} at most",
        )
    return view.subject.action(kind, cause, before={"version": active.number}, after=after)


def _explain_hold(view: SeriesView) -> Action:
    hold = view.series.hold
    # without a hold, a series without an active version has a cause to issue one
    assert hold is not None
    where = view.subject.kind.place.format(view.subject.item)
    incident = f", {hold.incident}" if hold.incident else ""
    message = (
        f"{describe_revoked(view.series)} ({hold.reason}{incident}): "
        f"declare reissueAfter: {hold.version} on {where} to have a new one issued"
    )
    return view.subject.action(
        ActionKind.NO_OP, Cause(Reason.REVOCATION_HELD, message), view.series.last or None
    )


def _endings(view: SeriesView, cause: Cause | None) -> list[Action]:
    """Revocations of old versions, and of the present one when its successor gives it no grace."""
    actions = []
    for version in view.series.versions:
        if version.state is VersionState.ACTIVE and cause is not None:
            if (ends := replace_without_grace(view, version, cause)) is not None:
                actions.append(_revocation(view, version, ends))
        elif version.state is VersionState.RETIRING:
            if (over := end_cause(view, version)) is not None:
                actions.append(_revocation(view, version, over))
        elif version.state is VersionState.REVOKED:
            actions += _destructions(view, version)
    return actions


def _revocation(view: SeriesView, version: Version, cause: Cause) -> Action:
    return view.subject.action(
        view.subject.kind.revoke,
        cause,
        version.number,
        before=_describe(version),
        after=_describe_end(version),
    )


def replace_without_grace(view: SeriesView, active: Version, cause: Cause) -> Cause | None:
    """Why the version that is being replaced ends at once instead of retiring."""
    if cause.reason is Reason.RECORD_EDITED:
        return Cause(Reason.RECORD_EDITED, f"version {active.number} may not be the one we issued")
    if transitions.grace_end(active, view.now, view.lifecycle.grace) > view.now:
        return None
    ended = active.expires_at <= view.now
    why = "has expired" if ended else "has no grace"
    return Cause(Reason.EXPIRED if ended else Reason.GRACE_OVER, f"version {active.number} {why}")


def _destructions(view: SeriesView, revoked: Version) -> list[Action]:
    """Of a revoked version whose secret was not seen destroyed, or is there again."""
    if revoked.destroyed_at is None:
        message = f"version {revoked.number} is revoked but not known to be destroyed"
    elif view.info is not None and view.info.holds(revoked.number):
        message = f"revoked version {revoked.number} can still be read"
    else:
        return []
    cause = Cause(Reason.NOT_DESTROYED, message)
    return [view.subject.action(ActionKind.DESTROY_VERSION, cause, revoked.number)]


def _describe(version: Version) -> dict[str, object]:
    return {"id": version.id, "state": version.state.value}


def _describe_end(
    version: Version, state: VersionState = VersionState.REVOKED
) -> dict[str, object]:
    return {"id": version.id, "state": state.value}


def end_series(view: SeriesView, cause: Cause) -> list[Action]:
    """Actions that end every usable version of a series at once (client removed, retired, webhook
    removed)."""
    actions = [_revocation(view, version, cause) for version in view.series.in_state(*USABLE)]
    for version in view.series.in_state(VersionState.REVOKED):
        actions += _destructions(view, version)
    return actions


def finish_series(view: SeriesView) -> list[Action]:
    """Actions for a series of a live client that is no longer declared: start its grace, end what
    is over; or end all of it at once, where its kind knows no grace without a successor."""
    kind = view.subject.kind
    reason, gone = Reason(kind.removed), f"{kind.word} {view.subject.item} is no longer declared"
    if kind.retire is None:
        return end_series(view, Cause(reason, gone))
    actions: list[Action] = []
    for version in view.series.versions:
        if version.state is VersionState.ACTIVE and not view.series.edited:
            cause = Cause(
                reason,
                f"{gone}; version {version.number} works on through its grace",
            )
            grace = format_duration(view.lifecycle.grace)
            actions.append(
                view.subject.action(
                    kind.retire,
                    cause,
                    version.number,
                    before=_describe(version),
                    after={**_describe_end(version, VersionState.RETIRING), "grace": grace},
                )
            )
            if (ends := replace_without_grace(view, version, cause)) is not None:
                actions.append(_revocation(view, version, ends))
        elif version.state in (VersionState.PENDING, VersionState.ACTIVE):
            actions.append(_revocation(view, version, Cause(reason, gone)))
    return actions + _endings(view, None)


def rest_series(view: SeriesView) -> list[Action]:
    """Actions for a series of a suspended client: claims are settled and old versions end, nothing
    is issued."""
    actions: list[Action] = []
    pending = view.series.pending
    if pending is not None:
        action, settled = settle_claim(view, pending)
        actions.append(action)
        view = replace(view, series=settled)
    return actions + _endings(view, None)
