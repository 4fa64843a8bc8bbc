"""Laws of what is stored: it is read as it was written, and what is not known is refused and left
alone.

A sample has the same examples every time; ``--exhaustive`` tries twenty times as many, and others
each time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import strategies as st

from reconciler.domain.live.observed import OpenRun
from reconciler.domain.plan.plan import Plan
from reconciler.engine.planfile.document import plan_json
from reconciler.engine.planfile.load import load_plan
from reconciler.errors import ReconcilerError, RegistryError
from reconciler.registry.codec.run_codec import decode_lease, decode_run
from reconciler.registry.protocol.documents import open_run, take_lease
from tests.kit.suite.laws import hold
from tests.kit.suite.tally import Tally
from tests.kit.worlds.declared import PROJECT, client, desired, lifecycle, webhook
from tests.kit.worlds.faults import Crash, Faulty, crash_before
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import Runner, drive
from tests.kit.worlds.stored import decode_bucket

TRIED = "examples of laws"
KEYS = {"primary": lifecycle(), "backup": lifecycle("9d", "3d", "1d")}
DECLARED = desired(client(keys=KEYS, webhooks=[webhook()]), client("other"))


@cache
def rich() -> Runner:
    """Versions in every state, a claim that was left, open runs and a lease."""
    runner = Runner(World())
    runner.settle(DECLARED)
    runner.world.at += timedelta(days=8)
    runner.apply(DECLARED)
    with suppress(Crash):
        runner.rotate(DECLARED, "payouts", Faulty(runner.world, 4, crash_before))
    for number in (1, 2):
        drive(
            runner.world,
            open_run(OpenRun(Runner.run_id(number), "apply", "Ada", START, None, "sha256:0")),
        )
    drive(runner.world, take_lease("somebody", timedelta(seconds=30)))
    return runner


def names() -> list[str]:
    """Of its documents."""
    return sorted(rich().world.documents)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6)
    | st.sampled_from(["active", "revoked", "2026-11-23T22:45:00Z", "0001-01-01T00:00:00+14:00", "payouts"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip
CHANGES = st.lists(
    st.tuples(st.sampled_from(["put", "put", "drop", "add", "swap"]), st.integers(0, 2**16), JSON),
    min_size=1,
    max_size=3,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every holder in a JSON value with the keys or indexes of what it holds."""
    found: list[tuple[Any, Any]] = []
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        found += [(value, key), *places(inner)]
    return found


