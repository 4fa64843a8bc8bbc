"""The log as Vault knows it: its head, and the history of every record."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.domain.live.log import LogHead
from reconciler.domain.live.observed import OpenRun
from reconciler.domain.live.record import ClientRecord
from reconciler.engine.engine import Engine
from reconciler.engine.evidence.drafting import digest_event
from reconciler.engine.look.records import LOOKS, Registry, read_registry, readable_runs
from reconciler.engine.ports import LiveState
from reconciler.errors import AuditError
from reconciler.evidence.tree import MerkleTree
from reconciler.evidence.verification.anchors import LiveHistory, RegistryHead
from reconciler.registry.codec.log_codec import HEAD_NAME
from reconciler.registry.protocol.log import open_head
from reconciler.registry.requests import ReadDocument, StoredDocument
from reconciler.registry.steps import expect


def read_registry_head(engine: Engine) -> RegistryHead:
    """Read with a planner's token. What another run writes meanwhile is read again, so that all is
    of one moment.

    Raises ``AuditError`` RC681 where there is no log, ``RegistryError``, ``VaultError``.
    """
    head, registry, runs = _look(engine)
    for _ in range(LOOKS):
        if read_live_head(engine.live, engine.environment.name).version == head.version:
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
    head = read_live_head(engine.live, engine.environment.name)
    registry = read_registry(engine.live, engine.project.name, engine.buckets)
    return head, registry, readable_runs(engine.live)[0]


def read_live_head(live: LiveState, environment: str) -> LogHead:
    """Raises ``AuditError`` RC681 where ``environment`` has no log, ``RegistryError``,
    ``VaultError``."""
    head = open_head(expect(live.answer(ReadDocument(HEAD_NAME)), StoredDocument))
    if head is None:
        raise AuditError(
            "RC681",
            f"{environment} has no evidence log",
            f"run `reconciler bootstrap -e {environment}` with an administrator's token",
        )
    return head


def _describe(record: ClientRecord, waiting: Collection[str]) -> LiveHistory:
    events = record.events
    return LiveHistory(
        record.seq,
        {event.seq: digest_event(event) for event in events},
        frozenset(event.seq for event in events if event.run in waiting),
    )
