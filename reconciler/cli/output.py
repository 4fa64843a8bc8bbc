"""The one way out: stdout carries the result and nothing else; progress, logs and prompts go to
stderr."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, TextIO

import click

from reconciler.dataclass import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.domain.plan.plan import Outcome
    from reconciler.engine.testing import Tested
    from reconciler.errors import ReconcilerError

_FORMAT_VERSION = 1


@dataclass
class Settings:
    """What the global options say, and the ``--format`` that was asked for."""

    project: Path | None = None
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    format: str = "text"

    @property
    def colour(self) -> bool:
        """https://no-color.org: any non-empty NO_COLOR switches colour off."""
        return (
            not self.no_color
            and not os.environ.get("NO_COLOR")
            and sys.stdout is not None
            and sys.stdout.isatty()
        )

    @property
    def width(self) -> int:
        return max(60, min(140, shutil.get_terminal_size((100, 24)).columns))


def emit(text: str, form: str = "text") -> None:
    """Write the result to stdout, flushed: without secrets, and without anything that a CI system
    takes for a command, unless such commands are the ``form``.

    Raises ``ReconcilerError`` RC022 when it cannot be written.
    """
    from reconciler.domain.secrecy import mask_document, mask_secrets

    content = defuse(mask_document(text) if form == "json" else mask_secrets(text), form)
    if sys.stdout is None:
        raise _unwritable("stdout is closed")
    try:
        click.echo(content, nl=not content.endswith("\n"))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard(sys.stdout)
        raise _unwritable(str(error.strerror)) from None


def defuse(text: str, form: str) -> str:
    """``text`` without commands of CI systems. Of forms that are not here they are the content, or
    nothing is said by them."""
    from reconciler.domain.values.canonical import escape_json
    from reconciler.report.text import escape

    forms: dict[str, Callable[[str], str]] = {
        "text": escape.escape_commands,
        "markdown": escape.escape_markdown,
        "json": escape_json,
    }
    return forms[form](text) if form in forms else text


def write_file(
    path: Path,
    text: str,
    code: str,
    remedy: str,
    *,
    mode: int = 0o600,
) -> None:
    """Write a result that was asked for as a file whole or not at all; what is there is replaced.

    Raises ``UsageError`` with ``code`` when it cannot be written.
    """
    from reconciler.adapters.system.new_files import replace_file
    from reconciler.domain.secrecy import mask_secrets
    from reconciler.errors import UsageError

    if path.exists() and not path.is_file():  # replacing /dev/null by a file would be a surprise
        raise UsageError(code, f"{path} cannot be written: it is no file", remedy)
    try:
        replace_file(path, mask_secrets(text), mode)
    except OSError as error:
        raise UsageError(code, f"{path} cannot be written: {error.strerror}", remedy) from None


def _unwritable(why: str) -> ReconcilerError:
    from reconciler.errors import ReconcilerError

    remedy = (
        "make room or send it elsewhere, then run the command again; reconciler status shows what"
        " was done"
    )
    return ReconcilerError("RC022", f"the result cannot be written: {why}", remedy)


def discard(stream: TextIO) -> None:
    """Send what is left in the buffer of a stream, which cannot be written, to nowhere:

    Python flushes at exit.
    """
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say(settings: Settings, text: str) -> None:
    """A sentence for people, on stderr; ``-q`` silences it."""
    if not settings.quiet:
        tell(text)


def tell(text: str) -> None:
    """A line on stderr. That it cannot be written stops nothing: a run goes on."""
    from reconciler.domain.secrecy import mask_secrets
    from reconciler.report.text.escape import escape_commands

    try:
        click.echo(escape_commands(mask_secrets(text)), err=True)
    except OSError:
        discard(sys.stderr)


class Progress:
    """Tells what was done as it is done: a line for each action of a small run, a count for a large
    one.

    Many threads tell it; each action counts once, also when a second try is made, and every count
    is told in order.
    """

    EVERY_ACTION_UP_TO = 40
    STEPS = 20

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._told: set[tuple[str, str, int | None]] = set()
        self._total = 0
        self._lock = Lock()

    def __call__(self, outcome: Outcome, total: int) -> None:
        if self._settings.quiet:
            return
        from reconciler.report.text.escape import terminal

        action = outcome.action
        with self._lock:
            self._told.add((action.kind.value, action.address, action.version))
            done, self._total = len(self._told), max(total, self._total, len(self._told))
            total = self._total
            if total <= self.EVERY_ACTION_UP_TO or outcome.status.value != "done":
                text = f"{outcome.status.value}: {action.kind.value} {action.address}"
                detail = f" - {outcome.message}" if outcome.message != "done" else ""
                say(self._settings, f"[{done}/{total}] {terminal(text + detail)}")
            elif done % max(1, total // self.STEPS) == 0 or done == total:
                say(self._settings, f"[{done}/{total}] actions done")


class TestsTold:
    """A line for each webhook of a few, a count now and then for many; what failed is told at
    once."""

    EVERY_ONE_UP_TO = 40
    STEPS = 20

    def __init__(self, settings: Settings, total: int) -> None:
        self._settings = settings
        self._total = total
        self._done = 0

    def __call__(self, one: Tested) -> None:
        from reconciler.report.text.escape import terminal

        self._done += 1
        count = f"[{self._done}/{self._total}]"
        if self._total <= self.EVERY_ONE_UP_TO or one.failed:
            told = (
                one.skipped
                if one.delivery is None
                else "passed"
                if one.delivery.accepted
                else one.delivery.message
            )
            say(self._settings, f"{count} {terminal(f'{one.client}/{one.webhook}: {told}')}")
        elif self._done % max(1, self._total // self.STEPS) == 0 or self._done == self._total:
            say(self._settings, f"{count} webhooks tested")


def error_document(error: ReconcilerError) -> str:
    """What ``--format json`` prints when a command fails."""
    import json

    document: dict[str, Any] = {
        "format_version": _FORMAT_VERSION,
        "kind": "error",
        "code": error.code,
        "message": error.message,
        "remedy": error.remedy,
        "exit_code": error.exit_code,
    }
    if error.findings:
        from reconciler.report.findings import finding_documents

        document["findings"] = finding_documents(error.findings)
    return json.dumps(document, indent=2)


def with_quoted_lines(message: str) -> str:
    """A message for a terminal: its quotations of other programs keep their lines, each after
    ``QUOTED``. No other line break is kept, so that a name in a message can begin no line of its
    own."""
    from reconciler.errors import QUOTED
    from reconciler.report.text.escape import terminal

    first, *quoted = message.split(f"\n{QUOTED}")
    return "\n".join([terminal(first), *(QUOTED + terminal(line) for line in quoted)])


def show_error(error: ReconcilerError, settings: Settings) -> None:
    """The error on stderr and, with ``--format json``, as a document on stdout.

    Raises what ``emit`` raises.
    """
    from reconciler.errors import DeclarationError
    from reconciler.report.text.escape import terminal

    if isinstance(error, DeclarationError) and error.findings:
        from reconciler.report.findings import findings_text

        tell(findings_text(error.findings, colour=settings.colour))
    else:
        tell(f"error[{error.code}]: {with_quoted_lines(error.message)}")
        if error.remedy:
            tell(f"  remedy: {terminal(error.remedy)}")
    if settings.format == "json":
        emit(error_document(error), "json")
