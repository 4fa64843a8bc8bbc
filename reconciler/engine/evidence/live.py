"""The log as Vault knows it: its head, and the history of every record."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.domain.live.log import LogHead
from reconciler.domain.live.observed import OpenRun
from reconciler.domain.live.record import ClientRecord
from reconciler.engine.engine import Engine
from reconciler.engine.evidence.drafting import digest_event
from reconciler.engine.look.records import LOOKS, Registry, read_registry, readable_runs
from reconciler.errors import AuditError
from reconciler.evidence.tree import MerkleTree
from reconciler.evidence.verification.anchors import LiveHistory, RegistryHead
from reconciler.registry.codec.log_codec import HEAD_NAME, decode_head
from reconciler.registry.protocol.bucket import refuse_deleted
from reconciler.registry.requests import ReadDocument, StoredDocument
from reconciler.registry.steps import expect


def read_registry_head(engine: Engine) -> RegistryHead:
    """Read with a planner's token. What another run writes meanwhile is read again, so that all is
    of one moment.

    Raises ``AuditError`` RC681 where there is no log, ``RegistryError``, ``VaultError``.
    """
    head, registry, runs = _look(engine)
    for _ in range(LOOKS):
        if _read_head(engine).version == head.version:
            break
        head, registry, runs = _look(engine)
    waiting = frozenset(run.run_id for run in runs if not run.closed) - {*head.runs}
    records: dict[str, LiveHistory] = {}
    for record in registry.records.values():
        # of a client that is being renamed there are two
        known = records.get(record.storage_name)
        if known is None or known.last < record.seq:
            records[record.storage_name] = _describe(record, waiting)
    root = MerkleTree(head.size, head.edge).root
    return RegistryHead(head.origin, head.size, root, head.last, records, waiting)


def _look(engine: Engine) -> tuple[LogHead, Registry, tuple[OpenRun, ...]]:
    head = _read_head(engine)
    registry = read_registry(engine.live, engine.project.name, engine.buckets)
    return head, registry, readable_runs(engine.live)[0]


def _read_head(engine: Engine) -> LogHead:
    document = expect(engine.live.answer(ReadDocument(HEAD_NAME)), StoredDocument)
    refuse_deleted(HEAD_NAME, document)
    if document.text is None:
        name = engine.environment.name
        raise AuditError(
            "RC681",
            f"{name} has no evidence log",
            f"run `reconciler bootstrap -e {name}` with an administrator's token",
        )
    return decode_head(document.text, document.version)


def _describe(record: ClientRecord, waiting: Collection[str]) -> LiveHistory:
    events = record.events
    return LiveHistory(
        record.seq,
        {event.seq: digest_event(event) for event in events},
        frozenset(event.seq for event in events if event.run in waiting),
    )
