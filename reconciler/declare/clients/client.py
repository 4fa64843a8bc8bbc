"""A client, its template and one environment, merged →
``domain.declared.desired.DesiredClient``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any, NamedTuple

from reconciler.declare.files.documents import Document
from reconciler.declare.findings.collector import Collector, source_of
from reconciler.declare.findings.nodes import Map, Mark, Seq, merge
from reconciler.declare.findings.suggest import did_you_mean
from reconciler.declare.webhooks.lifecycles import (
    entry_lifecycle,
    lifecycle_spec,
    secret_lifecycle,
    valid_or,
    write_duration,
)
from reconciler.declare.webhooks.reach import Reach
from reconciler.declare.webhooks.signatures import merged_faults
from reconciler.declare.webhooks.urls import parse_url
from reconciler.declare.webhooks.values import network
from reconciler.declare.webhooks.webhook import (
    Webhooks,
    expectation_fault,
    header_faults,
    probe_faults,
    webhook_spec,
)
from reconciler.domain.declared.desired import (
    ClientState,
    DesiredClient,
    DesiredCredential,
    DesiredWebhook,
    Lifecycle,
)
from reconciler.domain.kinds.credentials import KEY, SIGNING_SECRET, CredentialKind, list_kinds
from reconciler.domain.values.canonical import digest
from reconciler.domain.values.names import webhook_address
from reconciler.errors import Address

_WEBHOOK_FIELDS = tuple(one.name for one in fields(DesiredWebhook))


class _Resolved(NamedTuple):
    """What became of a spec, with labels."""

    merged: Map
    webhooks: tuple[DesiredWebhook, ...]
    spec: dict[str, Any]


class ClientBuilder:
    """Resolves one client for its environments. ``sound`` is False when a part of it could not be
    understood: then what is absent is not reported as missing. ``like``: one that resolved another
    client, which shares what is written alike; then it shares what became of that, too."""

    def __init__(
        self,
        document: Document,
        template: Document | None,
        webhooks: Webhooks,
        *,
        sound: bool,
        found: Collector,
        like: ClientBuilder | None = None,
    ) -> None:
        given = template.metadata.sub("labels") if template else {}
        self._labels = {**given, **document.metadata.sub("labels")}
        own = document.spec.without("template", "environments")
        self._document = document
        self._webhooks = webhooks
        self._sound = sound
        self._found = found
        self._base = merge(template.spec, own) if template else own
        self._base_digest = ""
        self._resolved: dict[str, _Resolved] = {}  # by environment; "": in none
        self._written_labels = document.metadata.get("labels")
        shared = like is not None and like._written_labels is self._written_labels  # noqa: SLF001
        self._like = like if shared else None

    def build(
        self,
        environment: str,
        reach: Reach | None,
    ) -> DesiredClient:
        """The client in ``environment``; what is wrong with it goes to the collector, and the value
        is then not to be used. ``reach`` is that of the environment, None when the project is not
        valid."""
        environments = self._document.spec.sub("environments")
        override = environments.sub(environment)
        base = self._resolved.get("") or self._resolve("", self._base)
        if not self._base_digest:
            self._base_digest = digest(_without_reissue(base.spec))
        merged = merge(self._base, override) if override else self._base
        if self._sound:
            self._check(merged, environment, reach)
        _, webhooks, spec = self._resolve(environment, merged) if override else base
        return DesiredClient(
            name=self._document.name,
            state=ClientState(spec["state"]),
            protect=spec["protect"],
            spec=spec,
            digest=digest(spec),
            base_digest=self._base_digest,
            credentials=tuple(
                DesiredCredential(kind, entry["name"], entry_lifecycle(entry, kind))
                for kind, entry in _entries(merged)
            ),
            webhooks=webhooks,
            source=source_of(self._document.name_mark),
            renamed_from=self._document.metadata.get("renamedFrom"),
        )

    def _resolve(self, environment: str, merged: Map) -> _Resolved:
        like = self._like and self._like._resolved.get(environment)  # noqa: SLF001 - its like
        if like and merged.get("webhooks") is like.merged.get("webhooks"):
            webhooks = like.webhooks
        else:
            alike = {one["name"]: one for one in like.merged.list_named("webhooks")} if like else {}
            known = {one.name: one for one in like.webhooks} if like else {}
            webhooks = tuple(
                [
                    _share_webhook(one, alike.get(one["name"]), known.get(one["name"]))
                    or self._webhooks.resolve(one)
                    for one in merged.list_named("webhooks")
                ]
            )
        spec = self._share_spec(merged, webhooks, like) if like else None
        made = _Resolved(merged, webhooks, spec or self._spec(merged, webhooks))
        self._resolved[environment] = made
        return made

    def _share_spec(
        self,
        merged: Map,
        webhooks: tuple[DesiredWebhook, ...],
        like: _Resolved,
    ) -> dict[str, Any] | None:
        """As ``_spec``, with what is equal in ``like``; None where more differs."""
        others = {field for field in merged if merged[field] is not like.merged.get(field)}
        if not others <= {"justification", "webhooks"} or merged.keys() != like.merged.keys():
            return None
        spec = dict(like.spec)
        if "justification" in others:
            spec["justification"] = merged["justification"]
        if "webhooks" in others:
            known = {one.name: one for one in like.webhooks}
            spec["webhooks"] = {
                one.name: (
                    {**like.spec["webhooks"][one.name], "url": one.url}
                    if one.url and _differ_by_url(one, known.get(one.name))
                    else webhook_spec(one)
                )
                for one in webhooks
            }
        return spec

    def place(
        self,
        environment: str,
        path: Iterable[str],
    ) -> Mark:
        """Where that is written which ``path`` (field names, names of items, items) leads to in
        ``environment``: in the client's file or its template's. As far as it is written at all;
        else the client's name."""
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

    def _spec(
        self,
        merged: Map,
        webhooks: tuple[DesiredWebhook, ...],
    ) -> dict[str, Any]:
        """What the registry stores: canonical, non-secret, defaults filled in."""
        spec: dict[str, Any] = {
            "state": merged.get("state", "active"),
            "protect": merged.get("protect", False),
            "scopes": sorted(merged.get("scopes", ())),
            KEY.section: {},
            "webhooks": {webhook.name: webhook_spec(webhook) for webhook in webhooks},
        }
        for kind, entry in _entries(merged):
            lives = spec.setdefault(kind.section, {})
            lives[entry["name"]] = lifecycle_spec(entry_lifecycle(entry, kind))
        template = self._document.spec.get("template")
        if self._labels:
            spec["labels"] = dict(self._labels)
        if template:
            spec["template"] = template
        if merged.get("owner"):
            spec["owner"] = dict(merged["owner"])
        if merged.get("justification"):
            spec["justification"] = merged["justification"]
        if merged.get("allowedCidrs"):
            spec["allowedCidrs"] = sorted(
                valid_or(text, _spelt, text) for text in merged["allowedCidrs"]
            )
        return spec

    def _check(
        self,
        merged: Map,
        environment: str,
        reach: Reach | None,
    ) -> None:
        """What only shows once everything is merged."""
        name = self._document.name
        if not any(any(merged.list_named(kind.section)) for kind in list_kinds()):
            self._found.add(
                "RC158",
                self._document.spec.mark,
                f"`{name}` has neither keys nor webhooks",
                address=self._document.address,
            )
        for kind, entry in _entries(merged):
            self._check_lifecycle(
                entry,
                entry.sub("rotation"),
                entry_lifecycle(entry, kind),
                kind.address(name, entry["name"]),
            )
        for webhook in merged.list_named("webhooks"):
            secret = webhook.sub("secret")
            self._check_lifecycle(
                secret,
                secret,
                secret_lifecycle(webhook),
                SIGNING_SECRET.address(name, webhook["name"]),
            )
            for mark, message in merged_faults(webhook.sub("signature")):
                self._found.add(
                    "RC159", mark, message, address=webhook_address(name, webhook["name"])
                )
            for mark, message in header_faults(webhook):
                self._found.add(
                    "RC168", mark, message, address=webhook_address(name, webhook["name"])
                )
            if "url" not in webhook:
                self._missing_url(webhook, environment)
            elif reach is not None and (fault := reach.fault(webhook["url"])):
                code, message, remedy = fault
                address = webhook_address(name, webhook["name"])
                self._found.add(code, webhook.marks["url"], message, remedy=remedy, address=address)
            self._check_proof(webhook)

    def _check_proof(self, webhook: Map) -> None:
        """What it is sent to prove itself, and what must come back."""
        address = webhook_address(self._document.name, webhook["name"])
        for marks, message in probe_faults(webhook, merged=True):
            self._found.add("RC170", self._own(marks), message, address=address)
        fault = expectation_fault(webhook)
        if fault is not None:
            self._found.add("RC175", *fault, address=address)
        before = [
            item.get("events", ())
            for item in self._base.list_named("webhooks")
            if item["name"] == webhook["name"]
        ]
        self._webhooks.payloads.check_merged(
            webhook, address, self._document.file, [e for part in before for e in part]
        )

    def _check_lifecycle(
        self,
        item: Map,
        rotation: Map,
        lifecycle: Lifecycle,
        address: Address,
    ) -> None:
        lifetime, renew_before = (
            write_duration(lifecycle.lifetime),
            write_duration(lifecycle.renew_before),
        )
        marks = [m for m in (rotation.marks.get("renewBefore"), item.marks.get("lifetime")) if m]
        if not lifecycle.lifetime or not lifecycle.renew_before:
            return  # reported where it is written
        if marks and lifecycle.renew_before >= lifecycle.lifetime:
            message = f"renewBefore ({renew_before}) is not shorter than the lifetime ({lifetime})"
            self._found.add("RC151", self._own(marks), message, address=address)
        elif "grace" in rotation and lifecycle.grace > lifecycle.renew_before:
            message = (
                f"grace ({write_duration(lifecycle.grace)}) is longer than renewBefore"
                f" ({renew_before})"
            )
            self._found.add("RC162", rotation.marks["grace"], message, address=address)

    def _own(self, marks: list[Mark]) -> Mark:
        """The place in the client's own file when there is one: its template suits others."""
        return next((mark for mark in marks if mark[0] == self._document.file), marks[0])

    def _missing_url(
        self,
        webhook: Map,
        environment: str,
    ) -> None:
        """Placed at the environment; a name that only exists there is probably misspelt."""
        environments, name = self._document.spec.sub("environments"), webhook["name"]
        base = [item["name"] for item in self._base.list_named("webhooks")]
        over = [item["name"] for item in environments.sub(environment).list_named("webhooks")]
        strangers = [other for other in over if other not in base]
        hint = did_you_mean(name, strangers if name in base else base)
        mark = environments.key_marks[environment] if name in base else webhook.marks["name"]
        message = f"the webhook `{name}` has no url in environment `{environment}`"
        address = webhook_address(self._document.name, name)
        self._found.add("RC157", mark, message, hint=hint, address=address)


