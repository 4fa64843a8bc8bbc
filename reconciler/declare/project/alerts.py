"""``spec.alerts`` of a Project → ``domain.declared.alert.Channel``: what each type of channel needs
and must not have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from reconciler.dataclass import dataclass
from reconciler.declare.files.files import name_file
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map
from reconciler.declare.findings.suggest import did_you_mean
from reconciler.declare.webhooks.urls import parse_url
from reconciler.domain.declared.alert import (
    TO_OWNER,
    AlertKind,
    Channel,
    MailTarget,
    SlackTarget,
    SmtpTls,
    WebhookTarget,
)
from reconciler.domain.declared.owners import is_mail_address
from reconciler.domain.values.hosts import is_loopback

# Type -> the fields that it needs.
_NEEDS = {"webhook": ("url", "secretFrom"), "slack": ("urlFrom",), "email": ("smtp", "to")}
_OF_TYPES = frozenset(field for fields in _NEEDS.values() for field in fields)
_PORTS = {SmtpTls.STARTTLS: 587, SmtpTls.IMPLICIT: 465, SmtpTls.NONE: 25}


def build_channels(
    spec: Map,
    environments: Collection[str],
    root: Path,
    found: Collector,
    *,
    sound: bool,
) -> tuple[Channel, ...]:
    """The channels in their order; what is wrong goes to ``found``, and such a channel is left out.

    Not ``sound``: what is wrong by the schema was taken out, so that what is missing may have been
    written.
    """
    builder = _Builder(environments, root, found, sound)
    seen: dict[str, int] = {}
    channels: list[Channel] = []
    for item in spec.list_named("alerts"):
        name, mark = item["name"], item.marks["name"]
        if name in seen:
            found.add(
                "RC131", mark, f"`{name}` is already the name of an item in line {seen[name]}"
            )
        seen.setdefault(name, mark[1])
        channels += builder.channel(item)
    return tuple(channels)


@dataclass(frozen=True, slots=True)
class _Builder:
    environments: Collection[str]
    root: Path
    found: Collector
    sound: bool

    def channel(self, item: Map) -> Iterator[Channel]:
        """The channel, when the schema and the checks here find nothing wrong with it."""
        before = self.found.errors
        kind = item.get("type")
        if kind not in _NEEDS:
            return
        self._fields(item, kind)
        self._environments(item)
        if kind == "webhook":
            self._url(item)
        if kind == "email":
            self._mail(item)
        if self.sound and self.found.errors == before:
            names = frozenset(item.get("environments") or ())
            kinds = (
                frozenset(AlertKind(one) for one in item["on"])
                if item.get("on")
                else frozenset(AlertKind)
            )
            yield Channel(item["name"], self._target(item, kind), kinds, names)

    def _fields(
        self,
        item: Map,
        kind: str,
    ) -> None:
        for field in _NEEDS[kind]:
            if self.sound and field not in item:
                self.found.add(
                    "RC164", item.mark, f"a channel of type {kind} needs the field `{field}`"
                )
        for field in sorted(_OF_TYPES & item.keys() - set(_NEEDS[kind])):
            secret = (kind, field) == ("slack", "url")
            why = ": it is a secret, which `urlFrom` takes from a variable" if secret else ""
            self.found.add(
                "RC164",
                item.key_marks[field],
                f"a channel of type {kind} has no field `{field}`{why}",
            )

    def _environments(self, item: Map) -> None:
        for name, mark in item.items_at("environments"):
            if name not in self.environments:
                hint = did_you_mean(name, self.environments)
                self.found.add("RC133", mark, f"the project has no environment `{name}`", hint=hint)

    def _url(self, item: Map) -> None:
        text = item.get("url")
        if not isinstance(text, str):
            return
        try:
            url = parse_url(text)
        except ValueError as error:
            self.found.add("RC155", item.marks["url"], str(error))
            return
        if url.startswith("http:") and not is_loopback(url):
            self.found.add("RC156", item.marks["url"], "the URL is http: alerts are not encrypted")

    def _mail(self, item: Map) -> None:
        for address, mark in item.items_at("to"):
            if isinstance(address, str) and address != TO_OWNER and not is_mail_address(address):
                self.found.add(
                    "RC164", mark, f"`{address}` is neither a mail address nor `{TO_OWNER}`"
                )
        smtp = item.sub("smtp")
        sender = smtp.get("from")
        if isinstance(sender, str) and not is_mail_address(sender):
            self.found.add("RC164", smtp.marks["from"], f"`{sender}` is not a mail address")
        if self.sound and ("username" in smtp) != ("passwordFrom" in smtp):
            self.found.add("RC164", smtp.mark, "`username` and `passwordFrom` belong together")

    def _target(
        self,
        item: Map,
        kind: str,
    ) -> WebhookTarget | SlackTarget | MailTarget:
        if kind == "webhook":
            return WebhookTarget(parse_url(item["url"]), item["secretFrom"]["env"])
        if kind == "slack":
            return SlackTarget(item["urlFrom"]["env"])
        smtp = item["smtp"]
        tls = SmtpTls(smtp.get("tls", SmtpTls.STARTTLS))
        authority = smtp.get("caCert")
        if authority:
            name_file(authority, smtp.marks["caCert"], self.found)
        return MailTarget(
            host=smtp["host"],
            port=smtp.get("port", _PORTS[tls]),
            tls=tls,
            sender=smtp["from"],
            to=tuple(item["to"]),
            username=smtp.get("username"),
            variable=smtp["passwordFrom"]["env"] if "passwordFrom" in smtp else None,
            ca_cert=str(self.root / authority) if authority else None,
        )
