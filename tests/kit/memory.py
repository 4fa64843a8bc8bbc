"""A driver for the protocol's generators that holds documents and secrets in dictionaries.

It stands in for a *driver*, for laws and faults that need thousands of runs; whether Vault and OpenBao
behave like this is tested against the real server. It has KV v2's rules: check-and-set against the newest
version, versions that count on, soft deletion, destruction, metadata. Every write of a bucket is judged
by the invariants of the protocol at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from unittest.mock import patch

from reconciler.domain import keytext
from reconciler.domain.desired import Desired, DesiredWebhook
from reconciler.domain.observed import Observed, SecretInfo
from reconciler.domain.plan import Outcome, OutcomeStatus, Plan
from reconciler.domain.record import USABLE, ClientRecord, ClientStatus, Delivery, SeriesKind, VersionState
from reconciler.domain.secret import Secret
from reconciler.engine import executor
from reconciler.engine.drive import Driver, ServerClock
from reconciler.engine.observe import observe
from reconciler.planning.emergency import revocation_plan
from reconciler.planning.planner import Inputs, make_plan
from reconciler.planning.reasons import RevocationRequest, RotationRequest
from reconciler.registry.codec import decode_bucket
from reconciler.registry.requests import (
    Conflict,
    DestroyVersions,
    Document,
    Done,
    Metadata,
    Minted,
    PutSecret,
    ReadDocument,
    ReadMetadata,
    ReadSubkeys,
    Request,
    ResetMetadata,
    Response,
    Subkeys,
    WriteDocument,
    Written,
)
from reconciler.registry.steps import Steps
from reconciler.registry.work import Run
from tests.kit.declared import PROJECT

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
        return SecretInfo(self.current, frozenset(self.destroyed), frozenset(self.deleted), self.edited)


class World:
    """The server's side of one environment, and what a person may do to it by hand. A ``LiveState``."""

    def __init__(self, owner: str = PROJECT) -> None:
        self.owner = owner
        self.at = START
        self.documents: dict[str, Entry] = {}
        self.secrets: dict[str, Entry] = {}
        self.minted: list[str] = []
        self.writes = 0
        self.accepts: Callable[[DesiredWebhook], bool] = lambda webhook: True
        self.deliveries: list[tuple[str, int]] = []
        self.run_id: str | None = None

    # the port
    def now(self) -> datetime:
        return self.at

    def answer(self, request: Request) -> Response:
        if isinstance(request, ReadDocument):
            entry = self.documents.get(request.name, Entry())
            data = entry.readable(entry.current)
            return Document(None if data is None else data["doc"], entry.current, self.at)
        if isinstance(request, WriteDocument):
            return self._write_document(request)
        if isinstance(request, PutSecret):
            data = {"id": {request.id: ""}} | ({"value": request.secret.reveal()} if request.secret else {})
            return self._written(self.secrets.setdefault(request.path, Entry()).put(data, request.cas))
        if isinstance(request, ReadSubkeys):
            entry = self.secrets.get(request.path, Entry())
            number = request.version or entry.current
            data = entry.readable(number) or {}
            return Subkeys(number if number in entry.versions else 0, frozenset(data.get("id", ())), self.at)
        if isinstance(request, ReadMetadata):
            found = self.secrets.get(request.path)
            return Metadata(found.info() if found else None, self.at)
        if isinstance(request, DestroyVersions):
            return self._destroy(request)
        if isinstance(request, ResetMetadata):
            self.secrets[request.path].edited = False
            self.writes += 1
            return Done(self.at)
        raise TypeError(request)

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        return [self.answer(request) for request in requests]

    def list_documents(self, folder: str) -> tuple[str, ...]:
        return tuple(
            sorted(name.removeprefix(f"{folder}/") for name in self.documents if name.startswith(f"{folder}/"))
        )

    def delete_document(self, name: str) -> None:
        self.documents.pop(name, None)

    def list_secrets(self, folder: str, *, deep: bool) -> tuple[Mapping[str, SecretInfo], bool]:
        return {path: entry.info() for path, entry in self.secrets.items() if path.startswith(f"{folder}/")}, True

    def read_secret(self, path: str, version: int) -> Secret | None:
        data = self.secrets.get(path, Entry()).readable(version)
        return Secret(data["value"]) if data and "value" in data else None

    # the other two ports
    def mint(self, kind: SeriesKind) -> Minted:
        number = len(self.minted) + 1
        key_id = f"{number:0{keytext.ID_LENGTH}d}"
        text = keytext.compose("acme", "production", key_id, f"{number:0{keytext.SECRET_LENGTH}d}")
        if kind is SeriesKind.WEBHOOK:
            text = f"whsec_{number:044d}"
        self.minted.append(text)
        return Minted(key_id, Secret(text))

    def deliver(self, client: str, webhook: DesiredWebhook, secrets: Sequence[Secret], now: datetime) -> Delivery:
        self.deliveries.append((webhook.name, len(secrets)))
        accepted = self.accepts(webhook)
        status = 204 if accepted else 500
        return Delivery(f"msg_{len(self.deliveries)}", now, webhook.url, accepted, status, 3, f"HTTP {status}")

    # what a person does by hand
    def put_by_hand(self, path: str, value: str = "by hand") -> None:
        entry = self.secrets.setdefault(path, Entry())
        entry.put({"value": value}, entry.current)

    def records(self) -> dict[str, ClientRecord]:
        found: dict[str, ClientRecord] = {}
        for name, entry in self.documents.items():
            if name.startswith("buckets/"):
                found.update(decode_bucket(entry.versions[entry.current]["doc"], self.owner)[0])
        return found

    def text(self) -> str:
        """Everything that is stored outside the secrets mount."""
        return "\n".join(data["doc"] for entry in self.documents.values() for data in entry.versions.values())

    def _write_document(self, request: WriteDocument) -> Written | Conflict:
        entry = self.documents.setdefault(request.name, Entry())
        before = entry.readable(entry.current)
        answer = self._written(entry.put({"doc": request.text}, request.cas))
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
        if entry is not None:
            self.writes += 1
            entry.destroyed |= {number for number in request.versions if number in entry.versions}
            for number in request.versions:
                if number in entry.versions:
                    entry.versions[number] = {}
        return Done(self.at)


