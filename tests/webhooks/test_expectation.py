"""What an answer must be: which is not, and how little of it is told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.declared.proof import Expectation
from reconciler.errors.codes import CODES
from reconciler.webhooks.proof.expectation import mismatch
from reconciler.webhooks.proof.json_path import compile_path, select_values
from tests.kit.suite.laws import examples

RECEIVED = Expectation((200,), "$.received", equals=True)
KEY = "acme_staging_" + "a1B2c3D4e5F6_" + "x" * 49


@pytest.mark.parametrize(
    ("expect", "status", "body"),
    [
        (Expectation(), 204, b""),
        (Expectation(), 299, b"\xff"),
        (Expectation((200, 202)), 202, b"no JSON"),
        (RECEIVED, 200, b'{"received": true, "more": 1}'),
        (RECEIVED, 200, b'\xef\xbb\xbf{"received": true}'),
        (Expectation((), "$.n", 1), 200, b'{"n": 1.0}'),
        (Expectation((), "$.n", None), 200, b'{"n": null}'),
        (Expectation((), "$.n", {"a": [1, {"b": "c"}]}), 200, b'{"n": {"a": [1, {"b": "c"}]}}'),
        (Expectation((), "$", "ok"), 200, b'"ok"'),
        (Expectation((), "$.n[?@.id == 'x'].s", "done"), 200, b'{"n": [{"id": "y"}, {"id": "x", "s": "done"}]}'),
        (Expectation((), "$..state", "done"), 200, b'{"a": {"b": [{"state": "done"}]}}'),
    ],
)  # fmt: skip
def test_what_is_as_declared(expect: Expectation, status: int, body: bytes) -> None:
    assert mismatch(expect, status, {}, body) is None


@pytest.mark.parametrize(
    ("expect", "status", "headers", "body", "detail"),
    [
        (RECEIVED, 204, {}, b"", "the status is 204, declared is 200"),
        (Expectation((200, 202)), 201, {}, b"", "the status is 201, declared is 200 or 202"),
        (Expectation(), 302, {}, b"", "the status is 302, declared is any 2xx"),
    ],
)
def test_another_status(
    expect: Expectation, status: int, headers: dict[str, str], body: bytes, detail: str
) -> None:
    assert mismatch(expect, status, headers, body) == ("RC523", detail)
    assert "RC523" in CODES


HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("body", "headers", "detail"),
    [
        (b"", {}, "it is empty"),
        (b"<p>token=hunter2</p>", HTML, "line 1 column 1 (it is text/html)"),
        (b"\x1f\x8b", {"content-encoding": "gzip"}, "it is not UTF-8 (it is compressed"),
        (b"x", {**HTML, "content-encoding": "br"}, "line 1 column 1 (it is compressed"),
        (b"x", {**HTML, "content-encoding": "Identity"}, "line 1 column 1 (it is text/html)"),
        (b'{"received": true}'.decode().encode("utf-16"), {}, "it is not UTF-8"),
        (b'{"received": NaN}', {}, "a number that JSON does not have"),
        (b'{"received": ' + b"1" * 5_000 + b"}", {}, "too many digits"),
        (b"[" * 50_000, {}, "nested too deeply"),
        (b"{}", {}, "`$.received` selects nothing of the body"),
        (b"[]", {}, "`$.received` selects nothing of the body"),
        (b'"{\\"received\\": true}"', {}, "`$.received` selects nothing of the body"),
        (b'{"received": 1}', {}, "`$.received` is the number 1, declared is true"),
        (b'{"received": "true"}', {}, "`$.received` is the text `true`, declared is true"),
        (b'{"received": null}', {}, "`$.received` is null, declared is true"),
        (b'{"received": {"a": 1}}', {}, "`$.received` is an object of 1 fields"),
        (b'{"received": [1]}', {}, "`$.received` is an array of 1 items"),
        (b'{"received": 1e400}', {}, "`$.received` is a very large number"),
        (b'{"received": "ada@example.com"}', {}, "a text of 15 characters"),
        (b'{"received": "a\\u001b[2J\\n::error::x"}', {}, "a text of 16 characters"),
        (b'{"received": "taken' + b" in" * 40 + b'"}', {}, "is the text `taken in in"),
        (json.dumps({"received": KEY}).encode(), {}, f"a text of {len(KEY)} characters"),
        (b'{"received": "whsec_' + b"0f" * 32 + b'"}', {}, "a text of 70 characters"),
    ],
)  # fmt: skip
def test_another_body(body: bytes, headers: dict[str, str], detail: str) -> None:
    found = mismatch(RECEIVED, 200, headers, body)
    assert found is not None
    assert found[0] == "RC524"
    assert detail in found[1]
    assert "RC524" in CODES


def test_several_values_are_as_wrong_as_none() -> None:
    expect = Expectation((), "$..ok", equals=True)
    assert mismatch(expect, 200, {}, b'{"ok": true, "a": {"ok": true}}') == (
        "RC524", "`$..ok` selects several values of the body, declared is one value"
    )  # fmt: skip


def test_two_values_that_are_told_alike_are_not_the_same() -> None:
    found = mismatch(Expectation((), "$.a", "x@example.com"), 200, {}, b'{"a": "y@example.com"}')
    assert found == ("RC524", "`$.a` is a text of 13 characters, but not the declared one")


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.binary(max_size=60) | _VALUES.map(lambda value: json.dumps({"received": value}).encode()))
def test_whatever_comes_back_is_told_in_few_plain_words(body: bytes) -> None:
    found = mismatch(RECEIVED, 200, {"content-type": "a/b\r\nc"}, body)
    if found is not None:
        assert found[0] == "RC524"
        assert len(found[1]) < 200
        assert found[1].isprintable()


@examples(50)
@given(_VALUES)
def test_a_value_equals_itself(value: object) -> None:
    assert (
        mismatch(Expectation((), "$.a", value), 200, {}, json.dumps({"a": value}).encode()) is None
    )


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "begins with `$`"),
        ("a.b", "begins with `$`"),
        ("$.", "at its end"),
        ("$.a[", "at its end"),
        ("$ ", "whitespace"),
        ("$.a | $.b", "unexpected token"),
        ("$[?@.a = 1]", "at character 8: unexpected token"),
        ("$[?length(@.a, 1) > 2]", "length"),
        ("$[?strlen(@.a) > 2]", "strlen"),
        ("$[?match(@.a, '(a+)+')]", "calls `match`, which is left out here"),
        ("$[?search(@.a, 'b')]", "calls `search`, which is left out here"),
        ("$..a..b", "has `..` more than once"),
        ("$['a', 'b']", "has several selectors in one bracket"),
        ("$[?count(@.*) > 1]", "has a path in a filter that selects several values"),
        ("$[?@..a]", "has a path in a filter that selects several values"),
        ("$[?$[?$[*] == 1] == 1]", "JSONPath"),
        ("$[?@[?@.a == 1]]", "has a path in a filter that selects several values"),
        ("$" + "[?(" * 500, "JSONPath"),
        ("$[?" + "(" * 3_000 + "@.a" + ")" * 3_000 + "]", "JSONPath"),
    ],
)
def test_a_path_that_cannot_be_used_is_refused_in_words(path: str, why: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - its words are looked at below
        compile_path(path)
    assert why in str(raised.value)


def test_a_document_that_is_too_deep_for_a_descent_is_said() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        select_values("$..a", json.loads("[" * 500 + "]" * 500))
