"""Reports that are erased, or archived: the log says so and holds, whoever dies where."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.live.observed import OpenRun
from reconciler.engine.removal import Removed, archive_reports, erase_reports
from reconciler.errors import AuditError, ReconcilerError, UsageError
from reconciler.evidence.statement import Statement
from reconciler.evidence.verification.walk import VerifiedLog
from reconciler.registry.codec.log_codec import name_claim, unpack
from reconciler.registry.codec.run_codec import encode_run
from reconciler.registry.requests import Request, Response, WriteDocument
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.evident import WHERE, Evident
from tests.kit.worlds.faults import (
    Crash,
    Fault,
    Faulty,
    crash_after,
    crash_before,
    request_lost,
    response_lost,
)
from tests.kit.worlds.memory import World

ONE, TWO = desired(client("a")), desired(client("a"), client("b"))
THREE = desired(client("a"), client("b"), client("c"))
LATER = timedelta(minutes=10)
MOMENTS = 300  # more than a removal has requests


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


class Deadly(Faulty):
    """Removing a document is a moment, too."""

    def delete_document(self, name: str) -> None:
        self._step(name)
        super().delete_document(name)


def erase(evident: Evident, *runs: str, live: Any = None, dry_run: bool = False) -> Removed:
    return erase_reports(evident.engine(live), runs, dry_run=dry_run)


def runs_of(evident: Evident) -> list[str]:
    return [one.run for one in evident.judge() if one.kind == "run"]


def reports_of(evident: Evident, run: str) -> list[Path]:
    return sorted((evident.root / WHERE.reports).glob(f"{run}.*"))


def bytes_in(world: World) -> set[str]:
    """The SHA-256 of every report file whose bytes the registry has."""
    folders: dict[str, list[str]] = {}
    found: set[str] = set()
    for name, entry in world.documents.items():
        folder, _, part = name.rpartition("/")
        if part.startswith("part-"):
            folders.setdefault(folder, []).extend(one["doc"] for one in entry.versions.values())
    for folder, parts in folders.items():
        for part in parts:  # the reports of these worlds fit one part
            _, files = unpack([part], folder)
            found |= {hashlib.sha256(text.encode()).hexdigest() for text in files.values()}
    return found


def digests(paths: Sequence[Path]) -> set[str]:
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def last(evident: Evident) -> Statement:
    return evident.judge()[-1]


@pytest.mark.parametrize("number", [0, 1])
def test_an_erased_report_is_nowhere_and_the_log_holds(evident: Evident, number: int) -> None:
    run = runs_of(evident)[number]
    files = reports_of(evident, run)
    gone = digests(files)
    assert len(files) == 2
    assert number == 0 or gone <= bytes_in(evident.world)
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


def assert_forgotten(evident: Evident, run: str, gone: set[str]) -> None:
    evident.judge()
    assert not reports_of(evident, run)
    assert not gone & bytes_in(evident.world)


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


@dataclass
class Archive:
    """Keeps files in memory, as somebody who has them before they go."""

    root: Path
    files: dict[str, bytes] = field(default_factory=dict)

    def keep(self, files: Mapping[str, str]) -> None:
        for name, digest in files.items():
            path = self.root / name
            if path.exists():  # else an earlier try kept it
                self.files[name] = path.read_bytes()
            assert hashlib.sha256(self.files[name]).hexdigest() == digest


def archive(evident: Evident, keeper: Archive, live: Any = None, **more: Any) -> Removed:
    """Everything that is there by now."""
    before = evident.world.at + timedelta(seconds=1)
    return archive_reports(evident.engine(live), before, keeper.keep, **more)


def test_archived_reports_leave_the_folder_and_the_log_holds(evident: Evident) -> None:
    files = [path for run in runs_of(evident) for path in reports_of(evident, run)]
    gone, keeper = digests(files), Archive(evident.root)
    removed = archive(evident, keeper)
    assert removed.entries == (3,)
    assert {hashlib.sha256(content).hexdigest() for content in keeper.files.values()} == gone
    told = last(evident)
    assert (told.kind, len(told.subjects)) == ("archived", 4)
    assert not any(path.exists() for path in files)
    assert not gone & bytes_in(evident.world)
    again = archive(evident, keeper)
    assert (again.files, again.entries, again.run_id) == ((), (), None)
    evident.world.at += LATER
    evident.apply(THREE)
    evident.judge()
    assert not any(path.exists() for path in files)


def test_what_closed_later_is_not_archived(evident: Evident) -> None:
    first, second = runs_of(evident)
    closed = evident.judge()[1].closed
    removed = archive_reports(evident.engine(), closed, Archive(evident.root).keep)
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
    assert archive(evident, Archive(evident.root)).entries == (3, 4)
    assert [len(one.subjects) for one in evident.judge()[2:]] == [3, 1]


def test_what_was_archived_can_be_erased(evident: Evident) -> None:
    run = runs_of(evident)[0]
    archive(evident, Archive(evident.root))
    evident.world.at += LATER
    removed = erase(evident, run)
    assert (removed.archived, removed.entries, removed.files) == ({run: 3}, (4,), ())
    assert [one.kind for one in evident.judge()] == ["run", "run", "archived", "erased"]
    assert archive(evident, Archive(evident.root)).files == ()


def test_a_former_attempt_of_another_number_leaves_no_bytes(evident: Evident) -> None:
    """A run that lost the race for a number stored its report there, and took the next."""

    def overtake(world: World, request: Request) -> Response:
        evident.revoke("a")
        return world.answer(request)

    def claims(request: Request) -> bool:
        return isinstance(request, WriteDocument) and request.name == name_claim(3)

    live = Faulty(evident.world, claims, overtake)
    evident.apply(THREE, live)
    assert live.hit is not None
    loser = evident.judge()[3]
    assert loser.command == "apply"
    gone = digests(reports_of(evident, loser.run))
    stored = [name for name in evident.world.documents if name.startswith("log/00000003/part-")]
    assert len(stored) == 2
    evident.world.at += LATER
    erase(evident, loser.run)
    assert_forgotten(evident, loser.run, gone)


Command = Callable[[Evident, str, Archive, Any], Removed]
COMMANDS: dict[str, Command] = {
    "erase": lambda evident, run, keeper, live: erase(evident, run, live=live),
    "archive": lambda evident, run, keeper, live: archive(evident, keeper, live),
}


@pytest.mark.parametrize("fault", [crash_before, crash_after, response_lost, request_lost])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_removal_that_dies_anywhere_is_completed(
    tmp_path: Path, command: str, fault: Fault, exhaustive: bool
) -> None:
    moment, died = 0, 0
    while moment < MOMENTS:
        evident = begin(tmp_path / str(moment))
        keeper = Archive(evident.root)
        run = runs_of(evident)[1]
        files = reports_of(evident, run)
        gone = digests(files)
        live = Deadly(evident.world, moment, fault)
        with suppress(Crash, ReconcilerError):
            COMMANDS[command](evident, run, keeper, live)
        if live.hit is None:
            break
        died += 1
        _, found = evident.verify(live=False)
        assert isinstance(found, VerifiedLog), (moment, live.hit, found)
        evident.world.at += LATER
        if moment % 2:  # somebody else's run comes between
            evident.apply(THREE)
            evident.world.at += LATER
        again = COMMANDS[command](evident, run, keeper, None)
        assert again.problem is None
        statements = evident.judge()
        assert not gone & bytes_in(evident.world), (moment, live.hit)
        assert not any(path.exists() for path in files), (moment, live.hit)
        named = [
            one
            for each in statements
            if each.kind in ("erased", "archived")
            for one in each.subjects
        ]
        assert len(named) == len({one.name for one in named}), (moment, live.hit)
        evident.world.at += LATER
        evident.apply(TWO)
        evident.judge()
        assert not gone & bytes_in(evident.world), (moment, live.hit)
        assert not any(path.exists() for path in files), (moment, live.hit)
        moment += 1
    assert died > 15
