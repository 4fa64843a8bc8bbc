"""Key pairs in the transit engine, where the server does not do what it usually does."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.live import Live
from reconciler.errors import VaultError
from reconciler.registry.requests import MakeTransitKey, PublicKey, RemoveTransitKey
from reconciler.webhooks.signature.ed25519 import is_valid, public_bytes
from tests.kit.vault.places import Place
from tests.kit.vault.proxy import Action, Proxy, Rule, answering, passing, proxying

pytestmark = pytest.mark.openbao

NAME = "webhook.partner.settlements.1"
DATED = "Date: Mon, 23 Nov 2026 22:44:58 GMT"


@pytest.fixture
def proxy(place: Place) -> Iterator[Proxy]:
    with proxying(place.server.address) as made:
        yield made


@pytest.fixture
def live(place: Place, proxy: Proxy) -> Live:
    return place.live_with(place.token("run"), address=proxy.address)


def on(method: str, part: str, action: Action) -> Rule:
    return lambda _number, asked, path: (
        action if asked == method and part in path else passing(0, asked, path)
    )


def keys_of(place: Place) -> list[str]:
    found = place.root.adapter.list(f"/v1/{place.settings.transit_mount}/keys").data["keys"]
    return [name for name in found if name.startswith("webhook.")]


def test_a_key_that_is_not_there_after_it_was_made(live: Live, proxy: Proxy) -> None:
    proxy.rule = on("GET", "/keys/webhook.", answering(404, '{"errors":[]}', DATED))
    with pytest.raises(VaultError, match="was just made and is not there") as caught:
        live.answer(MakeTransitKey(NAME))
    assert caught.value.code == "RC413"
    proxy.rule = passing
    assert isinstance(live.answer(MakeTransitKey(NAME)), PublicKey), "the next try finds it"


@pytest.mark.parametrize(
    "options",
    [
        {"type": "aes256-gcm96"}, {"type": "ecdsa-p256"}, {"type": "ed25519", "exportable": True},
        {"type": "ed25519", "allow_plaintext_backup": True},
    ],
    ids=str,
)  # fmt: skip
def test_a_key_of_another_sort_is_never_used(
    place: Place, live: Live, options: dict[str, object]
) -> None:
    place.root.adapter.post(f"/v1/{place.settings.transit_mount}/keys/{NAME}", json=options)
    with pytest.raises(VaultError, match="no ed25519 key that stays in the server") as caught:
        live.answer(MakeTransitKey(NAME))
    assert caught.value.code == "RC419"
    assert keys_of(place) == [NAME], "it is left as it is: it is somebody's"


def test_a_read_of_a_key_that_is_refused_is_no_absent_key(
    place: Place, live: Live, proxy: Proxy
) -> None:
    proxy.rule = on("GET", "/keys/webhook.", answering(400, '{"errors":["unsupported"]}', DATED))
    for request in (MakeTransitKey(NAME), RemoveTransitKey(NAME)):
        with pytest.raises(StatusError, match="400"):
            live.answer(request)
    assert keys_of(place) == []


def test_a_key_without_a_public_half(live: Live, proxy: Proxy) -> None:
    proxy.rule = on(
        "GET",
        "/keys/webhook.",
        answering(200, '{"data":{"type":"ed25519","keys":{"2":{}}}}', DATED),
    )
    with pytest.raises(VaultError, match="no public key of version 1") as caught:
        live.answer(MakeTransitKey(NAME))
    assert caught.value.code == "RC413"


@pytest.mark.parametrize(
    "signature",
    [
        "vault:v1:" + base64.b64encode(b"x" * 63).decode(), "vault:v1:" + base64.b64encode(b"x" * 65).decode(),
        "vault:v1:%%%", "vault:v1:", "", base64.b64encode(b"x" * 64).decode(),
    ],
)  # fmt: skip
def test_what_is_no_signature_is_never_sent(live: Live, proxy: Proxy, signature: str) -> None:
    live.answer(MakeTransitKey(NAME))
    answer = f'{{"data":{{"signature":"{signature}"}}}}'
    proxy.rule = on("POST", "/sign/", answering(200, answer, DATED))
    with pytest.raises(VaultError, match="not an ed25519 signature") as caught:
        live.sign(NAME, b"content")
    assert caught.value.code == "RC413"


def test_a_signature_verifies_by_the_public_half(live: Live) -> None:
    made = live.answer(MakeTransitKey(NAME))
    assert isinstance(made, PublicKey)
    assert is_valid(public_bytes(made.text), live.sign(NAME, b"content"), b"content")
    again = live.answer(MakeTransitKey(NAME))
    assert isinstance(again, PublicKey)
    assert again.text == made.text, "the present key is used"


def test_a_key_that_does_not_go_away_is_told(place: Place, live: Live, proxy: Proxy) -> None:
    live.answer(MakeTransitKey(NAME))
    proxy.rule = on("DELETE", "/keys/", answering(204, "", DATED))
    with pytest.raises(VaultError, match="still there after it was removed"):
        live.answer(RemoveTransitKey(NAME))
    proxy.rule = passing
    live.answer(RemoveTransitKey(NAME))
    assert keys_of(place) == []
