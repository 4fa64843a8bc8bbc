"""What must hold at every instant, whatever happened: the invariants of the protocol, judged from
outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from reconciler.domain.kinds.credentials import KEY
from reconciler.domain.live.record import (
    USABLE,
    ClientRecord,
    ClientStatus,
    VersionState,
    endpoint,
    transit_key,
)
from reconciler.domain.secrecy.secret import Secret
from reconciler.registry.protocol.bucket import drop_attempts
from reconciler.webhooks.signature.ed25519 import is_valid, public_bytes


class Site(Protocol):
    """An environment as an administrator sees it.

    ``minted``: every secret that was ever made for it.
    """

    at: datetime
    minted: list[str]

    def records(self) -> dict[str, ClientRecord]: ...

    def readable(self, path: str, version: int) -> Mapping[str, Any] | None:
        """The data of a version that a consumer could read now."""
        ...

    def text(self) -> str:
        """Everything that is stored outside the secrets mount."""
        ...

    def sign(self, key: str, content: bytes) -> bytes: ...


def judge_commit(old: Mapping[str, ClientRecord], new: Mapping[str, ClientRecord]) -> None:
    """What no single commit may do, whoever makes it:

    I2, I4, I5, I10. What was amiss before it is not its fault.
    """
    for name, record in new.items():
        present = old.get(name)
        amiss = flaws(record) - (flaws(present) if present else set())
        assert not amiss, f"{name}: {sorted(amiss)}"
        if present is not None:
            _judge_successor(present, record)
    for name in old.keys() - new.keys():
        assert old[name].moving_to is not None, f"I10: the record of {name} vanished"


def flaws(record: ClientRecord) -> set[str]:
    """What must not be so in any record, and can be only if somebody edited it by hand."""
    found = set()
    for _, item, series in record.all_series():
        if len(series.in_state(VersionState.ACTIVE)) > 1:
            found.add(f"I2: two active versions of {item}")
        if len(series.in_state(VersionState.PENDING)) > 1:
            found.add(f"I2: two pending versions of {item}")
        numbers = [version.number for version in series.versions]
        if numbers != sorted(set(numbers)):
            found.add(f"a version number of {item} was used twice")
    seqs = [event.seq for event in record.events]
    if seqs != sorted(set(seqs)):
        found.add("I5: events are duplicated or out of order")
    if seqs and seqs[-1] != record.seq:
        found.add("I5: the last event is missing")
    return found


def _judge_successor(before: ClientRecord, after: ClientRecord) -> None:
    if before == after:
        return
    assert after.revision == before.revision + 1, (
        f"{after.name}: revision {before.revision} -> {after.revision}"
    )
    assert after.op != before.op, f"{after.name}: two commits with one op"
    _judge_trust(before, after)
    kept = {event.seq: event for event in after.events}
    for event in before.events if not flaws(before) else ():
        same = kept.get(event.seq, event) in (event, drop_attempts(event))
        assert same, f"I5: event {event.seq} of {after.name} was rewritten"
    fresh = [event.seq for event in after.events if event.seq > before.seq]
    assert flaws(before) or fresh == list(range(before.seq + 1, after.seq + 1)), (
        f"I5: a gap in the history of {after.name}"
    )
    for kind, item, series in before.all_series():
        later = after.series_of(kind, item)
        for version in series.in_state(VersionState.REVOKED):
            now = later.version(version.number)
            assert now is None or now.state is VersionState.REVOKED, (
                f"I4: {after.name}.{item} came back to life"
            )


def _judge_trust(before: ClientRecord, after: ClientRecord) -> None:
    """A changed endpoint and an edited record prove nothing any more; versions of an edited series
    are replaced."""
    for name, webhook in after.webhooks.items():
        present = endpoint(after.spec, name)
        if present is not None and (
            before.edited > after.edited or present != endpoint(before.spec, name)
        ):
            assert webhook.verified_digest is None, f"{after.name}: {name} changed and stays proven"
            assert after.status is not ClientStatus.ACTIVE, (
                f"{after.name} is active and {name} is not proven"
            )
    for kind, item, series in before.all_series():
        later = after.series_of(kind, item)
        if series.edited > later.edited:
            runs = {version.run for version in later.in_state(*USABLE)}
            assert runs <= {after.op.partition(".")[0]}, (
                f"{after.name}.{item}: edited versions are trusted"
            )


def judge_destruction(
    records: Iterable[ClientRecord], path: str, number: int, data: Mapping[str, Any]
) -> None:
    """No version of ours is destroyed before its end is on record; while a rename is under way, in
    one of two."""
    states = {
        version.state
        for record in records
        for kind, item, series in record.all_series()
        if record.secret_path(kind, item) == path
        for version in series.versions
        if version.number == number and version.id in data.get("id", ())
    }
    assert not states or VersionState.REVOKED in states, (
        f"{path} version {number} is destroyed and not revoked"
    )


def judge_secrets(site: Site) -> None:
    """I1: the secret of every version that a gateway accepts hashes to its record, if both are
    ours; of a key pair, the private half is there as well, and belongs to it. I6."""
    for record in site.records().values():
        for kind, item, series in record.all_series():
            for version in series.in_state(*USABLE):
                data = site.readable(record.secret_path(kind, item), version.number)
                if data and version.id in data.get("id", ()) and not series.edited:
                    assert Secret(data["value"]).sha256() == version.sha256, (
                        f"I1: {record.name}.{item}"
                    )
                    if version.asymmetric:
                        key = transit_key(record.secret_path(kind, item), version.number)
                        assert is_valid(public_bytes(data["value"]), site.sign(key, b"x"), b"x"), (
                            f"I1: {key}"
                        )
    stored = site.text()
    for secret in site.minted:
        assert secret not in stored, "I6: a secret outside the secrets mount"


def usable(site: Site, record: ClientRecord) -> int:
    """How many keys of a client a consumer can read and a gateway accepts now (I3)."""
    count = 0
    for name in record.names(KEY):
        for version in record.series_of(KEY, name).in_state(*USABLE):
            data = site.readable(record.secret_path(KEY, name), version.number)
            over = version.grace_until is not None and version.grace_until <= site.at
            if (
                data
                and version.id in data.get("id", ())
                and version.expires_at > site.at
                and not over
            ):
                count += 1
    return count


def outline(site: Site) -> dict[str, Any]:
    """What state clients and their usable versions are in, without numbers and ids: where every
    path must end."""
    return {
        record.name: (
            record.status, record.protect, record.digest, record.moving_to, record.edited,
            [
                (kind, item, series.edited, series.hold and series.hold.reason,
                 [(version.state, version.grace_until, version.expires_at) for version in series.in_state(*USABLE)])
                for kind, item, series in record.all_series()
            ],
            {name: (hook.verified_at, hook.last_delivery and hook.last_delivery.accepted)
             for name, hook in record.webhooks.items()},
        )
        for record in site.records().values()
    }  # fmt: skip
