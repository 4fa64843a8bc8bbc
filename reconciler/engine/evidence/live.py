"""The log as Vault knows it: its head, and the history of every record."""

from __future__ import annotations

from reconciler.domain.live.record import ClientRecord
from reconciler.engine.engine import Engine
from reconciler.engine.evidence.drafting import digest_event
from reconciler.engine.look.records import read_registry
from reconciler.errors import AuditError
from reconciler.evidence.tree import MerkleTree
from reconciler.evidence.verification.anchors import LiveHistory, RegistryHead
from reconciler.registry.codec.log_codec import HEAD_NAME, decode_head
from reconciler.registry.protocol.bucket import refuse_deleted
from reconciler.registry.requests import ReadDocument, StoredDocument
from reconciler.registry.steps import expect


def read_registry_head(engine: Engine) -> RegistryHead:
    """Read with a planner's token. Raises ``AuditError`` RC681 where there is no log,
    ``RegistryError``, ``VaultError``."""
    document = expect(engine.live.answer(ReadDocument(HEAD_NAME)), StoredDocument)
    refuse_deleted(HEAD_NAME, document)
    if document.text is None:
        name = engine.environment.name
        raise AuditError(
            "RC681",
            f"{name} has no evidence log",
            f"run `reconciler bootstrap -e {name}` with an administrator's token",
        )
    head = decode_head(document.text, document.version)
    registry = read_registry(engine.live, engine.project.name, engine.buckets)
    records: dict[str, LiveHistory] = {}
    for record in registry.records.values():
        # of a client that is being renamed there are two
        known = records.get(record.storage_name)
        if known is None or known.last < record.seq:
            records[record.storage_name] = _describe(record)
    root = MerkleTree(head.size, head.edge).root
    return RegistryHead(head.origin, head.size, root, head.last, records)


def _describe(record: ClientRecord) -> LiveHistory:
    return LiveHistory(record.seq, {event.seq: digest_event(event) for event in record.events})
