"""Compiles a JSON Schema into closures that accept or refuse, fast and without a word.

``jsonschema`` is the judge; it takes half a millisecond per client. What is compiled here is asked
first, and only a document that it refuses goes to the judge, who also explains. A test fuzzes the
two against each other. A keyword that this module does not know is a ``ValueError``, so that none
is ever passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

_Check = Callable[[Any], bool]

_ANNOTATIONS = frozenset(
    {
        "$schema",
        "$id",
        "$defs",
        "title",
        "description",
        "examples",
        "default",
        "patternErrorMessage",
        "errorMessage",
    }
)
_TYPES: Mapping[str, _Check] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "null": lambda value: value is None,
}


@cache
def pattern(text: str) -> re.Pattern[str]:
    """A schema's pattern as Python reads it:

    ``$`` is the very end, as in ECMA-262, not before a last newline.
    """
    return re.compile(re.sub(r"(?<!\\)\$", r"\\Z", text))


def compile_schema(schema: Mapping[str, Any]) -> _Check:
    """A function that says whether a value is valid.

    Raises ``ValueError`` for a keyword it does not know.
    """
    return _Compiler(schema).compile(schema)


def compile_leaf(schema: Mapping[str, Any], path: Sequence[str | int]) -> _Check | None:
    """A function that says of a text at ``path`` whether a value that is valid with another text
    there is valid with this one. None where that depends on more than the text."""
    compiler = _Compiler(schema)
    here = [schema]
    for part in path:
        around = [*compiler.resolve(here)]
        if any({"const", "enum", "uniqueItems"} & one.keys() for one in around):
            return None
        here = [inner for one in around if (inner := _inside(one, part)) is not None]
    return _every([compiler.compile(one) for one in here])


def _inside(schema: Mapping[str, Any], part: str | int) -> Mapping[str, Any] | None:
    """What ``schema`` says of a field, or of an item."""
    inner = (
        schema.get("items")
        if isinstance(part, int)
        else schema.get("properties", {}).get(part, schema.get("additionalProperties"))
    )
    return inner if isinstance(inner, Mapping) else None


class _Compiler:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._definitions: dict[str, _Check] = {}

    def compile(self, schema: Mapping[str, Any]) -> _Check:
        checks: list[_Check] = []
        if "type" in schema:
            checks.append(_type(schema["type"]))
        objects = {
            "properties",
            "required",
            "additionalProperties",
            "propertyNames",
        } & schema.keys()
        if objects:
            checks.append(self._object(schema))
        for keyword, value in schema.items():
            if keyword not in objects and keyword != "type" and keyword not in _ANNOTATIONS:
                checks.append(self._keyword(keyword, value))
        if len(checks) == 1:
            return checks[0]
        return _every(checks)

    def resolve(self, schemas: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """These and all that they refer to."""
        for one in schemas:
            yield one
            if "$ref" in one:
                yield from self.resolve([self._definition(one["$ref"])])

    def _keyword(
        self,
        keyword: str,
        value: Any,
    ) -> _Check:
        if keyword == "$ref":
            return self._reference(value)
        if keyword == "items":
            item = self.compile(value)
            return lambda instance: not isinstance(instance, list) or all(map(item, instance))
        if keyword in _SIMPLE:
            return _SIMPLE[keyword](value)
        raise ValueError(f"the schema keyword {keyword!r} is not supported")

    def _reference(self, reference: str) -> _Check:
        if reference not in self._definitions:
            self._definitions[reference] = self.compile(self._definition(reference))
        return self._definitions[reference]

    def _definition(self, reference: str) -> Mapping[str, Any]:
        if not reference.startswith("#/$defs/"):
            raise ValueError(f"the reference {reference!r} is not supported")
        found: Mapping[str, Any] = self._root["$defs"][reference.removeprefix("#/$defs/")]
        return found

    def _object(self, schema: Mapping[str, Any]) -> _Check:
        known = {name: self.compile(part) for name, part in schema.get("properties", {}).items()}
        required = frozenset(schema.get("required", ()))
        additional = schema.get("additionalProperties", True)
        other: _Check = (
            (lambda _: additional) if isinstance(additional, bool) else self.compile(additional)
        )
        name_of = self.compile(schema["propertyNames"]) if "propertyNames" in schema else None

        def check(instance: Any) -> bool:
            if not isinstance(instance, dict):
                return True
            if not required <= instance.keys() or (name_of and not all(map(name_of, instance))):
                return False
            for name, value in instance.items():  # noqa: SIM110 - see _every
                if not known.get(name, other)(value):
                    return False
            return True

        return check


def _every(checks: list[_Check]) -> _Check:
    # Loops, not all(): a generator for every value of every file would double the cost.
    def check(instance: Any) -> bool:
        for one in checks:  # noqa: SIM110 - as said
            if not one(instance):
                return False
        return True

    return check


def _type(names: str | list[str]) -> _Check:
    if isinstance(names, str):
        return _TYPES[names]
    allowed = [_TYPES[name] for name in names]
    return lambda instance: any(check(instance) for check in allowed)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _pattern(text: str) -> _Check:
    search = pattern(text).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _unique(wanted: bool) -> _Check:  # noqa: FBT001 - the value of a schema keyword
    # Only lists of text are declared unique; anything else is left to the judge.
    def check(value: Any) -> bool:
        if not wanted or not isinstance(value, list):
            return True
        return all(isinstance(item, str) for item in value) and len(set(value)) == len(value)

    return check


def _equals(value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other)


_SIMPLE: Mapping[str, Callable[[Any], _Check]] = {
    "const": lambda expected: lambda value: _equals(value, expected),
    "enum": lambda allowed: lambda value: any(_equals(value, choice) for choice in allowed),
    "pattern": _pattern,
    "minLength": lambda limit: lambda value: not isinstance(value, str) or len(value) >= limit,
    "maxLength": lambda limit: lambda value: not isinstance(value, str) or len(value) <= limit,
    "minItems": lambda limit: lambda value: not isinstance(value, list) or len(value) >= limit,
    "maxItems": lambda limit: lambda value: not isinstance(value, list) or len(value) <= limit,
    "minProperties": lambda limit: lambda value: not isinstance(value, dict) or len(value) >= limit,
    "maxProperties": lambda limit: lambda value: not isinstance(value, dict) or len(value) <= limit,
    "uniqueItems": _unique,
    "minimum": lambda limit: lambda value: not _is_number(value) or value >= limit,
    "maximum": lambda limit: lambda value: not _is_number(value) or value <= limit,
}
