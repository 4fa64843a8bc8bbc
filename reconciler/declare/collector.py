"""Gathers findings of all files. The only door: here every text that is shown is masked."""

from __future__ import annotations

from dataclasses import replace

from reconciler.declare.codes import CODES
from reconciler.declare.mask import lines_without_key_material, mask_line, mask_message
from reconciler.declare.nodes import Mark
from reconciler.domain.desired import Source
from reconciler.domain.plan import Finding, Level

# Nobody reads a longer line, and masking it would take long: it is not shown at all.
_LONGEST = 2000


def source_of(mark: Mark) -> Source:
    return Source(*mark)


class Collector:
    """Findings by place. ``texts`` holds what was read of each file, for excerpts.

    A finding that is made twice (a template's mistake, seen through each of its clients) is kept once.
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._lines: dict[str, list[str]] = {}
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
        if source.file not in self._lines:
            self._lines[source.file] = lines_without_key_material(self.texts[source.file])
        lines = self._lines[source.file]
        line = lines[source.line - 1] if source.line <= len(lines) else ""
        return mask_line(line) if len(line) <= _LONGEST else None


def _place(finding: Finding) -> tuple[str, int, int, str, str]:
    source = finding.source or Source("", 0, 0)
    return source.file, source.line, source.column, finding.code, finding.message
