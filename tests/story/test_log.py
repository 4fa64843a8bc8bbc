"""The evidence log of an environment: what runs write to it, and what finds whoever tampers with
it."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.domain.values.canonical import iso, parse_iso
from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git

WEEK = timedelta(days=7)


def log_folder(checkout: Checkout) -> Path:
    return checkout.root / "audit" / checkout.environment / "log"


def entries(checkout: Checkout) -> list[Any]:
    """The statements of the log in the work tree."""
    return [
        json.loads(base64.b64decode(json.loads(path.read_text())["payload"]))
        for path in sorted(log_folder(checkout).glob("*.json"))
    ]


def kinds(checkout: Checkout) -> list[str]:
    return [entry["predicate"]["kind"] for entry in entries(checkout)]


def one_client(checkout: Checkout, name: str = "partner") -> Any:
    checkout.client(name)
    checkout.commit(f"declare {name}")
    return checkout.apply().ok().json


def pin(checkout: Checkout) -> str:
    return checkout.run("audit", "key", "-e", checkout.environment).ok().out.strip()


def verified(checkout: Checkout, *arguments: str) -> Any:
    """The log holds, for somebody who pinned its key and for somebody who asks Vault."""
    ran = checkout.verify("--live", "--key", pin(checkout), *arguments)
    assert ran.code == 0, ran.out + ran.err
    return ran.json["log"]


def fault(checkout: Checkout, *arguments: str) -> Any:
    ran = checkout.verify(*arguments)
    assert ran.code == 1, ran.out
    return ran.json["fault"]


def head(checkout: Checkout) -> Any:
    """The head of the log in the registry."""
    document = checkout.vault("GET", "registry/data/ledger")["data"]
    return json.loads(document["data"]["doc"]), document["metadata"]["version"]


def write_document(checkout: Checkout, name: str, text: str) -> None:
    """Past the reconciler, whatever stands there."""
    present = checkout.vault("GET", f"registry/metadata/{name}")
    version = present["data"]["current_version"] if present else 0
    body = {"data": {"doc": text}, "options": {"cas": version}}
    checkout.vault("POST", f"registry/data/{name}", body)


def test_each_run_is_an_entry_and_a_quiet_one_is_none(checkout: Checkout) -> None:
    first = one_client(checkout)
    checkout.assert_quiet()
    second = one_client(checkout, "other")
    log = verified(checkout)
    assert (log["entries"], log["events"]) == (2, 6)
    runs = [entry["predicate"]["run"] for entry in entries(checkout)]
    assert runs == [first["run_id"], second["run_id"]]
    # who ran it stands in the report, and the entry commits to it
    report = json.loads((log_folder(checkout).parent / f"{runs[0]}.json").read_text())
    assert report["actor"]
    assert len(report["actor_salt"]) == 32
    assert report["actor"] not in json.dumps(entries(checkout)[0])


def test_without_an_anchor_it_is_no_proof(checkout: Checkout) -> None:
    one_client(checkout)
    ran = checkout.verify()
    assert ran.code == 1
    assert (ran.json["unanchored"], ran.json["verified"]) == (True, False)
    text = checkout.run("audit", "verify", "-e", checkout.environment)
    assert "unanchored" in text.out


@pytest.mark.parametrize("name", ["keys", "checkpoint"])
def test_what_lies_beside_the_log_is_no_anchor(checkout: Checkout, name: str) -> None:
    one_client(checkout)
    option = {"keys": "--key", "checkpoint": "--since"}[name]
    ran = checkout.verify(option, str(log_folder(checkout) / name))
    assert ran.code == 64
    assert "beside the log" in ran.err + ran.out


def test_every_command_that_changes_something_writes_an_entry(checkout: Checkout) -> None:
    one_client(checkout)
    where = ("-e", checkout.environment, "partner", "--reason", "asked")
    checkout.run("rotate", *where).ok()
    checkout.run("revoke", *where).ok()
    assert [one["predicate"]["command"] for one in entries(checkout)] == [
        "apply",
        "rotate",
        "revoke",
    ]
    assert verified(checkout)["entries"] == 3


def test_a_run_that_is_not_committed_has_its_entry_with_the_next(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.commit()
    alone = checkout.apply("--no-commit").ok().json["run_id"]
    assert not log_folder(checkout).exists()
    second = one_client(checkout, "other")["run_id"]
    assert [one["predicate"]["run"] for one in entries(checkout)] == [alone, second]
    assert verified(checkout)["open_runs"] == []


def test_a_lost_audit_commit_is_made_again_byte_for_byte(checkout: Checkout) -> None:
    one_client(checkout)
    one_client(checkout, "other")
    content = {path.name: path.read_bytes() for path in log_folder(checkout).iterdir()}
    git(checkout.root, "reset", "--quiet", "--hard", "HEAD~1")
    assert len(list(log_folder(checkout).glob("*.json"))) == 1
    checkout.apply().ok()
    assert {path.name: path.read_bytes() for path in log_folder(checkout).iterdir()} == content
    assert git(checkout.root, "status", "--porcelain") == ""
    verified(checkout)
    checkout.assert_quiet()


def test_a_deleted_folder_comes_back(checkout: Checkout) -> None:
    one_client(checkout)
    git(checkout.root, "rm", "--quiet", "-r", "audit")
    git(checkout.root, "commit", "--quiet", "-m", "remove the evidence")
    one_client(checkout, "other")
    assert verified(checkout)["entries"] == 2


@pytest.mark.parametrize("name", ["keys", "checkpoint"])
def test_derived_files_are_written_anew(checkout: Checkout, name: str) -> None:
    one_client(checkout)
    (log_folder(checkout) / name).write_text("something else\n")
    checkout.commit("tamper")
    assert fault(checkout, "--live")["file"].endswith(name)
    checkout.apply().ok()
    verified(checkout)


def test_who_may_push_cannot_change_what_was_signed(checkout: Checkout) -> None:
    one_client(checkout)
    one_client(checkout, "other")
    path = log_folder(checkout) / "00000001.json"
    envelope = json.loads(path.read_text())
    statement = base64.b64decode(envelope["payload"]).replace(b"partner", b"nobody1")
    envelope["payload"] = base64.b64encode(statement).decode()
    path.write_text(json.dumps(envelope, separators=(",", ":")) + "\n")
    found = fault(checkout, "--key", pin(checkout))
    assert (found["code"], found["entry"]) == ("RC650", 1)
    git(checkout.root, "checkout", "--", "audit")
    report = next(log_folder(checkout).parent.glob("*.json"))
    report.write_text(report.read_text().replace("done", "DONE"))
    assert fault(checkout, "--key", pin(checkout))["code"] == "RC657"


def test_the_end_cut_off_is_seen_by_vault_alone(checkout: Checkout) -> None:
    one_client(checkout)
    old = {path.name: path.read_bytes() for path in log_folder(checkout).iterdir()}
    result = one_client(checkout, "other")
    kept = checkout.root.parent / "checkpoint"
    kept.write_bytes((log_folder(checkout) / "checkpoint").read_bytes())
    (log_folder(checkout) / "00000002.json").unlink()
    for name, content in old.items():
        (log_folder(checkout) / name).write_bytes(content)
    for report in log_folder(checkout).parent.glob(f"{result['run_id']}.*"):
        report.unlink()
    assert checkout.verify("--key", pin(checkout)).code == 0
    assert "Vault knows 2" in fault(checkout, "--live")["message"]
    assert fault(checkout, "--since", str(kept))["code"] == "RC664"


def test_a_rotated_key_is_introduced_by_the_one_before(checkout: Checkout) -> None:
    one_client(checkout)
    first = pin(checkout)
    checkout.vault("POST", "transit/keys/ledger/rotate")
    one_client(checkout, "other")
    assert kinds(checkout) == ["run", "key", "run"]
    assert [one["predicate"]["key"] for one in entries(checkout)] == [1, 1, 2]
    second = pin(checkout)
    assert first != second
    for key in (first, second):
        assert checkout.verify("--key", key).code == 0
    verified(checkout)
    key = checkout.vault("GET", "transit/keys/ledger")["data"]
    assert key["min_encryption_version"] == 0
    token = checkout.place.server.token.reveal()
    checkout.run("bootstrap", "-e", checkout.environment, token=token).ok()
    key = checkout.vault("GET", "transit/keys/ledger")["data"]
    assert key["min_encryption_version"] == 2
    one_client(checkout, "third")
    assert verified(checkout)["entries"] == 4


def test_a_version_that_may_not_sign_any_more_is_named(checkout: Checkout) -> None:
    one_client(checkout)
    checkout.vault("POST", "transit/keys/ledger/rotate")
    checkout.vault("POST", "transit/keys/ledger/config", {"min_encryption_version": 2})
    checkout.client("other")
    checkout.commit()
    ran = checkout.apply()
    assert ran.code == 1
    assert "min_encryption_version=1" in ran.json["problem"]["remedy"]
    checkout.vault("POST", "transit/keys/ledger/config", {"min_encryption_version": 1})
    checkout.apply().ok()
    assert verified(checkout)["entries"] == 3


def test_after_a_quiet_week_a_run_writes_a_heartbeat_once(checkout: Checkout) -> None:
    one_client(checkout)
    document, _ = head(checkout)
    document["closed_at"] = iso(parse_iso(document["closed_at"]) - WEEK)
    write_document(checkout, "ledger", json.dumps(document))
    checkout.plan()
    assert kinds(checkout) == ["run"]
    checkout.apply().ok()
    assert kinds(checkout) == ["run", "heartbeat"]
    verified(checkout)
    checkout.assert_quiet()


def test_an_environment_of_before_the_log_gets_one(checkout: Checkout) -> None:
    """The first entry names the reports that are there, and where each history stood."""
    meta = json.loads(checkout.vault("GET", "registry/data/meta")["data"]["data"]["doc"])
    write_document(checkout, "meta", json.dumps(meta | {"format": 1}))
    checkout.vault("DELETE", "registry/metadata/ledger")
    before = one_client(checkout)
    assert not log_folder(checkout).exists()
    checkout.assert_quiet()
    token = checkout.place.server.token.reveal()
    checkout.run("bootstrap", "-e", checkout.environment, token=token).ok()
    one_client(checkout, "other")
    first = entries(checkout)[0]
    names = {subject["name"] for subject in first["subject"]}
    assert f"audit/{checkout.environment}/{before['run_id']}.json" in names
    assert first["predicate"]["bases"] == {"partner": 3}
    verified(checkout)


def test_a_registry_restored_from_a_backup_writes_revocations_only(checkout: Checkout) -> None:
    one_client(checkout)
    backup = {
        name: checkout.vault("GET", f"registry/data/{name}")["data"]["data"]["doc"]
        for name in ("ledger", checkout.bucket("partner"), checkout.bucket("other"))
        if checkout.vault("GET", f"registry/data/{name}")
    }
    one_client(checkout, "other")
    for name, text in backup.items():
        write_document(checkout, name, text)
    checkout.vault("DELETE", "registry/metadata/log/00000002/claim")
    checkout.client("third")
    checkout.commit()
    ran = checkout.apply()
    assert ran.code == 1
    assert ran.json["code"] == "RC684"
    assert checkout.vault("GET", "secrets/data/keys/third.primary") is None
    where = ("-e", checkout.environment, "partner", "--reason", "a thief")
    ran = checkout.run("revoke", *where, "--format", "json")
    assert ran.json["problem"]["code"] == "RC684"
    assert checkout.versions("partner") == {1: "revoked"}
    assert len(entries(checkout)) == 2


class Backup:
    """The documents of a registry and the secrets as they stand, to be put back later."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self.documents = dict(self._read())

    def restore(self) -> None:
        """What came since is gone, as if it had never been."""
        for name in {name for name, _ in self._read()} - self.documents.keys():
            self._checkout.vault("DELETE", f"registry/metadata/{name}")
        for name, text in self.documents.items():
            write_document(self._checkout, name, text)

    def _read(self) -> Iterator[tuple[str, str]]:
        for name in self._list(""):
            if not name.startswith(("lease", "meta")):
                document = self._checkout.vault("GET", f"registry/data/{name}")
                yield name, document["data"]["data"]["doc"]

    def _list(self, folder: str) -> Iterator[str]:
        listing = self._checkout.vault("LIST", f"registry/metadata/{folder}")
        for name in listing["data"]["keys"] if listing else ():
            if name.endswith("/"):
                yield from self._list(f"{folder}{name}")
            else:
                yield f"{folder}{name}"


