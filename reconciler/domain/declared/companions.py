"""Headers beside a signature: those that a scheme's row has, and those that a webhook declares.
Receivers route by them, or demand them.

A value may hold ``{event}``, ``{id}`` (of the message), ``{uuid}`` (another form of it),
``{client}`` and ``{number}`` (the same for all deliveries of a webhook).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from uuid import UUID

from reconciler.dataclass import dataclass
from reconciler.domain.declared.scheme_fields import header_fault
from reconciler.domain.declared.schemes import Scheme, header_names

CompanionHeaders = tuple[tuple[str, str], ...]

_MOST = 16  # headers that a webhook may declare
_USUAL: CompanionHeaders = (
    ("content-type", "application/json"),
    ("user-agent", "reconciler-webhooks/1"),
)
_VALUE = re.compile(r"[!-~](?:[ -~]{0,254}[!-~])?\Z")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_KNOWN = ("client", "event", "id", "number", "uuid")


@dataclass(frozen=True, slots=True)
class Occasion:
    """The delivery that headers are made for."""

    client: str
    webhook: str
    event: str
    message_id: str

    def values(self) -> Mapping[str, str]:
        whose = hashlib.sha256(f"{self.client}/{self.webhook}".encode()).digest()
        which = hashlib.sha256(self.message_id.encode()).digest()
        return {
            "client": self.client,
            "event": self.event,
            "id": self.message_id,
            "number": str(int.from_bytes(whose[:4], "big")),
            "uuid": str(UUID(bytes=which[:16], version=4)),
        }


def companions(scheme: Scheme, declared: CompanionHeaders, occasion: Occasion) -> CompanionHeaders:
    """The headers beside the signature: the usual ones, then the scheme's, then those that are
    declared."""
    chosen = dict(_USUAL) | dict(scheme.beside) | dict(declared)
    values = occasion.values()
    return tuple(
        (name, _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text))
        for name, text in chosen.items()
    )


def declared_fault(name: str, text: str, taken: Iterable[str]) -> str:
    """What is wrong with a header that somebody declares, empty when nothing is.

    ``taken`` carry the signature.
    """
    if fault := header_fault(name):
        return fault.replace("a signature may not replace it", "it cannot be declared")
    if name.lower() in taken:
        return f"the header `{name.lower()}` belongs to the signature"
    if _VALUE.match(text) is None:
        return f"the value of `{name}` is not 1 to 256 printable ASCII characters"
    for placeholder in _PLACEHOLDER.findall(text):
        if placeholder not in _KNOWN:
            known = ", ".join(f"{{{one}}}" for one in _KNOWN)
            return f"`{{{placeholder}}}` is not known in the value of `{name}`: there are {known}"
    return ""


def carriers(scheme: Scheme) -> frozenset[str]:
    """The headers that carry a scheme's signature, id and timestamp."""
    return frozenset(header_names(scheme).values())
