"""What the protocol asks of the world, as values. ``reconciler.adapters`` answers them for real;
tests answer them with faults. A request holds everything that is needed to answer it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import DesiredWebhook
from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.live.record import Delivery
from reconciler.domain.secrecy.secret import Secret


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """Read a document of the registry mount → ``Document``.

    ``meta``, ``lease``, ``applied``, ``buckets/3f`` or ``runs/<id>``.
    """

    name: str


@dataclass(frozen=True, slots=True)
class WriteDocument:
    """Check-and-set write of a document → ``Written``, ``Conflict`` or ``Unclear``."""

    name: str
    text: str
    cas: int


@dataclass(frozen=True, slots=True)
class PutSecret:
    """Check-and-set write of a secret → ``Written``, ``Conflict`` or ``Unclear``.

    The stored data is ``{"value": <secret>, "id": {"<key id>": ""}}``; with ``secret`` None a
    placeholder without value: it only takes up a version number.
    """

    path: str
    id: str
    secret: Secret | None
    cas: int


@dataclass(frozen=True, slots=True)
class ReadSubkeys:
    """The key ids a version holds, without its value → ``Subkeys``.

    ``version`` None: the newest.
    """

    path: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class ReadMetadata:
    """→ ``Metadata``"""

    path: str


@dataclass(frozen=True, slots=True)
class DestroyVersions:
    """→ ``Done``, which proves nothing: Vault answers 204 for versions that do not exist."""

    path: str
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ResetMetadata:
    """Undo hand-made settings of a path (max_versions, delete_version_after, custom_metadata) →
    ``Done``"""

    path: str


@dataclass(frozen=True, slots=True)
class Mint:
    """Make a new key or signing secret with a cryptographic random source → ``Minted``"""

    kind: CredentialKind


@dataclass(frozen=True, slots=True)
class MakeTransitKey:
    """Make an ed25519 key that cannot leave the transit engine, unless it is there already →
    ``PublicKey``"""

    name: str


@dataclass(frozen=True, slots=True)
class RemoveTransitKey:
    """Remove a transit key for ever, and look until it is gone → ``Done``.

    One that is not there is no error.
    """

    name: str


@dataclass(frozen=True, slots=True)
class SignLog:
    """Sign ``content`` with one version of the log's key → ``SignedLog``."""

    version: int
    content: bytes


@dataclass(frozen=True, slots=True)
class ReadLogKeys:
    """The public keys of the log, by version → ``LogKeys``."""


@dataclass(frozen=True, slots=True)
class SigningVersion:
    """A version of a signing secret.

    ``key`` names the transit key that signs for it; empty: it is a shared secret.
    """

    number: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Have a webhook prove itself → ``Delivered``. ``versions`` are those to sign with, the active
    one first; ``owner`` is whom to ask when it does not."""

    client: str
    webhook: DesiredWebhook
    secret_path: str
    versions: tuple[SigningVersion, ...]
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Independent requests that may be answered at the same time → a tuple of their responses."""

    requests: tuple[Request, ...]


Request = (
    ReadDocument
    | WriteDocument
    | PutSecret
    | ReadSubkeys
    | ReadMetadata
    | DestroyVersions
    | ResetMetadata
    | Mint
    | MakeTransitKey
    | RemoveTransitKey
    | SignLog
    | ReadLogKeys
    | Deliver
    | Batch
)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """``text`` is None and ``version`` the newest KV version (0: never written) when there is
    nothing to read.

    ``at`` is the server's time, from the ``Date`` header, here and below. ``created`` is when the
    version was written, in the server's own words; with ``version`` it tells one write from every
    other one, also when somebody removed the document and KV counts from 1 again. ``ends`` is when
    the server will delete the version.
    """

    text: str | None
    version: int
    at: datetime
    created: str = ""
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Written:
    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Conflict:
    """The check-and-set parameter did not match: somebody else wrote, or an earlier try of ours
    did."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Unclear:
    """No usable answer to a write: it may or may not have been applied."""

    message: str


@dataclass(frozen=True, slots=True)
class Subkeys:
    """``version`` 0: there is nothing at the path or at that version.

    ``ids`` is empty for a destroyed version.
    """

    version: int
    ids: frozenset[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Metadata:
    """``info`` is None when the path has never been written (or its metadata was deleted)."""

    info: SecretInfo | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Done:
    at: datetime


@dataclass(frozen=True, slots=True)
class Minted:
    id: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class PublicKey:
    """``whpk_…``: what a receiver verifies with."""

    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SignedLog:
    """The 64 bytes of an ed25519 signature (RFC 8032)."""

    signature: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The 32 bytes of each ed25519 public key. ``least`` is the oldest version that may sign."""

    versions: Mapping[int, bytes]
    least: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    delivery: Delivery


Response = (
    StoredDocument
    | Written
    | Conflict
    | Unclear
    | Subkeys
    | Metadata
    | Done
    | Minted
    | PublicKey
    | SignedLog
    | LogKeys
    | Delivered
    | tuple["Response", ...]
)
