"""What is told to a person about one place: a value that errors and plans carry."""

from __future__ import annotations

from enum import StrEnum

from reconciler.dataclass import dataclass
from reconciler.errors.address import NOWHERE, Address


class Level(StrEnum):
    """How bad a finding is. An error blocks, a warning is shown, a note explains."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was written: a path relative to the project, line and column from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to tell a person: a mistake in a file, drift, a guard that blocks.

    ``code`` is a row of ``reconciler.errors.codes``. ``address`` may be empty. ``excerpt`` is the
    source line, when there is one that may be shown.
    """

    code: str
    level: Level
    message: str
    address: Address = NOWHERE
    remedy: str = ""
    source: Source | None = None
    excerpt: str | None = None
