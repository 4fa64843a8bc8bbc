"""Least privilege: plan with a role that reads no secret, apply with one that cannot read back what
it wrote."""

from __future__ import annotations

import pytest

from reconciler.adapters.vault.live import Live
from reconciler.errors import VaultDenied
from tests.kit.git.checkout import Checkout
from tests.kit.webhooks.receivers import answers, receiving

PATHS = ("keys/partner.primary", "webhooks/partner.settlements")


@pytest.fixture
def applied(checkout: Checkout) -> Checkout:
    with receiving(answers(204)) as receiver:
        checkout.hooked("partner", receiver.url)
        checkout.apply(role="run").ok()
    return checkout


def reads(live: Live, path: str) -> str:
    """The value at ``path`` as this token sees it. Raises ``VaultDenied``."""
    mount = live.settings.secrets_mount
    return str(live.adapter.get(f"/v1/{mount}/data/{path}").data["data"]["value"])


def test_the_planner_plans_and_is_refused_every_secret(applied: Checkout) -> None:
    assert applied.plan("--detailed-exitcode", role="planner").code == 0
    applied.run("status", "-e", applied.environment, role="planner").ok()
    for path in PATHS:
        with pytest.raises(VaultDenied):
            reads(applied.place.live("planner"), path)


def test_the_planner_cannot_apply_and_is_told_which_role_can(applied: Checkout) -> None:
    applied.client("another")
    before = applied.everything_written()
    ran = applied.apply(role="planner")
    assert (ran.code, ran.json["code"]) == (1, "RC404")
    assert f"integrations-{applied.environment}-applier" in ran.json["message"] + ran.json["remedy"]
    assert applied.everything_written() == before


def test_the_run_role_applies_and_is_refused_every_key_value(applied: Checkout) -> None:
    run = applied.place.live("run")
    with pytest.raises(VaultDenied):
        reads(run, "keys/partner.primary")
    wrapped = f"/v1/{run.settings.secrets_mount}/data/keys/partner.primary"
    with pytest.raises(VaultDenied):
        run.adapter.get(wrapped, wrap_ttl="60s")
    assert (
        applied.place.live("deliverer")
        .adapter.get(wrapped, wrap_ttl="60s")
        .body["wrap_info"]["token"]
    )
    assert reads(run, "webhooks/partner.settlements").startswith("whsec_")


def test_the_applier_alone_issues_keys_but_cannot_deliver(checkout: Checkout) -> None:
    with receiving(answers(204)) as receiver:
        checkout.hooked("partner", receiver.url)
        ran = checkout.apply(role="applier")
        assert receiver.seen == []
    assert ran.code == 5
    assert checkout.versions("partner") == {1: "active"}
    [outcome] = [one for one in ran.json["outcomes"] if one["kind"] == "verify-webhook"]
    assert "deliverer" in outcome["message"]
    for path in PATHS:
        with pytest.raises(VaultDenied):
            reads(checkout.place.live("applier"), path)


def test_a_consumer_reads_its_own_keys_and_no_others(applied: Checkout) -> None:
    applied.client("neighbour")
    applied.apply().ok()
    consumer = applied.place.live_with(applied.place.consumer_token("partner"))
    assert reads(consumer, "keys/partner.primary") == applied.secret("keys/partner.primary")
    for path in ("keys/neighbour.primary", "webhooks/partner.settlements"):
        with pytest.raises(VaultDenied):
            reads(consumer, path)
