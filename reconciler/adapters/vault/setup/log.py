"""The beginning of an environment's evidence log."""

from __future__ import annotations

from typing import Literal

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.paths import SIGNING_KEY
from reconciler.adapters.vault.live import Live
from reconciler.domain.live.log import LogHead
from reconciler.engine.evidence.places import make_origin
from reconciler.errors import VaultError
from reconciler.evidence.notes import VerifierKey
from reconciler.evidence.signatures import NOTE_ED25519
from reconciler.registry.codec.log_codec import HEAD_NAME, encode_head
from reconciler.registry.protocol.log import open_head
from reconciler.registry.requests import (
    LogKeys,
    ReadDocument,
    ReadLogKeys,
    StoredDocument,
    WriteDocument,
    Written,
)


def begin_log(
    live: Live, project: str, environment: str
) -> tuple[str, Literal["created", "updated", "unchanged"]]:
    """Write the head of an empty log, unless there is a log: the verifier key to pin, and what was
    done. A version of the key that the log left behind may not sign any more from then on.

    Raises ``RegistryError`` RC444 for a head that was deleted by hand, ``VaultError``.
    """
    head = _read(live)
    keys = live.answer(ReadLogKeys())
    assert isinstance(keys, LogKeys)  # what ReadLogKeys is answered with
    if head is not None:
        return head.verifiers[head.key], "updated" if _retire(live, head, keys) else "unchanged"
    version = max(keys.versions)
    origin = make_origin(f"{project}/{environment}")
    verifier = VerifierKey(origin, NOTE_ED25519, keys.versions[version]).text
    text = encode_head(LogHead(origin, version, {version: verifier}))
    if not isinstance(live.answer(WriteDocument(HEAD_NAME, text, 0)), Written):
        found = _read(live)
        if found is None:
            raise VaultError(
                errors.UNREACHABLE,
                "the head of the evidence log could not be written",
                "run bootstrap again: it goes on from what is there",
            )
        return found.verifiers[found.key], "unchanged" if encode_head(found) != text else "created"
    return verifier, "created"


def _read(live: Live) -> LogHead | None:
    document = live.answer(ReadDocument(HEAD_NAME))
    assert isinstance(document, StoredDocument)  # what ReadDocument is answered with
    return open_head(document)


def _retire(live: Live, head: LogHead, keys: LogKeys) -> bool:
    """Whether older versions than the one that signs could sign until now."""
    if keys.least >= head.key or head.key == 1:
        return False
    path = f"/v1/{live.settings.transit_mount}/keys/{SIGNING_KEY}/config"
    live.adapter.post(path, json={"min_encryption_version": head.key})
    return True
