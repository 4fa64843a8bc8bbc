"""Reports that git ignores: one that is never committed is no evidence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.errors import audit_error
from reconciler.domain.secrecy import mask_secrets
from reconciler.domain.values.invisible import INVISIBLE

_LIMIT = 200  # characters
_BLANK = re.compile(f"[{INVISIBLE}]")


def refuse_ignored(git: GitCommand, where: Sequence[str]) -> None:
    """git leaves ignored files out in silence. Dot files and editors' backups are meant to be
    ignored.

    Raises ``AuditError`` RC604 for any other file that the pathspecs ``where`` name.
    """
    options = ("--others", "--ignored", "--exclude-standard", "-z")
    found = git.must("ls-files", *options, "--", *where).split("\0")
    ignored = [
        name
        for name in found
        if name and not PurePosixPath(name).name.startswith(".") and name[-1] != "~"
    ]
    if ignored:
        rule = _rule(git, ignored[0])
        raise audit_error(
            "RC604", printable_path(f"{ignored[0]} by {rule}" if rule else ignored[0])
        )


def refuse_rule(git: GitCommand, directory: PurePosixPath) -> None:
    """Raises ``AuditError`` RC604 where a report in ``directory`` would be ignored, once there is
    one."""
    name = str(directory / "report.json")
    if rule := _rule(git, name):
        raise audit_error("RC604", printable_path(f"{name} by {rule}"))


def _rule(git: GitCommand, name: str) -> str:
    """The rule by which a file is ignored: file, line, pattern; empty when none does that."""
    fields = git.run("check-ignore", "--verbose", "-z", "--stdin", stdin=f"{name}\0").out.split(
        "\0"
    )
    return (
        f"{fields[0]}:{fields[1]}: {fields[2]}"
        if len(fields) > 3 and not fields[2].startswith("!")
        else ""
    )


def printable_path(text: str) -> str:
    """One line without secrets, control, bidi or invisible characters, of bounded length."""
    plain = "".join(
        character
        for character in _BLANK.sub("", mask_secrets(text))
        if unicodedata.category(character)[0] != "C"
    )
    return " ".join(plain.split())[:_LIMIT]
