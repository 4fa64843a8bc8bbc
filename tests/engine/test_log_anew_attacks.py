"""What somebody puts into git or into the registry before, while and after a new log is begun."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest

from reconciler.adapters.git.stored_files import FolderFiles
from reconciler.domain.live.log import LogHead
from reconciler.engine.apply import open_driver
from reconciler.engine.evidence.book import is_log_due
from reconciler.engine.evidence.reading import gather_former_log
from reconciler.errors import AuditError
from reconciler.evidence.notes import VerifierKey
from reconciler.evidence.signatures import NOTE_ED25519
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import VerifiedLog, verify_log
from reconciler.registry.codec.log_codec import HEAD_NAME, encode_head
from reconciler.registry.requests import ReadLogKeys, WriteDocument
from tests.engine.test_log_anew import (
    LATER,
    ONE,
    TWO,
    archive,
    begin_anew,
    evident,
    head_of,
    lose_key,
    stop,
    world_of_another,
)
from tests.kit.worlds.declared import ENVIRONMENT, PROJECT, client, desired
from tests.kit.worlds.evident import WHERE, Evident
from tests.kit.worlds.removing import digest_reports, erase, find_bytes, reports_of

__all__ = ["evident"]
THREE = desired(client("a"), client("c"))


def fault_of(evident: Evident, *, live: bool = False) -> str:
    _, found = evident.verify(live=live)
    assert isinstance(found, Fault), found
    return found.code


def is_due(evident: Evident) -> bool:
    engine = evident.engine()
    with open_driver(engine, evident.world.at) as driver:
        return is_log_due(engine, driver)


def verify_alone(evident: Evident) -> VerifiedLog | Fault:
    name, place = archive(evident).name, f"{PROJECT}/{ENVIRONMENT}"
    return verify_log(gather_former_log(FolderFiles(evident.root), WHERE, name, place))


def forge_log(evident: Evident, root: Path) -> Evident:
    """A longer log of the same origin, with a key of one's own: it fits itself."""
    root.mkdir()
    thief = Evident(root, world_of_another())
    origin = head_of(evident).origin
    keys = thief.world.answer(ReadLogKeys()).versions  # type: ignore[union-attr]
    (version, public), *_ = keys.items()
    verifier = VerifierKey(origin, NOTE_ED25519, public).text
    head = encode_head(LogHead(origin, version, {version: verifier}))
    thief.world.documents.clear()
    thief.world.answer(WriteDocument(HEAD_NAME, head, 0))
    for declared in (ONE, TWO, THREE):
        thief.apply(declared)
        thief.world.pass_time(LATER)
    return thief


def test_a_report_that_somebody_put_there_before_is_not_vouched_for(evident: Evident) -> None:
    (evident.root / WHERE.reports / "20260101t000000z-0123456789ab-c0de.json").write_text("{}")
    assert fault_of(evident) == "RC659"
    lose_key(evident)
    begin_anew(evident)
    assert fault_of(evident) == "RC659"


def test_a_former_log_that_somebody_put_there_before_is_not_vouched_for(
    evident: Evident, tmp_path: Path
) -> None:
    """Where the folder of the log is gone, nothing in git is verified before a new log begins."""
    thief = forge_log(evident, tmp_path / "thief")
    genuine = [path.read_bytes() for path in sorted((evident.root / WHERE.folder).iterdir())]
    reports = [one for one in (evident.root / WHERE.reports).iterdir() if one.is_file()]
    contents = {path: path.read_bytes() for path in reports}
    origin = head_of(evident).origin
    lose_key(evident)
    shutil.rmtree(evident.root / WHERE.folder)
    shutil.copytree(thief.root / WHERE.folder, evident.root / WHERE.archive(origin).folder)
    begin_anew(evident)
    evident.judge()
    assert [path.read_bytes() for path in sorted(archive(evident).iterdir())] == genuine
    assert {path: path.read_bytes() for path in reports} == contents


@pytest.mark.parametrize("name", ["00000002.json", "checkpoint", "keys"])
@pytest.mark.parametrize("changed", [True, False])
def test_bytes_stay_in_the_registry_until_the_whole_former_log_is_pushed(
    evident: Evident, name: str, changed: bool
) -> None:
    lose_key(evident)
    begin_anew(evident)
    if changed:
        (archive(evident) / name).write_bytes(b"other")
    else:
        (archive(evident) / name).unlink()
    evident.world.pass_time(LATER)
    evident.apply(TWO)
    evident.judge()


@pytest.mark.parametrize("name", ["00000002.json", "checkpoint", "keys"])
def test_a_run_that_changes_nothing_files_what_a_former_log_lacks(
    evident: Evident, name: str
) -> None:
    lose_key(evident)
    begin_anew(evident)
    assert not is_due(evident)
    (archive(evident) / name).write_bytes(b"other")
    assert is_due(evident) == (name != "00000002.json")  # names are looked at, and derived files
    (archive(evident) / name).unlink()
    assert is_due(evident)


def test_the_bytes_of_a_former_log_leave_the_registry(evident: Evident) -> None:
    lose_key(evident)
    begin_anew(evident)
    for declared in (TWO, THREE):
        evident.world.pass_time(LATER)
        evident.apply(declared)
    (former,) = head_of(evident).former
    assert former.kept == former.size + 1
    assert not [one for one in evident.world.documents if "log/0000000" in one and "/part-" in one]


def test_a_second_checkout_begins_no_second_log(evident: Evident, tmp_path: Path) -> None:
    other = Evident(tmp_path / "other", evident.world)
    shutil.copytree(evident.root, other.root, ignore=shutil.ignore_patterns("other"))
    lose_key(evident)
    begin_anew(evident)
    evident.world.pass_time(LATER)
    with pytest.raises(AuditError) as caught:
        other.repair(new_log=True)
    assert caught.value.code == "RC648"
    assert other.repair().result is None
    other.apply(TWO)
    assert [one.kind for one in other.judge()] == ["run", "run", "repair", "run"]


