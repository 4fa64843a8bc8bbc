"""Observed state: what Vault reports now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.checkout import Applied
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.plan.plan import Outcome


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """What is known of one path of the secrets mount without reading a value.

    ``current`` is the newest KV version; None when only the name is known (a plain LIST).
    ``absent`` holds the versions that were destroyed, ``deleted`` those that were soft-deleted,
    ``oldest`` the lowest version that is kept. ``created`` is the server's time when ``current``
    was written, None when that is not known.
    """

    current: int | None = None
    absent: frozenset[int] = frozenset()
    deleted: frozenset[int] = frozenset()
    edited: bool = False  # max_versions, delete_version_after or custom_metadata were set by hand
    oldest: int = 0  # versions below it were pruned
    # the path's own delete_version_after, as the server words it: what is written next will end
    deletes: str = ""
    # versions that the server will delete, and when
    ends: Mapping[int, datetime] = field(default_factory=dict)
    created: datetime | None = field(default=None, compare=False)

    def holds(self, number: int) -> bool | None:
        """Whether version ``number`` can still be read; None when that is not known."""
        if self.current is None:
            return None
        return (
            max(self.oldest, 1) <= number <= self.current
            and number not in self.absent
            and number not in self.deleted
        )


@dataclass(frozen=True, slots=True)
class MountSettings:
    """What a KV mount does to versions by itself.

    ``keeps`` is how many versions of a path it keeps, ``deletes`` its delete_version_after as the
    server words it, empty when it deletes none. ``edited`` says in words what is not as bootstrap
    sets it.
    """

    mount: str
    keeps: int
    deletes: str = ""
    edited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run whose report is not in the ledger yet; ``closed``: it is, and the plan file it used
    stays refused.

    ``finished_at`` is set when it came to its end by itself (``interrupted``: it was told to stop,
    with work left); ``unrecorded`` then holds what became of actions of which no history tells,
    ``omitted`` how many more there were, and ``reports`` the SHA-256 of its report by the ending of
    each file.
    """

    run_id: str
    command: str
    actor: str
    started_at: datetime
    git_commit: str | None
    plan_digest: str
    planfile: bool = False
    closed: bool = False
    finished_at: datetime | None = None
    interrupted: bool = False
    unrecorded: tuple[Outcome, ...] = ()
    omitted: int = 0
    reports: Mapping[str, str] = field(default_factory=dict)
    dirty: tuple[str, ...] = ()  # paths of what was used that ``git_commit`` does not hold
    rollback_from: str | None = None  # the commit that an allowed step back left
    actor_salt: str = ""  # with which the evidence log commits to ``actor``


@dataclass(frozen=True, slots=True)
class Lease:
    holder: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Observed:
    """One look at an environment.

    ``records`` holds the clients of this project by name, ``digests`` the SHA-256 of all that is
    stored of each. ``secrets`` maps each path of the secrets
    mount to what is known of it. ``claims`` maps the path of every pending version to the key ids
    found there (from ``subkeys``). ``foreign`` names clients whose record belongs to another
    project. ``strangers`` are the paths whose active version is not the one on record, by its id.
    ``misplaced`` maps clients to a bucket that holds a record of theirs and should not.
    ``registry_mount`` and ``secrets_mount`` are None when the token may not read the settings of
    that mount. ``ending`` maps documents of the registry to when the server will delete them.
    ``unsettled`` are paths and clients of which nothing is concluded: what was seen of them
    contradicted the registry, and the registry changed each time it was read.
    """

    now: datetime
    records: Mapping[str, ClientRecord]
    secrets: Mapping[str, SecretInfo]
    buckets: int
    claims: Mapping[str, frozenset[str]] = field(default_factory=dict)
    strangers: frozenset[str] = frozenset()
    foreign: Mapping[str, str] = field(default_factory=dict)
    misplaced: Mapping[str, str] = field(default_factory=dict)
    unmanaged: tuple[str, ...] = ()  # paths of the secrets mount that belong to no record
    unsettled: frozenset[str] = frozenset()
    open_runs: tuple[OpenRun, ...] = ()
    # ids; their events are kept as those of open runs are
    unreadable_runs: frozenset[str] = frozenset()
    lease: Lease | None = None
    # names of Vault policies that differ from what bootstrap writes
    policies_edited: tuple[str, ...] = ()
    registry_mount: MountSettings | None = None
    secrets_mount: MountSettings | None = None
    ending: Mapping[str, datetime] = field(default_factory=dict)
    applied: Applied | None = None  # the commit that was applied last; None: none is on record
    digests: Mapping[str, bytes] = field(default_factory=dict, compare=False)
    # clients as declared and on record, of whom it is known that nothing is to be said: neither
    # their records nor their secrets are among the others
    quiet: frozenset[str] = frozenset()
    deep: bool = True  # versions are known for every secret, not only names
