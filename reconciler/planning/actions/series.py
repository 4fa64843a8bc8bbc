"""Actions for one series: claims left behind, a new version, the end of old ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live import transitions
from reconciler.domain.live.record import USABLE, Series, SeriesKind, Version, VersionState
from reconciler.domain.plan.plan import Action
from reconciler.domain.values.duration import format_duration
from reconciler.planning.actions.checks import SeriesView, end_cause, first_cause, revoked
from reconciler.planning.actions.reasons import Cause, Reason


@dataclass(frozen=True, slots=True)
class SeriesKinds:
    """The action kinds of a sort of series: keys and signing secrets live the same life."""

    issue: ActionKind
    rotate: ActionKind
    revoke: ActionKind


KINDS = {
    SeriesKind.KEY: SeriesKinds(ActionKind.ISSUE_KEY, ActionKind.ROTATE_KEY, ActionKind.REVOKE_KEY),
    SeriesKind.WEBHOOK: SeriesKinds(
        ActionKind.ISSUE_SECRET, ActionKind.ROTATE_SECRET, ActionKind.REVOKE_SECRET
    ),
}


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """``usable``: a version will be active afterwards.

    ``renewed``: it will be another one than now.
    """

    actions: tuple[Action, ...]
    usable: bool
    renewed: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """Which series the actions are about."""

    client: str
    kind: SeriesKind
    item: str
    address: str

    def action(
        self,
        kind: ActionKind,
        cause: Cause,
        version: int | None = None,
        before: dict[str, object] | None = None,
        after: dict[str, object] | None = None,
    ) -> Action:
        return Action(
            kind,
            self.address,
            cause.reason.value,
            cause.message,
            cause.risk,
            self.client,
            self.item,
            version,
            before,
            after,
        )


def plan_series(subject: Subject, view: SeriesView, claimed_ids: frozenset[str]) -> SeriesPlan:
    """Actions for a series that is declared and whose client is live."""
    actions: list[Action] = []
    pending = view.series.pending
    settled = view.series
    if pending is not None:
        action, settled = settle_claim(subject, view, pending, claimed_ids)
        actions.append(action)
    view = replace(view, series=settled)
    cause = first_cause(view)
    active = settled.active
    if cause is not None:
        actions.append(_new_version(subject, view, cause))
    elif active is None:
        actions.append(_held(subject, view))
    actions += _endings(subject, view, cause)
    adopted = pending is not None and active is not None and active.number == pending.number
    usable = cause is not None or active is not None
    return SeriesPlan(tuple(actions), usable, renewed=cause is not None or adopted)


def settle_claim(
    subject: Subject, view: SeriesView, pending: Version, claimed_ids: frozenset[str]
) -> tuple[Action, Series]:
    """What to do with a claim that an earlier run left, and the series as it will be then."""
    if pending.id in claimed_ids and not view.series.edited:
        message = (
            f"an earlier run ({pending.run}) wrote version {pending.number} but did not commit it"
        )
        action = subject.action(
            ActionKind.ADOPT_CLAIM, Cause(Reason.CLAIM_WRITTEN, message), pending.number
        )
        return action, transitions.activate(
            view.series, pending.number, view.now, view.lifecycle.grace
        )
    message = (
        f"an earlier run ({pending.run}) claimed version {pending.number} but did not write it"
    )
    action = subject.action(
        ActionKind.ABANDON_CLAIM, Cause(Reason.CLAIM_NOT_WRITTEN, message), pending.number
    )
    return action, transitions.abandon(view.series, pending.number)


def _new_version(subject: Subject, view: SeriesView, cause: Cause) -> Action:
    active = view.series.active
    kinds = KINDS[subject.kind]
    kind = kinds.issue if active is None else kinds.rotate
    # The next number that neither the record nor Vault has used; the protocol counts in the same
    # way.
    known = view.info.current if view.info is not None and view.info.current is not None else 0
    after: dict[str, object] = {"version": max(view.series.last, known) + 1}
    if active is None:
        return subject.action(
            kind, cause, None, None, {**after, "lifetime": format_duration(view.lifecycle.lifetime)}
        )
    if replace_without_grace(view, active, cause) is None:
        until = format_duration(view.lifecycle.grace)
        cause = replace(
            cause,
            message=f"{cause.message}; version {active.number} stays valid for {until} at most",
        )
    return subject.action(kind, cause, None, {"version": active.number}, after)


def _held(subject: Subject, view: SeriesView) -> Action:
    hold = view.series.hold
    # without a hold, a series without an active version has a cause to issue one
    assert hold is not None
    where = place(subject.kind, subject.item)
    incident = f", {hold.incident}" if hold.incident else ""
    message = (
        f"{revoked(view.series)} ({hold.reason}{incident}): "
        f"declare reissueAfter: {hold.version} on {where} to have a new one issued"
    )
    return subject.action(
        ActionKind.NO_OP, Cause(Reason.REVOCATION_HELD, message), view.series.last or None
    )


def place(kind: SeriesKind, item: str) -> str:
    """Where in a declaration the life cycle of a series stands, in words."""
    return f"key {item}" if kind is SeriesKind.KEY else f"the secret of webhook {item}"


def _endings(subject: Subject, view: SeriesView, cause: Cause | None) -> list[Action]:
    """Revocations of old versions, and of the present one when its successor gives it no grace."""
    kinds = KINDS[subject.kind]
    actions = []
    for version in view.series.versions:
        if version.state is VersionState.ACTIVE and cause is not None:
            ends = replace_without_grace(view, version, cause)
            if ends is not None:
                actions.append(
                    subject.action(
                        kinds.revoke, ends, version.number, _shown(version), _ended(version)
                    )
                )
        elif (
            version.state is VersionState.RETIRING
            and (over := end_cause(view, version)) is not None
        ):
            actions.append(
                subject.action(kinds.revoke, over, version.number, _shown(version), _ended(version))
            )
        elif (
            version.state is VersionState.REVOKED
            and (left := _left_over(view, version)) is not None
        ):
            actions.append(subject.action(ActionKind.DESTROY_VERSION, left, version.number))
    return actions


def replace_without_grace(view: SeriesView, active: Version, cause: Cause) -> Cause | None:
    """Why the version that is being replaced ends at once instead of retiring."""
    if cause.reason is Reason.RECORD_EDITED:
        return Cause(Reason.RECORD_EDITED, f"version {active.number} may not be the one we issued")
    if transitions.grace_end(active, view.now, view.lifecycle.grace) > view.now:
        return None
    ended = active.expires_at <= view.now
    why = "has expired" if ended else "has no grace"
    return Cause(Reason.EXPIRED if ended else Reason.GRACE_OVER, f"version {active.number} {why}")


def _left_over(view: SeriesView, revoked: Version) -> Cause | None:
    """A revoked version whose secret was not seen destroyed, or is there again."""
    if revoked.destroyed_at is None:
        return Cause(
            Reason.NOT_DESTROYED,
            f"version {revoked.number} is revoked but not known to be destroyed",
        )
    if view.info is not None and view.info.holds(revoked.number):
        return Cause(Reason.NOT_DESTROYED, f"revoked version {revoked.number} can still be read")
    return None


def _shown(version: Version) -> dict[str, object]:
    return {"id": version.id, "state": version.state.value}


def _ended(version: Version, state: VersionState = VersionState.REVOKED) -> dict[str, object]:
    return {"id": version.id, "state": state.value}


def end_series(subject: Subject, view: SeriesView, cause: Cause) -> list[Action]:
    """Actions that end every usable version of a series at once (client removed, retired, webhook
    removed)."""
    revoke = KINDS[subject.kind].revoke
    actions = [
        subject.action(revoke, cause, version.number, _shown(version), _ended(version))
        for version in view.series.in_state(*USABLE)
    ]
    actions += [
        subject.action(ActionKind.DESTROY_VERSION, left, version.number)
        for version in view.series.in_state(VersionState.REVOKED)
        if (left := _left_over(view, version)) is not None
    ]
    return actions


def finish_series(subject: Subject, view: SeriesView) -> list[Action]:
    """Actions for a series of a live client that is no longer declared: start its grace, end what
    is over."""
    actions: list[Action] = []
    revoke = KINDS[subject.kind].revoke
    for version in view.series.versions:
        if version.state is VersionState.ACTIVE and not view.series.edited:
            message = (
                f"key {subject.item} is no longer declared; version {version.number} works on"
                " through its grace"
            )
            cause = Cause(Reason.KEY_REMOVED, message)
            grace = {
                **_ended(version, VersionState.RETIRING),
                "grace": format_duration(view.lifecycle.grace),
            }
            actions.append(
                subject.action(ActionKind.RETIRE_KEY, cause, version.number, _shown(version), grace)
            )
            if (ends := replace_without_grace(view, version, cause)) is not None:
                actions.append(
                    subject.action(revoke, ends, version.number, _shown(version), _ended(version))
                )
        elif version.state in (VersionState.PENDING, VersionState.ACTIVE):
            cause = Cause(Reason.KEY_REMOVED, f"key {subject.item} is no longer declared")
            actions.append(
                subject.action(revoke, cause, version.number, _shown(version), _ended(version))
            )
    return actions + _endings(subject, view, None)


def rest_series(subject: Subject, view: SeriesView, claimed_ids: frozenset[str]) -> list[Action]:
    """Actions for a series of a suspended client: claims are settled and old versions end, nothing
    is issued."""
    actions: list[Action] = []
    pending = view.series.pending
    if pending is not None:
        action, settled = settle_claim(subject, view, pending, claimed_ids)
        actions.append(action)
        view = replace(view, series=settled)
    return actions + _endings(subject, view, None)
