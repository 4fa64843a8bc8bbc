"""One webhook, merged → ``domain.declared.desired.DesiredWebhook``, what the registry stores of it,
and its faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from reconciler.dataclass import dataclass
from reconciler.declare.findings.nodes import Map, Mark, plain
from reconciler.declare.webhooks.lifecycles import (
    duration_of,
    lifecycle_spec,
    secret_lifecycle,
    valid_or,
    write_duration,
)
from reconciler.declare.webhooks.payloads import Payloads
from reconciler.declare.webhooks.signatures import scheme_of, signature_spec
from reconciler.declare.webhooks.urls import parse_url
from reconciler.domain.declared.companions import carriers, declared_fault
from reconciler.domain.declared.desired import DesiredWebhook
from reconciler.domain.declared.proof import (
    DECLARED_PROBES,
    DEFAULT_DEMANDS,
    Demand,
    Expectation,
    Payload,
    Probe,
)
from reconciler.domain.declared.schemes import CUSTOM, STANDARD_WEBHOOKS, Scheme

_TEN_SECONDS = timedelta(seconds=10)
_HALF_MINUTE = timedelta(seconds=30)
_ANY_ANSWER = Expectation()
# Why a probe cannot be sent by a scheme.
_NO_TIMESTAMP = "it sends no timestamp, so its receiver cannot tell an old delivery from a new one"
_ONE_SIGNATURE = "it has room for one signature, so in a grace the new secret signs alone anyway"


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Resolves webhooks. ``demands`` is the policy's word on probes that client and template do not
    mention."""

    payloads: Payloads
    demands: tuple[tuple[str, Demand], ...]

    def resolve(self, webhook: Map) -> DesiredWebhook:
        """What is not valid in it is reported elsewhere, and the value then not to be used."""
        delivery, scheme = webhook.sub("delivery"), scheme_of(webhook.sub("signature"))
        events, examples = tuple(sorted(webhook.get("events", ()))), self.payloads.examples(webhook)
        return DesiredWebhook(
            name=webhook["name"],
            url=valid_or(webhook.get("url", ""), parse_url, ""),
            events=events,
            secret=secret_lifecycle(webhook),
            scheme=scheme,
            headers=tuple(
                sorted((name.lower(), text) for name, text in webhook.sub("headers").items())
            ),
            timeout=duration_of(delivery.get("timeout"), _TEN_SECONDS),
            attempts=delivery.get("attempts", 5),
            retry_for=duration_of(delivery.get("retryFor"), _HALF_MINUTE),
            probes=_probes(tuple(webhook.sub("probes").items()), self.demands, scheme),
            payloads=tuple(Payload(event, examples.get(event)) for event in events),
            expect=_expectation(webhook.sub("expect")),
        )


@lru_cache(maxsize=1024)  # clients share their probes
def _probes(
    declared: tuple[tuple[str, str], ...],
    policy: tuple[tuple[str, Demand], ...],
    scheme: Scheme,
) -> Mapping[Probe, Demand]:
    """Every probe that the scheme has room for, with what is demanded of it."""
    by_default = {**DEFAULT_DEMANDS, **({} if scheme.refuses_future else {"future": Demand.OFF})}
    demands = {**by_default, **dict(policy), **{name: Demand(demand) for name, demand in declared}}
    lacking = _lacking(scheme)
    return {
        probe: demands[name]
        for name in demands
        if name not in lacking
        for probe in DECLARED_PROBES[name]
    }


def webhook_spec(desired: DesiredWebhook) -> dict[str, Any]:
    """What the registry stores: canonical, non-secret, defaults filled in."""
    spec: dict[str, Any] = {
        "events": list(desired.events),
        "signature": signature_spec(desired.scheme),
        "secret": lifecycle_spec(desired.secret),
        "delivery": {
            "timeout": write_duration(desired.timeout),
            "attempts": desired.attempts,
            "retryFor": write_duration(desired.retry_for),
        },
        "probes": {
            name: desired.probes[probes[0]].value
            for name, probes in DECLARED_PROBES.items()
            if probes[0] in desired.probes
        },
    }
    if desired.headers:
        spec["headers"] = dict(desired.headers)
    if desired.url:
        spec["url"] = desired.url
    if examples := {one.event: one.data for one in desired.payloads if one.data is not None}:
        spec["payloads"] = examples
    if desired.expect != _ANY_ANSWER:
        spec["expect"] = _expect_spec(desired.expect)
    return spec


def _expect_spec(expect: Expectation) -> dict[str, Any]:
    status = {"status": list(expect.statuses)} if expect.statuses else {}
    return {
        **status,
        **({} if expect.path is None else {"json": {"path": expect.path, "equals": expect.equals}}),
    }


def _expectation(expect: Map) -> Expectation:
    if not expect:
        return _ANY_ANSWER
    status, json = expect.get("status", ()), expect.sub("json")
    statuses = tuple(sorted({status} if isinstance(status, int) else set(status)))
    return Expectation(statuses, json.get("path"), plain(json.get("equals")))


def header_faults(webhook: Map) -> Iterator[tuple[Mark, str]]:
    """What is wrong with the headers that are declared, once everything is merged."""
    taken = carriers(scheme_of(webhook.sub("signature")))
    declared, seen = webhook.sub("headers"), set[str]()
    for name, text in declared.items():
        if fault := declared_fault(name, text, taken):
            yield declared.key_marks[name], fault
        elif name.lower() in seen:
            yield declared.key_marks[name], f"the header `{name.lower()}` is written twice"
        seen.add(name.lower())


def expectation_fault(webhook: Map) -> tuple[Mark, str] | None:
    """What is missing once everything is merged, and where."""
    expect = webhook.sub("expect")
    json = expect.sub("json")
    absent = [field for field in ("path", "equals") if field not in json]
    if "json" not in expect or not absent:
        return None
    what = " and ".join(absent)
    return (
        expect.key_marks["json"],
        f"`json` lacks `{what}`: it needs a path and the value that is found there",
    )


def probe_faults(
    webhook: Map,
    *,
    merged: bool,
) -> Iterator[tuple[list[Mark], str]]:
    """Probes that are asked for and cannot be sent: where each, and its scheme, is written, and
    why.

    Not ``merged``: only what no other text can mend.
    """
    signature, probes = webhook.sub("signature"), webhook.sub("probes")
    name = signature.get("scheme", STANDARD_WEBHOOKS.name)
    if not merged and ("scheme" not in signature or name == CUSTOM):
        return
    for probe, why in _lacking(scheme_of(signature)).items():
        if probes.get(probe, Demand.OFF) != Demand.OFF:
            marks = [probes.marks[probe], *filter(None, [signature.marks.get("scheme")])]
            yield (
                marks,
                f"`{probe}: {probes[probe]}` cannot be sent with the scheme `{name}`: {why}",
            )


def _lacking(scheme: Scheme) -> dict[str, str]:
    """Probes that a scheme has no room for, and why."""
    lacking = {} if scheme.timed else {"replayed": _NO_TIMESTAMP, "future": _NO_TIMESTAMP}
    return lacking if scheme.several else {**lacking, "eachSecret": _ONE_SIGNATURE}
