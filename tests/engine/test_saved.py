"""Whether a saved plan may still be applied, without a server."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import OpenRun
from reconciler.domain.plan.plan import Approval, Plan, Risk
from reconciler.domain.plan.unfinished import Unfinished, UnfinishedKind
from reconciler.engine.planfile.continued import take_rest
from reconciler.engine.planfile.saved import (
    CLOCKS_DIFFER,
    read_agreed,
    refuse_expired,
    refuse_stale,
    refuse_unreviewed,
    take_compared,
)
from reconciler.errors import Address, Finding, Level, Source, StalePlanError
from reconciler.planning.actions.reasons import Removals
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import Runner

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def planned(*scopes: str) -> Plan:
    runner = Runner(World())
    runner.settle(desired(client("a"), client("b")))
    return runner.plan(desired(client("a", scopes=scopes), client("b")))


SAVED = planned("x:read")
assert set(SAVED.revisions) == {"a"}


@pytest.mark.parametrize(
    ("at", "holds", "code"),
    [
        (START + DAY - SECOND, 2 * DAY, ""),
        (START + DAY, 2 * DAY, "RC392"),
        (START + DAY - SECOND, DAY, ""),
        (START + DAY / 2, DAY / 2, "RC392"),
        (START - CLOCKS_DIFFER, DAY, ""),
        (START - CLOCKS_DIFFER - SECOND, DAY, "RC390"),
    ],
)
def test_a_plan_expires_by_its_own_word_and_by_the_project_s(
    at: object, holds: timedelta, code: str
) -> None:
    try:
        refuse_expired(SAVED, at, holds)  # type: ignore[arg-type]
        found = ""
    except StalePlanError as error:
        found = error.code
    assert found == code


@pytest.mark.parametrize(("planfile", "digest", "used"), [(True, SAVED.digest, True), (False, SAVED.digest, False),
                                                          (True, "sha256:0", False)])  # fmt: skip
def test_a_plan_is_applied_once(planfile: bool, digest: str, used: bool) -> None:
    """Also when that run was closed long ago: it is on record."""
    run = OpenRun(
        "20261123t224500z-0123456789ab-0001",
        "apply",
        "Ada",
        START,
        None,
        digest,
        planfile,
        closed=True,
    )
    observed = replace(Runner(World()).look(), open_runs=(run,))
    try:
        take_rest(SAVED, replace(SAVED, actions=()), observed, {})
        found = ""
    except StalePlanError as error:
        found = error.code
    assert found == ("RC393" if used else "RC394")


def test_a_plan_is_stale_when_anything_of_its_clients_is_otherwise() -> None:
    refuse_stale(SAVED, SAVED)
    refuse_stale(SAVED, replace(SAVED, git_commit="1" * 40))
    for fresh in (
        replace(SAVED, revisions={"a": 99}),
        replace(SAVED, desired_digests={"a": "sha256:0"}),
        replace(SAVED, actions=SAVED.actions[1:]),
        replace(SAVED, revisions={**SAVED.revisions, "b": 1}),
    ):
        with pytest.raises(StalePlanError):
            refuse_stale(SAVED, fresh)


FIRST = SAVED.actions[0]


def test_a_reviewed_plan_is_the_same_whatever_commit_revision_and_time_it_was_made_for() -> None:
    refuse_unreviewed(SAVED, SAVED)
    later = replace(
        SAVED, created_at=START + 30 * DAY, expires_at=START + 31 * DAY, git_commit="1" * 40
    )
    refuse_unreviewed(
        SAVED,
        replace(later, revisions={"a": 99}, desired_digests={"a": "sha256:0"}, digest="sha256:0"),
    )


IN_USE = "version 1 of key k is in use (active, valid until 2026-12-01T10:00:00Z); usable after this plan: k v2"


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [
        (
            IN_USE,
            IN_USE.replace("version 1", "version 12")
            .replace("v2", "v13")
            .replace("12-01", "11-30"),
            True,
        ),
        (IN_USE, IN_USE.replace("key k", "key l"), False),
        ("1 key version in use", "2 key versions in use", True),
        ("it failed (since 2026-12-01, 1 run)", "it failed (since 2026-12-03, 12 runs)", True),
        (
            "run 20261123t224500z-0123456789ab-0001 wrote it",
            "run 20261124T224500Z-abcdef456789-0002 wrote it",
            True,
        ),
        ("gains 1 scope of low risk: a", "gains 2 scopes of low risk: a", False),
        ("256 more addresses", "16,777,216 more addresses", False),
        ("allowedCidrs 10.0.0.0/8", "allowedCidrs 10.0.0.0/9", False),
        ("to https://a.example/v1", "to https://a.example/v2", False),
        ("the key version-1 lives", "the key version-2 lives", False),
        ("gains payouts:write", "only renamed, security approved it", False),
    ],
)
def test_what_was_said_of_an_action_is_compared_but_for_times_and_earlier_runs(
    then: str, now: str, same: bool
) -> None:
    def saying(sentence: str) -> list[Plan]:
        told = (replace(FIRST, message=sentence), replace(FIRST, risk_reasons=(sentence,)))
        return [replace(SAVED, actions=(one, *SAVED.actions[1:])) for one in told]

    for before, after in zip(saying(then), saying(now), strict=True):
        if same:
            refuse_unreviewed(before, after)
            continue
        with pytest.raises(StalePlanError) as caught:
            refuse_unreviewed(before, after)
        assert caught.value.code == "RC389"
        assert caught.value.message.endswith(
            "other reasons than were told for update-client client/a (DeclarationChanged)"
        )


def test_a_reason_more_or_less_is_another_reason() -> None:
    for reasons in ((), ("one", "two"), ("two", "one")):
        fresh = replace(SAVED, actions=(replace(FIRST, risk_reasons=("one",)), *SAVED.actions[1:]))
        reviewed = replace(
            SAVED, actions=(replace(FIRST, risk_reasons=reasons), *SAVED.actions[1:])
        )
        with pytest.raises(StalePlanError):
            refuse_unreviewed(reviewed, fresh)


def test_of_what_was_reviewed_only_what_is_compared_is_left() -> None:
    quiet = replace(FIRST, kind=ActionKind.NO_OP, message="all is well")
    made_up = replace(
        SAVED, actions=(*SAVED.actions, quiet), git_commit="0" * 40,
        findings=(Finding("RC204", Level.NOTE, "security approved this"),),
        approvals=(Approval("nobody", ("approved it already",), (Address.read("client/a"),)),),
        unfinished=(Unfinished(UnfinishedKind.OPEN_RUN, "approved", "nothing"),),
        sources={"a": Source("approved.yaml", 1, 1)},
    )  # fmt: skip
    refuse_unreviewed(made_up, SAVED)
    assert take_compared(made_up) == replace(take_compared(SAVED), unchanged=made_up.unchanged)
    assert take_compared(SAVED).actions == SAVED.actions


@pytest.mark.parametrize(
    ("fresh", "told"),
    [
        (
            replace(SAVED, actions=SAVED.actions[1:]),
            ["no longer update-client client/a (DeclarationChanged)"],
        ),
        (
            replace(SAVED, actions=(replace(FIRST, reason="RecordEdited"), *SAVED.actions[1:])),
            [
                "no longer update-client client/a (DeclarationChanged)",
                "not reviewed: update-client client/a (RecordE",
            ],
        ),
        (replace(SAVED, actions=(FIRST, *SAVED.actions)), ["not reviewed: update-client client/a"]),
        (
            replace(SAVED, actions=(replace(FIRST, after={"scopes": ["*"]}),)),
            ["no longer", "not reviewed"],
        ),
        (
            replace(SAVED, actions=(replace(FIRST, risk=Risk.CRITICAL),)),
            ["no longer", "not reviewed"],
        ),
        (replace(SAVED, actions=(replace(FIRST, version=7),)), ["no longer", "not reviewed"]),
        (
            replace(SAVED, actions=(FIRST, *(replace(FIRST, client=f"c{n}") for n in range(7)))),
            ["(and 2 more)"],
        ),
        (
            replace(
                SAVED, approvals=(Approval("security", ("why",), (Address.read("client/a"),)),)
            ),
            ["not known then: security has to agree"],
        ),
    ],
)
def test_what_was_not_reviewed_is_told(fresh: Plan, told: list[str]) -> None:
    with pytest.raises(StalePlanError) as caught:
        refuse_unreviewed(SAVED, fresh)
    assert caught.value.code == "RC389"
    assert [text for text in told if text not in caught.value.message] == []


def test_an_approval_that_was_known_then_may_be_needed_for_less_now() -> None:
    known = replace(
        SAVED,
        approvals=(
            Approval("security", ("why",), (Address.read("client/a"), Address.read("client/b"))),
        ),
    )
    refuse_unreviewed(
        known,
        replace(SAVED, approvals=(Approval("security", ("other",), (Address.read("client/a"),)),)),
    )
    refuse_unreviewed(known, SAVED)


@pytest.mark.parametrize(
    ("agreed", "found"),
    [(None, None), (1, Removals(1, frozenset())), (0, Removals(0, frozenset()))],
)
def test_what_somebody_agreed_to_end_goes_along(agreed: int | None, found: Removals | None) -> None:
    assert read_agreed(replace(SAVED, yes_remove=agreed)) == found
