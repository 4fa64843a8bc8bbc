"""The evidence log of an environment, as the registry knows it: its head, and one claim for each
entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from reconciler.dataclass import dataclass

# What writes an entry.
RUN, HEARTBEAT, KEY, REPAIR = "run", "heartbeat", "key", "repair"
# A claim that a repair gave up: its number is free.
GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class LogHead:
    """What the log is now.

    ``edge`` holds the roots of its perfect subtrees, largest first (RFC 6962): with them the next
    root can be computed without the entries. ``last`` is the SHA-256 of the newest entry's file.
    ``key`` is the version of the signing key that signs the next entry, ``verifiers`` are the
    verifier keys (C2SP signed note) by version. ``checkpoint`` is the signed note of this size.
    ``runs`` maps runs that were not known to be closed to their entries, 0 for one in a former log.
    The bytes of the entries from ``kept`` on are in the registry. ``prefix`` begins the names of
    its entries' documents there. ``former`` are the logs that could not go on and that this one
    follows, oldest first; none of them has a former one itself. ``repair``: it was begun, and is
    not finished. ``version``: of the document, 0 before it is written.
    """

    origin: str
    key: int
    verifiers: Mapping[int, str]
    size: int = 0
    edge: tuple[bytes, ...] = ()
    last: str | None = None
    checkpoint: str = ""
    closed_at: datetime | None = None
    runs: Mapping[str, int] = field(default_factory=dict)
    kept: int = 1
    prefix: str = ""
    former: tuple[LogHead, ...] = ()
    repair: OpenRepair | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class OpenRepair:
    """What is still to be done: the entry that says so, unless the log has grown from ``size``
    entries, then the entries of ``again`` under new numbers. Their parts lie under their former
    numbers, with ``prefix``."""

    size: int
    again: tuple[LogClaim, ...] = ()
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class LogClaim:
    """An entry whose number is taken: this document's creation took it.

    ``parts`` name the documents that hold its statement and its files, ``files`` are the SHA-256 of
    the files by path. ``entry`` is the SHA-256 of the entry's file and ``leaf`` its leaf hash. Both
    are empty, as ``signature`` is, until it is signed. ``successor`` is the version of the key that
    the entry hands over to, with its ``verifier`` key; 0 for all others. ``forgotten``: runs that
    are known to be closed.
    """

    number: int
    kind: str
    run: str
    key: int
    parts: tuple[str, ...]
    files: Mapping[str, str]
    closed_at: datetime
    forgotten: tuple[str, ...] = ()
    kept: int = 1
    successor: int = 0
    verifier: str = ""
    signature: bytes = b""
    entry: str = ""
    leaf: bytes = b""


@dataclass(frozen=True, slots=True)
class LogDocument:
    """An entry as its files: what is committed of it. ``files`` are the reports, by path from the
    project's root."""

    number: int
    run: str
    entry: bytes
    files: Mapping[str, str]
