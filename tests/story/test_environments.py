"""Two environments on one server, and promotion from the one to the other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.openbao.server import RunningServer
from tests.kit.git.checkout import Checkout, Ran
from tests.kit.git.repositories import git, isolate
from tests.kit.vault.places import PROJECT, Place, bootstrapped
from tests.kit.webhooks.receivers import answers, receiving
from tests.kit.worlds.by_hand import overwrite
from tests.story.test_log import fault, log_folder, pin, verified


class Pair:
    """One repository with a first environment, and a second that requires it."""

    def __init__(self, root: Path, first: Place, second: Place) -> None:
        self.first = Checkout(root, first, buckets=16)
        self.second = Checkout(root, second, buckets=16)

        def settings() -> dict[
            str, object
        ]:  # anew each time: shared parts would become YAML aliases
            return {"vault": {"address": first.server.address}, "allowedNetworks": ["127.0.0.0/8"]}

        environments = {first.name: settings(), second.name: {**settings(), "requires": first.name}}
        self.first.document(
            "reconciler.yaml",
            "Project",
            PROJECT,
            {"keyPrefix": "acme", "environments": environments},
        )

    def client(self, name: str, first: Any = None, second: Any = None, **spec: Any) -> None:
        self.first.client(
            name,
            environments={self.first.environment: first, self.second.environment: second},
            **spec,
        )

    def apply_second(self, *arguments: str) -> Ran:
        return self.second.apply(*arguments)


@pytest.fixture
def pair(openbao: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    isolate(monkeypatch, tmp_path / "home")
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "--quiet")
    with bootstrapped(openbao, 16) as first, bootstrapped(openbao, 16) as second:
        made = Pair(root, first, second)
        made.second.run(
            "bootstrap", "-e", second.name, role="root"
        ).ok()  # now it knows which one comes first
        yield made


def test_production_waits_until_the_same_specification_is_verified_in_staging(pair: Pair) -> None:
    pair.client("partner")
    blocked = pair.apply_second()
    assert (blocked.code, blocked.json["code"]) == (3, "RC340")
    pair.first.apply().ok()
    pair.apply_second().ok()
    pair.client("partner", scopes=["ledger:read"])
    assert pair.apply_second().json["code"] == "RC340"
    pair.first.apply().ok()
    pair.apply_second().ok()


def test_a_client_that_did_not_prove_itself_in_staging_is_not_promoted(pair: Pair) -> None:
    with receiving(answers(500)) as broken, receiving(answers(204)) as good:
        hook = {"name": "settlements", "events": ["payout.settled"]}
        pair.client(
            "partner",
            {"webhooks": [{"name": "settlements", "url": broken.url}]},
            {"webhooks": [{"name": "settlements", "url": good.url}]},
            webhooks=[hook],
        )
        assert pair.first.apply().code == 5
        blocked = pair.apply_second()
        assert blocked.json["code"] == "RC340"
        assert "pending" in blocked.json["message"]


def test_what_happens_in_one_environment_leaves_the_other_alone(pair: Pair) -> None:
    pair.client("partner")
    pair.first.apply().ok()
    pair.apply_second().ok()
    before = pair.second.everything_written()
    value = pair.second.secret("keys/partner.primary")
    pair.first.run("revoke", "-e", pair.first.environment, "partner", "--reason", "compromise").ok()
    assert pair.second.everything_written() == before
    assert pair.second.secret("keys/partner.primary") == value
    assert pair.first.secret("keys/partner.primary", 1) is None


def test_the_environment_before_may_need_a_server_or_a_token_of_its_own(pair: Pair) -> None:
    pair.client("partner")
    suffix = pair.first.environment.upper()
    elsewhere = pair.second.plan(**{f"VAULT_ADDR_{suffix}": "http://127.0.0.1:1"})
    assert (elsewhere.code, elsewhere.json["code"]) == (1, "RC401")
    refused = pair.second.plan(**{f"VAULT_TOKEN_{suffix}": "hvs.nobody"})
    assert (refused.code, refused.json["code"]) == (1, "RC405")


def test_the_token_of_one_environment_is_refused_by_the_other(pair: Pair) -> None:
    pair.client("partner")
    ran = pair.second.plan(token=pair.first.place.token("run"))
    assert (ran.code, ran.json["code"]) == (1, "RC404")


def test_a_gate_that_may_not_look_says_what_it_needs(pair: Pair) -> None:
    """As where `requires` was added after the last bootstrap: the planner's policy does not name
    that registry."""
    pair.client("partner")
    first, second = pair.first.environment, pair.second.environment
    name = f"integrations-{second}-planner"
    policies = pair.second.place.root.adapter
    text = policies.get(f"/v1/sys/policies/acl/{name}").data["policy"]
    closed = text.replace(f'"integrations/{first}/', '"elsewhere/')
    assert closed != text
    policies.post(f"/v1/sys/policies/acl/{name}", json={"policy": closed})
    ran = pair.second.plan(role="planner")
    assert (ran.code, ran.json["code"]) == (1, "RC404")
    assert f"{second} requires {first}" in ran.json["message"]
    assert f"reconciler bootstrap -e {second}" in ran.json["remedy"]
    assert f"VAULT_TOKEN_{first.upper()}" in ran.json["remedy"]
    pair.second.run("bootstrap", "-e", second, role="root").ok()
    assert pair.second.plan(role="planner").json["kind"] == "plan"


def test_a_client_renamed_twice_is_not_ended_where_the_first_rename_was_never_seen(
    pair: Pair,
) -> None:
    pair.client("bystander")
    pair.client("alpha")
    pair.first.apply().ok()
    pair.apply_second().ok()
    before = pair.second.hash("keys/alpha.primary")
    for old, new in (("alpha", "beta"), ("beta", "gamma")):
        pair.first.remove(old)
        pair.client(new, metadata={"renamedFrom": old})
        pair.first.apply().ok()
    plan = pair.second.plan()
    assert plan.code == 3
    assert "RC311" in [one["code"] for one in plan.json["findings"] if one["level"] == "error"]
    assert pair.apply_second().code == 3
    assert pair.second.hash("keys/alpha.primary") == before
    pair.client("gamma", metadata={"renamedFrom": "alpha"})
    pair.first.apply().ok()
    pair.apply_second().ok()
    assert pair.second.hash("keys/alpha.primary") == before
    assert pair.second.versions("gamma") == {1: "active"}
    pair.second.assert_quiet()


def test_a_spoilt_bucket_of_the_environment_that_comes_first_is_told_as_its_own(pair: Pair) -> None:
    pair.client("partner")
    pair.first.apply().ok()
    overwrite(pair.first, pair.first.bucket("partner"), "{")
    ran = pair.second.plan()
    assert (ran.code, ran.json["code"]) == (1, "RC443")
    assert ran.json["message"].startswith(
        f"{pair.first.environment}: {pair.first.bucket('partner')}"
    )


def test_each_environment_has_a_log_of_its_own(pair: Pair) -> None:
    """And neither passes for the other."""
    pair.client("partner")
    pair.first.commit("declare partner")
    for one in (pair.first, pair.second):
        one.apply().ok()
    first, second = log_folder(pair.first), log_folder(pair.second)
    assert (verified(pair.first)["entries"], verified(pair.second)["entries"]) == (1, 1)
    assert pin(pair.first) != pin(pair.second)
    shutil.rmtree(second)
    shutil.copytree(first, second)
    assert fault(pair.second, "--key", pin(pair.second))["code"] == "RC652"
    verified(pair.first)
    pair.second.commit("copy")
    ran = pair.second.apply()
    assert ran.json["code"] == "RC683"


def test_two_projects_of_one_repository_have_a_log_each(
    openbao: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They lie in folders of it, and commit in turn."""
    isolate(monkeypatch, tmp_path / "home")
    git(tmp_path, "init", "--quiet", "repository")
    with bootstrapped(openbao, 16) as one, bootstrapped(openbao, 16) as other:
        projects = [
            Checkout(tmp_path / "repository" / place.name, place, buckets=16)
            for place in (one, other)
        ]
        for turn in ("first", "second"):
            for project in projects:
                project.root.mkdir(exist_ok=True)
                project.project()
                project.client(turn)
                project.commit(f"declare {turn}")
                project.apply().ok()
        for project in projects:
            assert verified(project)["entries"] == 2
            project.assert_quiet()
