"""A whole life of an environment, watched: what must hold over all of it, not only between two
commits."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.domain.declared.desired import ClientState, Desired
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET
from reconciler.domain.live.record import USABLE, ClientRecord, ClientStatus, Version, VersionState
from reconciler.domain.plan.plan import Plan
from reconciler.engine.planfile.document import plan_json
from reconciler.engine.planfile.load import load_plan
from reconciler.errors import UsageError
from reconciler.planning.actions.reasons import RevocationRequest, RotationRequest
from tests.kit.worlds.faults import Crash, Faulty
from tests.kit.worlds.judge import judge_secrets, usable
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner
from tests.kit.worlds.strategies import Step, reissued


@dataclass
class Watch:
    """What was ever seen of each version, by the path of its secret: it stays as it is, or goes
    forward."""

    seen: dict[tuple[str, str], Version] = field(default_factory=dict)
    numbers: dict[tuple[str, int], str] = field(default_factory=dict)

    def look(self, world: World) -> None:
        for record in current(world.records()):
            for kind, name, series in record.all_series():
                for version in series.versions:
                    if not series.edited:
                        self._look(record.secret_path(kind, name), version)

    def _look(self, path: str, version: Version) -> None:
        before = self.seen.get((path, version.id), version)
        if before.state is VersionState.REVOKED:
            assert version.state is VersionState.REVOKED, (
                f"I4: {path} version {version.number} came back to life"
            )
        if version.state is not VersionState.REVOKED:
            assert (before.expires_at, before.sha256) == (version.expires_at, version.sha256), (
                f"{path}: another life"
            )
        if version.grace_until is not None:
            assert version.grace_until <= version.expires_at, f"{path}: a grace lengthened a life"
            assert version.grace_until <= (before.grace_until or version.expires_at), (
                f"{path}: a grace was lengthened"
            )
        self.seen[path, version.id] = version
        if version.state is not VersionState.PENDING:
            owner = self.numbers.setdefault((path, version.number), version.id)
            assert owner == version.id, f"{path}: version number {version.number} was used twice"


def current(records: dict[str, ClientRecord]) -> list[ClientRecord]:
    """Without the records that a rename which was cut short has left behind."""
    return [record for record in records.values() if record.moving_to not in records]


@dataclass
class Life:
    """Steps one after the other. ``declared``: what was applied last, None when nothing was."""

    runner: Runner = field(default_factory=lambda: Runner(World()))
    watch: Watch = field(default_factory=Watch)
    declared: Desired | None = None

    @property
    def world(self) -> World:
        return self.runner.world

    def prepare(self, step: Step) -> Desired:
        """What comes before the run of a step; the declaration that it is about."""
        change, which = step.by_hand
        change(self.world, which)
        self.world.at += timedelta(hours=step.hours)
        return reissued(step.declared, self.world.records()) if step.reissue else step.declared

    def take(self, step: Step) -> None:
        """One step, perhaps disturbed, perhaps refused by a guard.

        Everything is judged after it.
        """
        declared = self.prepare(step)
        live = Faulty(self.world, *step.fault) if step.fault else None
        with suppress(Crash):
            if step.asked.startswith("revoke"):
                self._revoke(step, live)
            else:
                self._apply(declared, step, live)
        self.judge()

    def _revoke(self, step: Step, live: Faulty | None) -> None:
        records = current(self.world.records())
        if records:
            record = records[step.whom % len(records)]
            keys = record.names(KEY)
            key = keys[step.whom % len(keys)] if keys and step.asked == "revoke one" else None
            with suppress(UsageError):
                self.runner.revoke(RevocationRequest(record.name, key, "compromise"), live)

    def _apply(self, declared: Desired, step: Step, live: Faulty | None) -> None:
        names = sorted(declared.clients)
        name = names[step.whom % len(names)]
        asked = (
            {name: RotationRequest(name, None, "a person asked")} if step.asked == "rotate" else {}
        )
        observed = self.runner.look()
        plan = self.runner.plan(declared, observed=observed, rotations=asked)
        judge_risks(plan)
        if not plan.blocked:
            self.declared = declared
            self.runner.carry_out(plan, declared, observed, live)

    def judge(self) -> None:
        judge_secrets(self.world)
        self.watch.look(self.world)
        for record in self.world.records().values():
            seqs = [event.seq for event in record.events]
            assert record.edited or seqs == list(range(1, record.seq + 1)), (
                f"I5: a gap in the history of {record.name}"
            )

    def settle(self) -> None:
        """Apply what was declared last once more: everything is done, and then nothing is left to
        do."""
        if self.declared is None:
            return
        plan = self.runner.plan(self.declared)
        if not plan.blocked:
            self.runner.settle(self.declared)
            self.judge()
            self.expect_as_declared(self.declared)

    def expect_as_declared(self, declared: Desired) -> None:
        """Every client is as declared; only what a person revoked may be missing."""
        records = self.world.records()
        for name, record in records.items():
            wanted = declared.clients.get(name)
            if wanted is None or wanted.state is ClientState.RETIRED:
                assert record.status is ClientStatus.RETIRED, name
                assert not any(series.in_state(*USABLE) for _, _, series in record.all_series())
            elif wanted.state is ClientState.SUSPENDED:
                assert record.status is ClientStatus.SUSPENDED, name
            else:
                assert record.digest == wanted.digest
                held = any(series.hold for _, _, series in record.all_series())
                assert held or record.status is ClientStatus.ACTIVE, f"{name} is {record.status}"
                assert held or usable(self.world, record) >= len(wanted.keys)
                assert held or all(
                    record.series_of(SIGNING_SECRET, hook.name).active for hook in wanted.webhooks
                )
        assert {name for name, one in declared.clients.items() if one.state != "retired"} <= set(
            records
        )


def judge_risks(plan: Plan) -> None:
    """Every action that does something says why it has its risk; a plan file keeps that; nothing is
    granted and withdrawn at once."""
    for action in plan.actions:
        assert bool(action.risk_reasons) is (action.kind is not ActionKind.NO_OP), action
        assert action.message not in action.risk_reasons, (
            f"a check thinks worse of {action} than the rules do"
        )
        if action.permissions is not None:
            assert not action.permissions.granted.keys() & action.permissions.withdrawn.keys()
    assert load_plan(plan_json(plan)) == plan


def over(version: Version, now: datetime) -> bool:
    """Whether nobody accepts the version any more."""
    return version.expires_at <= now or (
        version.grace_until is not None and version.grace_until <= now
    )
