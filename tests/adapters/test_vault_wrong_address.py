"""Settings that lead to the wrong place: what is likely wrong is said, and nothing is taken for
missing."""

from __future__ import annotations

import json

import pytest

from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.meta import existing_meta, read_meta
from reconciler.app.setup.doctor import examine
from reconciler.domain.declared.desired import VaultSettings
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import VaultError
from reconciler.registry.requests import (
    PutSecret,
    ReadDocument,
    ReadMetadata,
    ReadSubkeys,
    Request,
    WriteDocument,
)
from tests.kit.programs.loopback import Seen, loopback, reply
from tests.kit.vault.places import HASTY, PROJECT, Place

pytestmark = pytest.mark.openbao

HTML = "<html><body>Not here</body></html>"
REQUESTS: list[Request] = [
    ReadDocument("meta"),
    ReadDocument("buckets/00"),
    ReadMetadata("keys/a.b"),
    ReadSubkeys("keys/a.b", 1),
    WriteDocument("lease", "text", 0),
    PutSecret("keys/a.b", "id1", Secret("acme_prod_value"), 0),
]


def live_at(address: str) -> Live:
    live = Live(
        VaultSettings(address, "i/e/registry", "i/e/secrets", "i/e/transit"), patience=HASTY
    )
    live.adapter.token = "hvs.somebody"
    return live


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/ui", "/vault", "/v1/sys"])
@pytest.mark.parametrize("role", ["planner", "root"])
def test_an_address_with_a_path_that_is_not_vault_s(place: Place, path: str, role: str) -> None:
    live = place.live_with(place.token(role), address=place.server.address + path)
    with pytest.raises(VaultError) as caught:
        read_meta(live, PROJECT, place.name)
    advice = f"take the path /{path.strip('/')} out of vault.address (or VAULT_ADDR)"
    assert advice in caught.value.remedy
    [server] = examine(live, PROJECT, place.name)
    assert (server.name, server.result) == ("server", "fail")
    assert advice in server.remedy


def test_an_address_without_a_path_is_not_suspected(place: Place) -> None:
    with pytest.raises(VaultError) as caught:
        read_meta(place.live_with("hvs.nobody"), PROJECT, place.name)
    assert caught.value.code == "RC405"
    assert "path" not in caught.value.remedy


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_a_namespace_that_does_not_exist_is_not_an_empty_one(
    place: Place, request_: Request
) -> None:
    live = place.live_with(place.token("root"), namespace="platfrom")
    with pytest.raises(VaultError) as caught:
        live.answer(request_)
    assert caught.value.code == "RC423"
    assert "no namespace platfrom" in caught.value.message
    assert "VAULT_NAMESPACE" in caught.value.remedy


def test_bootstrap_does_not_take_a_missing_namespace_for_a_new_environment(place: Place) -> None:
    live = place.live_with(place.token("root"), namespace="platfrom")
    with pytest.raises(VaultError) as caught:
        existing_meta(live, PROJECT, place.name)
    assert caught.value.code == "RC423"


def test_doctor_names_the_missing_namespace(place: Place) -> None:
    live = place.live_with(place.token("root"), namespace="platfrom")
    failed = [check for check in examine(live, PROJECT, place.name) if check.result == "fail"]
    assert any(
        "no namespace platfrom" in check.sentence and "VAULT_NAMESPACE" in check.remedy
        for check in failed
    )


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
@pytest.mark.parametrize("request_", REQUESTS[:4], ids=lambda request: str(request)[:40])
def test_a_page_of_another_program_means_nothing(status: int, request_: Request) -> None:
    """Above all a 404 of a proxy does not mean that a bucket or a secret is gone."""
    with loopback(lambda _: reply(status, HTML)) as served, live_at(served.address) as live:
        with pytest.raises(VaultError) as caught:
            live.answer(request_)
        assert caught.value.code == "RC413"
        assert f"status {status}" in caught.value.message
        assert "no proxy answers" in caught.value.remedy


@pytest.mark.parametrize("body", ["", "{}", '{"message":"not found"}', "[]", "null"])
def test_a_404_without_vault_s_own_words_does_not_mean_missing(body: str) -> None:
    with loopback(lambda _: reply(404, body)) as served, live_at(served.address) as live:
        for request in REQUESTS[:4]:
            with pytest.raises(VaultError) as caught:
                live.answer(request)
            assert caught.value.code == "RC413"


@pytest.mark.parametrize("status", [501, 503])
def test_a_server_that_says_so_is_not_initialised(status: int) -> None:
    def script(seen: Seen) -> bytes:
        told = json.dumps({"initialized": False, "sealed": True})
        return (
            reply(200, told)
            if seen.target == "/v1/sys/seal-status"
            else reply(status, '{"errors":[]}')
        )

    with loopback(script) as served, live_at(served.address) as live:
        for request in REQUESTS:
            with pytest.raises(VaultError) as caught:
                live.answer(request)
            assert caught.value.code == "RC403"
