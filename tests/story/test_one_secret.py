"""One signing secret is rotated and revoked by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.git.checkout import Checkout, Ran
from tests.kit.webhooks.receivers import Receiver, answers, receiving

KEY, SECRET = "keys/partner.primary", "webhooks/partner.settlements"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(answers(204)) as made:
        yield made


@pytest.fixture
def hooked(checkout: Checkout, receiver: Receiver) -> Checkout:
    checkout.hooked("partner", receiver.url)
    checkout.commit()
    checkout.apply().ok()
    return checkout


def asked(checkout: Checkout, command: str, target: str) -> Ran:
    given = ("--reason", "compromise", "--format", "json")
    return checkout.run(command, "-e", checkout.environment, target, *given)


def newest(checkout: Checkout) -> tuple[int, int]:
    written = checkout.everything_written()
    return written[f"secrets/metadata/{KEY}"], written[f"secrets/metadata/{SECRET}"]


@pytest.mark.parametrize(
    "target",
    [
        "partner/settlements",
        "client/partner/webhook/settlements",
        "client/partner/webhook/settlements/secret",
    ],
)
def test_a_rotation_of_one_signing_secret_proves_the_webhook_and_leaves_the_key(
    hooked: Checkout, receiver: Receiver, target: str
) -> None:
    before = len(receiver.seen)
    done = asked(hooked, "rotate", target).ok().json["outcomes"]
    assert [one["kind"] for one in done] == ["rotate-secret", "verify-webhook"]
    assert newest(hooked) == (1, 2)
    assert len(receiver.seen) > before, "it proved itself with the new secret"
    assert hooked.secret(SECRET, 1), "the old one works on through its grace"
    hooked.assert_quiet()


def test_a_rotation_of_the_client_means_its_keys(hooked: Checkout) -> None:
    asked(hooked, "rotate", "partner").ok()
    assert newest(hooked) == (2, 1)


def test_a_revocation_of_one_signing_secret_leaves_the_key(hooked: Checkout) -> None:
    done = asked(hooked, "revoke", "partner/settlements").ok().json["outcomes"]
    assert [(one["kind"], one["address"]) for one in done] == [
        ("revoke-secret", "client/partner/webhook/settlements/secret")
    ]
    assert hooked.secret(SECRET) is None
    assert hooked.secret(KEY)
    assert hooked.versions("partner") == {1: "active"}
    assert "reissueAfter: 1" in hooked.plan().out


def test_a_webhook_that_is_declared_otherwise_proves_itself_with_the_next_apply(
    hooked: Checkout, receiver: Receiver
) -> None:
    """A rotation brings no change of the declaration along."""
    hooked.hooked("partner", f"{receiver.url}/elsewhere")
    hooked.commit()
    done = asked(hooked, "rotate", "partner/settlements").ok().json["outcomes"]
    assert [one["kind"] for one in done] == ["rotate-secret"]
    hooked.apply().ok()
    hooked.assert_quiet()


def test_a_key_and_a_webhook_of_one_name_are_told_apart_by_their_address(
    checkout: Checkout, receiver: Receiver
) -> None:
    checkout.hooked("partner", receiver.url)
    text = (checkout.root / "clients/partner.yaml").read_text()
    checkout.write("clients/partner.yaml", text.replace("name: settlements", "name: primary"))
    checkout.commit()
    checkout.apply().ok()
    before = checkout.everything_written()
    for command in ("rotate", "revoke"):
        refused = asked(checkout, command, "partner/primary")
        assert (refused.code, refused.json["code"]) == (64, "RC358")
        for address in ("client/partner/key/primary", "client/partner/webhook/primary"):
            assert address in refused.json["remedy"]
    assert checkout.everything_written() == before
    asked(checkout, "rotate", "client/partner/webhook/primary").ok()
    asked(checkout, "revoke", "client/partner/key/primary").ok()
    assert checkout.secret("webhooks/partner.primary", 2)
    assert checkout.secret(KEY) is None


def test_what_the_client_does_not_have_is_named_with_what_it_has(hooked: Checkout) -> None:
    for command in ("rotate", "revoke"):
        refused = asked(hooked, command, "partner/nothing")
        assert (refused.code, refused.json["code"]) == (64, "RC362")
        assert "settlements" in refused.json["remedy"]
        assert "primary" in refused.json["remedy"]
        assert asked(hooked, command, "client/partner/key/settlements").json["code"] == "RC362"
