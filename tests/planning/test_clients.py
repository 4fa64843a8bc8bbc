"""What is planned for a client, from what was applied before, what was done by hand and what is
declared now."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from reconciler.domain.declared.desired import Desired, DesiredClient
from reconciler.domain.declared.schemes import SCHEMES, STANDARD_WEBHOOKS_V1A, STRIPE, Scheme
from reconciler.domain.kinds import credentials
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Plan, Risk
from reconciler.planning.actions.reasons import DRIFT, Reason, RevocationRequest, RotationRequest
from reconciler.planning.emergency import revocation_plan
from reconciler.planning.planner import make_plan
from reconciler.registry.requests import PutSecret
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.declared import client, desired, lifecycle, webhook
from tests.kit.worlds.faults import Crash, Faulty, crash_before
from tests.kit.worlds.memory import Entry, World
from tests.kit.worlds.runner import Runner
from tests.kit.worlds.stored import decode_bucket, encode_bucket

DAY = timedelta(days=1)
PLAIN = client()
HOOKED = client(webhooks=[webhook()])
TWO = client(keys={"primary": lifecycle(), "backup": lifecycle()})
OTHER = client("other")
KEY, BACKUP, HOOK = "key/primary", "key/backup", "webhook/settlements"
SECRET = f"{HOOK}/secret"

Expected = tuple[str, str, str]


@dataclass(frozen=True)
class Case:
    """``applied`` one after the other, then ``by_hand``, then ``later``; ``declared`` gives
    ``planned``."""

    declared: Desired
    planned: list[Expected]
    applied: tuple[Desired, ...] = ()
    by_hand: Callable[[Runner], object] = lambda runner: None
    later: timedelta = timedelta()
    rotations: tuple[RotationRequest, ...] = ()
    verifications: tuple[str, ...] = ()

    def plan(self) -> Plan:
        runner = Runner(World())
        for one in self.applied:
            runner.settle(one)
        self.by_hand(runner)
        runner.world.at += self.later
        return runner.plan(
            self.declared,
            rotations={one.client: one for one in self.rotations},
            verifications=self.verifications,
        )


def key_entry(runner: Runner, item: str = KEY) -> Entry:
    return runner.world.secrets["keys/payouts." + item.split("/")[1]]


def edit(change: Callable[[str], str]) -> Callable[[Runner], None]:
    def act(runner: Runner) -> None:
        for name, entry in runner.world.documents.items():
            if name.startswith("buckets/"):
                entry.put({"doc": change(entry.versions[entry.current]["doc"])}, entry.current)

    return act


def cut_short(declared: Desired, at: int, rotate: bool = False) -> Callable[[Runner], None]:
    def act(runner: Runner) -> None:
        requests = {"payouts": RotationRequest("payouts", None, "x")} if rotate else {}
        with suppress(Crash):
            runner.apply(declared, Faulty(runner.world, at, crash_before), rotations=requests)

    return act


def revoked(key: str | None) -> Callable[[Runner], object]:
    return lambda runner: runner.revoke(RevocationRequest("payouts", key, "compromise", "INC-1"))


BOTH_KEYS = {"primary": lifecycle(), "backup": lifecycle()}


def in_turn(*hands: Callable[[Runner], object]) -> Callable[[Runner], object]:
    def change(runner: Runner) -> None:
        for hand in hands:
            hand(runner)

    return change


def applied(wanted: Desired) -> Callable[[Runner], object]:
    def change(runner: Runner) -> None:
        runner.settle(wanted)

    return change


def settle_primary(runner: Runner) -> None:
    """Leave the claim of the second key alone."""
    records = runner.world.records()
    record = records["payouts"]
    primary = replace(
        record.series[credentials.KEY, "primary"],
        versions=record.series[credentials.KEY, "primary"].versions[:1],
        last=1,
    )
    records["payouts"] = replace(
        record,
        series={**record.series, (credentials.KEY, "primary"): primary},
        revision=record.revision + 1,
        op="test",
    )
    (entry,) = (one for name, one in runner.world.documents.items() if name.startswith("buckets/"))
    assert decode_bucket(entry.versions[entry.current]["doc"], runner.world.owner)
    entry.put({"doc": encode_bucket(records)}, entry.current)


def undestroyed(runner: Runner) -> None:
    """A revoked version whose secret somebody brought back."""
    key_entry(runner).destroyed.clear()


def failing(runner: Runner) -> None:
    runner.world.accepts = lambda hook: False
    runner.apply(desired(HOOKED))


def settings_edited(runner: Runner) -> None:
    key_entry(runner).edited = True


ALLOWED = client(keys={"primary": lifecycle(reissue_after=1)})
SUSPENDED = client(state="suspended")
CASES: dict[str, Case] = {
    "a new client": Case(
        desired(HOOKED),
        [
            ("register-client", "", "NewClient"),
            ("issue-key", KEY, "NotIssued"),
            ("issue-secret", SECRET, "NotIssued"),
            ("verify-webhook", HOOK, "NotVerified"),
            ("activate-client", "", "Ready"),
        ],
    ),
    "as declared": Case(desired(HOOKED), [], (desired(HOOKED),)),
    "a new client, declared suspended": Case(
        desired(SUSPENDED), [("register-client", "", "NewClient"), ("suspend-client", "", "DeclaredSuspended")]
    ),
    "never there, declared retired": Case(desired(client(state="retired")), []),
    "reinstated": Case(
        desired(PLAIN),
        [("register-client", "", "Reinstated"), ("issue-key", KEY, "NotIssued"), ("activate-client", "", "Ready")],
        (desired(PLAIN), desired(client(state="retired"))),
    ),
    "renamed": Case(
        desired(client("new", renamed_from="payouts")), [("update-client", "", "Renamed")], (desired(PLAIN),)
    ),
    "renamed and changed": Case(
        desired(client("new", renamed_from="payouts", scopes=())),
        [("update-client", "", "Renamed"), ("update-client", "", "DeclarationChanged")],
        (desired(PLAIN),),
    ),
    "renamed and retired": Case(
        desired(client("new", renamed_from="payouts", state="retired")),
        [
            ("update-client", "", "Renamed"),
            ("revoke-key", KEY, "DeclaredRetired"),
            ("retire-client", "", "DeclaredRetired"),
        ],
        (desired(PLAIN),),
    ),
    "a rename that was cut short": Case(
        desired(client("new", renamed_from="payouts")),
        [("update-client", "", "Renamed")],
        (desired(PLAIN),),
        by_hand=cut_short(desired(client("new", renamed_from="payouts")), 4),
    ),
    "updated": Case(
        desired(client(scopes=("ledger:read", "payouts:write"))),
        [("update-client", "", "DeclarationChanged")],
        (desired(PLAIN),),
    ),
    "webhook added": Case(
        desired(HOOKED),
        [
            ("update-webhook", HOOK, "EndpointAdded"),
            ("issue-secret", SECRET, "NotIssued"),
            ("verify-webhook", HOOK, "NotVerified"),
            ("activate-client", "", "Ready"),
        ],
        (desired(PLAIN),),
    ),
    "webhook moved": Case(
        desired(client(webhooks=[webhook(url="https://b.example.com/")])),
        [
            ("update-webhook", HOOK, "EndpointChanged"),
            ("verify-webhook", HOOK, "EndpointChanged"),
            ("activate-client", "", "Ready"),
        ],
        (desired(HOOKED),),
    ),
    "webhook moved, cut short": Case(
        desired(client(webhooks=[webhook(url="https://b.example.com/")])),
        [("verify-webhook", HOOK, "NotVerified"), ("activate-client", "", "Ready")],
        (desired(HOOKED),),
        by_hand=cut_short(desired(client(webhooks=[webhook(url="https://b.example.com/")])), 2),
    ),
    "webhook removed": Case(
        desired(PLAIN),
        [
            ("update-webhook", HOOK, "EndpointRemoved"),
            ("revoke-secret", SECRET, "EndpointRemoved"),
        ],
        (desired(HOOKED),),
    ),
    "webhook refuses": Case(
        desired(HOOKED),
        [("verify-webhook", HOOK, "VerificationFailed"), ("activate-client", "", "Ready")],
        by_hand=failing,
    ),
    "secret rotated": Case(
        desired(HOOKED),
        [
            ("rotate-key", KEY, "Expired"),
            ("rotate-secret", SECRET, "RenewalDue"),
            ("verify-webhook", HOOK, "SecretRotated"),
            ("revoke-key", KEY, "Expired"),
        ],
        (desired(HOOKED),),
        later=121 * DAY,
    ),
    "key removed": Case(
        desired(PLAIN),
        [("update-client", "", "DeclarationChanged"), ("retire-key", BACKUP, "KeyRemoved")],
        (desired(TWO),),
    ),
    "key removed, its grace over": Case(
        desired(PLAIN), [("revoke-key", BACKUP, "GraceOver")], (desired(TWO), desired(PLAIN)), later=timedelta(hours=72)
    ),
    "key removed that has no grace": Case(
        desired(PLAIN),
        [
            ("update-client", "", "DeclarationChanged"),
            ("retire-key", BACKUP, "KeyRemoved"),
            ("revoke-key", BACKUP, "GraceOver"),
        ],
        (desired(client(keys={"primary": lifecycle(), "backup": lifecycle("90d", "30d", "0s")})),),
    ),
    "key removed while it was claimed": Case(
        desired(PLAIN),
        [
            ("update-client", "", "DeclarationChanged"),
            ("retire-key", BACKUP, "KeyRemoved"),
            ("revoke-key", BACKUP, "KeyRemoved"),
        ],
        (desired(TWO),),
        by_hand=in_turn(cut_short(desired(TWO), 4, rotate=True), settle_primary),
    ),
    "suspended": Case(
        desired(SUSPENDED),
        [("update-client", "", "DeclarationChanged"), ("suspend-client", "", "DeclaredSuspended")],
        (desired(PLAIN),),
    ),
    "suspended: what runs out, runs out, and nothing is issued": Case(
        desired(SUSPENDED), [], (desired(PLAIN), desired(SUSPENDED)), later=100 * DAY
    ),
    "suspended: what is dropped, ends": Case(
        desired(SUSPENDED),
        [
            ("update-client", "", "DeclarationChanged"),
            ("update-webhook", HOOK, "EndpointRemoved"),
            ("retire-key", BACKUP, "KeyRemoved"),
            ("revoke-secret", SECRET, "EndpointRemoved"),
        ],
        (
            desired(client(keys=BOTH_KEYS, webhooks=[webhook()])),
            desired(client(keys=BOTH_KEYS, webhooks=[webhook()], state="suspended")),
        ),
    ),
    "suspended with a claim left": Case(
        desired(SUSPENDED),
        [
            ("abandon-claim", KEY, "ClaimNotWritten"),
            ("update-client", "", "DeclarationChanged"),
            ("suspend-client", "", "DeclaredSuspended"),
        ],
        (desired(PLAIN),),
        by_hand=cut_short(desired(PLAIN), 3, rotate=True),
    ),
    "resumed": Case(
        desired(PLAIN),
        [("update-client", "", "DeclarationChanged"), ("activate-client", "", "Resumed")],
        (desired(PLAIN), desired(SUSPENDED)),
    ),
    "retired": Case(
        desired(client(state="retired", webhooks=[webhook()])),
        [
            ("revoke-key", KEY, "DeclaredRetired"),
            ("revoke-secret", SECRET, "DeclaredRetired"),
            ("retire-client", "", "DeclaredRetired"),
        ],
        (desired(HOOKED),),
    ),
    "declaration removed": Case(
        desired(OTHER),
        [("revoke-key", KEY, "DeclarationRemoved"), ("retire-client", "", "DeclarationRemoved")],
        (desired(PLAIN, OTHER),),
    ),
    "removed for good": Case(desired(OTHER), [], (desired(PLAIN, OTHER), desired(OTHER))),
    "a proof that was asked for": Case(
        desired(HOOKED),
        [("verify-webhook", HOOK, "VerificationRequested")],
        (desired(HOOKED),),
        verifications=("client/payouts/webhook/settlements",),
    ),
    "a proof that was asked for elsewhere": Case(
        desired(HOOKED), [], (desired(HOOKED),), verifications=("client/other/webhook/settlements",)
    ),
    "from a shared secret to a key pair": Case(
        desired(client(webhooks=[webhook(scheme=STANDARD_WEBHOOKS_V1A)])),
        [
            ("update-webhook", HOOK, "EndpointChanged"),
            ("rotate-secret", SECRET, "AlgorithmChanged"),
            ("verify-webhook", HOOK, "EndpointChanged"),
            ("activate-client", "", "Ready"),
        ],
        (desired(HOOKED),),
    ),
    "claimed and not written": Case(
        desired(PLAIN),
        [("abandon-claim", KEY, "ClaimNotWritten"), ("issue-key", KEY, "NotIssued"), ("activate-client", "", "Ready")],
        by_hand=cut_short(desired(PLAIN), 3),
    ),
    "claimed and written": Case(
        desired(PLAIN),
        [("adopt-claim", KEY, "ClaimWritten"), ("activate-client", "", "Ready")],
        by_hand=cut_short(desired(PLAIN), 4),
    ),
    "claimed, and somebody else wrote there": Case(
        desired(PLAIN),
        [("abandon-claim", KEY, "ClaimNotWritten"), ("issue-key", KEY, "NotIssued"), ("activate-client", "", "Ready")],
        by_hand=in_turn(
            cut_short(desired(PLAIN), 3),
            lambda runner: runner.world.answer(PutSecret("keys/payouts.primary", "x", None, 0)),
        ),
    ),
    "claimed, written and edited": Case(
        desired(PLAIN),
        [
            ("abandon-claim", KEY, "ClaimNotWritten"),
            ("issue-key", KEY, "RecordEdited"),
            ("activate-client", "", "Ready"),
        ],
        by_hand=in_turn(
            cut_short(desired(PLAIN), 4),
            edit(lambda text: text.replace('"sha256":"', '"sha256":"0'))
        ),
    ),
    "revoked by a person": Case(
        desired(PLAIN), [("no-op", KEY, "RevocationHeld")], (desired(PLAIN),), by_hand=revoked(None)
    ),
    "one of two revoked": Case(
        desired(TWO), [("no-op", BACKUP, "RevocationHeld")], (desired(TWO),), by_hand=revoked("backup")
    ),
    "revoked and allowed again": Case(
        desired(ALLOWED),
        [
            ("update-client", "", "DeclarationChanged"),
            ("issue-key", KEY, "ReissueDeclared"),
            ("activate-client", "", "Ready"),
        ],
        (desired(PLAIN),),
        by_hand=revoked(None),
    ),
    "a rotation that a person asks for": Case(
        desired(TWO),
        [("rotate-key", BACKUP, "RotationRequested")],
        (desired(TWO),),
        rotations=(RotationRequest("payouts", "backup", "a consultant left"),),
    ),
    "due": Case(desired(PLAIN), [("rotate-key", KEY, "RenewalDue")], (desired(PLAIN),), later=61 * DAY),
    "lifetime shortened": Case(
        desired(client(keys={"primary": lifecycle("10d", "3d")})),
        [("update-client", "", "DeclarationChanged"), ("rotate-key", KEY, "LifetimeShortened")],
        (desired(PLAIN),),
        later=20 * DAY,
    ),
    "a revoked version that can be read": Case(
        desired(ALLOWED),
        [("destroy-version", KEY, "NotDestroyed")],
        (desired(PLAIN),),
        by_hand=in_turn(revoked(None), applied(desired(ALLOWED)), undestroyed),
    ),
    "secret missing": Case(
        desired(PLAIN),
        [("rotate-key", KEY, "SecretMissing")],
        (desired(PLAIN),),
        by_hand=lambda runner: runner.world.secrets.clear(),
    ),
    "secret overwritten": Case(
        desired(PLAIN),
        [("rotate-key", KEY, "SecretOverwritten")],
        (desired(PLAIN),),
        by_hand=lambda runner: runner.world.put_by_hand("keys/payouts.primary"),
    ),
    "secret destroyed": Case(
        desired(PLAIN),
        [("rotate-key", KEY, "SecretDestroyed")],
        (desired(PLAIN),),
        by_hand=lambda runner: key_entry(runner).destroyed.add(1),
    ),
    "settings edited": Case(
        desired(PLAIN), [("update-client", "", "SecretMetadataEdited")], (desired(PLAIN),), by_hand=settings_edited
    ),
    "record edited": Case(
        desired(HOOKED),
        [
            ("update-client", "", "RecordEdited"),
            ("verify-webhook", HOOK, "NotVerified"),
            ("activate-client", "", "Ready"),
        ],
        (desired(HOOKED),),
        by_hand=edit(lambda text: text.replace('"status":"active"', '"status":"pending"')),
    ),
    "versions edited": Case(
        desired(PLAIN),
        [("rotate-key", KEY, "RecordEdited"), ("revoke-key", KEY, "RecordEdited")],
        (desired(PLAIN),),
        by_hand=edit(lambda text: text.replace('"NotIssued","revoked_at"', '"RenewalDue","revoked_at"')),
    ),
}  # fmt: skip


def shown(plan: Plan) -> list[Expected]:
    return [
        (one.kind.value, "/".join(one.address.split("/")[2:]), one.reason) for one in plan.actions
    ]


@pytest.mark.parametrize("name", CASES)
def test_planned(name: str) -> None:
    case = CASES[name]
    plan = case.plan()
    assert shown(plan) == case.planned
    for action in plan.actions:
        assert action.message
        assert bool(action.risk_reasons) is (action.kind is not ActionKind.NO_OP)
        assert (
            action.message not in action.risk_reasons
        )  # no check thinks worse of it than the rules do


def test_every_reason_and_kind_is_planned_by_some_case() -> None:
    """None is dead. ``PolicyEdited`` is a finding: nothing is done about a policy but to say so."""
    plans = [case.plan() for case in CASES.values()]
    asked = Runner(World())
    asked.settle(desired(PLAIN))
    request = RevocationRequest("payouts", None, "compromise")
    plans.append(
        revocation_plan(
            asked.look(), "production", asked.world.owner, request, asked.world.at, None
        )
    )
    assert {action.reason for plan in plans for action in plan.actions} == set(Reason) - {
        Reason.POLICY_EDITED
    }
    assert {action.kind for plan in plans for action in plan.actions} == set(ActionKind)


@pytest.mark.parametrize(
    "name", [name for name in CASES if any(reason in DRIFT for _, _, reason in CASES[name].planned)]
)
def test_drift_is_a_finding_as_well(name: str) -> None:
    plan = CASES[name].plan()
    drifted = {action.address for action in plan.actions if action.reason in DRIFT}
    warned = {
        finding.address
        for finding in plan.findings
        if finding.level == "warning" and finding.remedy
    }
    assert drifted == warned


def test_an_edit_of_what_is_not_in_use_is_a_finding() -> None:
    runner = Runner(World())
    runner.settle(desired(PLAIN))
    revoked(None)(runner)
    edit(lambda text: text.replace('"reason":"compromise"', '"reason":"rumour"'))(runner)
    plan = runner.plan(desired(PLAIN))
    assert not plan.changes
    assert [finding.code for finding in plan.findings] == ["RC354"]


def test_a_scope_that_no_catalogue_lists_is_a_high_risk() -> None:
    plan = CASES["updated"].plan()
    (action,) = plan.actions
    assert action.risk is Risk.HIGH
    assert (action.before, action.after) == (
        {"scopes": ["ledger:read"]},
        {"scopes": ["ledger:read", "payouts:write"]},
    )


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))
def test_a_rotation_says_when_the_new_secret_signs_alone(scheme: Scheme) -> None:
    declared = desired(client(webhooks=[webhook(scheme=scheme)]))
    plan = Case(declared, [], (declared,), later=126 * DAY).plan()
    said = {action.kind: action.message for action in plan.actions}
    alone = f"; {scheme.name} has room for one signature: from now on the new secret signs alone"
    assert said[ActionKind.ROTATE_SECRET].endswith(alone) is not scheme.several
    assert (
        said[ActionKind.VERIFY_WEBHOOK].endswith("alone: it has to know it already")
        is not scheme.several
    )


def test_another_scheme_is_another_endpoint() -> None:
    """It must prove itself again, and its signing secret stays: it is a key under every scheme."""
    before, after = (
        client(webhooks=[webhook(scheme=scheme)]) for scheme in (STRIPE, replace(STRIPE, tag="v2="))
    )
    after = replace(after, spec={**after.spec, "webhooks": {"settlements": {
        **after.spec["webhooks"]["settlements"], "signature": {"scheme": "custom", "custom": {"tag": "v2="}}}}},
        digest="sha256:other")  # fmt: skip
    plan = Case(desired(after), [], (desired(before),)).plan()
    assert [(action.kind, action.reason) for action in plan.actions] == [
        (ActionKind.UPDATE_WEBHOOK, Reason.ENDPOINT_CHANGED),
        (ActionKind.VERIFY_WEBHOOK, Reason.ENDPOINT_CHANGED),
        (ActionKind.ACTIVATE_CLIENT, Reason.READY),
    ]
    assert (plan.actions[0].after or {})["signature"] == {
        "scheme": "custom",
        "custom": {"tag": "v2="},
    }


def test_a_record_that_was_never_applied_here_is_planned_alike() -> None:
    """The plan comes from values alone: the same inputs, the same plan."""
    runner = Runner(World())
    runner.settle(desired(HOOKED))
    observed = runner.look()
    declared: DesiredClient = client(webhooks=[webhook()], scopes=())
    first = make_plan(inputs(desired(declared), observed, observed.now))
    assert first == make_plan(inputs(desired(declared), observed, observed.now))
