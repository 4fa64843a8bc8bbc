"""Checks on one series (the versions of a key or of a signing secret). The unit of change here is
one function and one row in ``ISSUE`` , ``ROTATE`` or ``END``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import Lifecycle
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.live.record import Series, Version, VersionState
from reconciler.domain.plan.plan import Action, Risk
from reconciler.domain.values.canonical import JsonObject, iso
from reconciler.domain.values.window import Freeze
from reconciler.errors import Address
from reconciler.planning.actions.reasons import Cause, Reason, RotationRequest
from reconciler.planning.actions.schedule import rotation_due


@dataclass(frozen=True, slots=True)
class Subject:
    """A series by name: of which client, of which kind of credential, of which one."""

    client: str
    kind: CredentialKind
    item: str

    @property
    def address(self) -> Address:
        return self.kind.address(self.client, self.item)

    def action(
        self,
        kind: ActionKind,
        cause: Cause,
        version: int | None = None,
        *,
        before: JsonObject | None = None,
        after: JsonObject | None = None,
    ) -> Action:
        """What is done to it, or to one of its versions."""
        return cause.action(
            kind,
            self.address,
            client=self.client,
            item=self.item,
            version=version,
            before=before,
            after=after,
        )


@dataclass(frozen=True, slots=True)
class SeriesView:
    """All that a check may look at. ``info`` is None when nothing is at the secret's path;
    ``claimed`` holds the ids of secrets that were found there for a pending version."""

    subject: Subject
    path: str
    series: Series
    lifecycle: Lifecycle
    info: SecretInfo | None
    now: datetime
    freezes: Sequence[Freeze]
    request: RotationRequest | None = None
    stranger: bool = False  # the active version at the path is not the one on record
    claimed: frozenset[str] = frozenset()

    @property
    def held(self) -> bool:
        hold = self.series.hold
        return hold is not None and hold.version != self.lifecycle.reissue_after


IssueCheck = Callable[[SeriesView], Cause | None]
VersionCheck = Callable[[SeriesView, Version], Cause | None]


def describe_revoked(series: Series) -> str:
    """What a person revoked, in words."""
    return (
        f"version {series.last} was revoked"
        if series.last
        else "it was revoked before its first version"
    )


def never_issued(view: SeriesView) -> Cause | None:
    if view.series.last or view.series.hold is not None:
        return None
    return Cause(Reason.NOT_ISSUED, "no version has been issued yet")


def edited_without_active(view: SeriesView) -> Cause | None:
    """Nobody knows any more whether a version was revoked or held: issued anew, and told as
    drift."""
    if not view.series.edited:
        return None
    return Cause(
        Reason.RECORD_EDITED,
        "the record of this key was changed by hand and no version is active",
        Risk.HIGH,
    )


def hold_released(view: SeriesView) -> Cause | None:
    hold = view.series.hold
    if hold is None or view.held:
        return None
    return Cause(
        Reason.REISSUE_DECLARED,
        f"{describe_revoked(view.series)} ({hold.reason}) and reissueAfter allows a new one",
    )


def no_active_version(view: SeriesView) -> Cause | None:
    if view.held:
        return None
    return Cause(Reason.NOT_ISSUED, f"no version is active; the last one was {view.series.last}")


def record_edited(view: SeriesView, active: Version) -> Cause | None:
    if not view.series.edited:
        return None
    return Cause(
        Reason.RECORD_EDITED,
        "the record of this key was changed by hand: its versions cannot be trusted",
        Risk.CRITICAL,
    )


def secret_missing(view: SeriesView, active: Version) -> Cause | None:
    if view.info is None:
        return Cause(Reason.SECRET_MISSING, f"nothing is stored at {view.path} any more", Risk.HIGH)
    if active.number in view.info.deleted:
        return Cause(
            Reason.SECRET_MISSING,
            f"version {active.number} at {view.path} was deleted by hand",
            Risk.HIGH,
        )
    if view.info.current is not None and view.info.current < active.number:
        return Cause(Reason.SECRET_MISSING, f"{view.path} was deleted and written anew", Risk.HIGH)
    return None


def secret_overwritten(view: SeriesView, active: Version) -> Cause | None:
    if view.stranger:
        return Cause(
            Reason.SECRET_OVERWRITTEN,
            f"{view.path} was deleted and written anew by somebody else: its version"
            f" {active.number} is not ours and is never adopted",
            Risk.HIGH,
        )
    if view.info is None or view.info.current is None or view.info.current <= view.series.last:
        return None
    return Cause(
        Reason.SECRET_OVERWRITTEN,
        f"version {view.info.current} at {view.path} was not written by us; it is never adopted",
        Risk.HIGH,
    )


def secret_destroyed(view: SeriesView, active: Version) -> Cause | None:
    if view.info is None or active.number not in view.info.absent:
        return None
    return Cause(
        Reason.SECRET_DESTROYED,
        f"version {active.number} at {view.path} was destroyed by hand",
        Risk.HIGH,
    )


def version_expired(view: SeriesView, version: Version) -> Cause | None:
    if version.expires_at > view.now:
        return None
    return Cause(Reason.EXPIRED, f"version {version.number} expired {iso(version.expires_at)}")


def rotation_requested(view: SeriesView, active: Version) -> Cause | None:
    if view.request is None:
        return None
    return Cause(Reason.ROTATION_REQUESTED, f"asked for: {view.request.reason}")


def renewal_due(view: SeriesView, active: Version) -> Cause | None:
    due = rotation_due(
        view.subject.address, view.lifecycle, active.expires_at, view.now, view.freezes
    )
    return Cause(Reason.RENEWAL_DUE, due.sentence) if due.now else None


def algorithm_changed(view: SeriesView, active: Version) -> Cause | None:
    """A shared secret cannot sign as a key pair does, nor the other way round."""
    if active.asymmetric == view.lifecycle.asymmetric:
        return None
    sorts = ("a shared secret", "a key pair")
    is_now, wanted = sorts[active.asymmetric], sorts[view.lifecycle.asymmetric]
    return Cause(
        Reason.ALGORITHM_CHANGED,
        f"version {active.number} is {is_now}, and the declared algorithm needs {wanted}",
    )


def lifetime_shortened(view: SeriesView, active: Version) -> Cause | None:
    """A shorter lifetime applies to the version that is out already: it is due earlier, but keeps
    its grace."""
    shortened = active.issued_at + view.lifecycle.lifetime
    if shortened >= active.expires_at:
        return None
    due = rotation_due(view.subject.address, view.lifecycle, shortened, view.now, view.freezes)
    return (
        Cause(Reason.LIFETIME_SHORTENED, f"with the lifetime declared now: {due.sentence}")
        if due.now
        else None
    )


def grace_over(view: SeriesView, retiring: Version) -> Cause | None:
    if retiring.grace_until is None or retiring.grace_until > view.now:
        return None
    return Cause(
        Reason.GRACE_OVER,
        f"the grace of version {retiring.number} ended {iso(retiring.grace_until)}",
    )


def retiring_edited(view: SeriesView, retiring: Version) -> Cause | None:
    return record_edited(view, retiring)


ISSUE: list[IssueCheck] = [
    edited_without_active,  # first: nothing the record says of this key counts
    never_issued,  # a new key
    hold_released,  # a person revoked it and the declaration says go on
    no_active_version,  # left without one by a run that was cut short
]

ROTATE: list[VersionCheck] = [
    record_edited,  # first: nothing the record says of this key counts
    secret_missing,  # drift comes before dates: it breaks consumers now
    secret_overwritten,
    secret_destroyed,
    version_expired,
    rotation_requested,
    algorithm_changed,
    renewal_due,
    lifetime_shortened,
]

# That the secret of a retiring version is gone from Vault is no reason: consumers that hold it work
# on.
END: list[VersionCheck] = [
    retiring_edited,
    grace_over,
    version_expired,
]


def first_cause(view: SeriesView) -> Cause | None:
    """Why a new version must be issued now, None when it need not be."""
    active = view.series.active
    if active is None:
        return (
            None if view.held else next((cause for check in ISSUE if (cause := check(view))), None)
        )
    return next((cause for check in ROTATE if (cause := check(view, active))), None)


def end_cause(view: SeriesView, retiring: Version) -> Cause | None:
    """Why a retiring version must be revoked now."""
    assert retiring.state is VersionState.RETIRING
    return next((cause for check in END if (cause := check(view, retiring))), None)
