"""Every field of a record edited by hand, every way: no other client is harmed, and what nobody
vouches for is kept.

Against dictionaries. What a checksum does not match is edited; one that matches is ours, whoever
wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from reconciler.domain.declared.desired import Desired
from reconciler.domain.values.names import bucket_of
from reconciler.errors import RegistryError
from tests.kit.suite.tally import Tally
from tests.kit.worlds import memory
from tests.kit.worlds.declared import client, desired, lifecycle, webhook
from tests.kit.worlds.memory import BUCKETS, Entry, World
from tests.kit.worlds.runner import Runner

VICTIM, OTHER = "a", "b"
KEPT = client(OTHER, webhooks=[webhook()])
BOTH = desired(client(VICTIM, webhooks=[webhook()]), KEPT)
# What is declared when the edit is met.
DECLARED: dict[str, Desired] = {
    "declared": BOTH,
    "declared otherwise": desired(
        client(VICTIM, scopes=("payouts:write",), webhooks=[webhook()]), KEPT
    ),
    "rotated": desired(
        client(VICTIM, {"primary": lifecycle("2d", "1d", "1h")}, webhooks=[webhook()]), KEPT
    ),
    "file deleted": desired(KEPT),
    "renamed": desired(client("z", renamed_from=VICTIM, webhooks=[webhook()]), KEPT),
    "retired": desired(client(VICTIM, state="retired"), KEPT),
    "suspended": desired(client(VICTIM, state="suspended"), KEPT),
}
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, 2, 99, -1, "", VICTIM, OTHER, "z", "elsewhere", "../b", "active", "pending", "retiring",
    "revoked", "retired", "suspended", "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z", [], {},
)  # fmt: skip


def bucket(world: World, name: str) -> Entry:
    return world.documents[f"buckets/{bucket_of(name, BUCKETS)}"]


def document(world: World, name: str) -> Any:
    entry = bucket(world, name)
    return json.loads(entry.versions[entry.current]["doc"])


def fields(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every field of a record. Of events one stands for all."""
    for key in (
        node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    ):
        if path[:1] != ("events",) or path[1:2] in ((), (0,)):
            yield (*path, key)
            yield from fields(node[key], (*path, key))


def edited(prepared: Runner, path: tuple[Any, ...], value: Any) -> Runner | None:
    """A copy of everything in which one field has another value; None when it had that value
    already."""
    runner = deepcopy(prepared)
    whole = document(runner.world, VICTIM)
    node = whole["clients"][VICTIM]
    for key in path[:-1]:
        node = node[key]
    if node[path[-1]] == value and type(node[path[-1]]) is type(value):
        return None
    node[path[-1]] = value
    entry = bucket(runner.world, VICTIM)
    entry.put({"doc": json.dumps(whole)}, entry.current)
    return runner


def stored(world: World, name: str) -> dict[str, Any]:
    """What can be read of the secrets of a client."""
    return {
        path: {
            number: entry.readable(number) for number in entry.versions if entry.readable(number)
        }
        for path, entry in world.secrets.items()
        if path.split("/")[1].startswith(f"{name}.")
    }


@pytest.fixture(scope="module")
def prepared() -> Runner:
    runner = Runner(World())
    runner.settle(BOTH)
    runner.rotate(BOTH, VICTIM)
    runner.settle(BOTH)
    assert bucket_of(VICTIM, BUCKETS) != bucket_of(OTHER, BUCKETS)
    return runner


@pytest.mark.parametrize("what", DECLARED)
def test_every_field(
    prepared: Runner, what: str, monkeypatch: pytest.MonkeyPatch, tally: Tally, *, exhaustive: bool
) -> None:
    """All of them, or every eleventh."""
    # What is edited may break the invariants by itself; here it is judged what becomes of the
    # secrets.
    monkeypatch.setattr(memory, "judge_commit", lambda old, new: None)
    record = document(prepared.world, VICTIM)["clients"][VICTIM]
    cases = [(path, value) for path in fields(record) for value in VALUES][
        :: 1 if exhaustive else 11
    ]
    tried, harm = 0, []
    for path, value in cases:
        runner = edited(prepared, path, value)
        if runner is not None:
            tried += 1
            told = f"{'.'.join(map(str, path))} = {value!r}"
            harm += [f"{told}: {one}" for one in harms(runner, prepared, what, path)]
    assert not harm, "\n".join(harm)
    assert tried > len(cases) / 2
    tally("edits by hand of one field of a record, in memory", tried)


def harms(runner: Runner, prepared: Runner, what: str, path: tuple[Any, ...]) -> Iterator[str]:
    """What went wrong when the edited record was met, in words."""
    before = deepcopy(runner.world.documents)
    wanted = DECLARED[what]
    try:
        plan = runner.plan(wanted)
        if not plan.blocked:
            runner.apply(wanted)
            runner.apply(wanted)
            if changes := runner.plan(wanted).changes:
                yield f"it does not converge, but goes on with {changes[0].kind} {changes[0].address}"
    except RegistryError as error:
        if error.code != "RC443" or runner.world.documents != before:
            yield str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault to be told with its case
        yield f"{type(error).__name__}: {error}"
    if document(runner.world, OTHER) != document(prepared.world, OTHER):
        yield "the other client's record changed"
    if stored(runner.world, OTHER) != stored(prepared.world, OTHER):
        yield "the other client's secrets changed"
    if (
        what == "file deleted"
        and not trusted(path)
        and stored(runner.world, VICTIM) != stored(prepared.world, VICTIM)
    ):
        yield "secrets were destroyed on the word of an edited record"
    if set(runner.world.secrets) != set(prepared.world.secrets):
        yield "secrets were written elsewhere"


def trusted(path: tuple[Any, ...]) -> bool:
    """Whether the record itself is unedited: a series has a checksum of its own."""
    return (path[0] == "keys" and len(path) > 2) or (
        path[0] == "webhooks" and len(path) > 3 and path[2] == "secret"
    )
