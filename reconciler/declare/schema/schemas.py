"""The JSON Schemas of the five kinds, and the two ways they are used: to accept fast, to explain
well."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from reconciler.declare.schema.accept import compile_leaf, compile_schema

_FILES = {
    "Project": "project",
    "ScopeCatalog": "scope-catalog",
    "GuardrailPolicy": "guardrail-policy",
    "IntegrationTemplate": "integration-template",
    "IntegrationClient": "integration-client",
}
KINDS = tuple(_FILES)
API_VERSION = "reconciler/v1"


def file_name(kind: str) -> str:
    """``ScopeCatalog`` → ``scope-catalog.schema.json``, as the first line of a declaration names
    it."""
    return f"{_FILES[kind]}.schema.json"


def schema_text(kind: str) -> str:
    """The schema as a file."""
    return json.dumps(read_schema(kind), indent=2, ensure_ascii=False) + "\n"


@cache
def read_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``kind``. Raises ``KeyError`` for a kind that does not exist.

    An installed package carries the files as ``reconciler/schemas``; a checkout has them in
    ``schemas/``.
    """
    name = file_name(kind)
    packaged = resources.files("reconciler") / "schemas" / name
    source = packaged if packaged.is_file() else Path(__file__).parents[3] / "schemas" / name
    loaded: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return loaded


@cache
def acceptor(kind: str) -> Callable[[object], bool]:
    """Says in microseconds whether a document of ``kind`` is valid, not why not."""
    return compile_schema(read_schema(kind))


@cache
def leaf_acceptor(kind: str, path: tuple[str | int, ...]) -> Callable[[object], bool] | None:
    """Says of a text at ``path`` whether a document of ``kind`` that is valid with another text
    there is valid with this one, too. None where that cannot be said of the text alone."""
    return compile_leaf(read_schema(kind), path)
