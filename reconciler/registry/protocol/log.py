"""The evidence log: an entry is stored, its number claimed, it is signed, and the head moves on.

The order is what makes a log without gaps, forks and double numbers (docs/protocol.md, "The log"):

1. The parts: statement and report files, under names that their content decides.
2. The claim, with check-and-set: its creation takes the number. Whoever loses it finishes the claim
   of the winner and begins again with the next number.
3. The signature, put on the claim. ed25519 is deterministic: two that sign make the same.
4. The head, with check-and-set.

A claim without a signature, or one that the head does not know, is finished by whoever comes next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.domain.live.log import GIVEN_UP, KEY, RUN, LogClaim, LogDocument, LogHead
from reconciler.errors import AuditError, VaultUnreachable
from reconciler.evidence.checkpoint import Checkpoint
from reconciler.evidence.envelope import Envelope, pre_authenticate
from reconciler.evidence.notes import SignedNote, VerifierKey
from reconciler.evidence.statement import Statement
from reconciler.evidence.tree import MerkleTree, hash_leaf
from reconciler.registry.codec.log_codec import (
    HEAD_NAME,
    decode_claim,
    decode_head,
    encode_claim,
    encode_head,
    name_claim,
    name_folder,
    name_part,
    pack,
    unpack,
    unpack_statement,
)
from reconciler.registry.codec.stored import garbled_error
from reconciler.registry.protocol.bucket import refuse_deleted
from reconciler.registry.protocol.documents import is_closed, put_document
from reconciler.registry.requests import (
    LogKeys,
    ReadDocument,
    SignedLog,
    SignLog,
    StoredDocument,
)
from reconciler.registry.steps import Steps, expect

# Each try finishes an entry of somebody else, or ours.
LOG_TRIES = 100


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that has no number yet.

    ``describe`` makes its statement after a head, which decides its number, predecessor and key.
    ``files`` are what it is about, by path from the project's root. ``forgotten`` tells which runs
    of a head are closed by now, ``kept`` is the first entry whose bytes are still in the registry.
    ``reported`` is the run on record that it is about, if there is one.
    """

    describe: Callable[[LogHead], Statement]
    files: Mapping[str, str]
    forgotten: Callable[[LogHead], Collection[str]]
    kept: int = 1
    reported: str = ""


def read_head() -> Steps[LogHead | None]:
    """None: this environment has no log yet. Raises ``RegistryError``."""
    return open_head(expect((yield ReadDocument(HEAD_NAME)), StoredDocument))


def open_head(document: StoredDocument) -> LogHead | None:
    """What the document ``ledger`` holds; None: it was never written. Raises ``RegistryError``
    RC442 to RC444."""
    refuse_deleted(HEAD_NAME, document)
    return None if document.text is None else decode_head(document.text, document.version)


def digest_texts(files: Mapping[str, str]) -> dict[str, str]:
    """The SHA-256 of each file, 64 hex digits, by its path."""
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}


def append_entry(draft: Draft, needed: Callable[[LogHead], bool]) -> Steps[LogHead]:
    """Add an entry to the log, unless the head says that it is not ``needed`` any more; the head as
    it is then. A run that was closed meanwhile had its entry, which a head may have forgotten.

    Raises ``AuditError`` RC680 (the key of the log is another one), RC681 (there is no log),
    ``RegistryError``, ``VaultError``.
    """
    for _ in range(LOG_TRIES):
        head, number = yield from _settle()
        if head is None:
            raise _no_log()
        if not needed(head) or (draft.reported and (yield from is_closed(draft.reported))):
            return head
        yield from _claim(head, draft, number)
    raise _overtaken_error()


def settle_log() -> Steps[LogHead | None]:
    """The head, once every entry that was claimed is signed and in it. None: there is no log."""
    head, _ = yield from _settle()
    return head


def _settle() -> Steps[tuple[LogHead | None, int]]:
    """The head, once nothing is claimed after it, and the version of the document that the next
    claim is to replace."""
    for _ in range(LOG_TRIES):
        head = yield from read_head()
        if head is None:
            return None, 0
        name = name_claim(head.prefix, head.size + 1)
        document = expect((yield ReadDocument(name)), StoredDocument)
        if document.text is None:
            return head, document.version
        claim = decode_claim(document.text, name)
        if claim.kind == GIVEN_UP:
            return head, document.version
        yield from _complete(head, claim, document.version)
    raise _overtaken_error()


