"""A repair of the evidence log that dies at any of its requests goes on, and loses nothing."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import AuditError, ReconcilerError
from reconciler.evidence.verification.walk import VerifiedLog
from reconciler.registry.requests import Request, WriteDocument
from tests.kit.suite.tally import Tally
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.evident import WHERE, Evident
from tests.kit.worlds.faults import Crash, Faulty, crash_after, crash_before

ONE, TWO = desired(client("a")), desired(client("a"), client("b"))
THREE = desired(client("a"), client("c"))
LATER = timedelta(minutes=10)
FAULTS = pytest.mark.parametrize("fault", [crash_before, crash_after])


def step(exhaustive: bool) -> int:
    """A repair dies at every fifth of its requests, and at all with --exhaustive."""
    return 1 if exhaustive else 5


def lose_key(evident: Evident) -> None:
    evident.world.lose_log_key()
    evident.world.pass_time(LATER)


@pytest.mark.parametrize("twice", [False, True])
@FAULTS
def test_a_new_log_follows_wherever_its_beginning_died(
    tmp_path: Path, fault: Callable[..., Any], twice: bool, exhaustive: bool, tally: Tally
) -> None:
    """The run before it had its entry, and did not come to commit it. ``twice``: the key is lost
    once more before the repair goes on."""
    for place in count(0, step(exhaustive)):
        evident = Evident(tmp_path / str(place))
        evident.root.mkdir()
        evident.apply(ONE)
        with pytest.raises(Crash):
            evident.apply(TWO, Faulty(evident.world, _closes, crash_before))
        for path in (evident.root / WHERE.folder).iterdir():
            path.unlink()
        lose_key(evident)
        live = Faulty(evident.world, place, fault)
        with suppress(Crash, ReconcilerError):
            evident.repair(live, new_log=True)
        evident.world.pass_time(LATER)
        if twice:
            lose_key(evident)
        with suppress(AuditError):
            evident.apply(THREE)
        if live.hit is None:
            break
        with suppress(AuditError):
            evident.repair(new_log=True)
        evident.world.pass_time(LATER)
        evident.apply(THREE)
        kinds = [one.kind for one in evident.judge()]
        assert kinds.count("run") == 3
        archives = [
            len(list(one.glob("0*"))) for one in (evident.root / WHERE.reports).glob("log-*")
        ]
        assert archives.count(2) == 1
        assert len(archives) == 1 or twice
    tally("repairs that died", place // step(exhaustive))


def part(evident: Evident, folder: Path) -> Evident:
    """Restore the registry as it was after entry 1, and let a run enter another one there that
    ``evident`` does not see; where it did so."""
    other = Evident(folder / "other", evident.world)
    evident.apply(ONE)
    shutil.copytree(evident.root, other.root)
    backup = copy.deepcopy((evident.world.documents, evident.world.secrets))
    evident.apply(TWO)
    evident.world.documents, evident.world.secrets = backup
    evident.world.pass_time(LATER)
    other.apply(THREE)
    evident.world.pass_time(LATER)
    return other


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("lost", [False, True])
@FAULTS
def test_entries_of_the_registry_alone_survive_a_repair_that_dies(
    tmp_path: Path,
    fault: Callable[..., Any],
    lost: bool,
    twice: bool,
    exhaustive: bool,
    tally: Tally,
) -> None:
    for place in count(0, step(exhaustive)):
        folder = tmp_path / str(place)
        evident = Evident(folder / "mine")
        evident.root.mkdir(parents=True)
        other = part(evident, folder)
        (entered,) = [one for one in other.verify()[0] if one.number == 2]
        if lost:
            lose_key(evident)
        live = Faulty(evident.world, place, fault)
        with suppress(Crash, ReconcilerError):
            evident.repair(live, new_log=lost)
        evident.world.pass_time(LATER)
        if live.hit is not None and twice:
            lose_key(evident)
        if live.hit is not None:
            with suppress(AuditError):  # there is nothing left to repair
                evident.repair(new_log=lost or twice)
        evident.world.pass_time(LATER)
        evident.apply(desired(client("a"), client("c"), client("d")))
        every = [*evident.former(), *evident.verify()[0]]
        again = [one for one in every if one.run == entered.run]
        assert [one.subjects for one in again] == [entered.subjects], place
        found = evident.verify()[1]
        assert isinstance(found, VerifiedLog), (place, found)
        if live.hit is None:
            break
    tally("repairs that died", place // step(exhaustive))


def _closes(request: Request) -> bool:
    return (
        isinstance(request, WriteDocument)
        and request.name.startswith("runs/")
        and '"closed":true' in request.text
    )
