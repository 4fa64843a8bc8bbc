"""Where the audit cannot be written: the keys are done, the exit code says that the evidence is
not, the next run makes up for it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.kit.blows.disk import NEEDING_ROOM, fill, may_mount, small_disk
from tests.kit.blows.stage import Case, Stage, spread
from tests.kit.blows.stories import FIRST, UNREPORTED
from tests.kit.blows.witness import TEMPORARY
from tests.kit.git.repositories import git, isolate
from tests.kit.programs.zygote import Ended
from tests.kit.suite.tally import Tally

TALLY = "full disks and refused writes"
NOBODY = 65534
ERRORS = ["ENOSPC", "EDQUOT", "EROFS"]
# How much a file may hold: nothing, part of a report, the one and not the other.
SIZES = (0, 1, 100, 512, 1024, 1500, 2048, 3000, 4096)
MOUNTED = ["a full file system"] if may_mount() else []


def not_reported(case: Case, ended: Ended, code: str) -> None:
    """What must hold while the report cannot be written."""
    root = case.checkout.root
    assert ended.code == 1, ended.err
    assert f"error[{code}]" in ended.err, ended.err
    assert "remedy:" in ended.err
    result = ended.json
    assert result["summary"]["failed"] == result["summary"]["skipped"] == 0
    assert result["audit"]["commit"] is None
    assert case.checkout.actions() == [], "everything but the report is done"
    case.witness.look()  # nothing was committed, nothing that was committed changed
    for path in (root / "audit").glob("*/*.json") if (root / "audit").is_dir() else ():
        assert json.loads(path.read_text())["kind"] == "audit"
    assert [path for path in root.rglob("*") if path.match(TEMPORARY)] == []


def finish(case: Case, what: str) -> None:
    try:
        case.finish()
    except BaseException as error:
        error.add_note(what)
        raise


def test_an_error_at_every_operation_that_needs_room(
    stage: Stage, tally: Tally, exhaustive: bool
) -> None:
    """And at all that follow: the disk stays as it is."""
    log = stage.folder / "operations"

    def order(at: int = 0, error: str = "") -> str:
        return (
            f"tests.kit.blows.disk:strike {json.dumps({'at': at, 'how': error, 'log': str(log)})}"
        )

    with stage.case(UNREPORTED) as case:
        assert case.run(before=order()).code == 0
    operations = log.read_text().splitlines()
    numbers = [number for number, what in enumerate(operations, 1) if what in NEEDING_ROOM]
    cases = list(product(numbers, ERRORS))
    if not exhaustive:
        cases = [
            (numbers[at - 1], error)
            for at, error in zip(spread(len(numbers), 3, 0), ERRORS, strict=True)
        ]
    for at, error in cases:
        with stage.case(UNREPORTED) as case:
            ended = case.run(before=order(at, error))
            not_reported(case, ended, "RC609")
            finish(case, f"{error} from operation {at} on, {operations[at - 1]}")
    tally(TALLY, len(cases))


def test_no_file_may_grow(stage: Stage, tally: Tally, exhaustive: bool) -> None:
    """The kernel refuses, whoever runs this and wherever."""
    sizes = SIZES if exhaustive else SIZES[::4]
    refused = 0
    for size in sizes:
        with stage.case(UNREPORTED) as case:
            ended = case.run(before=f"tests.kit.blows.disk:limit {json.dumps({'bytes': size})}")
            if ended.code:
                refused += 1
                not_reported(case, ended, "RC609" if "error[RC609]" in ended.err else "RC600")
                for lock in (case.checkout.root / ".git").rglob("*.lock"):
                    lock.unlink()  # of a git that the kernel ended
            finish(case, f"no file past {size} bytes")
    assert refused > 1
    tally(TALLY, len(sizes))


@pytest.mark.parametrize("disk", MOUNTED)
def test_a_full_file_system(stage: Stage, tally: Tally, exhaustive: bool, disk: str) -> None:
    """The whole repository on it, with room for so many pages: enough for none, one, some of the
    files and objects."""
    rooms = range(40) if exhaustive else (0, 5, 11)
    codes = []
    for pages in rooms:
        with (
            small_disk(stage.folder / f"disk-{pages}") as folder,
            stage.case(UNREPORTED, folder) as case,
        ):
            filler = fill(folder, pages)
            ended = case.run()
            codes.append(ended.code)
            if ended.code:
                not_reported(case, ended, "RC609")
                still = case.run()
                assert (still.code, "error[RC609]" in still.err) == (1, True), still.err
            filler.unlink()
            finish(case, f"room for {pages} pages")
    assert codes[0] == 1
    tally(TALLY, len(codes))


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that a user without privileges reaches, with a home and a git that trusts what
    others own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    isolate(monkeypatch, folder / "home")
    git(folder, "config", "--global", "--add", "safe.directory", "*")
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def _folders(path: Path, mode: int) -> None:
    for one in (path, *path.rglob("*")):
        if one.is_dir():
            one.chmod(mode)


def _audit_read_only(root: Path) -> Callable[[], None]:
    (root / "audit").mkdir()
    own(root / "audit")
    (root / "audit").chmod(0o555)
    return lambda: (root / "audit").chmod(0o755)


def _project_read_only(root: Path) -> Callable[[], None]:
    root.chmod(0o555)
    return lambda: root.chmod(0o755)


def _objects_read_only(root: Path) -> Callable[[], None]:
    _folders(root / ".git/objects", 0o555)
    return lambda: _folders(root / ".git/objects", 0o755)


def _git_read_only(root: Path) -> Callable[[], None]:
    (root / ".git").chmod(0o555)
    return lambda: (root / ".git").chmod(0o755)


def _branch_read_only(root: Path) -> Callable[[], None]:
    (root / ".git/refs/heads").chmod(0o555)
    return lambda: (root / ".git/refs/heads").chmod(0o755)


OBSTACLES = {
    "the audit directory is read-only": (_audit_read_only, "RC609"),
    "the audit directory cannot be made": (_project_read_only, "RC609"),
    "git's objects are read-only": (_objects_read_only, "RC609"),
    "git's directory is read-only": (_git_read_only, "RC609"),
    "the branch is read-only": (_branch_read_only, "RC609"),
}


def own(path: Path) -> None:
    if os.getuid() == 0:
        for one in (path, *path.rglob("*")):
            os.chown(one, NOBODY, NOBODY)


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_may_not_be_written(stage: Stage, tally: Tally, public: Path, name: str) -> None:
    obstruct, code = OBSTACLES[name]
    with stage.case(FIRST, public) as case:
        root = case.checkout.root
        own(root)
        remove = obstruct(root)
        ended = case.run(before=f"tests.kit.blows.disk:unprivileged {json.dumps({'user': NOBODY})}")
        not_reported(case, ended, code)
        remove()
        finish(case, name)
    tally(TALLY, 1)
