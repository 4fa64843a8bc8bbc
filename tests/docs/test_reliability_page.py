"""The page on reliability counts what the reliability tests count."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COUNTED = re.compile(r'(?:tally\(|(?:TALLY|TRIED) = )\s*"([^"]+)"')
# What ``make test-reliability`` runs.
TARGET = re.compile(r"^RELIABILITY := (.+)$", re.MULTILINE)
ROW = re.compile(
    r"^\| ([^|]+?) \| about [0-9,]+ \| (?:about [0-9,]+|all of them) \|$", re.MULTILINE
)


def test_what_is_counted_is_on_the_page() -> None:
    (target,) = TARGET.findall((ROOT / "Makefile").read_text())
    places = [ROOT / place for place in target.split()]
    tests = [
        test
        for place in places
        for test in ([place] if place.is_file() else place.glob("test_*.py"))
    ]
    counted = {label for test in tests for label in COUNTED.findall(test.read_text())}
    assert len(counted) > 20
    assert set(ROW.findall((ROOT / "docs" / "reliability.md").read_text())) == counted
