"""What somebody changed by hand is found, told apart from a declared change, and repaired."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from reconciler.engine.look import observe
from tests.kit.git.checkout import Checkout
from tests.kit.webhooks.receivers import answers, receiving

KEY = "client/partner/key/primary"


@pytest.fixture
def applied(checkout: Checkout) -> Checkout:
    checkout.client("partner")
    checkout.client("bystander")
    checkout.commit()
    checkout.apply().ok()
    return checkout


def repaired(checkout: Checkout) -> dict[int, str]:
    """Apply, be quiet, and leave the bystander alone."""
    checkout.apply().ok()
    checkout.assert_quiet()
    assert checkout.versions("bystander") == {1: "active"}
    versions = checkout.versions("partner")
    newest = max(versions)
    assert versions[newest] == "active"
    assert checkout.hash("keys/partner.primary") == checkout.hash("keys/partner.primary", newest)
    assert checkout.hash("keys/partner.primary", newest) in json.dumps(checkout.status("partner"))
    return versions


def findings(checkout: Checkout) -> list[tuple[str, str]]:
    return [(one["code"], one["address"]) for one in checkout.plan().json["findings"]]


def test_a_deleted_secret_is_issued_anew_without_using_a_number_twice(applied: Checkout) -> None:
    applied.vault("DELETE", "secrets/metadata/keys/partner.primary")
    assert applied.actions() == [("rotate-key", KEY, "SecretMissing")]
    assert ("RC351", KEY) in findings(applied)
    assert repaired(applied) == {1: "retiring", 2: "active"}


def test_a_soft_deleted_secret_is_missing(applied: Checkout) -> None:
    applied.vault("DELETE", "secrets/data/keys/partner.primary")
    assert applied.actions() == [("rotate-key", KEY, "SecretMissing")]
    assert repaired(applied) == {1: "retiring", 2: "active"}


def test_a_destroyed_version_is_replaced(applied: Checkout) -> None:
    applied.vault("POST", "secrets/destroy/keys/partner.primary", {"versions": [1]})
    assert applied.actions() == [("rotate-key", KEY, "SecretDestroyed")]
    assert repaired(applied) == {1: "retiring", 2: "active"}


def test_a_version_that_somebody_else_wrote_is_never_adopted(applied: Checkout) -> None:
    applied.vault(
        "POST",
        "secrets/data/keys/partner.primary",
        {"options": {"cas": 1}, "data": {"value": "mine"}},
    )
    assert applied.actions() == [("rotate-key", KEY, "SecretOverwritten")]
    [finding] = [one for one in applied.plan().json["findings"] if one["code"] == "RC352"]
    assert finding["address"] == KEY
    assert repaired(applied) == {1: "retiring", 3: "active"}


def test_hand_made_settings_of_a_secret_are_reset(applied: Checkout) -> None:
    settings = {
        "max_versions": 1,
        "delete_version_after": "1h",
        "custom_metadata": {"note": "mine"},
    }
    applied.vault("POST", "secrets/metadata/keys/partner.primary", settings)
    assert [(kind, reason) for kind, _, reason in applied.actions()] == [
        ("update-client", "SecretMetadataEdited")
    ]
    applied.apply().ok()
    found = applied.vault("GET", "secrets/metadata/keys/partner.primary")["data"]
    assert (found["max_versions"], found["delete_version_after"], found["custom_metadata"]) == (
        0,
        "0s",
        None,
    )
    assert applied.versions("partner") == {1: "active"}
    applied.assert_quiet()


def edit_record(checkout: Checkout, change: Any) -> None:
    """Change the stored record of ``partner`` the way a person with too many rights would."""
    path = checkout.bucket("partner")
    stored = checkout.vault("GET", f"registry/data/{path}")["data"]
    document = json.loads(stored["data"]["doc"])
    change(document["clients"]["partner"])
    body = {
        "options": {"cas": stored["metadata"]["version"]},
        "data": {"doc": json.dumps(document)},
    }
    checkout.vault("POST", f"registry/data/{path}", body)


def test_scopes_edited_in_the_record_are_restored(applied: Checkout) -> None:
    edit_record(applied, lambda record: record["spec"].update(scopes=["*"]))
    assert ("update-client", "client/partner", "RecordEdited") in applied.actions()
    applied.apply().ok()
    assert applied.status("partner")["scopes"] == ["payouts:write"]
    applied.assert_quiet()


def test_a_hash_planted_in_the_record_is_revoked_without_grace(applied: Checkout) -> None:
    def plant(record: Any) -> None:
        record["keys"]["primary"]["versions"][0]["sha256"] = "0" * 64

    edit_record(applied, plant)
    assert ("rotate-key", KEY, "RecordEdited") in applied.actions()
    applied.apply().ok()
    assert applied.versions("partner") == {1: "revoked", 2: "active"}
    applied.assert_quiet()


def test_a_status_edited_in_the_record_does_not_activate_a_client(checkout: Checkout) -> None:
    with receiving(answers(500)) as broken:
        checkout.hooked("partner", broken.url)
        assert checkout.apply().code == 5
        edit_record(checkout, lambda record: record.update(status="active"))
        assert checkout.apply().code == 5
    assert checkout.status("partner")["status"] == "pending"


def test_a_deleted_bucket_is_an_error_and_never_an_empty_one(applied: Checkout) -> None:
    bucket = applied.bucket("partner")
    applied.vault("DELETE", f"registry/data/{bucket}")
    before = applied.everything_written()
    for ran in (applied.plan(), applied.apply()):
        assert (ran.code, ran.json["code"]) == (1, "RC444")
        assert bucket.split("/")[1] in ran.json["message"]
    assert applied.everything_written() == before
    applied.vault(
        "POST", f"registry/undelete/{bucket}", {"versions": [before[f"registry/metadata/{bucket}"]]}
    )
    applied.assert_quiet()


def test_a_record_of_a_future_format_is_refused_and_nothing_is_written(applied: Checkout) -> None:
    path = f"registry/data/{applied.bucket('partner')}"
    stored = applied.vault("GET", path)["data"]
    document = {**json.loads(stored["data"]["doc"]), "format": 99}
    cas = {"cas": stored["metadata"]["version"]}
    applied.vault("POST", path, {"options": cas, "data": {"doc": json.dumps(document)}})
    before = applied.everything_written()
    ran = applied.apply()
    assert (ran.code, ran.json["code"]) == (1, "RC442")
    assert applied.everything_written() == before


def test_an_edited_policy_is_reported(applied: Checkout) -> None:
    name = f"integrations-{applied.environment}-applier"
    rules = {"policy": 'path "secret/*" { capabilities = ["read"] }'}
    applied.place.root.adapter.request("PUT", f"/v1/sys/policies/acl/{name}", json=rules)
    found = [one for one in applied.plan(role="planner").json["findings"] if one["code"] == "RC355"]
    assert name in found[0]["message"]


def test_secrets_of_others_are_reported_and_left_alone(applied: Checkout) -> None:
    path = "secrets/data/keys/somebody.else"
    applied.vault("POST", path, {"options": {"cas": 0}, "data": {"value": "theirs"}})
    status = applied.run("status", "-e", applied.environment, "--format", "json").ok().json
    assert status["unmanaged"] == ["keys/somebody.else"]
    applied.assert_quiet()
    assert applied.secret("keys/somebody.else") == "theirs"


def test_a_new_client_never_overwrites_a_secret_that_is_there(applied: Checkout) -> None:
    applied.vault(
        "POST",
        "secrets/data/keys/newcomer.primary",
        {"options": {"cas": 0}, "data": {"value": "theirs"}},
    )
    applied.client("newcomer")
    ran = applied.apply()
    assert (ran.code, ran.json["code"]) == (3, "RC302")
    assert applied.secret("keys/newcomer.primary") == "theirs"


def written_anew(checkout: Checkout, body: dict[str, Any] | None = None) -> None:
    """Somebody deletes the key with its history and writes a version with the same number."""
    path = "secrets/{}/keys/partner.primary"
    checkout.vault("DELETE", path.format("metadata"))
    checkout.vault(
        "POST", path.format("data"), {"options": {"cas": 0}, "data": body or {"value": "mine"}}
    )


@pytest.mark.parametrize("body", [{"value": "mine"}, {"value": "mine", "id": {"somebody": ""}}])
@pytest.mark.parametrize("deep", [True, False])
def test_a_path_deleted_and_written_anew_up_to_the_same_number_is_not_ours(
    applied: Checkout, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any], *, deep: bool
) -> None:
    """Every secret is suspected: the id decides, so that the bystander is not accused."""
    how = ("--deep",) if deep else ()
    if not deep:
        monkeypatch.setattr(observe, "PROMPT", timedelta(seconds=-1))
    written_anew(applied, body)
    assert applied.actions(*how) == [("rotate-key", KEY, "SecretOverwritten")]
    assert applied.plan(*how, role="planner").json["actions"]
    applied.apply(*how).ok()
    assert repaired(applied) == {1: "retiring", 2: "active"}
    assert applied.plan(*how, "--detailed-exitcode").code == 0


def test_folders_of_others_are_reported(applied: Checkout) -> None:
    for path in ("other/thing", "lone", "keys/folder/partner.primary", "keyss/partner.primary"):
        applied.vault(
            "POST", f"secrets/data/{path}", {"options": {"cas": 0}, "data": {"value": "theirs"}}
        )
    status = (
        applied.run("status", "-e", applied.environment, "--format", "json", role="planner")
        .ok()
        .json
    )
    assert status["unmanaged"] == ["keys/folder/", "keyss/", "lone", "other/"]
    assert {"RC357"} == {code for code, _ in findings(applied)}
    assert applied.actions() == []
    applied.apply().ok()
    for path in ("other/thing", "lone", "keys/folder/partner.primary", "keyss/partner.primary"):
        assert applied.secret(path) == "theirs"


def test_a_readable_version_that_is_on_no_record_is_reported_until_it_is_destroyed(
    applied: Checkout,
) -> None:
    applied.vault(
        "POST",
        "secrets/data/keys/partner.primary",
        {"options": {"cas": 1}, "data": {"value": "mine"}},
    )
    assert "RC359" not in {code for code, _ in findings(applied)}
    applied.apply().ok()
    assert ("RC359", KEY) in findings(applied)
    applied.vault("POST", "secrets/destroy/keys/partner.primary", {"versions": [2]})
    assert "RC359" not in {code for code, _ in findings(applied)}
    applied.assert_quiet()


def test_a_version_cut_out_of_its_record_is_reported(applied: Checkout) -> None:
    rotate = ("rotate", "-e", applied.environment, "partner", "--reason", "test")
    applied.run(*rotate).ok()
    edit_record(applied, lambda record: record["keys"]["primary"]["versions"].pop(0))
    found = [one["message"] for one in applied.plan().json["findings"] if one["code"] == "RC359"]
    assert found == ["version 1 of keys/partner.primary can be read and is not on record"]
