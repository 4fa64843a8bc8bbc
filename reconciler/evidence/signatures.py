"""The kinds of keys that sign in a log, as data: the byte that names a kind, and how its signatures
verify. A new kind is a row.

``ed25519`` (0x01) signs the entries and the checkpoint. ``cosignature/v1`` (0x04, C2SP
tlog-cosignature) is what a witness signs a checkpoint with: an ed25519 signature over the text and
the time, with the time before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from reconciler.dataclass import dataclass

NOTE_ED25519 = 0x01
NOTE_COSIGNATURE = 0x04
PUBLIC_BYTES = 32
_STAMP_BYTES = 8


@dataclass(frozen=True, slots=True)
class KeyKind:
    """``verify(public, message, signature)`` says whether ``signature`` is good; it raises
    nothing."""

    name: str
    public_bytes: int
    verify: Callable[[bytes, bytes, bytes], bool]


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` (64 bytes) over ``message`` is by the private key of ``public`` (32
    bytes; RFC 8032)."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

    try:
        _load(public).verify(signature, message)  # type: ignore[attr-defined]
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=64)
def _load(public: bytes) -> object:
    # Slow to import, and needed by few commands.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    return Ed25519PublicKey.from_public_bytes(public)


def text_to_cosign(text: str, at: int) -> bytes:
    """What a witness signs: the ``text`` of a checkpoint, and when it saw it (seconds since
    1970).

    >>> text_to_cosign("example/log\\n", 1700000000)
    b'cosignature/v1\\ntime 1700000000\\nexample/log\\n'
    """
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def join_cosignature(at: int, signature: bytes) -> bytes:
    """The time and the ed25519 signature over ``text_to_cosign``, as a note carries them."""
    return at.to_bytes(_STAMP_BYTES, "big") + signature


def time_of_cosignature(signature: bytes) -> int:
    """When the witness signed, in seconds since 1970."""
    return int.from_bytes(signature[:_STAMP_BYTES], "big")


def _verify_cosignature(public: bytes, message: bytes, signature: bytes) -> bool:
    signed = text_to_cosign(message.decode(), time_of_cosignature(signature))
    return verify_ed25519(public, signed, signature[_STAMP_BYTES:])


KEY_KINDS: Mapping[int, KeyKind] = {
    NOTE_ED25519: KeyKind("ed25519", PUBLIC_BYTES, verify_ed25519),
    NOTE_COSIGNATURE: KeyKind("cosignature/v1", PUBLIC_BYTES, _verify_cosignature),
}