def test_a_former_log_alone_lacks_what_the_present_one_says_is_erased(evident: Evident) -> None:
    run = evident.judge()[0].run
    lose_key(evident)
    begin_anew(evident)
    found = verify_alone(evident)
    assert isinstance(found, VerifiedLog), found
    assert found.gone_later == 0
    evident.world.pass_time(LATER)
    erase(evident, run)
    found = verify_alone(evident)
    assert isinstance(found, VerifiedLog), found
    assert found.gone_later == 2
    (evident.root / WHERE.checkpoint).unlink()  # a log that does not hold says nothing
    found = verify_alone(evident)
    assert isinstance(found, Fault)
    assert found.code == "RC658"


@pytest.mark.parametrize("logs", [0, 1, 2])
def test_an_event_of_a_former_log_that_is_changed_in_the_registry_is_found(
    evident: Evident, logs: int
) -> None:
    for _ in range(logs):
        lose_key(evident)
        begin_anew(evident)
        evident.world.pass_time(LATER)
        evident.apply(TWO)
    evident.judge()
    evident.world.edit_by_hand("compromise", "nothing at all")
    assert fault_of(evident, live=True) == "RC669"


def test_a_backup_from_before_the_new_log_went_on_in_another_checkout(
    evident: Evident, tmp_path: Path
) -> None:
    """Its runs are of a log that has ended in git, with other entries: they are entered again."""
    stale = Evident(tmp_path / "stale", evident.world)
    shutil.copytree(evident.root, stale.root, ignore=shutil.ignore_patterns("stale"))
    world = evident.world
    backup = copy.deepcopy((world.documents, world.log_keys, world.secrets))
    evident.apply(TWO)
    lose_key(evident)
    begin_anew(evident)
    world.documents, world.log_keys, world.secrets = backup
    world.pass_time(LATER)
    stale.apply(THREE)
    own = stale.judge()[-1]
    world.pass_time(LATER)
    begin_anew(evident)
    statements, found = evident.verify()
    assert isinstance(found, VerifiedLog), found
    assert [one.size for one in found.former] == [3, 1]
    assert [one.subjects for one in statements if one.run == own.run] == [own.subjects]
    world.pass_time(LATER)
    evident.apply(THREE)
    assert isinstance(evident.verify()[1], VerifiedLog)


def test_a_backup_from_before_the_first_entry_is_restored(tmp_path: Path) -> None:
    """The registry has the same log as git, and knows no entry of it."""
    evident = Evident(tmp_path)
    backup = copy.deepcopy((evident.world.documents, evident.world.secrets))
    evident.apply(ONE)
    evident.world.pass_time(LATER)
    evident.apply(TWO)
    evident.world.documents, evident.world.secrets = backup
    origin = head_of(evident).origin
    lose_key(evident)
    begin_anew(evident)
    assert head_of(evident).origin != origin
    evident.world.pass_time(LATER)
    evident.apply(THREE)
    _, found = evident.verify()
    assert isinstance(found, VerifiedLog), found
    assert [(one.origin, one.size) for one in found.former] == [(origin, 2)]


def test_an_erased_report_of_a_former_log_is_nowhere(evident: Evident) -> None:
    run = evident.judge()[0].run
    gone = digest_reports(reports_of(evident, run))
    lose_key(evident)
    begin_anew(evident)
    assert gone
    evident.world.pass_time(LATER)
    erase(evident, run)
    for declared in (TWO, THREE):
        evident.world.pass_time(LATER)
        evident.apply(declared)
    evident.judge()
    assert not reports_of(evident, run)
    assert not gone & find_bytes(evident.world)


def test_nothing_is_erased_before_the_former_log_is_in_its_folder(evident: Evident) -> None:
    run = evident.judge()[0].run
    before = evident.root.parent / f"{evident.root.name}-before"
    shutil.copytree(evident.root, before)
    lose_key(evident)
    begin_anew(evident)
    evident.world.pass_time(LATER)
    stale = Evident(before, evident.world)
    with pytest.raises(AuditError) as caught:
        erase(stale, run)
    assert caught.value.code == "RC679"
    stale.apply(TWO)
    evident.world.pass_time(LATER)
    assert erase(stale, run).problem is None
    stale.judge()


@pytest.mark.parametrize("linked", [True, False])
def test_a_former_log_is_read_through_no_link(evident: Evident, linked: bool) -> None:
    lose_key(evident)
    begin_anew(evident)
    folder = archive(evident)
    elsewhere = folder.rename(evident.root / "elsewhere")
    if linked:
        folder.symlink_to(elsewhere)
    else:
        folder.write_text("a file")
    with pytest.raises(AuditError) as caught:
        evident.verify(live=False)
    assert caught.value.code == "RC606"


def test_an_entry_of_a_former_log_is_read_through_no_link(evident: Evident) -> None:
    lose_key(evident)
    begin_anew(evident)
    entry = archive(evident) / "00000001.json"
    entry.symlink_to(entry.rename(evident.root / "elsewhere"))
    assert fault_of(evident) == "RC640"


@pytest.mark.parametrize(("line", "text"), [(0, f"{PROJECT}/{ENVIRONMENT}/{'f' * 32}"), (1, "99")])
def test_a_checkpoint_that_nobody_signed_stops_nobody(
    evident: Evident, line: int, text: str
) -> None:
    path = evident.root / WHERE.checkpoint
    lines = path.read_text().split("\n")
    lines[line] = text
    path.write_text("\n".join(lines))
    stop(evident)
    evident.apply(TWO)
    evident.judge()
