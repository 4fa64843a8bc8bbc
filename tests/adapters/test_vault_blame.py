"""Whose fault it is: another program than Vault, a mistyped mount, a token that is used up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.adapters.vault.auth import connect
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.meta import read_meta
from reconciler.app.setup.doctor import examine
from reconciler.errors import VaultError
from tests.kit.programs.loopback import loopback, reply
from tests.kit.vault.places import HASTY, PROJECT, Place, settings_for

pytestmark = pytest.mark.openbao


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (reply(403, '{"detail":"Forbidden"}'), "not one of Vault's: status 403"),
        (reply(401, '{"message":"Unauthorized"}'), "not one of Vault's: status 401"),
        (reply(403, '{"kind":"Status","status":"Failure","code":403}'), "not one of Vault's"),
        (reply(404, '{"detail":"Not Found"}'), "not one of Vault's"),
        (reply(405, "<html>"), "not one of Vault's"),
        (reply(501, "<html>Unsupported method"), "not one of Vault's"),
        (reply(503, "<html>Service Unavailable"), "another program than Vault"),
        (reply(400, "Client sent an HTTP request to an HTTPS server.\n"), "speaks TLS"),
        (reply(400, "The plain HTTP request was sent to HTTPS port"), "speaks TLS"),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "another program than Vault"),
        (b"-ERR unknown command\r\n", "another program than Vault"),
        (reply(200, '{"status":"ok"}'), "not one of Vault's"),
    ],
    ids=lambda value: value[:70].decode() if isinstance(value, bytes) else None,
)
def test_a_server_that_is_not_vault_is_called_so(answer: bytes, says: str) -> None:
    """Not an expired token, not a missing policy, not a server that is to be initialised."""
    with (
        loopback(lambda _: answer) as served,
        Live(settings_for(served.address, "staging"), patience=HASTY) as live,
    ):
        live.adapter.token = "hvs.somebody"
        with pytest.raises(VaultError) as caught:
            read_meta(live, PROJECT, "staging")
        assert caught.value.code in ("RC401", "RC402", "RC413")
        assert says in caught.value.message
        assert "vault.address" in caught.value.remedy
        (server,) = examine(live, PROJECT, "staging")
        assert (server.name, server.result) == ("server", "fail")


@pytest.mark.parametrize("role", ["planner", "run"])
@pytest.mark.parametrize("field", ["registry_mount", "secrets_mount"])
def test_a_mistyped_mount_is_named_and_no_policy_is_blamed(
    place: Place, role: str, field: str
) -> None:
    mistyped = getattr(place.settings, field).replace("integrations", "integration")
    live = place.live_with(place.token(role), **{field: mistyped})
    look: dict[str, Callable[[], object]] = {"registry_mount": lambda: read_meta(live, PROJECT, place.name),
            "secrets_mount": lambda: live.list_secrets("keys", deep=False)}  # fmt: skip
    with pytest.raises(VaultError) as caught:
        look[field]()
    assert f"sees no mount {mistyped}/" in caught.value.message
    assert "vault.mounts" in caught.value.remedy
    assert "bootstrap" not in caught.value.remedy


def test_an_administrator_is_told_that_nothing_is_mounted_there(place: Place) -> None:
    live = place.live_with(place.token("root"), registry_mount="integration/x")
    with pytest.raises(VaultError, match="nothing is mounted at integration/x/") as caught:
        read_meta(live, PROJECT, place.name)
    assert caught.value.code == "RC408"


def test_a_role_that_lacks_a_capability_below_its_mount_is_blamed(place: Place) -> None:
    live = place.live("planner")
    read_meta(live, PROJECT, place.name)
    with pytest.raises(VaultError, match="lacks a capability of the applier role"):
        live.delete_document("runs/one")


@pytest.mark.parametrize("uses", [1, 2, 3])
def test_a_token_that_was_good_for_a_few_requests(place: Place, uses: int) -> None:
    token = place.new_token("planner", num_uses=uses)
    settings = replace(place.settings, environment=place.name)
    with connect(settings, {"VAULT_TOKEN": token}, patience=HASTY) as live:
        for _ in range(uses - 1):  # the token is asked how long it lives with the first one
            read_meta(live, PROJECT, place.name)
        with pytest.raises(VaultError, match="number of requests only") as caught:
            read_meta(live, PROJECT, place.name)
    assert caught.value.code == "RC405"
    assert "num_uses" in caught.value.message
    assert "-use-limit" in caught.value.remedy


@pytest.mark.parametrize("uses", range(2, 14, 2))
def test_doctor_stops_where_the_uses_of_the_token_end(place: Place, uses: int) -> None:
    token = place.new_token("planner", num_uses=uses)
    with connect(
        replace(place.settings, environment=place.name), {"VAULT_TOKEN": token}, patience=HASTY
    ) as live:
        checks = examine(live, PROJECT, place.name)
    assert checks[-1].result == "fail"
    assert "used up" in checks[-1].sentence
    untrue = (
        "is missing",
        "token is valid but",
        "sees no mount",
    )  # all is there, and the token may read it
    assert [one.sentence for one in checks if any(text in one.sentence for text in untrue)] == []


def test_doctor_warns_of_a_token_with_few_uses(place: Place) -> None:
    live = place.live_with(place.new_token("planner", num_uses=50))
    token = next(check for check in examine(live, PROJECT, place.name) if check.name == "token")
    assert token.result == "warn"
    assert "good for 4" in token.sentence
    assert "without a limit" in token.remedy
