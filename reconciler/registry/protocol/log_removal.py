"""Report files of an entry that the registry is to forget, because they leave the branch."""

from __future__ import annotations

from dataclasses import replace

from reconciler.domain.live.log import LogHead
from reconciler.evidence.envelope import decode_envelope
from reconciler.registry.codec.log_codec import (
    decode_claim,
    encode_claim,
    name_claim,
    name_folder,
    name_part,
    pack,
)
from reconciler.registry.protocol.documents import put_document
from reconciler.registry.protocol.log import LOG_TRIES, read_entry_alone
from reconciler.registry.requests import ReadDocument, StoredDocument
from reconciler.registry.steps import Steps, expect


def drop_files(head: LogHead, number: int) -> Steps[None]:
    """Have the entry ``number`` go without its files: its claim names none any more, so that no run
    files them again, and what is stored of it is the entry alone. The parts that the claim named
    before are nobody's then, and stay.

    Killed at any request, it is done again from the beginning. Raises ``RegistryError``.
    """
    name = name_claim(head.prefix, number)
    for _ in range(LOG_TRIES):
        document = expect((yield ReadDocument(name)), StoredDocument)
        claim = None if document.text is None else decode_claim(document.text, name)
        if claim is None or not claim.files:
            return
        alone = yield from read_entry_alone(head, number)
        parts = claim.parts
        if alone is not None:
            texts = pack(decode_envelope(alone.entry).payload, {})
            parts = tuple(map(name_part, texts))
            for text in texts:
                yield from put_document(
                    f"{name_folder(head.prefix, number)}/{name_part(text)}", text, 0
                )
        bare = replace(claim, files={}, parts=parts)
        if (yield from put_document(name, encode_claim(bare), document.version)):
            return
