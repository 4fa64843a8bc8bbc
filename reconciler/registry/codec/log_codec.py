"""The documents of the evidence log as canonical JSON, and back: its head, the claims of its
entries, and the parts that hold what an entry is made of."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.json import Decoder

from reconciler.domain.live.log import LogClaim, LogHead, OpenRepair
from reconciler.domain.values.canonical import (
    Json,
    dumps,
    iso,
    iso_or_none,
    parse_iso,
    parse_iso_or_none,
)
from reconciler.registry.codec.stored import FORMAT, decode_stored, garbled_error

HEAD_NAME = "ledger"
CLAIM = "claim"
# A part is one entry of the server's own log: HashiCorp Vault's Raft storage takes 1 MiB, Consul
# 512 KiB.
PART_CHARACTERS = 480 * 1024
_LEVEL = 6
# More than the line of names and lengths.
_LINE = 64 * 1024


class ClaimShape(Struct, forbid_unknown_fields=True):
    closed_at: str
    entry: str
    files: dict[str, str]
    forgotten: list[str]
    format: Literal[1]
    kept: int
    key: int
    kind: str
    leaf: str
    number: int
    parts: list[str]
    run: str
    signature: str
    successor: int
    verifier: str


class RepairShape(Struct, forbid_unknown_fields=True):
    again: list[ClaimShape]
    prefix: str
    size: int


class HeadShape(Struct, forbid_unknown_fields=True):
    checkpoint: str
    closed_at: str | None
    edge: list[str]
    format: Literal[1]
    kept: int
    key: int
    last: str | None
    origin: str
    runs: dict[str, int]
    size: int
    verifiers: dict[str, str]
    # Left out where there is nothing to say, as in every log that goes on.
    former: list[HeadShape] = []
    prefix: str = ""
    repair: RepairShape | None = None


_HEAD, _CLAIM = Decoder(HeadShape), Decoder(ClaimShape)


def name_folder(prefix: str, number: int) -> str:
    """The folder of an entry's documents: ``log/00000012``; in a log that follows another one
    ``log/0a1b2c3d-00000012``."""
    return f"log/{prefix}{number:08}"


def name_claim(prefix: str, number: int) -> str:
    return f"{name_folder(prefix, number)}/{CLAIM}"


def name_part(text: str) -> str:
    """By content: whoever writes the same part again writes the same document."""
    return f"part-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def encode_head(head: LogHead) -> str:
    return dumps(_write_head(head))


def decode_head(text: str, version: int) -> LogHead:
    """Raises ``RegistryError`` RC442 or RC443."""
    shape = decode_stored(text, HEAD_NAME, _HEAD, "the head of a log")
    try:
        return _read_head(shape, version)
    except ValueError:
        raise garbled_error(HEAD_NAME, "it has not the fields of the head of a log") from None


def encode_claim(claim: LogClaim) -> str:
    return dumps(_write_claim(claim))


def decode_claim(text: str, name: str) -> LogClaim:
    """Raises ``RegistryError`` RC442 or RC443."""
    shape = decode_stored(text, name, _CLAIM, "a claim of an entry")
    try:
        return _read_claim(shape)
    except ValueError:
        raise garbled_error(name, "it has not the fields of a claim of an entry") from None


def _write_head(head: LogHead) -> dict[str, Json]:
    written: dict[str, Json] = {
        "format": FORMAT,
        "origin": head.origin,
        "size": head.size,
        "edge": [_text(one) for one in head.edge],
        "last": head.last,
        "key": head.key,
        "verifiers": {str(version): text for version, text in head.verifiers.items()},
        "checkpoint": head.checkpoint,
        "closed_at": iso_or_none(head.closed_at),
        "runs": dict(head.runs),
        "kept": head.kept,
    }
    if head.prefix:
        written["prefix"] = head.prefix
    if head.former:
        written["former"] = [_write_head(one) for one in head.former]
    if head.repair is not None:
        written["repair"] = _write_repair(head.repair)
    return written


def _read_head(shape: HeadShape, version: int) -> LogHead:
    return LogHead(
        origin=shape.origin,
        key=shape.key,
        verifiers={int(one): verifier for one, verifier in shape.verifiers.items()},
        size=shape.size,
        edge=tuple(_bytes(one) for one in shape.edge),
        last=shape.last,
        checkpoint=shape.checkpoint,
        closed_at=parse_iso_or_none(shape.closed_at),
        runs=shape.runs,
        kept=shape.kept,
        prefix=shape.prefix,
        former=tuple(_read_head(one, 0) for one in shape.former),
        repair=None if shape.repair is None else _read_repair(shape.repair),
        version=version,
    )


def _write_repair(repair: OpenRepair) -> dict[str, Json]:
    again: list[Json] = [_write_claim(one) for one in repair.again]
    return {"size": repair.size, "prefix": repair.prefix, "again": again}


def _read_repair(shape: RepairShape) -> OpenRepair:
    return OpenRepair(shape.size, tuple(_read_claim(one) for one in shape.again), shape.prefix)


def _write_claim(claim: LogClaim) -> dict[str, Json]:
    return {
        "format": FORMAT,
        "number": claim.number,
        "kind": claim.kind,
        "run": claim.run,
        "key": claim.key,
        "parts": list(claim.parts),
        "files": dict(claim.files),
        "closed_at": iso(claim.closed_at),
        "forgotten": list(claim.forgotten),
        "kept": claim.kept,
        "successor": claim.successor,
        "verifier": claim.verifier,
        "signature": _text(claim.signature),
        "entry": claim.entry,
        "leaf": _text(claim.leaf),
    }


def _read_claim(shape: ClaimShape) -> LogClaim:
    return LogClaim(
        number=shape.number,
        kind=shape.kind,
        run=shape.run,
        key=shape.key,
        parts=tuple(shape.parts),
        files=shape.files,
        closed_at=parse_iso(shape.closed_at),
        forgotten=tuple(shape.forgotten),
        kept=shape.kept,
        successor=shape.successor,
        verifier=shape.verifier,
        signature=_bytes(shape.signature),
        entry=shape.entry,
        leaf=_bytes(shape.leaf),
    )


def pack(statement: bytes, files: Mapping[str, str]) -> list[str]:
    """The parts of an entry, in order: a line of names and lengths in bytes, the statement, the
    files; all compressed, as Base64. No two files are there as bytes at once."""
    names = [["", len(statement)], *([name, _count_bytes(text)] for name, text in files.items())]
    packer = zlib.compressobj(_LEVEL)
    packed = bytearray(packer.compress(dumps(names).encode() + b"\n"))
    packed += packer.compress(statement)
    for text in files.values():
        packed += packer.compress(text.encode())
    packed += packer.flush()
    whole = base64.b64encode(packed).decode()
    return [
        whole[start : start + PART_CHARACTERS] for start in range(0, len(whole), PART_CHARACTERS)
    ]


def unpack(parts: list[str], name: str) -> tuple[bytes, dict[str, str]]:
    """The statement and the files. Raises ``RegistryError`` RC443."""
    try:
        line, _, rest = zlib.decompress(_join(parts)).partition(b"\n")
        contents = list(_cut(json.loads(line), rest))
        return contents[0][1], {path: content.decode() for path, content in contents[1:]}
    except (ValueError, TypeError, IndexError, zlib.error):
        raise garbled_error(name, "its parts are not what was written") from None


def unpack_statement(parts: list[str], name: str) -> bytes:
    """The statement alone: the files may be large, and are not made. Raises ``RegistryError``
    RC443."""
    unpacker = zlib.decompressobj()
    try:
        begun = unpacker.decompress(_join(parts), _LINE)
        line, _, rest = begun.partition(b"\n")
        lacking = json.loads(line)[0][1] - len(rest)
        if lacking > 0:
            rest += unpacker.decompress(unpacker.unconsumed_tail, lacking)
        return rest[: json.loads(line)[0][1]]
    except (ValueError, TypeError, LookupError, zlib.error):
        raise garbled_error(name, "its parts are not what was written") from None


def _join(parts: list[str]) -> bytes:
    return base64.b64decode("".join(parts), validate=True)


def _count_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _cut(names: list[tuple[str, int]], rest: bytes) -> Iterator[tuple[str, bytes]]:
    start = 0
    for name, length in names:
        yield name, rest[start : start + length]
        start += length
    if start != len(rest):
        raise ValueError("other lengths")


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
