"""The stage of ``demo``: runs commands, prints them and what they print, and checks that all is as
told."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.system.own_command import run_own_command
from reconciler.domain.secrecy import holds_secret
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import ReconcilerError
from reconciler.report.text.escape import terminal
from reconciler.report.text.paint import Paint

# Nobody's configuration, hooks, signing or identity: the scratch repository has its own.
GIT_ENVIRON = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
_TOKEN_WORDS = {
    "root": "an administrator's token",
    "planner": "the planner's token",
    "run": "the token of a run",
}
_DROPPED = ("VAULT_", "BAO_", "GIT_", "GITHUB_", "GITLAB_", "CI")


class NotAsTold(ReconcilerError):
    """RC019: a step of the demo did not do what the demo says it does."""

    def __init__(self, message: str) -> None:
        super().__init__(
            "RC019",
            f"this is not as told: {message}",
            "run it with --keep DIR to look, and report it",
        )


class Tour:
    """``directory`` is where commands run; ``tokens`` are Vault's by role; ``transcript`` is all
    that was printed."""

    def __init__(
        self,
        directory: Path,
        environ: Mapping[str, str],
        *,
        width: int,
        colour: bool,
    ) -> None:
        self.directory = directory
        self.tokens: dict[str, Secret] = {}
        self.address = ""
        self.transcript: list[str] = []
        self._paint = Paint(colour)
        self._width = width
        kept = {name: value for name, value in environ.items() if not name.startswith(_DROPPED)}
        self._environ = {
            **kept,
            **GIT_ENVIRON,
            "COLUMNS": str(width),
            "NO_COLOR": "1",
            "PYTHONUTF8": "1",
        }
        self._steps = 0

    def step(self, title: str, narration: str) -> None:
        """A heading, and a sentence or two of what is to be seen."""
        self._steps += 1
        self._print("")
        self._print(f"── {self._steps}. {title} ".ljust(self._width, "─"), "bold")
        self._print_wrapped(narration)

    def say(self, text: str) -> None:
        """A sentence between two commands."""
        self._print("")
        self._print_wrapped(text)

    def _print_wrapped(self, text: str) -> None:
        for line in textwrap.wrap(
            text, self._width, break_long_words=False, break_on_hyphens=False
        ):
            self._print(line)

    def show(self, text: str) -> None:
        """Text of a file, an excerpt or a request: indented, as it is."""
        for line in text.splitlines():
            self._print(f"    {terminal(line)}".rstrip(), "dim")

    def run(
        self, *arguments: str, role: str = "", expect: int = 0, shows: Sequence[str] = ()
    ) -> str:
        """Run a command before the reader's eyes; what it printed.

        Raises ``NotAsTold`` for another exit code, and when one of ``shows`` is not in the output.
        """
        self.command(
            f"reconciler {_quote(arguments)}" + (f"   # with {_TOKEN_WORDS[role]}" if role else "")
        )
        environ = dict(self._environ)
        if role:
            environ |= {"VAULT_ADDR": self.address, "VAULT_TOKEN": self.tokens[role].reveal()}
        begin = len(self.transcript)
        code = run_own_command(arguments, self.directory, environ, self._print)
        text = "\n".join(self.transcript[begin:])
        if code:
            self._print(f"(exit code {code})", "dim")
        if code != expect:
            raise NotAsTold(f"reconciler {_quote(arguments)} ended with {code}, not {expect}")
        flat = " ".join(text.split())
        for expected in shows:
            if expected not in flat:
                raise NotAsTold(f"{expected!r} is not in what this command printed")
        return text

    def command(self, text: str) -> None:
        """A line that the reader could type."""
        self._print("")
        self._print(f"$ {text}", "good")

    def git(self, *arguments: str) -> str:
        """Run git in the repository; its output is returned, not printed."""
        return GitCommand(self.directory).must(*arguments, environment=GIT_ENVIRON)

    def check(self, holds: bool, sentence: str) -> None:
        """Print that it is so. Raises ``NotAsTold`` when it is not."""
        if not holds:
            raise NotAsTold(sentence)
        lines = textwrap.wrap(
            sentence, self._width - 2, break_long_words=False, break_on_hyphens=False
        )
        for number, line in enumerate(lines):
            self._print(f"{'  ' if number else '✓ '}{line}", "create")

    def _print(self, line: str, style: str = "plain") -> None:
        if holds_secret(line):
            raise NotAsTold("a secret was about to be printed; it was not")
        self.transcript.append(line)
        click.echo(self._paint(style, line))


def _quote(arguments: Sequence[str]) -> str:
    """As one would type it."""
    return " ".join(f'"{one}"' if " " in one else one for one in arguments)
