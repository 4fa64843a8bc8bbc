"""One case table per chain of checks on a series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.kinds import credentials
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.live.record import Hold, Series, Version, VersionState
from reconciler.planning.actions import checks
from reconciler.planning.actions.checks import SeriesView, Subject, end_cause, first_cause
from reconciler.planning.actions.reasons import Reason, RotationRequest
from tests.kit.worlds.declared import lifecycle
from tests.kit.worlds.memory import START

DAY = timedelta(days=1)
KEY = lifecycle("90d", "30d", "72h")


def version(number: int, state: VersionState, age: timedelta = DAY, **changes: object) -> Version:
    issued = START - age
    made = Version(
        number, f"id{number}", state, "0" * 64, "NotIssued", "run", issued, issued + KEY.lifetime
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def active(age: timedelta = DAY, number: int = 1) -> Series:
    return Series((version(number, VersionState.ACTIVE, age),), number)


def view(series: Series, **changes: object) -> SeriesView:
    made = SeriesView(
        Subject("a", credentials.KEY, "k"),
        "keys/a.k",
        series,
        KEY,
        SecretInfo(series.last),
        START,
        (),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


REVOKED = Series((version(1, VersionState.REVOKED),), 1)
HELD = replace(REVOKED, hold=Hold(1, "compromise", None, START))
ALLOWED = lifecycle("90d", "30d", "72h", reissue_after=1)

ISSUE: list[tuple[str, SeriesView, Reason | None]] = [
    ("a new key", view(Series()), Reason.NOT_ISSUED),
    ("left without an active version", view(REVOKED), Reason.NOT_ISSUED),
    ("held", view(HELD), None),
    ("held and allowed", view(HELD, lifecycle=ALLOWED), Reason.REISSUE_DECLARED),
    (
        "held again since",
        view(replace(HELD, hold=Hold(2, "x", None, START)), lifecycle=ALLOWED),
        None,
    ),
    (
        "held, a higher number is declared",
        view(HELD, lifecycle=replace(ALLOWED, reissue_after=2)),
        None,
    ),
    ("held before its first version", view(Series(hold=Hold(1, "x", None, START))), None),
    (
        "held before its first version and allowed",
        view(Series(hold=Hold(1, "x", None, START)), lifecycle=ALLOWED),
        Reason.REISSUE_DECLARED,
    ),
    ("edited", view(replace(REVOKED, edited=True)), Reason.RECORD_EDITED),
    ("edited and held", view(replace(HELD, edited=True)), None),
]
REQUEST = RotationRequest("a", None, "a person asked")
ROTATE: list[tuple[str, SeriesView, Reason | None]] = [
    ("nothing to do", view(active()), None),
    ("edited", view(replace(active(), edited=True)), Reason.RECORD_EDITED),
    ("nothing at the path", view(active(), info=None), Reason.SECRET_MISSING),
    (
        "soft-deleted",
        view(active(), info=SecretInfo(1, deleted=frozenset({1}))),
        Reason.SECRET_MISSING,
    ),
    ("written anew", view(active(number=3), info=SecretInfo(1)), Reason.SECRET_MISSING),
    ("overwritten", view(active(), info=SecretInfo(2)), Reason.SECRET_OVERWRITTEN),
    ("only its name is known", view(active(), info=SecretInfo()), None),
    (
        "destroyed",
        view(active(), info=SecretInfo(1, absent=frozenset({1}))),
        Reason.SECRET_DESTROYED,
    ),
    (
        "an older one destroyed",
        view(active(number=2), info=SecretInfo(2, absent=frozenset({1}))),
        None,
    ),
    ("expired", view(active(90 * DAY)), Reason.EXPIRED),
    (
        "not quite expired, but due",
        view(active(90 * DAY - timedelta(seconds=1))),
        Reason.RENEWAL_DUE,
    ),
    ("asked for", view(active(), request=REQUEST), Reason.ROTATION_REQUESTED),
    (
        "a shared secret where a key pair is declared",
        replace(view(active()), lifecycle=replace(view(active()).lifecycle, asymmetric=True)),
        Reason.ALGORITHM_CHANGED,
    ),
    ("due", view(active(61 * DAY)), Reason.RENEWAL_DUE),
    ("not due", view(active(40 * DAY)), None),
    (
        "shortened, due",
        view(active(10 * DAY), lifecycle=lifecycle("9d", "3d", "1d")),
        Reason.LIFETIME_SHORTENED,
    ),
    ("shortened, not due", view(active(DAY), lifecycle=lifecycle("60d", "10d", "1d")), None),
    ("lengthened", view(active(40 * DAY), lifecycle=lifecycle("180d", "20d", "1d")), None),
    # the first in the list explains
    (
        "edited, missing and expired",
        view(replace(active(90 * DAY), edited=True), info=None),
        Reason.RECORD_EDITED,
    ),
    ("missing and asked for", view(active(), info=None, request=REQUEST), Reason.SECRET_MISSING),
    ("expired and asked for", view(active(91 * DAY), request=REQUEST), Reason.EXPIRED),
    (
        "a claim stands",
        view(Series((*active().versions, version(2, VersionState.PENDING)), 2), info=SecretInfo(2)),
        None,
    ),
]
GRACE = timedelta(hours=1)


def retiring(grace: timedelta, age: timedelta = DAY) -> Series:
    return Series((version(1, VersionState.RETIRING, age, grace_until=START + grace),), 1)


END: list[tuple[str, SeriesView, Reason | None]] = [
    ("in its grace", view(retiring(GRACE)), None),
    ("grace over", view(retiring(timedelta())), Reason.GRACE_OVER),
    ("long over", view(retiring(-GRACE)), Reason.GRACE_OVER),
    ("expired", view(retiring(GRACE, 91 * DAY)), Reason.EXPIRED),
    ("edited", view(replace(retiring(GRACE), edited=True)), Reason.RECORD_EDITED),
    ("destroyed by hand", view(retiring(GRACE), info=SecretInfo(1, absent=frozenset({1}))), None),
]


def names(table: list[tuple[str, SeriesView, Reason | None]]) -> list[str]:
    return [name for name, _, _ in table]


@pytest.mark.parametrize(("name", "seen", "reason"), ISSUE + ROTATE, ids=names(ISSUE + ROTATE))
def test_why_a_version_is_issued(name: str, seen: SeriesView, reason: Reason | None) -> None:
    cause = first_cause(seen)
    assert (cause.reason if cause else None) == reason
    assert cause is None or cause.message


@pytest.mark.parametrize(("name", "seen", "reason"), END, ids=names(END))
def test_why_a_retiring_version_ends(name: str, seen: SeriesView, reason: Reason | None) -> None:
    cause = end_cause(seen, seen.series.versions[0])
    assert (cause.reason if cause else None) == reason


@pytest.mark.parametrize(
    ("chain", "table"),
    [(checks.ISSUE, ISSUE), (checks.ROTATE, ROTATE), (checks.END, END)],
    ids=["issue", "rotate", "end"],
)
def test_every_check_is_in_its_table(
    chain: list[Callable[..., object]], table: list[tuple[str, SeriesView, Reason | None]]
) -> None:
    """Each check is the first to answer in some case: none is dead."""
    answering = set()
    for _, seen, _ in table:
        arguments = (
            (seen,)
            if chain is checks.ISSUE
            else (seen, (seen.series.active or seen.series.versions[0]))
        )
        if chain is checks.ISSUE and seen.held:
            continue
        answering.add(next((check for check in chain if check(*arguments)), None))
    assert set(chain) <= answering
