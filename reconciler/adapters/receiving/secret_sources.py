"""Where a receiver on this machine has its signing secrets from: a variable, a file, stdin. Never
the command line, which every user of the machine can read."""

from __future__ import annotations

import getpass
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from reconciler.dataclass import dataclass
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import ReconcilerError, UsageError
from reconciler.webhooks.signature.receiving import HeldSecret

# More than were ever valid at once.
MOST_SECRETS = 16
_LIMIT = 64 * 1024
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
VAULT = "vault:"
STDIN = "-"


@dataclass(frozen=True, slots=True)
class SecretSource:
    """``read`` raises ``ReconcilerError``. ``changes``: a later read may give other secrets, as
    after a rotation.

    ``warning`` is a sentence about the source itself, empty when nothing is wrong with it.
    """

    name: str
    read: Callable[[], list[HeldSecret]]
    changes: bool
    warning: str = ""


def local_source(text: str, environ: Mapping[str, str], stdin: TextIO) -> SecretSource:
    """``env:NAME``, ``file:PATH`` or ``-``. Raises ``UsageError`` RC030 for anything else and
    quotes nothing of it: it may be the secret itself. Raises ``ReconcilerError`` RC031 for a file
    that is not there."""
    kind, _, rest = text.partition(":")
    if text == STDIN:
        return SecretSource("stdin", lambda: _from_stdin(stdin), changes=False)
    if kind == "env" and _VARIABLE.match(rest):
        return SecretSource(text, lambda: _from_variable(text, rest, environ), changes=False)
    if kind == "file" and rest:
        return _file_source(text, Path(rest))
    raise UsageError(
        "RC030",
        "a --secret-from is no source; it is not repeated here, it may be a secret",
        "write env:NAME, file:PATH, vault:ENV/CLIENT/WEBHOOK, or - for stdin; a secret that was on"
        " a command line is known to every user of this machine: rotate it",
    )


def _file_source(name: str, path: Path) -> SecretSource:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise _unreadable(name, _why(error)) from None
    regular = stat.S_ISREG(mode)
    warning = ""
    if regular and mode & stat.S_IROTH:
        warning = f"{name} can be read by every user of this machine: chmod 600 keeps it to you"
    return SecretSource(name, lambda: _from_file(name, path), changes=regular, warning=warning)


def _from_variable(name: str, variable: str, environ: Mapping[str, str]) -> list[HeldSecret]:
    text = environ.get(variable, "").strip()
    if not text:
        raise _unreadable(name, "the variable is not set, or empty")
    return [HeldSecret(Secret(text), name)]


def _from_file(name: str, path: Path) -> list[HeldSecret]:
    try:
        with path.open("rb") as opened:
            content = opened.read(_LIMIT + 1)
    except OSError as error:
        raise _unreadable(name, _why(error)) from None
    return _by_line(name, content)


def _from_stdin(stdin: TextIO) -> list[HeldSecret]:
    if stdin.isatty():
        try:
            return _by_line("stdin", getpass.getpass("signing secret (not shown): ").encode())
        except EOFError:
            return _by_line("stdin", b"")
    return _by_line(
        "stdin",
        stdin.buffer.read(_LIMIT + 1) if hasattr(stdin, "buffer") else stdin.read().encode(),
    )


def _by_line(name: str, content: bytes) -> list[HeldSecret]:
    """One secret a line; what is empty is left out."""
    try:
        lines = [line.strip() for line in content.decode().splitlines()]
    except UnicodeDecodeError:
        raise _unreadable(name, "it is not text") from None
    found = [HeldSecret(Secret(line), name) for line in lines if line]
    if not found:
        raise _unreadable(name, "there is nothing in it")
    if len(content) > _LIMIT or len(found) > MOST_SECRETS:
        raise _unreadable(
            name, f"it holds more than {MOST_SECRETS} lines: one secret a line is expected"
        )
    return found


def _why(error: OSError | ValueError) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return (text or "it is no name of a file").lower()


def _unreadable(name: str, why: str) -> ReconcilerError:
    remedy = "correct --secret-from, or what it names; a file and stdin hold one secret a line"
    return ReconcilerError("RC031", f"no signing secret can be read from {name}: {why}", remedy)
