"""Names and addresses."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from reconciler.errors import Address

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
DEFAULT_BUCKETS = 256


def is_name(text: str) -> bool:
    """Whether ``text`` may name a client, key, webhook, template or environment.

    The same pattern keeps every part of a Vault path from leaving its mount.

    >>> is_name("paystack-payouts"), is_name("Paystack"), is_name("../meta")
    (True, False, False)
    """
    return _NAME.match(text) is not None


def one_of(known: Iterable[str], if_none: str) -> str:
    """The remedy for a name that nothing has.

    >>> one_of({"production", "staging"}, if_none="declare an environment")
    'name one of: production, staging'
    """
    listed = ", ".join(sorted(known))
    return f"name one of: {listed}" if listed else if_none


def bucket_of(client: str, buckets: int = DEFAULT_BUCKETS) -> str:
    """The bucket that holds ``client``: the first digits of SHA-256(name), ``00``..``ff`` for 256.

    ``buckets`` is a power of 16.

    >>> bucket_of("paystack-payouts"), bucket_of("paystack-payouts", 4096)
    ('26', '26e')
    """
    digits = len(f"{buckets - 1:x}")
    return hashlib.sha256(client.encode()).hexdigest()[:digits]


def bucket_names(buckets: int = DEFAULT_BUCKETS) -> tuple[str, ...]:
    """All bucket names in order.

    >>> bucket_names(16)[:3], len(bucket_names())
    (('0', '1', '2'), 256)
    """
    digits = len(f"{buckets - 1:x}")
    return tuple(f"{number:0{digits}x}" for number in range(buckets))


def client_address(client: str) -> Address:
    """The address of a client."""
    return Address(client)


def webhook_address(client: str, webhook: str) -> Address:
    """The address of a webhook; its signing secret has one of its own."""
    return Address(client, "webhook", webhook)
