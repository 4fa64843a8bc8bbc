"""The order in which actions happen: a literal table of levels."""

from __future__ import annotations

from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Action

# Create before verify before retire before revoke before remove. Within a level by address.
LEVELS: dict[ActionKind, int] = {
    ActionKind.ADOPT_CLAIM: 0,
    ActionKind.ABANDON_CLAIM: 0,
    ActionKind.REGISTER_CLIENT: 1,
    ActionKind.UPDATE_CLIENT: 2,
    ActionKind.UPDATE_WEBHOOK: 3,
    ActionKind.ISSUE_KEY: 4,
    ActionKind.ROTATE_KEY: 4,
    ActionKind.ISSUE_SECRET: 4,
    ActionKind.ROTATE_SECRET: 4,
    ActionKind.VERIFY_WEBHOOK: 5,
    ActionKind.ACTIVATE_CLIENT: 6,
    ActionKind.SUSPEND_CLIENT: 7,
    ActionKind.RETIRE_KEY: 7,
    ActionKind.REVOKE_KEY: 8,
    ActionKind.REVOKE_SECRET: 8,
    ActionKind.DESTROY_VERSION: 9,
    ActionKind.RETIRE_CLIENT: 10,
    ActionKind.NO_OP: 11,
}


def ordered(actions: list[Action]) -> tuple[Action, ...]:
    """Total order: level, address, version, kind.

    The order of files or documents has no part in it.
    """
    return tuple(sorted(actions, key=rank))


def rank(action: Action) -> tuple[int, str, int, str]:
    """Where an action stands among others."""
    return LEVELS[action.kind], action.address, action.version or 0, action.kind.value
