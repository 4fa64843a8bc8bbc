"""Each of the four roles, by what it may do and by what it is refused."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import ANY

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reconciler.adapters.vault.http.adapter import VaultAdapter
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.setup.bootstrap import prepare_environment
from reconciler.adapters.vault.setup.policies import policy_drift
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import VaultDenied, VaultError
from reconciler.registry.requests import (
    DestroyVersions,
    Done,
    MakeTransitKey,
    Metadata,
    PublicKey,
    PutSecret,
    ReadDocument,
    ReadMetadata,
    ReadSubkeys,
    RemoveTransitKey,
    ResetMetadata,
    StoredDocument,
    Subkeys,
    WriteDocument,
    Written,
)
from reconciler.webhooks.signature.ed25519 import public_bytes
from tests.kit.vault.places import PROJECT, Place

pytestmark = pytest.mark.openbao

KEY = "keys/paystack.primary"
WEBHOOK = "webhooks/paystack.settlements"


@pytest.fixture
def stocked(place: Place) -> Place:
    """One key and one signing secret are there, and a bucket."""
    run = place.live("run")
    for path in (KEY, WEBHOOK, "keys/quickbooks.primary"):
        assert isinstance(
            run.answer(PutSecret(path, "id1", Secret(f"value of {path}"), 0)), Written
        )
    assert isinstance(run.answer(WriteDocument("buckets/00", "{}", 0)), Written)
    return place


def refused(adapter: VaultAdapter, method: str, path: str, **kwargs: object) -> bool:
    """Whether the answer is: permission denied, by a token that is valid."""
    try:
        adapter.request(method, f"/v1/{path}", **kwargs)
    except VaultDenied as error:
        return error.code == "RC404"
    except StatusError:
        return False
    return False


def test_the_planner_reads_everything_but_values_and_writes_nothing(stocked: Place) -> None:
    live, secrets, registry = (
        stocked.live("planner"),
        stocked.settings.secrets_mount,
        stocked.settings.registry_mount,
    )
    document = live.answer(ReadDocument("buckets/00"))
    subkeys = live.answer(ReadSubkeys(KEY))
    metadata = live.answer(ReadMetadata(KEY))
    assert isinstance(document, StoredDocument)
    assert isinstance(subkeys, Subkeys)
    assert isinstance(metadata, Metadata)
    assert (document.text, subkeys.ids) == ("{}", frozenset({"id1"}))
    assert live.list_documents("runs") == ()
    assert policy_drift(live, stocked.name) == ()
    adapter = live.adapter
    body = {"options": {"cas": 1}, "data": {"value": "x"}}
    for path in (KEY, WEBHOOK):
        assert refused(adapter, "GET", f"{secrets}/data/{path}")
        assert refused(adapter, "GET", f"{secrets}/data/{path}", wrap_ttl="60s")
        assert refused(adapter, "POST", f"{secrets}/data/{path}", json=body)
        assert refused(adapter, "POST", f"{secrets}/destroy/{path}", json={"versions": [1]})
        assert refused(adapter, "POST", f"{secrets}/metadata/{path}", json={"max_versions": 1})
        assert refused(adapter, "DELETE", f"{secrets}/metadata/{path}")
    for name in ("buckets/00", "lease", "runs/a", "meta"):
        assert refused(adapter, "POST", f"{registry}/data/{name}", json=body)
    assert refused(
        adapter, "POST", f"{stocked.settings.transit_mount}/sign/ledger", json={"input": "eA=="}
    )
    assert _still_there(stocked)


def test_the_applier_writes_keys_that_it_cannot_read_back(stocked: Place) -> None:
    live, secrets = stocked.live("applier"), stocked.settings.secrets_mount
    assert isinstance(live.answer(PutSecret(KEY, "id2", Secret("new"), 1)), Written)
    assert isinstance(live.answer(PutSecret("keys/new.primary", "id1", Secret("new"), 0)), Written)
    assert isinstance(live.answer(DestroyVersions(KEY, (1,))), Done)
    assert isinstance(live.answer(ResetMetadata(KEY)), Done)
    assert isinstance(live.answer(WriteDocument("lease", "x", 0)), Written)
    assert isinstance(live.answer(WriteDocument("runs/r1", "x", 0)), Written)
    live.delete_document("runs/r1")
    signed = live.adapter.post(
        f"/v1/{stocked.settings.transit_mount}/sign/ledger", json={"input": "eA=="}
    ).data
    assert signed["signature"].startswith("vault:v1:")
    for path in (KEY, WEBHOOK):
        for wrap in (None, "60s"):
            assert refused(live.adapter, "GET", f"{secrets}/data/{path}", wrap_ttl=wrap)
    assert isinstance(live.answer(ReadSubkeys(KEY)), Subkeys)


@pytest.mark.parametrize("role", ["applier", "run"])
def test_a_run_cannot_touch_what_only_an_administrator_may(stocked: Place, role: str) -> None:
    adapter, settings = stocked.live(role).adapter, stocked.settings
    body = {"options": {"cas": 1}, "data": {"doc": "x"}}
    assert refused(adapter, "POST", f"{settings.registry_mount}/data/meta", json=body)
    assert refused(adapter, "DELETE", f"{settings.registry_mount}/metadata/buckets/00")
    assert refused(adapter, "DELETE", f"{settings.secrets_mount}/metadata/{KEY}")
    assert refused(
        adapter, "POST", f"{settings.secrets_mount}/config", json={"cas_required": False}
    )
    assert refused(adapter, "DELETE", f"{settings.transit_mount}/keys/ledger")
    assert refused(adapter, "GET", f"{settings.transit_mount}/export/signing-key/ledger")
    assert refused(
        adapter, "PUT", f"sys/policies/acl/integrations-{stocked.name}-planner", json={"policy": ""}
    )
    assert refused(adapter, "POST", f"auth/token/create/integrations-{stocked.name}-run")
    assert refused(adapter, "POST", "auth/token/create")
    assert refused(adapter, "GET", "sys/mounts")


@pytest.mark.parametrize("role", ["planner", "deliverer", "consumer"])
def test_only_an_applier_signs_and_moves_the_log(stocked: Place, role: str) -> None:
    """By no endpoint and under no other spelling of the key's name."""
    settings = stocked.settings
    token = stocked.consumer_token("paystack") if role == "consumer" else None
    live = stocked.live_with(token) if token is not None else stocked.live(role)
    for end in ("ledger", "ledger/sha2-256", "webhook.*/../ledger", "./ledger", "Ledger"):
        path = f"{settings.transit_mount}/sign/{end}"
        assert not _signs(live.adapter, path), path
    body = {"options": {"cas": 0}, "data": {"doc": "x"}}
    for name in ("ledger", "log/00000001/claim", "log/00000001/part-a"):
        assert refused(live.adapter, "POST", f"{settings.registry_mount}/data/{name}", json=body)
        assert refused(live.adapter, "DELETE", f"{settings.registry_mount}/metadata/{name}")
        assert refused(live.adapter, "DELETE", f"{settings.registry_mount}/data/{name}")


