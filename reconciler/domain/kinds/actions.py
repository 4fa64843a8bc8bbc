"""What an action can be: one table, from which every group of kinds is made."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from reconciler.dataclass import dataclass


class ActionKind(StrEnum):
    """The words of plans, reports and histories. They are stored, so none ever changes."""

    REGISTER_CLIENT = "register-client"
    UPDATE_CLIENT = "update-client"
    ISSUE_KEY = "issue-key"
    ROTATE_KEY = "rotate-key"
    RETIRE_KEY = "retire-key"
    REVOKE_KEY = "revoke-key"
    ISSUE_SECRET = "issue-secret"
    ROTATE_SECRET = "rotate-secret"
    REVOKE_SECRET = "revoke-secret"
    UPDATE_WEBHOOK = "update-webhook"
    VERIFY_WEBHOOK = "verify-webhook"
    ACTIVATE_CLIENT = "activate-client"
    SUSPEND_CLIENT = "suspend-client"
    RETIRE_CLIENT = "retire-client"
    ADOPT_CLAIM = "adopt-claim"
    ABANDON_CLAIM = "abandon-claim"
    DESTROY_VERSION = "destroy-version"
    NO_OP = "no-op"

    @property
    def verb(self) -> Verb:
        """What it does, whatever it does it to."""
        return ACTIONS[self].verb

    @property
    def level(self) -> int:
        """When it happens among the actions of a plan, from 0."""
        return ACTIONS[self].level


class Verb(StrEnum):
    """What an action does, in the order in which a summary counts them."""

    REGISTER = "register"
    UPDATE = "update"
    ISSUE = "issue"
    ROTATE = "rotate"
    RETIRE = "retire"
    REVOKE = "revoke"
    VERIFY = "verify"
    ACTIVATE = "activate"
    SUSPEND = "suspend"
    ADOPT = "adopt"
    ABANDON = "abandon"
    DESTROY = "destroy"
    NO_OP = "no_op"


@dataclass(frozen=True, slots=True)
class ActionRow:
    """What an action does, and when: actions of a lower ``level`` come first, those of one level
    by their addresses."""

    verb: Verb
    level: int


# Create before verify before retire before revoke before remove.
ACTIONS: Mapping[ActionKind, ActionRow] = {
    ActionKind.ADOPT_CLAIM: ActionRow(Verb.ADOPT, 0),
    ActionKind.ABANDON_CLAIM: ActionRow(Verb.ABANDON, 0),
    ActionKind.REGISTER_CLIENT: ActionRow(Verb.REGISTER, 1),
    ActionKind.UPDATE_CLIENT: ActionRow(Verb.UPDATE, 2),
    ActionKind.UPDATE_WEBHOOK: ActionRow(Verb.UPDATE, 3),
    ActionKind.ISSUE_KEY: ActionRow(Verb.ISSUE, 4),
    ActionKind.ROTATE_KEY: ActionRow(Verb.ROTATE, 4),
    ActionKind.ISSUE_SECRET: ActionRow(Verb.ISSUE, 4),
    ActionKind.ROTATE_SECRET: ActionRow(Verb.ROTATE, 4),
    ActionKind.VERIFY_WEBHOOK: ActionRow(Verb.VERIFY, 5),
    ActionKind.ACTIVATE_CLIENT: ActionRow(Verb.ACTIVATE, 6),
    ActionKind.SUSPEND_CLIENT: ActionRow(Verb.SUSPEND, 7),
    ActionKind.RETIRE_KEY: ActionRow(Verb.RETIRE, 7),
    ActionKind.REVOKE_KEY: ActionRow(Verb.REVOKE, 8),
    ActionKind.REVOKE_SECRET: ActionRow(Verb.REVOKE, 8),
    ActionKind.DESTROY_VERSION: ActionRow(Verb.DESTROY, 9),
    ActionKind.RETIRE_CLIENT: ActionRow(Verb.RETIRE, 10),
    ActionKind.NO_OP: ActionRow(Verb.NO_OP, 11),
}


def list_kinds_that(*verbs: Verb) -> tuple[ActionKind, ...]:
    """The kinds that do one of these, in the order of the table.

    >>> [kind.value for kind in list_kinds_that(Verb.REVOKE)]
    ['revoke-key', 'revoke-secret']
    """
    return tuple(kind for kind, row in ACTIONS.items() if row.verb in verbs)


ISSUES = list_kinds_that(Verb.ISSUE)
ROTATIONS = list_kinds_that(Verb.ROTATE)
NEW_VERSIONS = list_kinds_that(Verb.ISSUE, Verb.ROTATE)
REVOCATIONS = list_kinds_that(Verb.REVOKE)
# What becomes of a version that an earlier run was making.
SETTLING = list_kinds_that(Verb.ADOPT, Verb.ABANDON)
# What puts a specification on record.
SPECIFYING = list_kinds_that(Verb.REGISTER, Verb.UPDATE)
