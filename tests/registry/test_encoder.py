"""What the registry's encoder writes is canonical JSON, byte for byte as ``dumps`` writes it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.values.canonical import dumps
from reconciler.errors import Address
from reconciler.registry.codec.stored import encode_json
from tests.kit.suite.laws import examples

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | TEXT.map(Address.read),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)


@examples(500)
@given(VALUES)
def test_every_value_is_written_as_dumps_writes_it(value: Any) -> None:
    assert encode_json(value).decode() == dumps(value)


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 2**64, 10**40, -(2**63) - 1])
def test_whole_numbers_of_any_size_keep_their_digits(number: int) -> None:
    assert encode_json([number]).decode() == dumps([number])


def test_what_is_no_json_is_not_stored() -> None:
    with pytest.raises(NotImplementedError):
        encode_json(object())