def _share_webhook(
    webhook: Map,
    like: Map | None,
    known: DesiredWebhook | None,
) -> DesiredWebhook | None:
    """``webhook`` where it is written as ``like``, which is ``known``, but for its URL; None where
    more differs."""
    if like is None or known is None or webhook.keys() != like.keys():
        return None
    if any(webhook[field] is not like[field] for field in webhook if field != "url"):
        return None
    return replace(known, url=valid_or(webhook.get("url", ""), parse_url, ""))


def _differ_by_url(one: DesiredWebhook, other: DesiredWebhook | None) -> bool:
    """Whether two webhooks with URLs share all the rest, as ``_share_webhook`` makes them."""
    return (
        other is not None
        and bool(other.url)
        and all(
            getattr(one, each) is getattr(other, each) for each in _WEBHOOK_FIELDS if each != "url"
        )
    )


def _item(items: Seq, wanted: str) -> int | None:
    """The index of the item that is ``wanted``, or has that name; networks have several
    spellings."""
    for index, item in enumerate(items):
        name = item.get("name") if isinstance(item, Map) else item
        if wanted == name or (
            isinstance(name, str) and "/" in name and valid_or(name, _spelt, "") == wanted
        ):
            return index
    return None


@lru_cache(maxsize=4096)
def _spelt(text: str) -> str:
    return str(network(text))


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


def _entries(spec: Map) -> Iterator[tuple[CredentialKind, Map]]:
    """What is declared of credentials that belong to the client itself."""
    for kind in list_kinds():
        if not kind.part:
            for entry in spec.list_named(kind.section):
                yield kind, entry
