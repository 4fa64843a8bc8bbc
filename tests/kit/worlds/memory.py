"""A driver for the protocol's generators that holds documents and secrets in dictionaries.

It stands in for a *driver*, for laws and faults that need thousands of runs; whether Vault and
OpenBao behave like this is tested against the real server. It has KV v2's rules: check-and-set
against the newest version, versions that count on, soft deletion, destruction, metadata. Every
write of a bucket is judged by the invariants of the protocol at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.domain.declared.proof import Latency
from reconciler.domain.kinds.credentials import SIGNING_SECRET, CredentialKind
from reconciler.domain.live.log import LogHead
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values import keytext
from reconciler.evidence.notes import VerifierKey
from reconciler.evidence.signatures import NOTE_ED25519
from reconciler.registry.codec.log_codec import HEAD_NAME, encode_head
from reconciler.registry.requests import (
    Conflict,
    DestroyVersions,
    Done,
    LogKeys,
    MakeTransitKey,
    Metadata,
    Minted,
    PublicKey,
    PutSecret,
    ReadDocument,
    ReadLogKeys,
    ReadMetadata,
    ReadSubkeys,
    RemoveTransitKey,
    Request,
    ResetMetadata,
    Response,
    SignedLog,
    SignLog,
    StoredDocument,
    Subkeys,
    WriteDocument,
    Written,
)
from reconciler.webhooks.signature.ed25519 import public_text, sign_by_stranger
from reconciler.webhooks.wire.http import HttpFailure, HttpRequest, HttpResponse
from tests.kit.worlds.declared import PROJECT
from tests.kit.worlds.judge import judge_commit, judge_destruction
from tests.kit.worlds.stored import decode_bucket


def read_public(seed: bytes) -> bytes:
    """The public half of an ed25519 key."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


START = datetime(2026, 11, 23, 22, 45, tzinfo=UTC)
BUCKETS = 16
Result = TypeVar("Result")


@dataclass
class Entry:
    """One path of a KV v2 mount."""

    current: int = 0
    versions: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    destroyed: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    edited: bool = False
    created: datetime | None = None  # when the newest version was written
    stamp: str = ""  # of a document: its creation time as the server words it, never the same twice

    def readable(self, version: int) -> Mapping[str, Any] | None:
        gone = version in self.destroyed or version in self.deleted
        return None if gone else self.versions.get(version)

    def put(self, data: Mapping[str, Any], cas: int) -> int | None:
        if cas != self.current:
            return None
        self.current += 1
        self.versions[self.current] = data
        return self.current

    def info(self) -> SecretInfo:
        return SecretInfo(
            self.current,
            frozenset(self.destroyed),
            frozenset(self.deleted),
            self.edited,
            created=self.created,
        )


