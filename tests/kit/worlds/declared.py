"""Builders of desired state: what ``reconciler.declare`` makes of YAML, without YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from reconciler.declare.webhooks.lifecycles import lifecycle_spec
from reconciler.declare.webhooks.signatures import signature_spec
from reconciler.domain.declared.desired import (
    ClientState,
    Desired,
    DesiredClient,
    DesiredCredential,
    DesiredWebhook,
    Environment,
    GuardrailPolicy,
    Lifecycle,
    Project,
    VaultSettings,
)
from reconciler.domain.declared.schemes import STANDARD_WEBHOOKS, Scheme
from reconciler.domain.kinds.credentials import KEY
from reconciler.domain.values.canonical import digest
from reconciler.domain.values.duration import parse_duration
from reconciler.errors import Source

PROJECT = "acme-integrations"
ENVIRONMENT = "production"
SCOPES = {"ledger:read": "low"}
URL = "https://hooks.example.com/payouts"


def lifecycle(
    lifetime: str = "90d", renew: str = "30d", grace: str = "72h", **more: Any
) -> Lifecycle:
    return Lifecycle(parse_duration(lifetime), parse_duration(renew), parse_duration(grace), **more)


def webhook(
    name: str = "settlements",
    url: str = URL,
    secret: Lifecycle | None = None,
    scheme: Scheme = STANDARD_WEBHOOKS,
) -> DesiredWebhook:
    events = ("payout.failed", "payout.settled")
    life = replace(secret or lifecycle("180d", "60d", "24h"), asymmetric=scheme.asymmetric)
    return DesiredWebhook(name, url, events, life, scheme, attempts=1)


def client(
    name: str = "payouts",
    keys: Mapping[str, Lifecycle] | None = None,
    webhooks: Iterable[DesiredWebhook] = (),
    *,
    state: str = "active",
    protect: bool = False,
    scopes: Iterable[str] = ("ledger:read",),
    renamed_from: str | None = None,
    **more: Any,
) -> DesiredClient:
    """A client with one key of ninety days unless said otherwise; ``more`` goes into the
    specification."""
    keys = {"primary": lifecycle()} if keys is None else keys
    hooks = tuple(webhooks)
    spec: dict[str, Any] = {
        "state": state,
        "protect": protect,
        "scopes": sorted(scopes),
        "keys": {key: lifecycle_spec(one) for key, one in keys.items()},
        "webhooks": {
            hook.name: {
                "url": hook.url,
                "events": list(hook.events),
                "signature": signature_spec(hook.scheme),
                "secret": lifecycle_spec(hook.secret),
                **({"probes": dict(hook.probes)} if hook.probes else {}),
            }
            for hook in hooks
        },
        **more,
    }
    return DesiredClient(
        name, ClientState(state), protect, spec, digest(spec), digest({**spec, "base": True}),
        tuple(DesiredCredential(KEY, key, one) for key, one in keys.items()), hooks,
        Source(f"clients/{name}.yaml", 3, 9), renamed_from,
    )  # fmt: skip


def environment(**changes: Any) -> Environment:
    root = f"integrations/{ENVIRONMENT}"
    vault = VaultSettings(
        "http://127.0.0.1:8200", f"{root}/registry", f"{root}/secrets", f"{root}/transit"
    )
    return replace(Environment(ENVIRONMENT, vault), **changes)


def desired(
    *clients: DesiredClient,
    policy: GuardrailPolicy | None = None,
    place: Environment | None = None,
    scopes: Mapping[str, str] = SCOPES,
) -> Desired:
    """``policy`` None: one without budgets, so that a test of something else is not blocked."""
    place = place or environment()
    project = Project(PROJECT, "acme", "audit", {place.name: place}, timedelta(days=1))
    named = {one.name: one for one in clients}
    return Desired(project, place, named, policy or GuardrailPolicy(), scopes)
