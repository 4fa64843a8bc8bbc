"""Every rule of risk: a situation in which it fires, with its sentence, and one that only looks
like it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.domain.declared.desired import (
    ApproverRule,
    CustomRule,
    DesiredClient,
    DesiredWebhook,
    GuardrailPolicy,
    Rule,
    RuleLevel,
)
from reconciler.domain.declared.proof import Demand, Probe
from reconciler.domain.declared.schemes import (
    CUSTOM,
    GITHUB,
    INTUIT,
    PAYSTACK,
    STANDARD_WEBHOOKS,
    STANDARD_WEBHOOKS_V1A,
    SVIX,
    Scheme,
)
from reconciler.domain.kinds import credentials
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.live.record import ClientRecord, ClientStatus, Hold, Version, VersionState
from reconciler.domain.plan.plan import Action, Permissions, Risk, highest
from reconciler.errors import Address, Source
from reconciler.planning.risk.judging import PLAIN, RISK_RULES, judge_actions, take_grounds
from tests.kit.worlds.declared import client, desired, lifecycle, webhook
from tests.kit.worlds.judged import NOW, SCOPES, Situation, key_path, version, with_key

ACTIVE, RETIRING, REVOKED = VersionState.ACTIVE, VersionState.RETIRING, VersionState.REVOKED
EXPIRED, DUE = version(1, ACTIVE, days=-1), version(1, ACTIVE, days=1)
NETWORK = ["203.0.113.0/24"]
PLAIN_CLIENT = client(allowedCidrs=NETWORK)
SUSPENDED = client(state="suspended", allowedCidrs=NETWORK)
NO_GRACE = lifecycle("90d", "30d", "0s")
GRACELESS = client(keys={"primary": NO_GRACE})
BOTH = {"primary": lifecycle(), "backup": lifecycle()}


def scopes(*names: str) -> DesiredClient:
    return client(scopes=names)


def cidrs(*networks: str) -> DesiredClient:
    """Without any: the field is absent, as ``declare`` leaves it out."""
    return client(allowedCidrs=list(networks)) if networks else client()


def keys(**lives: tuple[str, str]) -> DesiredClient:
    """Keys with lifetime and grace."""
    return client(
        keys={name: lifecycle(life, "1d", grace) for name, (life, grace) in lives.items()}
    )


def hook(
    url: str = "https://hooks.example.com/payouts",
    scheme: Scheme = STANDARD_WEBHOOKS,
    **more: object,
) -> DesiredClient:
    one = webhook(url=url, scheme=scheme)
    return client(webhooks=[replace(one, **more)])  # type: ignore[arg-type]


def secret(life: str, grace: str = "24h") -> DesiredClient:
    return client(webhooks=[webhook(secret=lifecycle(life, "1d", grace))])


def secret_of(life: str, name: str = "b", grace: str = "24h") -> DesiredWebhook:
    return webhook(name, secret=lifecycle(life, "1d", grace))


def hook_of(scheme: Scheme, name: str = "b") -> DesiredWebhook:
    return webhook(name, scheme=scheme)


def beside(*hooks: DesiredWebhook) -> Situation:
    """The last webhook is new."""
    return Situation(client(webhooks=hooks[:-1]), client(webhooks=hooks))


def nobody(*networks: str) -> DesiredClient:
    """A client without keys, which lists networks all the same."""
    return client(keys={}, webhooks=[webhook()], allowedCidrs=list(networks))


def events(*names: str) -> DesiredClient:
    return hook(events=names)


def probes(**said: str) -> DesiredClient:
    return hook(probes=said)


def owned(**owner: str) -> DesiredClient:
    return client(owner=owner)


def with_field(section: str, name: str, **more: object) -> DesiredClient:
    """A client with one key and one webhook, of which the specification says ``more``."""
    one = hook()
    inner = {**one.spec[section], name: {**one.spec[section][name], **more}}
    return replace(
        one, spec={**one.spec, section: inner}, digest=f"sha256:{section}-{sorted(more)}"
    )


def edited(record: ClientRecord) -> ClientRecord:
    return replace(record, edited=True)


def key_edited(record: ClientRecord) -> ClientRecord:
    return replace(
        record,
        series={
            (credentials.KEY, "primary"): replace(
                record.series[credentials.KEY, "primary"], edited=True
            )
        },
    )


def held(record: ClientRecord) -> ClientRecord:
    ended = replace(
        with_key(version(1, REVOKED))(record).series[credentials.KEY, "primary"],
        hold=Hold(1, "compromise", "INC-1", NOW),
    )
    gone = replace(ended.versions[0], revoked_at=NOW, destroyed_at=NOW)
    return replace(
        record,
        series={(credentials.KEY, "primary"): replace(ended, versions=(gone,))},
        status=ClientStatus.SUSPENDED,
    )


def was_retired(record: ClientRecord) -> ClientRecord:
    return replace(with_key()(record), status=ClientStatus.RETIRED)


def pending(record: ClientRecord) -> ClientRecord:
    return replace(record, status=ClientStatus.PENDING)


def suspended(record: ClientRecord) -> ClientRecord:
    """By an emergency: its specification says that it is active."""
    return replace(record, status=ClientStatus.SUSPENDED)


def destroyed(record: ClientRecord) -> ClientRecord:
    gone = replace(version(1, REVOKED), revoked_at=NOW, destroyed_at=NOW)
    return with_key(gone, version(2, ACTIVE))(record)


def moved(record: ClientRecord) -> ClientRecord:
    """A rename to ``payouts`` that was cut short after the new record was made."""
    return replace(record, moving_to="payouts")


TIMED = Scheme(
    CUSTOM,
    "hmac-sha256",
    "x-signature",
    ("timestamp", "body"),
    timestamp_header="x-time",
    tolerance=timedelta(minutes=5),
)
HOUR = timedelta(hours=1)
SHA512 = replace(TIMED, algorithm="hmac-sha512")
READABLE = {key_path(): SecretInfo(2)}
SETTINGS = {key_path(): SecretInfo(1, edited=True)}

LABELS, TIER = "after.labels.size() > 0", {"tier": "critical"}


def custom(when: str = LABELS, level: RuleLevel = RuleLevel.WARN, *environments: str) -> CustomRule:
    return CustomRule("short", level, when, "told", Source("policy.yaml", 1, 1), environments)


BY_LABELS = GuardrailPolicy(
    rules=(Rule("protection", RuleLevel.DENY, {"labels": TIER}),),
    custom_rules=(custom(),),
    approvers=(
        ApproverRule("ada", labels=TIER, environments=("production",)),
        ApproverRule("zoe", risk="high"),
    ),
)
NOT_BY_LABELS = GuardrailPolicy(
    rules=(
        Rule("protection", RuleLevel.DENY, {"labels": {"team": "a"}}),
        Rule("protection", RuleLevel.OFF, {"labels": TIER}),
        Rule("protection", RuleLevel.DENY, {"labels": TIER}, ("staging",)), Rule("naming", RuleLevel.DENY),
    ),
    custom_rules=(custom("client == 'a'"), custom(LABELS, RuleLevel.OFF), custom(LABELS, RuleLevel.WARN, "staging")),
    approvers=(ApproverRule("ada", labels={"team": "a"}), ApproverRule("zoe", labels=TIER, environments=("staging",))),
)  # fmt: skip
CALLS_NOBODY = client(keys={}, webhooks=[webhook()])
ALMOST_HALF = (
    "0.0.0.0/2",
    "64.0.0.0/3",
    "96.0.0.0/4",
    "112.0.0.0/5",
    "120.0.0.0/6",
    "124.0.0.0/7",
    "126.0.0.0/8",
)
BODY_ONLY = Scheme(CUSTOM, "hmac-sha256", "x-signature")

# Rule -> its sentence, where it fires, and where it must not.
CASES: dict[str, tuple[str, Situation, Situation]] = {
    "emergency": (
        "a person ends version 1 of key primary at once: no grace, no guard, and nothing is issued in its place",
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, revoke=True),
        Situation(PLAIN_CLIENT, client(state="retired")),
    ),
    "last-key-revoked": (
        "version 1 of key primary is in use (active, valid until 2027-02-11T12:00:00Z), and no usable key is left",
        Situation(PLAIN_CLIENT, None),
        Situation(PLAIN_CLIENT, None, suspended),
    ),
    "versions-edited": (
        "somebody edited the versions of key primary by hand: what is accepted may not be ours",
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, key_edited),
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, edited),
    ),
    "critical-scope": (
        "gains 1 scope of critical risk: payouts:write",
        Situation(scopes("payouts:read"), scopes("payouts:read", "payouts:write")),
        Situation(scopes("payouts:*"), scopes("payouts:read", "payouts:write")),
    ),
    "wildcard-over-critical": (
        "the wildcard payouts:* means payouts:write, of critical risk",
        Situation(scopes("payouts:write"), scopes("payouts:*")),
        Situation(scopes("payouts:write", "payouts:read"), scopes("payouts:*")),
    ),
    "open-network": (
        "allowedCidrs 203.0.113.0/24 → 0.0.0.0/1 and 128.0.0.0/1: at least half of all IPv4 addresses",
        Situation(cidrs(*NETWORK), cidrs("0.0.0.0/1", "128.0.0.0/1")),
        Situation(cidrs(*NETWORK), cidrs(*NETWORK, "0.0.0.0/2")),
    ),
    "high-scope": (
        "gains 1 scope of high risk: refunds:create",
        Situation(scopes("ledger:read"), scopes("ledger:read", "refunds:create")),
        Situation(scopes("ledger:read"), scopes("ledger:read", "refunds:read")),
    ),
    "uncatalogued-scope": (
        "gains what no catalogue lists: refunds:read",
        Situation(scopes("ledger:read"), scopes("ledger:read", "refunds:read"), scopes={}),
        Situation(scopes("ledger:read"), scopes("ledger:read", "refunds:read")),
    ),
    "wildcard": (
        "the wildcard ledger:* grants 1 scope: ledger:list",
        Situation(scopes("ledger:read"), scopes("ledger:*")),
        Situation(scopes("ledger:read", "ledger:list"), scopes("ledger:*")),
    ),
    "all-scopes": (
        "has every one of the 6 scopes of the catalogue",
        Situation(scopes("ledger:read"), scopes(*SCOPES)),
        Situation(scopes("ledger:read"), scopes(*sorted(SCOPES)[1:])),
    ),
    "wider-networks": (
        "allowedCidrs 203.0.113.0/24 → 203.0.112.0/23: 256 more addresses (203.0.112.0/24)",
        Situation(cidrs("203.0.113.0/24"), cidrs("203.0.112.0/23")),
        Situation(cidrs("203.0.112.0/23"), cidrs("203.0.112.0/24", "203.0.113.0/24", "203.0.113.16/28")),
    ),
    "no-networks": (
        "no allowedCidrs: 1 key can be used from every address",
        Situation(None, cidrs()),
        Situation(None, cidrs(*NETWORK)),
    ),
    "wide-networks": (
        "allowedCidrs 10.0.0.0/8 and 203.0.113.0/24: more addresses than a /8 of IPv4",
        Situation(None, cidrs("10.0.0.0/8", *NETWORK)),
        Situation(None, cidrs("10.0.0.0/8", "2001::/33")),
    ),
    "taken-over": (
        ("another name and another owner at once (contact a@example.com → b@example.com, team a → nobody): the keys in "
        "use are theirs from now on"),
        Situation(
            owned(team="a", contact="a@example.com"),
            client("settler", renamed_from="payouts", owner={"contact": "b@example.com"}),
        ),
        Situation(owned(team="a"), client("settler", renamed_from="payouts", owner={"team": "a", "contact": "b"})),
    ),
    "protection-removed": (
        "protect: true → false: deleting its file ends it from now on",
        Situation(client(protect=True), client()),
        Situation(client(), client(protect=True)),
    ),
    "host-changed": (
        "webhook settlements delivers to another host: hooks.example.com → hooks.example.org",
        Situation(hook(), hook("https://hooks.example.org/payouts")),
        Situation(hook(), hook("https://hooks.example.com:8443/else?x=1")),
    ),
    "new-host": (
        ("webhook settlements sends payout.failed and payout.settled to hooks.example.com, which got nothing from this "
        "client so far"),
        Situation(client(), hook()),
        Situation(client(webhooks=[webhook("other")]), client(webhooks=[webhook("other"), webhook()])),
    ),
    "not-encrypted": (
        "webhook settlements delivers over http, which everybody on the way can read: http://hooks.example.com/payouts",
        Situation(hook(), hook("http://hooks.example.com/payouts")),
        Situation(hook(), hook("http://127.0.0.1:8080/payouts")),
    ),
    "signature-weakened": (
        ("webhook settlements, signature standard-webhooks (hmac-sha256) → github (hmac-sha256): id and timestamp not "
        "signed, so a delivery can be replayed"),
        Situation(hook(scheme=STANDARD_WEBHOOKS), hook(scheme=GITHUB)),
        Situation(hook(scheme=GITHUB), hook(scheme=STANDARD_WEBHOOKS)),
    ),
    "probe-relaxed": (
        "webhook settlements, probe tampered: require → warn; it need not refuse such a delivery",
        Situation(probes(tampered="require"), probes(tampered="warn")),
        Situation(probes(tampered="warn"), probes(tampered="require")),
    ),
    "much-longer-life": (
        "key primary lives 90d → 181d, more than twice as long",
        Situation(keys(primary=("90d", "1d")), keys(primary=("181d", "1d"))),
        Situation(keys(primary=("90d", "1d")), keys(primary=("180d", "1d"))),
    ),
    "revoked-in-use": (
        "version 1 of the secret of webhook settlements is in use (active, valid until 2027-02-11T12:00:00Z)",
        Situation(hook(), client()),
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, with_key(version(1, RETIRING, grace=-1), version(2, ACTIVE))),
    ),
    "key-retired": (
        "version 1 of key backup is in use and ends 3d from now without a successor",
        Situation(client(keys=BOTH), client()),
        Situation(
            client(keys=BOTH), client(),
            lambda record: replace(record, series={**record.series, (credentials.KEY, "backup"): replace(
                record.series[credentials.KEY, "backup"], versions=(EXPIRED,))}),
        ),
    ),
    "client-retired": (
        "ends the client for ever, with 1 key version in use and 1 webhook",
        Situation(hook(), None),
        Situation(PLAIN_CLIENT, SUSPENDED),
    ),
    "client-suspended": (
        "a gateway refuses 1 key version in use: primary v1",
        Situation(PLAIN_CLIENT, SUSPENDED),
        Situation(PLAIN_CLIENT, SUSPENDED, with_key(EXPIRED)),
    ),
    "client-resumed": (
        "was suspended on purpose; a gateway accepts 1 key version again",
        Situation(SUSPENDED, PLAIN_CLIENT),
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, suspended),
    ),
    "reinstated": (
        "a client that was ended for ever gets keys again",
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, was_retired),
        Situation(None, PLAIN_CLIENT),
    ),
    "drift": (
        "consumers that read key primary now find nothing",
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, secrets={key_path(): None}),
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, with_key(version(1, ACTIVE, days=10))),
    ),
    "readable-again": (
        "version 1 of key primary was destroyed 2026-11-23T12:00:00Z and can be read again",
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, destroyed, secrets=READABLE),
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, with_key(version(1, REVOKED), version(2, ACTIVE)), secrets=READABLE),
    ),
    "new-client": (
        "a new client with 1 key and 1 webhook",
        Situation(None, hook()),
        Situation(hook(), hook(), was_retired),
    ),
    "medium-scope": (
        "gains 1 scope of medium risk: payouts:read",
        Situation(None, scopes("payouts:read")),
        Situation(None, scopes("ledger:read")),
    ),
    "scope-lost": (
        "loses 1 scope: payouts:write; key versions in use: 1",
        Situation(scopes("payouts:*"), scopes("payouts:read")),
        Situation(scopes("payouts:*"), scopes("payouts:read"), with_key(EXPIRED)),
    ),
    "webhook-of-new-client": (
        "webhook settlements sends payout.failed and payout.settled to hooks.example.com",
        Situation(None, hook()),
        Situation(client(), hook()),
    ),
    "known-host": (
        "webhook settlements sends payout.failed and payout.settled to hooks.example.com, as another webhook does",
        Situation(client(webhooks=[webhook("other")]), client(webhooks=[webhook("other"), webhook()])),
        Situation(
            client(webhooks=[webhook("other")]), client(webhooks=[webhook("other"), webhook()]), edited
        ),  # what an edited record says of hosts is no comfort
    ),
    "same-host": (
        "webhook settlements moves on its host: https://hooks.example.com/payouts → https://hooks.example.com/else",
        Situation(hook(), hook("https://hooks.example.com/else")),
        Situation(hook(), hook("https://hooks.example.net/payouts")),
    ),
    "more-events": (
        "webhook settlements also sends payout.created",
        Situation(events("payout.failed"), events("payout.created", "payout.failed")),
        Situation(events("payout.created", "payout.failed"), events("payout.failed")),
    ),
    "signature-changed": (
        ("webhook settlements, signature standard-webhooks (hmac-sha256) → svix (hmac-sha256): a receiver has to "
        "verify otherwise"),
        Situation(hook(), hook(scheme=SVIX)),
        Situation(hook(scheme=SHA512), hook(scheme=TIMED)),
    ),
    "webhook-removed": (
        "webhook settlements ends: hooks.example.com gets no payout.failed and payout.settled any more",
        Situation(hook(), client()),
        Situation(hook(), None),
    ),
    "much-longer-grace": (
        "key primary: a replaced version stays valid 15d → 31d, more than twice as long",
        Situation(keys(primary=("90d", "15d")), keys(primary=("90d", "31d"))),
        Situation(keys(primary=("90d", "3d")), keys(primary=("90d", "30d"))),
    ),
    "longer-life": (
        "key primary lives 90d → 180d",
        Situation(keys(primary=("90d", "1d")), keys(primary=("180d", "1d"))),
        Situation(keys(primary=("90d", "1d")), keys(primary=("181d", "1d"))),
    ),
    "longer-grace": (
        "key primary: a replaced version stays valid 3d → 10d",
        Situation(keys(primary=("90d", "72h")), keys(primary=("90d", "10d"))),
        Situation(keys(primary=("90d", "72h")), keys(primary=("90d", "3d"), backup=("90d", "10d"))),
    ),
    "new-key": (
        "a second credential: key backup, which lives 90d",
        Situation(client(), client(keys=BOTH)),
        Situation(client(keys=BOTH), client()),
    ),
    "reissue-declared": (
        "key primary, reissueAfter: none → 1: what a person revoked may be issued anew",
        Situation(client(), client(keys={"primary": lifecycle(reissue_after=1)})),
        Situation(client(keys={"primary": lifecycle(reissue_after=1)}), client()),
    ),
    "reissue": (
        "key primary was revoked by a person (compromise) and gets a new version",
        Situation(client(), client(keys={"primary": lifecycle(reissue_after=1)}), held),
        Situation(None, client()),
    ),
    "renamed": (
        "name payouts → settler: what refers to the client by name has to follow; paths in Vault stay",
        Situation(client(), client("settler", renamed_from="payouts")),
        Situation(client(), client(), moved),
    ),
    "owner-changed": (
        "owner team: payments → fraud",
        Situation(owned(team="payments"), owned(team="fraud")),
        Situation(client(), owned(team="payments")),
    ),
    "deciding-label": (
        "label tier: critical → none; labels decide for approver ada, rule protection and rule short of the policy",
        Situation(client(labels={"tier": "critical"}), client(), policy=BY_LABELS),
        Situation(client(labels={"tier": "critical"}), client(), policy=NOT_BY_LABELS),
    ),
    "state-changed": (
        "state active → suspended",
        Situation(PLAIN_CLIENT, SUSPENDED),
        Situation(PLAIN_CLIENT, client(labels={"tier": "low"}, allowedCidrs=NETWORK)),
    ),
    "suspended-unused": (
        "no key version is in use; nothing is issued or delivered while it is suspended",
        Situation(None, SUSPENDED),
        Situation(PLAIN_CLIENT, SUSPENDED),
    ),
    "back-after-emergency": (
        "an emergency revocation had suspended it; a gateway accepts it again",
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, suspended),
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, pending),
    ),
    "expired": (
        "key primary has expired: consumers are refused until they read version 2",
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, with_key(EXPIRED)),
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, with_key(DUE)),
    ),
    "without-grace": (
        "version 1 of key primary ends as soon as version 2 is there",
        Situation(GRACELESS, GRACELESS, with_key(DUE)),
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, with_key(DUE)),
    ),
    "one-signature": (
        "github has room for one signature: a receiver that does not know version 2 yet refuses every delivery",
        Situation(hook(scheme=GITHUB), hook(scheme=GITHUB), secrets={"webhooks/payouts.settlements": None}),
        Situation(hook(), hook(), secrets={"webhooks/payouts.settlements": None}),
    ),
    "settings-reset": (
        "somebody changed how many versions are kept, for how long, or what is said of them",
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, secrets=SETTINGS),
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, edited),
    ),
    "other-change": (
        "declared otherwise: rateLimit, of which no rule knows what it does",
        Situation(client(), client(rateLimit="10/s")),
        Situation(client(), client(labels={"tier": "low"}, template="plain", justification="PAY-1")),
    ),
    "low-scope": (
        "gains 1 scope of low risk: refunds:read",
        Situation(scopes("ledger:read"), scopes("ledger:read", "refunds:read")),
        Situation(scopes("refunds:read"), scopes("refunds:read", "payouts:read")),
    ),
    "scope-lost-unused": (
        "loses 1 scope: payouts:read; no key version is in use",
        Situation(scopes("payouts:read"), scopes(), with_key(EXPIRED)),
        Situation(scopes("payouts:read"), scopes()),
    ),
    "narrower-networks": (
        "allowedCidrs everywhere → 203.0.113.0/24: fewer addresses, and no other ones",
        Situation(cidrs(), cidrs(*NETWORK)),
        Situation(cidrs("198.51.100.0/24", "192.0.2.0/24"), cidrs(*NETWORK)),
    ),
    "protection-added": (
        "protect: false → true",
        Situation(client(), client(protect=True)),
        Situation(None, client(protect=True)),
    ),
    "fewer-events": (
        "webhook settlements no longer sends payout.created",
        Situation(events("payout.created", "payout.failed"), events("payout.failed")),
        Situation(events("payout.failed"), events("payout.created", "payout.failed")),
    ),
    "shorter-life": (
        "key primary lives 90d → 60d",
        Situation(keys(primary=("90d", "1d")), keys(primary=("60d", "1d"))),
        Situation(keys(primary=("90d", "1d"), backup=("60d", "1d")), keys(primary=("91d", "2d"))),
    ),
    "over-already": (
        "version 1 of key primary is refused since its grace ended 2026-11-23T11:00:00Z",
        Situation(PLAIN_CLIENT, PLAIN_CLIENT, with_key(version(1, RETIRING, grace=-1), version(2, ACTIVE))),
        Situation(PLAIN_CLIENT, None),
    ),
}  # fmt: skip

# What a table of one case a rule leaves out: rule, whether it fires, situation.
MORE: dict[str, tuple[str, bool, Situation]] = {
    "a scope and its wildcard": ("wildcard", False, Situation(scopes("ledger:*"), scopes("ledger:*", "ledger:list"))),
    "a wildcard inside another": ("wildcard", False, Situation(scopes("*"), scopes("payouts:*"))),
    "a wildcard inside another, without a catalogue": (
        "uncatalogued-scope", False, Situation(scopes("*"), scopes("payouts:*", "ledger:read"), scopes={})),
    "a wildcard around another, without a catalogue": (
        "wildcard", True, Situation(scopes("payouts:*"), scopes("*"), scopes={})),
    "a name that left the catalogue and a wildcard over it": (
        "uncatalogued-scope", False, Situation(scopes("ledger:*", "ledger:old"), scopes("ledger:*"))),
    "everything by a wildcard": ("all-scopes", True, Situation(scopes("ledger:read"), scopes("*"))),
    "all of five": ("all-scopes", True, Situation(scopes("a"), scopes(*"abcde"), scopes=dict.fromkeys("abcde", "low"))),
    "all of four": ("all-scopes", False, Situation(scopes("a"), scopes(*"abcd"), scopes=dict.fromkeys("abcd", "low"))),
    "a wildcard over what is not critical": (
        "wildcard-over-critical", False, Situation(scopes("ledger:read"), scopes("ledger:*"))),
    "had everything": ("all-scopes", False, Situation(scopes("*"), scopes(*SCOPES))),
    "the last network removed": ("open-network", True, Situation(cidrs(*NETWORK), cidrs())),
    "the last network was everywhere": (
        "open-network", False, Situation(cidrs("0.0.0.0/0", "::/0"), cidrs())),
    "all of IPv6 that is given out": ("open-network", True, Situation(cidrs(*NETWORK), cidrs(*NETWORK, "2000::/3"))),
    "IPv4 in the clothes of IPv6": ("open-network", True, Situation(cidrs(*NETWORK), cidrs(*NETWORK, "::ffff:0:0/96"))),
    "a new client that names everything": ("open-network", True, Situation(None, cidrs("0.0.0.0/0"))),
    "open, and told as such": ("wider-networks", False, Situation(cidrs("10.0.0.0/8"), cidrs("0.0.0.0/0"))),
    "one network for another": ("wider-networks", True, Situation(cidrs("10.0.0.0/8"), cidrs(*NETWORK))),
    "more of what was open": ("wider-networks", True, Situation(cidrs("0.0.0.0/1"), cidrs("0.0.0.0/0"))),
    "a network that is none, in an edited record": (
        "wider-networks", True, Situation(client(allowedCidrs=["everywhere"]), cidrs(*NETWORK), edited)),
    "no key to be used from anywhere": ("no-networks", False, Situation(None, client(keys={}, webhooks=[webhook()]))),
    "the first key of a client that lists no networks": (
        "no-networks", True, Situation(CALLS_NOBODY, client(webhooks=[webhook()]))),
    "one more key of a client that lists no networks": ("no-networks", True, Situation(client(), client(keys=BOTH))),
    "a key that comes with networks": (
        "no-networks", False, Situation(CALLS_NOBODY, client(webhooks=[webhook()], allowedCidrs=NETWORK))),
    "a key that comes to networks": (
        "no-networks", False, Situation(PLAIN_CLIENT, client(keys=BOTH, allowedCidrs=NETWORK))),
    "a key that goes": ("no-networks", False, Situation(client(keys=BOTH), client())),
    "a key that lives otherwise": ("no-networks", False, Situation(client(), keys(primary=("60d", "1d")))),
    "half of the internet but one in 128": ("wide-networks", True, Situation(None, cidrs(*ALMOST_HALF))),
    "a /8 in other networks": ("wide-networks", False, Situation(None, cidrs("10.0.0.0/9", "10.128.0.0/9"))),
    "a wide network of IPv6": ("wide-networks", True, Situation(None, cidrs("2400::/23"))),
    "a network of IPv6 at the edge": ("wide-networks", False, Situation(None, cidrs("2400::/24"))),
    "a wide piece of NAT64": ("wide-networks", True, Situation(None, cidrs("64:ff9b::/103"))),
    "so wide that it is told as open": ("wide-networks", False, Situation(None, cidrs("0.0.0.0/1"))),
    "a wide network before the first key": (
        "wide-networks", True,
        Situation(nobody("10.0.0.0/7"), client(webhooks=[webhook()], allowedCidrs=["10.0.0.0/7"]))),
    "an open network before the first key": (
        "wide-networks", True,
        Situation(nobody("0.0.0.0/0"), client(webhooks=[webhook()], allowedCidrs=["0.0.0.0/0"]))),
    "a wide network before the second key": (
        "wide-networks", False, Situation(cidrs("10.0.0.0/7"), client(keys=BOTH, allowedCidrs=["10.0.0.0/7"]))),
    "the IPv4 internet by NAT64": ("open-network", True, Situation(None, cidrs("64:ff9b::/96"))),
    "the IPv4 internet by 6to4": ("open-network", True, Situation(cidrs(*NETWORK), cidrs(*NETWORK, "2002::/16"))),
    "NAT64 where all of IPv4 was allowed": (
        "open-network", False, Situation(cidrs("0.0.0.0/0"), cidrs("0.0.0.0/0", "64:ff9b::/96"))),
    "a rename alone": (
        "taken-over", False,
        Situation(owned(team="a"), client("b", renamed_from="payouts", owner={"team": "a"}))),
    "another owner alone": ("taken-over", False, Situation(owned(team="a"), owned(team="b"))),
    "a label of another team": (
        "deciding-label", True,
        Situation(client(), client(labels={"team": "b"}), policy=GuardrailPolicy(custom_rules=(custom(),)))),
    "a label that stays": (
        "deciding-label", False, Situation(client(labels=TIER), client(labels={**TIER, "x": "y"}),
            policy=GuardrailPolicy(approvers=(ApproverRule("ada", labels=TIER),)))),
    "a new webhook that vouches for less than another": (
        "signature-weakened", True, beside(webhook(), hook_of(GITHUB))),
    "a new webhook that signs its body only": ("signature-weakened", True, beside(webhook(), hook_of(BODY_ONLY))),
    "a new webhook in place of another": (
        "signature-weakened", True, Situation(hook(), client(webhooks=[hook_of(GITHUB)]))),
    "a new webhook that vouches for as much": ("signature-weakened", False, beside(webhook(), hook_of(SVIX))),
    "a new webhook that vouches for more": ("signature-weakened", False, beside(hook_of(GITHUB, "a"), webhook())),
    "a new webhook as weak as all others": ("signature-weakened", False, beside(hook_of(GITHUB, "a"), hook_of(INTUIT))),
    "a new webhook weaker than one of two": (
        "signature-weakened", True, beside(hook_of(GITHUB, "a"), webhook(), hook_of(INTUIT))),
    "a new webhook with a shorter hash": ("signature-weakened", True, beside(hook_of(PAYSTACK, "a"), hook_of(GITHUB))),
    "a new webhook that is fresh for longer": (
        "signature-weakened", True, beside(hook_of(TIMED, "a"), hook_of(replace(TIMED, tolerance=HOUR)))),
    "a first webhook that vouches for less than the default": (
        "signature-weakened", True, Situation(client(), hook(scheme=GITHUB))),
    "a first webhook with the default": ("signature-weakened", False, Situation(client(), hook())),
    "a key of two halves": ("signature-weakened", False, beside(webhook(), hook_of(STANDARD_WEBHOOKS_V1A))),
    "what an edited record says of signatures": (
        "signature-weakened", True,
        Situation(hook(scheme=GITHUB), client(webhooks=[webhook(), hook_of(GITHUB)]), edited)),
    "a new key that lives much longer than the others": (
        "much-longer-life", True, Situation(client(), client(keys={"main": lifecycle("181d")}))),
    "a new key that lives twice as long": (
        "much-longer-life", False, Situation(client(), client(keys={"main": lifecycle("180d")}))),
    "a new key beside one that lives long": (
        "much-longer-life", False,
        Situation(keys(primary=("90d", "1d"), long=("200d", "1d")), client(keys={"main": lifecycle("360d")}))),
    "a first key": ("much-longer-life", False, Situation(CALLS_NOBODY, client(webhooks=[webhook()]))),
    "a new webhook whose secret lives much longer": (
        "much-longer-life", True, beside(secret_of("90d", "a"), secret_of("181d"))),
    "a new webhook whose secret lives twice as long": (
        "much-longer-life", False, beside(secret_of("90d", "a"), secret_of("180d"))),
    "keys say nothing of secrets": ("much-longer-life", False, Situation(keys(primary=("10d", "1d")), client(
        keys={"primary": lifecycle("10d", "1d", "1d")}, webhooks=[webhook()]))),
    "a little more than much grace": (
        "longer-grace", True, Situation(keys(primary=("90d", "20d")), keys(primary=("90d", "31d")))),
    "more than twice the grace, and still little": (
        "longer-grace", True, Situation(keys(primary=("90d", "3d")), keys(primary=("90d", "30d")))),
    "much more grace, told as such": (
        "longer-grace", False, Situation(keys(primary=("90d", "3d")), keys(primary=("90d", "60d")))),
    "grace where there was none": (
        "much-longer-grace", True, Situation(keys(primary=("90d", "0s")), keys(primary=("90d", "31d")))),
    "a new key with much more grace": (
        "much-longer-grace", True, Situation(client(), client(keys={"main": lifecycle(grace="31d")}))),
    "a signing secret with much more grace": (
        "much-longer-grace", True, Situation(secret("180d"), secret("180d", "31d"))),
    "a new webhook with much more grace": (
        "much-longer-grace", True, beside(secret_of("90d", "a"), secret_of("90d", grace="31d"))),
    "host in other letters": (
        "host-changed", False, Situation(hook("https://HOOKS.example.com/payouts"), hook(), edited)),
    "a host that ends alike": (
        "host-changed", True, Situation(hook(), hook("https://hooks.example.com.example.net/payouts"))),
    "http all along": (
        "not-encrypted", False, Situation(hook("http://a.example.com/"), hook("http://a.example.com/else"))),
    "http from the beginning": ("not-encrypted", True, Situation(None, hook("http://a.example.com/"))),
    "http of a new webhook": ("not-encrypted", True, Situation(client(), hook("http://a.example.com/"))),
    "a shorter hash": ("signature-weakened", True, Situation(hook(scheme=SHA512), hook(scheme=TIMED))),
    "a longer hash": ("signature-weakened", False, Situation(hook(scheme=TIMED), hook(scheme=SHA512))),
    "fresh for longer": (
        "signature-weakened", True, Situation(hook(scheme=TIMED), hook(scheme=replace(TIMED, tolerance=HOUR)))),
    "fresh for less long": (
        "signature-weakened", False, Situation(hook(scheme=replace(TIMED, tolerance=HOUR)), hook(scheme=TIMED))),
    "as fresh as the standard": (
        "signature-weakened", False, Situation(hook(), hook(scheme=replace(
            STANDARD_WEBHOOKS, name=CUSTOM, header="x-signature")))),
    "a probe that is said no more": ("probe-relaxed", True, Situation(probes(tampered="warn"), hook())),
    "a probe that is said for the first time": ("probe-relaxed", False, Situation(hook(), probes(tampered="warn"))),
    "a probe of a new webhook that is off": ("probe-relaxed", True, Situation(client(), probes(tampered="off"))),
    "a probe of a new webhook that is required": (
        "probe-relaxed", False, Situation(client(), probes(tampered="require"))),
    "a probe of a new client that is off": ("probe-relaxed", True, Situation(None, probes(unsigned="off"))),
    "the webhook of a probe is gone": ("probe-relaxed", False, Situation(probes(tampered="require"), client())),
    "a little longer than more than a year": (
        "much-longer-life", True, Situation(keys(primary=("400d", "1d")), keys(primary=("401d", "1d")))),
    "a year": ("much-longer-life", False, Situation(None, keys(primary=("365d", "1d")))),
    "more than a year at once": ("much-longer-life", True, Situation(None, keys(primary=("366d", "1d")))),
    "a new key for more than a year": (
        "much-longer-life", True, Situation(client(), client(keys={"primary": lifecycle(), "l": lifecycle("2000d")}))),
    "a signing secret for longer": ("longer-life", True, Situation(secret("180d"), secret("200d"))),
    "a signing secret for much longer": ("much-longer-life", True, Situation(secret("10d"), secret("21d"))),
    "the secret of a new webhook": ("much-longer-life", True, Situation(client(), secret("366d"))),
    "a signing secret with more grace": ("longer-grace", True, Situation(secret("180d"), secret("180d", "25h"))),
    "less grace": ("shorter-life", True, Situation(keys(primary=("90d", "2d")), keys(primary=("90d", "1d")))),
    "another key works on": (
        "last-key-revoked", False,
        Situation(client(keys={"primary": NO_GRACE, "backup": lifecycle()}), client(keys={"backup": lifecycle()}))),
    "the only key goes at once": (
        "last-key-revoked", True,
        Situation(client(keys={"primary": NO_GRACE}, webhooks=[webhook()]), client(keys={}, webhooks=[webhook()]))),
    "another key works no more": (
        "last-key-revoked", True,
        Situation(
            client(keys={"primary": lifecycle(), "backup": NO_GRACE}), SUSPENDED,
            lambda record: replace(with_key(EXPIRED)(record), status=ClientStatus.ACTIVE))),
    "replaced at once": (
        "last-key-revoked", False,
        Situation(GRACELESS, GRACELESS, with_key(DUE))),
    "both versions of the only key": (
        "last-key-revoked", True,
        Situation(PLAIN_CLIENT, None, with_key(version(1, RETIRING, grace=1), version(2, ACTIVE)))),
    "a version that has expired": ("over-already", True, Situation(PLAIN_CLIENT, None, with_key(EXPIRED))),
    "a version that was revoked before": ("over-already", True, Situation(
        PLAIN_CLIENT, PLAIN_CLIENT, with_key(version(1, REVOKED), version(2, ACTIVE)), revoke=True)),
    "a hold on what has no version": (
        "emergency", True, Situation(PLAIN_CLIENT, PLAIN_CLIENT, with_key(), revoke=True)),
    "an edited record": ("drift", True, Situation(PLAIN_CLIENT, PLAIN_CLIENT, edited)),
    "somebody else's version": (
        "drift", True, Situation(PLAIN_CLIENT, PLAIN_CLIENT, secrets={key_path(): SecretInfo(2)})),
    "a destroyed version": (
        "drift", True, Situation(PLAIN_CLIENT, PLAIN_CLIENT, secrets={key_path(): SecretInfo(1, frozenset({1}))})),
    "an edited key without an active version": (
        "drift", True, Situation(PLAIN_CLIENT, PLAIN_CLIENT, lambda record: key_edited(with_key()(record)))),
    "an owner's contact": (
        "owner-changed", True, Situation(owned(team="a", contact="b@c"), owned(team="a", contact="d@c"))),
    "an owner who is gone": ("owner-changed", True, Situation(owned(team="a"), client())),
    "a field inside a key": (
        "other-change", True, Situation(client(), with_field("keys", "primary", algorithm="x"))),
    "a field inside a webhook": (
        "other-change", True, Situation(hook(), with_field("webhooks", "settlements", proxy="x"))),
    "a field inside a signing secret": (
        "other-change", True,
        Situation(hook(), with_field("webhooks", "settlements", secret={"lifetime": "180d", "bytes": 16}))),
    "how a webhook is delivered": (
        "other-change", False, Situation(hook(), with_field("webhooks", "settlements", delivery={"attempts": 9}))),
    "rotation windows and renewal": (
        "other-change", False, Situation(client(), client(keys={"primary": lifecycle(renew="20d")}))),
}  # fmt: skip


def test_every_rule_has_a_case_and_a_name_of_its_own() -> None:
    assert [row.name for row in RISK_RULES] == list(dict.fromkeys(row.name for row in RISK_RULES))
    assert sorted(CASES) == sorted(row.name for row in RISK_RULES)


def test_the_table_is_in_falling_order() -> None:
    ranks = [row.risk.rank for row in RISK_RULES]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_fires_and_says_what_to_check(name: str) -> None:
    sentence, situation, _ = CASES[name]
    assert sentence in situation.fired().get(name, [])


@pytest.mark.parametrize("name", CASES)
def test_a_rule_does_not_fire_where_it_only_looks_like_it(name: str) -> None:
    *_, near_miss = CASES[name]
    assert near_miss.plan().actions
    assert name not in near_miss.fired()


@pytest.mark.parametrize("name", MORE)
def test_a_rule_at_its_edges(name: str) -> None:
    rule, fires, situation = MORE[name]
    assert situation.plan().actions
    assert (rule in situation.fired()) is fires


@pytest.mark.parametrize("name", CASES)
def test_a_risk_is_the_highest_of_its_reasons(name: str) -> None:
    """Each action that changes something has a reason; the first reasons are those of the highest
    risk."""
    for situation in CASES[name][1:]:
        fired = situation.fired()
        rows = {sentence: row for row in RISK_RULES for sentence in fired.get(row.name, [])}
        for action in situation.plan().actions:
            if action.kind is ActionKind.NO_OP:
                assert (action.risk, action.risk_reasons) == (Risk.LOW, ())
                continue
            assert action.risk_reasons
            risks = [rows[reason].risk for reason in action.risk_reasons if reason in rows]
            assert action.risk is highest(risks)
            assert [risk.rank for risk in risks] == sorted(
                (risk.rank for risk in risks), reverse=True
            )
            if action.kind is ActionKind.VERIFY_WEBHOOK:
                assert re.match(
                    r"a verification sends [0-9]+ test deliver(y|ies)\b", action.risk_reasons[0]
                )
            else:
                assert risks or action.risk_reasons == (PLAIN[action.kind],)


# What a reviewer reads of an action of which nothing else is known: a word of each sentence.
MEANT = {
    ActionKind.REGISTER_CLIENT: "a registration",
    ActionKind.UPDATE_CLIENT: "stays as it is",
    ActionKind.ISSUE_KEY: "no consumer depends on it",
    ActionKind.ROTATE_KEY: "keeps the old version",
    ActionKind.RETIRE_KEY: "a retired key",
    ActionKind.REVOKE_KEY: "ends one version",
    ActionKind.ISSUE_SECRET: "no receiver depends on it",
    ActionKind.ROTATE_SECRET: "keeps the old secret",
    ActionKind.REVOKE_SECRET: "ends one version",
    ActionKind.UPDATE_WEBHOOK: "has to prove itself again",
    ActionKind.VERIFY_WEBHOOK: "test deliveries",
    ActionKind.ACTIVATE_CLIENT: "an activation",
    ActionKind.SUSPEND_CLIENT: "no key version is in use",
    ActionKind.RETIRE_CLIENT: "ends the client for ever",
    ActionKind.ADOPT_CLAIM: "an earlier run wrote",
    ActionKind.ABANDON_CLAIM: "an abandoned claim",
    ActionKind.DESTROY_VERSION: "was revoked before",
}


@pytest.mark.parametrize("kind", [kind for kind in ActionKind if kind is not ActionKind.NO_OP])
def test_an_action_of_any_kind_says_what_it_means_where_nothing_is_known(kind: ActionKind) -> None:
    """Neither a record nor a declaration: a kind that nobody wrote a sentence for would end the
    plan."""
    action = Action(
        kind,
        Address.read("client/unknown"),
        "Reason",
        "told by the check",
        Risk.LOW,
        "unknown",
        "item",
    )
    [found] = judge_actions([action], take_grounds(NOW, {}, desired()))
    assert len(found.risk_reasons) == 1
    assert MEANT[kind] in found.risk_reasons[0]


def test_a_cause_that_knows_more_is_a_floor_and_is_told_first() -> None:
    action = Action(
        ActionKind.UPDATE_WEBHOOK, Address.read("client/a/webhook/b"), "EndpointChanged", "told by the check",
        Risk.CRITICAL,
        "a", "b", before={"url": "https://x.example/a"}, after={"url": "https://x.example/b"},
    )  # fmt: skip
    [found] = judge_actions([action], take_grounds(NOW, {}, desired()))
    assert found.risk is Risk.CRITICAL
    assert found.risk_reasons[0] == "told by the check"
    assert len(found.risk_reasons) == 2


READ, WRITE = {"payouts:read": Risk.MEDIUM}, {"payouts:write": Risk.CRITICAL}
BOTH_PAYOUTS = {**READ, **WRITE}
GRANTS: dict[str, tuple[Situation, ActionKind, Permissions | None]] = {
    "a new client": (Situation(None, scopes("payouts:*")), ActionKind.REGISTER_CLIENT, Permissions(BOTH_PAYOUTS)),
    "a new client without scopes": (Situation(None, scopes()), ActionKind.REGISTER_CLIENT, None),
    "a reinstated client": (
        Situation(scopes("payouts:*"), scopes("payouts:read"), was_retired),
        ActionKind.REGISTER_CLIENT, Permissions(READ),
    ),
    "a wildcard for one scope": (
        Situation(scopes("payouts:write"), scopes("payouts:*")), ActionKind.UPDATE_CLIENT, Permissions(READ),
    ),
    "one scope for another": (
        Situation(scopes("payouts:read"), scopes("payouts:write")), ActionKind.UPDATE_CLIENT, Permissions(WRITE, READ),
    ),
    "a wildcard for all that it means": (
        Situation(scopes("payouts:*"), scopes("payouts:read", "payouts:write")), ActionKind.UPDATE_CLIENT, None,
    ),
    "something else": (Situation(scopes("payouts:*"), client(scopes=["payouts:*"], protect=True)),
        ActionKind.UPDATE_CLIENT, None),
    "a removed client": (Situation(scopes("payouts:*"), None), ActionKind.RETIRE_CLIENT, Permissions({}, BOTH_PAYOUTS)),
    "a suspended client": (
        Situation(scopes("payouts:read"), client(scopes=["payouts:read"], state="suspended")),
        ActionKind.SUSPEND_CLIENT, Permissions({}, READ),
    ),
    "a new client that is suspended": (Situation(None, SUSPENDED), ActionKind.SUSPEND_CLIENT, None),
    "a key of it": (Situation(None, scopes("payouts:*")), ActionKind.ISSUE_KEY, None),
}  # fmt: skip


@pytest.mark.parametrize("name", GRANTS)
def test_permissions_are_those_after_wildcards(name: str) -> None:
    situation, kind, expected = GRANTS[name]
    [action] = [one for one in situation.plan().actions if one.kind is kind]
    assert action.permissions == expected


@pytest.mark.parametrize(
    ("before", "after", "rules"),
    [
        (client(), client(labels={"tier": "low"}), []),
        (client(), client(scopes=["ledger:read", "refunds:read"]), ["low-scope"]),
        (cidrs(*NETWORK), cidrs("203.0.113.0/25", "203.0.113.128/25"), []),
        (client(protect=True), client(), ["protection-removed"]),
        (owned(team="a"), owned(team="b"), ["owner-changed"]),
        (hook(), hook("https://hooks.example.com/else"), ["same-host"]),
        (hook(), events("payout.failed"), ["fewer-events"]),
        (probes(tampered="off"), probes(tampered="require"), []),
        (secret("180d"), secret("181d"), ["longer-life"]),
    ],
)
def test_one_change_is_one_rule(
    before: DesiredClient, after: DesiredClient, rules: list[str]
) -> None:
    assert list(Situation(before, after).fired()) == rules


def test_what_a_new_client_declares_was_not_something_else_before() -> None:
    fired = Situation(
        None,
        client(
            allowedCidrs=["0.0.0.0/0"],
            webhooks=[replace(webhook(), probes={Probe.UNSIGNED: Demand.OFF})],
        ),
    ).fired()
    assert fired["open-network"] == ["allowedCidrs 0.0.0.0/0: at least half of all IPv4 addresses"]
    assert fired["probe-relaxed"] == [
        "webhook settlements, probe unsigned: off; it need not refuse such a delivery"
    ]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (CALLS_NOBODY, "a first credential: key backup, which lives 90d"),
        (
            client(keys={"a": lifecycle(), "b": lifecycle()}),
            "one more credential: key backup, which lives 90d",
        ),
    ],
)
def test_a_new_key_is_counted(before: DesiredClient, told: str) -> None:
    assert told in Situation(before, client(keys=BOTH)).fired()["new-key"]


def test_a_new_webhook_and_a_new_key_are_told_what_they_are_compared_with() -> None:
    assert beside(webhook(), hook_of(GITHUB)).fired()["signature-weakened"] == [
        ("webhook b, signature github (hmac-sha256), weaker than that of webhook settlements: id and timestamp not "
        "signed, so a delivery can be replayed")
    ]  # fmt: skip
    assert Situation(client(), hook(scheme=GITHUB)).fired()["signature-weakened"] == [
        ("webhook settlements, signature github (hmac-sha256), weaker than the default: id and timestamp not signed, "
        "so a delivery can be replayed")
    ]  # fmt: skip
    fired = Situation(client(), client(keys={"main": lifecycle("360d", grace="90d")})).fired()
    assert fired["much-longer-life"] == [
        "key main lives 360d, more than twice as long as any other so far (90d)"
    ]
    assert fired["much-longer-grace"] == [
        "key main: a replaced version stays valid 90d, more than twice as long as any other so far (3d)"
    ]  # fmt: skip


def test_an_owner_is_told_field_by_field() -> None:
    before, after = (
        owned(team="a", contact="b@example.com"),
        owned(contact="c@example.com", pager="d"),
    )
    assert Situation(before, after).fired()["owner-changed"] == [
        "owner contact: b@example.com → c@example.com", "owner team: a → nobody",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "told"),
    [
        (
            version(1, RETIRING, grace=1),
            "version 1 of key primary is in use (retiring, valid until 2026-11-23T13:00:00Z)",
        ),
        (
            version(1, RETIRING, grace=0),
            "version 1 of key primary is refused since its grace ended 2026-11-23T12:00:00Z",
        ),
        (
            version(1, RETIRING, days=0, grace=1),
            "version 1 of key primary is refused since it expired 2026-11-23T12:00:00Z",
        ),
        (version(1, REVOKED), "version 1 of key primary is revoked already"),
    ],
)
def test_what_ends_is_told_with_the_date_from_which_it_is_refused(old: Version, told: str) -> None:
    plan = Situation(
        PLAIN_CLIENT, PLAIN_CLIENT, with_key(old, version(2, ACTIVE)), revoke=True
    ).plan()
    assert any(sentence.startswith(told) for sentence in plan.actions[0].risk_reasons), (
        plan.actions[0].risk_reasons
    )


def test_a_key_that_works_on_is_named() -> None:
    before = client(keys={"primary": NO_GRACE, "backup": lifecycle()})
    [sentence] = Situation(before, client(keys={"backup": lifecycle()})).fired()["revoked-in-use"]
    assert sentence.endswith("; usable after this plan: backup v1")
    [sentence] = Situation(GRACELESS, GRACELESS, with_key(DUE)).fired()["revoked-in-use"]
    assert sentence.endswith("; usable after this plan: primary v2")


def test_of_many_names_some_are_shown() -> None:
    many = {f"s:{number}": "low" for number in range(9)}
    [sentence] = Situation(scopes("s:0"), scopes(*many), scopes=many).fired()["low-scope"]
    assert sentence == "gains 8 scopes of low risk: s:1, s:2, s:3, s:4, s:5 and 3 more"


def test_a_rotation_that_somebody_asked_for_keeps_the_old_version() -> None:
    plan = Situation(PLAIN_CLIENT, PLAIN_CLIENT, with_key(version(1, ACTIVE, days=10))).plan()
    [action] = plan.actions
    assert (action.kind, action.risk) == (ActionKind.ROTATE_KEY, Risk.LOW)
    assert action.risk_reasons == ("a rotation keeps the old version through its grace",)


def test_the_digest_of_a_plan_covers_its_risks() -> None:
    """The catalogue's word on a scope is no part of the declaration of a client, but of what a
    reviewer approved."""
    situation = Situation(scopes("ledger:read"), scopes("ledger:read", "payouts:write"))
    calmer = replace(situation, scopes={**SCOPES, "payouts:write": "low"})
    assert situation.plan().desired_digests == calmer.plan().desired_digests
    assert situation.plan().digest != calmer.plan().digest
