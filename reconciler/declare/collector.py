"""Gathers findings of all files. The only door: here every text that is shown is masked."""

from __future__ import annotations

from dataclasses import replace

from reconciler.declare.codes import CODES
from reconciler.declare.mask import mask_line, mask_message
from reconciler.declare.nodes import Mark
from reconciler.domain.desired import Source
from reconciler.domain.plan import Finding, Level


def source_of(mark: Mark) -> Source:
    return Source(*mark)


class Collector:
    """Findings by place. ``texts`` holds what was read of each file, for excerpts.

    A finding that is made twice (a template's mistake, seen through each of its clients) is kept once.
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.errors = 0  # how many findings are errors
        self._found: dict[tuple[str, Source | None, str], Finding] = {}

    def add(
        self, code: str, mark: Mark | None, message: str, *, hint: str = "", remedy: str = "", address: str = ""
    ) -> None:
        """Record a finding; ``hint`` (a did-you-mean) goes before the remedy, which defaults to the code's own."""
        entry = CODES[code]
        advice = remedy or entry.remedy
        if hint:
            advice = f"{hint} If not, {advice}" if hint.endswith("?") else f"{hint}; {advice}"
        source = source_of(mark) if mark else None
        finding = Finding(code, entry.level, mask_message(message), address, mask_message(advice), source)
        key = (code, source, finding.message)
        if key not in self._found:
            self._found[key] = finding
            self.errors += finding.level is Level.ERROR

    def __len__(self) -> int:
        return len(self._found)

    def findings(self) -> list[Finding]:
        """All findings by file, line, column and code, each with its source line."""
        ordered = sorted(self._found.values(), key=_place)
        return [replace(finding, excerpt=self._excerpt(finding.source)) for finding in ordered]

    def _excerpt(self, source: Source | None) -> str | None:
        if source is None or source.file not in self.texts:
            return None
        return mask_line(self.texts[source.file], source.line)


def _place(finding: Finding) -> tuple[str, int, int, str, str]:
    source = finding.source or Source("", 0, 0)
    return source.file, source.line, source.column, finding.code, finding.message
