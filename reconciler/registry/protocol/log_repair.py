"""Moving the head of the log to entries that git has and the registry forgot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.domain.live.log import GIVEN_UP, LogClaim, LogHead
from reconciler.errors import AuditError
from reconciler.registry.codec.log_codec import HEAD_NAME, encode_claim, encode_head, name_claim
from reconciler.registry.protocol.documents import put_document
from reconciler.registry.protocol.log import sign_checkpoint
from reconciler.registry.requests import ReadDocument, StoredDocument
from reconciler.registry.steps import Steps, expect


def adopt_entries(head: LogHead, claims: Sequence[LogClaim], spare: int) -> Steps[LogHead]:
    """Put ``claims`` on record in place of what stands there, and ``head`` in place of the head;
    the head as it was written. ``spare``: so many claims after the last one may stand there from an
    entry that is given up.

    Killed at any request, it is done again from the beginning. Raises ``AuditError`` RC686 when
    another run moved the head meanwhile, RC680, ``VaultError``.
    """
    for claim in claims:
        yield from _replace(claim)
    for number in range(head.size + 1, head.size + 1 + spare):
        yield from _give_up(number)
    moved = replace(head, checkpoint=(yield from sign_checkpoint(head)))
    if not (yield from put_document(HEAD_NAME, encode_head(moved), head.version)):
        raise AuditError(
            "RC686",
            "another run moved the head of the log meanwhile",
            "run the same command again",
        )
    return moved


def _replace(claim: LogClaim) -> Steps[None]:
    name, text = name_claim(claim.number), encode_claim(claim)
    document = expect((yield ReadDocument(name)), StoredDocument)
    if document.text != text:
        yield from put_document(name, text, document.version)


def _give_up(number: int) -> Steps[None]:
    """A claim cannot be removed, because its creation is what takes a number. It can say that it is
    none."""
    document = expect((yield ReadDocument(name_claim(number))), StoredDocument)
    if document.text is not None:
        at = document.at
        void = LogClaim(number, GIVEN_UP, "", 0, (), {}, at)
        yield from put_document(name_claim(number), encode_claim(void), document.version)