def changed(text: str, changes: list[tuple[str, int, Any]]) -> str:
    document = json.loads(text)
    for how, which, new in changes:
        found = places(document)
        if not found:
            break
        holder, key = found[which % len(found)]
        if how == "put":
            holder[key] = new
        elif how == "drop":
            del holder[key]
        elif how == "add" and isinstance(holder, dict):
            holder[f"{key}-unknown"] = new
        elif how == "swap":
            other, place = found[(which // 7) % len(found)]
            holder[key], other[place] = deepcopy(other[place]), deepcopy(holder[key])
    return json.dumps(document)


def stored(runner: Runner, name: str) -> str:
    entry = runner.world.documents[name]
    return str(entry.versions[entry.current]["doc"])


def replaced(name: str, text: str) -> Runner:
    runner = deepcopy(rich())
    entry = runner.world.documents[name]
    entry.put({"doc": text}, entry.current)
    return runner


def expect_refused_or_mended(runner: Runner) -> None:
    """Either a sentence and nothing written, or a plan that leaves nothing to do."""
    writes = runner.world.writes
    try:
        plan = runner.plan(DECLARED)
    except ReconcilerError as error:
        refused = bool(error.code and error.remedy) and runner.world.writes == writes
        assert refused, error  # noqa: PT017
        return
    if not plan.blocked:
        runner.settle(DECLARED)


def test_whatever_is_put_in_a_document_is_refused_with_a_sentence_or_mended(
    exhaustive: bool, tally: Tally
) -> None:
    """By somebody who edits its JSON and does not know of the checksums."""

    def law(name: str, changes: list[tuple[str, int, Any]]) -> None:
        expect_refused_or_mended(replaced(name, changed(stored(rich(), name), changes)))

    tally(TRIED, hold(law, st.sampled_from(names()), CHANGES, examples=400, exhaustive=exhaustive))


def test_whatever_stands_for_a_document_is_refused_with_a_sentence(
    exhaustive: bool, tally: Tally
) -> None:
    """Cut short, garbled, something else altogether."""

    def law(name: str, cut: int, junk: str, whole: Any) -> None:
        text = stored(rich(), name)
        middle = cut % (len(text) - 1)
        for other in (
            text[:middle],
            text[:middle] + junk + text[middle + 1 :],
            json.dumps(whole),
            junk,
        ):
            expect_refused_or_mended(replaced(name, other))

    values = (st.sampled_from(names()), st.integers(0, 2**16), st.text(max_size=5), JSON)
    tally(TRIED, hold(law, *values, examples=60, exhaustive=exhaustive))


DECODERS: dict[str, Callable[[str], object]] = {
    "bucket": lambda text: decode_bucket(text, PROJECT),
    "run": decode_run,
    "lease": decode_lease,
}
FUTURE = (st.integers() | st.booleans() | st.floats() | st.text(max_size=3) | st.none()).filter(
    lambda form: not (type(form) is int and form == 1)
)


def name_of(kind: str) -> str:
    return next(name for name in names() if name.startswith(kind))


@pytest.mark.parametrize("kind", DECODERS)
def test_a_format_of_the_future_is_refused_and_nothing_is_written(
    kind: str, exhaustive: bool, tally: Tally
) -> None:
    name = name_of(kind)

    def law(form: Any) -> None:
        document = {**json.loads(stored(rich(), name)), "format": form}
        runner = replaced(name, json.dumps(document))
        writes = runner.world.writes
        with pytest.raises(RegistryError) as caught:
            runner.apply(DECLARED)
        assert caught.value.code == "RC442"
        assert runner.world.writes == writes
        with pytest.raises(RegistryError):
            DECODERS[kind](json.dumps(document))

    tally(TRIED, hold(law, FUTURE, examples=25, exhaustive=exhaustive))


@pytest.mark.parametrize("kind", ["bucket", "run"])
def test_a_field_that_is_not_known_is_refused_and_not_dropped(
    kind: str, exhaustive: bool, tally: Tally
) -> None:
    name = name_of(kind)

    def law(field: str, value: Any) -> None:
        document = {**json.loads(stored(rich(), name)), f"{field}-unknown": value}
        runner = replaced(name, json.dumps(document))
        writes = runner.world.writes
        with pytest.raises(RegistryError) as caught:
            runner.apply(DECLARED)
        assert caught.value.code == "RC443"
        assert runner.world.writes == writes

    tally(TRIED, hold(law, st.text(max_size=4), JSON, examples=25, exhaustive=exhaustive))


@cache
def plans() -> list[Plan]:
    fresh = Runner(World())
    later = deepcopy(rich())
    later.world.at += timedelta(days=62)
    changed_one = desired(
        client(scopes=("x:read",), webhooks=[webhook(url="https://b.example.com/")])
    )
    return [
        fresh.plan(DECLARED),
        rich().plan(DECLARED),
        later.plan(DECLARED),
        rich().plan(changed_one),
    ]


def test_a_plan_file_is_the_plan_that_was_written_or_refused(
    exhaustive: bool, tally: Tally
) -> None:
    """Whatever somebody puts at any place of it."""

    def law(which: int, changes: list[tuple[str, int, Any]], cut: int, junk: str) -> None:
        plan = plans()[which]
        text = plan_json(plan)
        assert load_plan(text) == plan
        middle = cut % (len(text) - 1)
        for other in (
            changed(text, changes),
            text[:middle],
            text[:middle] + junk + text[middle + 1 :],
        ):
            try:
                found = load_plan(other)
            except ReconcilerError as error:
                assert error.code in ("RC396", "RC397", "RC399")  # noqa: PT017
                continue
            assert found == plan

    values = (
        st.sampled_from(range(len(plans()))),
        CHANGES,
        st.integers(0, 2**16),
        st.text(max_size=5),
    )
    tally(TRIED, hold(law, *values, examples=150, exhaustive=exhaustive))
