"""The parts of a benchmark that judge: figures, goals, the choice of rows, the table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.__main__ import choose, measure
from benchmarks.measuring.choosing import choose_rows
from benchmarks.measuring.figures import By, Goal, Result, Sample, State, median
from benchmarks.measuring.layout import lay_out, to_document
from benchmarks.measuring.machine import Origin
from benchmarks.measuring.programs import BenchmarkError
from benchmarks.measuring.record import append_table
from benchmarks.measuring.turns import Turns, take_turns
from benchmarks.rows.row import Bench, NotBuiltError, Row
from benchmarks.rows.table import ROWS

ORIGIN = Origin(
    date="2026-11-30T20:00:00Z",
    version="0.1.0",
    commit="0123456789ab",
    dirty=False,
    cores=2,
    processor="Some Processor",
    system="Linux",
    python="3.11.7",
    server="OpenBao v2.7.2",
)
NAMES = ["plan-cold", "plan-warm", "status", "help"]


def samples(*walls: float, cpu: float = 1.0, peak: float = 100.0) -> list[Sample]:
    return [Sample(wall, cpu, peak) for wall in walls]


def result(
    ours: list[Sample],
    baseline: list[Sample],
    goal: Goal,
    *,
    by: By = By.WALL,
    clients: int = 10_000,
) -> Result:
    return Result("row", "what", "against", by, goal, clients, ours, baseline)


def test_the_ratio_is_that_of_the_medians() -> None:
    measured = result(samples(3.0, 9.0, 4.0), samples(1.0, 2.0, 50.0), Goal())
    assert median(measured.ours, By.WALL) == 4.0
    assert measured.ratio == 2.0
    assert replace(measured, by=By.CPU).ratio == 1.0
    assert replace(measured, baseline=[]).ratio is None


@pytest.mark.parametrize(
    ("goal", "state"),
    [
        (Goal(), State.NO_GOAL),
        (Goal(ratio=2.0), State.MET),
        (Goal(ratio=1.99), State.MISSED),
        (Goal(seconds=4.0), State.MET),
        (Goal(seconds=3.9), State.MISSED),
        (Goal(peak=120.0), State.MET),
        (Goal(peak=119.0), State.MISSED),
        (Goal(ratio=2.0, peak=119.0), State.MISSED),
        (Goal(ratio=1.0, peak=120.0), State.MISSED),
        (Goal(ratio=1.0, from_clients=10_001), State.NOT_JUDGED),
    ],
)
def test_a_goal_is_met_or_missed(goal: Goal, state: State) -> None:
    """Of memory the largest turn counts, not the median."""
    ours = [*samples(4.0, 4.0), Sample(4.0, 1.0, 120.0)]
    assert result(ours, samples(2.0, 2.0), goal).state is state


def test_a_goal_in_cpu_seconds_does_not_look_at_the_clock() -> None:
    ours, baseline = samples(90.0, cpu=0.2), samples(1.0, cpu=0.1)
    assert result(ours, baseline, Goal(seconds=0.25, ratio=2.0), by=By.CPU).state is State.MET


def test_a_ratio_without_a_baseline_is_not_met() -> None:
    assert result(samples(1.0), [], Goal(ratio=2.0)).state is State.MISSED


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (["help"], ["help"]),
        (["help", "plan-cold"], ["plan-cold", "help"]),
        (["plan"], ["plan-cold", "plan-warm"]),
        (["plan", "plan-cold"], ["plan-cold", "plan-warm"]),
        ([], []),
    ],
)
def test_rows_are_chosen_by_name_or_first_word(wanted: list[str], chosen: list[str]) -> None:
    assert choose_rows(NAMES, wanted) == chosen


@pytest.mark.parametrize("word", ["pla", "plan-", "cold", "helps"])
def test_a_word_that_is_no_row_is_refused_with_those_that_are(word: str) -> None:
    with pytest.raises(ValueError, match=f"no row '{word}'; the rows are plan-cold, plan-warm"):
        choose_rows(NAMES, ["help", word])


def test_what_takes_long_or_needs_others_is_measured_when_it_is_asked_for() -> None:
    def names(wanted: str, *, growth: bool = False) -> list[str]:
        return [row.name for row in choose(ROWS, wanted, growth=growth)]

    growing, peers = names("growth"), names("peer")
    assert (len(growing), len(peers)) == (3, 3)
    assert names("", growth=True) == [*names(""), *growing]
    assert names("", growth=True) == [row.name for row in ROWS if row.name not in peers]
    assert not {*names("")} & {*growing, *peers}


def test_turns_alternate_and_the_first_only_warms() -> None:
    told: list[str] = []

    def measured(name: str) -> Sample:
        told.append(name)
        return Sample(float(len(told)), 1.0, 1.0)

    turns = take_turns("row", 2, lambda: measured("baseline"), lambda: measured("ours"))
    assert told == ["baseline", "ours"] * 3
    assert [sample.wall for sample in turns.baseline] == [3.0, 5.0]
    assert [sample.wall for sample in turns.ours] == [4.0, 6.0]


def test_one_round_is_not_warmed() -> None:
    turns = take_turns("row", 1, None, lambda: Sample(1.0, 1.0, 1.0))
    assert (len(turns.ours), turns.baseline) == (1, [])


def a_row(measure: Callable[[Bench], Turns]) -> Row:
    return Row("row", "what", "against", measure, Goal(ratio=1.0))


def not_built(_: Bench) -> Turns:
    raise NotBuiltError("there is no such option")


def failing(_: Bench) -> Turns:
    raise BenchmarkError("reconciler plan … ended with 1:\nerror[RC101] of some kind")


def test_what_is_not_built_and_what_fails_has_no_figures() -> None:
    with Bench(20, 1) as bench:
        missing, failed = measure(a_row(not_built), bench), measure(a_row(failing), bench)
    assert (missing.state, missing.why) == (State.NOT_BUILT, "there is no such option")
    assert (failed.state, failed.why) == (State.FAILED, "reconciler plan … ended with 1:")
    for one in (missing, failed):
        row = json.loads(to_document([one], ORIGIN, 20, 1))["rows"][0]
        assert (row["ratio"], row["seconds"], row["peak"]) == (None, None, None)
        assert row["samples"] == {"ours": [], "baseline": []}


def a_table() -> list[Result]:
    met = Result(
        "plan-cold",
        "plan, nothing kept",
        "reading the files",
        By.WALL,
        Goal(ratio=1.5, peak=150),
        10_000,
        samples(1.5, 1.4, 1.6, cpu=1.2, peak=149.6),
        samples(1.0, 1.1, 1.2, cpu=1.0, peak=30),
    )
    return [
        met,
        replace(met, name="plan-warm", goal=Goal(ratio=0.7), ours=[], baseline=[], why="no option"),
        replace(met, name="status", goal=Goal()),
        replace(met, name="imports", by=By.CPU, goal=Goal(seconds=0.25), baseline=[]),
        replace(met, name="help", goal=Goal(ratio=1.0, from_clients=0)),
        replace(met, name="apply-keys", goal=Goal(ratio=1.0), clients=20),
    ]


@pytest.mark.parametrize(("render", "name"), [(lay_out, "table.txt"), (to_document, "table.json")])
def test_the_table(
    render: Callable[..., str], name: str, golden: Callable[[str, str], None]
) -> None:
    golden(name, render(a_table(), ORIGIN, 10_000, 3))


def test_a_table_is_kept_under_its_date_and_commit(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    page.write_text("# Results\n")
    for clients in (20, 10_000):
        append_table(page, "a table\n", ORIGIN, clients)
    assert page.read_text() == (
        "# Results\n"
        "\n## 2026-11-30, 0123456789ab, 20 clients\n\n```text\na table\n```\n"
        "\n## 2026-11-30, 0123456789ab, 10,000 clients\n\n```text\na table\n```\n"
    )
