"""A log that cannot go on is kept, and another one follows it, whoever dies where."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.live.log import LogHead
from reconciler.engine.apply import refuse_unfit_log
from reconciler.engine.repair import Repaired, assess_damage
from reconciler.errors import AuditError
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import VerifiedLog
from reconciler.registry.protocol.log import read_head
from tests.kit.worlds.declared import client, desired
from tests.kit.worlds.evident import WHERE, Evident
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import drive

ONE, TWO = desired(client("a")), desired(client("a"), client("b"))
LATER = timedelta(minutes=10)


@pytest.fixture
def evident(tmp_path: Path) -> Evident:
    """With a log of two entries."""
    evident = Evident(tmp_path)
    evident.apply(ONE)
    evident.revoke("a")
    return evident


def head_of(evident: Evident) -> LogHead:
    head = drive(evident.world, read_head())
    assert head is not None
    return head


def archive(evident: Evident) -> Path:
    (folder,) = (evident.root / WHERE.reports).glob("log-*")
    return folder


def lose_key(evident: Evident) -> None:
    evident.world.lose_log_key()
    evident.world.pass_time(LATER)


def begin_anew(evident: Evident) -> Repaired:
    repaired = evident.repair(new_log=True)
    assert repaired.problem is None, repaired.problem
    return repaired


def stop(evident: Evident) -> None:
    """What stops a run before it plans."""
    refuse_unfit_log(evident.engine())


def test_a_new_log_follows_one_whose_key_is_lost(evident: Evident) -> None:
    files = {path.name: path.read_bytes() for path in (evident.root / WHERE.folder).iterdir()}
    former = head_of(evident)
    lose_key(evident)
    repaired = begin_anew(evident)
    head = head_of(evident)
    assert head.origin != former.origin
    assert repaired.verifier == head.verifiers[head.key]
    assert {path.name: path.read_bytes() for path in archive(evident).iterdir()} == files
    assert (archive(evident).name, repaired.former) == (
        f"log-{former.origin.rpartition('/')[2][:8]}",
        (f"audit/production/{archive(evident).name}",),
    )
    statements = evident.judge()
    assert [(one.kind, one.number) for one in statements] == [("run", 1), ("run", 2), ("repair", 1)]
    assert statements[2].bases == {"a": 4}
    _, verified = evident.verify()
    assert isinstance(verified, VerifiedLog)
    assert [(one.origin, one.size) for one in verified.former] == [(former.origin, 2)]
    evident.apply(TWO)
    assert [one.number for one in evident.judge()] == [1, 2, 1, 2]
    names = sorted(path.name for path in (evident.root / WHERE.folder).glob("*.json"))
    assert names == ["00000001.json", "00000002.json"]


def test_entries_past_the_end_of_the_new_log_are_moved_away(evident: Evident) -> None:
    evident.apply(TWO)
    lose_key(evident)
    begin_anew(evident)
    assert [path.name for path in (evident.root / WHERE.folder).glob("0*")] == ["00000001.json"]
    assert len(list(archive(evident).glob("0*"))) == 3
    evident.judge()


def test_a_second_loss_keeps_both_logs(evident: Evident) -> None:
    lose_key(evident)
    begin_anew(evident)
    evident.world.log_keys = {}
    evident.world.rotate_log_key()
    evident.apply(TWO)
    begin_anew(evident)
    evident.world.pass_time(LATER)
    evident.apply(TWO)
    assert [one.kind for one in evident.judge()].count("run") == 3
    _, verified = evident.verify()
    assert isinstance(verified, VerifiedLog)
    assert [one.size for one in verified.former] == [2, 1]


@pytest.mark.parametrize("new_log", [True, False])
def test_it_is_begun_where_somebody_asks_and_it_is_needed(evident: Evident, new_log: bool) -> None:
    if not new_log:
        lose_key(evident)
    with pytest.raises(AuditError) as caught:
        evident.repair(new_log=new_log)
    assert caught.value.code == ("RC648" if new_log else "RC680")
    assert head_of(evident).size == 2


def test_runs_stop_where_the_key_is_lost_and_revocations_do_not(evident: Evident) -> None:
    lose_key(evident)
    evident.apply(TWO)  # does its work, and cannot be entered
    with pytest.raises(AuditError) as caught:
        stop(evident)
    assert caught.value.code == "RC680"
    assert "--new-log" in (caught.value.remedy or "")
    result, problem = evident.revoke("b")
    assert isinstance(problem, AuditError)
    assert result.outcomes
    begin_anew(evident)
    evident.world.pass_time(LATER)
    evident.apply(TWO)
    assert [one.kind for one in evident.judge()].count("run") == 4


def world_of_another() -> World:
    """A registry with a log of its own, and a key of its own."""
    world = World()
    world.lose_log_key()
    world.begin_log(1 << 100)
    del world.log_keys[1]
    return world


def test_the_registry_is_new_and_so_is_the_key(tmp_path: Path, evident: Evident) -> None:
    """Vault is lost with all backups, and somebody bootstrapped a new one."""
    made_new = Evident(evident.root, world_of_another())
    with pytest.raises(AuditError) as caught:
        stop(made_new)
    assert caught.value.code == "RC683"
    origin = head_of(made_new).origin
    begin_anew(made_new)
    assert head_of(made_new).origin == origin, "the key that bootstrap printed stays the one to pin"
    made_new.apply(TWO)
    statements, found = made_new.verify()
    assert isinstance(found, VerifiedLog), found
    assert [one.kind for one in statements] == ["repair", "run"]
    assert [one.size for one in found.former] == [2]


@pytest.mark.parametrize("key_too", [True, False])
def test_a_backup_from_before_the_new_log_is_restored(evident: Evident, key_too: bool) -> None:
    """With the key of that time yet another log follows; else the registry moves to the new one."""
    backup = copy.deepcopy((evident.world.documents, evident.world.log_keys))
    evident.apply(TWO)
    evident.world.pass_time(LATER)
    evident.revoke("b")
    lose_key(evident)
    begin_anew(evident)
    evident.apply(desired(client("a"), client("c")))
    origin = head_of(evident).origin
    evident.world.documents = backup[0]
    if key_too:
        evident.world.log_keys = backup[1]
    evident.world.pass_time(LATER)
    with pytest.raises(AuditError) as caught:
        stop(evident)
    assert caught.value.code == "RC683"
    issued = [one.address for one in assess_damage(evident.engine(), new_log=key_too).issues]
    assert issued == ["client/b/key/primary", "client/c/key/primary"]
    repaired = evident.repair(new_log=key_too)
    assert repaired.problem is None
    assert (head_of(evident).origin == origin) == (not key_too)
    _, found = evident.verify()
    assert isinstance(found, VerifiedLog), found
    assert [one.size for one in found.former] == ([4, 2] if key_too else [4])
    evident.world.pass_time(LATER)
    evident.apply(ONE)
    assert isinstance(evident.verify()[1], VerifiedLog)


@pytest.mark.parametrize("new_log", [True, False])
def test_a_log_that_somebody_put_into_git_is_not_followed(
    evident: Evident, tmp_path: Path, new_log: bool
) -> None:
    """Whoever may push can make one that fits itself; nothing would vouch for it but us."""
    thief = Evident(tmp_path / "thief", world_of_another())
    thief.root.mkdir()
    thief.apply(TWO)
    shutil.rmtree(evident.root / WHERE.reports)
    shutil.copytree(thief.root / WHERE.reports, evident.root / WHERE.reports)
    with pytest.raises(AuditError) as caught:
        evident.repair(new_log=new_log)
    assert caught.value.code == "RC683"
    assert head_of(evident).size == 2


def _copy_archive(evident: Evident) -> None:
    shutil.copytree(archive(evident), evident.root / WHERE.reports / "log-01234567")


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"A", b"B", 1))


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        (lambda evident: change(archive(evident) / "00000002.json"), {"RC641", "RC650"}),
        (lambda evident: (archive(evident) / "00000001.json").unlink(), {"RC653"}),
        (lambda evident: (archive(evident) / "00000002.json").unlink(), {"RC662"}),
        (lambda evident: (archive(evident) / "checkpoint").unlink(), {"RC662"}),
        (lambda evident: shutil.rmtree(archive(evident)), {"RC658"}),
        (_copy_archive, {"RC659"}),
        (lambda evident: _first_report(evident).unlink(), {"RC658"}),
        (lambda evident: _first_report(evident).write_text("{}"), {"RC657"}),
    ],
)
def test_a_former_log_is_guarded_by_the_present_one(
    evident: Evident, attack: Callable[[Evident], Any], code: set[str]
) -> None:
    lose_key(evident)
    begin_anew(evident)
    attack(evident)
    _, found = evident.verify(live=False)
    assert isinstance(found, Fault)
    assert found.code in code


def _first_report(evident: Evident) -> Path:
    return min((evident.root / WHERE.reports).glob("*.json"))
