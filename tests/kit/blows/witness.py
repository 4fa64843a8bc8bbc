"""What must be true at any instant of a run, as an administrator sees it in Vault, in git and on
the disk."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.domain.kinds.credentials import KEY
from reconciler.domain.live.record import USABLE, ClientRecord, Event, VersionState
from reconciler.registry.protocol.bucket import drop_attempts
from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.kit.vault.places import PROJECT
from tests.kit.worlds.stored import decode_bucket

TEMPORARY = ".reconciler-*"


@dataclass
class Witness:
    """Remembers what it saw, so that what must not change cannot change unseen. ``live``: clients
    that may at no instant be without a usable key. ``values``: every secret there ever was."""

    checkout: Checkout
    live: tuple[str, ...] = ()
    values: set[str] = field(default_factory=set)
    revoked: set[tuple[str, int]] = field(default_factory=set)
    events: dict[tuple[str, int], Event] = field(default_factory=dict)
    told: set[tuple[str, int]] = field(
        default_factory=set
    )  # events whose report was committed before this witness came
    reports: dict[str, str] = field(default_factory=dict)
    earlier: frozenset[str] = frozenset()  # reports of before this witness came

    def __post_init__(self) -> None:
        self.look()
        self.earlier = frozenset(self.reports)
        self.told = {
            key for key, event in self.events.items() if self._report(event.run) in self.earlier
        }

    def look(self) -> None:
        """I1 to I5, now."""
        records = self.records()
        for record in records.values():
            self._versions(record)
            self._history(record)
        for name in self.live:
            # A rename under way has two records of one client: either will do, the paths are the
            # same.
            known = [
                one
                for one in records.values()
                if name in (one.name, one.storage_name, one.moving_to)
            ]
            assert any(self._usable(record) for record in known), f"I3: {name} has no usable key"
        self._committed()

    def records(self) -> dict[str, ClientRecord]:
        found: dict[str, ClientRecord] = {}
        for name in self._names("registry/metadata/buckets"):
            document = self.checkout.vault("GET", f"registry/data/buckets/{name}")["data"]["data"][
                "doc"
            ]
            found.update(decode_bucket(document, PROJECT)[0])
        return found

    def _versions(self, record: ClientRecord) -> None:
        for kind, item, series in record.all_series():
            path = record.secret_path(kind, item)
            assert len(series.in_state(VersionState.ACTIVE)) <= 1, f"I2: {path}"
            assert len(series.in_state(VersionState.PENDING)) <= 1, f"I2: {path}"
            states = {version.number: version.state for version in series.versions}
            for version in series.versions:
                value = self._value(path, version.number)
                if value is not None and version.state in USABLE:
                    # A claim that was not written has no secret yet; what stands there is nobody's
                    # but its own.
                    assert hashlib.sha256(value.encode()).hexdigest() == version.sha256, (
                        f"I1: {path} {version.number}"
                    )
                if version.state in (VersionState.ACTIVE, VersionState.RETIRING):
                    assert value is not None, (
                        f"I1: {path} {version.number} is {version.state} and not there"
                    )
            for number in (number for where, number in self.revoked if where == path):
                assert states.get(number, VersionState.REVOKED) is VersionState.REVOKED, (
                    f"I4: {path} {number}"
                )
            self.revoked |= {
                (path, number) for number, state in states.items() if state is VersionState.REVOKED
            }

    def _usable(self, record: ClientRecord) -> bool:
        """Whether some key that Vault Agent finds at its path is accepted by the record."""
        for name in record.names(KEY):
            series = record.series_of(KEY, name)
            value = self._value(record.secret_path(KEY, name))
            sha256 = hashlib.sha256((value or "").encode()).hexdigest()
            if sha256 in {version.sha256 for version in series.in_state(*USABLE)}:
                return True
        return False

    def _value(self, path: str, version: int | None = None) -> str | None:
        value = self.checkout.secret(path, version)
        if value is not None:
            self.values.add(value)
        return value

    def _history(self, record: ClientRecord) -> None:
        numbers = [event.seq for event in record.events]
        assert numbers == list(range(record.seq - len(numbers) + 1, record.seq + 1)), (
            f"I5: {record.name} {numbers}"
        )
        for event in record.events:
            known = self.events.setdefault((record.storage_name, event.seq), event)
            # Once a run is in the ledger, a record may drop the attempts of a proof, and nothing
            # else.
            assert event in (known, drop_attempts(known)), (
                f"I5: event {event.seq} of {record.name} changed"
            )

    def _committed(self) -> None:
        """What was committed once stays as it is."""
        committed = dict(self.committed())
        for path, text in self.reports.items():
            assert committed.get(path) == text, f"I10: the committed report {path} changed"
        self.reports = committed

    def committed(self) -> Iterator[tuple[str, str]]:
        for path in git(
            self.checkout.root, "ls-tree", "-r", "--name-only", "HEAD", "--", "audit"
        ).splitlines():
            if path.endswith(("/log/keys", "/log/checkpoint")):  # derived: they grow with the log
                continue
            yield path, git(self.checkout.root, "show", f"HEAD:{path}")

    def complete(self) -> None:
        """I5: every event since this witness came is in exactly one committed report, the one of
        its run. I12: the log holds, and Vault knows the same one."""
        for client in {client for client, _ in self.events}:
            numbers = sorted(number for name, number in self.events if name == client)
            assert numbers == list(range(1, len(numbers) + 1)), f"I5: {client} {numbers}"
        wanted: dict[str, Counter[tuple[str, ...]]] = {}
        for key, event in self.events.items():
            if key not in self.told:
                wanted.setdefault(event.run, Counter())[
                    event.kind, event.address, event.reason
                ] += 1
        found = {
            path: json.loads(text)
            for path, text in self.committed()
            if path.endswith(".json") and "/log/" not in path
        }
        for run, counted in wanted.items():
            report = found[self._report(run)]
            assert report["run_id"] == run
            assert _evidence(report, counted) == counted, f"I5: the report of {run}"
        for path, report in found.items():
            if path not in self.earlier and report["run_id"] not in wanted:
                assert not _evidence(report, {}), f"I5: {path} tells of what no record knows"
        verdict = self.checkout.verify("--live")
        assert verdict.code == 0, f"I12: {verdict.out}"

    def clean(self) -> None:
        """Nothing of a run is left beside its committed report."""
        root = self.checkout.root
        assert git(root, "status", "--porcelain", "--untracked-files=all", "--", "audit") == ""
        assert [path for path in (root / "audit").rglob("*") if path.match(TEMPORARY)] == []
        assert list((root / ".git").rglob("*.lock")) == []

    def canary(self, **texts: str) -> None:
        """I6: no secret in ``texts``, in any file of the repository, in any git object."""
        assert self.values
        texts["git"] = git(
            self.checkout.root, "cat-file", "--batch-all-objects", "--batch", "--unordered"
        )
        texts["printed"] = "".join(self.checkout.printed)
        for path in self.checkout.root.rglob("*"):
            if path.is_file():
                texts[str(path)] = path.read_text(errors="replace")
        for value in (*self.values, *self.checkout.place.tokens.values()):
            for where, text in texts.items():
                assert value not in text, f"I6: a secret is in {where}"
                assert value.rsplit("_", 1)[-1] not in text, f"I6: a part of a secret is in {where}"

    def _report(self, run: str) -> str:
        return f"audit/{self.checkout.environment}/{run}.json"

    def collect(self) -> None:
        """Remember every secret that can be read now."""
        for folder in ("keys", "webhooks"):
            for name in self._names(f"secrets/metadata/{folder}"):
                known = self.checkout.vault("GET", f"secrets/metadata/{folder}/{name}")["data"][
                    "versions"
                ]
                for version in known:
                    self._value(f"{folder}/{name}", int(version))

    def _names(self, folder: str) -> list[str]:
        listing = self.checkout.vault("LIST", f"{folder}/")
        return listing["data"]["keys"] if listing else []


def _evidence(
    report: Mapping[str, Any], events: Mapping[tuple[str, ...], int]
) -> Counter[tuple[str, ...]]:
    """What a report tells that was done. The event of a rename is that of the run that began it;
    one that finishes it for a dead run tells so as well."""
    done = [outcome for outcome in report["outcomes"] if outcome["status"] == "done"]
    told = [(outcome["kind"], outcome["address"], outcome["reason"]) for outcome in done]
    return Counter(one for one in told if one[-1] != "Renamed" or one in events)
