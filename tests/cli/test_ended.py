"""The exit code of a run, from what became of its actions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.app.values import Run
from reconciler.cli.ended import exit_code
from reconciler.domain.plan.plan import Outcome, OutcomeStatus, Problem, Stage
from tests.report.samples import ACTIONS, run_result

DONE = Outcome(ACTIONS[0], OutcomeStatus.DONE, "done")
SKIPPED = Outcome(ACTIONS[0], OutcomeStatus.SKIPPED, "RC404: a sentence that looks like a code")
INTERRUPTED = Outcome(ACTIONS[0], OutcomeStatus.SKIPPED, "", reached=Stage.NOT_BEGUN)


def failed(code: str, reached: Stage = Stage.BEGUN) -> Outcome:
    return Outcome(
        ACTIONS[0],
        OutcomeStatus.FAILED,
        "a sentence",
        problem=Problem(code, "why"),
        reached=reached,
    )


@pytest.mark.parametrize(
    ("outcomes", "interrupted", "code"),
    [
        ((), False, 0),
        ((DONE,), False, 0),
        ((failed("RC402"), failed("RC404")), False, 1),
        ((failed("RC402"), SKIPPED), False, 1),
        ((failed("RC402"), DONE), False, 5),
        ((failed("RC402"), failed("RC517")), False, 5),
        ((failed(""),), False, 5),
        ((failed("RC402", Stage.ON_RECORD),), False, 5),
        ((SKIPPED,), False, 1),
        ((INTERRUPTED,), True, 5),
        ((INTERRUPTED, failed("RC402")), True, 1),
    ],
)
def test_the_exit_code_looks_at_codes_and_stages(
    outcomes: tuple[Outcome, ...], interrupted: bool, code: int
) -> None:
    result = replace(run_result(), outcomes=outcomes, interrupted=interrupted)
    assert exit_code(Run(result)) == code
