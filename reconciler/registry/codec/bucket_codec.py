"""Buckets as canonical JSON, and back. A bucket is cut into its records, each of which is decoded
when somebody asks for it. What did not change is written back as the bytes that were read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Raw
from msgspec.json import Decoder

from reconciler.dataclass import dataclass
from reconciler.domain.live.record import ClientRecord
from reconciler.errors import RegistryError
from reconciler.registry.codec.record_codec import decode_record, encode_record, formless_error
from reconciler.registry.codec.shapes import BucketShape, Outline
from reconciler.registry.codec.stored import FORMAT, decode_stored, encode_json

# Raft's max_entry_size is 1 MiB, and a bucket is rewritten whole: half of that is refused.
MAX_DOCUMENT = 512 * 1024

_BUCKET, _OUTLINE = Decoder(BucketShape), Decoder(Outline)


def encode_bucket(
    records: Mapping[str, ClientRecord], stored: Mapping[str, Raw] | None = None
) -> str:
    """One bucket. ``stored`` holds the records that go back as they were read, those of other
    projects among them.

    Raises ``RegistryError`` RC441 when it is larger than 512 KiB.
    """
    return write_clients(
        {**(stored or {}), **{name: encode_record(one) for name, one in records.items()}}
    )


def write_clients(clients: Mapping[str, Raw]) -> str:
    """A bucket of records that are encoded already.

    Raises ``RegistryError`` RC441 when it is too large.
    """
    data = encode_json({"clients": clients, "format": FORMAT})
    if len(data) > MAX_DOCUMENT:
        raise RegistryError(
            "RC441",
            f"a bucket of {len(clients)} clients would exceed 512 KiB",
            "spread the registry over more buckets: reconciler bootstrap -e ENV --buckets 4096",
        )
    return data.decode()


def read_clients(text: str | None, where: str) -> dict[str, Raw]:
    """The records of the bucket ``where`` as they are stored, empty for None.

    Raises ``RegistryError`` RC442, RC443, RC446.
    """
    # a field that is not known would be dropped
    return {} if text is None else decode_stored(text, where, _BUCKET, "a bucket").clients


def read_outline(raw: Raw, name: str, where: str) -> Outline:
    """Whose the record ``name`` of the bucket ``where`` is, and its revision. Raises
    ``RegistryError`` RC443."""
    try:
        return _OUTLINE.decode(raw)
    except (ValueError, RecursionError):
        raise formless_error(name, where) from None


def read_bucket(text: str | None, owner: str, where: str) -> StoredBucket:
    """The bucket ``where``, with the records of project ``owner`` to be decoded.

    Raises ``RegistryError`` RC442 for a format of the future and RC443 for anything that is not a
    bucket.
    """
    raw = read_clients(text, where)
    records: dict[str, StoredRecord] = {}
    foreign: dict[str, str] = {}
    for name, one in raw.items():
        theirs = read_outline(one, name, where).owner
        if theirs == owner:
            records[name] = StoredRecord(name, one, where)
        else:
            foreign[name] = str(theirs)
    return StoredBucket(records, foreign, raw)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record of the bucket ``where``, as it is stored."""

    name: str
    raw: Raw
    where: str

    def decode(self) -> ClientRecord:
        """Raises ``RegistryError`` RC443."""
        return decode_record(self.raw, self.name, self.where)

    def digest(self) -> bytes:
        """SHA-256 of every byte that is stored of it."""
        return hashlib.sha256(self.raw).digest()


@dataclass(frozen=True, slots=True)
class LeftRecord:
    """A record of which nothing is kept but the digest of all that is stored of it."""

    name: str
    sha256: bytes

    def digest(self) -> bytes:
        return self.sha256


class StoredRecords(Mapping[str, ClientRecord]):
    """Records by name. Names cost nothing. A record is decoded, once, when it is asked for: then
    ``RegistryError`` RC443 is raised for one that has not the form of a record. One that was left
    must be put back before it is asked for. Thread-safe."""

    __slots__ = ("_digests", "_found")

    def __init__(self, found: dict[str, StoredRecord | LeftRecord | ClientRecord]) -> None:
        self._found = found
        self._digests: dict[str, bytes] = {}  # of those that were decoded: their text went

    def __getitem__(self, name: str) -> ClientRecord:
        found = self._found[name]
        if isinstance(found, LeftRecord):
            raise LookupError(f"the record of {name} was left")  # noqa: TRY004 - no argument
        if isinstance(found, StoredRecord):
            self._digests[name] = found.digest()
            self._found[name] = found = found.decode()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def change(self, changes: Mapping[str, ClientRecord | None]) -> StoredRecords:
        """These records with some of them replaced, added or (None) removed."""
        found = {**self._found, **changes}
        return StoredRecords({name: one for name, one in found.items() if one is not None})

    def list_left(self, names: Iterable[str]) -> list[str]:
        """Those of ``names`` whose records were left."""
        return [name for name in names if isinstance(self._found.get(name), LeftRecord)]

    def put_back(self, records: Iterable[StoredRecord]) -> None:
        """Take ``records`` for those that were left."""
        self._found.update((one.name, one) for one in records)

    def digest(self, name: str) -> bytes:
        """SHA-256 of every byte that is stored of a record, which is not decoded for it."""
        found = self._found[name]
        return self._digests[name] if isinstance(found, ClientRecord) else found.digest()

    @property
    def digests(self) -> Mapping[str, bytes]:
        """All of them, each made when it is asked for."""
        return StoredDigests(self)


class StoredDigests(Mapping[str, bytes]):
    """By name, the SHA-256 of every byte that is stored of a record: it changes with whatever a
    plan may depend on."""

    __slots__ = ("_records",)

    def __init__(self, records: StoredRecords) -> None:
        self._records = records

    def __getitem__(self, name: str) -> bytes:
        return self._records.digest(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


@dataclass(frozen=True, slots=True)
class StoredBucket:
    """``records``: those of one project. ``foreign`` names the owners of the other ones. ``raw``:
    all of them, as they are stored."""

    records: Mapping[str, StoredRecord]
    foreign: Mapping[str, str]
    raw: Mapping[str, Raw]
