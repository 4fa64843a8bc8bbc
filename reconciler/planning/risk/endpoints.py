"""Rules of risk about where events go, which ones, and how the receiver can tell that they are
ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from reconciler.domain.declared.proof import DEFAULT_DEMANDS, Demand, list_probes
from reconciler.domain.declared.schemes import CUSTOM, SCHEMES, STANDARD_WEBHOOKS
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.values.canonical import Json, JsonObject
from reconciler.domain.values.duration import format_duration, parse_duration
from reconciler.domain.values.hosts import host_of, is_loopback
from reconciler.planning.risk.facts import (
    Facts,
    list_changed_items,
    live_items,
    name_some,
    to_mapping,
    to_texts,
)

# How much a probe asks of a receiver; what is not said asks nothing.
_DEMANDS = {"warn": 1, "require": 2}
_DEFAULT: JsonObject = {"scheme": STANDARD_WEBHOOKS.name, "algorithm": STANDARD_WEBHOOKS.algorithm}


def _endpoints(facts: Facts) -> Iterator[tuple[str, JsonObject | None, JsonObject | None]]:
    """Each endpoint that the action changes, by the name of its webhook, as it is and as it will
    be."""
    if facts.action.kind is ActionKind.UPDATE_WEBHOOK:
        yield facts.item, facts.action.before, facts.action.after
    else:
        yield from list_changed_items(facts, "webhooks")


def _moves(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Each webhook whose URL changes."""
    for name, before, after in _endpoints(facts):
        if before is not None and after is not None and _url(before) != _url(after):
            yield name, _url(before), _url(after)


def _url(endpoint: JsonObject) -> str:
    return str(endpoint.get("url", ""))


def host_changed(facts: Facts) -> Iterator[str]:
    for name, before, after in _moves(facts):
        if host_of(before) != host_of(after):
            yield f"webhook {name} delivers to another host: {host_of(before)} → {host_of(after)}"


def same_host(facts: Facts) -> Iterator[str]:
    """On some hosts the path says whose it is."""
    for name, before, after in _moves(facts):
        if host_of(before) == host_of(after):
            yield f"webhook {name} moves on its host: {before} → {after}"


def _list_added(facts: Facts) -> Iterator[tuple[str, str, bool]]:
    """Each new webhook: its host, what it says, and whether the client delivers to that host
    already."""
    known = {host_of(_url(to_mapping(hook))) for hook in live_items(facts, "webhooks").values()}
    for name, before, after in _endpoints(facts):
        if before is None and after is not None:
            host = host_of(_url(after))
            events = name_some(to_texts(after.get("events"))) or "no event"
            yield host, f"webhook {name} sends {events} to {host}", host in known


def new_host(facts: Facts) -> Iterator[str]:
    for _, told, known in _list_added(facts):
        if not known:
            yield f"{told}, which got nothing from this client so far"


def known_host(facts: Facts) -> Iterator[str]:
    for _, told, known in _list_added(facts):
        if known:
            yield f"{told}, as another webhook does"


def webhook_of_new_client(facts: Facts) -> Iterator[str]:
    for _, told, _ in _list_added(facts):
        yield told


def webhook_removed(facts: Facts) -> Iterator[str]:
    for name, before, after in _endpoints(facts):
        if before is not None and after is None:
            yield (
                f"webhook {name} ends: {host_of(_url(before))} gets no"
                f" {name_some(to_texts(before.get('events')))} any more"
            )


def not_encrypted(facts: Facts) -> Iterator[str]:
    """Loopback is no network on which somebody could listen."""
    for name, before, after in _endpoints(facts):
        url = _url(after or {})
        exposed = url.startswith("http:") and not is_loopback(url)
        if exposed and not _url(before or {}).startswith("http:"):
            yield f"webhook {name} delivers over http, which everybody on the way can read: {url}"


def more_events(facts: Facts) -> Iterator[str]:
    yield from _events(facts, "also sends", gained=True)


def fewer_events(facts: Facts) -> Iterator[str]:
    yield from _events(facts, "no longer sends", gained=False)


def _events(facts: Facts, verb: str, *, gained: bool) -> Iterator[str]:
    for name, before, after in _endpoints(facts):
        if before is not None and after is not None:
            old, new = (set(to_texts(side.get("events"))) for side in (before, after))
            if changed := new - old if gained else old - new:
                yield f"webhook {name} {verb} {name_some(changed)}"


def signature_weakened(facts: Facts) -> Iterator[str]:
    """Of a new webhook: one that vouches for less than any that the client has; without any, than
    the default."""
    for name, before, after in _signatures(facts):
        if lost := _weaker(before, after):
            yield (
                f"webhook {name}, signature {_scheme(before)} → {_scheme(after)}: {'; '.join(lost)}"
            )
    for name, signature in _new_signatures(facts):
        yield from _weakest(name, signature, live_items(facts, "webhooks"))


def _new_signatures(facts: Facts) -> Iterator[tuple[str, JsonObject]]:
    for name, before, after in _endpoints(facts):
        if before is None and after is not None:
            yield name, to_mapping(after.get("signature"))


