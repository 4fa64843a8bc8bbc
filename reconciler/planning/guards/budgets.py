"""How many clients one plan may end or change, and what a person has to say for more.

What ends is counted over the whole declaration. A plan for some clients alone is a part of it: many
such plans, one after the other, would end them all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from reconciler.domain.declared.desired import Budget
from reconciler.domain.kinds.actions import ActionKind
from reconciler.errors import Level
from reconciler.planning.actions.reasons import DRIFT, Reason
from reconciler.planning.guards.situation import Block, Situation
from reconciler.planning.risk.facts import name_some

YES_REMOVE = "yes-remove"  # the guard of a number that is wrong; no waiver may name it


def remove_all(situation: Situation) -> Iterable[Block]:
    """An empty declaration is a mistake until somebody says otherwise."""
    removed = _all_removed(situation)
    if not _removes_undeclared(situation) or not _is_everything(situation, removed):
        return
    yield from _unless_agreed(
        situation,
        Block(
            "remove-all",
            "RC322",
            None,
            f"{_all_of(situation.count_live())} would be removed",
            "check that the clients/ folder is there; to end them on purpose declare state:"
            f" retired, {_say(situation)}, or add a waiver",
        ),
    )


def most_removed(situation: Situation) -> Iterable[Block]:
    """Where there are too few clients for a budget, more than half of them."""
    removed, existing = _all_removed(situation), situation.count_live()
    if existing >= situation.desired.policy.removals.at_least or len(removed) * 2 <= existing:
        return
    if not _removes_undeclared(situation) or _is_everything(situation, removed):
        return
    yield from _unless_agreed(
        situation,
        Block(
            "budget-removals",
            "RC323",
            None,
            f"{len(removed)} of {existing} registered clients would be removed, more than half:"
            f" {name_some(removed)}",
            "check that every client is declared that should be; to end them on purpose declare"
            f" state: retired, {_say(situation)}, or add a waiver of budget-removals",
        ),
    )


def other_number(situation: Situation) -> Iterable[Block]:
    """Whoever agrees to a removal says how many there are: another number was not agreed to."""
    agreed, removed = situation.agreed, _list_removed(situation)
    if agreed is None or _is_agreed(situation):
        return
    names = f": {name_some(removed)}" if removed else ""
    would = f"the plan removes {_count_clients(len(removed))}{names}"
    would = would if agreed.clients is None else f"it was given for other clients than now: {would}"
    yield Block(
        YES_REMOVE,
        "RC324",
        None,
        f"--yes-remove {agreed.number} was given, but {would}",
        (
            f"check the plan; if it is right, {_say(situation)}"
            if removed
            else "leave out --yes-remove"
        ),
    )


def removal_budget(situation: Situation) -> Iterable[Block]:
    kinds = (ActionKind.RETIRE_CLIENT, ActionKind.SUSPEND_CLIENT)
    own = {action.client for action in situation.of_kind(*kinds)}
    if own:
        touched = own | {action.client for action in situation.elsewhere if action.kind in kinds}
        yield from _over_budget(situation, "removals", touched, situation.desired.policy.removals)


def change_budget(situation: Situation) -> Iterable[Block]:
    """Of the clients that the plan is about: to change a few first, and more of them later, is what
    it is for."""
    changed = {
        action.client
        for action in situation.of_kind(
            ActionKind.UPDATE_CLIENT, ActionKind.UPDATE_WEBHOOK, ActionKind.RETIRE_KEY
        )
        if action.reason not in DRIFT
    }
    yield from _over_budget(situation, "changes", changed, situation.desired.policy.changes)


_WORDS = {
    "removals": (
        "RC320",
        "end or suspend",
        "end them in smaller steps, with an apply after each commit",
    ),
    "changes": ("RC321", "change", "apply in smaller steps with --only"),
}


def _over_budget(
    situation: Situation,
    name: str,
    touched: set[str],
    budget: Budget,
) -> Iterable[Block]:
    """octoDNS's rule: a share of what exists, counted once enough exists."""
    existing = situation.count_live()
    # new ones are free
    touched = touched - {action.client for action in situation.of_kind(ActionKind.REGISTER_CLIENT)}
    if existing < budget.at_least or len(touched) * 100 <= existing * budget.percent:
        return
    percent = -(-len(touched) * 100 // existing)  # rounded up: 4 of 13 are more than 30 %
    code, verb, steps = _WORDS[name]
    counts_all = situation.only is not None and name == "removals"
    who, part = ("the declaration", "; this plan is a part of that") if counts_all else ("this", "")
    yield Block(
        f"budget-{name}",
        code,
        None,
        f"{who} would {verb} {len(touched)} of {existing} clients ({percent} %), more than"
        f" {budget.percent} %{part}",
        f"{steps}, raise budgets.{name}.percent in policy.yaml, or add a waiver",
    )


def _list_removed(situation: Situation) -> set[str]:
    """The clients that the plan itself ends."""
    return {action.client for action in situation.of_kind(ActionKind.RETIRE_CLIENT)}


def _all_removed(situation: Situation) -> set[str]:
    """Those, and the ones that the declaration ends besides."""
    more = {
        action.client for action in situation.elsewhere if action.kind is ActionKind.RETIRE_CLIENT
    }
    return _list_removed(situation) | more


def _removes_undeclared(situation: Situation) -> bool:
    """Whether the plan ends a client without a word of the declaration.

    ``state: retired`` is such a word.
    """
    ended = situation.of_kind(ActionKind.RETIRE_CLIENT)
    return any(action.reason == Reason.DECLARATION_REMOVED for action in ended)


def _is_everything(situation: Situation, removed: Collection[str]) -> bool:
    """Whether nothing is left of what is registered, and nothing else is declared."""
    if situation.observed.quiet:
        return False  # these go on
    ended = {
        record.name for client in removed if (record := situation.record_of(client)) is not None
    }
    live = {record.name for record in situation.live}
    return ended >= live and not set(situation.desired.clients) - set(removed)


def _is_agreed(situation: Situation) -> bool:
    agreed, removed = situation.agreed, _list_removed(situation)
    if agreed is None:
        return False
    return len(removed) == agreed.number if agreed.clients is None else removed <= agreed.clients


def _unless_agreed(situation: Situation, block: Block) -> Iterable[Block]:
    """``block``, or a warning when a person agreed to exactly this.

    A wrong number is for ``other_number``.
    """
    if situation.agreed is None:
        yield block
    elif _is_agreed(situation):
        message = f"{block.message} - agreed to by --yes-remove {situation.agreed.number}"
        remedy = "check that exactly these clients are to end"
        yield replace(block, message=message, remedy=remedy, level=Level.WARNING)


def _say(situation: Situation) -> str:
    return f"add --yes-remove {len(_list_removed(situation))}"


def _all_of(number: int) -> str:
    return (
        "the only registered client" if number == 1 else f"every one of {number} registered clients"
    )


def _count_clients(number: int) -> str:
    return {0: "no client", 1: "1 client"}.get(number, f"{number} clients")


BUDGET_GUARDS: list[Callable[[Situation], Iterable[Block]]] = [
    remove_all,  # a missing folder
    most_removed,
    other_number,
    removal_budget,
    change_budget,
]