def read_entry(head: LogHead, number: int) -> Steps[LogDocument | None]:
    """An entry as files; None: its bytes are not in the registry any more. Raises
    ``RegistryError``."""
    found = yield from _read_signed(head, number)
    if found is None:
        return None
    claim, parts = found
    payload, files = unpack(parts, name_folder(head.prefix, number))
    return LogDocument(number, claim.run, _seal(payload, claim, head), files)


def read_entry_alone(head: LogHead, number: int) -> Steps[LogDocument | None]:
    """Like ``read_entry``, without the reports: for whoever has them."""
    found = yield from _read_signed(head, number)
    if found is None:
        return None
    claim, parts = found
    payload = unpack_statement(parts, name_folder(head.prefix, number))
    return LogDocument(number, claim.run, _seal(payload, claim, head), {})


def _read_signed(head: LogHead, number: int) -> Steps[tuple[LogClaim, list[str]] | None]:
    """A claim that is signed, and its parts. One that a repair took from git has none."""
    claim = yield from read_claim(head, number)
    if claim is None or not (claim.signature and claim.parts):
        return None
    parts = yield from read_parts(claim, head.prefix)
    return None if parts is None else (claim, parts)


def read_claim(head: LogHead, number: int) -> Steps[LogClaim | None]:
    """What stays of an entry for ever. Raises ``RegistryError``."""
    name = name_claim(head.prefix, number)
    document = expect((yield ReadDocument(name)), StoredDocument)
    return None if document.text is None else decode_claim(document.text, name)


def _claim(head: LogHead, draft: Draft, version: int) -> Steps[None]:
    """Store an entry and try for its number. Who gets it is seen by reading. ``version``: of the
    document that the claim replaces, 0 for none."""
    statement = draft.describe(head)
    payload = statement.encode()
    parts = pack(payload, draft.files)
    number = statement.number
    for part in parts:
        yield from _put_part(f"{name_folder(head.prefix, number)}/{name_part(part)}", part)
    successor = statement.keys[0] if statement.kind == KEY else None
    claim = LogClaim(
        number=number,
        kind=statement.kind,
        run=statement.run,
        key=head.key,
        parts=tuple(map(name_part, parts)),
        files=digest_texts(draft.files),
        closed_at=statement.closed,
        forgotten=tuple(sorted(draft.forgotten(head))),
        kept=max(head.kept, draft.kept),
        successor=successor.version if successor else 0,
        verifier=successor.verifier if successor else "",
    )
    yield from put_document(name_claim(head.prefix, number), encode_claim(claim), version)


def _put_part(name: str, text: str) -> Steps[None]:
    """A part that was removed is written anew, one that is there is the same."""
    version = 0
    for _ in range(LOG_TRIES):
        if (yield from put_document(name, text, version)):
            return
        document = expect((yield ReadDocument(name)), StoredDocument)
        if document.text == text:
            return
        version = document.version
    raise garbled_error(name, "somebody keeps changing it")


def _complete(head: LogHead, claim: LogClaim, version: int) -> Steps[None]:
    """Sign a claim that is not signed, and have the head move past it. ``version``: of the claim's
    document."""
    if not claim.signature:
        name = name_claim(head.prefix, claim.number)
        claim = yield from _sign_entry(head, claim, name)
        if not (yield from put_document(name, encode_claim(claim), version)):
            return  # somebody else was faster; read again
    yield from put_document(HEAD_NAME, encode_head((yield from _move(head, claim))), head.version)


def _move(head: LogHead, claim: LogClaim) -> Steps[LogHead]:
    """The head after one more entry, with its checkpoint signed."""
    moved = advance(head, claim)
    return replace(moved, checkpoint=(yield from sign_checkpoint(moved)))


