"""The files that the entries vouch for: there, unchanged, and no other beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence

from reconciler.evidence.statement import REMOVALS, LoggedFile, Statement
from reconciler.evidence.verification.faults import Broken

_ENDINGS = (".json", ".md")


class Reports:
    """``read`` gives the bytes of a file by its path from the project's root, None when it is not
    there."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self.named: dict[str, str] = {}  # path -> the digest that was vouched for
        self.removed: set[str] = set()
        self.unvouched: dict[tuple[str, str], Broken] = {}
        self._read = read
        self._missing: dict[str, int] = {}  # path -> the entry that vouches for it

    def add(self, statement: Statement, path: str, former: str) -> None:
        """The subjects of one more entry, whose file is ``path``; ``former`` is that of the one
        before it.

        Raises ``Broken``.
        """
        for subject in statement.subjects:
            if _is_stand_in(statement, subject.name, former):
                continue
            if statement.kind in REMOVALS:
                self._remove(statement, subject, path)
            else:
                self.named[subject.name] = subject.sha256
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

    @property
    def needs_others(self) -> bool:
        """Whether it takes other logs for this one to hold."""
        return bool(self._missing or self.unvouched)

    def _remove(self, statement: Statement, subject: LoggedFile, path: str) -> None:
        """A report may be gone from here on, if this log or a former one vouched for it before.
        Raises ``Broken`` for what is no report: a former log would go with its checkpoint."""
        if not subject.name.endswith(_ENDINGS):
            told = f"entry {statement.number} says that {subject.name} is {statement.kind}"
            raise Broken("RC673", f"{told}, which is no report", statement.number, path)
        if self.named.get(subject.name) != subject.sha256:
            told = f"entry {statement.number} says that {subject.name} is {statement.kind}"
            self.unvouched[subject.name, subject.sha256] = Broken(
                "RC673",
                f"{told}, and no entry before it vouches for that file with that digest",
                statement.number,
                path,
            )
        self.removed.add(subject.name)
        self._missing.pop(subject.name, None)

    def refuse_unvouched(self, former: Sequence[Mapping[str, str]] = ()) -> None:
        """``former``: what former logs vouch for. Raises ``Broken`` for a removal of something
        else."""
        for (name, digest), broken in self.unvouched.items():
            if not any(one.get(name) == digest for one in former):
                raise broken

    def refuse_missing(self, removed: Collection[str] = ()) -> int:
        """``removed``: what entries of later logs say is gone; how many of them are. Raises
        ``Broken``."""
        for name, entry in self._missing.items():
            if name not in removed:
                told = f"{name} is missing: entry {entry} vouches for it"
                raise Broken("RC658", told, entry, name)
        return len(self._missing)

    def refuse_unnamed(
        self,
        present: Collection[str],
        pending: Collection[str],
        named: Collection[str],
    ) -> None:
        """``present``: the paths of the files that lie beside the log. ``pending``: the runs that
        are still open, whose reports need no entry yet. ``named``: what entries of former logs
        vouch for. Raises ``Broken``."""
        for name in sorted({*present} - {*self.named} - {*named}):
            run = name.rpartition("/")[2].partition(".")[0]
            if run not in pending:
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