@pytest.mark.parametrize("role", ["planner", "applier", "deliverer", "run"])
def test_no_role_takes_the_key_of_the_log_out_or_changes_it(stocked: Place, role: str) -> None:
    adapter, transit = stocked.live(role).adapter, stocked.settings.transit_mount
    for method, path, body in (
        ("GET", "export/signing-key/ledger", None),
        ("GET", "export/signing-key/ledger/1", None),
        ("GET", "backup/ledger", None),
        ("POST", "restore/ledger", {"backup": "eA==", "force": True}),
        ("POST", "keys/ledger", {"type": "ed25519"}),
        ("POST", "keys/ledger/config", {"min_encryption_version": 2}),
        ("POST", "keys/ledger/rotate", {}),
        ("POST", "keys/ledger/trim", {"min_available_version": 1}),
        ("POST", "keys/ledger/import_version", {"ciphertext": "eA=="}),
        ("DELETE", "keys/ledger", None),
    ):
        more = {} if body is None else {"json": body}
        assert refused(adapter, method, f"{transit}/{path}", **more), path


@pytest.mark.parametrize("role", ["applier", "run"])
def test_a_claim_of_the_log_stays(stocked: Place, role: str) -> None:
    """Its creation is what takes a number: who could remove it could give a number twice."""
    live, registry = stocked.live(role), stocked.settings.registry_mount
    part = f"log/00000001/part-{0:040x}"
    for name in ("log/00000001/claim", part):
        assert isinstance(live.answer(WriteDocument(name, "x", 0)), Written)
    body = {"versions": [1]}
    for name in ("ledger", "log/00000001/claim"):
        for method, folder, json in (
            ("DELETE", "metadata", None),
            ("DELETE", "data", None),
            ("POST", "delete", body),
            ("POST", "destroy", body),
            ("POST", "metadata", {"max_versions": 1}),
        ):
            more = {} if json is None else {"json": json}
            assert refused(live.adapter, method, f"{registry}/{folder}/{name}", **more), folder
    live.delete_document(part)
    found = live.answer(ReadDocument("log/00000001/claim"))
    assert isinstance(found, StoredDocument)
    assert found.text == "x"


