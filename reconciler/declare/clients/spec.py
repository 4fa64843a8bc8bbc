"""What is wrong with one spec as it is written: a client's, a template's, or what an environment
changes.

Judged per text, not per merged client: a mistake in a template is told once, where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from reconciler.dataclass import dataclass
from reconciler.declare.clients.catalogue import Catalogue
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map
from reconciler.declare.project.project import networks_of
from reconciler.declare.webhooks.lookalikes import suspicions
from reconciler.declare.webhooks.payloads import Payloads
from reconciler.declare.webhooks.signatures import written_faults
from reconciler.declare.webhooks.urls import parse_url
from reconciler.declare.webhooks.values import (
    positive_duration,
    read_duration,
    read_window,
    short_duration,
)
from reconciler.declare.webhooks.webhook import probe_faults
from reconciler.domain.declared.scheme_fields import DEADLINE
from reconciler.domain.declared.schemes import FIELDS
from reconciler.errors import NOWHERE, Address
from reconciler.webhooks.proof.json_path import compile_path as json_path

_LIFETIME: dict[str, tuple[str, Callable[[str], object]]] = {
    "lifetime": ("RC151", positive_duration),
    "renewBefore": ("RC151", positive_duration),
    "grace": ("RC150", read_duration),
    "window": ("RC152", read_window),
}


@dataclass(frozen=True, slots=True)
class SpecCheck:
    """Reports what is wrong in a spec; ``address`` is the client's, empty for a template. ``http``:
    the policy has a rule for URLs without TLS."""

    catalogue: Catalogue
    payloads: Payloads
    found: Collector
    address: Address = NOWHERE
    http: bool = False

    def check(self, spec: Map, clean: Map | None = None) -> None:
        """``clean``: another spec, with nothing wrong; what ``spec`` shares with it is passed
        over."""
        if clean is not None:
            shared = [field for field in spec if spec[field] is clean.get(field)]
            spec = spec.without(*shared)
        self._scopes(spec)
        if "allowedCidrs" in spec:
            networks_of(spec, "allowedCidrs", self.found, self.address)
        self._unique_names(spec, "keys")
        self._unique_names(spec, "webhooks")
        for key in spec.list_named("keys"):
            self._lifetimes(key)
            self._lifetimes(key.sub("rotation"))
        for webhook in spec.list_named("webhooks"):
            self._lifetimes(webhook.sub("secret"))
            self._url(webhook)
            for mark, message in written_faults(webhook.sub("signature")):
                self.found.add("RC159", mark, message, address=self.address)
            for one in FIELDS:
                if one.form is DEADLINE:
                    custom = webhook.sub("signature").sub("custom")
                    self._value(custom, one.name, "RC150", short_duration)
            self._value(webhook.sub("delivery"), "timeout", "RC150", short_duration)
            self._value(webhook.sub("delivery"), "retryFor", "RC150", short_duration)
            for (mark, *_), message in probe_faults(webhook, merged=False):
                self.found.add("RC170", mark, message, address=self.address)
            self.payloads.check_written(webhook, self.address)
            self._value(webhook.sub("expect").sub("json"), "path", "RC175", json_path)

    def _scopes(self, spec: Map) -> None:
        for scope, mark in spec.items_at("scopes"):
            fault = self.catalogue.fault(scope)
            if fault:
                code, message, hint = fault
                self.found.add(code, mark, message, hint=hint, address=self.address)

    def _unique_names(
        self,
        spec: Map,
        field: str,
    ) -> None:
        seen: dict[str, int] = {}
        for item in spec.list_named(field):
            name, mark = item["name"], item.marks["name"]
            if name in seen:
                message = f"`{name}` is already the name of an item in line {seen[name]}"
                self.found.add("RC131", mark, message, address=self.address)
            seen.setdefault(name, mark[1])

    def _lifetimes(self, parent: Map) -> None:
        for field, (code, parse) in _LIFETIME.items():
            if field in parent:
                self._value(parent, field, code, parse)

    def _value(
        self,
        parent: Map,
        field: str,
        code: str,
        parse: Callable[[str], object],
    ) -> None:
        text = parent.get(field)
        if isinstance(text, str):
            try:
                parse(text)
            except ValueError as error:
                self.found.add(code, parent.marks[field], str(error), address=self.address)

    def _url(self, webhook: Map) -> None:
        text = webhook.get("url")
        if text is None:
            return
        mark = webhook.marks["url"]
        try:
            url = parse_url(text)
        except ValueError as error:
            self.found.add("RC155", mark, str(error), address=self.address)
            return
        if not text.isascii() or "xn--" in url:
            for code, message in suspicions(urlsplit(text).hostname or ""):
                self.found.add(code, mark, message, address=self.address)
