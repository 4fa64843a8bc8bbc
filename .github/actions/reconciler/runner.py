"""What the runner gives a step and takes from it: variables, outputs, the summary, lines that it
understands."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path


class Refused(Exception):
    """Something that a person has to mend: a sentence, and what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}. {remedy}")


def variable(name: str) -> str:
    """A variable of the step, without white space around it; empty when it is not set."""
    return os.environ.get(name, "").strip()


def output(name: str, value: str) -> None:
    """Set an output of the step.

    The delimiter cannot be guessed, so no value can set another one.
    """
    end = f"end-{secrets.token_hex(16)}"
    _append("GITHUB_OUTPUT", f"{name}<<{end}\n{value}\n{end}\n")


def summary(markdown: str) -> None:
    """Add to the job's summary, which holds 1 MiB a step."""
    _append("GITHUB_STEP_SUMMARY", markdown.encode()[:1_000_000].decode(errors="ignore") + "\n")


def tell(level: str, text: str) -> None:
    """An annotation: ``notice``, ``warning`` or ``error``. Escaped as the runner's toolkit does."""
    for character, written in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(character, written)
    say(f"::{level}::{text}")


def mask(secret: str) -> None:
    """From now on the runner writes ``***`` for it into every log."""
    say(f"::add-mask::{secret}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def scratch() -> Path:
    """A directory that ends with the job."""
    folder = Path(variable("RUNNER_TEMP") or "/tmp") / "reconciler"  # noqa: S108 - a runner always sets it
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fenced(text: str) -> str:
    """``text`` as Markdown that shows it as it is, whatever is in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text.rstrip()}\n{fence}\n"


def _append(variable_name: str, text: str) -> None:
    path = variable(variable_name)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
