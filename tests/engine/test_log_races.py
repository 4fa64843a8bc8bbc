"""What happens to the evidence log beside another run, and what cannot happen to it."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.declared.checkout import Applied
from reconciler.engine.repair import repair_log
from reconciler.errors import AuditError, StalePlanError, VaultUnreachable
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import VerifiedLog
from reconciler.registry.codec.log_codec import encode_claim, name_claim, name_part, pack
from reconciler.registry.protocol.applied import encode_applied
from reconciler.registry.protocol.log import read_claim, read_head
from reconciler.registry.requests import ReadDocument, Request, Response, WriteDocument
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.evident import WHERE, Evident
from tests.kit.worlds.faults import Crash, Faulty, crash_after, crash_before
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import drive

ONE, TWO = desired(client("a")), desired(client("a"), client("b"))
LATER = timedelta(minutes=10)


@pytest.fixture
def evident(tmp_path: Path) -> Evident:
    return Evident(tmp_path)


class Interrupted(Faulty):
    """Before the first request that ``at`` picks, ``meanwhile`` happens."""

    def __init__(self, world: World, at: Callable[[Request], bool], meanwhile: Any) -> None:
        super().__init__(world, at, self._go_on)
        self._meanwhile = meanwhile

    def _go_on(self, world: World, request: Request) -> Response:
        self._meanwhile()
        return world.answer(request)


def writes(name: str) -> Callable[[Request], bool]:
    return lambda one: isinstance(one, WriteDocument) and one.name == name


def reads(name: str) -> Callable[[Request], bool]:
    return lambda one: isinstance(one, ReadDocument) and one.name == name


class Blind(Faulty):
    """The first look after a client was changed finds no server."""

    def __init__(self, world: World) -> None:
        super().__init__(world, -1, crash_after)
        self.blind: bool | None = None

    def answer(self, request: Request) -> Response:
        if isinstance(request, WriteDocument) and request.name.startswith("buckets/"):
            self.blind = True if self.blind is None else self.blind
        return super().answer(request)

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        if self.blind:
            self.blind = False
            raise VaultUnreachable("RC401", "no answer")
        return super().answer_all(requests)


def test_a_run_that_cannot_look_any_more_stays_open_for_its_entry(evident: Evident) -> None:
    evident.apply(ONE)
    world = evident.world
    live = Blind(world)
    evident.apply(TWO, live)
    assert live.blind is False
    world.at += LATER
    evident.apply(TWO)
    evident.judge()


def test_a_log_is_verified_while_a_run_is_at_work(evident: Evident) -> None:
    evident.apply(ONE)
    found: list[Any] = []

    def verify() -> None:
        found.append(evident.verify()[1])

    live = Interrupted(evident.world, writes(name_claim("", 2)), verify)
    evident.apply(TWO, live)
    assert isinstance(found[0], VerifiedLog), found[0]


def test_a_run_that_was_not_committed_is_no_fault_for_who_asks_vault(evident: Evident) -> None:
    evident.apply(ONE)
    evident.apply(TWO, commit=False)
    found = evident.verify()[1]
    assert isinstance(found, VerifiedLog), found


def test_an_event_that_no_run_accounts_for_is_a_fault(evident: Evident) -> None:
    evident.apply(ONE)
    evident.apply(TWO, commit=False)
    (run,) = [name for name in evident.world.documents if name.startswith("runs/")]
    evident.world.delete_document(run)
    for report in (evident.root / WHERE.reports).glob(f"{run.removeprefix('runs/')}.*"):
        report.unlink()
    found = evident.verify()[1]
    assert isinstance(found, Fault)
    assert found.code == "RC669"


def test_a_run_that_slept_and_was_reported_is_not_entered_again(evident: Evident) -> None:
    """A laptop was closed between a revocation and its report: others report it, and forget it."""
    evident.apply(TWO)

    def sleep() -> None:
        evident.world.at += timedelta(days=1)
        evident.apply(TWO)
        evident.world.at += LATER
        evident.revoke("b")
        evident.world.at += LATER
        evident.apply(desired(client("a"), client("b", protect=True), client("c")))

    live = Interrupted(evident.world, reads(name_claim("", 2)), sleep)
    evident.revoke("a", live=live)
    assert live.hit is not None
    evident.world.at += LATER
    evident.apply(desired(client("a"), client("b"), client("d")))
    evident.judge()


def test_a_run_of_another_clock_is_not_forgotten_while_it_is_open(evident: Evident) -> None:
    """Its id is older than that of the run that forgets, which did not see it."""
    evident.apply(TWO)
    other: list[Any] = []

    def die_pushing() -> None:
        evident.world.at -= LATER
        live = Faulty(evident.world, _closes, crash_before)
        with pytest.raises(Crash):
            evident.revoke("b", live=live)
        evident.world.at += LATER
        other.append(live.hit)

    live = Interrupted(evident.world, writes(name_claim("", 2)), die_pushing)
    evident.revoke("a", live=live)
    assert other
    evident.world.at += LATER
    evident.apply(desired(client("a"), client("b"), client("c")))
    evident.judge()


def _closes(request: Request) -> bool:
    return (
        isinstance(request, WriteDocument)
        and request.name.startswith("runs/")
        and '"closed":true' in request.text
    )


def test_a_reported_run_without_bytes_is_closed_by_a_quiet_run(evident: Evident) -> None:
    live = Faulty(evident.world, _closes, crash_before)
    with pytest.raises(Crash):
        evident.apply(ONE, live)
    (run,) = [name for name in evident.world.documents if name.startswith("runs/")]
    for name in [one for one in evident.world.documents if "/part-" in one]:
        evident.world.delete_document(name)
    evident.world.at += LATER
    evident.apply(ONE)
    assert run not in evident.world.documents


def test_a_run_that_was_open_in_a_backup_is_closed_after_the_repair(evident: Evident) -> None:
    """Git has its entry, and the registry has no bytes of it."""
    evident.apply(ONE)
    world, backup = evident.world, {}

    def back_up() -> None:
        backup.update(copy.deepcopy(world.documents))

    evident.apply(TWO, Interrupted(world, writes(name_claim("", 2)), back_up))
    world.documents = backup
    world.at += LATER
    repaired = repair_log(evident.engine(), push=False)
    assert repaired.problem is None
    assert not [name for name in world.documents if name.startswith("runs/")]
    world.at += LATER
    evident.apply(desired(client("a"), client("b"), client("c")))
    evident.judge()


def test_an_entry_that_is_committed_while_we_look_is_no_longer_log_in_git(evident: Evident) -> None:
    evident.apply(ONE)
    seen: list[bool] = []

    def once() -> None:
        if not seen:
            seen.append(True)
            evident.revoke("a")

    live = AfterHead(evident.world, once)
    reported = evident.apply(TWO, live)
    assert reported is not None
    assert seen
    assert reported[1] is None, reported[1]
    evident.judge()


class AfterHead(Faulty):
    """After the head was read for the first time, ``meanwhile`` happens."""

    def __init__(self, world: World, meanwhile: Any) -> None:
        super().__init__(world, -1, crash_after)
        self._meanwhile = meanwhile

    def answer(self, request: Request) -> Response:
        found = super().answer(request)
        if request == ReadDocument("ledger"):
            self._meanwhile()
        return found


def test_a_run_that_was_overtaken_is_missed_in_no_entry(evident: Evident) -> None:
    """It did nothing, and a revocation named it as open."""
    evident.apply(ONE)
    evident.commit = "c" * 40

    def overtake() -> None:
        evident.revoke("a")
        other = encode_applied(Applied("d" * 40, "another", evident.world.at))
        evident.world.answer(WriteDocument("applied", other, 0))

    live = Interrupted(evident.world, writes("applied"), overtake)
    with pytest.raises(StalePlanError):
        evident.apply(TWO, live)
    evident.world.at += LATER
    evident.commit = None
    evident.apply(TWO)
    evident.judge()


def test_a_copied_entry_stops_nobody(evident: Evident) -> None:
    """Whoever may push can copy what was signed to another evident of the log."""
    for declared in (ONE, TWO, desired(client("a"), client("b"), client("c"))):
        evident.apply(declared)
    folder = evident.root / WHERE.folder
    (folder / "00000003.json").write_bytes((folder / "00000001.json").read_bytes())
    reported = evident.apply(desired(client("a"), client("b"), client("c"), client("d")))
    assert reported is not None
    assert reported[1] is None
    evident.judge()


@pytest.mark.parametrize(
    "name",
    [
        "clients/mine.yaml",
        ".github/workflows/mine.yml",
        "audit/production/log/keys",
        "audit/production/other.json",
        "audit/production/other/{run}.json",
    ],
)
def test_what_the_registry_holds_gets_nowhere_but_to_reports(evident: Evident, name: str) -> None:
    """A thief with an applier's token may write to the registry, and not to the repository."""
    evident.apply(ONE)
    head = drive(evident.world, read_head())
    assert head is not None
    claim = drive(evident.world, read_claim(head, 1))
    assert claim is not None
    name = name.format(run=claim.run)
    envelope = json.loads((evident.root / WHERE.entry(1)).read_text())
    (part,) = pack(base64.b64decode(envelope["payload"]), {name: "stolen"})
    document = f"log/00000001/{name_part(part)}"
    evident.world.answer(WriteDocument(document, part, 0))
    forged = replace(claim, parts=(name_part(part),), files={name: "0" * 64})
    version = evident.world.documents[name_claim("", 1)].current
    evident.world.answer(WriteDocument(name_claim("", 1), encode_claim(forged), version))
    (evident.root / WHERE.entry(1)).unlink()
    reported = evident.apply(TWO)
    assert reported is not None
    assert isinstance(reported[1], AuditError)
    files = [path for path in evident.root.rglob("*") if path.is_file()]
    assert not any(path.read_bytes() == b"stolen" for path in files)
