"""The files that the entries vouch for: there, unchanged, and no other beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection

from reconciler.evidence.statement import REMOVALS, LoggedFile, Statement
from reconciler.evidence.verification.faults import Broken


class Reports:
    """``read`` gives the bytes of a file by its path from the project's root, None when it is not
    there."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._named: dict[str, str] = {}  # path -> the digest that was vouched for
        self._missing: dict[str, int] = {}  # path -> the entry that vouches for it

    def add(self, statement: Statement, former: str) -> None:
        """The subjects of one more entry; ``former`` is the path of the file of the one before it.

        Raises ``Broken``.
        """
        for subject in statement.subjects:
            if _is_stand_in(statement, subject.name, former):
                continue
            if statement.kind in REMOVALS:
                self._remove(statement, subject)
            else:
                self._named[subject.name] = subject.sha256
            content = self._read(subject.name)
            if content is None and statement.kind in REMOVALS:
                continue
            if content is None:
                self._missing[subject.name] = statement.number
            elif hashlib.sha256(content).hexdigest() != subject.sha256:
                raise Broken(
                    "RC657",
                    f"{subject.name} was changed after entry {statement.number} vouched for it",
                    statement.number,
                    subject.name,
                )

    def _remove(self, statement: Statement, subject: LoggedFile) -> None:
        """A file may be gone from here on. Raises ``Broken`` for one that no entry before this one
        vouches for, as it is named here."""
        if self._named.get(subject.name) != subject.sha256:
            raise Broken(
                "RC673",
                f"entry {statement.number} says that {subject.name} is {statement.kind}, and no"
                " entry before it vouches for that file with that digest",
            )
        self._missing.pop(subject.name, None)

    def finish(self, present: Collection[str], pending: Collection[str]) -> None:
        """``present``: the paths of the files that lie beside the log. ``pending``: the runs that
        are still open, whose reports need no entry yet. Raises ``Broken``."""
        for name, entry in self._missing.items():
            raise Broken("RC658", f"{name} is missing: entry {entry} vouches for it", entry, name)
        for name in sorted(present):
            run = name.rpartition("/")[2].partition(".")[0]
            if name not in self._named and run not in pending:
                raise Broken("RC659", f"no entry vouches for {name}", file=name)


def _is_stand_in(statement: Statement, name: str, former: str) -> bool:
    """An entry without reports names the file of the former entry, the first one its own log: a
    statement has one subject at least. Raises ``Broken`` where the digest is not that."""
    digests = {subject.name: subject.sha256 for subject in statement.subjects}
    if name == former:
        if digests[name] != statement.previous:
            raise Broken("RC654", f"entry {statement.number} does not follow the entry before it")
        return True
    return name == statement.origin and not former
