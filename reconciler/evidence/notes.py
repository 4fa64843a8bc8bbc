"""Signed notes and the keys that verify them (C2SP signed-note).

A note is a text, an empty line, and a line for each signature: ``— <name> <base64>``, where the
base64 holds 4 bytes that tell the key and then the signature. A verifier key is one line that can
be pinned: ``<name>+<8 hex digits>+<base64>``.
"""

from __future__ import annotations

import hashlib
import re
from binascii import a2b_base64, b2a_base64
from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.errors import EvidenceError
from reconciler.evidence.signatures import KEY_KINDS

# Larger than any that is written, and small enough to be read whole.
MAX_NOTE_BYTES = 1_000_000
_HASH_BYTES = 4
_NAME = r"[^\s+\x00-\x1f\x7f]+"
_VERIFIER = re.compile(rf"({_NAME})\+([0-9a-f]{{8}})\+([A-Za-z0-9+/]+={{0,2}})")
_SIGNATURE = re.compile(rf"— ({_NAME}) ([A-Za-z0-9+/]+={{0,2}})")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


def encode_base64(content: bytes) -> str:
    return b2a_base64(content, newline=False).decode("ascii")


def decode_base64(text: str | bytes) -> bytes:
    """The bytes that ``encode_base64`` made ``text`` of. Raises ``ValueError`` for any other text:
    white space, a missing ``=``, bits that say nothing."""
    written = text.encode() if isinstance(text, str) else text
    content = a2b_base64(written, strict_mode=True)
    if b2a_base64(content, newline=False) != written:
        raise ValueError("not the base64 of these bytes")
    return content


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with a name. ``kind`` is a byte of ``KEY_KINDS``, ``public`` the key's bytes.

    >>> key = VerifierKey("shop/staging", 1, bytes(32))
    >>> key.text
    'shop/staging+5354ea14+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    >>> VerifierKey.parse(key.text) == key
    True
    """

    name: str
    kind: int
    public: bytes

    @property
    def hash(self) -> str:
        """8 hex digits that tell this key in an envelope and in a note."""
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(named).hexdigest()[: 2 * _HASH_BYTES]

    @property
    def text(self) -> str:
        """The line to pin: ``<name>+<8 hex digits>+<base64>``."""
        return f"{self.name}+{self.hash}+{encode_base64(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The inverse of ``text``. Raises ``EvidenceError`` RC643."""
        found = _VERIFIER.fullmatch(text)
        if found is None:
            raise _key_error(text, "it is not <name>+<8 hex digits>+<base64>")
        try:
            content = decode_base64(found[3])
        except ValueError:
            raise _key_error(text, "its base64 is not well formed") from None
        key = cls(found[1], content[0], content[1:])
        kind = KEY_KINDS.get(key.kind)
        if kind is None:
            raise _key_error(text, f"this version knows no key of kind {key.kind}")
        if len(key.public) != kind.public_bytes:
            raise _key_error(text, f"a key of {kind.name} has {kind.public_bytes} bytes")
        if key.text != text:
            raise _key_error(text, "its 8 hex digits are those of another key or name")
        return key

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` over ``message`` is by this key."""
        return KEY_KINDS[self.kind].verify(self.public, message, signature)


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature of a note: the ``name`` and the ``key_hash`` (8 hex digits) of the key that is
    said to have made it, and its bytes."""

    name: str
    key_hash: str
    signature: bytes

    @property
    def line(self) -> str:
        return f"— {self.name} {encode_base64(bytes.fromhex(self.key_hash) + self.signature)}\n"

    def claims(self, key: VerifierKey) -> bool:
        """Whether it says that ``key`` made it."""
        return (self.name, self.key_hash) == (key.name, key.hash)


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A ``text``, which ends with a line end, and its signatures in order."""

    text: str
    signatures: tuple[NoteSignature, ...] = ()

    def encode(self) -> bytes:
        return (self.text + "\n" + "".join(one.line for one in self.signatures)).encode()

    def sign(self, key: VerifierKey, signature: bytes) -> SignedNote:
        """The note with one more signature, which replaces an earlier one of the same key."""
        others = tuple(one for one in self.signatures if not one.claims(key))
        return replace(self, signatures=(*others, NoteSignature(key.name, key.hash, signature)))

    def signature_of(self, key: VerifierKey) -> bytes | None:
        """The signature that says it is by ``key``, not verified."""
        return next((one.signature for one in self.signatures if one.claims(key)), None)

    def is_signed_by(self, key: VerifierKey) -> bool:
        """Whether there is a good signature of ``key``."""
        signature = self.signature_of(key)
        return signature is not None and key.verify(self.text.encode(), signature)


def parse_note(content: bytes) -> SignedNote:
    """The inverse of ``SignedNote.encode``, for one signature or more.

    Raises ``EvidenceError`` RC644.
    """
    if len(content) > MAX_NOTE_BYTES:
        raise _note_error(f"it has more than {MAX_NOTE_BYTES} bytes")
    try:
        whole = content.decode()
    except UnicodeDecodeError:
        raise _note_error("it is not UTF-8") from None
    if _CONTROL.search(whole):
        raise _note_error("it holds a control character")
    text, gap, lines = whole.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise _note_error("it is not a text, an empty line and signatures")
    note = SignedNote(f"{text}\n", tuple(_parse_signature(one) for one in lines[:-1].split("\n")))
    if len({(one.name, one.key_hash) for one in note.signatures}) != len(note.signatures):
        raise _note_error("one key signs twice")
    return note


def _parse_signature(line: str) -> NoteSignature:
    found = _SIGNATURE.fullmatch(line)
    try:
        content = decode_base64(found[2]) if found else b""
    except ValueError:
        content = b""
    if found is None or len(content) <= _HASH_BYTES:
        raise _note_error("a line below the empty one is no signature")
    return NoteSignature(found[1], content[:_HASH_BYTES].hex(), content[_HASH_BYTES:])


def _key_error(text: str, why: str) -> EvidenceError:
    short = text if len(text) <= 200 else f"{text[:200]}…"
    return EvidenceError(
        "RC643",
        f"{short!r} is no verifier key: {why}",
        "take the line that `reconciler audit key` prints, whole",
    )


def _note_error(why: str) -> EvidenceError:
    return EvidenceError(
        "RC644",
        f"this is no signed note: {why}",
        "restore the file from git: it was edited, or shortened, after it was signed",
    )
