"""What happens to the evidence log beside another run, and what cannot happen to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.declared.checkout import Applied
from reconciler.errors import AuditError, StalePlanError, VaultUnreachable
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import VerifiedLog
from reconciler.registry.codec.log_codec import encode_claim, name_claim, name_part, pack
from reconciler.registry.protocol.applied import encode_applied
from reconciler.registry.protocol.log import read_claim
from reconciler.registry.requests import ReadDocument, Request, Response, WriteDocument
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.evident import WHERE, Evident
from tests.kit.worlds.faults import Crash, Faulty, crash_after, crash_before
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import drive

ONE, TWO = desired(client("a")), desired(client("a"), client("b"))
LATER = timedelta(minutes=10)


@pytest.fixture
def place(tmp_path: Path) -> Evident:
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


def test_a_run_that_cannot_look_any_more_stays_open_for_its_entry(place: Evident) -> None:
    place.apply(ONE)
    world = place.world
    live = Blind(world)
    place.apply(TWO, live)
    assert live.blind is False
    world.at += LATER
    place.apply(TWO)
    place.judge()


def test_a_log_is_verified_while_a_run_is_at_work(place: Evident) -> None:
    place.apply(ONE)
    found: list[Any] = []

    def verify() -> None:
        found.append(place.verify()[1])

    live = Interrupted(place.world, writes(name_claim(2)), verify)
    place.apply(TWO, live)
    assert isinstance(found[0], VerifiedLog), found[0]


def test_a_run_that_was_not_committed_is_no_fault_for_who_asks_vault(place: Evident) -> None:
    place.apply(ONE)
    place.apply(TWO, commit=False)
    found = place.verify()[1]
    assert isinstance(found, VerifiedLog), found


def test_an_event_that_no_run_accounts_for_is_a_fault(place: Evident) -> None:
    place.apply(ONE)
    place.apply(TWO, commit=False)
    (run,) = [name for name in place.world.documents if name.startswith("runs/")]
    place.world.delete_document(run)
    for report in (place.root / WHERE.reports).glob(f"{run.removeprefix('runs/')}.*"):
        report.unlink()
    found = place.verify()[1]
    assert isinstance(found, Fault)
    assert found.code == "RC669"


def test_a_run_that_slept_and_was_reported_is_not_entered_again(place: Evident) -> None:
    """A laptop was closed between a revocation and its report: others report it, and forget it."""
    place.apply(TWO)

    def sleep() -> None:
        place.world.at += timedelta(days=1)
        place.apply(TWO)
        place.world.at += LATER
        place.revoke("b")
        place.world.at += LATER
        place.apply(desired(client("a"), client("b", protect=True), client("c")))

    live = Interrupted(place.world, reads(name_claim(2)), sleep)
    place.revoke("a", live=live)
    assert live.hit is not None
    place.world.at += LATER
    place.apply(desired(client("a"), client("b"), client("d")))
    place.judge()


def test_a_run_of_another_clock_is_not_forgotten_while_it_is_open(place: Evident) -> None:
    """Its id is older than that of the run that forgets, which did not see it."""
    place.apply(TWO)
    other: list[Any] = []

    def die_pushing() -> None:
        place.world.at -= LATER
        live = Faulty(place.world, _closes, crash_before)
        with pytest.raises(Crash):
            place.revoke("b", live=live)
        place.world.at += LATER
        other.append(live.hit)

    live = Interrupted(place.world, writes(name_claim(2)), die_pushing)
    place.revoke("a", live=live)
    assert other
    place.world.at += LATER
    place.apply(desired(client("a"), client("b"), client("c")))
    place.judge()


def _closes(request: Request) -> bool:
    return (
        isinstance(request, WriteDocument)
        and request.name.startswith("runs/")
        and '"closed":true' in request.text
    )


def test_a_reported_run_without_bytes_is_closed_by_a_quiet_run(place: Evident) -> None:
    live = Faulty(place.world, _closes, crash_before)
    with pytest.raises(Crash):
        place.apply(ONE, live)
    (run,) = [name for name in place.world.documents if name.startswith("runs/")]
    for name in [one for one in place.world.documents if "/part-" in one]:
        place.world.delete_document(name)
    place.world.at += LATER
    place.apply(ONE)
    assert run not in place.world.documents


def test_an_entry_that_is_committed_while_we_look_is_no_longer_log_in_git(place: Evident) -> None:
    place.apply(ONE)
    seen: list[bool] = []

    def once() -> None:
        if not seen:
            seen.append(True)
            place.revoke("a")

    live = AfterHead(place.world, once)
    reported = place.apply(TWO, live)
    assert reported is not None
    assert seen
    assert reported[1] is None, reported[1]
    place.judge()


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


def test_a_run_that_was_overtaken_is_missed_in_no_entry(place: Evident) -> None:
    """It did nothing, and a revocation named it as open."""
    place.apply(ONE)
    place.commit = "c" * 40

    def overtake() -> None:
        place.revoke("a")
        other = encode_applied(Applied("d" * 40, "another", place.world.at))
        place.world.answer(WriteDocument("applied", other, 0))

    live = Interrupted(place.world, writes("applied"), overtake)
    with pytest.raises(StalePlanError):
        place.apply(TWO, live)
    place.world.at += LATER
    place.commit = None
    place.apply(TWO)
    place.judge()


def test_a_copied_entry_stops_nobody(place: Evident) -> None:
    """Whoever may push can copy what was signed to another place of the log."""
    for declared in (ONE, TWO, desired(client("a"), client("b"), client("c"))):
        place.apply(declared)
    folder = place.root / WHERE.folder
    (folder / "00000003.json").write_bytes((folder / "00000001.json").read_bytes())
    reported = place.apply(desired(client("a"), client("b"), client("c"), client("d")))
    assert reported is not None
    assert reported[1] is None
    place.judge()


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
def test_what_the_registry_holds_gets_nowhere_but_to_reports(place: Evident, name: str) -> None:
    """A thief with an applier's token may write to the registry, and not to the repository."""
    place.apply(ONE)
    claim = drive(place.world, read_claim(1))
    assert claim is not None
    name = name.format(run=claim.run)
    envelope = json.loads((place.root / WHERE.entry(1)).read_text())
    (part,) = pack(base64.b64decode(envelope["payload"]), {name: "stolen"})
    document = f"log/00000001/{name_part(part)}"
    place.world.answer(WriteDocument(document, part, 0))
    forged = replace(claim, parts=(name_part(part),), files={name: "0" * 64})
    version = place.world.documents[name_claim(1)].current
    place.world.answer(WriteDocument(name_claim(1), encode_claim(forged), version))
    (place.root / WHERE.entry(1)).unlink()
    reported = place.apply(TWO)
    assert reported is not None
    assert isinstance(reported[1], AuditError)
    files = [path for path in place.root.rglob("*") if path.is_file()]
    assert not any(path.read_bytes() == b"stolen" for path in files)
