"""Guards that keep a run from touching what is not ours, or not known to be.

None of them is ever waived.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.domain.kinds.actions import ISSUES, ActionKind
from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import ClientRecord, ClientStatus
from reconciler.domain.values import names
from reconciler.errors import Finding, Level
from reconciler.planning.actions import renames
from reconciler.planning.guards.situation import Block, Situation
from reconciler.planning.guards.unfinished import unless_open, who_works

OWNERSHIP = "ownership"


def ownership(situation: Situation) -> Iterable[Block]:
    """What another project or a person put there is never changed."""
    for action in (*situation.of_kind(ActionKind.REGISTER_CLIENT), *situation.renames):
        owner = situation.observed.foreign.get(action.client)
        if owner is not None:
            yield Block(
                "ownership",
                "RC301",
                action.client,
                f"client {action.client} is registered by project {owner}",
                "choose another name, or let that project give it up",
            )
    for action in situation.of_kind(ActionKind.REGISTER_CLIENT):
        declared = situation.desired.clients.get(action.client)
        former = declared.renamed_from if declared is not None else None
        owner = situation.observed.foreign.get(former or "")
        if owner is not None:
            yield Block(
                "ownership",
                "RC301",
                action.client,
                f"client {action.client} is declared as renamed from {former}, which is registered"
                f" by project {owner}",
                "leave out renamedFrom, or let that project give it up",
            )
    for action in situation.renames:
        present = situation.observed.records.get(action.client)
        if present is not None and present.status is ClientStatus.RETIRED:
            yield Block(
                "ownership",
                "RC304",
                action.client,
                f"the name {action.client} is that of a client that was retired",
                "rename to another name: a retired client keeps its name, its history and its"
                " version numbers",
            )


def occupied_paths(situation: Situation) -> Iterable[Block]:
    """A new client must not write where something is already."""
    storage = {record.storage_name: record.name for record in situation.observed.records.values()}
    unmanaged = set(situation.observed.unmanaged)
    for action in situation.of_kind(*ISSUES):
        record = situation.record_of(action.client)
        name = record.storage_name if record else action.client
        path = action.credential.path(name, str(action.item))
        if path in unmanaged:
            yield Block(
                "ownership",
                "RC302",
                action.client,
                f"{path} holds a secret that we did not write",
                unless_open(
                    situation.observed,
                    "move or delete it, or choose another name; it is never overwritten",
                ),
            )
    for action in situation.of_kind(ActionKind.REGISTER_CLIENT):
        holder = storage.get(action.client)
        if holder is not None and holder != action.client:
            yield Block(
                "ownership",
                "RC303",
                action.client,
                f"the secrets of {holder} are still kept under {action.client}",
                f"choose another name: {holder} was renamed from it and its consumers read the old"
                " path",
            )


def edited_undeclared(situation: Situation) -> Iterable[Block]:
    """What an edited record says of its client (that it is not protected, where its secrets are) is
    no ground to end anything. With a declaration there is somebody's word for it."""
    for client in sorted({action.client for action in situation.actions}):
        record = situation.record_of(client)
        if record is None or not record.edited or record.name in situation.desired.clients:
            continue
        renamed = client in situation.desired.clients
        yield Block(
            OWNERSHIP,
            "RC307",
            client,
            f"the record of {record.name} was edited by hand and {record.name} is not declared: "
            + ("it is not renamed" if renamed else "it counts as protected"),
            f"declare {record.name} again and apply that, which restores its record; then "
            + ("rename it" if renamed else "remove it"),
        )


def doubtful(situation: Situation) -> Iterable[Block]:
    """Nothing is done for a client while it is not known which secrets are its own, or what its
    record is."""
    touched = {action.client for action in situation.actions}
    touched |= {
        record.name for client in touched if (record := situation.record_of(client)) is not None
    }
    for doubt in find_doubts(situation.observed):
        for client in doubt.clients:
            if client in touched and doubt.blocks:
                yield Block(
                    OWNERSHIP,
                    doubt.code,
                    client,
                    doubt.message,
                    doubt.remedy,
                )


