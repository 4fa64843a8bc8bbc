"""A client, its template and one environment, merged → ``domain.desired.DesiredClient``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

from reconciler.declare.collector import Collector, source_of
from reconciler.declare.documents import Document
from reconciler.declare.nodes import Map, Mark, Seq, merge
from reconciler.declare.signatures import merged_faults, scheme_of, signature_spec
from reconciler.declare.suggest import did_you_mean
from reconciler.declare.urls import parse_url
from reconciler.declare.values import network, parse_duration, parse_window
from reconciler.domain.canonical import digest
from reconciler.domain.desired import ClientState, DesiredClient, DesiredKey, DesiredWebhook, Lifecycle
from reconciler.domain.duration import format_duration
from reconciler.domain.names import key_address, secret_address, webhook_address

_T = TypeVar("_T")
_SECOND = timedelta(seconds=1)
_TEN_SECONDS = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class _Defaults:
    """``renewBefore`` defaults to a third of the lifetime, ``grace`` to at most that."""

    lifetime: timedelta
    grace: timedelta


KEY_DEFAULTS = _Defaults(timedelta(days=90), timedelta(hours=72))
SECRET_DEFAULTS = _Defaults(timedelta(days=180), timedelta(hours=24))

_format = lru_cache(maxsize=1024)(format_duration)


class ClientBuilder:
    """Resolves one client for its environments. ``sound`` is False when a part of it could not be
    understood: then what is absent is not reported as missing."""

    def __init__(self, document: Document, template: Document | None, *, sound: bool, found: Collector) -> None:
        own = document.spec.without("template", "environments")
        self._document, self._sound, self._found = document, sound, found
        self._base = merge(template.spec, own) if template else own
        self._base_spec: dict[str, Any] | None = None
        self._base_digest = ""

    def build(self, environment: str) -> DesiredClient:
        """The client in ``environment``; what is wrong with it goes to the collector, and the value is then
        not to be used."""
        environments = self._document.spec.sub("environments")
        override = environments.sub(environment)
        if not self._base_digest:
            base = self._spec(self._base)
            self._base_spec, self._base_digest = base, digest(_without_reissue(base))
        merged = merge(self._base, override) if override else self._base
        if self._sound:
            self._check(merged, environment)
        spec = self._spec(merged) if override or self._base_spec is None else self._base_spec
        return DesiredClient(
            name=self._document.name,
            state=ClientState(spec["state"]),
            protect=spec["protect"],
            spec=spec,
            digest=digest(spec),
            base_digest=self._base_digest,
            keys=tuple(DesiredKey(key["name"], key_lifecycle(key)) for key in merged.named("keys")),
            webhooks=tuple(map(_webhook, merged.named("webhooks"))),
            source=source_of(self._document.name_mark),
            renamed_from=self._document.metadata.get("renamedFrom"),
        )

    def place(self, environment: str, path: Iterable[str]) -> Mark:
        """Where that is written which ``path`` (field names, names of items, items) leads to in ``environment``: in the
        client's file or its template's. As far as it is written at all; else the client's name."""
        override = self._document.spec.sub("environments").sub(environment)
        container: object = merge(self._base, override) if override else self._base
        mark = self._document.name_mark
        for part in path:
            if isinstance(container, Map) and part in container:
                mark, container = container.marks[part], container[part]
            elif isinstance(container, Seq) and (found := _item(container, part)) is not None:
                mark, container = container.marks[found], container[found]
                mark = container.marks["name"] if isinstance(container, Map) else mark
            else:
                break
        return mark

    @property
    def sound(self) -> bool:
        """Whether everything that was written of the client could be understood."""
        return self._sound

    def _spec(self, merged: Map) -> dict[str, Any]:
        """What the registry stores: canonical, non-secret, defaults filled in."""
        spec: dict[str, Any] = {
            "state": merged.get("state", "active"),
            "protect": merged.get("protect", False),
            "scopes": sorted(merged.get("scopes", ())),
            "keys": {key["name"]: _lifecycle_spec(key_lifecycle(key)) for key in merged.named("keys")},
            "webhooks": {webhook["name"]: _webhook_spec(webhook) for webhook in merged.named("webhooks")},
        }
        labels, template = self._document.metadata.get("labels"), self._document.spec.get("template")
        if labels:
            spec["labels"] = dict(labels)
        if template:
            spec["template"] = template
        if merged.get("owner"):
            spec["owner"] = dict(merged["owner"])
        if merged.get("justification"):
            spec["justification"] = merged["justification"]
        if merged.get("allowedCidrs"):
            spec["allowedCidrs"] = sorted(_valid(text, _spelt, text) for text in merged["allowedCidrs"])
        return spec

    def _check(self, merged: Map, environment: str) -> None:
        """What only shows once everything is merged."""
        name = self._document.name
        if not any(merged.named("keys")) and not any(merged.named("webhooks")):
            self._found.add(
                "RC158",
                self._document.spec.mark,
                f"`{name}` has neither keys nor webhooks",
                address=self._document.address,
            )
        for key in merged.named("keys"):
            self._check_lifecycle(key, key.sub("rotation"), key_lifecycle(key), key_address(name, key["name"]))
        for webhook in merged.named("webhooks"):
            secret = webhook.sub("secret")
            self._check_lifecycle(secret, secret, secret_lifecycle(webhook), secret_address(name, webhook["name"]))
            for mark, message in merged_faults(webhook.sub("signature")):
                self._found.add("RC159", mark, message, address=webhook_address(name, webhook["name"]))
            if "url" not in webhook:
                self._missing_url(webhook, environment)

    def _check_lifecycle(self, item: Map, rotation: Map, lifecycle: Lifecycle, address: str) -> None:
        lifetime, renew_before = _format(lifecycle.lifetime), _format(lifecycle.renew_before)
        marks = [m for m in (rotation.marks.get("renewBefore"), item.marks.get("lifetime")) if m]
        if not lifecycle.lifetime or not lifecycle.renew_before:
            return  # reported where it is written
        if marks and lifecycle.renew_before >= lifecycle.lifetime:
            message = f"renewBefore ({renew_before}) is not shorter than the lifetime ({lifetime})"
            self._found.add("RC151", self._own(marks), message, address=address)
        elif "grace" in rotation and lifecycle.grace > lifecycle.renew_before:
            message = f"grace ({_format(lifecycle.grace)}) is longer than renewBefore ({renew_before})"
            self._found.add("RC162", rotation.marks["grace"], message, address=address)

    def _own(self, marks: list[Mark]) -> Mark:
        """The place in the client's own file when there is one: its template suits others."""
        return next((mark for mark in marks if mark[0] == self._document.file), marks[0])

    def _missing_url(self, webhook: Map, environment: str) -> None:
        """Placed at the environment; a name that only exists there is probably misspelt."""
        environments, name = self._document.spec.sub("environments"), webhook["name"]
        base = [item["name"] for item in self._base.named("webhooks")]
        over = [item["name"] for item in environments.sub(environment).named("webhooks")]
        strangers = [other for other in over if other not in base]
        hint = did_you_mean(name, strangers if name in base else base)
        mark = environments.key_marks[environment] if name in base else webhook.marks["name"]
        message = f"the webhook `{name}` has no url in environment `{environment}`"
        address = webhook_address(self._document.name, name)
        self._found.add("RC157", mark, message, hint=hint, address=address)


