"""The order in which the actions of a plan happen."""

from __future__ import annotations

from reconciler.domain.plan.plan import Action


def sort_actions(actions: list[Action]) -> tuple[Action, ...]:
    """Total order: level (of the table of action kinds), address, version, kind.

    The order of files or documents has no part in it.
    """
    return tuple(sorted(actions, key=rank_of))


def rank_of(action: Action) -> tuple[int, str, int, str]:
    """Where an action stands among others."""
    return action.kind.level, action.address, action.version or 0, action.kind.value
