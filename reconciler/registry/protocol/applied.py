"""Which commit an apply began to carry out last: one document beside ``meta`` and ``lease``."""

from __future__ import annotations

import re
from dataclasses import replace

from msgspec.json import Decoder

from reconciler.domain.declared.checkout import Applied
from reconciler.domain.values.canonical import dumps, iso, parse_iso
from reconciler.registry.codec.shapes import AppliedShape
from reconciler.registry.codec.stored import FORMAT, decode_stored, garbled_error
from reconciler.registry.protocol.bucket import refuse_deleted
from reconciler.registry.protocol.documents import put_document
from reconciler.registry.requests import ReadDocument, StoredDocument
from reconciler.registry.steps import Steps, expect

NAME = "applied"
_APPLIED = Decoder(AppliedShape)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def read_applied() -> Steps[Applied | None]:
    """None: no apply of this registry put a commit on record yet. Raises ``RegistryError``."""
    return decode_applied(expect((yield ReadDocument(NAME)), StoredDocument))


def decode_applied(document: StoredDocument) -> Applied | None:
    """Raises ``RegistryError`` RC442 to RC444."""
    refuse_deleted("applied", document)
    if document.text is None:
        return None
    shape = decode_stored(document.text, NAME, _APPLIED, "an applied commit")
    try:
        if not _COMMIT.fullmatch(shape.commit):
            raise ValueError("not what we write")  # noqa: TRY301
        return Applied(
            shape.commit,
            shape.run_id,
            parse_iso(shape.at),
            frozenset(shape.uncommitted),
            document.version,
        )
    except ValueError:
        raise garbled_error(NAME, "it has not the fields of an applied commit") from None


def encode_applied(applied: Applied) -> str:
    return dumps(
        {
            "format": FORMAT,
            "commit": applied.commit,
            "run_id": applied.run_id,
            "at": iso(applied.at),
            "uncommitted": sorted(applied.uncommitted),
        }
    )


def record_applied(now: Applied, seen: Applied | None) -> Steps[bool]:
    """Put ``now`` on record where ``seen`` stood. False: another run put another commit on record
    since.

    Nothing is written when the same is on record already.
    """
    while seen is None or (seen.commit, seen.uncommitted) != (now.commit, now.uncommitted):
        if (yield from put_document(NAME, encode_applied(now), seen.version if seen else 0)):
            return True
        found = yield from read_applied()
        if found is None or found.commit != now.commit:
            return False
        seen, now = found, replace(now, uncommitted=now.uncommitted | found.uncommitted)
    return True