def advance(head: LogHead, claim: LogClaim) -> LogHead:
    """The head after one more entry, without a checkpoint."""
    tree = MerkleTree(head.size, head.edge).append(claim.leaf)
    verifiers = dict(head.verifiers)
    key = head.key
    if claim.successor:
        key = claim.successor
        verifiers[key] = claim.verifier
    runs = dict(head.runs)
    for run in claim.forgotten:
        runs.pop(run, None)
    if claim.kind == RUN:
        runs[claim.run] = claim.number
    return replace(
        head,
        size=claim.number,
        edge=tree.edge,
        last=claim.entry,
        key=key,
        verifiers=verifiers,
        closed_at=claim.closed_at,
        runs=runs,
        kept=claim.kept,
    )


def sign_checkpoint(head: LogHead) -> Steps[str]:
    """The signed note that says how large the log is, and its root."""
    text = Checkpoint(head.origin, head.size, MerkleTree(head.size, head.edge).root).text
    signature = yield from _sign(head, text.encode())
    verifier = VerifierKey.parse(head.verifiers[head.key])
    return SignedNote(text).sign(verifier, signature).encode().decode()


def _sign_entry(head: LogHead, claim: LogClaim, name: str) -> Steps[LogClaim]:
    parts = yield from read_parts(claim, head.prefix)
    if parts is None:
        raise garbled_error(name, "a part of that entry is not there any more")
    payload = unpack_statement(parts, name_folder(head.prefix, claim.number))
    signature = yield from _sign(head, pre_authenticate(payload))
    signed = replace(claim, signature=signature)
    entry = _make_entry(payload, signed, head)
    return replace(signed, entry=hashlib.sha256(entry).hexdigest(), leaf=hash_leaf(entry))


def _seal(payload: bytes, claim: LogClaim, head: LogHead) -> bytes:
    """The file of an entry. Raises ``RegistryError`` RC443 when it is not what was signed."""
    entry = _make_entry(payload, claim, head)
    if hashlib.sha256(entry).hexdigest() != claim.entry:
        raise garbled_error(
            name_claim(head.prefix, claim.number), "its parts are not what was signed"
        )
    return entry


def _make_entry(payload: bytes, claim: LogClaim, head: LogHead) -> bytes:
    verifier = VerifierKey.parse(head.verifiers[claim.key])
    return Envelope(payload, verifier.hash, claim.signature).encode()


def _sign(head: LogHead, content: bytes) -> Steps[bytes]:
    """By the key in force. What does not verify is stored nowhere. Raises ``AuditError`` RC680."""
    signed = expect((yield SignLog(head.key, content)), SignedLog)
    if not VerifierKey.parse(head.verifiers[head.key]).verify(content, signed.signature):
        raise lost_key_error(head)
    return signed.signature


def read_parts(claim: LogClaim, prefix: str) -> Steps[list[str] | None]:
    """What an entry is made of; None: it is not all there."""
    texts = []
    for part in claim.parts:
        name = f"{name_folder(prefix, claim.number)}/{part}"
        document = expect((yield ReadDocument(name)), StoredDocument)
        if document.text is None:
            return None
        texts.append(document.text)
    return texts


def _overtaken_error() -> VaultUnreachable:
    return VaultUnreachable(
        "RC401",
        f"the head of the log was read {LOG_TRIES} times, and other runs moved it each time",
        "run the same command again",
    )


def has_key_in_force(head: LogHead, keys: LogKeys) -> bool:
    """Whether ``keys``, those of the transit engine, have the one that signs the next entry."""
    public = VerifierKey.parse(head.verifiers[head.key]).public
    return keys.versions.get(head.key) == public


def lost_key_error(head: LogHead) -> AuditError:
    """RC680."""
    return AuditError(
        "RC680",
        f"version {head.key} of the log's signing key in the transit engine is not the one that"
        f" the log has on record, {head.verifiers[head.key]}: somebody removed it, or made it anew",
        "restore the key in the transit engine from a backup of Vault; if it is lost, `reconciler"
        " audit repair --new-log` keeps this log and begins another one",
    )


def _no_log() -> AuditError:
    return AuditError(
        "RC681",
        "this environment has no evidence log",
        "run `reconciler bootstrap` with an administrator's token",
    )
