"""``deliveries`` of an environment → ``domain.declared.desired.DeliverySettings``."""

from __future__ import annotations

from pathlib import Path

from reconciler.declare.files.files import name_file
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map
from reconciler.domain.declared.desired import DeliverySettings

_DEFAULTS = DeliverySettings()


def delivery_settings(spec: Map, root: Path, found: Collector) -> DeliverySettings:
    """The settings, paths relative to ``root``. A path may lead out of the project: whoever runs a
    pipeline decides where it keeps a key. Whether the files can be used is asked where they are
    used."""
    if "clientKey" in spec and "clientCert" not in spec:
        message = "clientKey is the key of a certificate, and there is no clientCert"
        found.add("RC182", spec.key_marks["clientKey"], message)

    for field in {"caCert", "clientCert"} & spec.keys():
        name_file(spec[field], spec.marks[field], found)

    def path(field: str) -> str | None:
        return str(root / spec[field]) if isinstance(spec.get(field), str) else None

    return DeliverySettings(
        ca_cert=path("caCert"),
        client_cert=path("clientCert"),
        client_key=path("clientKey"),
        ports=tuple(sorted({port for port, _ in spec.items_at("ports") if isinstance(port, int)}))
        or _DEFAULTS.ports,
        concurrency=_number(spec, "concurrency", _DEFAULTS.concurrency),
        per_host=_number(spec, "perHost", _DEFAULTS.per_host),
    )


def _number(spec: Map, field: str, default: int) -> int:
    value = spec.get(field)
    return value if isinstance(value, int) else default
