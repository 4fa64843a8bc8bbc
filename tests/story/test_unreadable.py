"""A document of the registry that somebody spoilt: it is named in plain words, and stops no
emergency elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.kit.git.checkout import Checkout, Ran
from tests.kit.worlds.by_hand import overwrite, stored

SPOILT = {
    "not JSON": "{",
    "another document": json.dumps({"hello": "world"}),
    "no clients": json.dumps({"format": 1}),
    "a strange record": json.dumps(
        {"format": 1, "clients": {"other": {"owner": "acme-integrations"}}}
    ),
}
RUN = "runs/20261123t000000z-somebody"


@pytest.fixture
def applied(checkout: Checkout) -> Checkout:
    """Two clients in different buckets."""
    checkout.client("partner")
    checkout.client(other(checkout))
    checkout.apply().ok()
    return checkout


def other(checkout: Checkout) -> str:
    names = ("bystander", "third", "fourth", "fifth")
    return next(name for name in names if checkout.bucket(name) != checkout.bucket("partner"))


def revoke(checkout: Checkout, target: str = "partner") -> Ran:
    return checkout.run(
        "revoke", "-e", checkout.environment, target, "--reason", "compromise", "--format", "json"
    )


def doctor(checkout: Checkout) -> dict[str, tuple[str, str]]:
    ran = checkout.run("doctor", "-e", checkout.environment, "--format", "json")
    return {
        one["name"]: (one["result"], one["message"] + one["remedy"]) for one in ran.json["checks"]
    }


def speaks_plainly(text: str) -> bool:
    return "Error" not in text and "Traceback" not in text


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_bucket_is_named_and_stops_no_revocation_elsewhere(
    applied: Checkout, what: str
) -> None:
    bucket = applied.bucket(other(applied))
    overwrite(applied, bucket, SPOILT[what])
    before = applied.everything_written()
    for ran in (applied.plan(), applied.apply(), applied.plan("--only", "partner")):
        assert (ran.code, ran.json["code"]) == (1, "RC443")
        assert bucket in ran.json["message"]
        assert speaks_plainly(ran.json["message"])
    assert applied.everything_written() == before
    result, words = doctor(applied)[bucket]
    assert result == "fail"
    assert speaks_plainly(words)
    revoke(applied).ok()
    assert applied.secret("keys/partner.primary", 1) is None
    refused = revoke(applied, other(applied))
    assert (refused.code, refused.json["code"]) == (1, "RC443")
    assert bucket in refused.json["message"]


def test_a_bucket_without_our_field_is_no_better(applied: Checkout) -> None:
    bucket = applied.bucket(other(applied))
    _, version = stored(applied, bucket)
    applied.vault(
        "POST", f"registry/data/{bucket}", {"options": {"cas": version}, "data": {"note": "mine"}}
    )
    assert (applied.plan().code, applied.plan().json["code"]) == (1, "RC443")
    assert bucket in applied.plan().json["message"]
    assert doctor(applied)[bucket][0] == "fail"
    revoke(applied).ok()
    assert applied.secret("keys/partner.primary", 1) is None


def test_a_deleted_bucket_stops_no_revocation_elsewhere(applied: Checkout) -> None:
    bucket = applied.bucket(other(applied))
    applied.vault("DELETE", f"registry/data/{bucket}")
    assert doctor(applied)[bucket][0] == "fail"
    revoke(applied).ok()
    assert applied.secret("keys/partner.primary", 1) is None


@pytest.mark.parametrize(
    "text", ["{", json.dumps({"format": 1}), json.dumps({"format": 1, "run_id": 7})]
)
def test_a_spoilt_run_document_is_named_and_stops_no_revocation(
    applied: Checkout, text: str
) -> None:
    overwrite(applied, RUN, text)
    for ran in (applied.plan(), applied.apply()):
        assert (ran.code, ran.json["code"]) == (1, "RC443")
        assert RUN in ran.json["message"]
        assert speaks_plainly(ran.json["message"])
    assert doctor(applied)[RUN][0] == "fail"
    revoke(applied).ok()
    assert applied.secret("keys/partner.primary", 1) is None


@pytest.mark.parametrize(
    "text", ["{", json.dumps({"format": 1}), json.dumps({"format": 1, "holder": 1, "until": 2})]
)
def test_a_spoilt_lease_has_ended_and_is_reported(applied: Checkout, text: str) -> None:
    overwrite(applied, "lease", text)
    result, words = doctor(applied)["lease"]
    assert result == "warn"
    assert "hand" in words
    revoke(applied, other(applied)).ok()
    applied.client("partner", scopes=["payouts:write", "ledger:read"])
    applied.apply().ok()
    assert doctor(applied)["lease"][0] == "ok"
    assert applied.status("partner")["scopes"] == ["ledger:read", "payouts:write"]


def test_a_format_of_the_future_stops_whoever_would_write_and_no_revocation_elsewhere(
    applied: Checkout,
) -> None:
    bucket = applied.bucket(other(applied))
    text, _ = stored(applied, bucket)
    for name, future in (
        (bucket, {**json.loads(text or ""), "format": 2}),
        (RUN, {"format": 2}),
        ("lease", {"format": 2}),
    ):
        overwrite(applied, name, json.dumps(future))
    before = stored(applied, bucket), stored(applied, RUN), stored(applied, "lease")
    for ran in (applied.plan(), applied.apply(), revoke(applied, other(applied))):
        assert (ran.code, ran.json["code"]) == (1, "RC442")
        assert bucket in ran.json["message"]
    assert {"fail"} == {doctor(applied)[name][0] for name in (bucket, RUN, "lease")}
    revoke(applied).ok()
    assert applied.secret("keys/partner.primary", 1) is None
    assert before == (stored(applied, bucket), stored(applied, RUN), stored(applied, "lease"))


def test_events_of_a_run_that_cannot_be_read_are_kept(checkout: Checkout) -> None:
    """What such a run did can be told once its document is mended."""
    checkout.client("partner", keys=[{"name": f"key{number}"} for number in range(8)])
    run = checkout.apply("--no-commit").ok().json["run_id"]
    overwrite(checkout, f"runs/{run}", "{")
    before = [event for event in events(checkout) if event["run"] == run]
    assert len(before) > 8
    revoke(checkout).ok()
    assert [event for event in events(checkout) if event["run"] == run] == before


def events(checkout: Checkout) -> list[dict[str, Any]]:
    text, _ = stored(checkout, checkout.bucket("partner"))
    found: list[dict[str, Any]] = json.loads(text or "")["clients"]["partner"]["events"]
    return found