def judge_commit(old: Mapping[str, ClientRecord], new: Mapping[str, ClientRecord]) -> None:
    """What no single commit may do, whoever makes it: I2, I4, I5, I10."""
    for name, record in new.items():
        for _, item, series in record.all_series():
            where = f"{name}.{item}"
            assert len(series.in_state(VersionState.ACTIVE)) <= 1, f"I2: two active versions of {where}"
            assert len(series.in_state(VersionState.PENDING)) <= 1, f"I2: two pending versions of {where}"
            numbers = [version.number for version in series.versions]
            assert numbers == sorted(set(numbers)), f"a version number of {where} was used twice"
        seqs = [event.seq for event in record.events]
        assert seqs == sorted(set(seqs)), f"I5: events of {name} are duplicated or out of order"
        assert not seqs or seqs[-1] == record.seq, f"I5: the last event of {name} is missing"
        if name in old:
            _judge_successor(old[name], record)


def _judge_successor(before: ClientRecord, after: ClientRecord) -> None:
    if before == after:
        return
    assert after.revision == before.revision + 1, f"{after.name}: revision {before.revision} -> {after.revision}"
    assert after.op != before.op, f"{after.name}: two commits with one op"
    kept = {event.seq: event for event in after.events}
    for event in before.events:
        assert kept.get(event.seq, event) == event, f"I5: event {event.seq} of {after.name} was rewritten"
    fresh = [event.seq for event in after.events if event.seq > before.seq]
    assert fresh == list(range(before.seq + 1, after.seq + 1)), f"I5: a gap in the history of {after.name}"
    for kind, item, series in before.all_series():
        later = after.series(kind, item)
        for version in series.in_state(VersionState.REVOKED):
            now = later.version(version.number)
            assert now is None or now.state is VersionState.REVOKED, f"I4: {after.name}.{item} came back to life"


def judge_secrets(world: World) -> None:
    """I1: the secret of every version that a gateway accepts hashes to its record, if it is ours. I6."""
    for record in world.records().values():
        for kind, item, series in record.all_series():
            entry = world.secrets.get(record.secret_path(kind, item), Entry())
            for version in series.in_state(*USABLE):
                data = entry.readable(version.number)
                if data and version.id in data.get("id", ()):
                    assert Secret(data["value"]).sha256() == version.sha256, f"I1: {record.name}.{item}"
    stored = world.text()
    for secret in world.minted:
        assert secret not in stored, "I6: a secret outside the secrets mount"


