"""``bootstrap``: what it makes, that it is idempotent, and what it refuses without changing
anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.adapters.vault.setup.bootstrap import prepare_environment
from reconciler.adapters.vault.setup.meta import read_meta
from reconciler.adapters.vault.setup.policies import normalise_policy, policy_drift, policy_texts
from reconciler.errors import VaultError
from reconciler.registry.requests import WriteDocument, Written
from tests.kit.vault.places import PROJECT, Place

pytestmark = pytest.mark.openbao


def made(place: Place) -> list[str]:
    """Everything of the environment that the server knows of."""
    root = place.root.adapter
    mounts = root.get("/v1/sys/mounts").data
    policies = root.get("/v1/sys/policies/acl", params={"list": "true"}).data["keys"]
    return sorted(name for name in (*mounts, *policies) if place.name in name)


def test_everything_is_made_once(bare_place: Place) -> None:
    first = prepare_environment(bare_place.root, bare_place.name, PROJECT)
    assert {did for _, did in first} == {"created"}
    assert [what for what, _ in first][-1].endswith("/meta")
    second = prepare_environment(bare_place.root, bare_place.name, PROJECT)
    assert [what for what, _ in second] == [what for what, _ in first]
    assert {did for _, did in second} == {"unchanged"}
    config = bare_place.root.adapter.get(f"/v1/{bare_place.settings.registry_mount}/config").data
    assert (config["cas_required"], config["max_versions"]) == (True, 10)
    config = bare_place.root.adapter.get(f"/v1/{bare_place.settings.secrets_mount}/config").data
    assert (config["cas_required"], config["max_versions"]) == (True, 100)
    key = bare_place.root.adapter.get(f"/v1/{bare_place.settings.transit_mount}/keys/ledger").data
    assert (key["type"], key["exportable"], key["deletion_allowed"]) == ("ed25519", False, False)


def test_a_token_of_a_role_gets_its_policies_and_not_default(place: Place) -> None:
    data = place.live("run").adapter.get("/v1/auth/token/lookup-self").data
    assert data["policies"] == [
        f"integrations-{place.name}-{role}" for role in ("applier", "deliverer")
    ]
    assert data["orphan"] is True


@pytest.mark.parametrize("buckets", [16, 256, 4096])
def test_the_number_of_buckets_counts_at_the_first_time(bare_place: Place, buckets: int) -> None:
    prepare_environment(bare_place.root, bare_place.name, PROJECT, buckets)
    assert read_meta(bare_place.root, PROJECT, bare_place.name).buckets == buckets
    assert prepare_environment(bare_place.root, bare_place.name, PROJECT)[-1][1] == "unchanged"
    assert read_meta(bare_place.root, PROJECT, bare_place.name).buckets == buckets
    with pytest.raises(VaultError) as caught:
        prepare_environment(bare_place.root, bare_place.name, PROJECT, 16 if buckets != 16 else 256)
    assert caught.value.code == "RC418"


def test_another_number_of_buckets_is_refused(bare_place: Place) -> None:
    with pytest.raises(VaultError, match="not a number of buckets"):
        prepare_environment(bare_place.root, bare_place.name, PROJECT, 100)
    assert made(bare_place) == []


def test_what_was_changed_by_hand_is_put_right(place: Place) -> None:
    root = place.root.adapter
    root.post(
        f"/v1/{place.settings.secrets_mount}/config",
        json={"cas_required": False, "max_versions": 3},
    )
    root.post(
        f"/v1/{place.settings.transit_mount}/keys/ledger/config", json={"deletion_allowed": True}
    )
    planner = f"integrations-{place.name}-planner"
    root.post(
        f"/v1/sys/policies/acl/{planner}", json={"policy": 'path "*" { capabilities = ["read"] }'}
    )
    root.delete(f"/v1/sys/policies/acl/integrations-{place.name}-consumer")
    assert policy_drift(place.live("run"), place.name) == (
        planner,
        f"integrations-{place.name}-consumer",
    )
    done = dict(prepare_environment(place.root, place.name, PROJECT))
    changed = {what: did for what, did in done.items() if did != "unchanged"}
    assert changed == {
        f"mount {place.settings.secrets_mount}/ (KV v2)": "updated",
        f"signing key {place.settings.transit_mount}/keys/ledger": "updated",
        f"policy {planner}": "updated",
        f"policy integrations-{place.name}-consumer": "created",
    }
    assert policy_drift(place.live("run"), place.name) == ()


def test_a_bootstrap_that_was_killed_is_finished_by_the_next(bare_place: Place) -> None:
    root, settings = bare_place.root.adapter, bare_place.settings
    root.post(
        f"/v1/sys/mounts/{settings.registry_mount}",
        json={"type": "kv", "options": {"version": "2"}},
    )
    root.post(f"/v1/sys/mounts/{settings.transit_mount}", json={"type": "transit"})
    did = dict(prepare_environment(bare_place.root, bare_place.name, PROJECT))
    assert did[f"mount {settings.registry_mount}/ (KV v2)"] == "updated"
    assert did[f"mount {settings.transit_mount}/ (transit)"] == "unchanged"
    assert read_meta(bare_place.root, PROJECT, bare_place.name).buckets == 256


def test_a_meta_that_was_deleted_is_written_again(place: Place) -> None:
    place.root.adapter.delete(f"/v1/{place.settings.registry_mount}/data/meta")
    assert prepare_environment(place.root, place.name, PROJECT)[-1][1] == "created"
    assert read_meta(place.root, PROJECT, place.name).version == 2


def _kv1(place: Place, mount: str) -> None:
    place.root.adapter.post(
        f"/v1/sys/mounts/{mount}", json={"type": "kv", "options": {"version": "1"}}
    )


def _other(place: Place, mount: str) -> None:
    place.root.adapter.post(f"/v1/sys/mounts/{mount}", json={"type": "transit"})


@pytest.mark.parametrize(
    ("make", "found"), [(_kv1, "KV v1"), (_other, "transit")], ids=["kv-v1", "transit"]
)
@pytest.mark.parametrize("which", ["registry_mount", "secrets_mount"])
def test_a_mount_of_another_sort_is_refused_and_nothing_made(
    bare_place: Place, which: str, make: Callable[[Place, str], None], found: str
) -> None:
    mount = getattr(bare_place.settings, which)
    make(bare_place, mount)
    with pytest.raises(VaultError) as caught:
        prepare_environment(bare_place.root, bare_place.name, PROJECT)
    assert caught.value.code == "RC409"
    assert mount in caught.value.message
    assert found in caught.value.message
    assert made(bare_place) == [f"{mount}/"]


def test_a_mount_in_the_way_is_refused(bare_place: Place) -> None:
    bare_place.root.adapter.post(
        f"/v1/sys/mounts/{bare_place.settings.secrets_mount}/deeper", json={"type": "kv"}
    )
    with pytest.raises(VaultError) as caught:
        prepare_environment(bare_place.root, bare_place.name, PROJECT)
    assert caught.value.code == "RC409"
    assert len(made(bare_place)) == 1


@pytest.mark.parametrize(
    "body", [{"type": "aes256-gcm96"}, {"type": "ed25519", "exportable": True}], ids=str
)
def test_a_signing_key_that_can_leave_is_refused(bare_place: Place, body: dict[str, Any]) -> None:
    transit = bare_place.settings.transit_mount
    bare_place.root.adapter.post(f"/v1/sys/mounts/{transit}", json={"type": "transit"})
    bare_place.root.adapter.post(f"/v1/{transit}/keys/ledger", json=body)
    with pytest.raises(VaultError) as caught:
        prepare_environment(bare_place.root, bare_place.name, PROJECT)
    assert caught.value.code == "RC419"
    assert made(bare_place) == [f"{transit}/"]


def test_a_registry_of_another_project_is_refused(place: Place) -> None:
    for call in (
        prepare_environment,
        lambda live, environment, project: read_meta(live, project, environment),
    ):
        with pytest.raises(VaultError, match=PROJECT) as caught:
            call(place.root, place.name, "somebody-else")
        assert caught.value.code == "RC411"
    with pytest.raises(VaultError) as caught:
        read_meta(place.live("planner"), PROJECT, "another-environment")
    assert caught.value.code == "RC411"


@pytest.mark.parametrize("text", ["", "[]", "not json", '{"format":2}', '{"format":1,"buckets":7}'])
def test_a_meta_of_an_unknown_format_is_refused(place: Place, text: str) -> None:
    assert isinstance(place.root.answer(WriteDocument("meta", text, 1)), Written)
    with pytest.raises(VaultError) as caught:
        prepare_environment(place.root, place.name, PROJECT)
    assert caught.value.code == "RC411"


def test_without_bootstrap_the_error_says_what_is_missing(bare_place: Place) -> None:
    def code() -> str:
        with pytest.raises(VaultError) as caught:
            read_meta(bare_place.root, PROJECT, bare_place.name)
        assert "bootstrap" in caught.value.remedy or "vault.mounts" in caught.value.remedy
        return caught.value.code

    root, mount = bare_place.root.adapter, bare_place.settings.registry_mount
    assert code() == "RC408"
    _kv1(bare_place, mount)
    assert code() == "RC409"
    root.delete(f"/v1/sys/mounts/{mount}")
    root.post(f"/v1/sys/mounts/{mount}", json={"type": "kv", "options": {"version": "2"}})
    assert code() == "RC410"


def test_names_that_could_leave_a_path_are_refused(bare_place: Place) -> None:
    for environment, project in (
        ("../x", PROJECT),
        (bare_place.name, "A project"),
        ('x" { }', PROJECT),
    ):
        with pytest.raises(VaultError) as caught:
            prepare_environment(bare_place.root, environment, project)
        assert caught.value.code == "RC415"


def test_bootstrap_needs_an_administrator(place: Place) -> None:
    with pytest.raises(VaultError) as caught:
        prepare_environment(place.live("run"), place.name, PROJECT)
    assert caught.value.code == "RC404"
    assert "administrator" in caught.value.remedy


def test_drift_does_not_mind_layout_and_tolerates_what_the_token_may_not_read(place: Place) -> None:
    name = f"integrations-{place.name}-planner"
    text = policy_texts(place.name, place.settings)[name]
    loose = "# another comment\n\n" + text.replace("\n", "\n\n   ")
    place.root.adapter.post(f"/v1/sys/policies/acl/{name}", json={"policy": loose})
    assert normalise_policy(loose) == normalise_policy(text)
    assert policy_drift(place.live("planner"), place.name) == ()
    place.root.adapter.post(
        f"/v1/sys/policies/acl/{name}", json={"policy": loose.replace("list", "update")}
    )
    assert policy_drift(place.live("deliverer"), place.name) == ()
    assert policy_drift(place.live("run"), place.name) == (name,)
