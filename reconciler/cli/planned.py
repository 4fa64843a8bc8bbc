"""From options to the question that a plan answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.cli.wiring import required_records
from reconciler.domain.desired import Desired
from reconciler.domain.names import bucket_of, is_name, one_of
from reconciler.domain.observed import Observed
from reconciler.domain.plan import Plan
from reconciler.engine.business import unfinished_business
from reconciler.engine.engine import Engine, Question
from reconciler.engine.executor import Shard
from reconciler.errors import UsageError
from reconciler.planning.planner import pair_up


def question_for(
    desired: Desired, *, only: Sequence[str] = (), at: datetime | None = None, deep: bool = False
) -> Question:
    """Plan for these clients (none named: all). Reads the registry of the environment that must come first."""
    required = required_records(desired.project, desired.environment)
    return Question(desired, only=frozenset(only) or None, required=required, at=at, deep=deep)


def refuse_no_names(only: Sequence[str]) -> None:
    """Raises ``UsageError`` for an ``--only`` that cannot be a client's name, before anybody is asked."""
    for name in only:
        if not is_name(name):
            raise UsageError("RC007", f"--only {name!r} is not a client's name", "names look like paystack-payouts")


def refuse_unknown(only: Sequence[str], desired: Desired, observed: Observed) -> None:
    """A misspelt ``--only`` must not look like a client with nothing to do. Raises ``UsageError``."""
    known = pair_up(desired, observed)
    for name in only:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else one_of(known, "there is none: declare one under clients/")
            raise UsageError("RC007", f"client {name} is neither declared nor registered", hint)


def with_unfinished(engine: Engine, observed: Observed, plan: Plan) -> Plan:
    """``plan`` with what is unfinished, for those who read it."""
    return replace(plan, unfinished=unfinished_business(engine, observed, plan))


def of_shard(question: Question, observed: Observed, shard: Shard) -> Question:
    """``question`` about the clients of one shard alone."""
    names = pair_up(question.desired, observed)
    part = frozenset(name for name in names if shard.holds(bucket_of(name, observed.buckets), observed.buckets))
    return replace(question, only=part if question.only is None else part & frozenset(question.only))


def parse_shard(text: str) -> Shard:
    """``2/4``: the second of four. Raises ``UsageError``."""
    try:
        index, count = (int(part) for part in text.split("/"))
    except ValueError:
        index, count = 0, 0
    if not 1 <= index <= count <= 256:
        raise UsageError("RC008", f"--shard {text!r} is not a shard", "write K/N with 1 <= K <= N <= 256, such as 2/4")
    return Shard(index, count)
