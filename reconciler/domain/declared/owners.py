"""Whom to ask about a client."""

from __future__ import annotations

from reconciler.domain.values.canonical import JsonObject


def owner_of(spec: JsonObject) -> str:
    """``payments (payments@example.com)``: team and contact of a specification, as far as it names
    them."""
    owner = spec.get("owner") or {}
    team, contact = (str(owner.get(field) or "") for field in ("team", "contact"))
    return f"{team} ({contact})" if team and contact else team or contact
