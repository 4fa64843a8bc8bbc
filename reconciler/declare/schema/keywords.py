"""The keywords of JSON Schema: where a schema holds schemas, and which of them only describe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

# Where a schema holds schemas by name, and where it holds data.
NAMED_SCHEMAS = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"}
)
DATA = frozenset({"const", "enum", "default", "examples", "example"})
_UNCHECKED = frozenset({"format", "contentEncoding", "contentMediaType", "contentSchema"})


@lru_cache(maxsize=512)
def list_unchecked(text: str) -> tuple[str, ...]:
    """The keywords of a schema that only describe, by the drafts themselves: no example is refused
    for them."""
    return tuple(sorted(_UNCHECKED.intersection(_keywords(json.loads(text)))))


def _keywords(schema: Any) -> Iterator[str]:
    for item in schema if isinstance(schema, list) else ():
        yield from _keywords(item)
    for keyword, value in schema.items() if isinstance(schema, dict) else ():
        yield keyword
        if keyword in NAMED_SCHEMAS and isinstance(value, dict):
            yield from (found for part in value.values() for found in _keywords(part))
        elif keyword not in DATA:
            yield from _keywords(value)