def _signs(adapter: VaultAdapter, path: str) -> bool:
    try:
        return bool(adapter.request("POST", f"/v1/{path}", json={"input": "eA=="}).data)
    except VaultError:
        return False


def test_a_run_holds_both_roles_and_still_reads_no_key(stocked: Place) -> None:
    live, secrets = stocked.live("run"), stocked.settings.secrets_mount
    assert isinstance(live.answer(PutSecret(KEY, "id2", Secret("new"), 1)), Written)
    assert isinstance(live.answer(PutSecret(WEBHOOK, "id2", Secret("new"), 1)), Written)
    secret = live.read_secret(WEBHOOK, 2)
    assert secret is not None
    assert secret.reveal() == "new"
    for wrap in (None, "60s"):
        assert refused(live.adapter, "GET", f"{secrets}/data/{KEY}", wrap_ttl=wrap)


def test_the_deliverer_reads_signing_secrets_and_keys_wrapped_only(stocked: Place) -> None:
    live, secrets = stocked.live("deliverer"), stocked.settings.secrets_mount
    secret = live.read_secret(WEBHOOK, 1)
    assert secret is not None
    assert secret.reveal() == f"value of {WEBHOOK}"
    assert refused(live.adapter, "GET", f"{secrets}/data/{KEY}")
    wrapped = live.adapter.get(f"/v1/{secrets}/data/{KEY}", wrap_ttl="60s").body
    assert "value of" not in str(wrapped)
    assert wrapped["wrap_info"]["creation_path"] == f"{secrets}/data/{KEY}"
    body = {"options": {"cas": 1}, "data": {"value": "x"}}
    for path in (KEY, WEBHOOK):
        assert refused(live.adapter, "POST", f"{secrets}/data/{path}", json=body)
    assert refused(live.adapter, "GET", f"{stocked.settings.registry_mount}/data/buckets/00")
    assert _still_there(stocked)


def test_who_may_make_use_and_remove_a_key_pair(stocked: Place) -> None:
    """A run signs with it and makes it; nobody takes it out, and the ledger's key is none of
    them."""
    transit, name = stocked.settings.transit_mount, "webhook.paystack.settlements.1"
    applier, deliverer, planner = (
        stocked.live(role) for role in ("applier", "deliverer", "planner")
    )
    made = applier.answer(MakeTransitKey(name))
    assert isinstance(made, PublicKey)
    assert applier.answer(MakeTransitKey(name)) == replace(made, at=ANY)
    signed = deliverer.sign(name, b"content")
    Ed25519PublicKey.from_public_bytes(public_bytes(made.text)).verify(signed, b"content")
    for live in (planner, applier):
        assert refused(live.adapter, "POST", f"{transit}/sign/{name}", json={"input": "eA=="})
    for live in (planner, deliverer):
        assert refused(live.adapter, "POST", f"{transit}/keys/{name}", json={"type": "ed25519"})
        assert refused(live.adapter, "DELETE", f"{transit}/keys/{name}")
    for live in (planner, applier, deliverer):
        assert refused(live.adapter, "GET", f"{transit}/export/signing-key/{name}")
        assert refused(live.adapter, "GET", f"{transit}/backup/{name}")
        assert refused(
            live.adapter, "POST", f"{transit}/keys/ledger/config", json={"deletion_allowed": True}
        )
    assert refused(deliverer.adapter, "POST", f"{transit}/sign/ledger", json={"input": "eA=="})
    assert isinstance(applier.answer(RemoveTransitKey(name)), Done)
    assert isinstance(applier.answer(RemoveTransitKey(name)), Done)
    with pytest.raises(VaultError):
        deliverer.sign(name, b"content")


@pytest.mark.parametrize(
    "name", ["ledger", "webhook.a.b", "webhook.a.b.0", "webhook.a/b.c.1", "webhook..b.1", "x"]
)
def test_only_a_key_pair_of_a_webhook_is_ever_named(stocked: Place, name: str) -> None:
    live = stocked.live_with("t", address="http://127.0.0.1:1")
    for request in (MakeTransitKey(name), RemoveTransitKey(name)):
        with pytest.raises(VaultError) as caught:
            live.answer(request)
        assert caught.value.code == "RC415"
    with pytest.raises(VaultError) as caught:
        live.sign(name, b"")
    assert caught.value.code == "RC415"


