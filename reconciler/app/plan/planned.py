"""From options to the question that a plan answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.app.plan.targets import webhook_addresses
from reconciler.app.wiring import read_required_records
from reconciler.app.workplace import Workplace
from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import Desired
from reconciler.domain.live.observed import Observed
from reconciler.domain.plan.plan import Plan
from reconciler.domain.plan.shard import Shard
from reconciler.domain.values.names import bucket_of, is_name, one_of
from reconciler.engine.engine import Engine
from reconciler.engine.planfile.saved import list_proofs_asked, list_touched, read_agreed
from reconciler.engine.runs.unfinished import find_unfinished_business
from reconciler.errors import UsageError
from reconciler.planning.actions.inputs import Pairs, Question, find_settled_clients
from reconciler.planning.actions.reasons import Removals


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options of a command ask for: these clients (none named: all), proofs of these
    webhooks; and what they agree to: so many removals, this step back."""

    only: Sequence[str] = ()
    verify: Sequence[str] = ()
    yes_remove: int | None = None
    rollback: str | None = None
    at: datetime | None = None
    deep: bool = False


def question_for(
    workplace: Workplace,
    desired: Desired,
    asked: Asked,
    *,
    saved: Plan | None = None,
    applying: bool = False,
) -> Question:
    """The question of ``asked``. Reads the registry of the environment that must come first.

    What ``saved``, which is to be applied as it is, says of an agreement holds for what it does.
    """
    agreed = Removals(asked.yes_remove, None) if asked.yes_remove is not None else None
    return Question(
        desired,
        only=frozenset(asked.only) or None,
        required=read_required_records(workplace, desired),
        at=asked.at,
        deep=asked.deep,
        verifications=webhook_addresses(asked.verify, desired),
        agreed=read_agreed(saved) if saved is not None else agreed,
        rollback=saved.rollback_from if saved is not None else asked.rollback,
        applying=applying,
    )


def refuse_misused(
    planfile: object,
    only: Sequence[str],
    *others: object,
) -> None:
    """Raises ``UsageError`` RC009 for a saved plan with an option that would make another plan of
    it (``others``: what these say), and for an ``--only`` that is no name."""
    if planfile is not None and any((only, *others)):
        names = "--only, --yes-remove, --allow-rollback, --shard, --verify and --upkeep"
        raise UsageError("RC009", "a saved plan is applied as it is", f"leave out {names}")
    client_names(only)


def client_names(texts: Sequence[str]) -> tuple[str, ...]:
    """``texts``. Raises ``UsageError`` for what cannot be a client's name, before anybody is
    asked."""
    for name in texts:
        if not is_name(name):
            raise UsageError(
                "RC007", f"{name!r} is not a client's name", "names look like paystack-payouts"
            )
    return tuple(texts)


def refuse_unknown(only: Sequence[str], pairs: Pairs) -> None:
    """A misspelt ``--only`` must not look like a client with nothing to do.

    Raises ``UsageError``.
    """
    for name in only:
        if name not in pairs:
            from difflib import get_close_matches

            near = get_close_matches(name, pairs, n=1)
            hint = (
                f"did you mean {near[0]}?"
                if near
                else one_of(pairs, "there is none: declare one under clients/")
            )
            raise UsageError("RC007", f"client {name} is neither declared nor registered", hint)


def narrow_question(
    question: Question,
    pairs: Pairs,
    *,
    buckets: int,
    shard: Shard | None = None,
    upkeep: bool = False,
    saved: Plan | None = None,
) -> Question:
    """``question`` about fewer clients: those of a shard, those that upkeep is for, those of a plan
    that is there. ``buckets``: how many the registry has."""
    parts: list[Collection[str]] = []
    if shard is not None:
        parts.append(pick_shard(pairs, buckets, shard))
    if upkeep:
        parts.append(find_settled_clients(question.desired, pairs))
    if saved is not None:
        parts.append(list_touched(saved))
        question = replace(question, verifications=list_proofs_asked(saved))
    for part in parts:
        question = replace(
            question,
            only=frozenset(part).intersection(part if question.only is None else question.only),
        )
    return question


def with_unfinished(
    engine: Engine,
    observed: Observed,
    plan: Plan,
) -> Plan:
    """``plan`` with what is unfinished, for those who read it."""
    return replace(plan, unfinished=find_unfinished_business(engine, observed, plan))


def pick_shard(
    pairs: Pairs,
    buckets: int,
    shard: Shard,
) -> frozenset[str]:
    """The clients of one shard."""
    return frozenset(name for name in pairs if shard.holds(bucket_of(name, buckets), buckets))


def parse_shard(text: str) -> Shard:
    """``2/4``: the second of four. Raises ``UsageError``."""
    try:
        index, count = (int(part) for part in text.split("/"))
    except ValueError:
        index, count = 0, 0
    if not 1 <= index <= count <= 256:
        raise UsageError(
            "RC008",
            f"--shard {text!r} is not a shard",
            "write K/N with 1 <= K <= N <= 256, such as 2/4",
        )
    return Shard(index, count)
