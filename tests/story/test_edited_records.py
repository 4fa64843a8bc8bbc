"""A record that somebody edited by hand is not trusted: least of all to destroy something in its
name."""

from __future__ import annotations

import pytest

from tests.kit.git.checkout import Checkout, Ran
from tests.kit.worlds.by_hand import copy_record, edit_record, move_record, other_bucket


@pytest.fixture
def applied(checkout: Checkout) -> Checkout:
    for name in ("partner", "bystander", "third"):
        checkout.client(name, protect=name == "partner")
    checkout.commit()
    checkout.apply().ok()
    return checkout


def refused(checkout: Checkout, ran: Ran, code: str) -> str:
    """The run was blocked with ``code``; nothing of the clients is lost. Returns what it said."""
    assert (ran.code, ran.json["code"]) == (3, code), ran.out + ran.err
    unharmed(checkout)
    return f"{ran.json['message']} {ran.json['remedy']}"


def unharmed(checkout: Checkout) -> None:
    for name in ("partner", "bystander"):
        assert checkout.hash(f"keys/{name}.primary", 1)


def level(checkout: Checkout, code: str) -> list[str]:
    return [one["level"] for one in checkout.plan().json["findings"] if one["code"] == code]


@pytest.mark.parametrize(
    "fields", [{"protect": False}, {"status": "retired"}, {"digest": "sha256:0"}]
)
def test_an_edited_record_that_is_not_declared_is_never_ended(
    applied: Checkout, fields: dict[str, object]
) -> None:
    edit_record(applied, "partner", **fields)
    applied.remove("partner")
    before = applied.everything_written()
    words = refused(applied, applied.apply(), "RC307")
    assert "partner" in words
    assert "declare" in words
    assert applied.everything_written() == before
    assert not any(
        "nothing of it is in use" in one["message"] for one in applied.plan().json["findings"]
    )


def test_the_remedy_for_an_edited_record_leads_to_the_end_of_its_client(applied: Checkout) -> None:
    edit_record(applied, "bystander", protect=True)
    applied.remove("bystander")
    refused(applied, applied.apply(), "RC307")
    applied.client("bystander")
    applied.commit()
    applied.apply().ok()
    applied.remove("bystander")
    applied.apply().ok()
    assert applied.secret("keys/bystander.primary", 1) is None
    applied.assert_quiet()


def test_others_go_on_with_only(applied: Checkout) -> None:
    edit_record(applied, "partner", protect=False)
    applied.remove("partner")
    applied.client("third", scopes=["payouts:write", "ledger:read"])
    applied.apply("--only", "third").ok()
    unharmed(applied)


def test_a_protection_edited_away_does_not_let_a_declared_client_be_retired(
    applied: Checkout,
) -> None:
    edit_record(applied, "partner", protect=False)
    applied.client("partner", protect=True, state="retired")
    refused(applied, applied.apply(), "RC310")


@pytest.mark.parametrize(
    ("fields", "sealed"),
    [
        ({}, False),
        ({"protect": False}, False),
        ({"protect": False, "moving_to": "partner"}, False),
        ({"protect": False}, True),
    ],
)
def test_a_copied_record_never_costs_the_other_client_its_secrets(
    applied: Checkout, fields: dict[str, object], sealed: bool
) -> None:
    copy_record(applied, "partner", "shadow", sealed=sealed, **fields)
    ran = applied.apply()
    if ran.code:
        words = refused(applied, ran, "RC305")
        assert "shadow" in words
        assert "partner" in words
    assert level(applied, "RC305") in (["error"], ["warning"])
    unharmed(applied)
    assert applied.versions("partner") == {1: "active"}


def test_nothing_is_written_to_a_path_that_two_records_claim(applied: Checkout) -> None:
    copy_record(applied, "partner", "shadow")
    rotate = (
        "rotate",
        "-e",
        applied.environment,
        "partner",
        "--reason",
        "test",
        "--format",
        "json",
    )
    refused(applied, applied.run(*rotate), "RC305")
    applied.client("shadow")
    refused(applied, applied.apply(), "RC305")
    assert applied.versions("partner") == {1: "active"}


def test_an_edited_record_does_not_say_where_secrets_are(applied: Checkout) -> None:
    edit_record(applied, "third", storage_name="somewhere")
    words = refused(applied, applied.apply(), "RC305")
    assert "somewhere" in words
    assert applied.secret("keys/somewhere.primary") is None


def test_a_revocation_of_a_copy_does_not_reach_the_other_client(applied: Checkout) -> None:
    copy_record(applied, "partner", "shadow")
    revoke = ("revoke", "-e", applied.environment, "--reason", "compromise", "--format", "json")
    refused(applied, applied.run(*revoke, "shadow"), "RC305")
    applied.run(*revoke, "partner").ok()
    assert applied.secret("keys/partner.primary", 1) is None


def test_a_record_in_the_wrong_bucket_is_named_and_nothing_is_done_about_its_client(
    applied: Checkout,
) -> None:
    bucket = other_bucket(applied, "partner", "bystander", "third")
    move_record(applied, "partner", bucket)
    before = applied.everything_written()
    words = refused(applied, applied.apply(), "RC306")
    assert bucket in words
    assert applied.bucket("partner") in words
    assert applied.everything_written() == before
    applied.remove("partner")
    applied.apply().ok()
    assert level(applied, "RC306") == ["warning"]
    applied.assert_quiet()
    unharmed(applied)


def test_a_second_record_in_the_wrong_bucket_is_reported_and_changes_nothing(
    applied: Checkout,
) -> None:
    move_record(
        applied, "partner", other_bucket(applied, "partner", "bystander", "third"), keep=True
    )
    applied.client("partner", scopes=["payouts:write", "ledger:read"])
    applied.apply().ok()
    assert applied.status("partner")["scopes"] == ["ledger:read", "payouts:write"]
    assert level(applied, "RC306") == ["warning"]
    applied.assert_quiet()


def test_a_registry_with_a_record_in_the_wrong_bucket_is_not_spread_anew(applied: Checkout) -> None:
    move_record(
        applied, "partner", other_bucket(applied, "partner", "bystander", "third"), keep=True
    )
    ran = applied.run(
        "bootstrap", "-e", applied.environment, "--buckets", "256", "--format", "json", role="root"
    )
    assert (ran.code, ran.json["code"]) == (1, "RC306")
    assert applied.versions("partner") == {1: "active"}