def test_a_consumer_reads_its_own_keys_and_nothing_else(stocked: Place) -> None:
    secrets = stocked.settings.secrets_mount
    adapter = stocked.live_with(stocked.consumer_token("paystack")).adapter
    assert adapter.get(f"/v1/{secrets}/data/{KEY}").data["data"]["value"] == f"value of {KEY}"
    assert refused(adapter, "GET", f"{secrets}/data/keys/quickbooks.primary")
    assert refused(adapter, "GET", f"{secrets}/data/{WEBHOOK}")
    assert refused(adapter, "LIST", f"{secrets}/metadata/keys/")
    assert refused(adapter, "GET", f"{stocked.settings.registry_mount}/data/buckets/00")
    body = {"options": {"cas": 1}, "data": {"value": "x"}}
    assert refused(adapter, "POST", f"{secrets}/data/{KEY}", json=body)


def test_a_client_whose_name_begins_like_anothers_does_not_read_it(stocked: Place) -> None:
    adapter = stocked.live_with(stocked.consumer_token("pay")).adapter
    assert refused(adapter, "GET", f"{stocked.settings.secrets_mount}/data/{KEY}")


def test_two_environments_on_one_server_do_not_touch_each_other(
    stocked: Place, bare_place: Place
) -> None:
    prepare_environment(bare_place.root, bare_place.name, PROJECT)
    adapter = bare_place.live("run").adapter
    secrets, registry = stocked.settings.secrets_mount, stocked.settings.registry_mount
    assert refused(adapter, "GET", f"{registry}/data/buckets/00")
    assert refused(adapter, "GET", f"{secrets}/data/{WEBHOOK}")
    assert refused(adapter, "POST", f"{secrets}/destroy/{KEY}", json={"versions": [1]})


def test_an_error_names_the_role_that_is_needed(stocked: Place) -> None:
    for role, call, needed in (
        ("planner", WriteDocument("lease", "x", 0), "applier"),
        ("deliverer", ReadDocument("meta"), "planner"),
        ("run", WriteDocument("meta", "x", 1), "administrator"),
    ):
        with pytest.raises(VaultError) as caught:
            stocked.live(role).answer(call)
        error = caught.value
        assert error.code == "RC404"
        assert stocked.server.address in error.message
        assert stocked.settings.registry_mount in error.message
        assert needed in f"{error.message} {error.remedy}"
    with pytest.raises(VaultDenied, match="deliverer role"):
        stocked.live("planner").read_secret(WEBHOOK, 1)


def _still_there(place: Place) -> bool:
    """Nothing of what was refused had an effect."""
    root = place.root
    responses = root.answer_all([ReadMetadata(KEY), ReadMetadata(WEBHOOK)])
    return all(
        isinstance(found, Metadata)
        and found.info is not None
        and found.info.current == 1
        and not found.info.edited
        for found in responses
    )


@pytest.mark.parametrize("role", ["applier", "run"])
@pytest.mark.parametrize("leave", ["exportable", "allow_plaintext_backup"])
def test_no_role_can_make_a_key_pair_that_may_leave(stocked: Place, role: str, leave: str) -> None:
    """Neither when it is made nor by its settings afterwards, whatever the value is and however it
    is written."""
    transit = stocked.settings.transit_mount
    live = stocked.live(role)
    for number, value in enumerate((True, "true", 1, False)):
        name = f"{transit}/keys/webhook.paystack.settlements.{leave[:5]}{number}"
        assert refused(live.adapter, "POST", name, json={"type": "ed25519", leave: value})
        assert refused(live.adapter, "POST", name, json={"type": "ed25519", leave.upper(): value})
    name = f"{transit}/keys/webhook.paystack.settlements.9"
    live.adapter.post(f"/v1/{name}", json={"type": "ed25519"})
    assert refused(live.adapter, "POST", f"{name}/config", json={leave: True})
    assert refused(
        live.adapter, "PUT", f"{name}/config", json={leave: True, "deletion_allowed": True}
    )
    key = live.adapter.get(f"/v1/{name}").data
    assert (key["exportable"], key["allow_plaintext_backup"]) == (False, False)
