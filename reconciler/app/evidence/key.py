"""``audit key``: what to pin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.app.project import load_environment
from reconciler.app.wiring import connect_live
from reconciler.errors import AuditError

if TYPE_CHECKING:
    from reconciler.app.workplace import Workplace


def read_log_key(workplace: Workplace, environment: str) -> str:
    """The verifier key of the version that signs the log of ``environment`` now, as Vault has it.

    Raises ``AuditError`` RC681 where there is no log, ``VaultError``, ``RegistryError``.
    """
    from reconciler.registry.codec.log_codec import HEAD_NAME, decode_head
    from reconciler.registry.protocol.bucket import refuse_deleted
    from reconciler.registry.requests import ReadDocument, StoredDocument
    from reconciler.registry.steps import expect

    _, chosen = load_environment(workplace.root, environment)
    with connect_live(workplace, chosen) as live:
        document = expect(live.answer(ReadDocument(HEAD_NAME)), StoredDocument)
    refuse_deleted(HEAD_NAME, document)
    if document.text is None:
        raise AuditError(
            "RC681",
            f"{environment} has no evidence log",
            f"run `reconciler bootstrap -e {environment}` with an administrator's token",
        )
    head = decode_head(document.text, document.version)
    return head.verifiers[head.key]
