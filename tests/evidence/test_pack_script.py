"""The script of a pack, which knows nothing of this program, against every attack on a log."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.report.evidence.readme import read_verifier
from tests.kit.evidence.attacks import ATTACKS, FOLDER, Case
from tests.kit.evidence.former_attacks import FORMER_ATTACKS, REPORT, FormerCase, erase_report
from tests.kit.evidence.logs import sha256
from tests.kit.suite.fast import leave_out

# It is told which folder, not which environment: a pinned key tells the log of another one.
NOT_FOUND = {"another environment's log"}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    leave_out("Node")
    path = tmp_path / "verify.mjs"
    path.write_text(read_verifier(), encoding="utf-8")
    return path


def put(root: Path, case: Case) -> None:
    """The files of a case as they lie in a pack."""
    written: dict[str, bytes | None] = {
        f"{FOLDER}/{name}": content for name, content in case.entries.items()
    }
    written |= {f"{FOLDER}/keys": case.keys, f"{FOLDER}/checkpoint": case.checkpoint}
    if isinstance(case, FormerCase):
        written |= case.former_files()
    for name, content in (written | case.files).items():
        if content is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def verify(
    script: Path, root: Path, *key: str, name: str = "log"
) -> subprocess.CompletedProcess[str]:
    command = ["node", str(script), f"audit/staging/{name}", *key]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_a_log_that_nobody_touched_holds(script: Path, tmp_path: Path) -> None:
    case = Case()
    put(tmp_path / "pack", case)
    for key in ((), (case.pinned.text,)):
        ran = verify(script, tmp_path / "pack", *key)
        assert (ran.returncode, ran.stderr) == (0, "")


def test_what_the_files_give_away_is_found_by_the_script_too(script: Path, tmp_path: Path) -> None:
    """Of each attack that is found without an anchor, and of each that the pinned key finds."""
    missed, tried = set(), 0
    for number, attack in enumerate((*ATTACKS, *FORMER_ATTACKS)):
        case = attack.case()
        attack.change(case)
        root = tmp_path / str(number)
        put(root, case)
        given = (case.pinned.text,) if "key" in attack.found and not attack.found.get("") else ()
        kinds = "key" if given else ""
        if kinds in attack.found:
            tried += 1
            ran = verify(script, root, *given)
            if ran.returncode == 0 and isinstance(case, FormerCase):  # as the pack's README says
                each = [verify(script, root, name=name) for name in case.former]
                ran = max(each, key=lambda one: one.returncode, default=ran)
            found = ran.returncode == 1 and ran.stderr.startswith("does not hold: ")
            if found != (attack.found[kinds] is not None):
                missed.add(attack.name)
    assert missed == NOT_FOUND
    assert tried > 70


@pytest.mark.parametrize("erased", [False, True])
def test_every_log_of_three_holds(script: Path, tmp_path: Path, erased: bool) -> None:
    case = FormerCase()
    if erased:
        erase_report(sha256(case.files[REPORT]))(case)
    put(tmp_path, case)
    for name in ("log", *case.former):
        ran = verify(script, tmp_path, name=name)
        assert (ran.returncode, ran.stderr) == (0, "")


def test_the_key_of_another_environment_tells_its_log(script: Path, tmp_path: Path) -> None:
    case = Case()
    [attack] = [one for one in ATTACKS if one.name in NOT_FOUND]
    attack.change(case)
    put(tmp_path / "pack", case)
    assert verify(script, tmp_path / "pack", case.pinned.text).returncode == 1


def test_an_entry_that_follows_another_one_is_found(script: Path, tmp_path: Path) -> None:
    """Signed by the log's key, and counted in its checkpoint."""
    case = Case()
    other = replace(case.log.statements[7], previous="0" * 64)
    case.log.entries[7] = case.log.sign(other)
    case.put()
    put(tmp_path / "pack", case)
    ran = verify(script, tmp_path / "pack")
    assert "00000008.json: the entry before it is another one" in ran.stderr


def test_a_log_over_a_repair_holds(script: Path, tmp_path: Path) -> None:
    """Numbers come again, and a run that was open never gets an entry."""
    case = Case()
    case.log.heartbeat()
    case.log.statements[-1] = replace(case.log.statements[-1], open=("lost",))
    case.log.entries[-1] = case.log.sign(case.log.statements[-1])
    case.log.add(kind="repair", command="repair", run="repair-1", bases={"acme": 2})
    case.log.seqs["acme"] = 2
    case.log.run({"acme": 1})
    case.put()
    put(tmp_path / "pack", case)
    ran = verify(script, tmp_path / "pack")
    assert (ran.returncode, ran.stderr) == (0, "")
