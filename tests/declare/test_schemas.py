"""The schemas themselves, and the fast acceptor against jsonschema."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.declare import KINDS, read_schema
from reconciler.declare.schema.accept import compile_schema
from reconciler.declare.schema.explain import explain_faults
from reconciler.declare.schema.generated import generate_schemas
from reconciler.declare.schema.schemas import acceptor
from tests.kit.suite.laws import examples

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))


def parts(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every subschema with its path."""
    yield path, value
    for name in ("properties", "$defs"):
        for key, part in value.get(name, {}).items():
            yield from parts(part, f"{path}/{name}/{key}")
    for name in ("items", "additionalProperties", "propertyNames"):
        if isinstance(value.get(name), dict):
            yield from parts(value[name], f"{path}/{name}")


@cache
def documents() -> list[dict[str, Any]]:
    """The examples, read by another program than ours; dates are text to us.

    Not to be changed: a copy is.
    """
    texts = [path.read_text() for path in EXAMPLES if path.name != "openapi.yaml"]
    return [yaml.safe_load(re.sub(r"\b(\d{4}-\d\d-\d\d)\b", r"'\1'", text)) for text in texts]


@pytest.mark.parametrize("kind", KINDS)
def test_a_valid_schema_without_foreign_hosts(kind: str) -> None:
    Draft202012Validator.check_schema(read_schema(kind))
    assert read_schema(kind)["$id"].startswith("urn:")
    assert read_schema(kind)["properties"]["kind"]["const"] == kind


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_silently_accepted_and_editors_can_help(kind: str) -> None:
    """Every mapping is closed, every field described, every value has an example that is valid."""
    root = read_schema(kind)
    for path, part in parts(root):
        if part.get("type") in ("object", ["object", "null"]):
            assert "additionalProperties" in part, path
            assert part["additionalProperties"] is False or isinstance(
                part["additionalProperties"], dict
            ), path
        if "/properties/" in path and "$ref" not in part and not path.endswith("/propertyNames"):
            assert part.get("description"), path
            assert part.get("examples") or "properties" in part, path
        for example in part.get("examples", ()):
            judge_of_part = explain_faults(kind).evolve(
                schema={**part, "$defs": root.get("$defs", {})}
            )
            assert judge_of_part.is_valid(example), (path, example)


def test_what_follows_from_something_else_is_what_is_generated() -> None:
    """To write them anew: ``make schemas``."""
    for path, text in generate_schemas(ROOT / "schemas").items():
        assert path.read_text(encoding="utf-8") == text, path.name


def test_template_and_client_share_their_definitions() -> None:
    """A template says what a client may say, in the same words."""
    template, client = read_schema("IntegrationTemplate"), read_schema("IntegrationClient")
    assert template["$defs"].items() <= client["$defs"].items()
    fields = client["properties"]["spec"]["properties"].keys()
    assert fields - template["properties"]["spec"]["properties"].keys() == {
        "template",
        "state",
        "environments",
    }


def test_the_examples_are_accepted() -> None:
    found = documents()
    assert {document["kind"] for document in found} == set(KINDS)
    for document in found:
        explain_faults(document["kind"]).validate(document)
        assert acceptor(document["kind"])(document)


_TEXTS = st.one_of(st.text("a1-: \n*d/", max_size=6), st.sampled_from(["90d", "active", "require"]))
_FIELDS = st.sampled_from(["name", "url", "x", "a\n", "team"])
_ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-1, 400), _TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(_FIELDS, inner, max_size=2)
    ),
    max_leaves=5,
)


@examples(400)
@given(st.data())
def test_the_acceptor_agrees_with_the_judge(data: st.DataObject) -> None:
    """On valid documents with some values replaced, removed or added by anything."""
    document = copy.deepcopy(data.draw(st.sampled_from(documents())))
    kind = document["kind"]
    for _ in range(data.draw(st.integers(0, 2))):
        here: Any = document
        while True:
            places = list(here) if isinstance(here, dict) else list(range(len(here)))
            if isinstance(here, dict) and data.draw(st.integers(0, 6)) == 0:
                here[data.draw(st.sampled_from(["x", "name", "url", "a\n"]))] = data.draw(_ANY)
                break
            if not places:
                break
            at = data.draw(st.sampled_from(places))
            if not isinstance(here[at], dict | list) or data.draw(st.integers(0, 3)) == 0:
                here[at] = data.draw(_ANY)
                break
            here = here[at]
    assert acceptor(kind)(document) == explain_faults(kind).is_valid(document)


def test_an_unknown_keyword_is_never_passed_over() -> None:
    with pytest.raises(ValueError, match="oneOf"):
        compile_schema({"oneOf": []})
    with pytest.raises(ValueError, match="reference"):
        compile_schema({"$ref": "elsewhere.json"})
