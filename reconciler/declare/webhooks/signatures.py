"""``signature`` of a webhook → ``domain.declared.schemes.Scheme``, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from reconciler.declare.findings.nodes import Map, Mark
from reconciler.declare.webhooks.values import short_duration
from reconciler.domain.declared.schemes import (
    ALGORITHMS,
    CUSTOM,
    ED25519,
    SCHEMES,
    STANDARD_WEBHOOKS,
    TOLERANCE,
    Scheme,
    header_fault,
    scheme_row,
)
from reconciler.domain.declared.schemes import faults as scheme_faults
from reconciler.domain.values.duration import format_duration

_HEADERS = ("header", "idHeader", "timestampHeader")
_OTHER = f"write `scheme: {CUSTOM}` for a signature of your own"


def scheme_of(signature: Map) -> Scheme:
    """The declared scheme; for what is not valid, which is reported, any one."""
    name = signature.get("scheme", STANDARD_WEBHOOKS.name)
    if name != CUSTOM:
        row = scheme_row(str(name), str(signature.get("algorithm")))
        return row or SCHEMES.get(str(name), STANDARD_WEBHOOKS)
    custom = signature.sub("custom")
    default = Scheme(CUSTOM, "hmac-sha256", "")
    return Scheme(
        name=CUSTOM,
        algorithm=signature.get("algorithm", default.algorithm),
        header=custom.get("header", "").lower(),
        signed=tuple(custom.get("signed", default.signed)),
        joiner=custom.get("joiner", default.joiner),
        key_encoding=custom.get("keyEncoding", default.key_encoding),
        encoding=custom.get("encoding", default.encoding),
        tag=custom.get("tag", ""),
        separator=custom.get("separator", ""),
        id_header=custom.get("idHeader", "").lower(),
        timestamp_header=custom.get("timestampHeader", "").lower(),
        timestamp_tag=custom.get("timestampTag", ""),
        tolerance=_tolerance(custom),
    )


def signature_spec(scheme: Scheme) -> dict[str, Any]:
    """What the registry stores: the name of a scheme of the table, all of a custom one."""
    spec: dict[str, Any] = {"scheme": scheme.name, "algorithm": scheme.algorithm}
    if scheme.name == CUSTOM:
        spec["custom"] = {
            "header": scheme.header,
            "signed": list(scheme.signed),
            "joiner": scheme.joiner,
            "keyEncoding": scheme.key_encoding,
            "encoding": scheme.encoding,
            "tag": scheme.tag,
            "separator": scheme.separator,
            "idHeader": scheme.id_header,
            "timestampHeader": scheme.timestamp_header,
            "timestampTag": scheme.timestamp_tag,
            "tolerance": format_duration(scheme.tolerance),
        }
    return spec


def written_faults(signature: Map) -> Iterator[tuple[Mark, str]]:
    """What is wrong with a text on its own; a template may leave some of it to its clients."""
    custom = signature.sub("custom")
    if "custom" in signature and signature.get("scheme") != CUSTOM:
        yield signature.key_marks["custom"], f"`custom` goes with `scheme: {CUSTOM}` beside it"
    yield from _algorithm_faults(signature)
    for field in _HEADERS:
        if custom.get(field) and (fault := header_fault(custom[field])):
            yield custom.marks[field], fault


def merged_faults(signature: Map) -> Iterator[tuple[Mark, str]]:
    """What is wrong once everything is merged, where it is written."""
    yield from _algorithm_faults(signature)
    if signature.get("scheme") != CUSTOM:
        return
    custom = signature.sub("custom")
    if "custom" not in signature:
        yield (
            signature.marks["scheme"],
            "the scheme `custom` needs a mapping `custom` that says how it signs",
        )
        return
    for field, message in scheme_faults(scheme_of(signature)):
        yield custom.marks.get(field, signature.key_marks["custom"]), message


def _algorithm_faults(signature: Map) -> Iterator[tuple[Mark, str]]:
    name, algorithm = signature.get("scheme", STANDARD_WEBHOOKS.name), signature.get("algorithm")
    scheme = SCHEMES.get(name)
    if name == CUSTOM and algorithm == ED25519:
        yield (
            signature.marks["algorithm"],
            f"`{ED25519}` goes with `scheme: {STANDARD_WEBHOOKS.name}` only",
        )
    elif (
        scheme is not None
        and algorithm in (*ALGORITHMS, ED25519)
        and scheme_row(name, algorithm) is None
    ):
        message = (
            f"the scheme `{name}` signs with `{scheme.algorithm}` only, not with `{algorithm}`;"
            f" {_OTHER}"
        )
        scheme_mark, mark = signature.marks.get("scheme"), signature.marks["algorithm"]
        # a client changed its template's scheme
        elsewhere = scheme_mark is not None and scheme_mark[0] != mark[0]
        yield scheme_mark if scheme_mark and elsewhere else mark, message


def _tolerance(custom: Map) -> timedelta:
    try:
        return short_duration(custom["tolerance"]) if "tolerance" in custom else TOLERANCE
    except ValueError:
        return TOLERANCE
