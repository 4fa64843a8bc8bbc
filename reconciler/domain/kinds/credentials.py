"""What a credential can be: one row a kind. Nothing else asks which kind a credential is.

Everything that treats kinds differently reads a column of their row. So a new kind is a row here,
its schema in ``schemas/`` and its texts in ``docs/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.actions import ActionKind
from reconciler.errors import Address


class SecretForm(StrEnum):
    """What a secret looks like, and so how it is made."""

    KEY = "key"  # <prefix>_<environment>_<id>_<secret>, with a checksum
    SIGNING = "signing"  # whsec_ and 64 hexadecimal digits


class Reader(StrEnum):
    """The role whose tokens may read a secret."""

    CONSUMER = "consumer"  # of its own client
    DELIVERER = "deliverer"  # of every client


@dataclass(frozen=True, slots=True, eq=False)
class CredentialKind:
    """A row. Two are the same kind when they are the same object, copied or not."""

    word: str  # in addresses and on the command line
    section: str  # of a declaration and of a stored record, with one entry a name
    folder: str  # of the secrets mount
    # of an entry of the section: the field with the life cycle, and the end of the address; empty:
    # the entry is the life cycle
    part: str
    place: str  # where its life cycle is declared, in words, with room for the name
    title: str  # what it is, likewise
    limit: str  # the first word of a policy's limits of its life
    lifetime: timedelta  # of a version, where nothing is declared
    grace: timedelta  # likewise
    form: SecretForm
    reader: Reader
    issue: ActionKind
    rotate: ActionKind
    revoke: ActionKind
    # What starts the grace of a version whose credential is no longer declared. None: it ends with
    # what it belonged to, at once.
    retire: ActionKind | None
    removed: str  # the reason of that end: a word of docs/reasons.md
    needed: bool  # whether a client that declares some is active only while one is usable

    def address(self, client: str, name: str) -> Address:
        """The address of one credential.

        >>> SIGNING_SECRET.address("payouts", "settlements")
        'client/payouts/webhook/settlements/secret'
        """
        return Address(client, self.word, name, self.part)

    def owner_address(self, client: str, name: str) -> Address:
        """The address of what has the credential: of a signing secret its webhook."""
        return Address(client, self.word, name)

    def path(self, storage_name: str, name: str) -> str:
        """The path in the secrets mount: ``keys/<client>.<key>``."""
        return f"{self.folder}/{storage_name}.{name}"

    def lives(self, spec: Any) -> dict[str, Mapping[str, Any]]:
        """What a specification says of the lives of such credentials, by their names. Of what was
        edited into nonsense it says nothing: an empty mapping."""
        section = _mapping(_mapping(spec).get(self.section))
        return {
            name: _mapping(_mapping(entry).get(self.part) if self.part else entry)
            for name, entry in section.items()
        }

    def __lt__(self, other: CredentialKind) -> bool:
        """Whether it is listed first: as their table has them."""
        first = next(word for word in CREDENTIAL_KINDS if word in (self.word, other.word))
        return first == self.word != other.word

    def __str__(self) -> str:
        return self.word

    def __reduce__(self) -> tuple[Any, ...]:
        return look_up_kind, (self.word,)  # a copy is the row itself


KEY = CredentialKind(
    word="key",
    section="keys",
    folder="keys",
    part="",
    place="key {}",
    title="key {}",
    limit="key",
    lifetime=timedelta(days=90),
    grace=timedelta(hours=72),
    form=SecretForm.KEY,
    reader=Reader.CONSUMER,
    issue=ActionKind.ISSUE_KEY,
    rotate=ActionKind.ROTATE_KEY,
    revoke=ActionKind.REVOKE_KEY,
    retire=ActionKind.RETIRE_KEY,
    removed="KeyRemoved",
    needed=True,
)
SIGNING_SECRET = CredentialKind(
    word="webhook",
    section="webhooks",
    folder="webhooks",
    part="secret",
    place="the secret of webhook {}",
    title="the signing secret of webhook {}",
    limit="secret",
    lifetime=timedelta(days=180),
    grace=timedelta(hours=24),
    form=SecretForm.SIGNING,
    reader=Reader.DELIVERER,
    issue=ActionKind.ISSUE_SECRET,
    rotate=ActionKind.ROTATE_SECRET,
    revoke=ActionKind.REVOKE_SECRET,
    retire=None,
    removed="EndpointRemoved",
    needed=False,
)
# In the order in which credentials are listed.
CREDENTIAL_KINDS: Mapping[str, CredentialKind] = {kind.word: kind for kind in (KEY, SIGNING_SECRET)}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def look_up_kind(word: str) -> CredentialKind:
    """Raises ``KeyError``."""
    return CREDENTIAL_KINDS[word]


def list_kinds() -> tuple[CredentialKind, ...]:
    """Every kind, in the order of the table."""
    return tuple(CREDENTIAL_KINDS.values())


def list_kinds_read_by(reader: Reader) -> list[CredentialKind]:
    """The kinds whose secrets a role may read."""
    return [kind for kind in list_kinds() if kind.reader is reader]


def find_kind(address: Address) -> CredentialKind | None:
    """The kind of the credential at ``address``; None where there is none.

    >>> print(find_kind(Address("payouts", "key", "primary")))
    key
    """
    kind = CREDENTIAL_KINDS.get(address.word)
    return kind if kind is not None and kind.part == address.part else None
