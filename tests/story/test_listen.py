"""``listen`` with secrets from Vault: the declared scheme, a rotation, a token that may read
nothing else."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from typing import Any

import pytest

from reconciler.domain.declared.schemes import SCHEMES, STANDARD_WEBHOOKS
from reconciler.domain.secrecy import holds_secret
from tests.kit.git.checkout import Checkout
from tests.kit.webhooks.listener import Listener, listening

PATH = "webhooks/partner.settlements"
CUSTOM = {
    "scheme": "custom",
    "algorithm": "hmac-sha512",
    "custom": {"header": "X-Acme-Signature", "signed": ["body"], "tag": "s1="},
}


def target(checkout: Checkout) -> str:
    return f"vault:{checkout.environment}/partner/settlements"


def as_deliverer(checkout: Checkout) -> dict[str, str]:
    return {"VAULT_TOKEN": checkout.place.token("deliverer")}


def write(checkout: Checkout, cas: int, value: str) -> None:
    """A version of the signing secret, as an apply writes it."""
    body = {"options": {"cas": cas}, "data": {"value": value, "id": {"x": ""}}}
    checkout.vault("POST", f"secrets/data/{PATH}", body)


def origins(out: str) -> list[Any]:
    """Which version verified each delivery; the reason of what was refused."""
    return [
        one["secret"]["version"] if one["secret"] else one["reason"]
        for one in map(json.loads, out.splitlines())
        if one["kind"] == "received"
    ]


def test_started_before_anything_was_issued_it_proves_the_webhook(checkout: Checkout) -> None:
    checkout.hooked("partner", "http://127.0.0.1:1")
    with listening(
        checkout.root, "--secret-from", target(checkout), **as_deliverer(checkout)
    ) as there:
        checkout.hooked("partner", f"http://127.0.0.1:{there.port}/in")
        checkout.commit()
        checkout.apply().ok()
        assert checkout.status("partner")["status"] == "active"
        out, err = there.end(signal.SIGINT)
    assert "no secrets" in there.first
    assert "no secret has been issued yet" in err
    assert f"by secret 1 of 1 ({target(checkout)}, version 1)" in out
    assert "marked as a test delivery" in out
    assert not holds_secret(out + err)
    assert checkout.place.token("deliverer") not in out + err


def test_a_rotation_is_picked_up_and_a_version_that_is_destroyed_is_not_held(
    checkout: Checkout,
) -> None:
    first, second, third = (f"whsec_{digits * 32}" for digits in ("0a", "1b", "2c"))
    checkout.hooked("partner", "http://127.0.0.1:1")
    write(checkout, 0, first)
    arguments = ("--secret-from", target(checkout), "--format", "json", "--count", "6")
    with listening(checkout.root, *arguments, **as_deliverer(checkout)) as there:
        assert there.signed(STANDARD_WEBHOOKS, first) == 204
        write(checkout, 1, second)
        assert there.signed(STANDARD_WEBHOOKS, second) == 204
        assert there.signed(STANDARD_WEBHOOKS, first) == 204  # its grace
        checkout.vault("PUT", f"secrets/destroy/{PATH}", {"versions": [1]})
        write(checkout, 2, third)
        assert there.signed(STANDARD_WEBHOOKS, third) == 204
        assert there.signed(STANDARD_WEBHOOKS, first) == 401
        checkout.vault("PUT", f"secrets/destroy/{PATH}", {"versions": [2, 3]})
        assert there.signed(STANDARD_WEBHOOKS, "whsec_" + "3d" * 32) == 401
        out, err = there.end()
    assert origins(out) == [1, 2, 1, 3, "SignatureMismatch", "NotVerified"]
    assert not holds_secret(out + err)


@pytest.mark.parametrize("declared", [{"scheme": "github"}, CUSTOM], ids=["github", "custom"])
def test_the_declared_scheme_is_used(checkout: Checkout, declared: dict[str, Any]) -> None:
    secret = "whsec_" + "0a" * 32
    checkout.hooked("partner", "http://127.0.0.1:1", webhook={"signature": declared})
    write(checkout, 0, secret)
    webhook = target(checkout).removeprefix("vault:")
    for arguments, variables in (
        (("--secret-from", target(checkout)), as_deliverer(checkout)),
        (("--webhook", webhook, "--secret-from", "env:S"), {"S": secret}),
    ):
        with listening(checkout.root, *arguments, **variables) as there:
            scheme = SCHEMES["github"] if declared["scheme"] == "github" else custom(there)
            assert there.signed(scheme, secret) == 204
            assert there.signed(STANDARD_WEBHOOKS, secret) == 401


def custom(there: Listener) -> Any:
    assert "scheme custom" in there.first
    return replace(SCHEMES["paystack"], header="x-acme-signature", tag="s1=")


def test_a_renamed_client_keeps_its_path(checkout: Checkout) -> None:
    secret = "whsec_" + "0a" * 32
    write(checkout, 0, secret)
    checkout.hooked("shop", "http://127.0.0.1:1", metadata={"renamedFrom": "partner"})
    source = f"vault:{checkout.environment}/shop/settlements"
    with listening(checkout.root, "--secret-from", source, **as_deliverer(checkout)) as there:
        assert there.signed(STANDARD_WEBHOOKS, secret) == 204


def test_what_is_not_declared_and_what_the_token_may_not_is_told(checkout: Checkout) -> None:
    checkout.hooked("partner", "http://127.0.0.1:1")
    environment = checkout.environment

    def refused(source: str, role: str = "deliverer") -> str:
        ran = checkout.run("listen", "--port", "0", "--secret-from", source, role=role)
        assert ran.code != 0
        assert ran.out == ""
        return ran.err

    assert "name one of: partner" in refused(f"vault:{environment}/partnr/settlements")
    assert "name one of: settlements" in refused(f"vault:{environment}/partner/settlement")
    assert "RC002" in refused("vault:nowhere/partner/settlements")
    denied = refused(target(checkout), role="planner")
    assert "error[RC404]" in denied
    assert "deliverer" in denied
    write(checkout, 0, "by hand")
    assert "error[RC032]" in refused(target(checkout))
    checkout.vault(
        "POST", f"secrets/data/{PATH}", {"options": {"cas": 1}, "data": {"other": "field"}}
    )
    assert "error[RC417]" in refused(target(checkout))


def test_while_vault_cannot_be_read_it_goes_on_with_what_it_holds(checkout: Checkout) -> None:
    secret = "whsec_" + "0a" * 32
    checkout.hooked("partner", "http://127.0.0.1:1")
    write(checkout, 0, secret)
    token = checkout.place.new_token("deliverer")
    with listening(
        checkout.root, "--secret-from", target(checkout), "--count", "2", VAULT_TOKEN=token
    ) as there:
        checkout.place.root.adapter.post("/v1/auth/token/revoke", json={"token": token})
        assert there.signed(STANDARD_WEBHOOKS, "whsec_" + "3d" * 32) == 401
        assert there.signed(STANDARD_WEBHOOKS, secret) == 204
        out, err = there.end()
    assert "cannot be read again: RC405" in err
    assert token not in out + err
