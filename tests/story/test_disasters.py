"""Disaster drills of docs/evidence.md, "After a disaster": what is known afterwards, and what to
do."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.git.checkout import Checkout, Ran, new_checkout
from tests.kit.git.repositories import git
from tests.story.test_log import fault, kinds, log_folder, one_client, pin, verified
from tests.story.test_witness import Thief

CLIENTS = ("partner", "other", "third")


@pytest.fixture
def mirror(checkout: Checkout) -> Path:
    """Of the repository of an environment with three clients and as many entries."""
    for name in CLIENTS:
        one_client(checkout, name)
    mirror = checkout.root.parent / "mirror.git"
    git(checkout.root, "clone", "--quiet", "--mirror", ".", str(mirror))
    return mirror


def names(checkout: Checkout) -> list[str]:
    return [path.name for path in sorted(log_folder(checkout).glob("*.json"))]


def test_a_new_repository_gets_what_the_registry_has_and_the_rest_from_a_mirror(
    checkout: Checkout, mirror: Path
) -> None:
    shutil.rmtree(checkout.root)
    anew = new_checkout(checkout.place, checkout.root, 16)
    for name in CLIENTS:
        anew.client(name)
    anew.commit("begin anew")
    refused = anew.apply()  # history that the registry knows is gone: a person has to agree to that
    assert refused.json["code"] == "RC373"
    agreed = ("--allow-rollback", git(anew.root, "rev-parse", "HEAD"))
    ran = anew.apply(*agreed).ok()
    assert names(anew) == ["00000002.json", "00000003.json"]
    assert "1 entry of the evidence log is not in this branch" in ran.err
    assert "log/00000001.json): get them from a clone that has them" in ran.err
    key = pin(anew)
    found = fault(anew, "--live", "--key", key)
    assert (found["code"], found["entry"]) == ("RC653", 1)
    git(anew.root, "fetch", "--quiet", str(mirror), "main")
    git(anew.root, "checkout", "--quiet", "FETCH_HEAD", "--", "audit")
    anew.commit("restore the evidence")
    assert verified(anew)["entries"] == 3
    one_client(anew, "fourth")
    assert verified(anew)["entries"] == 4


def test_a_mirror_that_has_all_is_the_repository(checkout: Checkout, mirror: Path) -> None:
    shutil.rmtree(checkout.root)
    git(mirror.parent, "clone", "--quiet", str(mirror), str(checkout.root))
    checkout.assert_quiet()
    assert verified(checkout)["entries"] == 3
    one_client(checkout, "fourth")
    assert verified(checkout)["entries"] == 4


def test_a_registry_that_is_lost_goes_on_with_the_log_in_git(
    checkout: Checkout, mirror: Path
) -> None:
    mount = f"/v1/sys/mounts/{checkout.place.settings.registry_mount}"
    checkout.place.root.adapter.delete(mount)
    checkout.run("bootstrap", "-e", checkout.environment, token=checkout.place.token("root")).ok()
    assert checkout.apply().json["code"] == "RC683"
    repaired = checkout.run("audit", "repair", "-e", checkout.environment).ok()
    assert "version 1 was issued and is forgotten" in " ".join(repaired.out.split())
    assert kinds(checkout) == ["run", "run", "run", "repair"]
    assert verified(checkout)["entries"] == 4
    # clients are new to that registry, and nothing of them is overwritten
    assert checkout.apply().json["code"] == "RC302"
    for name in CLIENTS:
        checkout.vault("DELETE", f"secrets/metadata/keys/{name}.primary")
    checkout.apply().ok()
    assert checkout.versions("partner") == {1: "active"}
    assert verified(checkout)["entries"] == 5
    checkout.assert_quiet()


@dataclass
class Observer:
    """A witness with files of their own, who never asks Vault."""

    checkout: Checkout
    folder: Path

    def look(self, *arguments: str) -> Ran:
        files = ("--key", str(self.folder / "key"), "--state", str(self.folder / "state"))
        where = ("audit", "witness", "-e", self.checkout.environment)
        return self.checkout.run(*where, *files, *arguments, token="none")


@pytest.fixture
def witness(checkout: Checkout, tmp_path: Path) -> Observer:
    """They saw two entries, and cosigned them."""
    own = tmp_path / "witness"
    own.mkdir()
    made = checkout.run("audit", "witness-key", "--out", str(own / "key"), token="none").ok()
    (own / "policy").write_text(f"witness us {made.out.strip()}\nquorum us\n")
    witness = Observer(checkout, own)
    one_client(checkout, "partner")
    witness.look("--first", "--log-key", pin(checkout)).ok()
    one_client(checkout, "other")
    (own / "note").write_text(witness.look().ok().out)
    return witness


def test_what_a_witness_kept_judges_a_log_that_turns_up_later(
    checkout: Checkout, witness: Observer, tmp_path: Path
) -> None:
    """Vault and the repository are lost. Somebody brings an old clone."""
    cut = copy(checkout, tmp_path / "cut")
    git(cut.root, "checkout", "--quiet", "HEAD~2")
    exact = copy(checkout, tmp_path / "exact")
    one_client(checkout, "third")
    longer = copy(checkout, tmp_path / "longer")
    forged = copy(checkout, tmp_path / "forged")
    Thief(forged).rewrite(1, commit="0" * 40)
    shutil.rmtree(checkout.root)

    own = witness.folder
    anchors = ("--policy", str(own / "policy"), "--since", str(own / "note"))
    for clone, entries_of in ((exact, 2), (longer, 3)):
        ran = clone.run("audit", "verify", *where(clone), *anchors, token="none")
        assert (ran.code, ran.json["log"]["entries"]) == (0, entries_of), ran
    for clone, code in ((cut, "RC664"), (forged, "RC665")):
        ran = clone.run("audit", "verify", *where(clone), *anchors, token="none")
        assert (ran.code, ran.json["fault"]["code"]) == (1, code), ran
    # the state alone says as much, and goes on with the right one only
    kept = json.loads((own / "state").read_text())
    assert len(kept["notes"]) == 2
    for clone in (cut, forged):
        assert "RC691" in Observer(clone, own).look().err
    assert Observer(longer, own).look().code == 0


def where(checkout: Checkout) -> tuple[str, ...]:
    return ("-e", checkout.environment, "--format", "json")


def copy(checkout: Checkout, folder: Path) -> Checkout:
    git(checkout.root, "clone", "--quiet", ".", str(folder))
    return Checkout(folder, checkout.place, buckets=checkout.buckets)
