"""A case table for each guard: what it lets through, what it blocks, what a waiver does to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from reconciler.domain.declared.desired import (
    Budget,
    Desired,
    DesiredClient,
    Environment,
    GuardrailPolicy,
    Waiver,
)
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import MountSettings, Observed, SecretInfo
from reconciler.domain.live.record import ClientRecord, ClientStatus
from reconciler.domain.values.window import Freeze
from reconciler.errors import Finding, Level, Source
from reconciler.planning.actions.reasons import DRIFT, Reason, Removals
from reconciler.planning.guards.guards import GUARDS
from reconciler.planning.planner import make_plan
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.declared import client, desired, environment, lifecycle, webhook
from tests.kit.worlds.faults import Crash, Faulty, crash_before
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import Runner

WHERE = Source("policy.yaml", 12, 7)
TODAY = "2026-11-23"  # START


def several(count: int, **changes: Any) -> list[DesiredClient]:
    return [client(f"c{number:02d}", **changes) for number in range(count)]


def observed(*clients: DesiredClient, by_hand: str = "") -> Observed:
    runner = Runner(World())
    runner.settle(desired(*clients))
    if by_hand:
        runner.world.put_by_hand(by_hand)
    return runner.look()


def waiver(guard: str, name: str = "*", until: str = "2026-11-24") -> Waiver:
    return Waiver(guard, name, "agreed", "security@example.com", until, WHERE)


@dataclass(frozen=True)
class Seen:
    live: Observed
    declared: tuple[DesiredClient, ...]
    place: Environment = field(default_factory=environment)
    policy: GuardrailPolicy = field(default_factory=GuardrailPolicy)
    required: Observed | None = None
    only: frozenset[str] | None = None
    agreed: Removals | None = None

    def findings(self, *waivers: Waiver, days: int = 0) -> list[Finding]:
        now = START + timedelta(days=days)
        wanted: Desired = desired(
            *self.declared, policy=replace(self.policy, waivers=waivers), place=self.place
        )
        required = self.required.records if self.required else None
        live = replace(self.live, now=now)
        plan = make_plan(
            inputs(wanted, live, now, required=required, only=self.only, agreed=self.agreed)
        )
        assert plan.blocked == any(finding.level is Level.ERROR for finding in plan.findings)
        return [
            finding
            for finding in plan.findings
            if finding.code.startswith(("RC30", "RC31", "RC32", "RC33", "RC34"))
        ]


def codes(findings: Iterable[Finding]) -> list[str]:
    return [finding.code for finding in findings if finding.level is Level.ERROR]


PROTECTED = client("a", protect=True)
FREEZE = Freeze(START - timedelta(days=1), START + timedelta(days=1), "year end")
FROZEN = environment(freezes=(FREEZE,))
GATED = environment(requires="staging")
TEN = several(10)
NOTHING = Observed(START, {}, {}, 16)
FOREIGN = replace(NOTHING, foreign={"a": "another-project"})
DELETING = MountSettings("integrations/production/some", 100, "1h0m0s")


@cache
def staging() -> Observed:
    return observed(client("a"))


def changed(count: int, of: int) -> tuple[DesiredClient, ...]:
    clients = several(of)
    return (*several(of, scopes=("other:read",))[:count], *clients[count:])


def suspended(count: int, of: int) -> tuple[DesiredClient, ...]:
    return (*several(of, state="suspended")[:count], *several(of)[count:])


def removed(count: int, of: int) -> tuple[DesiredClient, ...]:
    return tuple(several(of)[count:])


def wide(removals: int, changes: int) -> GuardrailPolicy:
    return GuardrailPolicy(Budget(removals, 10), Budget(changes, 10))


def edited(name: str, **changes: Any) -> Observed:
    """``a`` and ``b`` are live, and somebody edited the record of one of them."""
    live = observed(client("a"), client("b"))
    record = replace(live.records[name], edited=True, **changes)
    return replace(live, records={**live.records, name: record})


def with_records(**records: ClientRecord) -> Observed:
    return replace(staging(), records={**staging().records, **records})


@cache
def settled(count: int) -> Observed:
    return observed(*several(count))


# Each is built when a test asks for it.
CASES: dict[str, Callable[[], tuple[Seen, list[str]]]] = {
    "own client": lambda: (Seen(NOTHING, (client("a"),)), []),
    "client of another project": lambda: (Seen(FOREIGN, (client("a"),)), ["RC301"]),
    "renamed from a client of another project": lambda: (Seen(FOREIGN, (client("b", renamed_from="a"),)), ["RC301"]),
    "another client than theirs": lambda: (Seen(FOREIGN, (client("b"),)), []),
    "renamed to a client of another project": lambda: (
        Seen(replace(observed(client("b")), foreign={"a": "x"}), (client("a", renamed_from="b"),)), ["RC301"],
    ),
    "renamed to a client that was retired": lambda: (
        Seen(replace(observed(client("b")), records={
            **observed(client("b")).records,
            "a": replace(staging().records["a"], status=ClientStatus.RETIRED),
        }), (client("a", renamed_from="b"),)), ["RC304"],
    ),
    "something at the path of a new key": lambda: (Seen(observed(by_hand="keys/a.primary"), (client("a"),)), ["RC302"]),
    "something at the path of a new secret": lambda: (
        Seen(observed(by_hand="webhooks/a.settlements"), (client("a", webhooks=[webhook()]),)), ["RC302"],
    ),
    "something elsewhere": lambda: (Seen(observed(by_hand="keys/b.primary"), (client("a"),)), []),
    "a new client under the paths of a renamed one": lambda: (
        Seen(replace(NOTHING, records={"b": replace(staging().records["a"], name="b")}), (client("a"), client("b"))),
        ["RC303"],
    ),
    "edited, file deleted": lambda: (Seen(edited("a"), (client("b"),)), ["RC307"]),
    "edited, declared": lambda: (Seen(edited("a"), (client("a"), client("b"))), []),
    "edited, declared retired": lambda: (Seen(edited("a"), (client("a", state="retired"), client("b"))), []),
    "edited, renamed": lambda: (Seen(edited("a"), (client("z", renamed_from="a"), client("b"))), ["RC307"]),
    "edited, retired, nothing to do": lambda: (
        Seen(edited("a", status=ClientStatus.RETIRED, series={}), (client("b"),)), [],
    ),
    "edited, protected, declared retired": lambda: (
        Seen(edited("a"), (client("a", protect=True, state="retired"), client("b"))), ["RC310"],
    ),
    "edited, says where its secrets are": lambda: (
        Seen(edited("a", storage_name="x"), (client("a"), client("b"))), ["RC305"],
    ),
    "two records for one secret": lambda: (
        Seen(with_records(b=replace(staging().records["a"], name="b")), (client("a", scopes=("x",)),)),
        ["RC305", "RC305"],
    ),
    "two records for one secret, nothing to do": lambda: (
        Seen(with_records(b=replace(staging().records["a"], name="b", series={}, status=ClientStatus.RETIRED)),
        (client("a"),)), [],
    ),
    "a record in the wrong bucket": lambda: (Seen(replace(NOTHING, misplaced={"a": "0"}), (client("a"),)), ["RC306"]),
    "another client's record in the wrong bucket": lambda: (
        Seen(replace(NOTHING, misplaced={"b": "0"}), (client("a"),)), [],
    ),
    "a second record in the wrong bucket": lambda: (
        Seen(replace(staging(), misplaced={"a": "0"}), (client("a", scopes=("x",)),)), [],
    ),
    "protected, file deleted": lambda: (Seen(observed(PROTECTED, client("b")), (client("b"),)), ["RC310"]),
    "protected, declared retired": lambda: (
        Seen(observed(PROTECTED, client("b")), (client("a", protect=True, state="retired"), client("b"))), ["RC310"],
    ),
    "protection lifted with the retirement": lambda: (
        Seen(observed(PROTECTED, client("b")), (client("a", state="retired"), client("b"))), [],
    ),
    "protected, renamed and retired": lambda: (
        Seen(
            observed(PROTECTED, client("b")),
            (client("z", protect=True, state="retired", renamed_from="a"), client("b")),
        ),
        ["RC310"],
    ),
    "protected, suspended": lambda: (Seen(observed(PROTECTED), (client("a", protect=True, state="suspended"),)), []),
    "protected, renamed": lambda: (Seen(observed(PROTECTED), (client("z", protect=True, renamed_from="a"),)), []),
    "renamed twice elsewhere": lambda: (
        Seen(observed(client("a"), client("b")), (client("z", renamed_from="y"), client("b"))), ["RC311"],
    ),
    "a rename of which nothing is known, nothing removed": lambda: (
        Seen(observed(client("b")), (client("z", renamed_from="y"), client("b"))), [],
    ),
    "a rename of which nothing is known, another one retired": lambda: (
        Seen(
            observed(client("a"), client("b")),
            (client("z", renamed_from="y"), client("a", state="retired"), client("b")),
        ), [],
    ),
    "renamed once, another one removed": lambda: (
        Seen(observed(client("a"), client("b"), client("c")), (client("z", renamed_from="a"), client("b"))), [],
    ),
    "all files deleted": lambda: (Seen(settled(3), ()), ["RC322"]),
    "the only file deleted": lambda: (Seen(settled(1), ()), ["RC322"]),
    "all deleted, one by one": lambda: (Seen(settled(3), (), only=frozenset({"c00"})), ["RC322"]),
    "all deleted, another client asked for": lambda: (
        Seen(observed(client("a"), client("b")), (client("z"),), only=frozenset({"z"})), [],
    ),
    "all but one deleted": lambda: (Seen(settled(3), removed(2, 3)), ["RC323"]),
    "all but one deleted, one by one": lambda: (Seen(settled(3), removed(2, 3), only=frozenset({"c00"})), ["RC323"]),
    "half deleted": lambda: (Seen(settled(2), removed(1, 2)), []),
    "renamed without a word": lambda: (Seen(settled(1), (client("z"),)), ["RC323"]),
    "most declared retired": lambda: (Seen(settled(3), (*several(2, state="retired"), *removed(2, 3))), []),
    "most deleted, where a budget holds": lambda: (Seen(settled(10), removed(6, 10)), ["RC320"]),
    "most deleted, where the budget allows that": lambda: (Seen(settled(10), removed(6, 10), policy=wide(60, 30)), []),
    "as many as agreed": lambda: (Seen(settled(3), (), agreed=Removals(3, None)), []),
    "fewer than agreed": lambda: (Seen(settled(3), removed(2, 3), agreed=Removals(3, None)), ["RC324"]),
    "more than agreed": lambda: (Seen(settled(3), (), agreed=Removals(2, None)), ["RC324"]),
    "agreed, and none to remove": lambda: (Seen(settled(3), tuple(several(3)), agreed=Removals(1, None)), ["RC324"]),
    "agreed where nobody asks": lambda: (Seen(settled(3), removed(1, 3), agreed=Removals(1, None)), []),
    "what is left of those agreed to": lambda: (
        Seen(settled(3), removed(2, 3), agreed=Removals(3, frozenset({"c00", "c01", "x"}))), [],
    ),
    "others than those agreed to": lambda: (
        Seen(settled(3), removed(2, 3), agreed=Removals(2, frozenset({"c00", "x"}))), ["RC324"],
    ),
    "agreed, over the budget": lambda: (Seen(settled(10), removed(4, 10), agreed=Removals(4, None)), ["RC320"]),
    "all declared retired": lambda: (Seen(settled(3), tuple(several(3, state="retired"))), []),
    "some deleted, the rest retired": lambda: (Seen(settled(3), tuple(several(3, state="retired")[:2])), ["RC322"]),
    "nothing there, nothing declared": lambda: (Seen(NOTHING, ()), []),
    "removals: 4 of 9 do not count": lambda: (Seen(settled(9), removed(4, 9)), []),
    "removals: 3 of 10 are 30 %": lambda: (Seen(settled(10), removed(3, 10)), []),
    "removals: 4 of 10": lambda: (Seen(settled(10), removed(4, 10)), ["RC320"]),
    "removals: 4 of 13 are more than 30 %": lambda: (Seen(settled(13), removed(4, 13)), ["RC320"]),
    "removals: one by one": lambda: (Seen(settled(10), removed(4, 10), only=frozenset({"c00"})), ["RC320"]),
    "removals: suspended one by one": lambda: (
        Seen(settled(10), suspended(4, 10), policy=wide(30, 100), only=frozenset({"c00"})), ["RC320"],
    ),
    "removals: others one by one": lambda: (Seen(settled(10), removed(4, 10), only=frozenset({"c09"})), []),
    "changes: some of many": lambda: (Seen(settled(10), changed(4, 10), only=frozenset({"c00"})), []),
    "removals: 30 of 100": lambda: (Seen(settled(100), removed(30, 100)), []),
    "removals: 31 of 100": lambda: (Seen(settled(100), removed(31, 100)), ["RC320"]),
    "removals: a budget of 50 %": lambda: (Seen(settled(10), removed(5, 10), policy=wide(50, 30)), []),
    "removals: suspensions count": lambda: (Seen(settled(10), suspended(4, 10), policy=wide(30, 100)), ["RC320"]),
    "removals: new ones that are suspended do not": lambda: (
        Seen(settled(10), (*TEN, *[client(f"n{n}", state="suspended") for n in range(5)])), [],
    ),
    "changes: 4 of 9 do not count": lambda: (Seen(settled(9), changed(4, 9)), []),
    "changes: 3 of 10": lambda: (Seen(settled(10), changed(3, 10)), []),
    "changes: 4 of 10": lambda: (Seen(settled(10), changed(4, 10)), ["RC321"]),
    "changes: 30 of 100": lambda: (Seen(settled(100), changed(30, 100)), []),
    "changes: 31 of 100": lambda: (Seen(settled(100), changed(31, 100)), ["RC321"]),
    "changes: new clients do not count": lambda: (Seen(settled(10), (*TEN, *[client(f"n{n}") for n in range(9)])), []),
    "frozen, nothing to do": lambda: (Seen(settled(1), tuple(several(1)), FROZEN), []),
    "frozen, a change": lambda: (Seen(settled(1), changed(1, 1), FROZEN), ["RC330"]),
    "frozen, a new client": lambda: (Seen(settled(1), (*several(1), client("z")), FROZEN), ["RC330"]),
    "frozen, a removal": lambda: (Seen(settled(2), removed(1, 2), FROZEN), ["RC330"]),
    "frozen, a repair": lambda: (
        Seen(replace(settled(1), secrets={}), tuple(several(1)), FROZEN), [],
    ),
    "gate: not there": lambda: (Seen(NOTHING, (client("a"),), GATED, required=NOTHING), ["RC340"]),
    "gate: verified there": lambda: (Seen(NOTHING, (client("a"),), GATED, required=staging()), []),
    "gate: another specification": lambda: (
        Seen(NOTHING, (client("a", scopes=("x:read",)),), GATED, required=staging()), ["RC340"],
    ),
    "gate: not active there": lambda: (
        Seen(NOTHING, (client("a"),), GATED, required=observed(client("a", state="suspended"))), ["RC340"],
    ),
    "gate: suspending needs no proof": lambda: (
        Seen(NOTHING, (client("a", state="suspended"),), GATED, required=NOTHING), [],
    ),
    "gate: nothing to do here": lambda: (Seen(staging(), (client("a"),), GATED, required=NOTHING), []),
    "gate: ending needs no proof": lambda: (
        Seen(observed(client("a"), client("b")), (client("b"),), GATED, required=NOTHING),
        [],
    ),
    "gate: none": lambda: (Seen(NOTHING, (client("a"),)), []),
    "mount: secrets are deleted, a new key": lambda: (
        Seen(replace(NOTHING, secrets_mount=DELETING), (client("a"),)), ["RC313"],
    ),
    "mount: secrets are deleted, no new key": lambda: (
        Seen(replace(staging(), secrets_mount=DELETING), (client("a", scopes=["x:read"]),)), [],
    ),
    "mount: the registry is deleted": lambda: (
        Seen(replace(NOTHING, registry_mount=DELETING), (client("a"),)), ["RC314"],
    ),
    "mount: the registry is deleted, nothing to write": lambda: (
        Seen(replace(staging(), registry_mount=DELETING), (client("a"),)), [],
    ),
}  # fmt: skip
WAIVED = {
    "protected, file deleted": "protect",
    "renamed twice elsewhere": "protect",
    "all files deleted": "remove-all",
    "all but one deleted": "budget-removals",
    "removals: 4 of 10": "budget-removals",
    "changes: 4 of 10": "budget-changes",
    "frozen, a change": "freeze",
    "gate: not there": "promotion",
}


@pytest.mark.parametrize("name", CASES)
def test_guard(name: str) -> None:
    seen, expected = CASES[name]()
    findings = seen.findings()
    assert codes(findings) == expected
    assert all(finding.remedy and finding.message for finding in findings)


def test_every_guard_blocks_in_some_case() -> None:
    # Look-alikes block nothing; the policy's rules are in test_policy, what git hides is in
    # test_checkout.
    assert len(GUARDS) == 17
    assert {code for case in CASES.values() for code in case()[1]} == {
        "RC301", "RC302", "RC303", "RC304", "RC305", "RC306", "RC307", "RC310", "RC311", "RC313", "RC314",
        "RC320", "RC321", "RC322", "RC323", "RC324", "RC330", "RC340",
    }  # fmt: skip


@pytest.mark.parametrize("name", WAIVED)
def test_a_waiver_turns_the_block_into_a_warning_that_names_who_approved(name: str) -> None:
    seen, expected = CASES[name]()
    guard = WAIVED[name]
    (finding,) = seen.findings(waiver(guard))
    assert (finding.code, finding.level, finding.source) == (expected[0], Level.WARNING, WHERE)
    assert "security@example.com until 2026-11-24: agreed" in finding.message
    other = "freeze" if guard != "freeze" else "protect"
    assert codes(seen.findings(waiver(other))) == expected, "a waiver of another guard"
    assert codes(seen.findings(waiver(guard, "somebody"))) == expected, (
        "a waiver for another client"
    )
    assert codes(seen.findings(waiver(guard, until=TODAY))) == expected, "void from its date on"
    assert codes(seen.findings(waiver(guard, until="2026-01-01"))) == expected


@pytest.mark.parametrize("name", ["protected, file deleted", "frozen, a change", "gate: not there"])
def test_a_waiver_for_one_client(name: str) -> None:
    seen, expected = CASES[name]()
    (blocked,) = seen.findings()
    own = blocked.address.removeprefix("client/")
    assert codes(seen.findings(waiver(WAIVED[name], own))) == []
    assert (
        codes(seen.findings(waiver(WAIVED[name], own, TODAY), waiver(WAIVED[name], own))) == []
    ), "any that counts"
    assert expected


@pytest.mark.parametrize("name", ["all files deleted", "all but one deleted", "removals: 4 of 10"])
def test_what_concerns_the_whole_plan_is_waived_for_all_or_not_at_all(name: str) -> None:
    seen, expected = CASES[name]()
    assert codes(seen.findings(waiver(WAIVED[name], "c00"))) == expected


@pytest.mark.parametrize(
    "name", ["client of another project", "something at the path of a new key"]
)
def test_ownership_is_never_waived(name: str) -> None:
    seen, expected = CASES[name]()
    assert codes(seen.findings(waiver("ownership"))) == expected


def test_a_waiver_lasts_until_the_day_before_its_date() -> None:
    seen, _ = CASES["protected, file deleted"]()
    one = waiver("protect", until="2026-12-01")
    assert codes(seen.findings(one, days=7)) == []
    assert codes(seen.findings(one, days=8)) == ["RC310"]


def test_a_budget_says_its_numbers() -> None:
    (finding,) = CASES["removals: 4 of 13 are more than 30 %"]()[0].findings()
    assert "4 of 13 clients (31 %), more than 30 %" in finding.message


def test_a_budget_that_some_clients_meet_says_that_it_counts_all() -> None:
    (finding,) = CASES["removals: one by one"]()[0].findings()
    assert finding.message == (
        "the declaration would end or suspend 4 of 10 clients (40 %), more than 30 %; this plan is a part of that"
    )
    assert "--only" not in finding.remedy
    assert "--only" in CASES["changes: 4 of 10"]()[0].findings()[0].remedy


def test_who_agrees_to_a_removal_is_told_what_that_lets_through() -> None:
    (finding,) = CASES["as many as agreed"]()[0].findings()
    assert (finding.code, finding.level) == ("RC322", Level.WARNING)
    assert (
        "every one of 3 registered clients would be removed - agreed to by --yes-remove 3"
        in finding.message
    )
    assert "--yes-remove" not in finding.remedy


def test_another_number_names_the_right_one_and_is_never_waived() -> None:
    seen, _ = CASES["more than agreed"]()
    (other,) = (finding for finding in seen.findings() if finding.code == "RC324")
    assert (
        other.message
        == "--yes-remove 2 was given, but the plan removes 3 clients: c00, c01 and c02"
    )
    assert other.remedy.endswith("add --yes-remove 3")
    assert codes(seen.findings(waiver("yes-remove"), waiver("remove-all"))) == ["RC324"]


def test_a_freeze_ends_at_its_end() -> None:
    seen, _ = CASES["frozen, a change"]()
    assert codes(seen.findings(days=1)) == []


def test_two_blocks_are_both_told() -> None:
    seen = Seen(observed(PROTECTED), (), FROZEN)
    assert sorted(codes(seen.findings())) == ["RC310", "RC322", "RC330"]


def drifted(reason: Reason) -> Observed:
    """Ten clients, each of which somebody changed by hand in this way."""
    live = settled(10)
    if reason is Reason.RECORD_EDITED:
        return replace(
            live, records={name: replace(one, edited=True) for name, one in live.records.items()}
        )
    return replace(
        live, secrets={path: info for path in live.secrets if (info := BY_HAND[reason]) is not None}
    )


BY_HAND: dict[Reason, SecretInfo | None] = {
    Reason.SECRET_MISSING: None,
    Reason.SECRET_OVERWRITTEN: SecretInfo(2),
    Reason.SECRET_DESTROYED: SecretInfo(1, frozenset({1})),
    Reason.SECRET_METADATA_EDITED: SecretInfo(1, edited=True),
}
# A plan that may change nothing at all: a freeze, no budget for any change, and nothing verified in
# staging.
STRICT: dict[str, Seen] = {
    "freeze": Seen(NOTHING, tuple(TEN), FROZEN),
    "budget": Seen(NOTHING, tuple(TEN), policy=wide(0, 0)),
    "promotion": Seen(NOTHING, tuple(TEN), GATED, required=NOTHING),
}


@pytest.mark.parametrize("guard", STRICT)
@pytest.mark.parametrize("reason", sorted(DRIFT))
def test_no_guard_of_changes_holds_back_a_repair(reason: Reason, guard: str) -> None:
    seen = replace(STRICT[guard], live=drifted(reason))
    assert codes(seen.findings()) == []
    plan = make_plan(inputs(desired(*TEN), seen.live, START))
    assert {action.client for action in plan.changes if action.reason == reason} == {
        one.name for one in TEN
    }
    assert codes(replace(seen, live=settled(10), declared=changed(10, 10)).findings()), (
        "a declared change is held back"
    )


@pytest.mark.parametrize("guard", STRICT)
@pytest.mark.parametrize("how", ["a change", "what the record was edited to"])
def test_a_declared_change_of_an_edited_record_is_no_repair(how: str, guard: str) -> None:
    """Also where somebody wrote into the record what is declared only now."""
    declared = changed(10, 10)
    live = drifted(Reason.RECORD_EDITED)
    if how != "a change":
        specs = {one.name: one.spec for one in declared}
        live = replace(
            live,
            records={name: replace(one, spec=specs[name]) for name, one in live.records.items()},
        )
    strict = replace(STRICT[guard], declared=declared)
    held = codes(replace(strict, live=settled(10)).findings())
    assert held
    assert codes(replace(strict, live=live).findings()) == held
    plan = make_plan(inputs(desired(*declared), live, START))
    reasons = {action.reason for action in plan.changes if action.kind is ActionKind.UPDATE_CLIENT}
    assert reasons == {Reason.RECORD_EDITED, Reason.DECLARATION_CHANGED}
    assert {action.client for action in plan.changes} == {one.name for one in TEN}


def test_every_drift_is_repaired_whatever_holds_changes_back() -> None:
    assert set(DRIFT) == {*BY_HAND, Reason.RECORD_EDITED}


UNFINISHED = {
    "a rename": (desired(client("a")), desired(client("z", renamed_from="a"), place=FROZEN)),
    "a key that is no longer declared": (
        desired(client("a", keys={"old": lifecycle(), "new": lifecycle()})),
        desired(client("a", keys={"new": lifecycle()}), place=FROZEN),
    ),
}


@pytest.mark.parametrize("what", UNFINISHED)
def test_a_freeze_lets_what_was_begun_come_to_its_end(what: str) -> None:
    """However far the run came: half a change is finished, a change that was not begun waits."""
    before, after = UNFINISHED[what]
    thawed = replace(after, environment=environment())
    waited = finished = 0
    for request in range(1, 40):
        runner = Runner(World())
        runner.settle(before)
        untouched = runner.world.records()
        with suppress(Crash):
            runner.apply(thawed, Faulty(runner.world, request, crash_before))
        plan = runner.plan(after)
        if runner.world.records() == untouched:
            assert [finding.code for finding in plan.findings if finding.level is Level.ERROR] == [
                "RC330"
            ]
            waited += 1
            continue
        assert not plan.blocked, plan.findings
        finished += 1
        runner.settle(after)
    assert waited
    assert finished > 1


def test_a_freeze_lets_a_rename_be_taken_back() -> None:
    runner = Runner(World())
    runner.settle(desired(client("a")))
    with suppress(Crash):
        runner.apply(desired(client("z", renamed_from="a")), Faulty(runner.world, 3, crash_before))
    assert runner.world.records()["a"].moving_to == "z"
    runner.settle(desired(client("a"), place=FROZEN))


def test_a_freeze_remedy_names_the_way_for_the_others() -> None:
    (finding,) = CASES["frozen, a change"]()[0].findings()
    assert "--only" in finding.remedy