def usable(world: World, record: ClientRecord) -> int:
    """How many keys of a client a consumer can read and a gateway accepts now (I3)."""
    count = 0
    for name, series in record.keys.items():
        entry = world.secrets.get(record.secret_path(SeriesKind.KEY, name), Entry())
        for version in series.in_state(*USABLE):
            data = entry.readable(version.number)
            over = version.grace_until is not None and version.grace_until <= world.at
            if data and version.id in data.get("id", ()) and version.expires_at > world.at and not over:
                count += 1
    return count


def outline(world: World) -> dict[str, Any]:
    """What state clients and their usable versions are in, without numbers and ids: where every path must end."""
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
        for record in world.records().values()
    }  # fmt: skip


class Inline(Executor):
    """Runs what it is given at once, so that requests have one order, always the same."""

    def __init__(self, *sizes: int, **options: Any) -> None:
        pass

    def submit(self, fn: Callable[..., Any], /, *values: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*values, **named))  # what it raises, the submitter gets at once
        return future

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **options: Any) -> Any:
        return iter([fn(*values) for values in zip(*iterables, strict=True)])


def drive(live: Any, steps: Steps[Result]) -> Result:
    """Run one generator against a world, or against what stands in front of it."""
    return Driver(live, live, live, ServerClock(live.now()), Inline()).run(steps)


@dataclass
class Runner:
    """Plans and applies against a world as the engine does, one run after the other."""

    world: World
    runs: int = 0

    def look(self) -> Observed:
        return observe(self.world, self.world.owner, BUCKETS)

    def plan(self, desired: Desired, **options: Any) -> Plan:
        observed = options.pop("observed", None) or self.look()
        return make_plan(Inputs(desired, observed, observed.now, "0" * 40, **options))

    def apply(self, desired: Desired, live: Any = None, **options: Any) -> tuple[Outcome, ...]:
        """``live``: what answers instead of the world (a fault injector). Raises whatever it raises."""
        observed = self.look()
        plan = self.plan(desired, observed=observed, **options)
        assert not plan.blocked, plan.findings
        return self.carry_out(plan, desired, observed, live)

    def revoke(self, request: RevocationRequest, live: Any = None) -> tuple[Outcome, ...]:
        observed = self.look()
        plan = revocation_plan(observed, "production", self.world.owner, request, observed.now, None)
        return self.carry_out(plan, None, observed, live)

    def rotate(self, desired: Desired, name: str, live: Any = None) -> tuple[Outcome, ...]:
        return self.apply(desired, live, rotations={name: RotationRequest(name, None, "a person asked")})

    def carry_out(
        self, plan: Plan, desired: Desired | None, observed: Observed, live: Any = None
    ) -> tuple[Outcome, ...]:
        live = live or self.world
        driver = Driver(live, live, live, ServerClock(self.world.at), Inline())
        with patch.object(executor, "ThreadPoolExecutor", Inline):
            return executor.execute(plan, desired.clients if desired else {}, driver, self.new_run(observed), BUCKETS)

    def new_run(self, observed: Observed) -> Run:
        self.runs += 1
        # No run is in the ledger yet: records keep all their events.
        earlier = frozenset(self.run_id(number) for number in range(1, self.runs))
        return Run(self.run_id(self.runs), self.world.owner, earlier, observed.secrets.get)

    @staticmethod
    def run_id(number: int) -> str:
        return f"{START + timedelta(seconds=number):%Y%m%dt%H%M%Sz}-0123456789ab-{number:04x}"

    def settle(self, desired: Desired) -> None:
        """Apply until everything is done, and check that the next plan is empty."""
        outcomes = self.apply(desired)
        assert all(outcome.status is OutcomeStatus.DONE for outcome in outcomes), outcomes
        self.expect_quiet(desired)

    def expect_quiet(self, desired: Desired) -> None:
        """I7: nothing is left to do, and doing it writes nothing."""
        plan = self.plan(desired)
        assert not plan.changes, [(action.kind, action.address, action.reason) for action in plan.changes]
        before = self.world.writes
        self.apply(desired)
        assert self.world.writes == before

    def active(self, name: str) -> bool:
        return self.world.records()[name].status is ClientStatus.ACTIVE
