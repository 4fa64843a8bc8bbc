"""Plans from a client as it is on record and as it is declared, without a world; and which rules of
risk fired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from reconciler.domain.declared.desired import DesiredClient, GuardrailPolicy
from reconciler.domain.kinds import credentials
from reconciler.domain.kinds.credentials import KEY
from reconciler.domain.live.observed import Observed, SecretInfo
from reconciler.domain.live.record import (
    ClientRecord,
    ClientStatus,
    Series,
    Version,
    VersionState,
    WebhookRecord,
    verification_digest,
)
from reconciler.domain.plan.plan import Action, Plan
from reconciler.domain.plan.scopes import ScopeTable
from reconciler.planning.actions.reasons import RevocationRequest
from reconciler.planning.emergency import revocation_plan
from reconciler.planning.planner import make_plan
from reconciler.planning.risk.facts import Facts, Grounds
from reconciler.planning.risk.judging import apply_rules
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.declared import PROJECT, client, desired

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SCOPES = {
    "ledger:list": "low",
    "ledger:read": "low",
    "payouts:read": "medium",
    "payouts:write": "critical",
    "refunds:create": "high",
    "refunds:read": "low",
}
OTHER = client("other")  # so that the removal of a client is not that of all


def version(
    number: int, state: VersionState, *, days: int = 80, grace: int | None = None
) -> Version:
    """A version that expires in ``days`` and whose grace ends in ``grace`` hours."""
    expires = NOW + timedelta(days=days)
    until = None if grace is None else NOW + timedelta(hours=grace)
    return Version(
        number, f"Id{number:010d}", state, f"{number:x}" * 64, "RenewalDue", "run-1", expires - timedelta(days=90),
        expires, until,
    )  # fmt: skip


def series(*versions: Version) -> Series:
    return Series(versions, max((one.number for one in versions), default=0))


ISSUED = series(version(1, VersionState.ACTIVE))


def recorded(declared: DesiredClient) -> ClientRecord:
    """The record of a client that was applied as declared ten days ago and whose webhooks proved
    themselves."""
    status = ClientStatus.SUSPENDED if declared.state == "suspended" else ClientStatus.ACTIVE
    webhooks = {
        hook.name: WebhookRecord(NOW, verification_digest(declared.spec, hook.name, ISSUED))
        for hook in declared.webhooks
    }
    return ClientRecord(
        declared.name, PROJECT, declared.name, 3, "op-1", status, declared.protect, declared.spec, declared.digest,
        declared.base_digest, {(kind, name): ISSUED for kind, name, _ in declared.lives()}, webhooks,
    )  # fmt: skip


def with_key(*versions: Version) -> Callable[[ClientRecord], ClientRecord]:
    """The key ``primary`` has other versions than the one that was issued."""
    return lambda record: replace(
        record, series={**record.series, (credentials.KEY, "primary"): series(*versions)}
    )


@dataclass(frozen=True)
class Situation:
    """``before`` is on record (None: not registered), changed by ``hand``; ``after`` is declared
    (None: no more).

    ``revoke``: instead, a person revokes everything that the client has.
    """

    before: DesiredClient | None
    after: DesiredClient | None
    hand: Callable[[ClientRecord], ClientRecord] = lambda record: record
    scopes: Mapping[str, str] = field(default_factory=lambda: SCOPES)
    secrets: Mapping[str, SecretInfo | None] = field(default_factory=dict)
    revoke: bool = False
    policy: GuardrailPolicy | None = None

    def observed(self) -> Observed:
        records = [recorded(OTHER)] + ([self.hand(recorded(self.before))] if self.before else [])
        secrets: dict[str, SecretInfo | None] = {}
        for record in records:
            for kind, item, found in record.all_series():
                secrets[record.secret_path(kind, item)] = _stored(found)
        secrets |= self.secrets
        stored = {path: info for path, info in secrets.items() if info is not None}
        return Observed(NOW, {record.name: record for record in records}, stored, 256)

    def plan(self) -> Plan:
        observed = self.observed()
        if self.revoke:
            assert self.before is not None
            request = RevocationRequest(self.before.name, None, "compromise", "INC-1")
            return revocation_plan(observed, "production", PROJECT, request, NOW, None)
        declared = [OTHER] + ([self.after] if self.after else [])
        return make_plan(
            inputs(desired(*declared, scopes=self.scopes, policy=self.policy), observed, NOW)
        )

    def fired(self) -> dict[str, list[str]]:
        """The sentences of each rule that fires for some action of the plan, by the rule's name."""
        plan, observed = self.plan(), self.observed()
        found: dict[str, list[str]] = {}
        for action in plan.actions:
            for row, sentence in apply_rules(self._facts(action, plan, observed)):
                assert sentence in action.risk_reasons
                found.setdefault(row.name, []).append(sentence)
        return found

    def _facts(self, action: Action, plan: Plan, observed: Observed) -> Facts:
        old = self.before.name if self.before else action.client
        record = observed.records.get(action.client) or observed.records.get(old)
        table = ScopeTable({} if self.revoke else self.scopes)
        name = action.client
        declared = {} if self.after is None else {name: self.after}
        policy = self.policy or GuardrailPolicy()
        by = Grounds(NOW, {name: record}, declared, table, policy, plan.environment)
        return Facts(action, plan.actions, action.permissions, by)


def _stored(found: Series) -> SecretInfo:
    gone = frozenset(one.number for one in found.in_state(VersionState.REVOKED))
    return SecretInfo(found.last, gone)


def key_path(item: str = "primary", name: str = "payouts") -> str:
    return f"{KEY.folder}/{name}.{item}"