def test_a_restored_registry_is_repaired(checkout: Checkout) -> None:
    """Revoked keys are revoked again, the log goes on, and holds for somebody who asks Vault."""
    one_client(checkout)
    backup = Backup(checkout)
    where = ("-e", checkout.environment, "partner", "--reason", "stolen")
    one_client(checkout, "other")
    checkout.run("revoke", *where).ok()
    backup.restore()
    assert checkout.versions("partner") == {1: "active"}
    env = ("-e", checkout.environment)
    told = checkout.run("audit", "repair", *env, "--dry-run").ok()
    assert "partner/primary is to be revoked again" in told.out
    assert "client/other/key/primary version 1 was issued and is forgotten" in " ".join(
        told.out.split()
    )
    assert checkout.versions("partner") == {1: "active"}
    ran = checkout.run("audit", "repair", *env, "--format", "json").ok()
    assert ran.json["damage"]["log_entries"] == 3
    assert ran.json["damage"]["registry_entries"] == 1
    assert checkout.versions("partner") == {1: "revoked"}
    assert kinds(checkout) == ["run", "run", "run", "repair"]
    # the client that is forgotten is registered anew: its path is taken by what it had
    checkout.remove("other")
    checkout.client("third")
    checkout.commit()
    checkout.apply().ok()
    verified(checkout)
    assert "Nothing to repair" in checkout.run("audit", "repair", *env).ok().out


