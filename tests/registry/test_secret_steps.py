"""Writing and destroying one version, whatever the network and other people do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import VaultUnreachable
from reconciler.registry.protocol.secret_steps import (
    MAX_PASSES,
    VersionTaken,
    destroy_version,
    is_version_gone,
    read_newest,
    write_version,
)
from reconciler.registry.requests import (
    DestroyVersions,
    Done,
    PutSecret,
    Request,
    Response,
    Unclear,
)
from tests.kit.worlds.faults import Faulty, duplicated, request_lost, response_lost
from tests.kit.worlds.memory import Entry, World
from tests.kit.worlds.runner import drive

PATH = "keys/payouts.primary"
MINE = Secret("mine")


def world_with(count: int) -> World:
    world = World()
    for number in range(1, count + 1):
        world.answer(PutSecret(PATH, f"id{number}", Secret(f"text {number}"), number - 1))
    return world


def entry(world: World) -> Entry:
    return world.secrets[PATH]


@pytest.mark.parametrize("fault", [None, response_lost, request_lost, duplicated])
@pytest.mark.parametrize("count", [0, 3])
def test_the_next_version(count: int, fault: Callable[[World, Request], Response] | None) -> None:
    world = world_with(count)
    live = Faulty(world, 0, fault) if fault else world
    drive(live, write_version(PATH, count + 1, "mine", MINE, count))
    assert entry(world).current == count + 1
    assert entry(world).versions[count + 1] == {"value": "mine", "id": {"mine": ""}}


def test_a_version_that_stands_there_already_is_ours_by_its_id() -> None:
    world = world_with(3)
    drive(world, write_version(PATH, 3, "id3", MINE, 2))
    assert entry(world).current == 3


@pytest.mark.parametrize("known", [2, 4])
def test_a_version_of_somebody_else_is_told(known: int) -> None:
    world = world_with(4)
    with pytest.raises(VersionTaken) as caught:
        drive(world, write_version(PATH, 3, "mine", MINE, known))
    assert caught.value.current == 4
    assert entry(world).current == 4


@given(st.integers(1, 12), st.integers(0, 11), st.integers(0, 12))
def test_a_number_is_never_used_twice_after_the_history_was_deleted(
    number: int, there: int, known: int
) -> None:
    """KV counts from 1 again: placeholders without a value fill the gap and are destroyed."""
    there = min(there, number - 1)
    world = world_with(there)
    try:
        drive(world, write_version(PATH, number, "mine", MINE, min(known, number - 1)))
    except VersionTaken:
        pytest.fail("nobody took it")
    assert entry(world).current == number
    assert entry(world).readable(number) == {"value": "mine", "id": {"mine": ""}}
    placeholders = range(there + 1, number)
    assert all(entry(world).readable(one) is None for one in placeholders)
    assert all(entry(world).readable(one) is not None for one in range(1, there + 1))


def test_a_soft_deleted_version_is_not_written_over() -> None:
    world = world_with(2)
    entry(world).deleted.add(2)
    drive(world, write_version(PATH, 3, "mine", MINE, 0))
    assert entry(world).current == 3


def test_writing_ends_with_a_sentence() -> None:
    class Deaf(Faulty):
        def answer(self, request: Request) -> Response:
            if isinstance(request, PutSecret):
                self.count += 1
                return Unclear("no answer")
            return self.world.answer(request)

    live = Deaf(World(), 0, request_lost)
    with pytest.raises(VaultUnreachable, match="could not be written"):
        drive(live, write_version(PATH, 1, "mine", MINE, 0))
    assert live.count == MAX_PASSES


@pytest.mark.parametrize("number", [1, 3])
def test_destroyed_is_what_the_metadata_says(number: int) -> None:
    world = world_with(3)
    assert drive(world, destroy_version(PATH, number, claimed=False))
    assert entry(world).destroyed == {number}
    assert drive(world, destroy_version(PATH, number, claimed=False))


def test_204_proves_nothing() -> None:
    """A server that says done and does nothing: the version is not taken for destroyed."""

    class Lies(Faulty):
        def answer(self, request: Request) -> Response:
            if isinstance(request, DestroyVersions):
                self.count += 1
                return Done(self.world.at)
            return self.world.answer(request)

    live = Lies(world_with(3), 0, request_lost)
    assert not drive(live, destroy_version(PATH, 3, claimed=False))
    assert live.count == 3


def test_a_soft_deleted_version_is_destroyed_too() -> None:
    world = world_with(3)
    entry(world).deleted.add(3)
    assert drive(world, destroy_version(PATH, 3, claimed=False))
    assert 3 in entry(world).destroyed


@pytest.mark.parametrize("deleted", [False, True])
def test_a_claimed_version_can_never_be_written_once_it_was_revoked(deleted: bool) -> None:
    """Another run is about to write it: its check-and-set must fail then."""
    world = world_with(3)
    if deleted:
        del world.secrets[PATH]
    assert drive(world, destroy_version(PATH, 4, claimed=True))
    with pytest.raises(VersionTaken):
        drive(world, write_version(PATH, 4, "theirs", Secret("late"), 3))
    assert all("value" not in version for version in list(entry(world).versions.values())[3:])


def test_a_claimed_version_that_was_written_just_before_is_destroyed() -> None:
    world = world_with(4)
    assert drive(world, destroy_version(PATH, 4, claimed=True))
    assert entry(world).readable(4) is None
    assert entry(world).current == 4


@pytest.mark.parametrize(
    ("info", "gone"),
    [
        (None, True),
        (SecretInfo(), False),
        (SecretInfo(5), False),
        (SecretInfo(5, absent=frozenset({3})), True),
        (SecretInfo(5, deleted=frozenset({3})), False),
        (SecretInfo(5, oldest=4), True),
        (SecretInfo(2), True),
        (SecretInfo(3), False),
    ],
)
def test_is_gone(info: SecretInfo | None, gone: bool) -> None:
    assert is_version_gone(info, 3) is gone


def test_newest() -> None:
    assert drive(World(), read_newest(PATH)) == 0
    assert drive(world_with(3), read_newest(PATH)) == 3
