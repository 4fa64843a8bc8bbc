"""New keys and signing secrets from the operating system's random source."""

from __future__ import annotations

import secrets
from typing import assert_never

from reconciler.domain.kinds.credentials import CredentialKind, SecretForm
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values import keytext
from reconciler.registry.requests import Minted

# Standard Webhooks 1.0.0 asks for 24 to 64 bytes.
SIGNING_BYTES = 32
# What a random byte stands for: each digit for as many bytes as every other one, and the rest for
# none. (The remainder of 256 by 62 would make some digits likelier.)
_BASE = len(keytext.ALPHABET)
_FAIR = 256 - 256 % _BASE
_DIGITS = bytes(ord(keytext.ALPHABET[byte % _BASE]) for byte in range(256))
_REFUSED = bytes(range(_FAIR, 256))


class RandomMinter:
    """Implements ``engine.ports.Minter`` for one environment of a project."""

    def __init__(self, key_prefix: str, environment: str) -> None:
        self._prefix = key_prefix
        self._environment = environment

    def mint(self, kind: CredentialKind) -> Minted:
        key_id = _base62(keytext.ID_LENGTH)
        return Minted(key_id, Secret(self._text(kind.form, key_id)))

    def _text(self, form: SecretForm, key_id: str) -> str:
        if form is SecretForm.SIGNING:
            # 64 hexadecimal digits are base64 as well (of 48 bytes), and text: one form that is a
            # key of 256 random bits under every key encoding. A change of scheme leaves no secret
            # behind that it cannot use.
            return "whsec_" + secrets.token_hex(SIGNING_BYTES)
        if form is SecretForm.KEY:
            secret = _base62(keytext.SECRET_LENGTH)
            return keytext.compose(self._prefix, self._environment, key_id, secret)
        assert_never(form)


def _base62(length: int) -> str:
    """``length`` digits, each as likely as every other and independent of all before."""
    digits = b""
    while len(digits) < length:
        # a few more than are needed: one draw is enough nearly always
        drawn = secrets.token_bytes(length + length // 4)
        digits += drawn.translate(_DIGITS, _REFUSED)
    return digits[:length].decode("ascii")
