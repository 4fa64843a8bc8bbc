"""The evidence log has no gap, no fork and no entry twice, whoever writes it at the same time and
dies where."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from reconciler.errors import AuditError, RegistryError, VaultUnreachable
from reconciler.evidence.envelope import decode_envelope
from reconciler.evidence.statement import decode_statement
from reconciler.registry.codec import log_codec
from reconciler.registry.codec.log_codec import pack
from reconciler.registry.protocol.log import append_entry, read_entry, read_head, settle_log
from reconciler.registry.requests import WriteDocument
from tests.kit.worlds.faults import (
    Crash,
    Fault,
    Faulty,
    crash_after,
    crash_before,
    duplicated,
    request_lost,
    response_lost,
)
from tests.kit.worlds.interleave import Gate, Runs, Work, every_order, some_orders
from tests.kit.worlds.logged import append, draft_successor, judge_log
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import drive

ORDERS, THREE_ORDERS = 80, 60
FAULTS: dict[str, Fault] = {
    "killed before": crash_before,
    "killed after": crash_after,
    "answer lost": response_lost,
    "request lost": request_lost,
    "sent twice": duplicated,
}


def logged(*runs: str) -> World:
    """A world with a log of these runs."""
    world = World()
    world.begin_log()
    for run in runs:
        append(world, run)
    return world


def appending(run: str) -> Work:
    return lambda gate: append(gate, run)


def rotating(world: World) -> Work:
    """Somebody rotates the key, and a run hands over to it."""

    def work(gate: Gate) -> Any:
        public = world.rotate_log_key()
        return drive(gate, append_entry(draft_successor(2, public), lambda head: head.key < 2))

    return work


def test_two_runs_in_every_order_get_one_entry_each() -> None:
    worlds: list[World] = []

    def start() -> Runs:
        worlds.append(logged("first"))
        return Runs(worlds[-1], [appending("one"), appending("two")])

    for _ in islice(every_order(start), ORDERS):
        assert {one.run for one in judge_log(worlds[-1])} == {"first", "one", "two"}


def test_two_that_write_the_entry_of_one_run_write_it_once() -> None:
    worlds: list[World] = []

    def start() -> Runs:
        worlds.append(logged("first"))
        return Runs(worlds[-1], [appending("one"), appending("one")])

    for _ in islice(every_order(start), ORDERS):
        assert [one.run for one in judge_log(worlds[-1])] == ["first", "one"]


def test_a_key_is_rotated_while_two_runs_write() -> None:
    worlds: list[World] = []

    def start() -> Runs:
        world = logged("first")
        worlds.append(world)
        works = [appending("one"), rotating(world), appending("two")]
        return Runs(world, works)

    for _ in some_orders(start, "a key is rotated", THREE_ORDERS):
        kinds = [one.kind for one in judge_log(worlds[-1])]
        assert sorted(kinds) == ["key", "run", "run", "run"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_any_request_leaves_a_log_that_goes_on(fault: str) -> None:
    at = 0
    while True:
        world = logged("first")
        faulty = Faulty(world, at, FAULTS[fault])
        with suppress(Crash, VaultUnreachable):
            append(faulty, "second")
        if faulty.hit is None:
            break
        append(world, "third")
        runs = {one.run for one in judge_log(world)}
        assert {"first", "third"} <= runs <= {"first", "second", "third"}
        append(world, "second")  # whoever recovers it
        assert {one.run for one in judge_log(world)} == {"first", "second", "third"}
        at += 1
    assert at > 8  # every request of an entry was struck


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_while_another_writes(fault: str) -> None:
    """The struck run dies, or goes on, between any two requests of another one."""
    worlds: list[World] = []
    for at in range(12):

        def start(at: int = at) -> Runs:
            world = logged("first")
            worlds.append(world)

            def struck(gate: Gate) -> None:
                with suppress(Crash, VaultUnreachable):
                    append(Faulty(gate, at, FAULTS[fault]), "one")

            return Runs(world, [struck, appending("two")])

        for _ in some_orders(start, f"{fault} {at}", 6):
            assert {"first", "two"} <= {one.run for one in judge_log(worlds[-1])}


def test_a_large_report_is_stored_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_codec, "PART_CHARACTERS", 64)
    content = "".join(map(chr, range(0x20, 0x220))) * 8
    world = logged()
    head = append(world, "large", files={"audit/production/large.json": content})
    entry = drive(world, read_entry(head, 1))
    assert entry is not None
    assert entry.files == {"audit/production/large.json": content}
    assert len([name for name in world.documents if "part-" in name]) > 4
    judge_log(world)


def test_bytes_that_were_let_go_stay_claimed_and_signed() -> None:
    world = logged("first", "second")
    for name in [one for one in world.documents if "00000001/part-" in one]:
        world.delete_document(name)
    head = drive(world, settle_log())
    assert head is not None
    assert drive(world, read_entry(head, 1)) is None
    append(world, "third")
    assert drive(world, settle_log()).size == 3  # type: ignore[union-attr]


def test_bytes_that_somebody_changed_are_not_what_was_signed() -> None:
    world = logged("first")
    head = drive(world, settle_log())
    assert head is not None
    entry = drive(world, read_entry(head, 1))
    assert entry is not None
    statement = decode_statement(decode_envelope(entry.entry).payload)
    (packed,) = pack(replace(statement, command="revoke").encode(), entry.files)
    (name,) = [one for one in world.documents if "part-" in one]
    world.answer(WriteDocument(name, packed, 1))
    with pytest.raises(RegistryError, match="not what was signed"):
        drive(world, read_entry(head, 1))


def test_what_another_key_signs_is_stored_nowhere() -> None:
    world = logged("first")
    world.log_keys[1] = bytes(32)  # somebody made the key anew
    with pytest.raises(AuditError) as caught:
        append(world, "second")
    assert caught.value.code == "RC680"
    head = drive(world, read_head())
    assert head is not None
    assert head.size == 1
