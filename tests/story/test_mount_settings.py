"""Settings of a whole mount, or of one path, that would end versions: seen, and refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.git.checkout import Checkout, Ran


@pytest.fixture
def issued(checkout: Checkout) -> Checkout:
    checkout.client("one")
    checkout.commit()
    checkout.apply().ok()
    return checkout


def configure(checkout: Checkout, mount: str, **settings: Any) -> None:
    checkout.vault("POST", f"{mount}/config", settings)


def rotate(checkout: Checkout) -> Ran:
    return checkout.run(
        "rotate", "-e", checkout.environment, "one", "--reason", "asked", "--format", "json"
    )


def found(checkout: Checkout) -> dict[str, str]:
    return {one["code"]: one["message"] for one in checkout.plan().json["findings"]}


def bootstrap(checkout: Checkout) -> dict[str, str]:
    steps = (
        checkout.run("bootstrap", "-e", checkout.environment, "--format", "json", role="root")
        .ok()
        .json["steps"]
    )
    return {step["what"]: step["did"] for step in steps if step["did"] != "unchanged"}


def test_a_mount_that_keeps_one_version_is_told_and_refuses_a_rotation_only(
    issued: Checkout,
) -> None:
    configure(issued, "secrets", max_versions=1)
    assert "max_versions is 1, not 100" in found(issued)["RC312"]
    status = issued.run("status", "-e", issued.environment).ok().out
    assert "max_versions is 1" in status
    assert "nothing needs attention" not in status

    before = issued.everything_written()
    refused = rotate(issued)
    assert (refused.code, refused.json["code"]) == (3, "RC313")
    assert "would end version 1" in refused.json["message"]
    assert "bootstrap" in refused.json["remedy"]
    assert issued.everything_written() == before
    assert issued.secret("keys/one.primary", 1)

    issued.client("two")  # a first version ends no other one
    issued.commit()
    issued.apply().ok()
    assert bootstrap(issued) == {
        f"mount integrations/{issued.environment}/secrets/ (KV v2)": "updated"
    }
    rotate(issued).ok()
    assert issued.versions("one") == {1: "retiring", 2: "active"}
    assert issued.secret("keys/one.primary", 1), "it works on through its grace"


def test_as_many_versions_as_are_in_use_are_enough(issued: Checkout) -> None:
    configure(issued, "secrets", max_versions=2)
    rotate(issued).ok()
    refused = rotate(issued)
    assert (refused.code, refused.json["code"]) == (3, "RC313")
    assert issued.versions("one") == {1: "retiring", 2: "active"}
    assert issued.secret("keys/one.primary", 1)


def test_a_mount_that_deletes_versions_refuses_new_ones_and_bootstrap_keeps_those_that_are_there(
    issued: Checkout,
) -> None:
    configure(issued, "secrets", delete_version_after="1h")
    assert "delete_version_after is 1h0m0s, not 0s" in found(issued)["RC312"]
    issued.client("two")
    issued.commit()
    for refused in (rotate(issued), issued.apply()):
        assert (refused.code, refused.json["code"]) == (3, "RC313")
    assert issued.vault("GET", "secrets/metadata/keys/two.primary") is None

    # What was written by a version of this program that did not look.
    value = {"options": {"cas": 1}, "data": {"value": "x"}}
    issued.vault("POST", "secrets/data/keys/one.primary", value)
    assert issued.vault("GET", "secrets/metadata/keys/one.primary")["data"]["versions"]["2"][
        "deletion_time"
    ]
    assert bootstrap(issued) == {
        f"mount integrations/{issued.environment}/secrets/ (KV v2)": "updated"
    }


def test_a_version_in_use_that_will_be_deleted_is_told_and_kept_by_bootstrap(
    issued: Checkout,
) -> None:
    """The setting was taken back by hand; what was written meanwhile still has its end."""
    configure(issued, "secrets", delete_version_after="1h")
    issued.vault(
        "PUT", "secrets/undelete/keys/one.primary", {"versions": [1]}
    )  # as if it were written now
    configure(issued, "secrets", delete_version_after="0s")
    assert "version 1 of keys/one.primary is in use and will be deleted" in found(issued)["RC315"]
    assert bootstrap(issued) == {
        "versions that the server was to delete (delete_version_after)": "updated"
    }
    assert not issued.vault("GET", "secrets/metadata/keys/one.primary")["data"]["versions"]["1"][
        "deletion_time"
    ]
    assert not found(issued)
    assert bootstrap(issued) == {}


def test_a_registry_that_deletes_its_documents_is_not_written(issued: Checkout) -> None:
    configure(issued, "registry", delete_version_after="1h")
    assert "delete_version_after" in found(issued)["RC312"]
    before = issued.everything_written()
    issued.client("two")
    issued.commit()
    for refused in (rotate(issued), issued.apply()):
        assert (refused.code, refused.json["code"]) == (3, "RC314")
    assert issued.everything_written() == before

    revoked = issued.run("revoke", "-e", issued.environment, "one", "--reason", "compromise")
    assert revoked.code == 0, "an emergency is never refused"
    configure(issued, "registry", delete_version_after="0s")
    assert f"{issued.bucket('one')} of the registry will be deleted" in found(issued)["RC315"]
    assert "versions that the server was to delete (delete_version_after)" in bootstrap(issued)
    issued.apply().ok()
    assert not found(issued)


def test_the_settings_of_a_path_refuse_a_rotation_until_apply_resets_them(issued: Checkout) -> None:
    issued.vault("POST", "secrets/metadata/keys/one.primary", {"delete_version_after": "1h"})
    refused = rotate(issued)
    assert (refused.code, refused.json["code"]) == (3, "RC313")
    assert "keys/one.primary was set by hand" in refused.json["message"]
    issued.apply().ok()
    rotate(issued).ok()
    versions = issued.vault("GET", "secrets/metadata/keys/one.primary")["data"]["versions"]
    assert [one["deletion_time"] for one in versions.values()] == ["", ""]


def test_what_the_token_may_not_read_is_not_known(issued: Checkout) -> None:
    """A policy of before, or one's own: nothing is refused because of it, and the drift of the
    policy is told."""
    configure(issued, "secrets", max_versions=1)
    for role in ("planner", "applier"):
        name = f"sys/policies/acl/integrations-{issued.environment}-{role}"
        root = issued.place.root.adapter
        text = root.get(f"/v1/{name}").data["policy"]
        stanza = f'path "integrations/{issued.environment}/secrets/config"'
        root.post(
            f"/v1/{name}", json={"policy": text.replace(stanza, 'path "integrations/nowhere"')}
        )
    assert set(found(issued)) == {"RC355"}
    rotate(issued).ok()
