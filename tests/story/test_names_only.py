"""A server that lists only names of secrets, as HashiCorp Vault does: what is seen with and without
--deep."""

from __future__ import annotations

import pytest

from reconciler.adapters.vault.live import Live
from tests.kit.git.checkout import Checkout

KEY = "client/partner/key/primary"


@pytest.fixture
def applied(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """The answer of a server without detailed-metadata, put in the place of OpenBao's."""
    monkeypatch.setattr(Live, "_list_detailed", lambda self, folder: None)
    checkout.client("partner")
    checkout.client("bystander")
    checkout.apply().ok()
    return checkout


def test_the_main_job_is_quiet_both_ways(applied: Checkout) -> None:
    applied.assert_quiet()
    assert applied.plan("--deep", "--detailed-exitcode").code == 0
    assert "--deep" in applied.run("plan", "-e", applied.environment).err


def test_a_deleted_secret_is_found_by_its_name(applied: Checkout) -> None:
    applied.vault("DELETE", "secrets/metadata/keys/partner.primary")
    assert applied.actions() == [("rotate-key", KEY, "SecretMissing")]
    applied.apply().ok()
    assert applied.versions("partner") == {1: "retiring", 2: "active"}
    assert applied.hash("keys/partner.primary", 2) in str(applied.status("partner"))
    applied.assert_quiet()


@pytest.mark.parametrize("how", ["overwritten", "destroyed"])
def test_a_changed_secret_is_found_by_a_deep_look(applied: Checkout, how: str) -> None:
    if how == "destroyed":
        applied.vault("POST", "secrets/destroy/keys/partner.primary", {"versions": [1]})
    else:
        body = {"options": {"cas": 1}, "data": {"value": "mine"}}
        applied.vault("POST", "secrets/data/keys/partner.primary", body)
    assert applied.actions() == []
    reason = {"destroyed": "SecretDestroyed", "overwritten": "SecretOverwritten"}[how]
    assert applied.actions("--deep") == [("rotate-key", KEY, reason)]
    applied.apply("--deep").ok()
    assert applied.plan("--deep", "--detailed-exitcode").code == 0


def test_a_rotation_over_a_foreign_version_takes_the_next_number(applied: Checkout) -> None:
    """Nobody knew of the foreign version when the number was claimed: it is claimed anew."""
    applied.vault(
        "POST",
        "secrets/data/keys/partner.primary",
        {"options": {"cas": 1}, "data": {"value": "mine"}},
    )
    applied.run("rotate", "-e", applied.environment, "partner", "--reason", "test").ok()
    assert applied.versions("partner") == {1: "retiring", 3: "active"}
    assert applied.hash("keys/partner.primary", 3) in str(applied.status("partner"))
    applied.assert_quiet()