def _item(items: Seq, wanted: str) -> int | None:
    """The index of the item that is ``wanted``, or has that name; networks have several spellings."""
    for index, item in enumerate(items):
        name = item.get("name") if isinstance(item, Map) else item
        if wanted == name or (isinstance(name, str) and "/" in name and _valid(name, _spelt, "") == wanted):
            return index
    return None


def _spelt(text: str) -> str:
    return str(network(text))


def key_lifecycle(key: Map) -> Lifecycle:
    rotation = key.sub("rotation")
    return _lifecycle(key.get("lifetime"), _rotation(rotation), key.get("reissueAfter", 0), KEY_DEFAULTS)


def secret_lifecycle(webhook: Map) -> Lifecycle:
    secret = webhook.sub("secret")
    return _lifecycle(secret.get("lifetime"), _rotation(secret), secret.get("reissueAfter", 0), SECRET_DEFAULTS)


def _rotation(spec: Map) -> tuple[str | None, str | None, str | None]:
    return spec.get("renewBefore"), spec.get("grace"), spec.get("window")


@lru_cache(maxsize=4096)  # clients share their lifecycles, and each is asked for several times
def _lifecycle(
    lifetime: str | None, rotation: tuple[str | None, str | None, str | None], reissue_after: int, defaults: _Defaults
) -> Lifecycle:
    renew_before, grace, window = rotation
    whole = _duration(lifetime, defaults.lifetime)
    third = max(_SECOND, timedelta(seconds=int(whole.total_seconds()) // 3))
    before = _duration(renew_before, third)
    return Lifecycle(
        lifetime=whole,
        renew_before=before,
        grace=_duration(grace, min(defaults.grace, before)),
        window=_valid(window, parse_window, None) if window else None,
        reissue_after=reissue_after,
    )


def _lifecycle_spec(lifecycle: Lifecycle) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "lifetime": _format(lifecycle.lifetime),
        "renewBefore": _format(lifecycle.renew_before),
        "grace": _format(lifecycle.grace),
    }
    if lifecycle.window:
        spec["window"] = lifecycle.window.text
    if lifecycle.reissue_after:
        spec["reissueAfter"] = lifecycle.reissue_after
    return spec


def _webhook(webhook: Map) -> DesiredWebhook:
    delivery = webhook.sub("delivery")
    return DesiredWebhook(
        name=webhook["name"],
        url=_valid(webhook.get("url", ""), parse_url, ""),
        events=tuple(sorted(webhook.get("events", ()))),
        secret=secret_lifecycle(webhook),
        scheme=scheme_of(webhook.sub("signature")),
        timeout=_duration(delivery.get("timeout"), _TEN_SECONDS),
        attempts=delivery.get("attempts", 5),
        probes=dict(webhook["probes"]) if webhook.get("probes") else None,
    )


def _webhook_spec(webhook: Map) -> dict[str, Any]:
    desired = _webhook(webhook)
    spec: dict[str, Any] = {
        "events": list(desired.events),
        "signature": signature_spec(desired.scheme),
        "secret": _lifecycle_spec(desired.secret),
        "delivery": {"timeout": _format(desired.timeout), "attempts": desired.attempts},
    }
    if desired.url:
        spec["url"] = desired.url
    if desired.probes:
        spec["probes"] = dict(desired.probes)
    return spec


def _without_reissue(spec: dict[str, Any]) -> dict[str, Any]:
    """Two environments differ in what was revoked by hand there, not in what they run."""
    keys = {name: _less(key, "reissueAfter") for name, key in spec["keys"].items()}
    webhooks = {
        name: {**webhook, "secret": _less(webhook["secret"], "reissueAfter")}
        for name, webhook in spec["webhooks"].items()
    }
    return {**spec, "keys": keys, "webhooks": webhooks}


def _less(value: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name != field}


def _duration(text: str | None, default: timedelta) -> timedelta:
    return default if text is None else _valid(text, parse_duration, default)


def _valid(text: str, parse: Callable[[str], _T], default: _T) -> _T:
    """The parsed value; ``default`` for one that is not valid, which ``spec`` has reported."""
    try:
        return parse(text)
    except ValueError:
        return default
