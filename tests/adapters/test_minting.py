"""New keys: fair digits, whole keys, and nothing but the operating system's random source."""

from __future__ import annotations

import secrets
from collections import Counter

import pytest

from reconciler.adapters.system import minting
from reconciler.adapters.system.minting import RandomMinter
from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET, CredentialKind
from reconciler.domain.values import keytext


class Source:
    """In place of ``secrets.token_bytes``: gives out ``bytes`` in order, and counts the draws."""

    def __init__(self, given: bytes) -> None:
        self.given = given
        self.draws: list[int] = []

    def __call__(self, count: int) -> bytes:
        self.draws.append(count)
        drawn, self.given = self.given[:count], self.given[count:]
        assert len(drawn) == count
        return drawn


def test_each_digit_stands_for_as_many_bytes_as_every_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A random byte has 256 values, all equally likely. Of each one it is known what it gives."""
    given: Counter[str] = Counter()
    for byte in range(256):
        source = Source(bytes([byte]) + bytes(2))  # then two times the first digit, 0
        monkeypatch.setattr(secrets, "token_bytes", source)
        digit = minting._base62(1)
        given[digit if len(source.draws) == 1 else "refused"] += 1
    assert given == {**dict.fromkeys(keytext.ALPHABET, 4), "refused": 8}


def test_places_do_not_depend_on_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The n-th byte that is not refused decides the n-th digit, and nothing else does."""
    monkeypatch.setattr(secrets, "token_bytes", Source(bytes(range(256))[::-1]))
    assert minting._base62(200) == "".join(
        keytext.ALPHABET[byte % 62] for byte in range(247, 47, -1)
    )


def test_it_draws_again_until_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(b"\xff" * 10 + b"\xf8" * 9 + b"\x01" + bytes(range(2, 12)))
    monkeypatch.setattr(secrets, "token_bytes", source)
    assert minting._base62(8) == "12345678"
    assert source.draws == [10, 10, 10]


@pytest.mark.parametrize("kind", [KEY, SIGNING_SECRET])
def test_every_one_is_another_one(kind: CredentialKind) -> None:
    minted = [RandomMinter("acme", "pre-prod").mint(kind) for _ in range(200)]
    assert len({one.id for one in minted}) == len({one.secret.reveal() for one in minted}) == 200
    for one in minted:
        assert len(one.id) == keytext.ID_LENGTH
        if kind is KEY:
            text = one.secret.reveal()
            assert text.startswith(f"acme_preprod_{one.id}_")
            assert keytext.is_intact(text)