def test_two_branches_of_a_log_become_one(checkout: Checkout) -> None:
    """A registry was restored, and a run that had not fetched wrote its own entry 2."""
    one_client(checkout)
    base = git(checkout.root, "rev-parse", "HEAD")
    backup = Backup(checkout)
    one_client(checkout, "other")
    theirs = git(checkout.root, "rev-parse", "HEAD")
    backup.restore()
    git(checkout.root, "reset", "--quiet", "--hard", base)
    third = one_client(checkout, "third")
    git(checkout.root, "reset", "--quiet", "--hard", theirs)
    checkout.client("third")
    checkout.commit("declare third")
    refused = checkout.apply()
    assert refused.json["code"] == "RC685"
    checkout.run("audit", "repair", "-e", checkout.environment).ok()
    assert kinds(checkout) == ["run", "run", "repair", "run"]
    assert entries(checkout)[-1]["predicate"]["run"] == third["run_id"]
    verified(checkout)


def test_without_git_a_run_that_commits_nothing_needs_no_log_in_it(
    checkout: Checkout, tmp_path: Path
) -> None:
    checkout.client("partner")
    (checkout.root / ".git").rename(tmp_path / "gone")
    checkout.apply("--no-commit").ok()
    checkout.apply("--no-commit").ok()
    assert checkout.versions("partner") == {1: "active"}


