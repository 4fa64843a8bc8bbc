"""The tables of kinds, held against the words that they are about."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from copy import copy, deepcopy
from datetime import timedelta
from typing import Any

import pytest

from reconciler.declare import read_schema
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
from reconciler.domain.kinds.credentials import (
    CREDENTIAL_KINDS,
    KEY,
    SIGNING_SECRET,
    CredentialKind,
    find_kind,
    list_kinds,
)
from reconciler.domain.values.names import is_name
from reconciler.errors import Address
from reconciler.planning.actions.reasons import Reason
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


@pytest.mark.parametrize("column", ["word", "section", "folder", "place", "title", "limit"])
def test_no_two_kinds_of_credentials_share_a_word(column: str) -> None:
    values = [getattr(kind, column) for kind in list_kinds()]
    assert len(values) == len(set(values))


@pytest.mark.parametrize("kind", list_kinds(), ids=str)
def test_a_kind_of_credential_is_whole(kind: CredentialKind) -> None:
    """Every column leads to something that is there."""
    assert CREDENTIAL_KINDS[kind.word] is kind
    assert is_name(kind.folder)
    assert "{}" in kind.place
    assert "{}" in kind.title
    verbs = [one.verb for one in (kind.issue, kind.rotate, kind.revoke)]
    assert verbs == [Verb.ISSUE, Verb.ROTATE, Verb.REVOKE]
    assert kind.retire is None or kind.retire.verb is Verb.RETIRE
    assert Reason(kind.removed)
    assert timedelta() < kind.grace < kind.lifetime


@pytest.mark.parametrize("kind", list_kinds(), ids=str)
def test_what_is_declared_of_a_kind_has_a_schema(kind: CredentialKind) -> None:
    [spec] = [read_schema("IntegrationClient")["properties"]["spec"]["properties"]]
    assert kind.section in spec
    assert f"{kind.limit}Max" in json.dumps(read_schema("GuardrailPolicy"))


@pytest.mark.parametrize("kind", list_kinds(), ids=str)
def test_an_address_knows_its_kind(kind: CredentialKind) -> None:
    address = kind.address("payouts", "primary")
    assert find_kind(address) is kind
    assert (address.client, address.item) == ("payouts", "primary")
    assert Address.read(str(address)) == address
    assert vars_of(Address.read(str(address))) == vars_of(address)
    assert find_kind(Address("payouts")) is None
    if kind.part:
        assert find_kind(kind.owner_address("payouts", "primary")) is None


@pytest.mark.parametrize(
    "text", ["", "x", "client", "client/", "client/a/key", "client/a//b", "a/b/c/d"]
)
def test_any_text_can_be_read_and_has_no_parts_when_it_is_no_address(text: str) -> None:
    address = Address.read(text)
    assert address == text
    assert vars_of(address) == ("", "", "", "")


@pytest.mark.parametrize("copied", [copy, deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_a_kind_is_the_row_and_of_an_address_knows_the_same(
    copied: Callable[[Any], Any],
) -> None:
    address = SIGNING_SECRET.address("payouts", "settlements")
    assert copied(KEY) is KEY
    assert vars_of(copied(address)) == vars_of(address)


def vars_of(address: Address) -> tuple[str, str, str, str]:
    return address.client, address.word, address.item, address.part