def _weakest(name: str, signature: JsonObject, others: JsonObject) -> Iterator[str]:
    known = {
        f"that of webhook {other}": to_mapping(to_mapping(others[other]).get("signature"))
        for other in sorted(others)
    }
    for whose, other in (known or {"the default": _DEFAULT}).items():
        if lost := _weaker(other, signature):
            yield (
                f"webhook {name}, signature {_scheme(signature)}, weaker than {whose}:"
                f" {'; '.join(lost)}"
            )
            return


def signature_changed(facts: Facts) -> Iterator[str]:
    for name, before, after in _signatures(facts):
        if not _weaker(before, after):
            yield (
                f"webhook {name}, signature {_scheme(before)} → {_scheme(after)}: a receiver has to"
                " verify otherwise"
            )


def _signatures(facts: Facts) -> Iterator[tuple[str, JsonObject, JsonObject]]:
    for name, before, after in _endpoints(facts):
        if (
            before is not None
            and after is not None
            and before.get("signature") != after.get("signature")
        ):
            yield name, to_mapping(before.get("signature")), to_mapping(after.get("signature"))


def _scheme(signature: JsonObject) -> str:
    return f"{signature.get('scheme', 'none')} ({signature.get('algorithm', 'none')})"


def _weaker(before: JsonObject, after: JsonObject) -> list[str]:
    """What ``after`` does not vouch for and ``before`` does, in words."""
    told = []
    if missing := _list_signed(before) - _list_signed(after):
        told.append(f"{name_some(missing)} not signed, so a delivery can be replayed")
    if 0 < _bits(after) < _bits(before):
        told.append(f"a shorter hash, {_bits(before)} → {_bits(after)} bits")
    old, new = _tolerance(before), _tolerance(after)
    if old and new and new > old:
        told.append(
            f"a delivery counts as fresh for longer, {format_duration(old)} →"
            f" {format_duration(new)}"
        )
    return told


def _list_signed(signature: JsonObject) -> set[str]:
    row = SCHEMES.get(str(signature.get("scheme")))
    return set(row.signed if row else to_texts(to_mapping(signature.get(CUSTOM)).get("signed"))) - {
        "body"
    }


def _bits(signature: JsonObject) -> int:
    """Of the hash under an HMAC; 0 for what has none."""
    digits = str(signature.get("algorithm", "")).removeprefix("hmac-sha")
    return int(digits) if digits in ("256", "512") else 0


def _tolerance(signature: JsonObject) -> timedelta | None:
    """How long a delivery counts as fresh; None for a signature without a timestamp."""
    if "timestamp" not in _list_signed(signature):
        return None
    row = SCHEMES.get(str(signature.get("scheme")))
    if row is not None:
        return row.tolerance
    try:
        return parse_duration(str(to_mapping(signature.get(CUSTOM)).get("tolerance")))
    except ValueError:
        return None


def probe_relaxed(facts: Facts) -> Iterator[str]:
    """Of a new webhook: one that asks less than it would if nothing were declared."""
    for name, before, after in _endpoints(facts):
        if after is None:
            continue
        new = to_mapping(after.get("probes"))
        old = _usual(after) if before is None else to_mapping(before.get("probes"))
        for probe in sorted({*old, *new}):
            if _demand(new.get(probe)) < _demand(old.get(probe)):
                change = (
                    f"{old[probe]} → {new.get(probe, 'off')}"
                    if before is not None
                    else str(new.get(probe))
                )
                yield f"webhook {name}, probe {probe}: {change}; it need not refuse such a delivery"


def deliveries_sent(facts: Facts) -> str | None:
    """What a verification sends to a receiver that is as it should be; None for a webhook that is
    not declared."""
    webhooks = facts.desired.webhooks if facts.desired is not None else ()
    webhook = next((one for one in webhooks if one.name == facts.item), None)
    if webhook is None:
        return None
    genuine = max(len(webhook.events), 1)
    refused = len(list_probes(webhook.probes, secrets=1))
    in_grace = len(list_probes(webhook.probes, secrets=2)) - refused
    deliveries = (
        "1 test delivery" if genuine + refused == 1 else f"{genuine + refused} test deliveries"
    )
    told = f": {genuine} genuine and {refused} that must be refused" if refused else ""
    grace = (
        f"; while two signing secrets are valid, {in_grace} more, each signed with one of them"
        if in_grace
        else ""
    )
    return f"a verification sends {deliveries}{told}{grace}"


def _usual(endpoint: JsonObject) -> dict[str, Json]:
    """What is demanded of the probes that an endpoint is sent when its declaration says nothing."""
    row = SCHEMES.get(str(to_mapping(endpoint.get("signature")).get("scheme")))
    usual = {name: demand.value for name, demand in DEFAULT_DEMANDS.items()}
    if row is not None and not row.refuses_future:
        usual["future"] = Demand.OFF.value
    return {name: usual[name] for name in to_mapping(endpoint.get("probes")) if name in usual}


def _demand(said: Json) -> int:
    return _DEMANDS.get(str(said), 0)