def test_a_project_without_git_has_its_log_on_the_disk(checkout: Checkout) -> None:
    project = yaml.safe_load((checkout.root / "reconciler.yaml").read_text())
    project["spec"]["audit"]["git"] = False
    checkout.write("reconciler.yaml", yaml.safe_dump(project))
    shutil.rmtree(checkout.root / ".git")
    checkout.client("partner")
    checkout.apply().ok()
    checkout.client("other")
    checkout.apply().ok()
    assert verified(checkout)["entries"] == 2


def log_row(checkout: Checkout, token: str) -> Any:
    ran = checkout.run("doctor", "-e", checkout.environment, "--format", "json", token=token)
    return next(row for row in ran.json["checks"] if row["name"] == "evidence log")


def test_doctor_says_whether_the_log_can_go_on(checkout: Checkout) -> None:
    token = checkout.place.server.token.reveal()
    one_client(checkout)
    row = log_row(checkout, token)
    assert (row["result"], "has 1 entry" in row["message"]) == ("ok", True)
    checkout.vault("POST", "transit/keys/ledger/rotate")
    checkout.vault("POST", "transit/keys/ledger/config", {"min_encryption_version": 2})
    assert log_row(checkout, token)["result"] == "fail"
    checkout.vault("POST", "transit/keys/ledger/config", {"min_encryption_version": 1})
    one_client(checkout, "other")
    assert log_row(checkout, token)["result"] == "warn"
    checkout.run("bootstrap", "-e", checkout.environment, token=token).ok()
    assert log_row(checkout, token)["result"] == "ok"
    checkout.vault("POST", "transit/keys/ledger/config", {"deletion_allowed": True})
    checkout.vault("DELETE", "transit/keys/ledger")
    checkout.vault("POST", "transit/keys/ledger", {"type": "ed25519"})
    checkout.vault("POST", "transit/keys/ledger/rotate")
    row = log_row(checkout, token)
    assert (row["result"], "RC680" in row["remedy"]) == ("fail", True)
