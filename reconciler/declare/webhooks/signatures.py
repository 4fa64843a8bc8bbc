"""``signature`` of a webhook → ``domain.declared.schemes.Scheme``, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.declare.findings.nodes import Map, Mark
from reconciler.domain.declared.schemes import (
    ALGORITHMS,
    CUSTOM,
    ED25519,
    FIELDS,
    HEADER_FIELDS,
    SCHEMES,
    STANDARD_WEBHOOKS,
    Scheme,
    scheme_row,
)
from reconciler.domain.declared.schemes import faults as scheme_faults

_OTHER = f"write `scheme: {CUSTOM}` for a signature of your own"


def scheme_of(signature: Map) -> Scheme:
    """The declared scheme; for what is not valid, which is reported, any one."""
    name = signature.get("scheme", STANDARD_WEBHOOKS.name)
    if name != CUSTOM:
        row = scheme_row(str(name), str(signature.get("algorithm")))
        return row or SCHEMES.get(str(name), STANDARD_WEBHOOKS)
    custom = signature.sub("custom")
    values = {
        one.attribute: one.form.read(custom[one.name]) for one in FIELDS if one.name in custom
    }
    return Scheme(CUSTOM, signature.get("algorithm", "hmac-sha256"), **({"header": ""} | values))


def signature_spec(scheme: Scheme) -> dict[str, Any]:
    """What the registry stores: the name of a scheme of the table, all of a custom one."""
    spec: dict[str, Any] = {"scheme": scheme.name, "algorithm": scheme.algorithm}
    if scheme.name == CUSTOM:
        spec["custom"] = {
            one.name: one.form.write(value)
            for one in FIELDS
            if one.is_stored(value := getattr(scheme, one.attribute))
        }
    return spec


def written_faults(signature: Map) -> Iterator[tuple[Mark, str]]:
    """What is wrong with a text on its own; a template may leave some of it to its clients."""
    custom = signature.sub("custom")
    if "custom" in signature and signature.get("scheme") != CUSTOM:
        yield signature.key_marks["custom"], f"`custom` goes with `scheme: {CUSTOM}` beside it"
    yield from _algorithm_faults(signature)
    for one in HEADER_FIELDS:
        text = custom.get(one.name)
        if text and (fault := one.form.fault(text)):
            yield custom.marks[one.name], fault


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
