"""Guards: checks over the finished plan that can block it. A guard is one function and one row in
``GUARDS``.

A guard returns findings. An error blocks the plan; a waiver that covers it turns it into a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reconciler.domain.declared.desired import ClientState, Waiver
from reconciler.domain.kinds.actions import SPECIFYING, ActionKind
from reconciler.domain.live.record import ClientStatus
from reconciler.domain.values import names
from reconciler.domain.values.canonical import iso
from reconciler.errors import Finding
from reconciler.planning.actions.reasons import DRIFT, Reason
from reconciler.planning.actions.renames import read_former_names
from reconciler.planning.guards.budgets import BUDGET_GUARDS, YES_REMOVE
from reconciler.planning.guards.checkout import doubt_of, find_removals
from reconciler.planning.guards.keeping import KEEPING, keeping
from reconciler.planning.guards.lookalikes import look_alikes
from reconciler.planning.guards.ownership import OWNERSHIP, OWNERSHIP_GUARDS
from reconciler.planning.guards.policy import policy_rules
from reconciler.planning.guards.situation import Block, Situation
from reconciler.planning.guards.waivers import find_waiver, waive

# What a waiver may name. Ownership is never waived: it is somebody else's.
WORDS = ("protect", "budget-removals", "budget-changes", "remove-all", "freeze", "promotion")


def protect(situation: Situation) -> Iterable[Block]:
    """Protection lives on the live record: it does not die with the file."""
    for action in situation.of_kind(ActionKind.RETIRE_CLIENT):
        record = situation.record_of(action.client)
        declared = situation.desired.clients.get(action.client)
        if record is None:
            continue
        # That an edited record is not protected may be the edit; without a declaration RC307 blocks
        # it.
        protected = record.protect or (record.edited and declared is not None)
        if protected and (declared is None or declared.protect):
            how = "its declaration is gone" if declared is None else "it is declared retired"
            yield Block(
                "protect",
                "RC310",
                action.client,
                f"client {action.client} is protected and {how}",
                (
                    "declare it with protect: false and apply that first"
                    if declared is None
                    else "set protect: false in the same change"
                ),
            )


def lost_rename(situation: Situation) -> Iterable[Block]:
    """A client that was renamed twice elsewhere says the name in between, which this environment
    never had: here it looks like one client removed and another one added."""
    known = {
        name for record in situation.observed.records.values() for name in read_former_names(record)
    }
    newcomers = sorted(
        client.name
        for client in situation.desired.clients.values()
        if client.renamed_from is not None and not {client.name, client.renamed_from} & known
    )
    if not newcomers:
        return
    for action in situation.of_kind(ActionKind.RETIRE_CLIENT):
        if action.reason == Reason.DECLARATION_REMOVED:
            told = " or ".join(newcomers)
            yield Block(
                "protect",
                "RC311",
                action.client,
                f"{action.client} is no longer declared, and {told} is declared as renamed from a"
                f" client that {situation.desired.environment.name} never had: it may be the"
                " same one",
                f"if it is, apply the renames one by one, or set renamedFrom: {action.client}; if"
                f" not, declare {action.client} with state: retired",
            )


def unproven_removal(situation: Situation) -> Iterable[Block]:
    """What is not there may be hidden by git, or not be there yet: that alone removes nobody.

    Never waived.
    """
    where = situation.desired.environment.name
    for action in find_removals(situation.actions):
        if (doubt := doubt_of(action.client, situation.inputs.standing, where)) is not None:
            message = f"{action.client} is not declared here, and {doubt.why}"
            yield Block(
                "removal",
                doubt.code,
                action.client,
                message,
                doubt.remedy,
            )


def freeze(situation: Situation) -> Iterable[Block]:
    frozen = next(
        (one for one in situation.desired.environment.freezes if one.covers(situation.now)), None
    )
    if frozen is None:
        return
    for client in sorted({action.client for action in situation.list_declared_changes()}):
        yield Block(
            "freeze",
            "RC330",
            client,
            f"{situation.desired.environment.name} is frozen until {iso(frozen.end)}:"
            f" {frozen.reason}",
            "wait, apply what other clients need with --only, or add a waiver with a reason and an"
            " end date to policy.yaml",
        )


def promotion(situation: Situation) -> Iterable[Block]:
    """The same specification must be verified in the required environment first."""
    first = situation.desired.environment.requires
    if first is None:
        return
    for client in sorted(
        {a.client for a in situation.of_kind(*SPECIFYING) if a.reason not in DRIFT}
    ):
        declared = situation.desired.clients.get(client)
        if declared is None or declared.state is not ClientState.ACTIVE:
            continue
        record = (situation.inputs.question.required or {}).get(client)
        if record is None:
            problem = f"{client} does not exist in {first}"
        elif record.base_digest != declared.base_digest:
            problem = f"{client} is applied to {first} with another specification"
        elif record.status is not ClientStatus.ACTIVE:
            problem = f"{client} is {record.status.value} in {first}, not active"
        else:
            continue
        yield Block(
            "promotion",
            "RC340",
            client,
            f"{problem}: {situation.desired.environment.name} requires {first}",
            f"apply this commit to {first} first and let its webhooks prove themselves there",
        )


GUARDS: list[Callable[[Situation], Iterable[Block]]] = [
    *OWNERSHIP_GUARDS,
    keeping,  # versions that the server would end
    protect,
    lost_rename,  # a client that may only have changed its name
    look_alikes,  # likewise
    unproven_removal,  # what git hides
    *BUDGET_GUARDS,
    freeze,
    promotion,
    policy_rules,
]


def guard_findings(situation: Situation) -> tuple[Finding, ...]:
    """All findings of all guards.

    A waived block is a warning that names who approved it until when.
    """
    return tuple(_finding(block, situation) for guard in GUARDS for block in guard(situation))


def _finding(block: Block, situation: Situation) -> Finding:
    declared = situation.desired.clients.get(block.client or "")
    address = block.address or names.client_address(block.client or "")
    source = block.source or (declared.source if declared else None)
    finding = Finding(
        block.code,
        block.level,
        block.message,
        address,
        block.remedy,
        source,
    )
    waiver = _waiver(block, situation)
    return finding if waiver is None else waive(finding, waiver)


def _waiver(block: Block, situation: Situation) -> Waiver | None:
    """A waiver is void from its date on (UTC). Ownership is never waived: it is somebody else's.
    Nor is the number that a person says: another one is a mistake. Nor is a version that would be
    lost."""
    if block.guard in (OWNERSHIP, YES_REMOVE, KEEPING):
        return None
    desired = situation.desired
    return find_waiver(
        desired.policy.waivers, block.guard, block.client, desired.environment.name, situation.now
    )
