"""Who looks on while a use case is at work: the port of notes, progress and questions.

The command line answers it with a terminal, the library with ``Silent``. A result is returned and
never goes through here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from reconciler.domain.plan.plan import Outcome, Plan


class Console(Protocol):
    """Thread-safe: notes and progress come from the threads of a run."""

    def say(self, text: str) -> None:
        """A sentence about what goes on, which nobody has to read."""
        ...

    def warn(self, text: str) -> None:
        """A sentence that must reach somebody: nothing fails because of it, and nothing repeats
        it."""
        ...

    def progress(self) -> Callable[[Outcome, int], None]:
        """What is called with each outcome of one run, and with how many are expected in all."""
        ...

    def show(self, plan: Plan) -> None:
        """A plan that is to be carried out unless something blocks it."""
        ...

    def agree(self, plan: Plan) -> None:
        """Have ``plan`` confirmed.

        Raises what ends the command when the answer is no, or when nobody can answer.
        """
        ...

    def accepts(self, question: str) -> bool:
        """Whether a person who can be asked says yes; False where nobody can be asked.

        Raises what ends the command when the answer is no.
        """
        ...


def _unheard(_text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Nobody looks on: nothing is shown and nothing asked. ``notes`` gets every sentence."""

    notes: Callable[[str], None] = _unheard

    def say(self, text: str) -> None:
        self.notes(text)

    def warn(self, text: str) -> None:
        self.notes(text)

    def progress(self) -> Callable[[Outcome, int], None]:
        return lambda _outcome, _total: None

    def show(self, plan: Plan) -> None:
        """Who calls a function gets its plan."""

    def agree(self, plan: Plan) -> None:
        """Who calls a function has agreed to what it does."""

    def accepts(self, question: str) -> bool:  # noqa: ARG002 - that of the port
        return False
