"""What is known of an expression of a policy after it was judged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from reconciler.dataclass import dataclass
from reconciler.domain.values.canonical import JsonObject

# What an expression says of one client: whether it holds, or a sentence why that cannot be told.
RuleVerdict = bool | str


@dataclass(frozen=True, slots=True)
class RuleFault:
    """A mistake in an expression, ``offset`` characters from its beginning."""

    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class RuleJudgement:
    """``needs``: the variables that the expression names. ``verdicts``: one for each client that
    was asked about; none when it has faults or names what is not known."""

    faults: tuple[RuleFault, ...] = ()
    needs: frozenset[str] = frozenset()
    verdicts: tuple[RuleVerdict, ...] = ()


class Judge(Protocol):
    """Evaluates expressions, within limits of time and memory.

    Never raises for what an expression is or does.
    """

    def __call__(
        self, expressions: Sequence[str], clients: Sequence[JsonObject], known: Collection[str]
    ) -> Sequence[RuleJudgement]:
        """One judgement for each expression.

        ``clients`` are the values of the variables, ``known`` their names.
        """
        ...
