"""Who answers for each file of the declaration, from the owners of clients and the policy's
approvers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import Desired
from reconciler.domain.declared.owners import read_owner
from reconciler.domain.live.observed import Observed
from reconciler.domain.values import names
from reconciler.domain.values.canonical import JsonObject
from reconciler.planning.actions.clients import plan_registration
from reconciler.planning.actions.inputs import Inputs, Question
from reconciler.planning.guards.situation import Situation
from reconciler.planning.review.approvals import find_approvals
from reconciler.planning.risk.judging import judge_actions, take_grounds

# The same declaration gives the same file: nothing about a first registration depends on the time.
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FileOwners:
    """``path`` is relative to the project. ``owners``: who owns the clients in it, or that it
    decides about, as forges write it (``@acme/payments`` or a mail address). ``approvers``: whom
    the policy asks about one of them, each with its ``@``. Both are sorted."""

    path: str
    owners: tuple[str, ...]
    approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """``files`` are all that declare clients or decide about a few, by path. ``approvers``:
    everybody whom the policy names, sorted; they answer for the files that bind every client.
    ``shared``: those of them that have a name of the project's choice, by path."""

    files: tuple[FileOwners, ...]
    approvers: tuple[str, ...]
    shared: tuple[str, ...] = ()


def find_code_owners(environments: Iterable[Desired]) -> CodeOwners:
    """The environments of one project. A client's owner is the handle that ``teams`` of the policy
    has for its team, else its contact if that is a mail address. An approver is asked about a
    client that meets its conditions in one environment; of ``risk`` that is the risk of registering
    it."""
    owners: dict[str, set[str]] = {}
    approvers: dict[str, set[str]] = {}
    everybody: set[str] = set()
    named: Mapping[str, frozenset[str]] = {}
    for desired in environments:
        asked, named = _find_approvers(desired), desired.named
        everybody |= {f"@{rule.approver}" for rule in desired.policy.approvers}
        for client in desired.clients.values():
            path = client.source.file
            owners.setdefault(path, set()).update(_owner(client.spec, desired.policy.teams))
            approvers.setdefault(path, set()).update(
                asked.get(names.client_address(client.name), ())
            )
    deciding = {path: _origins(path, named) for path in named.keys() - owners.keys()}
    shared = {path for path, origins in deciding.items() if not origins or origins - owners.keys()}
    for path in deciding.keys() - shared:
        for found in (owners, approvers):
            found[path] = {one for origin in deciding[path] for one in found[origin]}
    files = (
        FileOwners(path, tuple(sorted(owners[path])), tuple(sorted(approvers[path])))
        for path in sorted(owners)
    )
    return CodeOwners(tuple(files), tuple(sorted(everybody)), tuple(sorted(shared)))


def _origins(path: str, named: Mapping[str, frozenset[str]]) -> set[str]:
    """The files by which ``path`` decides something, however many links and names are in
    between."""
    seen, left = {path}, [path]
    while left:
        more = named.get(left.pop(), frozenset()) - seen
        seen |= more
        left += more
    return {origin for origin in seen if origin not in named}


def _owner(spec: JsonObject, teams: Mapping[str, str]) -> Iterable[str]:
    owner = read_owner(spec)
    if owner.team in teams:
        yield f"@{teams[owner.team]}"
    elif owner.mail is not None and "#" not in owner.mail:  # forges read a comment there
        yield owner.mail


def _find_approvers(desired: Desired) -> Mapping[str, tuple[str, ...]]:
    """Whom a plan that registers every client for the first time asks: by the address of the
    client."""
    registered = [plan_registration(client, None) for client in desired.clients.values()]
    actions = judge_actions(registered, take_grounds(_ANY_TIME, {}, desired))
    nothing = Observed(_ANY_TIME, {}, {}, buckets=0)
    found: dict[str, tuple[str, ...]] = {}
    inputs = Inputs(Question(desired), nothing, pairs={})
    for approval in find_approvals(Situation(inputs, actions)):
        for address in approval.addresses:
            found[address] = (*found.get(address, ()), f"@{approval.approver}")
    return found