class World:
    """The server's side of one environment, and what a person may do to it by hand.

    A ``LiveState``.
    """

    def __init__(self, owner: str = PROJECT) -> None:
        self.owner = owner
        self.at = START
        self.documents: dict[str, Entry] = {}
        self.secrets: dict[str, Entry] = {}
        self.minted: list[str] = []
        self.writes = 0
        self.accepts: Callable[[str], bool] = lambda url: True
        self.deliveries: list[str] = []
        self.pairs_made = 0
        self.pairs: dict[str, bytes] = {}  # transit key -> the seed of its private half
        self.log_keys: dict[int, bytes] = {}  # version -> the seed of the private half
        self.log_keys_lost = 0
        self.run_id: str | None = None

    # the port
    def now(self) -> datetime:
        return self.at

    def answer(self, request: Request) -> Response:
        if isinstance(request, ReadDocument):
            entry = self.documents.get(request.name, Entry())
            data = entry.readable(entry.current)
            return StoredDocument(
                None if data is None else data["doc"], entry.current, self.at, entry.stamp
            )
        if isinstance(request, WriteDocument):
            return self._write_document(request)
        if isinstance(request, PutSecret):
            data = {"id": {request.id: ""}} | (
                {"value": request.secret.reveal()} if request.secret else {}
            )
            entry = self.secrets.setdefault(request.path, Entry())
            written = entry.put(data, request.cas)
            entry.created = self.at if written else entry.created
            return self._written(written)
        if isinstance(request, ReadSubkeys):
            entry = self.secrets.get(request.path, Entry())
            number = request.version or entry.current
            data = entry.readable(number) or {}
            return Subkeys(
                number if number in entry.versions else 0, frozenset(data.get("id", ())), self.at
            )
        if isinstance(request, ReadMetadata):
            found = self.secrets.get(request.path)
            return Metadata(found.info() if found else None, self.at)
        if isinstance(request, DestroyVersions):
            return self._destroy(request)
        if isinstance(request, MakeTransitKey | RemoveTransitKey):
            return self._pair(request)
        if isinstance(request, SignLog | ReadLogKeys):
            return self._log_key(request)
        if isinstance(request, ResetMetadata):
            self.secrets[request.path].edited = False
            self.writes += 1
            return Done(self.at)
        raise TypeError(request)

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        return [self.answer(request) for request in requests]

    def list_documents(self, folder: str) -> tuple[str, ...]:
        return tuple(
            sorted(
                name.removeprefix(f"{folder}/")
                for name in self.documents
                if name.startswith(f"{folder}/")
            )
        )

    def delete_document(self, name: str) -> None:
        self.documents.pop(name, None)

    def at_once(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        return [call() for call in calls]

    def list_secrets(self, folder: str, *, deep: bool) -> tuple[Mapping[str, SecretInfo], bool]:
        return {
            path: entry.info()
            for path, entry in self.secrets.items()
            if path.startswith(f"{folder}/")
        }, True

    def list_folders(self) -> tuple[str, ...]:
        return tuple(sorted({path.partition("/")[0] + "/" for path in self.secrets}))

    def read_secret(self, path: str, version: int) -> Secret | None:
        data = self.secrets.get(path, Entry()).readable(version)
        return Secret(data["value"]) if data and "value" in data else None

    # the other two ports
    def mint(self, kind: CredentialKind) -> Minted:
        number = len(self.minted) + 1
        key_id = f"{number:0{keytext.ID_LENGTH}d}"
        text = keytext.compose("acme", "production", key_id, f"{number:0{keytext.SECRET_LENGTH}d}")
        if kind is SIGNING_SECRET:
            text = f"whsec_{number:044d}"
        self.minted.append(text)
        return Minted(key_id, Secret(text))

    def send(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        self.deliveries.append(request.url)
        return HttpResponse(204 if self.accepts(request.url) else 500, {}, b"", Latency(3))

    def sign(self, key: str, content: bytes) -> bytes:
        assert key in self.pairs, f"no transit key {key}"
        return sign_by_stranger(self.pairs[key], content)

    # what an administrator does
    def rotate_log_key(self) -> bytes:
        """A new version of the log's key; its public half."""
        version = len(self.log_keys) + 1
        self.log_keys[version] = hashlib.sha256(f"log key {version}".encode()).digest()
        return read_public(self.log_keys[version])

    def lose_log_key(self) -> None:
        """It is gone, and somebody made another one under its name."""
        self.log_keys_lost += 1
        self.log_keys = {1: hashlib.sha256(f"other log key {self.log_keys_lost}".encode()).digest()}

    def begin_log(self, number: int = 0) -> None:
        origin = f"{self.owner}/production/{number:032x}"
        verifier = VerifierKey(origin, NOTE_ED25519, self.rotate_log_key()).text
        version = max(self.log_keys)
        head = encode_head(LogHead(origin, version, {version: verifier}))
        self.answer(WriteDocument(HEAD_NAME, head, 0))

    # what a person does by hand
    def put_by_hand(self, path: str, value: str = "by hand") -> None:
        entry = self.secrets.setdefault(path, Entry())
        entry.put({"value": value}, entry.current)
        entry.created = self.at

    def destroy_by_hand(self, path: str) -> None:
        """The newest version."""
        entry = self.secrets[path]
        entry.destroyed.add(entry.current)

    def forget_by_hand(self, path: str) -> None:
        """The secret with its metadata: KV counts from 1 again."""
        del self.secrets[path]

    def edit_by_hand(self, old: str, new: str) -> None:
        """The text of every bucket."""
        for name, entry in self.documents.items():
            if name.startswith("buckets/"):
                entry.put(
                    {"doc": entry.versions[entry.current]["doc"].replace(old, new)}, entry.current
                )

    def readable(self, path: str, version: int) -> Mapping[str, Any] | None:
        return self.secrets.get(path, Entry()).readable(version)

    def pass_time(self, time: timedelta) -> None:
        self.at += time

    def records(self) -> dict[str, ClientRecord]:
        found: dict[str, ClientRecord] = {}
        for name, entry in self.documents.items():
            if name.startswith("buckets/"):
                found.update(decode_bucket(entry.versions[entry.current]["doc"], self.owner)[0])
        return found

    def text(self) -> str:
        """Everything that is stored outside the secrets mount."""
        return "\n".join(
            data["doc"] for entry in self.documents.values() for data in entry.versions.values()
        )

    def _log_key(self, request: SignLog | ReadLogKeys) -> SignedLog | LogKeys:
        if isinstance(request, SignLog):
            seed = self.log_keys[request.version]
            return SignedLog(sign_by_stranger(seed, request.content), self.at)
        public = {version: read_public(seed) for version, seed in self.log_keys.items()}
        return LogKeys(public, 0, self.at)

    def _pair(self, request: MakeTransitKey | RemoveTransitKey) -> PublicKey | Done:
        if isinstance(request, RemoveTransitKey):
            self.pairs.pop(request.name, None)
            return Done(self.at)
        if request.name not in self.pairs:  # one that was removed and is made again is another one
            self.pairs_made += 1
            self.pairs[request.name] = hashlib.sha256(f"{self.pairs_made}".encode()).digest()
        return PublicKey(public_text(read_public(self.pairs[request.name])), self.at)

    def _write_document(self, request: WriteDocument) -> Written | Conflict:
        entry = self.documents.setdefault(request.name, Entry())
        before = entry.readable(entry.current)
        answer = self._written(entry.put({"doc": request.text}, request.cas))
        if isinstance(answer, Written):
            entry.stamp = f"{self.at:%Y-%m-%dT%H:%M:%S}.{self.writes:09d}Z"
        if isinstance(answer, Written) and request.name.startswith("buckets/"):
            old = decode_bucket(before["doc"] if before else None, self.owner)[0]
            judge_commit(old, decode_bucket(request.text, self.owner)[0])
        return answer

    def _written(self, version: int | None) -> Written | Conflict:
        if version is None:
            return Conflict(self.at)
        self.writes += 1
        return Written(version, self.at)

    def _destroy(self, request: DestroyVersions) -> Done:
        entry = self.secrets.get(request.path)
        for number in request.versions:
            data = entry.versions.get(number) if entry else None
            judge_destruction(self.records().values(), request.path, number, data or {})
        if entry is not None:
            self.writes += 1
            entry.destroyed |= {number for number in request.versions if number in entry.versions}
            for number in request.versions:
                if number in entry.versions:
                    entry.versions[number] = {}
        return Done(self.at)
