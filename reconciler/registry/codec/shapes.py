"""What a stored record looks like. Only records whose checksum does not match are held against it:
what we wrote ourselves has its shape, what somebody edited by hand may have any."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from reconciler.domain.kinds.credentials import list_kinds
from reconciler.domain.values.names import is_name

FieldTypes = Mapping[str, tuple[type, ...]]

RECORD: FieldTypes = {
    "name": (str,),
    "owner": (str,),
    "storage_name": (str,),
    "revision": (int,),
    "op": (str,),
    "status": (str,),
    "protect": (bool,),
    "spec": (dict,),
    "digest": (str,),
    "base_digest": (str,),
    "moving_to": (str, NoneType),
    "seq": (int,),
    "events": (list,),
    "keys": (dict,),
    "webhooks": (dict,),
    "sum": (str,),
}
EVENT: FieldTypes = {
    "seq": (int,),
    "at": (str,),
    "run": (str,),
    "kind": (str,),
    "address": (str,),
    "reason": (str,),
    "message": (str,),
    "detail": (dict,),
}
DELIVERY: FieldTypes = {
    "id": (str,),
    "at": (str,),
    "url": (str,),
    "accepted": (bool,),
    "status": (int, NoneType),
    "latency_ms": (int,),
    "message": (str,),
    "code": (str,),
    "probes": (list,),
}
_PROBE: FieldTypes = {
    "probe": (str,),
    "demand": (str,),
    "passed": (bool, NoneType),
    "code": (str,),
    "message": (str,),
}
WEBHOOK: FieldTypes = {
    "secret": (dict,),
    "verified_at": (str, NoneType),
    "verified_digest": (str, NoneType),
    "last_delivery": (dict, NoneType),
    "failing_since": (str, NoneType),
    "failures": (int,),
}
SERIES: FieldTypes = {"versions": (list,), "last": (int,), "hold": (dict, NoneType), "sum": (str,)}
HOLD: FieldTypes = {"version": (int,), "reason": (str,), "incident": (str, NoneType), "at": (str,)}
VERSION: FieldTypes = {
    "version": (int,),
    "id": (str,),
    "state": (str,),
    "sha256": (str,),
    "reason": (str,),
    "run": (str,),
    "issued_at": (str,),
    "expires_at": (str,),
    "grace_until": (str, NoneType),
    "revoked_at": (str, NoneType),
    "destroyed_at": (str, NoneType),
    "asymmetric": (bool,),
}

RUN: FieldTypes = {
    "run_id": (str,),
    "command": (str,),
    "actor": (str,),
    "started_at": (str,),
    "git_commit": (str, NoneType),
    "plan_digest": (str,),
    "planfile": (bool,),
    "closed": (bool,),
    "finished_at": (str, NoneType),
    "interrupted": (bool,),
    "unrecorded": (list,),
    "omitted": (int,),
    "reports": (dict,),
    "dirty": (list,),
    "rollback_from": (str, NoneType),
}
APPLIED: FieldTypes = {
    "format": (int,),
    "commit": (str,),
    "run_id": (str,),
    "at": (str,),
    "uncommitted": (list,),
}
OUTCOME: FieldTypes = {
    "address": (str,),
    "kind": (str,),
    "reason": (str,),
    "why": (str,),
    "version": (int, NoneType),
    "status": (str,),
    "message": (str,),
    "detail": (dict,),
}


def require(raw: Any, shape: FieldTypes) -> None:
    """Raises ``TypeError`` when a field is missing, unknown or of another type (JSON's true is no
    number)."""
    if not isinstance(raw, dict) or raw.keys() != shape.keys():
        raise TypeError("other fields than expected")
    for name, kinds in shape.items():
        if type(raw[name]) not in kinds:
            raise TypeError(f"{name} is of another type")


def require_record(raw: Any, name: str) -> None:
    """A record, but for its series.

    Raises ``TypeError``, and ``ValueError`` for a name that no path may hold.
    """
    sections = [kind.section for kind in list_kinds() if kind.section in raw]
    require(raw, {**RECORD, **dict.fromkeys(sections, (dict,))})
    named = [one for section in sections for one in raw[section]]
    if not all(is_name(one) for one in (name, raw["storage_name"], *named)):
        raise ValueError("a name that is none")
    for field in {kind.section for kind in list_kinds()}:
        declared = raw["spec"].get(field) or {}
        if not isinstance(declared, dict) or not all(
            isinstance(one, dict) for one in declared.values()
        ):
            raise TypeError(f"{field} of the specification is of another type")
    for event in raw["events"]:
        require(event, EVENT)
    for webhook in raw["webhooks"].values():
        require(webhook, WEBHOOK)
        if webhook["last_delivery"] is not None:
            require(webhook["last_delivery"], DELIVERY)
            for probe in webhook["last_delivery"]["probes"]:
                require(probe, _PROBE)


def require_series(raw: Any) -> None:
    """Raises ``TypeError``, and ``ValueError`` for version numbers out of order or range."""
    require(raw, SERIES)
    if raw["hold"] is not None:
        require(raw["hold"], HOLD)
    for version in raw["versions"]:
        require(version, VERSION)
    numbers = [version["version"] for version in raw["versions"]]
    if numbers != sorted({*numbers}) or not all(0 < number <= raw["last"] for number in numbers):
        raise ValueError("numbers that no series has")
