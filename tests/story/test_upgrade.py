"""From the last version without an evidence log to this one: what either makes of the other's
registry. The former program is the real one, from the history of this repository."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.kit.git.checkout import Checkout, Ran, new_checkout
from tests.kit.git.repositories import git, isolate
from tests.kit.programs.former import BEFORE_THE_LOG, Former, extract
from tests.kit.vault.places import Place
from tests.kit.webhooks.receivers import answers, receiving
from tests.story.test_log import entries, verified

APPLY = ("apply", "--yes", "--format", "json")


@pytest.fixture(scope="session")
def former(tmp_path_factory: pytest.TempPathFactory) -> Former:
    return extract(BEFORE_THE_LOG, tmp_path_factory.mktemp("former"))


@pytest.fixture
def old(
    former: Former, bare_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Checkout:
    """A project whose environment the former program prepared."""
    isolate(monkeypatch, tmp_path / "home")
    checkout = new_checkout(bare_place, tmp_path / "repository", 16)
    checkout.project(lease={"ttl": "2s"})  # that of a killed run must not keep the test waiting
    checkout.commit("project")
    told(former, checkout, "bootstrap", "--buckets", "16", role="root")
    return checkout


def told(former: Former, checkout: Checkout, *command: str, role: str | None = None) -> Ran:
    name, *rest = command
    return former.run(checkout, name, "-e", checkout.environment, *rest, role=role).ok()


def live_a_while(former: Former, checkout: Checkout) -> list[str]:
    """Clients with keys and a webhook, a rotation, and two runs that were killed before their
    report was committed; the ids of these."""
    checkout.client("partner")
    checkout.commit("declare partner")
    told(former, checkout, *APPLY)
    with receiving(answers(204)) as receiver:
        checkout.hooked("hooked", receiver.url)
        checkout.commit("declare hooked")
        told(former, checkout, *APPLY)
    told(former, checkout, "rotate", "partner", "--reason", "a laptop was lost")
    before = runs(checkout)
    for step in ("write", "commit"):
        checkout.client(f"killed-at-{step}")
        checkout.commit(f"declare killed-at-{step}")
        where = (APPLY[0], "-e", checkout.environment, *APPLY[1:])
        assert former.run_killed(checkout, step, *where).code == -9
    return sorted(runs(checkout) - before)


def runs(checkout: Checkout) -> set[str]:
    listing = checkout.vault("LIST", "registry/metadata/runs/")
    return set(listing["data"]["keys"]) if listing else set()


def begin_log(checkout: Checkout) -> None:
    where = ("-e", checkout.environment)
    checkout.run("bootstrap", *where, token=checkout.place.token("root")).ok()


def written(checkout: Checkout) -> tuple[dict[str, int], str, str]:
    """Everything that Vault counts, and the state of the repository."""
    state = git(checkout.root, "status", "--porcelain", "--ignored")
    return checkout.everything_written(), git(checkout.root, "rev-parse", "HEAD"), state


def test_what_the_former_version_wrote_is_read_and_entered(former: Former, old: Checkout) -> None:
    killed = live_a_while(former, old)
    assert len(killed) == 2
    before = old.everything_written()
    plan = old.plan("--detailed-exitcode")
    assert plan.code == 0, plan.out + plan.err
    assert old.everything_written() == before
    committed = git(old.root, "ls-tree", "-r", "--name-only", "HEAD", "audit").splitlines()
    assert len(committed) == 6  # three runs were reported
    contents = {name: (old.root / name).read_bytes() for name in committed}
    begin_log(old)
    old.client("newcomer")
    old.commit("declare newcomer")
    result = old.apply().ok().json
    assert sorted(result["recovered"]) == killed
    told_by = [entry["predicate"]["run"] for entry in entries(old)]
    assert (sorted(told_by[:2]), told_by[2:]) == (killed, [result["run_id"]])
    named = digests(entries(old)[0])
    for name, content in contents.items():
        assert named[name] == hashlib.sha256(content).hexdigest(), name
        assert (old.root / name).read_bytes() == content
    assert set(named) - set(contents) == reports_of(old, told_by[0])
    events = [event for entry in entries(old) for event in entry["predicate"]["events"]]
    assert {one["client"] for one in events} == {"killed-at-write", "killed-at-commit", "newcomer"}
    assert entries(old)[0]["predicate"]["bases"].keys() == {"partner", "hooked"}
    assert verified(old)["open_runs"] == []
    old.assert_quiet()


def digests(entry: Any) -> dict[str, str]:
    return {one["name"]: one["digest"]["sha256"] for one in entry["subject"]}


def reports_of(checkout: Checkout, run: str) -> set[str]:
    folder = f"audit/{checkout.environment}"
    return {f"{folder}/{run}.json", f"{folder}/{run}.md"}


def test_the_former_version_refuses_a_registry_with_a_log(
    former: Former, checkout: Checkout
) -> None:
    """With a sentence, exit code 1, and nothing changed."""
    checkout.client("partner")
    checkout.commit("declare partner")
    checkout.apply().ok()
    checkout.client("other")
    checkout.commit("declare other")
    before = written(checkout)
    for name, *rest in (
        ("plan",),
        ("apply", "--yes"),
        ("status",),
        ("rotate", "partner", "--reason", "asked"),
        ("revoke", "partner", "--reason", "asked"),
        ("bootstrap",),
    ):
        where = (name, "-e", checkout.environment, *rest, "--format", "json")
        ran = former.run(checkout, *where, role="root" if name == "bootstrap" else None)
        assert ran.code == 1, (name, ran)
        problem = json.loads(ran.out)
        assert problem["code"] == "RC411", (name, problem)
        assert "has a format that this version does not know" in problem["message"]
        assert "use the version that wrote it" in problem["remedy"]
        assert written(checkout) == before, name
    verified(checkout)
