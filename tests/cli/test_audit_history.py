"""``audit show`` and ``audit export``, offline: a work tree with a log in it, no server, and what is
left of the pack is judged by csv, openssl and Node."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import main
from reconciler.domain.secrecy import holds_secret
from tests.kit.evidence.logs import Log, witness
from tests.kit.evidence.told import ADA, make_story, write_log, write_project
from tests.kit.git.repositories import git, isolate
from tests.kit.programs.commands import reconciler
from tests.kit.suite.fast import leave_out

KEY = "client/acme/key/primary"
FOLDER = "audit/staging/log"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project, no git, with the log of the story."""
    root = tmp_path / "project"
    write_project(root)
    write_log(root, make_story())
    return root


@dataclass(frozen=True)
class Ran:
    """What a command did in this process: most of the time of another one is its start."""

    returncode: int
    stdout: str
    stderr: str


def run(root: Path, *arguments: str) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["--project", str(root), *arguments])
    return Ran(code, out.getvalue(), err.getvalue())


def show(root: Path, *arguments: str) -> Ran:
    return run(root, "audit", "show", "-e", "staging", *arguments)


def show_json(root: Path, *arguments: str) -> Any:
    ran = show(root, *arguments, "--format", "json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def export(root: Path, out: Path, *arguments: str) -> Path:
    ran = run(root, "audit", "export", "-e", "staging", "--out", str(out), *arguments)
    assert ran.returncode == 0, ran.stderr
    return out


def rows(pack: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((pack / f"{name}.csv").read_text(encoding="utf-8"))))


def test_the_history_is_shown_the_newest_last(project: Path) -> None:
    ran = show(project)
    assert ran.returncode == 0
    heads = [
        line for line in ran.stdout.splitlines() if re.match(r"[0-9]+(, [a-z ]+)?  2026", line)
    ]
    assert [head.split(" ")[0].strip(",") for head in heads] == [
        "1",
        *map(str, range(1, 11)),
    ]
    assert f"rotate  {ADA}" in ran.stdout
    assert "why rotate-key happened" in ran.stdout
    assert "10 entries, 7 changes. Signatures were not verified" in ran.stdout.replace("\n", " ")
    assert "reconciler audit verify -e staging" in ran.stdout.replace("\n", " ")
    assert "1 report erased" in ran.stdout


def test_options_choose(project: Path) -> None:
    numbers = {
        ("--kind", "rotate"): [3, 10],
        ("--client", "acme", "--since", "2026-03-20"): [7, 10],
        ("--since", "2026-03-11T12:04:00Z", "--until", "2026-03-21"): [5, 6, 7, 8],
        ("--since", "1d"): [],
        ("--kind", "revoke-key"): [7],
    }
    for options, found in numbers.items():
        entries = show_json(project, *options)["entries"]
        assert [one["number"] for one in entries] == found, options
    assert "Nothing in the log is about that." in show(project, "--since", "1d").stdout


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--since", "yesterday"), "RC675"),
        (("--until", "90d"), "RC675"),
        (("--at", "2026-13-01"), "RC675"),
        (("--at", "2026-03-03T12:00:00"), "RC675"),  # no time zone
        (("--kind", "rotated"), "RC676"),
        (("--client", "nobody"), "RC361"),
        (("--at", "2026-03-03", "--client", "nobody"), "RC361"),
        (("--at", "2026-03-03", "--kind", "rotate"), "RC021"),
    ],
)
def test_a_question_that_makes_no_sense_is_a_usage_error(
    options: tuple[str, ...], code: str, project: Path
) -> None:
    ran = show(project, *options)
    assert ran.returncode == 64
    assert f"error[{code}]" in ran.stderr


def test_which_key_was_valid_on_a_day(project: Path) -> None:
    found = show_json(project, "--at", "2026-03-11", "--client", "acme")
    keys = [one for one in found["versions"] if one["address"] == KEY]
    assert [(one["version"], one["state"], one["id"]) for one in keys] == [
        (1, "retiring", "Id0000000001"),
        (2, "active", "Id0000000002"),
    ]
    assert keys[0]["expires_at"] == "2026-05-29T12:00:00Z"
    assert len(keys[0]["sha256"]) == 64
    assert found["notes"] == []
    ended = show_json(project, "--at", "2026-03-21")["versions"][0]
    assert (ended["version"], ended["state"], ended["over"]) == (1, "retiring", True)
    later = show(project, "--at", "2027-01-01").stdout
    assert "The log ends at 2026-04-10" in later
    assert "active, its time was over" in later
    assert "The log begins at" in show(project, "--at", "2026-01-01").stdout
    assert f"| {KEY} | 1 | active |" in show(
        project, "--at", "2026-03-03", "--format", "markdown"
    ).stdout.replace("&#45;", "-")


