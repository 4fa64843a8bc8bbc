"""Rules of one's own, evaluated in this very process: what the real evaluator answers, without its
limits."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reconciler.adapters.cel.worker import judge_expression, with_durations
from reconciler.domain.plan.judgement import RuleFault, RuleJudgement
from reconciler.domain.values.canonical import JsonObject


def judge_here(
    expressions: Sequence[str], clients: Sequence[JsonObject], known: Collection[str]
) -> Sequence[RuleJudgement]:
    """A ``Judge``, for tests of many small cases: a process for each would take half a second."""
    answers = [
        judge_expression(expression, [with_durations(client) for client in clients], known)
        for expression in expressions
    ]
    return [
        RuleJudgement(
            tuple(RuleFault(*fault) for fault in answer["faults"]),
            frozenset(answer["needs"]),
            tuple(answer["verdicts"]),
        )
        for answer in answers
    ]
