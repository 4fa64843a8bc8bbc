"""The key that signs the log is lost: the log is kept, and another one follows it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.story.test_log import (
    entries,
    fault,
    kinds,
    log_folder,
    log_row,
    one_client,
    pin,
    verified,
)


def lose_key(checkout: Checkout, *, anew: bool = True) -> None:
    """Somebody removes it, and makes another one under its name, as ``bootstrap`` does."""
    checkout.vault("POST", "transit/keys/ledger/config", {"deletion_allowed": True})
    checkout.vault("DELETE", "transit/keys/ledger")
    if anew:
        bootstrap(checkout)


def bootstrap(checkout: Checkout) -> None:
    token = checkout.place.server.token.reveal()
    checkout.run("bootstrap", "-e", checkout.environment, token=token).ok()


def repair(checkout: Checkout, *arguments: str) -> object:
    env = ("-e", checkout.environment, "--new-log", "--format", "json")
    return checkout.run("audit", "repair", *env, *arguments).ok().json


def test_a_log_whose_key_is_lost_is_kept_and_another_one_follows(
    checkout: Checkout, tmp_path: Path
) -> None:
    first = one_client(checkout)
    old = pin(checkout)
    files = {path.name: path.read_bytes() for path in log_folder(checkout).iterdir()}
    lose_key(checkout)

    checkout.client("other")
    checkout.commit()
    refused = checkout.apply()
    assert (refused.code, refused.json["code"]) == (1, "RC680")
    assert "--new-log" in refused.json["remedy"]
    assert checkout.secret("keys/other.primary") is None
    env = ("-e", checkout.environment)
    row = log_row(checkout, checkout.place.server.token.reveal())
    assert (row["result"], "--new-log" in row["remedy"]) == ("fail", True)
    told = checkout.run("audit", "repair", *env, "--new-log", "--dry-run").ok()
    assert "cannot go on" in told.out
    assert kinds(checkout) == ["run"]

    # a revocation waits for nothing, and its entry comes once it cannot be at work any more
    ran = checkout.run("revoke", *env, "partner", "--reason", "a thief", "--format", "json")
    assert ran.json["problem"]["code"] == "RC680"
    assert checkout.versions("partner") == {1: "revoked"}
    done = repair(checkout)
    assert isinstance(done, dict)
    assert done["repaired"]
    (archive,) = done["former_logs"]
    assert {path.name: path.read_bytes() for path in (checkout.root / archive).iterdir()} == files
    assert done["verifier"] == pin(checkout)
    assert kinds(checkout)[0] == "repair"
    checkout.apply().ok()
    assert entries(checkout)[-1]["predicate"]["open"] == [ran.json["run_id"]]
    log = verified(checkout)
    assert [one["entries"] for one in log["former_logs"]] == [1]
    checkout.assert_quiet()

    # whoever pinned the old key is told what happened, and can still verify the old log
    name = Path(archive).name
    told_fault = fault(checkout, "--key", old)
    assert f"--log {name}" in told_fault["message"]
    assert checkout.verify("--key", old, "--log", name).ok().json["log"]["entries"] == 1
    assert checkout.verify("--log", "log-01234567").code == 64
    assert checkout.verify("--log", name, "--live").code == 64

    # history and pack go back to before it
    shown = checkout.run("audit", "show", *env, "--format", "json").ok().json
    assert first["run_id"] in json.dumps(shown)
    begun = next(one for one in shown["entries"] if one["kind"] == "repair")
    assert "after one that could not go on" in begun["note"]
    assert begun["actor"] == "Ada Auditor <ada@example.com>"
    assert next(one["log"] for one in shown["entries"]) == name
    pack = tmp_path / "pack"
    checkout.run("audit", "export", *env, "--out", str(pack)).ok()
    assert first["run_id"] in (pack / "runs.csv").read_text()
    assert (pack / archive / "00000001.json").read_bytes() == files["00000001.json"]


def test_a_vault_that_is_lost_with_all_backups_is_followed(checkout: Checkout) -> None:
    """Documents, secrets and keys are gone; the log in git is what is known."""
    one_client(checkout)
    old = pin(checkout)
    lose_key(checkout, anew=False)
    refused = checkout.apply()
    assert refused.json["code"] == "RC419"
    assert "--new-log" in refused.json["remedy"]
    for mount in ("registry", "secrets"):
        remove_all(checkout, mount)
    bootstrap(checkout)
    origin = pin(checkout).partition("+")[0]
    refused = checkout.apply()
    assert (refused.code, refused.json["code"]) == (1, "RC683")
    again = checkout.run("audit", "repair", "-e", checkout.environment, "--format", "json")
    assert (again.code, again.json["code"]) == (1, "RC680")
    repair(checkout)
    assert pin(checkout).partition("+")[0] == origin
    checkout.apply().ok()
    assert verified(checkout)["former_logs"][0]["origin"] == old.partition("+")[0]
    checkout.assert_quiet()


def remove_all(checkout: Checkout, mount: str, folder: str = "") -> None:
    listing = checkout.vault("LIST", f"{mount}/metadata/{folder}")
    for name in listing["data"]["keys"] if listing else ():
        if name.endswith("/"):
            remove_all(checkout, mount, f"{folder}{name}")
        else:
            checkout.vault("DELETE", f"{mount}/metadata/{folder}{name}")


def test_two_checkouts_and_a_lost_key(checkout: Checkout, tmp_path: Path) -> None:
    """One has entries that it did not push. Both come to the same logs."""
    bare = tmp_path / "bare.git"
    git(checkout.root, "clone", "--quiet", "--bare", str(checkout.root), str(bare))
    git(checkout.root, "remote", "add", "origin", str(bare))
    git(checkout.root, "push", "--quiet", "--set-upstream", "origin", "HEAD")
    one_client(checkout)
    checkout.client("second")
    checkout.commit()
    git(checkout.root, "push", "--quiet")
    other = tmp_path / "other"
    shutil.copytree(checkout.root, other)
    checkout.apply().ok()  # not pushed
    lose_key(checkout)
    mine, checkout.root = checkout.root, other
    repair(checkout, "--push")
    assert len(list((checkout.root / "audit" / checkout.environment).glob("log-*/0*"))) == 2
    verified(checkout)
    checkout.root = mine
    checkout.apply("--push").ok()
    checkout.apply("--push").ok()
    verified(checkout)
    assert sorted(path.name for path in log_folder(checkout).glob("0*")) == [
        f"{number:08}.json" for number in range(1, len(entries(checkout)) + 1)
    ]
