"""Rules of one's own in a process with limits: what is right, what is wrong, and what would never
end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.cel import judge as judging
from reconciler.adapters.cel.judge import CelJudge
from reconciler.adapters.cel.worker import FUNCTIONS, judge_expression, syntax_fault, with_durations
from reconciler.domain.plan.judgement import RuleFault, RuleJudgement
from reconciler.domain.plan.scopes import ScopeTable
from reconciler.planning.rules.custom_rules import DECLARED_ONLY, LIVE, collect_declared_facts
from tests.kit.worlds.declared import client

ROW = collect_declared_facts(
    client("a", scopes=["payouts:*"]), "production", ScopeTable({"payouts:write": "high"})
)
TEN = "[1,2,3,4,5,6,7,8,9,0]"


def nested(depth: int) -> str:
    text = "true"
    for number in range(depth):
        text = f"{TEN}.all(x{number}, {text})"
    return text


def doubled(times: int) -> str:
    text = "'aaaaaaaaaa'"
    for number in range(times):
        text = f"[{text}].map(x{number}, x{number} + x{number})[0]"
    return f"{text} == 'b'"


def asked(judge: CelJudge, *expressions: str, rows: list[Any] | None = None) -> list[RuleJudgement]:
    return list(judge(expressions, [ROW] if rows is None else rows, DECLARED_ONLY))


def test_expressions_that_would_never_end_are_ended_and_the_others_are_not() -> None:
    """In one go: a process ends at each of the two, and a new one goes on behind it."""
    judge = CelJudge(seconds=0.2)
    good, slow, large, after = asked(
        judge, "client == 'a'", nested(12), doubled(60), "client == 'b'"
    )
    assert good.verdicts == (True,)
    assert after.verdicts == (False,)
    assert slow.verdicts == ("it took more than 0.2 s of computing",)
    (why,) = large.verdicts
    assert str(why).startswith("it took ")
    assert asked(judge, "client == 'a'", nested(12), doubled(60), "client == 'b'") == [
        good,
        slow,
        large,
        after,
    ]


# Stands in for Python: notes what it was given before it becomes the real one.
_NOTING = """#!/bin/sh
cat > '{folder}/input'
cat '{folder}/input' >> '{folder}/inputs'
echo >> '{folder}/inputs'
cat /proc/$$/environ >> '{folder}/environ'
tr '\\0' ' ' < /proc/$$/cmdline >> '{folder}/arguments'
ls -l /proc/$$/fd >> '{folder}/open'
exec '{python}' "$@" < '{folder}/input'
"""


@dataclass(frozen=True)
class Noted:
    """What the processes really got, as the kernel has it."""

    folder: Path

    @property
    def expressions(self) -> list[list[str]]:
        """Of each process, in turn."""
        lines = (self.folder / "inputs").read_text().splitlines()
        return [json.loads(line)["expressions"] for line in lines]

    @property
    def environ(self) -> set[str]:
        """The names of all variables."""
        entries = (self.folder / "environ").read_text().split("\0")
        return {entry.partition("=")[0] for entry in entries if entry}

    def everything(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.iterdir()))


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Noted:
    folder = tmp_path / "noted"
    folder.mkdir()
    program = tmp_path / "python"
    program.write_text(_NOTING.format(folder=folder, python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setattr("reconciler.adapters.cel.judge.sys.executable", str(program))
    return Noted(folder)


def test_all_rules_have_one_budget_and_what_is_left_over_is_not_evaluated(
    noted: Noted,
) -> None:
    """Fifty rules that never end cost what a few do.

    What was not reached counts as broken, like what never ends.
    """
    burning = [nested(12 + number) for number in range(50)]
    first, *found = asked(
        CelJudge(seconds=0.3, budget=2), "client == 'a'", *burning, "client == 'b'"
    )
    assert first.verdicts == (True,)
    verdicts = [one.verdicts for one in found]
    ended = verdicts.count(("it took more than 0.3 s of computing",))
    told = ("the rules before it took the 2.1 s of computing that all have together",)
    assert verdicts == [verdicts[0]] * ended + [told] * (51 - ended)
    assert 1 <= ended <= 6
    assert len(noted.expressions) <= ended + 1


def test_what_passed_its_limits_is_not_tried_again(noted: Noted) -> None:
    """Neither for other clients, nor for another rule with the same expression."""
    judge = CelJudge(seconds=0.2)
    endless, same, good = asked(judge, nested(12), nested(12), "client == 'a'")
    assert endless == same
    assert noted.expressions == [[nested(12), "client == 'a'"], ["client == 'a'"]]
    others = [{**ROW, "client": name} for name in "bc"]
    assert [one.verdicts for one in asked(judge, nested(12), "client == 'a'", rows=others)] == [
        endless.verdicts * 2, (False, False),
    ]  # fmt: skip
    assert noted.expressions[2:] == [["client == 'a'"]]
    assert good.verdicts == (True,)


def test_one_rule_alone_has_its_own_time_however_many_clients_there_are() -> None:
    rows = [{**ROW, "client": str(number)} for number in range(300)]
    (answer,) = asked(CelJudge(seconds=0.2, budget=0.1), "client == '1'", rows=rows)
    assert answer.verdicts == tuple(row["client"] == "1" for row in rows)


def test_a_text_that_grows_for_ever_meets_its_limit_of_memory() -> None:
    """With all the time in the world: the memory of this machine is not taken."""
    (verdict,) = asked(CelJudge(seconds=60), doubled(60))[0].verdicts
    assert verdict == "it took too much memory"


def test_no_expression_ends_the_process_by_its_depth() -> None:
    deep = ["(" * 2000, "!" * 1999, "[" * 900 + "1" + "]" * 900, "- " * 999 + "1", "1" + "+1" * 999]
    for judgement in asked(CelJudge(), *deep):
        assert judgement.faults or judgement.verdicts != ("it took too much memory",)


def test_the_process_is_given_nothing_of_ours(
    monkeypatch: pytest.MonkeyPatch, noted: Noted, tmp_path: Path
) -> None:
    """No variable, no argument and no open file: asked of the kernel, not of how it is started."""
    monkeypatch.setenv("VAULT_TOKEN", "hvs.secret")
    token = tmp_path / "token"
    with token.open("w") as ours:
        os.set_inheritable(ours.fileno(), True)
        assert asked(CelJudge(), "true")[0].verdicts == (True,)
    assert noted.environ == {"PYTHONPATH"}
    everything = noted.everything()
    assert "reconciler.adapters.cel.worker" in everything
    assert str(token) not in everything
    assert "hvs" not in everything


def test_a_process_that_cannot_be_started_fails_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.adapters.cel.judge.sys.executable", "/nowhere/python")
    (verdict,) = asked(CelJudge(), "true")[0].verdicts
    assert verdict == "a process to evaluate it cannot be started: No such file or directory"


def test_a_process_that_ends_by_itself_fails_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o755)
    monkeypatch.setattr("reconciler.adapters.cel.judge.sys.executable", str(program))
    assert asked(CelJudge(), "true", "false")[1].verdicts == (
        "the process that evaluates it ended with 7",
    )


def test_a_clock_on_the_wall_ends_what_does_not_compute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its last line was cut short and counts for nothing."""
    program = tmp_path / "python"
    answer = '{"faults": [], "needs": [], "verdicts": [true]}'
    program.write_text(f"#!/bin/sh\necho '{answer}'\nprintf half\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr("reconciler.adapters.cel.judge.sys.executable", str(program))
    monkeypatch.setattr(judging, "_WALL", 0.5)
    first, second, third = asked(CelJudge(seconds=1), "true", "!false", "1 == 1")
    assert (first.verdicts, third.verdicts) == ((True,), (True,))
    assert second.verdicts == ("it was not done after 2 s",)


FAULTS = {
    "1 +": (3, "the expression ends too early"),
    "after.x ==== 1": (10, "`==` is unexpected"),
    "after.x =! 1": (8, "this cannot be read: `=!`"),
    "true\n  && (": (11, "the expression ends too early"),
    "'é' + x": (6, "there is no variable `x`"),
    "afer.x == 1": (0, "there is no variable `afer`"),
    "after.exists(x, y)": (16, "there is no variable `y`"),
    "after.keys.all(k, v, true)": (11, "`all` takes a name and an expression"),
    **{
        f"after.keys.{name}(k)": (11, f"`{name}` takes a name and an expression")
        for name in ("all", "exists", "exists_one", "filter", "map")
    },
    "has(after.scopes, 1)": (0, "`has` takes one field: has(after.owner)"),
    "after.has()": (6, "`has` takes one field: has(after.owner)"),
    "has(client)": (4, "invalid argument to has() macro"),
    "lower(client) == 'a'": (0, "there is no function `lower`"),
    "client.lowerAscii() == 'a'": (7, "there is no function `lowerAscii`"),
    "": (0, "the expression ends too early"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_faults(text: str) -> None:
    answer = judge_expression(text, [ROW], DECLARED_ONLY)
    assert [tuple(fault) for fault in answer["faults"]] == [FAULTS[text]]
    assert answer["verdicts"] == []


def test_a_parser_that_says_something_else() -> None:
    assert syntax_fault("x", "who knows") == RuleFault(0, "this is not a CEL expression")
    assert syntax_fault(
        "x", "ERROR: <input>:1:2: Syntax error: strange expecting {'a'}"
    ) == RuleFault(1, "strange")
    both = "ERROR: <input>:1:1: unknown thing\nERROR: <input>:1:3: Syntax error: strange"
    assert syntax_fault("a b", both) == RuleFault(2, "strange")
    assert syntax_fault("x", "ERROR: <input>:1:1: Recursion limit of 96") == RuleFault(
        0, "the expression is nested too deeply"
    )


def test_every_function_that_is_offered_exists() -> None:
    """An expression with one that the library does not have would be valid and never be
    evaluated."""
    calls = {
        **{name: f"{name}('1') != null" for name in ("size", "int", "uint", "double", "string", "bytes", "type")},
        "dyn": "dyn('1') != null",
        **{name: f"'ab'.{name}('a')" for name in ("contains", "startsWith", "endsWith", "matches")},
        **{
            name: f"timestamp('2026-01-01T00:00:00Z').{name}() >= 0"
            for name in FUNCTIONS
            if name.startswith("get")
        },
        "duration": "duration('1h') < duration('2h')",
        "timestamp": "timestamp('2026-01-01T00:00:00Z') < timestamp('2027-01-01T00:00:00Z')",
    }  # fmt: skip
    assert set(calls) == FUNCTIONS
    for call in calls.values():
        assert judge_expression(call, [ROW], DECLARED_ONLY)["verdicts"] in ([True], [False]), call


def test_what_is_needed_is_told_and_what_is_not_known_is_not_evaluated() -> None:
    answer = judge_expression("before != null && after.state == 'active'", [ROW], DECLARED_ONLY)
    assert answer == {"faults": [], "needs": ["after", "before"], "verdicts": []}
    assert {"before", "granted", "withdrawn", "risk", "actions"} == LIVE


def test_importing_the_program_does_not_import_the_library() -> None:
    """0.3 s: only a policy with rules of one's own pays, and in another process."""
    code = "import sys; import reconciler.cli.main, reconciler.adapters.cel.judge; print('cel' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


@pytest.mark.parametrize("side", ["before", "after"])
def test_durations_can_be_compared_on_either_side(side: str) -> None:
    """What is no duration, as in a record that somebody edited, stays what it is."""
    spec = {
        "keys": {"primary": {"lifetime": "90d", "grace": "72h", "name": "90d"}},
        "webhooks": {"orders": {"secret": {"lifetime": "soon", "grace": 5}}},
        "scopes": ["90d"],
    }
    found = with_durations({"name": "partner", side: spec})[side]
    assert found == {
        "keys": {
            "primary": {
                "lifetime": timedelta(days=90),
                "grace": timedelta(hours=72),
                "name": "90d",
            }
        },
        "webhooks": {"orders": {"secret": {"lifetime": "soon", "grace": 5}}},
        "scopes": ["90d"],
    }
