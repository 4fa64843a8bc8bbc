"""What is known of clients of whom an earlier plan said nothing, and which of them are as before.

A verdict is no state and no authority: it saves the work of finding once more that there is nothing
to do. What changed, or may matter to another client, is planned as if nothing had been kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from reconciler.dataclass import dataclass
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.live.record import ClientRecord
from reconciler.planning.actions.reasons import Reason


class SecretState(NamedTuple):
    """What is known of a path of the secrets mount of which nothing is to be said."""

    path: str
    current: int
    oldest: int
    created: int  # seconds since 1970
    absent: tuple[int, ...]
    deleted: tuple[int, ...]


class QuietVerdict(NamedTuple):
    """Nothing is to be said of a client that is declared by the digest ``declared``, has a record
    by the digest ``record`` and these secrets, from ``made`` on and before ``until`` (seconds since
    1970)."""

    declared: str
    record: bytes
    secrets: tuple[SecretState, ...]
    made: int
    until: int


@dataclass(frozen=True, slots=True)
class Known:
    """The verdicts that were kept, and the digests of what is declared now, by client. ``keeping``:
    new ones are made of what is looked at."""

    verdicts: Mapping[str, QuietVerdict]
    declared: Mapping[str, str]
    keeping: bool = True

    def find_unchanged(self, records: Mapping[str, bytes]) -> frozenset[str]:
        """The clients whose declaration and record, by their digests, are those of a verdict."""
        return frozenset(
            name
            for name, verdict in self.verdicts.items()
            if self.declared.get(name) == verdict.declared and records.get(name) == verdict.record
        )

    def expects(
        self,
        name: str,
        record: bytes,
        now: datetime,
    ) -> bool:
        """Whether a client is among the unchanged with a record of this digest, and nothing is due
        at ``now``: then its record is needed only where its secrets are not as they were."""
        verdict = self.verdicts.get(name)
        return (
            verdict is not None
            and verdict.record == record
            and self.declared.get(name) == verdict.declared
            and verdict.made <= int(now.timestamp()) < verdict.until
        )

    def find_quiet(
        self,
        unchanged: Iterable[str],
        secrets: Mapping[str, SecretInfo],
        now: datetime,
    ) -> frozenset[str]:
        """Those of the ``unchanged`` whose secrets are as they were too, and of whom nothing is due
        at ``now``."""
        at = int(now.timestamp())
        return frozenset(
            name
            for name in unchanged
            if (verdict := self.verdicts[name]).made <= at < verdict.until
            and all(
                describe_secret(one.path, secrets.get(one.path)) == one for one in verdict.secrets
            )
        )

    def list_paths(self, quiet: Iterable[str]) -> frozenset[str]:
        """The paths of the secrets of these clients."""
        return frozenset(one.path for name in quiet for one in self.verdicts[name].secrets)


NOTHING_KNOWN = Known({}, {}, keeping=False)


def declared_digest(digest: str, base_digest: str) -> str:
    """What stands in a verdict for the declaration of a client with these digests."""
    return f"{digest} {base_digest}"


def describe_secret(path: str, info: SecretInfo | None) -> SecretState | None:
    """What a verdict says of a secret; None for one of which there may be more to say."""
    if info is None or info.current is None or info.edited or info.deletes or info.ends:
        return None
    return SecretState(
        path,
        info.current,
        info.oldest,
        int(info.created.timestamp()) if info.created is not None else 0,
        tuple(sorted(info.absent)),
        tuple(sorted(info.deleted)),
    )


def list_related(record: ClientRecord) -> set[str]:
    """The names of clients that a record tells of besides its own: what becomes of one depends on
    the other."""
    told = {one.detail.get("from") for one in record.events_with(Reason.RENAMED)}
    named = {record.name, record.storage_name, record.moving_to, *told} - {None}
    return {str(name) for name in named}
