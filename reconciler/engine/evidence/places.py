"""Where the files of a log lie, and what is in those that are derived from it."""

from __future__ import annotations

import re
import secrets
from pathlib import PurePosixPath

from reconciler.dataclass import dataclass
from reconciler.domain.live.log import LogDocument, LogHead
from reconciler.evidence.verification.walk import name_entry

# The name of the folder of a former log begins with it.
ARCHIVE = "log-"
_ARCHIVED = re.compile(rf"{ARCHIVE}[0-9a-f]{{8}}")


def make_origin(place: str) -> str:
    """The name of a new log: ``place`` (``<project>/<environment>``) and 32 random hex digits."""
    return f"{place}/{secrets.token_hex(16)}"


def shorten_origin(origin: str) -> str:
    """The first 8 hex digits of the random part of an origin."""
    return origin.rpartition("/")[2][:8]


def is_archive(name: str) -> bool:
    """Whether a folder beside a log has the name of a former log."""
    return _ARCHIVED.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class LogPlaces:
    """``reports`` is the folder of the environment's reports, below the project; ``name`` is that
    of the log's folder in it."""

    reports: PurePosixPath
    name: str = "log"

    @property
    def folder(self) -> PurePosixPath:
        return self.reports / self.name

    def archive(self, origin: str) -> LogPlaces:
        """Where a log lies that another one follows."""
        return LogPlaces(self.reports, f"{ARCHIVE}{shorten_origin(origin)}")

    @property
    def checkpoint(self) -> PurePosixPath:
        return self.folder / "checkpoint"

    @property
    def keys(self) -> PurePosixPath:
        return self.folder / "keys"

    def entry(self, number: int) -> PurePosixPath:
        return self.folder / name_entry(number)

    def files_of(self, entry: LogDocument) -> dict[PurePosixPath, str]:
        """The entry, and the report files that it is about."""
        reports = {PurePosixPath(name): text for name, text in entry.files.items()}
        return {**reports, self.entry(entry.number): entry.entry.decode()}

    def is_report(self, name: str, run: str) -> bool:
        """Whether ``name`` is what the report of a run is called, below the folder where they are
        now or one where they were before: what the registry holds must not get anywhere else in a
        repository."""
        path = PurePosixPath(name)
        mine = path.stem == run and path.suffix in (".json", ".md")
        return mine and path.parent.name == self.reports.name

    def derive(self, head: LogHead) -> dict[PurePosixPath, str]:
        """What the entries decide: the verifier keys, a line each, and the checkpoint."""
        keys = "".join(f"{head.verifiers[version]}\n" for version in sorted(head.verifiers))
        return {self.keys: keys, self.checkpoint: head.checkpoint}
