"""Rotation with lifetimes of seconds, on the server's own clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from standardwebhooks import Webhook

from tests.kit.git.checkout import Checkout
from tests.kit.programs.waiting import until
from tests.kit.webhooks.receivers import answers, receiving

SHORT = [{"name": "primary", "lifetime": "12s", "rotation": {"renewBefore": "9s", "grace": "3s"}}]


def renewal(expires: str) -> str:
    """Thirty days before."""
    return (datetime.fromisoformat(expires) - timedelta(days=30)).isoformat()


def due(checkout: Checkout, kind: str) -> Callable[[], bool]:
    return lambda: kind in {kind for kind, _, _ in checkout.actions()}


def test_a_key_rotates_when_due_and_both_versions_work_through_the_grace(
    checkout: Checkout,
) -> None:
    checkout.client("partner", keys=SHORT)
    checkout.apply().ok()
    first = checkout.secret("keys/partner.primary", 1)
    assert checkout.actions() == []
    until(due(checkout, "rotate-key"))
    checkout.apply().ok()
    assert checkout.versions("partner") == {1: "retiring", 2: "active"}
    assert checkout.secret("keys/partner.primary", 1) == first
    assert checkout.secret("keys/partner.primary") != first
    assert checkout.hash("keys/partner.primary", 2) in str(checkout.status("partner"))
    until(due(checkout, "revoke-key"))
    checkout.apply().ok()
    assert checkout.versions("partner")[1] == "revoked"
    assert checkout.secret("keys/partner.primary", 1) is None
    assert "active" in checkout.versions("partner").values()


def test_a_retiring_version_never_outlives_its_own_expiry(checkout: Checkout) -> None:
    keys = [
        {"name": "primary", "lifetime": "20s", "rotation": {"renewBefore": "1s", "grace": "1s"}}
    ]
    checkout.client("partner", keys=keys)
    checkout.apply().ok()
    checkout.client(
        "partner", keys=[{"name": "primary", "lifetime": "90d", "rotation": {"grace": "10d"}}]
    )
    checkout.run("rotate", "-e", checkout.environment, "partner", "--reason", "test").ok()
    old = checkout.status("partner")["keys"][0]["versions"][0]
    assert old["state"] == "retiring"
    assert old["grace_until"] == old["expires_at"]


def test_a_webhook_is_signed_with_both_secrets_in_a_rotation(checkout: Checkout) -> None:
    with receiving(answers(204)) as receiver:
        checkout.hooked("partner", receiver.url)
        checkout.apply().ok()
        which = ("-e", checkout.environment, "partner/settlements")
        checkout.run("rotate", *which, "--reason", "a person asked").ok()
        delivery = receiver.seen[-1]
    assert len(delivery.headers["webhook-signature"].split()) == 2
    for version in (1, 2):
        Webhook(checkout.secret("webhooks/partner.settlements", version) or "").verify(
            delivery.body, delivery.headers
        )


def test_plan_at_a_later_time_shows_what_falls_due(checkout: Checkout) -> None:
    checkout.client(
        "partner", keys=[{"name": "primary", "lifetime": "90d", "rotation": {"renewBefore": "30d"}}]
    )
    checkout.apply().ok()
    expires = checkout.status("partner")["keys"][0]["versions"][0]["expires_at"]
    assert checkout.actions() == []
    assert checkout.actions("--at", renewal(expires)) == [
        ("rotate-key", "client/partner/key/primary", "RenewalDue")
    ]
    refused = checkout.plan("--at", expires, "--out", "plan.json")
    assert refused.code == 64


def test_rotate_asks_for_one_key_and_leaves_other_changes_alone(checkout: Checkout) -> None:
    checkout.client("partner", keys=[{"name": "primary"}, {"name": "batch"}])
    checkout.apply().ok()
    checkout.client(
        "partner", keys=[{"name": "primary"}, {"name": "batch"}], scopes=["ledger:read"]
    )
    arguments = (
        "-e",
        checkout.environment,
        "partner/batch",
        "--reason",
        "laptop lost",
        "--format",
        "json",
    )
    result = checkout.run("rotate", *arguments).ok().json
    assert [(o["kind"], o["address"]) for o in result["outcomes"]] == [
        ("rotate-key", "client/partner/key/batch")
    ]
    assert checkout.versions("partner", "batch") == {1: "retiring", 2: "active"}
    assert checkout.versions("partner", "primary") == {1: "active"}
    assert checkout.status("partner")["scopes"] == ["payouts:write"]


def test_a_key_that_is_no_longer_declared_works_on_through_its_grace(checkout: Checkout) -> None:
    both = [
        {"name": "primary"},
        {"name": "old", "lifetime": "1h", "rotation": {"renewBefore": "10m", "grace": "2s"}},
    ]
    checkout.client("partner", keys=both)
    checkout.apply().ok()
    checkout.client("partner", keys=[{"name": "primary"}])
    assert [kind for kind, _, _ in checkout.actions()] == ["update-client", "retire-key"]
    checkout.apply().ok()
    assert checkout.versions("partner", "old") == {1: "retiring"}
    until(due(checkout, "revoke-key"))
    checkout.apply().ok()
    assert checkout.versions("partner", "old") == {1: "revoked"}
    assert checkout.secret("keys/partner.old", 1) is None
    checkout.assert_quiet()


@pytest.mark.parametrize("year", [2100, 8999])
def test_a_plan_can_be_made_for_any_year_whatever_is_declared(
    checkout: Checkout, year: int
) -> None:
    """Neither a freeze of all time nor the longest durations overflow the calendar."""
    freeze = {"from": "0001-01-01", "to": "9999-12-30", "reason": "for ever"}
    checkout.project(freeze=[freeze])
    rotation = {
        "renewBefore": "18262d",
        "grace": "18262d",
        "window": "Mon 09:00-10:00 Europe/London",
    }
    checkout.client(
        "partner", keys=[{"name": "primary", "lifetime": "36525d", "rotation": rotation}]
    )
    checkout.document("policy.yaml", "GuardrailPolicy", "policy", {"waivers": []})
    plan = checkout.plan("--at", f"{year}-06-01T00:00:00Z")
    assert (plan.code, plan.json["kind"]) == (3, "plan")
    checkout.project()
    checkout.apply().ok()
    checkout.project(freeze=[freeze])
    assert checkout.plan("--at", f"{year}-06-01T00:00:00Z").json["kind"] == "plan"
