"""Values for the renderers: a plan, live state and a run with something of every sort in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.app.plan.rendering import PLAN_FORMATS
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET
from reconciler.domain.live.observed import Lease, Observed, OpenRun, SecretInfo
from reconciler.domain.live.record import (
    ClientRecord,
    ClientStatus,
    Delivery,
    Hold,
    Series,
    Version,
    VersionState,
    WebhookRecord,
)
from reconciler.domain.plan.plan import (
    Action,
    Approval,
    Outcome,
    OutcomeStatus,
    Permissions,
    Plan,
    Risk,
)
from reconciler.domain.plan.run import RunResult
from reconciler.domain.plan.unfinished import Unfinished, UnfinishedKind
from reconciler.errors import NOWHERE, Address, Finding, Level, Source
from reconciler.planning.actions.order import sort_actions
from reconciler.planning.guards.unfinished import Books, find_unfinished
from reconciler.planning.planner import plan_digest

FORMS = tuple(PLAN_FORMATS)
NOW = datetime(2026, 11, 23, 22, 45, tzinfo=UTC)
COMMIT = "4f2c1e7d9a3b5c6d8e0f1a2b3c4d5e6f7a8b9c0d"
# Everything that could break out of a terminal line, a table cell, a comment or a workflow command.
at = Address.read
HOSTILE = (
    "a|b `c` *d* _e_ <img src=x onerror=alert(1)> <!-- --> [f](https://evil.example) ![g](h) @octocat #1 GH-2 "
    "\x1b[31mred\x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \u202egpj.exe\u202c \u200b \r\n\n# i\n"
    "::error::j % $k$ &amp; \\|"
)

ACTIONS = (
    Action(
        ActionKind.REGISTER_CLIENT, at("client/quickbooks-sales"), "NewClient",
        "the client is declared and not registered",
        Risk.MEDIUM, "quickbooks-sales", after={"scopes": ["invoices:read"]},
        risk_reasons=("a new client with 1 key and 0 webhooks", "gains 1 scope of low risk: invoices:read"),
        permissions=Permissions({"invoices:read": Risk.LOW}),
    ),
    Action(
        ActionKind.UPDATE_CLIENT, at("client/paystack-payouts"), "DeclarationChanged", "scopes and owner changed",
        Risk.HIGH, "paystack-payouts",
        before={"scopes": ["ledger:read"], "owner": {"team": "payments", "contact": "a@example.com"}},
        after={"scopes": ["payouts:*"], "owner": {"team": "payments", "contact": "b@example.com"}},
        risk_reasons=(
            "gains 1 scope of high risk: payouts:write",
            "the wildcard payouts:* grants 2 scopes: payouts:read and payouts:write",
            "loses 1 scope: ledger:read; key versions in use: 2",
            "owner contact: a@example.com → b@example.com",
        ),
        permissions=Permissions(
            {"payouts:read": Risk.MEDIUM, "payouts:write": Risk.HIGH}, {"ledger:read": Risk.LOW}
        ),
    ),
    Action(
        ActionKind.ISSUE_KEY, at("client/quickbooks-sales/key/primary"), "NotIssued", "no version has been issued yet",
        Risk.LOW, "quickbooks-sales", "primary",
        risk_reasons=("an issued version is new: no consumer depends on it yet",),
    ),
    Action(
        ActionKind.ROTATE_KEY, at("client/paystack-payouts/key/primary"), "SecretOverwritten",
        "version 4 at keys/paystack-payouts.primary was not written by us; it is never adopted",
        Risk.CRITICAL, "paystack-payouts", "primary", 5,
        risk_reasons=(
            "somebody else wrote at the path of key primary: consumers may hold what they wrote",
        ),
    ),
    Action(
        ActionKind.VERIFY_WEBHOOK, at("client/paystack-payouts/webhook/settlements"), "NotVerified",
        "https://hooks.example.com/payouts has not proven itself yet", Risk.LOW, "paystack-payouts", "settlements",
        risk_reasons=("a verification sends 7 test deliveries: 2 genuine and 5 that must be refused",),
    ),
    Action(
        ActionKind.REVOKE_KEY, at("client/legacy-erp/key/primary"), "GraceOver",
        "the grace of version 2 ended 2026-11-23T20:00:00Z", Risk.MEDIUM, "legacy-erp", "primary", 2,
        risk_reasons=("version 2 of key primary is refused since its grace ended 2026-11-23T20:00:00Z",),
    ),
    Action(
        ActionKind.NO_OP, at("client/legacy-erp/key/backup"), "RenewalDue", "due 2027-01-10T09:00:00Z",
        Risk.LOW, "legacy-erp", "backup", 1,
    ),
)  # fmt: skip
FINDINGS = (
    Finding(
        "RC352", Level.WARNING, "version 4 at keys/paystack-payouts.primary was not written by us; it is never adopted",
        at("client/paystack-payouts/key/primary"), "find out who changed it by hand",
    ),
    Finding(
        "RC202", Level.NOTE, "the waiver names a client that is not declared", remedy="remove the waiver",
        source=Source("policy.yaml", 12, 7), excerpt="      client: nobody",
    ),
)  # fmt: skip
BLOCK = Finding(
    "RC310", Level.ERROR, "client legacy-erp is protected and its file was deleted", at("client/legacy-erp"),
    "set protect: false in a change of its own first",
)  # fmt: skip


def make_plan(
    actions: tuple[Action, ...] = ACTIONS,
    findings: tuple[Finding, ...] = FINDINGS,
    unchanged: int = 9,
) -> Plan:
    """A plan whose digest is right."""
    revisions = {action.client: 3 for action in actions} | {"quickbooks-sales": 0}
    desired = dict.fromkeys(revisions, "sha256:" + "0" * 64)
    return Plan(
        "production", "acme-integrations", NOW, NOW + timedelta(days=1), COMMIT, actions, findings, revisions, desired,
        plan_digest("production", "acme-integrations", COMMIT, actions, revisions, desired), unchanged,
    )  # fmt: skip


def hostile_plan() -> Plan:
    """A plan in which every free string is an attack."""
    action = Action(
        ActionKind.UPDATE_CLIENT, at(HOSTILE), HOSTILE, HOSTILE, Risk.HIGH, HOSTILE, HOSTILE, 1,
        before={HOSTILE: HOSTILE}, after={HOSTILE: [HOSTILE]}, risk_reasons=(HOSTILE,),
        permissions=Permissions({HOSTILE: Risk.HIGH}, {HOSTILE: Risk.LOW}),
    )  # fmt: skip
    finding = Finding(
        HOSTILE, Level.WARNING, HOSTILE, at(HOSTILE), HOSTILE, Source(HOSTILE, 1, 1), HOSTILE
    )
    left = Unfinished(UnfinishedKind.STALE_CLAIM, HOSTILE, HOSTILE, NOW, at(HOSTILE))
    return replace(
        make_plan((action,), (finding,)),
        unfinished=(left,),
        dirty=(HOSTILE,),
        rollback_from=HOSTILE,
    )


def review_plan() -> Plan:
    """What one pull request brings: a new client, a scope widened to a wildcard, a webhook that
    moves to another host, a rotation that fell due, and a client that is gone although it is
    protected."""
    payouts, orders, erp, sales = (
        "paystack-payouts",
        "storefront-orders",
        "legacy-erp",
        "quickbooks-sales",
    )
    low, medium, high, critical = Risk
    new_host = "orders.shop-events.example.net"
    actions = [
        Action(
            ActionKind.REGISTER_CLIENT, at(f"client/{sales}"), "NewClient", "declared and not registered yet",
            high, sales,
            after={"scopes": ["customers:read", "invoices:write"], "owner": {"team": "finance"}},
            risk_reasons=("gains 1 scope of high risk: invoices:write", "a new client with 1 key and 0 webhooks"),
            permissions=Permissions({"customers:read": medium, "invoices:write": high}),
        ),
        Action(
            ActionKind.UPDATE_CLIENT, at(f"client/{payouts}"), "DeclarationChanged", "scopes changed",
            critical, payouts,
            before={"scopes": ["ledger:read", "payouts:read"]}, after={"scopes": ["ledger:read", "payouts:*"]},
            risk_reasons=(
                "gains 1 scope of critical risk: payouts:approve",
                "the wildcard payouts:* grants 3 scopes: payouts:approve, payouts:refund and payouts:write",
            ),
            permissions=Permissions({"payouts:approve": critical, "payouts:refund": high, "payouts:write": high}),
        ),
        Action(
            ActionKind.UPDATE_WEBHOOK, at(f"client/{orders}/webhook/orders"), "EndpointChanged", "its URL changed",
            critical, orders, "orders",
            before={"url": "https://hooks.example.com/orders"}, after={"url": f"https://{new_host}/hook"},
            risk_reasons=(
                f"webhook orders delivers to another host: hooks.example.com → {new_host}",
                f"webhook orders sends order.paid to {new_host}, which got nothing from this client so far",
            ),
        ),
        Action(
            ActionKind.ISSUE_KEY, at(f"client/{sales}/key/primary"), "NotIssued", "no version has been issued yet", low,
            sales, "primary", risk_reasons=("an issued version is new: no consumer depends on it yet",),
        ),
        Action(
            ActionKind.ROTATE_KEY, at("client/tax-filing/key/primary"), "RenewalDue",
            "version 3 expires 2026-12-20T09:00:00Z and was due 2026-11-22T09:00:00Z", medium, "tax-filing", "primary",
            3, risk_reasons=("a replaced version stays valid 3d: consumers must have read the new one by then",),
        ),
        Action(
            ActionKind.VERIFY_WEBHOOK, at(f"client/{orders}/webhook/orders"), "NotVerified",
            f"https://{new_host}/hook has not proven itself yet", low, orders, "orders",
            risk_reasons=("a verification sends 7 test deliveries: 2 genuine and 5 that must be refused",),
        ),
        Action(
            ActionKind.ACTIVATE_CLIENT, at(f"client/{sales}"), "Ready", "it has no webhook to prove", low, sales,
        ),
        Action(
            ActionKind.REVOKE_KEY, at(f"client/{erp}/key/primary"), "DeclarationRemoved",
            "the client is no longer declared", high, erp, "primary", 7,
            risk_reasons=(
                "version 7 of key primary is in use (active, valid until 2027-01-09T12:00Z), and no usable key is left",
            ),
        ),
        Action(
            ActionKind.RETIRE_CLIENT, at(f"client/{erp}"), "DeclarationRemoved",
            "the client is no longer declared", high,
            erp, risk_reasons=(
                "ends the client for ever, with 1 key version in use and 0 webhooks",
                "loses 2 scopes: inventory:read and orders:write; key versions in use: 1",
            ),
            permissions=Permissions({}, {"inventory:read": low, "orders:write": high}),
        ),
        Action(
            ActionKind.NO_OP, at("client/fraud-screening/key/primary"), "RenewalDue", "due 2027-01-10T09:00:00Z", low,
            "fraud-screening", "primary", 1,
        ),
    ]  # fmt: skip
    findings = (
        Finding(
            "RC310", Level.ERROR, f"client {erp} is protected and its declaration is gone", at(f"client/{erp}"),
            "declare it with protect: false and apply that first",
        ),
        Finding(
            "RC210", Level.ERROR,
            "the wildcard `payouts:*` grants 4 scopes today, and every one that is added later",
            at(f"client/{payouts}"),
            "name the scopes that are needed", Source("clients/payments/paystack-payouts.yaml", 13, 25),
            "  scopes: [ledger:read, payouts:*]",
        ),
        Finding(
            "RC215", Level.WARNING,
            f"the host `{new_host}` is not one of rules.allowed-hosts.hosts - waived by @acme/security until "
            "2026-12-31: orders move to the new event bus", at(f"client/{orders}/webhook/orders"), "",
            Source("policy.yaml", 31, 7),
        ),
        Finding(
            "RC355", Level.WARNING, "Vault policy integrations-production-planner differs from what bootstrap writes",
            NOWHERE, "run reconciler bootstrap to restore it",
        ),
    )  # fmt: skip
    approvals = (
        Approval(
            "@acme/finance-leads",
            (f"register-client of {sales}: its client may use invoices:write",
             f"update-client of {payouts}: its client has team: payments"),
            (at(f"client/{payouts}"), at(f"client/{sales}")),
        ),
        Approval(
            "@acme/security",
            (f"update-client of {payouts}: its risk is critical", f"update-webhook of {orders}: its risk is critical"),
            (at(f"client/{payouts}"), at(f"client/{orders}/webhook/orders")),
        ),
    )  # fmt: skip
    unfinished_business = (
        Unfinished(
            UnfinishedKind.RETIRING, "version 2 is still usable until 2026-11-24T09:00:00Z",
            "the first apply after that revokes it", NOW - timedelta(hours=40),
            at("client/warehouse-stock/key/primary"),
        ),
    )  # fmt: skip
    sources = {
        sales: Source("clients/finance/quickbooks-sales.yaml", 4, 3),
        payouts: Source("clients/payments/paystack-payouts.yaml", 4, 3),
        orders: Source("clients/commerce/storefront-orders.yaml", 4, 3),
        "tax-filing": Source("clients/finance/tax-filing.yaml", 4, 3),
        "fraud-screening": Source("clients/payments/fraud-screening.yaml", 4, 3),
    }
    made = make_plan(sort_actions(actions), findings, unchanged=21)
    return replace(made, approvals=approvals, unfinished=unfinished_business, sources=sources)


def small_plan() -> Plan:
    """The same with one change of each risk: every field of a plan is in it, and it is quick to
    render often."""
    plan = review_plan()
    kinds = (
        ActionKind.UPDATE_CLIENT,
        ActionKind.RETIRE_CLIENT,
        ActionKind.ROTATE_KEY,
        ActionKind.NO_OP,
    )
    return replace(plan, actions=tuple(action for action in plan.actions if action.kind in kinds))


def version(
    number: int, state: VersionState, *, days: float, grace: datetime | None = None
) -> Version:
    """A version that expires in ``days`` of ninety."""
    expires = NOW + timedelta(days=days)
    return Version(
        number, f"Id{number:010d}", state, f"{number:x}" * 64, "RenewalDue", "20261101t000000z-1a2b3c",
        expires - timedelta(days=90), expires, grace,
        revoked_at=NOW if state is VersionState.REVOKED else None,
    )  # fmt: skip


def record(name: str, **changes: object) -> ClientRecord:
    base: dict[str, object] = {
        "name": name, "owner": "acme-integrations", "storage_name": name, "revision": 3, "op": "op-1",
        "status": ClientStatus.ACTIVE, "protect": False, "digest": "sha256:d", "base_digest": "sha256:b",
        "spec": {"scopes": ["ledger:read"], "webhooks": {"settlements": {"url": "https://hooks.example.com/payouts"}}},
    }  # fmt: skip
    return ClientRecord(**(base | changes))  # type: ignore[arg-type]


def records() -> dict[str, ClientRecord]:
    active, retiring = VersionState.ACTIVE, VersionState.RETIRING
    rotated = Series(
        (version(1, VersionState.REVOKED, days=-20), version(2, retiring, days=10, grace=NOW + timedelta(hours=70)),
         version(3, active, days=80)), 3,
    )  # fmt: skip
    accepted = Delivery(
        "msg_1",
        NOW - timedelta(hours=3),
        "https://hooks.example.com/payouts",
        True,
        204,
        31,
        "HTTP 204",
    )
    refused = Delivery(
        "msg_2", NOW, "https://hooks.example.com/payouts", False, 500, 12, "HTTP 500"
    )
    signing = Series((version(1, active, days=100),), 1)
    gone = Series((version(4, VersionState.REVOKED, days=1),), 4)
    held = Series(
        (version(1, VersionState.REVOKED, days=30),), 1, Hold(1, "compromise", "INC-7", NOW)
    )
    claimed = Series((version(1, active, days=3), version(2, VersionState.PENDING, days=90)), 2)
    return {
        one.name: one
        for one in (
            record(
                "paystack-payouts", protect=True, series={(KEY, "primary"): rotated, (SIGNING_SECRET,
                "settlements"): signing},
                webhooks={"settlements": WebhookRecord(NOW - timedelta(hours=3), "sha256:v", accepted)},
            ),
            record(
                "quickbooks-sales", status=ClientStatus.PENDING, series={(KEY, "primary"): claimed,
                (SIGNING_SECRET, "settlements"): signing},
                webhooks={"settlements": WebhookRecord(None, None, refused)},
            ),
            record("legacy-erp", status=ClientStatus.SUSPENDED, series={(KEY, "primary"): held}),
            record("old-crm", status=ClientStatus.RETIRED, series={(KEY, "primary"): gone}),
            record("tampered", series={(KEY, "primary"): Series((version(1, active, days=50),), 1, edited=True)}),
            record("unused", spec={}),
        )
    }  # fmt: skip


def observed() -> Observed:
    stored = (
        "keys/paystack-payouts.primary",
        "webhooks/paystack-payouts.settlements",
        "keys/tampered.primary",
    )
    return Observed(
        NOW, records(), {path: SecretInfo(3) for path in stored}, 256,
        claims={"keys/quickbooks-sales.primary": frozenset({"Id0000000002"})},
        foreign={"someone": "other-project"},
        unmanaged=("keys/by-hand",),
        open_runs=(
            OpenRun("20261123t220000z-aaaaaa", "apply", "Ada", NOW - timedelta(minutes=45), COMMIT, "sha256:p"),
            OpenRun("20261123t224400z-bbbbbb", "apply", "Bob", NOW - timedelta(minutes=1), COMMIT, "sha256:q"),
            OpenRun("20261123t210000z-cccccc", "apply", "Ada", NOW - timedelta(1), COMMIT, "sha256:r", True, True),
        ),
        lease=Lease("20261123t224400z-bbbbbb", NOW + timedelta(seconds=20)),
        policies_edited=("integrations-production-planner",),
    )  # fmt: skip


def every_kind() -> tuple[Unfinished, ...]:
    """What the samples of live state leave unfinished, and what git might know of their reports."""
    folder = "audit/production"
    files = {
        f"{folder}/20261123t220000z-aaaaaa.json": "new", f"{folder}/20261123t220000z-aaaaaa.md": "new",
        f"{folder}/20261101t000000z-1a2b3c.md": "changed", f"{folder}/20261101t000000z-1a2b3d.json": "removed",
    }  # fmt: skip
    moving = record("old-name", moving_to="new-name")
    state = observed()
    state = replace(state, records={**state.records, moving.name: moving})
    return find_unfinished(state, Books(files, 2), NOW)


def run_result() -> RunResult:
    issued = {
        "version": 1,
        "id": "Id0000000001",
        "sha256": "1" * 64,
        "expires_at": "2027-02-21T22:45:00Z",
    }
    ended = {
        "version": 2,
        "id": "Id0000000002",
        "sha256": "2" * 64,
        "expires_at": "2026-12-01T22:45:00Z",
    }
    sent = {
        "delivery": "msg_2", "url": "https://hooks.example.com/payouts", "accepted": False, "status": 500,
        "latency_ms": 12, "result": "HTTP 500",
    }  # fmt: skip
    done, failed, skipped = OutcomeStatus.DONE, OutcomeStatus.FAILED, OutcomeStatus.SKIPPED
    outcomes = (
        Outcome(ACTIONS[0], done, "done"),
        Outcome(ACTIONS[1], skipped, "its record changed while this ran"),
        Outcome(ACTIONS[2], done, "done", issued),
        Outcome(ACTIONS[4], failed, "HTTP 500", sent),
        Outcome(ACTIONS[5], done, "done", ended),
    )
    return RunResult(
        "20261123t224500z-1a2b3c", "production", "acme-integrations", "apply", "Ada Lovelace <ada@example.com>", COMMIT,
        make_plan().digest, NOW, NOW + timedelta(seconds=4), outcomes,
        audit_path="audit/production/20261123t224500z-1a2b3c.json", audit_commit=COMMIT,
        recovered=("20261123t220000z-aaaaaa",),
    )  # fmt: skip
