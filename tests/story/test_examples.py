"""The example repository is validated, planned and applied, staging first and then production."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from reconciler.adapters.openbao.server import RunningServer
from reconciler.adapters.vault.setup.bootstrap import prepare_environment
from reconciler.declare.repository import load
from reconciler.domain.declared.schemes import CUSTOM, Scheme
from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git, isolate
from tests.kit.vault.places import PROJECT, Place, settings_for, unbootstrapped
from tests.kit.webhooks.careful import careful
from tests.kit.webhooks.receivers import receiving

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "acme-integrations"


def adapted(root: Path, address: str, receiver: str) -> None:
    """The example with this test's server and receiver in the place of hosts that do not exist,
    freeze over."""
    shutil.copytree(EXAMPLE, root)
    project = root / "reconciler.yaml"
    text = re.sub(r'address: ".*"', f'address: "{address}"', project.read_text())
    text = text.replace("namespace: platform", "").replace(
        "{method: jwt, role: reconciler-apply}", "{method: token}"
    )
    text = text.replace(
        "requires: staging", "allowedNetworks: [127.0.0.0/8]\n      requires: staging"
    )
    project.write_text(text.replace("2026-12-24", "2020-12-24").replace("2027-01-02", "2021-01-02"))
    for path in root.glob("clients/**/*.yaml"):
        path.write_text(
            re.sub(r"https://[a-z.]+example\.com(:\d+)?/", f"{receiver}/", path.read_text())
        )


@pytest.fixture
def places(openbao: RunningServer) -> dict[str, Place]:
    made = {}
    for name in ("staging", "production"):
        with unbootstrapped(openbao) as place:
            made[name] = Place(openbao, name, settings_for(openbao.address, name), place.stack)
            prepare_environment(made[name].live("root"), name, PROJECT, 16)
    return made


def test_the_example_validates_as_it_is(tmp_path: Path, places: dict[str, Place]) -> None:
    checkout = Checkout(EXAMPLE, places["staging"], role="root")
    findings = checkout.run("validate", "--format", "json").ok().json["findings"]
    # Its waiver has a date, as every waiver: near it, and after it, validate says so.
    assert [one for one in findings if one["code"] not in ("RC204", "RC205")] == []


def test_the_example_is_applied_and_promoted(
    tmp_path: Path,
    places: dict[str, Place],
    openbao: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    isolate(monkeypatch, tmp_path / "home")
    root = tmp_path / "acme"
    environments: list[Checkout] = []
    custom: list[Scheme] = []
    with receiving(careful(environments, custom)) as receiver:
        adapted(root, openbao.address, receiver.url.rstrip("/"))
        declared = load(root, "staging").clients.values()
        custom += (
            webhook.scheme
            for client in declared
            for webhook in client.webhooks
            if webhook.scheme.name == CUSTOM
        )
        git(root, "init", "--quiet")
        environments += (
            Checkout(root, place, role="root", buckets=16) for place in places.values()
        )
        staging, production = environments
        staging.commit()
        assert production.apply().json["code"] == "RC340"
        for checkout in (staging, production):
            plan = checkout.plan("--out", "plan.json").ok().json
            assert plan["summary"]["register"] >= 9
            checkout.run("apply", "-e", checkout.environment, "plan.json").ok()
            checkout.assert_quiet()
            clients = (
                checkout.run("status", "-e", checkout.environment, "--format", "json")
                .ok()
                .json["clients"]
            )
            assert {client["status"] for client in clients} <= {"active", "suspended"}
            for client in clients:
                for key in client["keys"]:
                    assert key["versions"][0]["sha256"] == checkout.hash(key["path"])
