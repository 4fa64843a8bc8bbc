"""Which of several records with the same secrets is in force, and what a gateway is told of
them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from reconciler.domain.kinds import credentials
from reconciler.domain.kinds.credentials import SIGNING_SECRET
from reconciler.domain.live.record import ClientRecord, VersionState
from reconciler.planning.actions.reasons import RevocationRequest
from reconciler.planning.actions.renames import find_heirs, find_relatives, merge_revocations
from reconciler.planning.emergency import revocation_plan
from tests.kit.worlds.declared import client, desired, webhook
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner


@cache
def original() -> ClientRecord:
    runner = Runner(World())
    runner.apply(desired(client(webhooks=[webhook()])))
    return runner.world.records()["payouts"]


def of(*records: ClientRecord) -> dict[str, ClientRecord]:
    return {record.name: record for record in records}


def copied(name: str, seq: int = 0, **changes: object) -> ClientRecord:
    return replace(original(), name=name, seq=original().seq + seq, **changes)  # type: ignore[arg-type]


# Each is built when a test asks for it.
CASES: dict[str, Callable[[], tuple[tuple[ClientRecord, ...], dict[str, str]]]] = {
    "alone": lambda: ((original(),), {}),
    "others": lambda: ((original(), replace(original(), name="other", storage_name="other")), {}),
    "on its way, not arrived": lambda: ((replace(original(), moving_to="new"),), {}),
    "arrived": lambda: ((replace(original(), moving_to="new"), copied("new")), {"payouts": "new"}),
    "arrived and changed": lambda: ((replace(original(), moving_to="new"), copied("new", 3)), {"payouts": "new"}),
    "changed since it arrived": lambda: (
        (replace(original(), moving_to="new", seq=original().seq + 2), copied("new")), {"payouts": "new"}
    ),
    "the name is another client's": lambda: (
        (replace(original(), moving_to="new"), replace(original(), name="new", storage_name="new")), {}
    ),
    "taken back, copy left": lambda: ((replace(original(), seq=original().seq + 1), copied("new")), {"new": "payouts"}),
    "overtaken": lambda: ((copied("a"), copied("b", 1)), {"a": "b"}),
    "overtaken twice": lambda: ((copied("a"), copied("b", 1), copied("c", 5)), {"a": "c", "b": "c"}),
    "being taken back": lambda: (
        (replace(original(), moving_to="new"), copied("new", 1, moving_to="payouts")),
        {"payouts": "new", "new": "payouts"},
    ),
    "copied by hand": lambda: ((original(), copied("evil", 9, edited=True)), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_who_took_over(case: str) -> None:
    records, expected = CASES[case]()
    assert {name: heir.name for name, heir in find_heirs(of(*records)).items()} == expected


def test_what_is_revoked_in_one_is_revoked_in_all() -> None:
    (version,) = original().series[credentials.KEY, "primary"].versions
    gone = replace(
        original().series[credentials.KEY, "primary"],
        versions=(replace(version, state=VersionState.REVOKED),),
    )
    old = replace(original(), moving_to="new", series={(credentials.KEY, "primary"): gone})
    shown = merge_revocations(of(old, copied("new")))
    assert {
        name: record.series[credentials.KEY, "primary"].versions[0].state
        for name, record in shown.items()
    } == {
        "payouts": VersionState.REVOKED,
        "new": VersionState.REVOKED,
    }
    secret = SIGNING_SECRET, "settlements"
    assert shown["new"].series_of(*secret) == original().series_of(*secret)
    assert merge_revocations(of(original())) == of(original())
    by_hand = merge_revocations(of(replace(old, edited=True), copied("new")))
    assert by_hand["new"] == copied("new")  # what somebody wrote there ends nothing


def test_a_revocation_is_about_every_record_of_the_client() -> None:
    old, new, evil = (
        replace(original(), moving_to="new"),
        copied("new"),
        copied("evil", edited=True),
    )
    world = World()
    observed = replace(Runner(world).look(), records=of(old, new, evil))
    for name in ("payouts", "new"):
        plan = revocation_plan(
            observed,
            "production",
            world.owner,
            RevocationRequest(name, None, "compromise"),
            world.at,
            None,
        )
        assert (
            {action.client for action in plan.actions}
            == {"payouts", "new"}
            == plan.revisions.keys()
        )
    assert find_relatives(evil, observed.records) == (evil,)
