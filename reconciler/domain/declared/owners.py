"""Who answers for a client."""

from __future__ import annotations

import re

from reconciler.dataclass import dataclass
from reconciler.domain.values.canonical import JsonObject

# One plain ASCII address: no display name, no quoting, nothing that could end a header or begin
# another recipient.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")


def is_mail_address(text: str) -> bool:
    return len(text) <= 254 and _MAIL_ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """Who answers for a client, as declared; both empty when nobody is named."""

    team: str = ""
    contact: str = ""

    @property
    def mail(self) -> str | None:
        """The contact, when it is a mail address and not a link or the name of a room."""
        return self.contact if is_mail_address(self.contact) else None

    @property
    def shown(self) -> str:
        return self.team or self.contact or "nobody"


def read_owner(spec: JsonObject) -> Owner:
    """The owner that a resolved specification names.

    What was edited into nonsense in a record names nobody.
    """
    declared = spec.get("owner")
    if not isinstance(declared, dict):
        return Owner()
    return Owner(*(str(declared.get(field) or "") for field in ("team", "contact")))


def describe_owner(spec: JsonObject) -> str:
    """``payments (payments@example.com)``: team and contact of a specification, as far as it names
    them."""
    owner = spec.get("owner") or {}
    team, contact = (str(owner.get(field) or "") for field in ("team", "contact"))
    return f"{team} ({contact})" if team and contact else team or contact