@dataclass(frozen=True, slots=True)
class RecordDoubt:
    """Something in the registry that two readings are possible of. ``blocks``: it stops what is
    planned for one of ``clients``."""

    code: str
    clients: tuple[str, ...]
    message: str
    remedy: str
    blocks: bool = True


def find_doubts(observed: Observed) -> Iterator[RecordDoubt]:
    """In an order that does not depend on that of the records."""
    for doubt in _doubts(observed):
        if observed.unsettled.isdisjoint(doubt.clients):
            yield replace(doubt, remedy=unless_open(observed, doubt.remedy))
        else:
            yield replace(
                doubt,
                code="RC308",
                message=(
                    f"what is on record of {' and '.join(doubt.clients)} changed each time it was"
                    " read: "
                )
                + who_works(observed),
                remedy="wait for that run to end, then run the same command again",
            )


def _doubts(observed: Observed) -> Iterator[RecordDoubt]:
    shared = find_shared_storage(observed)
    for storage, records in sorted(shared.items()):
        told = " and ".join(
            record.name + (" (edited by hand)" if record.edited else "") for record in records
        )
        yield RecordDoubt(
            "RC305",
            tuple(record.name for record in records),
            f"the records of {told} both claim the secrets under {storage}: none of them is written"
            " or destroyed",
            "find out which record is not the program's work and take it out: bring back an earlier"
            " version of its bucket with 'bao kv rollback' or 'vault kv rollback'",
        )
    for _, record in sorted(observed.records.items()):
        if record.edited and record.storage_name not in (record.name, *shared):
            yield RecordDoubt(
                "RC305",
                (record.name,),
                f"the record of {record.name} was edited by hand and says that its secrets are"
                f" under {record.storage_name}: nothing is written or destroyed there",
                "bring back the version of its bucket from before the edit with 'bao kv rollback'"
                " or 'vault kv rollback'",
            )
    for client, found in sorted(observed.misplaced.items()):
        proper = names.bucket_of(client, observed.buckets)
        present = client in observed.records
        yield RecordDoubt(
            "RC306",
            (client,),
            f"a record of {client} lies in buckets/{found}, where nobody looks for it: it belongs"
            f" in buckets/{proper}" + (", which has one" if present else ""),
            "somebody moved it by hand: bring back the versions of both buckets from before with"
            " 'bao kv rollback' or 'vault kv rollback'",
            blocks=not present,
        )


def find_shared_storage(observed: Observed) -> dict[str, list[ClientRecord]]:
    """The names in the paths of secrets that several records claim, and none of them took over from
    the others. (A rename that is under way, or was overtaken, has several records for a while.)"""
    claims: dict[str, list[ClientRecord]] = {}
    for _, record in sorted(observed.records.items()):
        claims.setdefault(record.storage_name, []).append(record)
    left = renames.find_heirs(observed.records)
    return {
        storage: records
        for storage, records in claims.items()
        if len(records) > 1 and sum(record.name not in left for record in records) > 1
    }


def doubt_findings(situation: Situation, blocked: Iterable[Finding]) -> list[Finding]:
    """The doubts that stop nothing in this plan: shown, because they will."""
    told = {(finding.code, finding.message) for finding in blocked}
    return [
        Finding(
            doubt.code,
            Level.WARNING,
            doubt.message,
            names.client_address(doubt.clients[0]),
            doubt.remedy,
        )
        for doubt in find_doubts(situation.observed)
        if (doubt.code, doubt.message) not in told
    ]


OWNERSHIP_GUARDS = (
    ownership,  # another project's clients
    occupied_paths,  # secrets that somebody else wrote
    edited_undeclared,  # a record that nobody vouches for
    doubtful,  # two records for one secret, or a record out of place
)
