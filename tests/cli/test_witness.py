"""``audit witness`` and ``audit witness-key``, offline: the files of a witness, and what it prints."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

from reconciler.adapters.witness import state_file
from reconciler.adapters.witness.key_file import read_key_file
from reconciler.adapters.witness.state_file import hold_state_file
from reconciler.domain.secrecy import mask_secrets
from reconciler.errors import UsageError
from reconciler.evidence.checkpoint import parse_checkpoint
from reconciler.evidence.notes import VerifierKey, parse_note
from reconciler.evidence.signatures import NOTE_COSIGNATURE, time_of_cosignature
from reconciler.evidence.statement import LoggedFile
from tests.cli.test_audit_history import Ran, run
from tests.kit.evidence.logs import ORIGIN, Log, SigningKey, sha256
from tests.kit.evidence.own_witness import make_own_witness
from tests.kit.evidence.told import make_story, write_log, write_project
from tests.kit.git.repositories import git, isolate

NAME = "witness.example.com"


@dataclass(frozen=True)
class Place:
    """A project with a log, and beside it the folder of a witness."""

    root: Path
    log: Log
    key: Path
    state: Path
    verifier: str

    def witness(self, *arguments: str) -> Ran:
        files = ("--key", str(self.key), "--state", str(self.state))
        return run(self.root, "audit", "witness", "-e", "staging", *files, *arguments)

    def grow(self) -> None:
        self.log.run({"other": 1})
        write_log(self.root, self.log)

    def refuse(self, code: str, *arguments: str) -> Ran:
        """Nothing is cosigned, and nothing is remembered."""
        before = self.state.read_bytes() if self.state.is_file() else None
        ran = self.witness(*arguments)
        assert ran.returncode == (64 if code in {"RC693", "RC694", "RC695", "RC035"} else 1)
        assert code in ran.stderr, ran.stderr
        assert ran.stdout == ""
        assert (self.state.read_bytes() if self.state.is_file() else None) == before
        return ran


@pytest.fixture
def place(tmp_path: Path) -> Place:
    root, log = tmp_path / "project", make_story()
    write_project(root)
    write_log(root, log)
    own = tmp_path / "witness"
    own.mkdir()
    ran = run(tmp_path, "audit", "witness-key", "--out", str(own / "key"), "--name", NAME)
    assert ran.returncode == 0, ran.stderr
    return Place(root, log, own / "key", own / "state.json", ran.stdout.strip())


def test_a_key_is_made_for_its_user_alone(place: Place) -> None:
    assert stat.S_IMODE(place.key.stat().st_mode) == 0o600
    verifier = VerifierKey.parse(place.verifier)
    assert (verifier.name, verifier.kind) == (NAME, NOTE_COSIGNATURE)
    assert read_key_file(place.key).verifier == verifier


def test_a_key_is_never_replaced(place: Place, tmp_path: Path) -> None:
    before = place.key.read_bytes()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    for path in (place.key, link, tmp_path / "none" / "key", tmp_path):
        ran = run(tmp_path, "audit", "witness-key", "--out", str(path))
        assert (ran.returncode, ran.stdout) == (64, "")
        assert "RC694" in ran.stderr
    assert place.key.read_bytes() == before
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["", "two words", "a+b", "-", "x" * 101, "ü", "a\nb"])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    ran = run(tmp_path, "audit", "witness-key", "--out", str(tmp_path / "key"), "--name", name)
    assert ran.returncode == 64
    assert "RC694" in ran.stderr
    assert not (tmp_path / "key").exists()


def test_the_private_key_is_in_no_output(place: Place) -> None:
    line = place.key.read_text().strip()
    secret = line.split("+", 4)[4]
    told = [
        place.witness("--first"),
        place.witness(),
        run(place.root, "audit", "witness-key", "--out", str(place.key)),
    ]
    key = read_key_file(place.key)
    shown = [repr(key), str(key), *[ran.stdout + ran.stderr for ran in told]]
    shown += [place.verifier, place.state.read_text()]
    assert not any(secret in one or line in one for one in shown)
    # and were it in a message, it would be masked
    assert secret not in mask_secrets(f"trouble with {line}")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644])
def test_a_key_that_others_may_use_is_refused(place: Place, mode: int) -> None:
    place.key.chmod(mode)
    ran = place.refuse("RC694", "--first")
    assert f"mode {mode:04o}" in ran.stderr
    assert "chmod 600" in ran.stderr


def test_what_is_no_key_is_refused_without_a_word_of_it(place: Place, tmp_path: Path) -> None:
    good = place.key.read_text()
    contents = [
        "",
        "canary-of-a-key\n",
        good[:-3],
        f"{good}\n",
        good.replace(NAME, "other.example"),
        "canary" * 1000,
    ]
    for content in contents:
        place.key.write_text(content)
        with pytest.raises(UsageError) as refused:
            read_key_file(place.key)
        assert refused.value.code == "RC694"
        assert "canary" not in str(refused.value)
        assert good.split("+", 4)[4][:20] not in str(refused.value)
    place.key.write_bytes(b"\xff")
    for path in (place.key, tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError, match=r"witness|file|No such"):
            read_key_file(path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(UsageError, match="no file with a key"):
        read_key_file(pipe)


def test_a_log_is_cosigned_as_it_grows(place: Place) -> None:
    first = place.witness("--first", "--log-key", place.log.first_key.text)
    assert first.returncode == 0, first.stderr
    note = parse_note(first.stdout.encode())
    assert note.is_signed_by(VerifierKey.parse(place.verifier))
    assert note.is_signed_by(place.log.newest_key)
    size = len(place.log.entries)
    assert parse_checkpoint(note).size == size
    assert "0 were seen before" in first.stderr
    kept = place.state.read_bytes()

    again = place.witness()
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert "Nothing is new" in again.stderr
    assert place.state.read_bytes() == kept

    place.grow()
    later = place.witness()
    assert later.returncode == 0, later.stderr
    newest = parse_note(later.stdout.encode())
    assert parse_checkpoint(newest).size == size + 1
    assert json.loads(place.state.read_text())["notes"] == [first.stdout, later.stdout]
    signature = newest.signature_of(VerifierKey.parse(place.verifier))
    assert signature is not None
    assert time_of_cosignature(signature) > 1_750_000_000


def test_a_cosigned_checkpoint_meets_a_policy(place: Place, tmp_path: Path) -> None:
    note, policy = tmp_path / "note", tmp_path / "policy"
    note.write_text(place.witness("--first").stdout)
    policy.write_text(f"witness {NAME} {place.verifier}\nquorum {NAME}\n")
    where = ("audit", "verify", "-e", "staging", "--policy", str(policy))
    assert "RC667" in run(place.root, *where).stdout
    ran = run(place.root, *where, "--since", str(note))
    assert ran.returncode == 0, ran.stdout
    assert f"policy: cosigned by {NAME}" in ran.stdout
    place.grow()
    assert run(place.root, *where, "--since", str(note)).returncode == 0


def test_what_was_lost_is_no_first_time(place: Place) -> None:
    ran = place.refuse("RC693")
    assert "--first" in ran.stderr
    place.refuse("RC693", "--log-key", place.log.first_key.text)  # a thief signs with that key
    assert place.witness("--first").returncode == 0
    place.refuse("RC693", "--first")


def test_a_rewritten_log_is_refused(place: Place) -> None:
    assert place.witness("--first").returncode == 0
    place.log.rewrite(1, command="import")
    write_log(place.root, place.log)
    key = place.log.first_key.text
    assert run(place.root, "audit", "verify", "-e", "staging", "--key", key).returncode == 0
    ran = place.refuse("RC691")
    assert "rewritten" in ran.stderr


def test_a_log_that_does_not_hold_is_refused(place: Place) -> None:
    (place.root / "audit/staging/log/00000001.json").write_bytes(b"{}\n")
    place.refuse("RC690", "--first")
    assert not place.state.exists()


def test_another_key_and_a_file_that_is_none(place: Place, tmp_path: Path) -> None:
    place.refuse("RC035", "--first", "--log-key", "nothing")
    other = SigningKey(place.log.origin, 666).verifier.text
    assert "pinned key" in place.refuse("RC690", "--first", "--log-key", other).stderr
    assert place.witness("--first").returncode == 0
    place.key.unlink()
    run(tmp_path, "audit", "witness-key", "--out", str(place.key), "--name", NAME)
    ran = place.refuse("RC692")
    assert "not cosigned by" in ran.stderr


def test_the_state_cannot_be_written(place: Place, tmp_path: Path) -> None:
    """No cosignature leaves the machine before it is remembered."""
    state = tmp_path / "none" / "state.json"
    files = ("--key", str(place.key), "--state", str(state), "--first")
    ran = run(place.root, "audit", "witness", "-e", "staging", *files)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "RC692" in ran.stderr
    place.state.mkdir()
    place.refuse("RC692")


def test_a_link_to_the_state_stays_one(place: Place, tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    place.state.symlink_to(real)
    assert place.witness("--first").returncode == 0
    assert place.state.is_symlink()
    assert real.is_file()


@pytest.mark.parametrize("option", ["--key", "--state"])
def test_the_repository_of_the_log_is_no_place_for_a_witness(place: Place, option: str) -> None:
    inside = Place(place.root, place.log, place.root / "key", place.root / "state", "")
    place.key.rename(inside.key)
    files = {
        "--key": Place(place.root, place.log, inside.key, place.state, ""),
        "--state": Place(place.root, place.log, place.key, inside.state, ""),
    }
    ran = files[option].refuse("RC695", "--first")
    assert f"error[RC695]: {option}" in ran.stderr


def test_a_folder_of_that_repository_is_none_either(place: Place) -> None:
    (place.root.parent / ".git").mkdir()
    place.refuse("RC695", "--first")


def test_a_clone_within_the_repository_of_the_witness_is_right(place: Place) -> None:
    (place.root / ".git").mkdir()
    (place.root.parent / ".git").mkdir()
    ran = place.witness("--first")
    assert ran.returncode == 0, ran.stderr


def test_two_witnesses_with_one_memory_wait_for_each_other(place: Place) -> None:
    """Else both could cosign, each another log of one size."""
    assert place.witness("--first").returncode == 0
    done: list[Ran] = []
    other = Thread(target=lambda: done.append(place.witness()))
    with hold_state_file(place.state):
        other.start()
        other.join(0.3)
        assert not done
    other.join()
    assert done[0].returncode == 0


def test_what_cannot_be_remembered_is_not_cosigned(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(state_file, "replace_file", fail)
    ran = place.refuse("RC692", "--first")
    assert "No space left" in ran.stderr


@pytest.mark.parametrize("ci", ["github", "gitlab", "none"])
def test_the_job_keeps_the_state_in_the_repository_of_the_witness(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str
) -> None:
    isolate(monkeypatch, tmp_path / "home")
    commit_all(place.root)
    own = make_own_witness(tmp_path / "elsewhere", place.root, ci, "staging")
    verifier = VerifierKey.parse(own.follow_readme({"staging": place.log.first_key.text}))
    began = own.commits()
    ran = own.look()
    assert ran.returncode == 0, ran.stderr
    assert "Nothing is new" in ran.stderr
    assert own.commits() == began  # and nothing is written

    place.grow()
    commit_all(place.root)
    ran = own.look()
    assert ran.returncode == 0, ran.stderr
    assert own.commits() == began + 1
    note = parse_note(own.read("staging/checkpoint"))
    assert parse_checkpoint(note).size == len(place.log.entries)
    assert note.is_signed_by(verifier)
    assert json.loads(own.read("staging/seen.json"))["notes"][-1].encode() == note.encode()

    place.log.rewrite(1, command="import")
    write_log(place.root, place.log)
    commit_all(place.root)
    ran = own.look()
    assert ran.returncode == 1
    assert "RC691" in ran.stderr
    assert own.commits() == began + 1
    everything = git(own.remote, "log", "--patch", "--format=%B%an%ae") + ran.stdout + ran.stderr
    assert own.key not in everything
    assert own.key.split("+", 4)[4] not in everything


def test_a_log_that_is_refused_keeps_no_other_from_being_cosigned(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path / "home")
    project = place.root / "reconciler.yaml"
    text = project.read_text()
    assert text.count("    staging:\n") == 1
    alpha = "    alpha: {vault: {address: 'https://vault.example.com'}}\n"
    project.write_text(text.replace("    staging:\n", f"{alpha}    staging:\n"))
    other = Log(origin=ORIGIN.replace("staging", "alpha"))
    report = LoggedFile("audit/alpha/run.json", sha256(b"a report"))
    other.run({"acme": 1}, subjects=(report,))
    folder = place.root / "audit/alpha/log"
    folder.mkdir(parents=True)
    contents = dict(zip(other.names, other.entries, strict=True))
    for name, content in {**contents, "keys": other.keys, "checkpoint": other.checkpoint}.items():
        (folder / name).write_bytes(content)
    (place.root / report.name).write_bytes(b"a report")
    commit_all(place.root)
    own = make_own_witness(tmp_path / "elsewhere", place.root, "none", "alpha", "staging")
    keys = {"alpha": other.first_key.text, "staging": place.log.first_key.text}
    own.follow_readme(keys)
    place.grow()
    (place.root / "audit/alpha/log/00000001.json").write_bytes(b"{}\n")
    commit_all(place.root)
    before = own.read("alpha/seen.json")
    ran = own.look()
    assert (ran.returncode, "alpha was not cosigned" in ran.stderr) == (1, True)
    assert own.read("alpha/seen.json") == before
    note = parse_note(own.read("staging/checkpoint"))
    assert parse_checkpoint(note).size == len(place.log.entries)


def test_a_job_without_the_key_or_the_memory_does_not_begin_anew(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path / "home")
    commit_all(place.root)
    own = make_own_witness(tmp_path / "elsewhere", place.root, "github", "staging")
    own.follow_readme({"staging": place.log.first_key.text})
    ran = own.look(WITNESS_KEY="")
    assert ran.returncode != 0
    assert "the secret WITNESS_KEY is not set" in ran.stderr
    git(own.root, "rm", "--quiet", "staging/seen.json")
    git(own.root, "commit", "--quiet", "-m", "lose it")
    git(own.root, "push", "--quiet", str(own.remote), "HEAD:main")
    before = own.commits()
    ran = own.look()
    assert (ran.returncode, own.commits()) == (1, before)
    assert "RC693" in ran.stderr


def commit_all(root: Path) -> None:
    if not (root / ".git").exists():
        git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "change")
