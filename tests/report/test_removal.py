"""What is said of reports that were erased or archived."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from reconciler.engine.removal import Removed
from reconciler.errors import AuditError
from reconciler.report.evidence.removal import (
    archive_json,
    archive_text,
    erasure_json,
    erasure_text,
)

RUN, OTHER = "20260305t120000z-aaaa", "20260306t120000z-bbbb"
FILES = (f"audit/production/{RUN}.json", f"audit/production/{RUN}.md")
ERASED = Removed((RUN,), FILES, (12,), run_id="20260401t000000z-0", commit="c" * 40)
MANY = Removed((), tuple(f"audit/production/{number:03}.md" for number in range(25)), (12, 13))
PROBLEM = AuditError("RC607", "a hook refused it", "look at the hook")


def say_erased(removed: Removed, *, dry_run: bool = False) -> str:
    return erasure_text("production", removed, dry_run=dry_run, width=100)


def say_archived(removed: Removed, *, dry_run: bool = False) -> str:
    return archive_text("production", removed, "evidence", dry_run=dry_run, width=100)


def test_an_erasure_is_told_with_what_stays() -> None:
    assert say_erased(ERASED) == (
        "Erased 2 report files of production under entry 12 (commit cccccccccccc):\n"
        f"  {FILES[0]}\n"
        f"  {FILES[1]}\n"
        "The history of git still has what was committed: it goes when the history is rewritten and"
        " every\nclone is replaced.\n"
    )
    told = say_erased(ERASED, dry_run=True)
    assert told.startswith("Would erase 2 report files of production:\n")
    assert "history" not in told


@pytest.mark.parametrize(
    ("removed", "sentence"),
    [
        (
            Removed((RUN,), before={RUN: 8}),
            f"The report of {RUN} is erased already, as entry 8 says.",
        ),
        (
            Removed((RUN,), entries=(12,), archived={RUN: 9}),
            f"{RUN} lies in an archive, too (entry 9): erase it there.",
        ),
        (
            Removed((RUN,), named=(RUN,)),
            f"The registry's document runs/{RUN} still names a person: it stays until",
        ),
        (
            Removed((RUN,), FILES, (12,), problem=PROBLEM),
            "It is not complete (RC607): a hook refused it. Run the same command again.",
        ),
        (Removed((RUN,)), "Nothing is left to erase."),
    ],
)
def test_each_thing_that_a_person_has_to_know_is_said(removed: Removed, sentence: str) -> None:
    assert sentence in " ".join(say_erased(removed).split())


def test_an_archive_is_told_with_how_to_verify_it() -> None:
    assert say_archived(Removed()) == (
        "Nothing to archive: no report in HEAD is of an entry before that.\n"
    )
    lines = say_archived(MANY).splitlines()
    assert lines[0] == "Archived 25 report files of production under entries 12 and 13:"
    assert lines[21] == "  and 5 more"
    assert "`reconciler audit verify -e production --in evidence`" in " ".join(lines)
    assert "verify" not in say_archived(MANY, dry_run=True)


@pytest.mark.parametrize("text", [say_erased, say_archived])
def test_nothing_of_a_name_controls_the_terminal(text: Callable[[Removed], str]) -> None:
    assert "\x1b" not in text(Removed(("\x1b[2J",), ("audit/\x1b[2J.md",), (1,)))


def test_documents_hold_what_was_done() -> None:
    found = json.loads(erasure_json("production", ERASED, dry_run=False))
    assert found["kind"] == "audit-erase"
    assert found["runs"] == [
        {"run_id": RUN, "erased_before": None, "archived": None, "named": False}
    ]
    assert (found["files"], found["entries"], found["problem"]) == ([*FILES], [12], None)
    failed = Removed((RUN,), FILES, problem=PROBLEM)
    found = json.loads(archive_json("production", failed, "evidence", dry_run=False))
    assert (found["kind"], found["archive"], found["runs"]) == ("audit-archive", "evidence", [RUN])
    assert found["problem"] == {
        "code": "RC607",
        "message": "a hook refused it",
        "remedy": "look at the hook",
    }
    assert json.loads(archive_json("e", Removed(), "evidence", dry_run=False))["archive"] is None
