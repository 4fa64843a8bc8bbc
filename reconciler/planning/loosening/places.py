"""What a change takes back of what reconciler.yaml guards an environment with: one function, one
row in ``PLACE_CHECKS``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from reconciler.domain.declared.desired import Environment
from reconciler.domain.declared.terms import Path, Terms
from reconciler.domain.values.canonical import iso
from reconciler.domain.values.window import Freeze
from reconciler.planning.loosening.values import show_value

ENVIRONMENT = "RC370"
# (code, path, what, old, new): what a Loosening is made of.
PlaceRow = tuple[str, Path, str, str, str]
PlaceCheck = Callable[[Terms, Terms, datetime], Iterator[PlaceRow]]


def _row(path: Path, old: object, new: object) -> PlaceRow:
    return ENVIRONMENT, ("Project", *path), ".".join(path), show_value(old), show_value(new)


def _pair(before: Terms, now: Terms) -> Iterator[tuple[Environment, Environment, Path]]:
    """Both sides, unless the environment is new: then nothing of it was guarded before."""
    if before.environment is not None and now.environment is not None:
        yield before.environment, now.environment, ("environments", now.environment.name)


def looser_networks(before: Terms, now: Terms, at: datetime) -> Iterator[PlaceRow]:
    for old, new, path in _pair(before, now):
        known = _collapse(old.allowed_networks)
        added = [
            text
            for text in new.allowed_networks
            if not any(_within(ip_network(text), one) for one in known)
        ]
        if added:
            yield _row((*path, "allowedNetworks"), old.allowed_networks, new.allowed_networks)


def _collapse(texts: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    """Without gaps between neighbours: two halves are as wide as the whole."""
    found = [ip_network(text) for text in texts]
    return [
        *collapse_addresses(one for one in found if isinstance(one, IPv4Network)),
        *collapse_addresses(one for one in found if isinstance(one, IPv6Network)),
    ]


def _within(inner: IPv4Network | IPv6Network, outer: IPv4Network | IPv6Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def freezes(before: Terms, now: Terms, at: datetime) -> Iterator[PlaceRow]:
    for old, new, path in _pair(before, now):
        for freeze in old.freezes:
            if freeze.end > at and _has_thawed(freeze, new.freezes, at):
                span = f"{iso(freeze.start)} to {iso(freeze.end)} ({freeze.reason})"
                left = "; ".join(
                    f"{iso(one.start)} to {iso(one.end)}" for one in new.freezes if one.end > at
                )
                yield _row((*path, "freeze"), span, left or None)


def _has_thawed(freeze: Freeze, others: tuple[Freeze, ...], at: datetime) -> bool:
    """Whether an instant of ``freeze`` that is still to come lies in none of ``others``."""
    until = max(freeze.start, at)
    for other in sorted(others, key=lambda one: one.start):
        if other.start <= until:
            until = max(until, other.end)
    return until < freeze.end


def looser_promotion(before: Terms, now: Terms, at: datetime) -> Iterator[PlaceRow]:
    for old, new, path in _pair(before, now):
        if old.requires is not None and new.requires != old.requires:
            yield _row((*path, "requires"), old.requires, new.requires)


def ports(before: Terms, now: Terms, at: datetime) -> Iterator[PlaceRow]:
    for old, new, path in _pair(before, now):
        if not set(new.deliveries.ports) <= set(old.deliveries.ports):
            yield _row((*path, "deliveries", "ports"), old.deliveries.ports, new.deliveries.ports)


def server(before: Terms, now: Terms, at: datetime) -> Iterator[PlaceRow]:
    """In another registry nothing is protected, nothing is on record, and every budget begins at
    nothing. In another mount of secrets, or of key pairs, everything is missing and made anew,
    which no guard holds back."""
    mounts = [("mounts", name) for name in ("registry_mount", "secrets_mount", "transit_mount")]
    for old, new, path in _pair(before, now):
        for field, name in (("address", "address"), ("namespace", "namespace"), *mounts):
            sides = getattr(old.vault, name), getattr(new.vault, name)
            if sides[0] != sides[1]:
                yield _row((*path, "vault", field), *sides)


def plain_http(before: Terms, now: Terms, at: datetime) -> Iterator[PlaceRow]:
    """Tokens and keys may cross a network in the clear."""
    for old, new, path in _pair(before, now):
        if new.vault.plain_http and not old.vault.plain_http:
            yield _row((*path, "vault", "plainHttp"), "false", "true")


def authorities(before: Terms, now: Terms, at: datetime) -> Iterator[PlaceRow]:
    """Whose certificates are trusted. Which of two files trusts more cannot be told."""
    for old, new, path in _pair(before, now):
        for part in ("vault", "deliveries"):
            sides = getattr(old, part).ca_cert, getattr(new, part).ca_cert
            if sides[0] != sides[1]:
                yield _row((*path, part, "caCert"), *sides)


def alerts(before: Terms, now: Terms, at: datetime) -> Iterator[PlaceRow]:
    """Who is told of what. Elsewhere is not less, but somebody is told no more."""
    if before.environment is None or now.environment is None:
        return
    name = now.environment.name
    after = {channel.name: channel for channel in now.project.alerts if channel.serves(name)}
    for old in before.project.alerts:
        new = after.get(old.name)
        if old.serves(name) and (new is None or new.target != old.target):
            yield _row(
                ("alerts", old.name),
                "alerts go there",
                "another address" if new is not None else None,
            )
        elif old.serves(name) and new is not None and not old.on <= new.on:
            yield _row(("alerts", old.name, "on"), sorted(old.on), sorted(new.on))


def expiry(before: Terms, now: Terms, at: datetime) -> Iterator[PlaceRow]:
    if now.project.plan_expires > before.project.plan_expires:
        yield _row(("plan", "expires"), before.project.plan_expires, now.project.plan_expires)


def audit(before: Terms, now: Terms, at: datetime) -> Iterator[PlaceRow]:
    """Nothing in this folder is part of what a signature or an approver vouches for."""
    if now.project.audit_path != before.project.audit_path:
        yield _row(("audit", "path"), before.project.audit_path, now.project.audit_path)
    branch = before.project.audit_branch
    if branch is not None and now.project.audit_branch != branch:
        yield _row(("audit", "branch"), branch, now.project.audit_branch)
    if before.project.git and not now.project.git:  # then a file that is not there removes a client
        yield _row(("audit", "git"), "true", "false")


PLACE_CHECKS: list[PlaceCheck] = [
    looser_networks,
    freezes,
    looser_promotion,
    ports,
    server,
    plain_http,
    authorities,
    alerts,
    expiry,
    audit,
]
