"""What a log tells of the past: from entries and reports, whatever became of the reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.evidence.history.commits import (
    CommitReview,
    CommitText,
    find_review,
    read_approvers,
    read_request,
)
from reconciler.evidence.history.lives import CredentialLife, find_usable, trace_lives
from reconciler.evidence.history.reports import Fate, read_report
from reconciler.evidence.history.runs import (
    LoggedRun,
    add_reviews,
    choose_runs,
    list_kind_words,
    list_untold,
    read_history,
)
from reconciler.evidence.statement import LoggedFile
from tests.kit.evidence.logs import Log, sha256
from tests.kit.evidence.told import ADA, EARLIER, make_story

KEY = "client/acme/key/primary"


def history(log: Log) -> list[LoggedRun]:
    return list(read_history(log.statements, log.files.get))


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_every_entry_is_there_with_who_what_and_why() -> None:
    runs = history(make_story())
    assert [(run.number, run.before) for run in runs] == [
        (1, True),
        *((number, False) for number in range(1, 11)),
    ]
    rotated = runs[3]
    assert (rotated.command, rotated.actor, rotated.commit) == ("rotate", ADA, "c" * 40)
    [change] = rotated.changes
    assert (change.kind, change.version, change.why) == ("rotate-key", 2, "why rotate-key happened")
    assert change.detail["id"] == "Id0000000002"
    assert runs[4].successor == 2
    assert [run.kind for run in runs if run.actor is None] == [
        "heartbeat",
        "key",
        "run",  # its report was erased
        "erased",
        "heartbeat",
    ]


def test_a_report_from_before_the_log_is_history_that_the_first_entry_vouches_for() -> None:
    first = history(make_story())[0]
    assert (first.number, first.before, first.run, first.actor) == (1, True, EARLIER, ADA)
    assert [(one.kind, one.version, one.seq) for one in first.changes] == [("issue-key", 1, 0)]


def test_what_was_erased_leaves_its_changes_and_no_name() -> None:
    erased = history(make_story())[5]
    assert [(one.name[-9:], one.fate) for one in erased.reports] == [("bbbb.json", Fate.ERASED)]
    [change] = erased.changes
    assert (change.kind, change.why, change.result, erased.actor) == (
        "verify-webhook",
        "",
        "",
        None,
    )


def drop(log: Log, name: str) -> None:
    del log.files[name]


def edit(log: Log, name: str) -> None:
    log.files[name] = log.files[name].replace(b"Ada", b"Eve")


def garble(log: Log, name: str) -> None:
    """The entry names these bytes, and they are no report."""
    log.files[name] = b'{"kind": "audit", "format_version": 2}'
    number = next(
        one.number for one in log.statements if name in {file.name for file in one.subjects}
    )
    subjects = (LoggedFile(name, sha256(log.files[name])),)
    log.statements[number - 1] = replace(log.statements[number - 1], subjects=subjects)


@pytest.mark.parametrize(
    ("spoil", "fate"),
    [(drop, Fate.MISSING), (edit, Fate.CHANGED), (garble, Fate.UNREADABLE)],
)
def test_a_report_that_is_not_what_the_entry_names_tells_nothing(
    spoil: Callable[[Log, str], None], fate: Fate
) -> None:
    """Its entry stays, and every other report is read."""
    log, name = make_story(), "audit/staging/20260303t120000z-bbbb.json"
    spoil(log, name)
    runs = history(log)
    assert [one.name for one in list_untold(runs)[fate]] == [name]
    assert runs[3].actor is None
    assert [(one.kind, one.version, one.why) for one in runs[3].changes] == [("rotate-key", 2, "")]
    assert runs[7].actor == ADA
    # the times are those of the events; which key it was, a later report tells
    assert usable(log, "2026-03-12") == [("key", 1, "Id0000000001"), ("key", 2, "Id0000000002")]


def usable(log: Log, at: str) -> list[tuple[str, int, str]]:
    found = find_usable(trace_lives(history(log)), day(at), day(at))
    return [
        (life.kind.word, version.number, version.id)
        for life, version in found
        if life.kind.word == "key"
    ]


@pytest.mark.parametrize(
    ("at", "numbers"),
    [
        ("2026-02-28T13:00:00", []),  # not active before its run had ended
        ("2026-03-03", [1]),
        ("2026-03-11T12:01:59", [1]),
        ("2026-03-11T12:02:00", [1, 2]),
        ("2026-03-21T12:05:59", [1, 2]),
        ("2026-03-21T12:06:00", [2]),
        ("2026-04-09", [2]),
        ("2027-01-01", [2, 3]),  # as the log ends: nobody revoked them
    ],
)
def test_which_key_was_valid(at: str, numbers: list[int]) -> None:
    assert [number for _, number, _ in usable(make_story(), at)] == numbers


def life_of_key(log: Log) -> CredentialLife:
    [found] = [life for life in trace_lives(history(log)) if life.kind.word == "key"]
    return found


def test_the_life_of_a_version_has_its_times_and_the_entries_that_made_and_ended_it() -> None:
    life = life_of_key(make_story())
    assert (life.address, life.record, sorted(life.versions)) == (KEY, "acme", [1, 2, 3])
    first, second = life.versions[1], life.versions[2]
    assert (first.entry, first.ended_by, second.replaced) == (1, 7, 1)
    assert second.active_from == first.retiring_from == day("2026-03-11T12:02:00")
    assert first.revoked_at == day("2026-03-21T12:06:00")
    assert [first.state_at(day(f"2026-03-{at}")) for at in ("02", "12", "22")] == [
        "active",
        "retiring",
        "revoked",
    ]
    assert not first.is_over(day("2026-03-12"))
    assert first.is_over(day("2026-03-15"))  # the grace had ended, and nobody had revoked it


def test_without_any_report_the_events_tell_the_times() -> None:
    log = make_story()
    log.files.clear()
    life = life_of_key(log)
    assert [(one.number, one.id, one.entry) for one in life.in_order()] == [
        (1, "", None),
        (2, "", 3),
        (3, "", 10),
    ]
    assert life.versions[2].retiring_from == life.versions[3].active_from


def test_a_rename_changes_no_identity() -> None:
    """Asked by either name; the address is the newest."""
    log = make_story()
    last = log.statements[-1]
    log.statements[-1] = replace(
        last, events=tuple(replace(one, client="acme-new", seq=99) for one in last.events)
    )
    life = life_of_key(log)
    assert life.client == "acme-new"
    assert len(life.versions) == 3
    runs = history(log)
    for name, count in (("acme", 7), ("acme-new", 1), ("other", 0)):
        assert sum(len(run.changes) for run in choose_runs(runs, client=name)) == count


def test_runs_are_chosen_by_client_time_and_kind() -> None:
    runs = history(make_story())
    assert [run.number for run in choose_runs(runs, kind="rotate")] == [3, 10]
    assert [run.number for run in choose_runs(runs, kind="rotate-key")] == [3, 10]
    assert [run.number for run in choose_runs(runs, kind="heartbeat")] == [2, 9]
    assert [run.number for run in choose_runs(runs, kind="key")] == [4]
    since = list(choose_runs(runs, since=day("2026-03-21"), until=day("2026-03-31")))
    assert [run.number for run in since] == [7, 8]
    assert [run.number for run in choose_runs(runs, client="acme", since=day("2026-04-01"))] == [10]
    assert {"rotate", "rotate-key", "heartbeat"} <= {*list_kind_words()}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"format_version": 1, "kind": "audit"}',
        b'{"format_version": 1, "kind": "plan"}',
    ],
)
def test_any_bytes_are_a_report_or_none(content: bytes) -> None:
    found = read_report(LoggedFile("a.json", sha256(content)), content, {})
    assert (found.fate, found.told) == (Fate.UNREADABLE, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("clients", [{"name": "x"}]),
        ("clients", [{"name": "x", "status": "active", "keys": [{"name": "k"}]}]),
        ("clients", 3),
        ("outcomes", [{"kind": "x"}]),
        ("started_at", "2026-03-01T12:00:00"),  # no time zone
        ("deliveries", ["x"]),
        ("actor", None),
    ],
)
def test_a_report_of_another_shape_is_unreadable(field: str, value: object) -> None:
    log = make_story()
    report = json.loads(log.files[f"audit/staging/{EARLIER}.json"])
    content = json.dumps(report | {field: value}).encode()
    found = read_report(LoggedFile("a.json", sha256(content)), content, {})
    assert found.fate is Fate.UNREADABLE


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("Merge pull request #12 from acme/rotate\n\nRotate weekly", "12"),
        ("Merge branch 'x' into 'main'\n\nTitle\n\nSee merge request acme/integrations!34", "34"),
        ("Merged in x (pull request #56)", "56"),
        ("Merged PR 78: Title", "78"),
        ("Title (#90)\n\n* one", "90"),
        ("Fix #12", None),
        ("See merge request acme!1 for more", None),
        ("Title\n\n(#90)", None),
        ("", None),
    ],
)
def test_the_pull_request_of_a_merge(message: str, number: str | None) -> None:
    assert read_request(message) == number


def test_approvers_are_those_whom_trailers_name() -> None:
    message = "T\n\nReviewed-by: A <a@x>\nApproved-by: B\napproved-by: A <a@x>\nSigned-off-by: C\n"
    assert read_approvers(message) == ("A <a@x>", "B")


COMMITS = {
    one.commit: one
    for one in (
        CommitText("a1", (), "Ada", "Declare"),
        CommitText("b2", ("a1", "z9"), "Bob", "Merge pull request #1 from x\n\nApproved-by: Eve"),
        CommitText("c3", ("b2",), "Bot", "audit(staging): run 1, 1 done, 0 failed"),
        CommitText("d4", ("c3", "y8"), "Cid", "More (#2)"),
    )
}


@pytest.mark.parametrize(
    ("commit", "applied", "review"),
    [
        ("d4", "b2", CommitReview(("2",), (), ("Bot", "Cid"))),
        ("d4", "a1", CommitReview(("1", "2"), ("Eve",), ("Bob", "Bot", "Cid"))),
        ("b2", None, CommitReview(("1",), ("Eve",), ("Bob",))),
        ("d4", "gone", CommitReview(("2",), (), ("Cid",))),  # cut off, or rewritten
        ("d4", "d4", CommitReview()),  # applied again
        ("unknown", "a1", CommitReview()),
        (None, None, CommitReview()),
    ],
)
def test_what_was_merged_since_the_last_apply(
    commit: str | None, applied: str | None, review: CommitReview
) -> None:
    assert find_review(COMMITS, commit, applied) == review


def test_only_an_apply_carries_out_what_was_merged() -> None:
    runs = history(make_story())
    made = [
        replace(runs[1], commit="a1"),
        replace(runs[3], commit="b2"),  # rotate
        replace(runs[6], commit="d4"),
    ]
    first, rotated, last = add_reviews(made, COMMITS)
    assert first.review.authors == ("Ada",)
    assert rotated.review == CommitReview()
    assert last.review.requests == ("1", "2")


def test_a_day_is_longer_than_an_instant() -> None:
    """On the day of a rotation both were valid, whatever the hour."""
    lives = trace_lives(history(make_story()))
    first = day("2026-03-11")
    found = find_usable(lives, first, first + timedelta(days=1, seconds=-1), "acme")
    assert [version.number for life, version in found if life.kind.word == "key"] == [1, 2]
    assert list(find_usable(lives, first, first, "other")) == []


def test_what_a_restored_registry_forgot_was_valid_until_the_repair() -> None:
    """Key 3 was issued after the backup; the repair says so, and its number comes again."""
    log = make_story()
    rotated = log.statements[-1].events[0]
    log.add(kind="repair", command="repair", run="repair-1", bases={"acme": rotated.seq - 1})
    repaired = log.statements[-1].closed
    log.clock += timedelta(days=1)
    again = replace(rotated, at=log.clock)
    log.add(run="after", command="rotate", events=(again,))
    life = life_of_key(log)
    assert [(one.number, one.forgotten_at) for one in life.in_order()] == [
        (1, None),
        (2, None),
        (3, repaired),
        (3, None),
    ]
    [lost] = life.forgotten
    assert (lost.id, life.versions[3].replaced) == ("Id0000000003", 2)
    assert (
        life.versions[2].retiring_from == life.versions[3].active_from == log.statements[-1].opened
    )
    before, after = repaired - timedelta(seconds=1), repaired
    assert [lost.state_at(at) for at in (before, after)] == ["active", "forgotten"]
    assert [number for _, number, _ in usable(log, before.isoformat()[:19])] == [2, 3]
    assert [number for _, number, _ in usable(log, after.isoformat()[:19])] == [2]
