"""The tables of kinds, held against the words that they are about."""

from __future__ import annotations

from reconciler.domain.kinds.actions import (
    ACTIONS,
    ISSUES,
    NEW_VERSIONS,
    REVOCATIONS,
    ROTATIONS,
    SETTLING,
    SPECIFYING,
    ActionKind,
    Verb,
)
from reconciler.report.plan import words


def test_every_kind_of_action_has_a_row() -> None:
    assert set(ACTIONS) == set(ActionKind)


def test_a_kind_of_action_begins_with_its_verb() -> None:
    """The word is a contract, the verb is what the program goes by: they say the same."""
    for kind in ActionKind:
        assert kind.value.replace("-", "_").startswith(kind.verb.value), kind


def test_every_verb_is_done_by_some_kind_and_has_a_sign() -> None:
    assert {row.verb for row in ACTIONS.values()} == set(Verb)
    assert set(words._SIGNS) == set(Verb)


def test_the_groups_hold_what_their_names_say() -> None:
    """Spelled out once, so that a new row is put into a group knowingly."""
    kind = ActionKind
    assert set(ISSUES) == {kind.ISSUE_KEY, kind.ISSUE_SECRET}
    assert set(ROTATIONS) == {kind.ROTATE_KEY, kind.ROTATE_SECRET}
    assert set(NEW_VERSIONS) == {*ISSUES, *ROTATIONS}
    assert set(REVOCATIONS) == {kind.REVOKE_KEY, kind.REVOKE_SECRET}
    assert set(SETTLING) == {kind.ADOPT_CLAIM, kind.ABANDON_CLAIM}
    assert set(SPECIFYING) == {kind.REGISTER_CLIENT, kind.UPDATE_CLIENT, kind.UPDATE_WEBHOOK}
