"""The text of issued keys: ``acme_prod_<12 id><_><43 secret><6 checksum>``, all base62.

The CRC-32 at the end lets a gateway or a scanner tell a mistyped key from a wrong one without a
look-up. 43 base62 digits are 256 bits, so a plain SHA-256 is enough to compare with (no salt, no
stretching).
"""

from __future__ import annotations

import re
import zlib

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 12
SECRET_LENGTH = 43
CHECK_LENGTH = 6
_PATTERN = re.compile(
    rf"[a-z][a-z0-9]{{1,15}}_[a-z0-9]{{1,63}}"
    rf"_[0-9A-Za-z]{{{ID_LENGTH}}}_[0-9A-Za-z]{{{SECRET_LENGTH + CHECK_LENGTH}}}"
)


def compose(
    prefix: str,
    environment: str,
    key_id: str,
    secret: str,
) -> str:
    """The whole key. ``environment`` loses its hyphens, so that a double click selects the key.

    >>> compose("acme", "pre-prod", "A1b2C3d4E5f6", "0" * SECRET_LENGTH)[:26]
    'acme_preprod_A1b2C3d4E5f6_'
    """
    body = f"{prefix}_{environment.replace('-', '')}_{key_id}_{secret}"
    return body + checksum(body)


def checksum(body: str) -> str:
    """CRC-32 of ``body`` in six base62 digits, most significant first.

    >>> checksum("acme_prod_A1b2C3d4E5f6_secret")
    '3EqpZF'
    """
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECK_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def is_intact(text: str) -> bool:
    """Whether ``text`` has the shape and the checksum of an issued key.

    It says nothing about validity.

    >>> key = compose("acme", "prod", "A1b2C3d4E5f6", "0" * SECRET_LENGTH)
    >>> is_intact(key), is_intact(key.replace("A1b2", "A1b3"))
    (True, False)
    """
    return (
        _PATTERN.fullmatch(text) is not None
        and checksum(text[:-CHECK_LENGTH]) == text[-CHECK_LENGTH:]
    )
