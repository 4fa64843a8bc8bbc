"""Repairs of the log: its head is moved to entries that git has and the registry forgot, or a new
log begins where the present one cannot go on.

A repair has several entries, and may be killed between two of them. So the head says from the
beginning what is still to be done (``LogHead.repair``), and nothing else is entered until it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.domain.live.log import GIVEN_UP, LogClaim, LogHead, OpenRepair
from reconciler.errors import AuditError
from reconciler.registry.codec.log_codec import (
    HEAD_NAME,
    encode_claim,
    encode_head,
    name_claim,
    name_folder,
    unpack,
)
from reconciler.registry.protocol.documents import put_document
from reconciler.registry.protocol.log import read_head, read_parts, sign_checkpoint
from reconciler.registry.requests import ReadDocument, StoredDocument
from reconciler.registry.steps import Steps, expect


def adopt_entries(head: LogHead, claims: Sequence[LogClaim]) -> Steps[LogHead]:
    """Put ``head``, whose ``repair`` says what is left to be done, in place of the head, then
    ``claims`` on record; the head as it was written.

    Raises ``AuditError`` RC686 when another run moved the head meanwhile, RC680, ``VaultError``.
    """
    moved = yield from put_head(replace(head, checkpoint=(yield from sign_checkpoint(head))))
    yield from replace_claims(moved, claims)
    return moved


def replace_claims(head: LogHead, claims: Sequence[LogClaim]) -> Steps[None]:
    """Put ``claims`` on record in place of what stands there, and give up those past the end of
    ``head``. Killed at any request, it is done again from the beginning. Raises ``RegistryError``,
    ``VaultError``."""
    for claim in claims:
        yield from _replace(name_claim(head.prefix, claim.number), claim)
    number = head.size + 1
    while (yield from _give_up(name_claim(head.prefix, number), number)):
        number += 1


def put_head(head: LogHead) -> Steps[LogHead]:
    """Replace the version of the head that ``head`` was made of; as it was written. Raises
    ``AuditError`` RC686 when another run moved the head meanwhile, ``VaultError``."""
    if not (yield from put_document(HEAD_NAME, encode_head(head), head.version)):
        raise AuditError(
            "RC686",
            "another run moved the head of the log meanwhile",
            "run the same command again",
        )
    return replace(head, version=head.version + 1)


def finish_repair() -> Steps[LogHead]:
    """Say that nothing is left to be done; the head as it is then. Raises ``AuditError`` RC686,
    ``RegistryError``, ``VaultError``."""
    head = yield from read_head()
    assert head is not None  # a repair of it was begun
    return (yield from put_head(replace(head, repair=None)))


def read_again(
    repair: OpenRepair,
    claim: LogClaim,
) -> Steps[tuple[bytes, Mapping[str, str]] | None]:
    """The statement and the files of an entry that is to be written again; None: its bytes are not
    there any more. Raises ``RegistryError``."""
    parts = yield from read_parts(claim, repair.prefix)
    return None if parts is None else unpack(parts, name_folder(repair.prefix, claim.number))


def _replace(name: str, claim: LogClaim) -> Steps[None]:
    text = encode_claim(claim)
    document = expect((yield ReadDocument(name)), StoredDocument)
    if document.text != text:
        yield from put_document(name, text, document.version)


def _give_up(name: str, number: int) -> Steps[bool]:
    """A claim cannot be removed, because its creation is what takes a number. It can say that it is
    none. False: there is none."""
    document = expect((yield ReadDocument(name)), StoredDocument)
    if document.text is None:
        return False
    void = LogClaim(number, GIVEN_UP, "", 0, (), {}, document.at)
    return (yield from put_document(name, encode_claim(void), document.version))