def test_without_a_log_or_with_another_file_in_it(project: Path) -> None:
    entry = project / FOLDER / "00000003.json"
    entry.write_bytes(entry.read_bytes().replace(b"payload", b"Payload", 1))
    ran = show(project)
    assert ran.returncode == 1
    assert f"error[RC640]: {FOLDER}/00000003.json" in ran.stderr.replace("\n  ", " ")
    shutil.rmtree(project / FOLDER)
    ran = show(project)
    assert ran.returncode == 1
    assert "error[RC681]" in ran.stderr


def test_what_is_missing_of_the_log_is_told(project: Path) -> None:
    (project / FOLDER / "00000002.json").unlink()
    (project / FOLDER / "00000004.json").unlink()
    ran = show(project)
    assert ran.returncode == 0
    assert "entries of the log are not in this work tree: 2, 4" in ran.stderr
    assert [one["number"] for one in show_json(project, "--kind", "rotate")["entries"]] == [3, 10]


def test_commits_say_which_pull_request_and_who_approved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merge commit of GitHub with a trailer, applied; later a squashed one. What the log does not
    name, or this clone lacks, says nothing."""
    root = tmp_path / "project"
    isolate(monkeypatch, tmp_path / "home")
    write_project(root)
    git(root, "init", "--quiet", "--initial-branch=main")
    commits = []
    for message in (
        "Merge pull request #12 from acme/keys\n\nApproved-by: Grace Hopper <grace@example.com>",
        "audit(staging): run 1, 1 done, 0 failed",
        "Longer lives (#13)\n\nReviewed-by: Alan",
        "Not applied yet (#14)",
    ):
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--allow-empty", "-m", message)
        commits.append(git(root, "rev-parse", "HEAD"))
    log = Log()
    for command, commit in (
        ("apply", commits[0]),
        ("rotate", commits[1]),
        ("apply", commits[2]),
        ("apply", "0" * 40),
    ):
        log.run({"acme": 1}, command=command, commit=commit)
    write_log(root, log)
    entries = show_json(root)["entries"]
    assert [(one["requests"], one["approved_by"]) for one in entries] == [
        (["12"], ["Grace Hopper <grace@example.com>"]),
        ([], []),
        (["13"], ["Alan"]),
        ([], []),
    ]
    assert "pull request 12, approved by Grace Hopper" in show(root).stdout
    sheet = rows(export(root, tmp_path / "pack"), "access")
    assert sheet == []  # these reports say nothing of clients
    assert [row["Pull requests"] for row in rows(tmp_path / "pack", "runs")] == ["12", "", "13", ""]


def test_the_pack_has_every_sheet(project: Path, tmp_path: Path) -> None:
    pack = export(project, tmp_path / "pack")
    names = {path.stem for path in pack.glob("*.csv")}
    assert names == {
        *("access", "changes", "controls", "deliveries", "exceptions", "keys", "revocations"),
        *("rotations", "runs", "webhooks"),
    }
    assert [row["Version"] for row in rows(pack, "keys") if row["Credential"] == KEY] == list("123")
    assert [(row["From version"], row["To version"]) for row in rows(pack, "rotations")] == [
        ("1", "2"),
        ("2", "3"),
    ]
    assert rows(pack, "rotations")[1]["Days in force"] == "30"
    [revoked] = rows(pack, "revocations")
    assert (revoked["Id"], revoked["Time to dead"], revoked["By"]) == ("Id0000000001", "", ADA)
    [delivery] = rows(pack, "deliveries")
    assert (delivery["Proven"], delivery["HTTP status"], delivery["Milliseconds"]) == (
        "yes",
        "204",
        "12",
    )
    [access] = rows(pack, "access")
    assert access["Owner"] == "payments (payments@example.com)"
    assert access["Must approve"] == "acme/security, acme/ciso (from critical risk)"
    assert (access["Scopes"], access["Usable keys"], access["Last use"]) == (
        "payouts:write",
        "2",
        "",
    )
    [waiver] = rows(pack, "exceptions")
    assert (waiver["Approver"], waiver["State"]) == ("grace", "in force")
    [webhook] = rows(pack, "webhooks")
    assert (webhook["Signature"], webhook["Events"]) == ("standard-webhooks", "payout.settled")
    copied = {path.relative_to(pack).as_posix() for path in (pack / "audit").rglob("*.*")}
    ours = {path.relative_to(project).as_posix() for path in (project / "audit").rglob("*.*")}
    assert copied == ours
    for name in (*copied, f"{FOLDER}/checkpoint", f"{FOLDER}/keys"):
        assert (pack / name).read_bytes() == (project / name).read_bytes()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_work_tree_gives_the_same_bytes(project: Path, tmp_path: Path) -> None:
    """Whatever the order of hashes, the time zone and the day."""
    first = contents(export(project, tmp_path / "first"))
    ran = reconciler(
        project,
        *("audit", "export", "-e", "staging", "--out", str(tmp_path / "second")),
        PYTHONHASHSEED="7",
        TZ="Pacific/Auckland",
    )
    assert ran.returncode == 0, ran.stderr
    assert contents(tmp_path / "second") == first


def test_a_period_is_of_the_sheets_and_the_log_stays_whole(project: Path, tmp_path: Path) -> None:
    pack = export(project, tmp_path / "q1", "--since", "2026-03-11", "--until", "2026-03-20")
    assert {row["Entry"] for row in rows(pack, "changes")} == {"3", "5", "6"}
    keys = [row for row in rows(pack, "keys") if row["Credential"] == KEY]
    assert [(row["Version"], row["State"], row["Revoked"]) for row in keys] == [
        ("1", "retiring", ""),
        ("2", "active", ""),
    ]
    assert len(list((pack / FOLDER).glob("*.json"))) == 10
    later = export(project, tmp_path / "q2", "--since", "2026-04-01")
    keys = [row for row in rows(later, "keys") if row["Credential"] == KEY]
    assert [row["Version"] for row in keys] == ["2", "3"]  # 1 ended before
    ran = run(
        project,
        *("audit", "export", "-e", "staging", "--out", str(tmp_path / "no")),
        *("--since", "2026-04-01", "--until", "2026-03-01"),
    )
    assert (ran.returncode, (tmp_path / "no").exists()) == (64, False)


def test_nothing_is_overwritten_and_nothing_half_written(project: Path, tmp_path: Path) -> None:
    """A folder with something in it, a file, a link, a place among the reports, a place that cannot
    be written: refused, and as it was. An empty folder is taken."""
    taken, link, empty = tmp_path / "taken", tmp_path / "link", tmp_path / "empty"
    taken.mkdir()
    (taken / "mine").write_text("mine")
    empty.mkdir()
    link.symlink_to(empty)
    (tmp_path / "file").write_text("a file")
    before = sorted(path.name for path in tmp_path.iterdir())
    for out in (
        taken,
        link,
        project / "audit" / "pack",
        tmp_path / "file",
        tmp_path / "file" / "x",
    ):
        ran = run(project, "audit", "export", "-e", "staging", "--out", str(out))
        assert ran.returncode == 64, out
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert contents(taken) == {"mine": b"mine"}
    assert not (project / "audit" / "pack").exists()
    assert "README.md" in contents(export(project, empty))
    assert not list(tmp_path.glob(".reconciler-*"))


def test_a_declaration_that_is_not_valid_is_said(project: Path, tmp_path: Path) -> None:
    (project / "clients" / "acme.yaml").write_text("kind: Nothing\n")
    pack = export(project, tmp_path / "pack")
    assert rows(pack, "exceptions") == []
    assert rows(pack, "access")[0]["Owner"] == ""
    assert "is not valid" in (pack / "README.md").read_text()
    assert "is not valid" in (pack / "index.html").read_text()


def test_no_secret_is_in_a_pack(project: Path, tmp_path: Path) -> None:
    """Reports of ours hold none; one that somebody else signed shows it masked in what we make."""
    leak = f"why s.{'Ab1' * 8} and ghp_{'aB3' * 12}"
    assert holds_secret(leak)
    write_log(project, make_story(leak))
    pack = export(project, tmp_path / "pack")
    for path in pack.iterdir():
        if path.is_file():
            assert "Ab1Ab1" not in path.read_text()
            assert "aB3aB3" not in path.read_text()
    shown = show(project).stdout
    assert "Ab1Ab1" not in shown
    assert "***" in shown


# What a pack must verify by, and what must not.


def blocks(pack: Path) -> list[str]:
    """The commands of the README."""
    text = (pack / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def perform(pack: Path, block: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-e", "-c", block], cwd=pack, capture_output=True, text=True, check=False
    )


def judge(pack: Path) -> list[bool]:
    """Node over everything, openssl over the first entry, openssl over the checkpoint."""
    leave_out("Node and openssl")
    return [perform(pack, block).returncode == 0 for block in blocks(pack)]


def test_the_commands_of_the_readme_verify_the_log_without_us(
    project: Path, tmp_path: Path
) -> None:
    pack = export(project, tmp_path / "pack")
    leave_out("Node and openssl")
    ran = [perform(pack, block) for block in blocks(pack)]
    assert [one.returncode for one in ran] == [0, 0, 0], [one.stderr for one in ran]
    assert "10 entries of shop/staging/" in ran[0].stdout
    assert "Signature Verified Successfully" in ran[1].stdout
    assert "Signature Verified Successfully" in ran[2].stdout


def test_a_cosigned_checkpoint_verifies_as_well(project: Path, tmp_path: Path) -> None:
    """Lines of witnesses, and of the key before the one in force, are passed over."""
    log = make_story()
    note = log.signing[1].sign_note(log.checkpoint_note)
    note = witness("example.com/witness", 7).sign_note(note, at=1_770_000_000)
    (project / FOLDER / "checkpoint").write_bytes(note.encode())
    assert judge(export(project, tmp_path / "pack")) == [True, True, True]


@pytest.mark.parametrize(("name", "code"), [("checkpoint", "RC644"), ("keys", "RC643")])
def test_a_pack_needs_a_checkpoint_and_keys(
    name: str, code: str, project: Path, tmp_path: Path
) -> None:
    (project / FOLDER / name).unlink()
    ran = run(project, "audit", "export", "-e", "staging", "--out", str(tmp_path / "pack"))
    assert ran.returncode == 1
    assert f"error[{code}]: {FOLDER}/{name}: " in ran.stderr
    assert not (tmp_path / "pack").exists()


def change_entry(pack: Path) -> None:
    entry = pack / FOLDER / "00000001.json"
    payload = re.search(rb'"payload":"([^"]*)"', entry.read_bytes())
    assert payload is not None
    other = payload[1].replace(payload[1][40:44], b"AAAA", 1)
    entry.write_bytes(entry.read_bytes().replace(payload[1], other))


def cut_end(pack: Path) -> None:
    (pack / FOLDER / "00000010.json").unlink()


def change_report(pack: Path) -> None:
    path = pack / "audit/staging/20260303t120000z-bbbb.json"
    path.write_text(path.read_text().replace("Ada", "Eve"))


def drop_report(pack: Path) -> None:
    (pack / "audit/staging/20260303t120000z-bbbb.json").unlink()


def change_checkpoint(pack: Path) -> None:
    path = pack / FOLDER / "checkpoint"
    path.write_text(path.read_text().replace("\n10\n", "\n11\n"))


def swap_entries(pack: Path) -> None:
    first, second = (pack / FOLDER / f"0000000{number}.json" for number in (2, 3))
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)


@pytest.mark.parametrize(
    ("attack", "holds"),
    [
        (change_entry, [False, False, True]),
        (cut_end, [False, True, True]),
        (change_report, [False, True, True]),
        (drop_report, [False, True, True]),
        (change_checkpoint, [False, True, False]),
        (swap_entries, [False, True, True]),
    ],
)
def test_what_was_changed_does_not_verify(
    attack: Any, holds: list[bool], project: Path, tmp_path: Path
) -> None:
    pack = export(project, tmp_path / "pack")
    attack(pack)
    assert judge(pack) == holds


def test_the_script_of_the_pack_wants_the_key_that_it_is_given(
    project: Path, tmp_path: Path
) -> None:
    """Any key of the log's succession will do; one of another log will not."""
    pack = export(project, tmp_path / "pack")
    leave_out("Node")
    log = make_story()
    keys = [log.signing[1].verifier.text, log.signing[2].verifier.text]
    for key, code in ((keys[0], 0), (keys[1], 0), (Log(seed=2).first_key.text, 1), ("x", 1)):
        command = ["node", "verify.mjs", FOLDER, key]
        ran = subprocess.run(
            command, cwd=pack, env={**os.environ}, capture_output=True, text=True, check=False
        )
        assert ran.returncode == code, ran.stderr
