"""A client that goes while one like it comes: probably it only has another name now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.values.canonical import JsonObject
from reconciler.errors import Level
from reconciler.planning.actions.reasons import Reason
from reconciler.planning.guards.situation import Block, Situation


def look_alikes(situation: Situation) -> Iterable[Block]:
    """Without ``renamedFrom`` a new name is the end of one client, with all its keys, and the
    beginning of another."""
    where = situation.desired.environment.name
    for record, client, same in _pairs(situation):
        old, new = record.name, client.name
        yield Block(
            "protect",
            "RC325",
            new,
            f"{old} would be removed from {where} with all its keys, and {new}, which has the same"
            f" {same}, registered anew: it may be the same client under another name",
            f"if it is, add the line `renamedFrom: {old}` below `name: {new}` in"
            f" {client.source.file}, and no key ends; if not, declare {old} with state: retired",
            Level.WARNING,
        )


def _pairs(situation: Situation) -> Iterator[tuple[ClientRecord, DesiredClient, str]]:
    """Each client that goes with the one that is most like it and comes, and what they share.

    Nobody is in two.
    """
    found = []
    for record in _goers(situation):
        for client in _comers(situation):
            weight, same = _likeness(record.spec, client.spec)
            if weight:
                names = SequenceMatcher(None, record.name, client.name).ratio()
                found.append((-weight, -names, record.name, client.name, record, client, same))
    paired: set[str] = set()
    for *_, old, new, record, client, same in sorted(found, key=lambda one: one[:4]):
        if not paired & {old, new}:
            paired |= {old, new}
            yield record, client, same


def _goers(situation: Situation) -> Iterator[ClientRecord]:
    """Clients whose declaration is gone. What an edited record says of one may be made up."""
    for action in situation.of_kind(ActionKind.RETIRE_CLIENT):
        record = situation.record_of(action.client)
        if action.reason == Reason.DECLARATION_REMOVED and record is not None and not record.edited:
            yield record


def _comers(situation: Situation) -> Iterator[DesiredClient]:
    """New clients that do not say where they come from."""
    for action in situation.of_kind(ActionKind.REGISTER_CLIENT):
        client = situation.desired.clients.get(action.client)
        if (
            action.reason == Reason.NEW_CLIENT
            and client is not None
            and client.renamed_from is None
        ):
            yield client


def _likeness(old: JsonObject, new: JsonObject) -> tuple[int, str]:
    """How much alike two specifications are (0: not), and in which words. Templates make many
    clients alike: of two without webhooks the owner must be the same, too."""
    if old == new:
        return 3, "specification"
    urls = _urls(old), _urls(new)
    if urls[0] and urls[0] == urls[1]:
        return 2, "webhooks"
    if not any(urls) and all(
        old.get(part) == new.get(part) for part in ("keys", "scopes", "owner")
    ):
        return 1, "keys, scopes and owner"
    return 0, ""


def _urls(spec: JsonObject) -> list[str]:
    return sorted(str(webhook.get("url")) for webhook in (spec.get("webhooks") or {}).values())
