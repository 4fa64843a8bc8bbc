"""Reports that are erased, or archived: the log says so and holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.live.observed import OpenRun
from reconciler.engine.removal import archive_reports
from reconciler.errors import AuditError, UsageError
from reconciler.evidence.statement import Statement
from reconciler.registry.codec.run_codec import encode_run
from reconciler.registry.requests import Request, Response, WriteDocument
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.evident import Evident
from tests.kit.worlds.faults import Faulty
from tests.kit.worlds.memory import World
from tests.kit.worlds.removing import (
    Keeper,
    archive,
    assert_forgotten,
    digest_reports,
    erase,
    find_bytes,
    reports_of,
)

ONE, TWO = desired(client("a")), desired(client("a"), client("b"))
THREE = desired(client("a"), client("b"), client("c"))
LATER = timedelta(minutes=10)


@pytest.fixture
def evident(tmp_path: Path) -> Evident:
    """Two runs, the second of which is the newest entry."""
    return begin(tmp_path)


def begin(root: Path) -> Evident:
    root.mkdir(exist_ok=True)
    evident = Evident(root)
    for declared in (ONE, TWO):
        evident.apply(declared)
        evident.world.at += LATER
    return evident


def runs_of(evident: Evident) -> list[str]:
    return [one.run for one in evident.judge() if one.kind == "run"]


def last(evident: Evident) -> Statement:
    return evident.judge()[-1]


@pytest.mark.parametrize("number", [0, 1])
def test_an_erased_report_is_nowhere_and_the_log_holds(evident: Evident, number: int) -> None:
    run = runs_of(evident)[number]
    files = reports_of(evident, run)
    gone = digest_reports(files)
    assert len(files) == 2
    assert number == 0 or gone <= find_bytes(evident.world)
    removed = erase(evident, run)
    assert removed.entries == (3,)
    assert [evident.root / name for name in removed.files] == files
    told = last(evident)
    assert (told.kind, told.command) == ("erased", "audit erase")
    assert {one.sha256 for one in told.subjects} == gone
    assert_forgotten(evident, run, gone)
    evident.world.at += LATER
    evident.apply(THREE)
    assert_forgotten(evident, run, gone)


def test_what_is_erased_already_is_said_and_nothing_is_written(evident: Evident) -> None:
    run = runs_of(evident)[1]
    erase(evident, run)
    before = evident.world.text().count('"number":')
    again = erase(evident, run)
    assert (again.before, again.entries, again.files) == ({run: 3}, (), ())
    assert evident.world.text().count('"number":') == before
    assert len(evident.judge()) == 3


def test_a_dry_run_writes_nothing(evident: Evident) -> None:
    run = runs_of(evident)[0]
    before = evident.world.writes
    removed = erase(evident, run, dry_run=True)
    assert [evident.root / name for name in removed.files] == reports_of(evident, run)
    assert removed.run_id is None
    assert evident.world.writes == before
    assert len(evident.judge()) == 2


def test_a_run_that_the_log_does_not_know_is_refused_with_those_like_it(evident: Evident) -> None:
    run = runs_of(evident)[0]
    with pytest.raises(UsageError) as refused:
        erase(evident, run[:-1] + "x")
    assert refused.value.code == "RC674"
    assert run in refused.value.remedy
    evident.world.at += timedelta(days=8)
    evident.apply(TWO)  # a heartbeat
    with pytest.raises(UsageError) as refused:
        erase(evident, last(evident).run)
    assert "(heartbeat), which has no report" in refused.value.message


def test_a_run_that_is_open_is_refused(evident: Evident) -> None:
    evident.apply(THREE, commit=False)
    (document,) = [name for name in evident.world.documents if name.startswith("runs/")]
    with pytest.raises(AuditError) as refused:
        erase(evident, document.removeprefix("runs/"))
    assert refused.value.code == "RC678"


def test_a_log_that_does_not_hold_is_refused(evident: Evident) -> None:
    run = runs_of(evident)[0]
    report = reports_of(evident, run)[0]
    report.write_text("other")
    with pytest.raises(AuditError) as refused:
        erase(evident, run)
    assert refused.value.code == "RC688"
    assert "(RC657)" in refused.value.message
    assert report.exists()


@pytest.mark.parametrize(("planfile", "days", "named"), [(True, 0, True), (True, 30, False)])
def test_the_document_of_a_run_goes_when_no_plan_file_needs_it(
    evident: Evident, planfile: bool, days: int, named: bool
) -> None:
    """It names who ran it."""
    run = runs_of(evident)[1]
    document = f"runs/{run}"
    at = evident.world.at
    evident.world.answer(
        WriteDocument(
            document,
            encode_run(OpenRun(run, "apply", "Ada", at, None, "", planfile=planfile, closed=True)),
            0,
        )
    )
    evident.world.at += timedelta(days=days)
    assert erase(evident, run).named == ((run,) if named else ())
    assert (document in evident.world.documents) == named
    evident.judge()


def test_archived_reports_leave_the_folder_and_the_log_holds(evident: Evident) -> None:
    files = [path for run in runs_of(evident) for path in reports_of(evident, run)]
    gone, keeper = digest_reports(files), Keeper(evident.root)
    removed = archive(evident, keeper)
    assert removed.entries == (3,)
    assert {hashlib.sha256(content).hexdigest() for content in keeper.files.values()} == gone
    told = last(evident)
    assert (told.kind, len(told.subjects)) == ("archived", 4)
    assert not any(path.exists() for path in files)
    assert not gone & find_bytes(evident.world)
    again = archive(evident, keeper)
    assert (again.files, again.entries, again.run_id) == ((), (), None)
    evident.world.at += LATER
    evident.apply(THREE)
    evident.judge()
    assert not any(path.exists() for path in files)


def test_what_closed_later_is_not_archived(evident: Evident) -> None:
    first, second = runs_of(evident)
    closed = evident.judge()[1].closed
    removed = archive_reports(evident.engine(), closed, Keeper(evident.root).keep)
    assert removed.runs == (first,)
    assert reports_of(evident, second)
    evident.judge()


def test_nothing_goes_when_nobody_kept_it(evident: Evident) -> None:
    def refuse(files: Mapping[str, str]) -> None:
        raise AuditError("RC689", "not there", "")

    with pytest.raises(AuditError):
        archive_reports(evident.engine(), evident.world.at, refuse)
    assert len(evident.judge()) == 2
    assert len(reports_of(evident, runs_of(evident)[0])) == 2


def test_many_files_are_archived_under_several_entries(
    evident: Evident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.engine.removal.MOST_FILES", 3)
    assert archive(evident, Keeper(evident.root)).entries == (3, 4)
    assert [len(one.subjects) for one in evident.judge()[2:]] == [3, 1]


def test_what_was_archived_can_be_erased(evident: Evident) -> None:
    run = runs_of(evident)[0]
    archive(evident, Keeper(evident.root))
    evident.world.at += LATER
    removed = erase(evident, run)
    assert (removed.archived, removed.entries, removed.files) == ({run: 3}, (4,), ())
    assert [one.kind for one in evident.judge()] == ["run", "run", "archived", "erased"]
    assert archive(evident, Keeper(evident.root)).files == ()


def test_a_former_attempt_of_another_number_leaves_no_bytes(evident: Evident) -> None:
    """A run that slept stored its report there long after the number was taken."""
    evident.apply(THREE)

    def overtake(world: World, request: Request) -> Response:
        for name in ("a", "b", "c"):
            evident.revoke(name)
        return world.answer(request)

    def stores(request: Request) -> bool:
        name = request.name if isinstance(request, WriteDocument) else ""
        return name.startswith("log/00000004/part-")

    live = Faulty(evident.world, stores, overtake)
    evident.apply(desired(client("a"), client("b"), client("c"), client("d")), live)
    assert live.hit is not None
    loser = evident.judge()[6]
    assert loser.command == "apply"
    gone = digest_reports(reports_of(evident, loser.run))
    assert [name for name in evident.world.documents if name.startswith("log/00000004/part-")]
    evident.world.at += LATER
    erase(evident, loser.run)
    assert_forgotten(evident, loser.run, gone)


@pytest.mark.parametrize("command", ["erase", "archive"])
def test_a_report_of_a_former_log_goes_likewise(evident: Evident, command: str) -> None:
    """Its key was lost, and another log follows it."""
    run = runs_of(evident)[1]
    gone = digest_reports(reports_of(evident, run))
    evident.world.lose_log_key()
    evident.world.at += LATER
    assert evident.repair(new_log=True).problem is None
    evident.world.at += LATER
    if command == "erase":
        removed = erase(evident, run)
        assert last(evident).subjects[0].name in removed.files
    else:
        removed = archive(evident, Keeper(evident.root))
    assert run in removed.runs
    assert_forgotten(evident, run, gone)
    evident.world.at += LATER
    evident.apply(THREE)
    assert_forgotten(evident, run, gone)
    if command == "erase":
        assert erase(evident, run).entries == ()
