"""Gathers findings of all files. The only door: here every text that is shown is masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from reconciler.declare.findings.mask import lines_without_key_material, mask_line, mask_message
from reconciler.declare.findings.nodes import Mark
from reconciler.errors import NOWHERE, Address, Finding, Level, Source
from reconciler.errors.codes import CODES

# Nobody reads a longer line, and masking it would take long: it is not shown at all.
_LONGEST = 2000
# Findings of one file that are shown, errors and others counted apart; of more only the number.
TEXT_SHOWN = 100


class FindingRefused(Exception):
    """There is something to record, and it would be recorded with a wrong place."""


def source_of(mark: Mark) -> Source:
    return Source(*mark)


class Collector:
    """Findings by place. ``ids`` holds what git would call each file that was read, ``texts`` the
    text of those that are worth keeping for excerpts; the others are read again by ``reread``.
    ``named`` holds what else decides: a file or a link by its path, with what leads to it ("": the
    project as such). While it ``refuses``, nothing is recorded: ``FindingRefused`` is raised.

    A finding that is made twice (a template's mistake, seen through each of its clients) is kept
    once. Of a file with very many the first are kept, of the rest the number: nobody reads them,
    and they would fill the memory.
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.ids: dict[str, frozenset[str]] = {}
        self.reread: Callable[[str], str | None] = lambda file: None
        self.named: dict[str, set[str]] = {}
        self.refuses = False
        self._lines: dict[str, list[str]] = {}
        self.errors = 0  # how many findings are errors
        self.made = 0  # how often a finding was made, also one that was made before
        self._found: list[Finding] = []
        self._seen: set[int] = set()  # hashes: of every finding, kept or not
        self._numbers: Counter[tuple[str, bool]] = Counter()  # by file and whether they are errors

    def add(
        self,
        code: str,
        mark: Mark | None,
        message: str,
        *,
        hint: str = "",
        remedy: str = "",
        address: Address = NOWHERE,
        level: Level | None = None,
    ) -> None:
        """Record a finding; ``hint`` (a did-you-mean) goes before the remedy, which defaults to the
        code's own, as ``level`` does."""
        if self.refuses:
            raise FindingRefused
        entry = CODES[code]
        level = level or entry.level
        error = level is Level.ERROR
        self.made += 1
        key = hash((code, mark, message))
        if key in self._seen:
            return
        self._seen.add(key)
        self.errors += error
        counted = (mark[0] if mark else "", error)
        self._numbers[counted] += 1
        if mark and self._numbers[counted] > TEXT_SHOWN:
            return
        advice = remedy or entry.remedy
        if hint:
            advice = f"{hint} If not, {advice}" if hint.endswith("?") else f"{hint}; {advice}"
        source = source_of(mark) if mark else None
        self._found.append(
            Finding(
                code,
                level,
                mask_message(message),
                address,
                mask_message(advice),
                source,
            )
        )

    def name(
        self,
        path: str,
        by: str,
    ) -> None:
        """Record that ``by`` leads to ``path``."""
        if self.refuses:
            raise FindingRefused
        self.named.setdefault(path, set()).add(by)

    def read_too(self, aside: Collector) -> None:
        """Keep what ``aside`` read, without its findings."""
        self.texts.update(aside.texts)
        self.take_in(aside.ids, aside.named)

    def take_in(self, ids: Mapping[str, frozenset[str]], named: Mapping[str, set[str]]) -> None:
        """Keep what was read by somebody else: ids and named files as this collector has them."""
        self.ids.update(ids)
        for path, sources in named.items():
            self.named.setdefault(path, set()).update(sources)

    def __len__(self) -> int:
        return len(self._seen)

    def findings(self) -> list[Finding]:
        """All findings by file, line, column and code, each with its source line; what was left out
        comes last."""
        ordered = sorted(self._found, key=_place)
        return [
            replace(finding, excerpt=self._excerpt(finding.source)) for finding in ordered
        ] + self._count_left_out()

    def _count_left_out(self) -> list[Finding]:
        more = [
            Finding(
                "RC117",
                Level.ERROR if error else Level.WARNING,
                f"and {number - TEXT_SHOWN} more {_what(number - TEXT_SHOWN, error=error)} in this file",
                remedy=CODES["RC117"].remedy,
                source=Source(file, 1, 1),
            )
            for (file, error), number in self._numbers.items()
            if file and number > TEXT_SHOWN
        ]
        return sorted(more, key=_place)

    def _excerpt(self, source: Source | None) -> str | None:
        if source is None or source.file not in self.ids:
            return None
        if source.file not in self._lines:
            text = self.texts.get(source.file) or self.reread(source.file) or ""
            self._lines[source.file] = lines_without_key_material(text)
        lines = self._lines[source.file]
        line = lines[source.line - 1] if source.line <= len(lines) else ""
        return mask_line(line) if len(line) <= _LONGEST else None


def _what(
    number: int,
    *,
    error: bool,
) -> str:
    if error:
        return "error" if number == 1 else "errors"
    return "warning or note" if number == 1 else "warnings and notes"


def _place(finding: Finding) -> tuple[str, int, int, str, str]:
    source = finding.source or Source("", 0, 0)
    return source.file, source.line, source.column, finding.code, finding.message
