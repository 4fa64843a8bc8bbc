"""stdout carries the result and nothing else; progress, logs and prompts go to stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from reconciler.domain.plan import Outcome
    from reconciler.errors import ReconcilerError

FORMAT_VERSION = 1


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
        return not self.no_color and not os.environ.get("NO_COLOR") and sys.stdout is not None and sys.stdout.isatty()

    @property
    def width(self) -> int:
        return max(60, min(140, shutil.get_terminal_size((100, 24)).columns))


def emit(text: str) -> None:
    """Write the result to stdout, flushed.

    Raises ``ReconcilerError`` RC022 when it cannot be written, ``RuntimeError`` rather than print an issued key.
    """
    content = checked(text)
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


def write_file(path: Path, text: str, code: str, remedy: str) -> None:
    """Write a result that was asked for as a file whole or not at all; what is there is replaced.

    Raises ``UsageError`` with ``code`` when it cannot be written.
    """
    from reconciler.errors import UsageError

    if path.exists() and not path.is_file():  # replacing /dev/null by a file would be a surprise
        raise UsageError(code, f"{path} cannot be written: it is no file", remedy)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_text(checked(text), encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink()
        raise UsageError(code, f"{path} cannot be written: {error.strerror}", remedy) from None


def emit_text(text: str) -> None:
    """The result for people. Raises what ``emit`` raises."""
    from reconciler.report.escape import printed

    emit(printed(text))


def _unwritable(why: str) -> ReconcilerError:
    from reconciler.errors import ReconcilerError

    remedy = "make room or send it elsewhere, then run the command again; reconciler status shows what was done"
    return ReconcilerError("RC022", f"the result cannot be written: {why}", remedy)


def discard(stream: TextIO) -> None:
    """Send what is left in the buffer of a stream, which cannot be written, to nowhere: Python flushes at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def checked(text: str) -> str:
    """``text``, after it was searched for anything that looks like an issued key or a signing secret."""
    from reconciler.domain.keytext import PATTERN

    if PATTERN.search(text):
        raise RuntimeError("an output was about to hold a secret; it was not written")
    return text


def say(settings: Settings, text: str) -> None:
    """A sentence for people, on stderr; ``-q`` silences it."""
    if not settings.quiet:
        tell(text)


def tell(text: str) -> None:
    """A line on stderr. That it cannot be written stops nothing: a run goes on."""
    from reconciler.report.escape import printed

    try:
        click.echo(printed(checked(text)), err=True)
    except OSError:
        discard(sys.stderr)


def masked(text: str) -> str:
    """``text`` of an error, which may quote the command line, without anything that looks like a secret."""
    from reconciler.domain.keytext import PATTERN

    return PATTERN.sub("***", text)


class Progress:
    """Tells what was done as it is done: a line for each action of a small run, a count for a large one."""

    EVERY_ACTION_UP_TO = 40
    STEPS = 20

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._done = 0

    def __call__(self, outcome: Outcome, total: int) -> None:
        from reconciler.report.escape import terminal

        self._done += 1
        failed = outcome.status.value != "done"
        if total <= self.EVERY_ACTION_UP_TO or failed:
            text = f"{outcome.status.value}: {outcome.action.kind.value} {outcome.action.address}"
            detail = f" - {outcome.message}" if outcome.message != "done" else ""
            say(self._settings, f"[{self._done}/{total}] {terminal(text + detail)}")
        elif self._done % max(1, total // self.STEPS) == 0 or self._done == total:
            say(self._settings, f"[{self._done}/{total}] actions done")


def error_document(error: ReconcilerError) -> str:
    """What ``--format json`` prints when a command fails."""
    document: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "kind": "error",
        "code": error.code,
        "message": masked(error.message),
        "remedy": masked(error.remedy),
        "exit_code": error.exit_code,
    }
    if error.findings:
        from reconciler.report.findings import finding_documents

        document["findings"] = finding_documents(error.findings)
    from reconciler.report.escape import printed_json

    return printed_json(json.dumps(document, indent=2))


def with_quoted_lines(message: str) -> str:
    """A message for a terminal: its quotations of other programs keep their lines, each after ``QUOTED``. No other
    line break is kept, so that a name in a message can begin no line of its own."""
    from reconciler.errors import QUOTED
    from reconciler.report.escape import terminal

    first, *quoted = message.split(f"\n{QUOTED}")
    return "\n".join([terminal(first), *(QUOTED + terminal(line) for line in quoted)])


def show_error(error: ReconcilerError, settings: Settings) -> None:
    """The error on stderr and, with ``--format json``, as a document on stdout. Raises what ``emit`` raises."""
    from reconciler.errors import DeclarationError
    from reconciler.report.escape import terminal

    if isinstance(error, DeclarationError) and error.findings:
        from reconciler.report.findings import findings_text

        tell(findings_text(error.findings, colour=settings.colour))
    else:
        tell(masked(f"error[{error.code}]: {with_quoted_lines(error.message)}"))
        if error.remedy:
            tell(masked(f"  remedy: {terminal(error.remedy)}"))
    if settings.format == "json":
        emit(error_document(error))
