"""``lifetime`` and what goes with it → ``domain.declared.desired.Lifecycle``, and the texts that
the registry stores of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

from reconciler.declare.findings.nodes import Map
from reconciler.declare.webhooks.signatures import scheme_of
from reconciler.declare.webhooks.values import read_duration, read_window
from reconciler.domain.declared.desired import Lifecycle
from reconciler.domain.kinds.credentials import SIGNING_SECRET, CredentialKind
from reconciler.domain.values import duration as _duration

_T = TypeVar("_T")
_SECOND = timedelta(seconds=1)


write_duration = lru_cache(maxsize=1024)(_duration.format_duration)


def entry_lifecycle(entry: Map, kind: CredentialKind) -> Lifecycle:
    """Of a credential that belongs to the client itself."""
    rotation = entry.sub("rotation")
    return _lifecycle(
        entry.get("lifetime"), _rotation(rotation), entry.get("reissueAfter", 0), kind
    )


def secret_lifecycle(webhook: Map) -> Lifecycle:
    secret = webhook.sub("secret")
    lifecycle = _lifecycle(
        secret.get("lifetime"), _rotation(secret), secret.get("reissueAfter", 0), SIGNING_SECRET
    )
    return (
        replace(lifecycle, asymmetric=True)
        if scheme_of(webhook.sub("signature")).asymmetric
        else lifecycle
    )


def _rotation(spec: Map) -> tuple[str | None, str | None, str | None]:
    return spec.get("renewBefore"), spec.get("grace"), spec.get("window")


@lru_cache(maxsize=4096)  # clients share their lifecycles, and each is asked for several times
def _lifecycle(
    lifetime: str | None,
    rotation: tuple[str | None, str | None, str | None],
    reissue_after: int,
    kind: CredentialKind,
) -> Lifecycle:
    renew_before, grace, window = rotation
    whole = duration_of(lifetime, kind.lifetime)
    third = max(_SECOND, timedelta(seconds=int(whole.total_seconds()) // 3))
    before = duration_of(renew_before, third)
    return Lifecycle(
        lifetime=whole,
        renew_before=before,
        grace=duration_of(grace, min(kind.grace, before)),
        window=valid_or(window, read_window, None) if window else None,
        reissue_after=reissue_after,
    )


@lru_cache(maxsize=4096)
def lifecycle_spec(lifecycle: Lifecycle) -> dict[str, Any]:
    """What the registry stores. Clients share it; nobody changes it."""
    spec: dict[str, Any] = {
        "lifetime": write_duration(lifecycle.lifetime),
        "renewBefore": write_duration(lifecycle.renew_before),
        "grace": write_duration(lifecycle.grace),
    }
    if lifecycle.window:
        spec["window"] = lifecycle.window.text
    if lifecycle.reissue_after:
        spec["reissueAfter"] = lifecycle.reissue_after
    return spec


def duration_of(text: str | None, default: timedelta) -> timedelta:
    return default if text is None else valid_or(text, read_duration, default)


def valid_or(
    text: str,
    parse: Callable[[str], _T],
    default: _T,
) -> _T:
    """The parsed value; ``default`` for one that is not valid, which ``spec`` has reported."""
    try:
        return parse(text)
    except ValueError:
        return default
