"""What ``Live`` answers, against a real server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.signing_secrets import readable_versions
from reconciler.domain.kinds.credentials import KEY
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values.names import bucket_names
from reconciler.engine.ports import LiveState
from reconciler.errors import RegistryError, VaultError
from reconciler.registry.requests import (
    Conflict,
    DestroyVersions,
    Done,
    Metadata,
    Mint,
    PutSecret,
    ReadDocument,
    ReadMetadata,
    ReadSubkeys,
    ResetMetadata,
    Response,
    StoredDocument,
    Subkeys,
    WriteDocument,
    Written,
)
from tests.kit.vault.places import PROJECT, Place
from tests.kit.worlds.stored import decode_bucket

pytestmark = pytest.mark.openbao

KEY_PATH = "keys/paystack.primary"
WEBHOOK = "webhooks/paystack.settlements"


@pytest.fixture
def live(place: Place) -> Live:
    """The run role: applier and deliverer."""
    return place.live("run")


def put(live: Live, path: str, *ids: str) -> None:
    """Write one version for each id."""
    for number, identifier in enumerate(ids):
        assert isinstance(
            live.answer(PutSecret(path, identifier, Secret(f"value-{identifier}"), number)), Written
        )


def info(live: Live, path: str) -> SecretInfo | None:
    response = live.answer(ReadMetadata(path))
    assert isinstance(response, Metadata)
    return response.info


def test_it_is_the_live_state_that_the_engine_asks_for(live: Live) -> None:
    """mypy holds the signatures together here."""
    port: LiveState = live
    assert port.list_documents("runs") == ()


def test_a_document_that_was_never_written_is_version_0(live: Live) -> None:
    response = live.answer(ReadDocument("buckets/3f"))
    assert isinstance(response, StoredDocument)
    assert (response.text, response.version) == (None, 0)


def test_a_document_comes_back_byte_for_byte(live: Live) -> None:
    text = '{"naïve":"\\u0000 ✓","n":9007199254740993}' * 500
    written = live.answer(WriteDocument("buckets/3f", text, 0))
    assert isinstance(written, Written)
    assert written.version == 1
    response = live.answer(ReadDocument("buckets/3f"))
    assert isinstance(response, StoredDocument)
    assert (response.text, response.version) == (text, 1)


def test_a_write_with_an_old_version_is_a_conflict_and_changes_nothing(live: Live) -> None:
    live.answer(WriteDocument("lease", "first", 0))
    assert isinstance(live.answer(WriteDocument("lease", "second", 0)), Conflict)
    assert isinstance(live.answer(WriteDocument("lease", "third", 7)), Conflict)
    response = live.answer(ReadDocument("lease"))
    assert isinstance(response, StoredDocument)
    assert response.text == "first"


def test_a_deleted_document_keeps_its_version_so_that_it_can_be_written_again(
    place: Place, live: Live
) -> None:
    live.answer(WriteDocument("buckets/00", "a", 0))
    place.root.adapter.delete(f"/v1/{place.settings.registry_mount}/data/buckets/00")
    response = live.answer(ReadDocument("buckets/00"))
    assert isinstance(response, StoredDocument)
    assert (response.text, response.version) == (None, 1)
    assert isinstance(live.answer(WriteDocument("buckets/00", "b", 1)), Written)


def test_a_document_overwritten_by_hand_cannot_be_decoded_and_is_not_an_empty_one(
    place: Place, live: Live
) -> None:
    """Taken for empty, all clients of the bucket would be issued anew."""
    body = {"options": {"cas": 0}, "data": {"something": "else"}}
    place.root.adapter.post(f"/v1/{place.settings.registry_mount}/data/buckets/00", json=body)
    response = live.answer(ReadDocument("buckets/00"))
    assert isinstance(response, StoredDocument)
    assert response.text is not None
    with pytest.raises(RegistryError, match="buckets/00"):
        decode_bucket(response.text, PROJECT, "buckets/00")


def test_documents_are_listed_and_removed_with_all_versions(live: Live) -> None:
    assert live.list_documents("runs") == ()
    for name in ("20261123-b", "20261123-a"):
        live.answer(WriteDocument(f"runs/{name}", "{}", 0))
    assert live.list_documents("runs") == ("20261123-a", "20261123-b")
    live.delete_document("runs/20261123-a")
    live.delete_document("runs/20261123-a")
    assert live.list_documents("runs") == ("20261123-b",)
    response = live.answer(ReadDocument("runs/20261123-a"))
    assert isinstance(response, StoredDocument)
    assert response.version == 0


def test_time_is_the_servers(live: Live) -> None:
    now = live.now()
    response = live.answer(ReadDocument("meta"))
    assert isinstance(response, StoredDocument)
    for instant in (now, response.at):
        assert instant.tzinfo is UTC
        assert instant.microsecond == 0
        assert abs(instant - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_secret_is_stored_with_its_id_as_a_field_name(place: Place, live: Live) -> None:
    put(live, KEY_PATH, "id1")
    data = place.root.adapter.get(f"/v1/{place.settings.secrets_mount}/data/{KEY_PATH}").data[
        "data"
    ]
    assert data == {"value": "value-id1", "id": {"id1": ""}}


def test_a_placeholder_takes_up_a_version_and_has_no_value(place: Place, live: Live) -> None:
    written = live.answer(PutSecret(KEY_PATH, "id1", None, 0))
    assert isinstance(written, Written)
    assert written.version == 1
    data = place.root.adapter.get(f"/v1/{place.settings.secrets_mount}/data/{KEY_PATH}").data[
        "data"
    ]
    assert data == {"id": {"id1": ""}}
    subkeys = live.answer(ReadSubkeys(KEY_PATH))
    assert isinstance(subkeys, Subkeys)
    assert subkeys.ids == {"id1"}


def test_a_secret_written_twice_with_one_cas_is_a_conflict(live: Live) -> None:
    put(live, KEY_PATH, "id1")
    assert isinstance(live.answer(PutSecret(KEY_PATH, "id2", Secret("v"), 0)), Conflict)
    subkeys = live.answer(ReadSubkeys(KEY_PATH))
    assert isinstance(subkeys, Subkeys)
    assert (subkeys.version, subkeys.ids) == (1, frozenset({"id1"}))


def test_subkeys_of_every_kind_of_version(place: Place, live: Live) -> None:
    def seen(version: int | None) -> tuple[int, frozenset[str]]:
        response = live.answer(ReadSubkeys(KEY_PATH, version))
        assert isinstance(response, Subkeys)
        return response.version, response.ids

    assert seen(None) == (0, frozenset())
    put(live, KEY_PATH, "id1", "id2")
    assert seen(None) == (2, frozenset({"id2"}))
    assert seen(1) == (1, frozenset({"id1"}))
    assert seen(3) == (0, frozenset())
    assert isinstance(live.answer(DestroyVersions(KEY_PATH, (1,))), Done)
    assert seen(1) == (1, frozenset())
    by_hand = {"options": {"cas": 2}, "data": {"id": "not ours", "value": "x"}}
    place.root.adapter.post(f"/v1/{place.settings.secrets_mount}/data/{KEY_PATH}", json=by_hand)
    assert seen(None) == (3, frozenset())


def test_destroying_shows_in_the_metadata_only(live: Live) -> None:
    assert isinstance(live.answer(DestroyVersions(KEY_PATH, (1, 2))), Done), (
        "nothing is there: 204 all the same"
    )
    assert info(live, KEY_PATH) is None
    put(live, KEY_PATH, "id1", "id2")
    live.answer(DestroyVersions(KEY_PATH, (1,)))
    live.answer(DestroyVersions(KEY_PATH, (1,)))
    live.answer(DestroyVersions(KEY_PATH, ()))
    assert info(live, KEY_PATH) == SecretInfo(2, frozenset({1}))


def test_metadata_tells_when_the_newest_version_was_written(live: Live) -> None:
    before = live.now()
    put(live, KEY_PATH, "id1", "id2")
    listed, known = live.list_secrets("keys", deep=True)
    for found in (info(live, KEY_PATH), listed[KEY_PATH]):
        assert found is not None
        assert found.created is not None
        assert before <= found.created <= live.now()
    assert known


def test_metadata_tells_versions_deleted_and_pruned_and_settings_made_by_hand(
    place: Place, live: Live
) -> None:
    put(live, KEY_PATH, "id1", "id2", "id3")
    base = f"/v1/{place.settings.secrets_mount}"
    place.root.adapter.post(f"{base}/delete/{KEY_PATH}", json={"versions": [2]})
    assert info(live, KEY_PATH) == SecretInfo(3, frozenset(), frozenset({2}))
    place.root.adapter.post(
        f"{base}/metadata/{KEY_PATH}", json={"max_versions": 200, "custom_metadata": {"by": "hand"}}
    )
    assert info(live, KEY_PATH) == SecretInfo(3, frozenset(), frozenset({2}), edited=True)
    assert isinstance(live.answer(ResetMetadata(KEY_PATH)), Done)
    after = info(live, KEY_PATH)
    assert after is not None
    assert not after.edited
    place.root.adapter.post(f"{base}/metadata/{KEY_PATH}", json={"delete_version_after": "1h"})
    after = info(live, KEY_PATH)
    assert after is not None
    assert after.edited


@pytest.mark.openbao_only
def test_versions_that_the_mount_pruned_cannot_be_read(place: Place, live: Live) -> None:
    place.root.adapter.post(f"/v1/{place.settings.secrets_mount}/config", json={"max_versions": 2})
    put(live, KEY_PATH, "id1", "id2", "id3", "id4")
    found = info(live, KEY_PATH)
    assert found is not None
    assert [found.holds(number) for number in (1, 2, 3, 4, 5)] == [False, False, True, True, False]
    assert place.live("planner").list_secrets("keys", deep=False)[0] == {KEY_PATH: found}


def test_a_version_whose_deletion_lies_in_the_future_is_there(place: Place, live: Live) -> None:
    put(live, KEY_PATH, "id1")
    place.root.adapter.post(
        f"/v1/{place.settings.secrets_mount}/metadata/{KEY_PATH}",
        json={"delete_version_after": "1h"},
    )
    before = live.now()
    live.answer(PutSecret(KEY_PATH, "id2", Secret("v"), 1))
    found = info(live, KEY_PATH)
    assert found is not None
    assert found == SecretInfo(2, edited=True, deletes="1h0m0s", ends=found.ends)
    assert (set(found.ends), found.holds(2)) == ({2}, True)
    hour, second = timedelta(hours=1), timedelta(seconds=1)
    assert before + hour - second <= found.ends[2] <= live.now() + hour + second


@pytest.mark.parametrize(
    ("detailed", "deep", "known"), [(True, False, True), (False, True, True), (False, False, False)]
)
@pytest.mark.parametrize("role", ["planner", "run"])
@pytest.mark.openbao_only
def test_listing_secrets(place: Place, role: str, detailed: bool, deep: bool, known: bool) -> None:
    """One LIST with the details, or names and a read for each, or names only: the same paths each
    time."""
    writer = place.live("run")
    put(writer, KEY_PATH, "id1", "id2")
    put(writer, "keys/quickbooks.primary", "id3")
    put(writer, WEBHOOK, "id4")
    writer.answer(DestroyVersions(KEY_PATH, (1,)))
    by_hand = {"options": {"cas": 0}, "data": {"x": "y"}}
    place.root.adapter.post(
        f"/v1/{place.settings.secrets_mount}/data/keys/Unmanaged Thing", json=by_hand
    )
    live = place.live(role, detailed=detailed)
    found, versions_known = live.list_secrets("keys", deep=deep)
    assert versions_known is known
    assert set(found) == {KEY_PATH, "keys/quickbooks.primary", "keys/Unmanaged Thing"}
    assert found[KEY_PATH] == (SecretInfo(2, frozenset({1})) if known else SecretInfo())
    assert set(live.list_secrets("webhooks", deep=deep)[0]) == {WEBHOOK}


@pytest.mark.parametrize("detailed", [True, False])
def test_listing_an_empty_folder(place: Place, detailed: bool) -> None:
    assert place.live("planner", detailed=detailed).list_secrets("keys", deep=True)[0] == {}


def test_a_signing_secret_is_read_by_version(live: Live) -> None:
    put(live, WEBHOOK, "id1", "id2")
    secret = live.read_secret(WEBHOOK, 1)
    assert secret is not None
    assert secret.reveal() == "value-id1"
    live.answer(DestroyVersions(WEBHOOK, (1,)))
    assert live.read_secret(WEBHOOK, 1) is None
    assert live.read_secret(WEBHOOK, 9) is None
    live.answer(PutSecret(WEBHOOK, "id3", None, 2))
    with pytest.raises(VaultError, match="by hand"):
        live.read_secret(WEBHOOK, 3)


def test_a_receiver_reads_the_versions_that_are_left_the_newest_first(live: Live) -> None:
    def readable() -> list[tuple[int, str]]:
        return [(number, one.reveal()) for number, one in readable_versions(live, WEBHOOK)]

    assert readable() == []
    put(live, WEBHOOK, "id1", "id2", "id3")
    assert readable() == [(3, "value-id3"), (2, "value-id2"), (1, "value-id1")]
    live.answer(DestroyVersions(WEBHOOK, (2,)))
    assert readable() == [(3, "value-id3"), (1, "value-id1")]
    live.answer(DestroyVersions(WEBHOOK, (3,)))
    assert readable() == [(1, "value-id1")]


def test_a_key_is_never_read_back_whatever_the_token_may_do(place: Place) -> None:
    put(place.root, KEY_PATH, "id1")
    with pytest.raises(VaultError, match="never read back"):
        place.root.read_secret(KEY_PATH, 1)


def test_independent_requests_are_answered_in_order(live: Live) -> None:
    names = bucket_names()
    written = live.answer_all([WriteDocument(f"buckets/{name}", name, 0) for name in names])
    assert all(isinstance(response, Written) for response in written)
    assert _texts(live.answer_all([ReadDocument(f"buckets/{name}") for name in names])) == list(
        names
    )
    assert live.answer_all([]) == []


def test_of_several_requests_the_error_of_one_is_raised(live: Live) -> None:
    """Which of the others were begun is chance; that those are waited for is tested in
    ``test_at_once``."""
    requests = [
        WriteDocument("meta", "{}", 1),
        *(WriteDocument(f"buckets/0{n}", "x", 0) for n in range(8)),
    ]
    with pytest.raises(VaultError) as caught:
        live.answer_all(requests)
    assert caught.value.code == "RC404"


def test_requests_of_the_engine_are_not_answered_here(live: Live) -> None:
    with pytest.raises(TypeError):
        live.answer(Mint(KEY))


@pytest.mark.parametrize(
    "request_",
    [
        ReadDocument("../../sys/policies/acl/root"),
        ReadDocument("buckets/../meta"),
        ReadDocument("buckets/3f\n"),
        ReadDocument("buckets"),
        ReadDocument("runs/a/b"),
        ReadDocument("meta?version=1"),
        WriteDocument("keys/a.b", "x", 0),
        PutSecret("keys/a", "id", None, 0),
        PutSecret("keys/a.b.c", "id", None, 0),
        PutSecret("keys/a.b%2e%2e", "id", None, 0),
        PutSecret("other/a.b", "id", None, 0),
        ReadSubkeys("keys/A.b"),
        ReadMetadata("keys/../a.b"),
        DestroyVersions("/keys/a.b", (1,)),
        ResetMetadata("keys/a..b"),
    ],
    ids=str,
)
def test_a_path_that_could_leave_its_place_is_never_sent(place: Place, request_: object) -> None:
    """With a dead address: the refusal comes before any request."""
    live = place.live_with("t", address="http://127.0.0.1:1")
    with pytest.raises(VaultError) as caught:
        live.answer(request_)  # type: ignore[arg-type]
    assert caught.value.code == "RC415"


def test_names_that_are_not_ours_are_not_documents(place: Place, live: Live) -> None:
    body = {"options": {"cas": 0}, "data": {"doc": "x"}}
    for name in ("runs/Not-Ours", "runs/folder/inside"):
        place.root.adapter.post(f"/v1/{place.settings.registry_mount}/data/{name}", json=body)
    assert live.list_documents("runs") == ()
    for call in (live.list_documents, lambda folder: live.list_secrets(folder, deep=False)):
        with pytest.raises(VaultError) as caught:
            call("../sys")
        assert caught.value.code == "RC415"


def test_the_stored_meta_is_canonical(place: Place) -> None:
    response = place.live("planner").answer(ReadDocument("meta"))
    assert isinstance(response, StoredDocument)
    assert response.text is not None
    assert json.loads(response.text) == {
        "format": 2, "project": "acme-integrations", "environment": place.name, "buckets": 256,
    }  # fmt: skip


def _texts(responses: Sequence[Response]) -> list[str | None]:
    return [response.text for response in responses if isinstance(response, StoredDocument)]
