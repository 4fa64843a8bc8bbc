"""A text that is no plan is refused with what is wrong with it."""

from __future__ import annotations

import pytest

from reconciler.engine.planfile.load import load_plan
from reconciler.errors import ReconcilerError


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("[]", "it is not a JSON object"),
        ('{"kind": "plan", "kind": "plan"}', "a name occurs twice in one object"),
        ('{"a": {"b": 1, "b": 1}}', "a name occurs twice in one object"),
        ('{"unchanged": 1.5}', "1.5 is not an integer"),
        ('{"unchanged": 1e3}', "1e3 is not an integer"),
        ('{"unchanged": NaN}', "NaN is not an integer"),
        ('{"unchanged": -Infinity}', "-Infinity is not an integer"),
        ("[" * 50_000, "it is nested too deeply"),
        ('{"kind": "run"}', "its kind is not plan"),
        ("{}", "its kind is not plan"),
    ],
)
def test_what_is_no_plan_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        load_plan(text)
    assert caught.value.code == "RC396"
    assert why in caught.value.message
