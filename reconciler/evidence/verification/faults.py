"""What does not hold in a log."""

from __future__ import annotations

from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.errors import EvidenceError
from reconciler.errors.codes import CODES


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that does not hold. ``message`` says in one sentence, without a full stop,
    what it means; ``entry`` is the number of an entry and ``file`` a path from the project's root,
    where there is one."""

    code: str
    message: str
    entry: int | None = None
    file: str | None = None

    @property
    def remedy(self) -> str:
        return CODES[self.code].remedy


class Broken(Exception):
    """Raised by a check, and a value for whoever asked for the verification."""

    def __init__(
        self,
        code: str,
        message: str,
        entry: int | None = None,
        file: str | None = None,
    ) -> None:
        super().__init__(message)
        self.fault = Fault(code, message, entry, file)

    def at(self, entry: int, file: str) -> Fault:
        """The fault, at an entry unless it says where it is."""
        fault = self.fault
        if fault.entry is None and fault.file is None:
            return replace(fault, entry=entry, file=file)
        return fault


def break_by(error: EvidenceError, entry: int | None, file: str) -> Broken:
    """What a decoder refused, as a fault of the file."""
    where = file if entry is None else f"entry {entry}"
    return Broken(error.code, f"{where} cannot be read: {error.message}", entry, file)
