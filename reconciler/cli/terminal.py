"""The terminal as the console of a use case, and where the use case of a command happens."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

import click

from reconciler.cli.ended import show_run
from reconciler.cli.output import Progress, Settings, TestsTold, say, tell
from reconciler.dataclass import dataclass

if TYPE_CHECKING:
    from reconciler.app.session import Session
    from reconciler.app.values import Run
    from reconciler.app.workplace import Workplace
    from reconciler.domain.plan.plan import Outcome, Plan
    from reconciler.engine.testing import Tested


@dataclass(frozen=True, slots=True)
class Terminal:
    """Notes, progress and questions on stderr; stdout is for the result."""

    settings: Settings

    def say(self, text: str) -> None:
        say(self.settings, text)

    def warn(self, text: str) -> None:
        tell(text)

    def progress(self) -> Callable[[Outcome, int], None]:
        return Progress(self.settings)

    def tests(self, total: int) -> Callable[[Tested], None]:
        return TestsTold(self.settings, total)

    def interruptible(self) -> AbstractContextManager[Callable[[], bool]]:
        return stop_on_signals(self.settings)

    def show_result(self, run: Run) -> None:
        show_run(run, self.settings)

    def accepts(self, question: str) -> bool:
        if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        return click.confirm(question, abort=True, err=True)

    def agree(self, plan: Plan) -> None:
        """Raises ``UsageError`` RC010 where nobody can answer, ``Abort`` for a no."""
        from reconciler.errors import UsageError

        if sys.stdin is None or not sys.stdin.isatty():
            raise UsageError(
                "RC010", "there is nobody to ask", "look at the plan, then run apply with --yes"
            )
        click.confirm(f"Apply this to {plan.environment}?", abort=True, err=True)

    def show(self, plan: Plan) -> None:
        if self.settings.format == "text" and not self.settings.quiet:
            from reconciler.report.plan.text import plan_text

            width, colour = self.settings.width, self.settings.colour
            text = plan_text(plan, width=width, colour=colour, verbose=self.settings.verbose)
            say(self.settings, text)


def workplace(settings: Settings) -> Workplace:
    """The project that the options or the working directory name, and this terminal.

    Raises what ``project_root`` raises.
    """
    from reconciler.app.project import project_root
    from reconciler.app.workplace import Workplace

    root = project_root(settings.project, os.environ)
    return Workplace(root, os.environ, Terminal(settings))


def session(settings: Settings, environment: str) -> Session:
    """What a command does with ``environment`` of its project, at this terminal."""
    from reconciler.app.session import Session

    return Session(partial(workplace, settings), environment)


@contextmanager
def stop_on_signals(settings: Settings) -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C or SIGTERM asks the run to stop between actions; a second one stops at once.

    What was ignored when the program started (SIGINT in the background of a script) stays ignored.
    """
    from reconciler.adapters.system.signals import handling

    asked = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        say(
            settings,
            "stopping: what is begun is finished and put on record (press again to stop at once)",
        )

    with handling(ask, signal.SIGINT, signal.SIGTERM):
        yield asked.is_set
