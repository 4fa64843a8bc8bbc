"""One request of a delivery: its payload, its signature, and what a probe spoils of them."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.companions import Occasion, companions
from reconciler.domain.declared.desired import DesiredWebhook
from reconciler.domain.declared.proof import Probe
from reconciler.domain.declared.schemes import Scheme
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values.keytext import ALPHABET
from reconciler.webhooks.signature.ed25519 import sign_by_stranger
from reconciler.webhooks.signature.signing import (
    SECRET_PREFIX,
    Credential,
    Headers,
    SignRemotely,
    encode_signature,
    headers,
    signature,
    signatures,
    signed_content,
)
from reconciler.webhooks.wire.http import HttpRequest
from reconciler.webhooks.wire.payload import payload

_ID_LENGTH = 24
# seconds beyond twice the tolerance: nobody's clock and nobody's patience is that far off
_SKEW = 60


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be proven. ``credentials`` are all usable ones, the newest first; ``owner`` is
    whom to ask.

    ``seed`` is random and secret: message ids and the secret that was never issued are made from
    it.
    """

    client: str
    webhook: DesiredWebhook
    credentials: tuple[Credential, ...]
    seed: str
    owner: str = ""


def message_id(order: Order, probe: Probe, event: str) -> str:
    """``msg_`` and 24 base62 digits; the same for all attempts of one delivery."""
    number = int.from_bytes(_derive(order, f"id {probe.value} {event}"), "big")
    digits = ""
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits += ALPHABET[digit]
    return f"msg_{digits}"


def request(
    order: Order,
    probe: Probe,
    event: str,
    now: datetime,
) -> Generator[SignRemotely, bytes, tuple[HttpRequest, tuple[str, ...]]]:
    """The request of one attempt, and the signatures in it, which no excerpt may show. ``now`` is
    the server's time.

    Raises ``ValueError`` when a secret cannot be used.
    """
    webhook, scheme = order.webhook, order.webhook.scheme
    identifier, timestamp = (
        message_id(order, probe, event),
        int(now.timestamp()) + _shift(scheme, probe),
    )
    body = payload(order.client, webhook, event, now)
    made: list[str] = []
    if probe is Probe.WRONG_SECRET:
        made = [_by_stranger(order, identifier, timestamp, body)]
    elif probe is not Probe.UNSIGNED:
        made = yield from signatures(
            scheme, _credentials(order, probe), identifier, timestamp, body
        )
    # Every header is a literal, a number, an encoded signature, an id of ours, or what
    # ``schemes.faults`` and ``companions.declared_fault`` let pass: nothing else that is declared
    # gets into one.
    occasion = Occasion(order.client, webhook.name, event, identifier)
    named: Headers = companions(scheme, webhook.headers, occasion)
    named += headers(scheme, identifier, timestamp, made)
    sent = tamper_with(body) if probe is Probe.TAMPERED else body
    return HttpRequest(
        "POST",
        webhook.url,
        named,
        sent,
        webhook.timeout.total_seconds(),
    ), tuple(made)


def tamper_with(body: bytes) -> bytes:
    """One digit of the body's timestamp is another: the same length, still JSON, still of the same
    shape."""
    at = body.rindex(b'"timestamp":"') + len(b'"timestamp":"')
    year = body[at : at + 4]
    return body[:at] + (b"2099" if year != b"2099" else b"2098") + body[at + 4 :]


def _credentials(order: Order, probe: Probe) -> Sequence[Credential]:
    if probe is Probe.NEW_SECRET:
        return order.credentials[:1]
    return order.credentials[1:] if probe is Probe.OLD_SECRET else order.credentials


def _shift(scheme: Scheme, probe: Probe) -> int:
    """Seconds by which a probe's timestamp is off."""
    far = 2 * int(scheme.tolerance.total_seconds()) + _SKEW
    return -far if probe is Probe.REPLAYED else far if probe is Probe.FUTURE else 0


def _by_stranger(
    order: Order,
    identifier: str,
    timestamp: int,
    body: bytes,
) -> str:
    """A signature that is right in every way, but by a secret that nobody was given."""
    scheme, seed = order.webhook.scheme, _derive(order, "stranger")
    if scheme.asymmetric:
        return encode_signature(
            scheme, sign_by_stranger(seed, signed_content(scheme, identifier, timestamp, body))
        )
    return signature(scheme, Secret(SECRET_PREFIX + seed.hex()), identifier, timestamp, body)


def _derive(order: Order, purpose: str) -> bytes:
    return hashlib.sha256(f"{order.seed}\n{purpose}".encode()).digest()
