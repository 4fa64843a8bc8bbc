"""Who answers for each file of the declaration, from the owners of clients and the policy's approvers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.domain.alert import owner_in
from reconciler.domain.canonical import JsonObject
from reconciler.domain.desired import ApproverRule, Desired
from reconciler.domain.plan import Risk, highest
from reconciler.domain.scopes import WILDCARD, ScopeTable, covers


@dataclass(frozen=True, slots=True)
class FileOwners:
    """``path`` is relative to the project. ``owners``: who owns the clients in it, as forges write it
    (``@acme/payments`` or a mail address). ``approvers``: whom the policy asks about one of them, each with its ``@``.
    Both are sorted."""

    path: str
    owners: tuple[str, ...]
    approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """``files`` are all that declare clients, by path. ``approvers``: everybody whom the policy names, sorted; they
    answer for the files that bind every client."""

    files: tuple[FileOwners, ...]
    approvers: tuple[str, ...]


def code_owners(environments: Iterable[Desired]) -> CodeOwners:
    """The environments of one project. A client's owner is the handle that ``teams`` of the policy has for its team,
    else its contact if that is a mail address. An approver is asked about a client that meets its conditions in one
    environment; of ``risk`` that is the highest risk of what the client may do."""
    owners: dict[str, set[str]] = {}
    approvers: dict[str, set[str]] = {}
    everybody: set[str] = set()
    for desired in environments:
        table = ScopeTable(desired.scopes)
        rules = [rule for rule in desired.policy.approvers if _holds_in(rule, desired.environment.name)]
        everybody |= {f"@{rule.approver}" for rule in desired.policy.approvers}
        for client in desired.clients.values():
            path = client.source.file
            owners.setdefault(path, set()).update(_owner(client.spec, desired.policy.teams))
            asked = {f"@{rule.approver}" for rule in rules if _is_asked(rule, client.spec, table)}
            approvers.setdefault(path, set()).update(asked)
    files = (FileOwners(path, tuple(sorted(owners[path])), tuple(sorted(approvers[path]))) for path in sorted(owners))
    return CodeOwners(tuple(files), tuple(sorted(everybody)))


def _owner(spec: JsonObject, teams: Mapping[str, str]) -> Iterable[str]:
    owner = owner_in(spec)
    if owner.team in teams:
        yield f"@{teams[owner.team]}"
    elif owner.mail is not None and "#" not in owner.mail:  # forges read a comment there
        yield owner.mail


def _holds_in(rule: ApproverRule, environment: str) -> bool:
    return not rule.environments or environment in rule.environments


def _is_asked(rule: ApproverRule, spec: JsonObject, table: ScopeTable) -> bool:
    change = table.change((), spec.get("scopes") or ())
    granted = change.granted if change is not None else {}
    return (
        (rule.risk is None or highest(granted.values()).rank >= Risk(rule.risk).rank)
        and rule.labels.items() <= (spec.get("labels") or {}).items()
        and (not rule.scopes or any(_means(rule, scope) for scope in granted))
    )


def _means(rule: ApproverRule, scope: str) -> bool:
    """A wildcard is left in what is granted only without a catalogue; it may mean any scope."""
    return WILDCARD in scope or any(covers(pattern, scope) for pattern in rule.scopes)
