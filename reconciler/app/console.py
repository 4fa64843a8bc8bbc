"""Who looks on while a use case is at work: the port of notes, progress and questions.

The command line answers it with a terminal, the library with ``Silent``. What a use case returns
does not go through here, with one exception: a run shows what it came to before it tells owners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from reconciler.dataclass import dataclass

if TYPE_CHECKING:
    from reconciler.app.values import Run
    from reconciler.domain.plan.plan import Outcome, Plan
    from reconciler.engine.testing import Tested


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

    def tests(self, total: int) -> Callable[[Tested], None]:
        """What is called with each of ``total`` webhooks that was tested."""
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

    def interruptible(self) -> AbstractContextManager[Callable[[], bool]]:
        """While live state is worked on: what tells, between actions and from many threads, whether
        the run shall stop after what is begun."""
        ...

    def show_result(self, run: Run) -> None:
        """What a run came to. Owners are told after it, also when it raises."""
        ...


def ignore(_text: str) -> None:
    """Nobody listens."""


def never() -> bool:
    """Nobody stops a run."""
    return False


@dataclass(frozen=True, slots=True)
class Silent:
    """Nobody looks on: nothing is shown and nothing asked.

    ``notes`` gets every sentence, ``stopping`` tells whether a run shall stop.
    """

    notes: Callable[[str], None] = ignore
    stopping: Callable[[], bool] = never

    def say(self, text: str) -> None:
        self.notes(text)

    def warn(self, text: str) -> None:
        self.notes(text)

    def progress(self) -> Callable[[Outcome, int], None]:
        return lambda _outcome, _total: None

    def tests(self, total: int) -> Callable[[Tested], None]:  # noqa: ARG002 - that of the port
        return lambda _tested: None

    def show(self, plan: Plan) -> None:
        """Who calls a function gets its plan."""

    def agree(self, plan: Plan) -> None:
        """Who calls a function has agreed to what it does."""

    def accepts(self, question: str) -> bool:  # noqa: ARG002 - that of the port
        return False

    @contextmanager
    def interruptible(self) -> Iterator[Callable[[], bool]]:
        yield self.stopping

    def show_result(self, run: Run) -> None:
        """Who calls a function gets its run."""
