"""GitHub's own description of its REST API (OpenAPI 3.0, from npm): does a request, does an answer
fit it?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator

from tests.kit.programs.npm import fetched

# MIT. Made by GitHub of github/rest-api-description; the archive holds those of every GitHub
# Enterprise Server, too.
PINNED = {
    "@octokit/openapi@23.0.2": "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",  # noqa: E501
}
FILE = "package/generated/api.github.com.json"
_REFERENCE = "#/components/schemas/"


@cache
def described() -> Description:
    folder = fetched("openapi", PINNED, wanted=[FILE])
    text = (folder / "node_modules/@octokit/openapi" / FILE.removeprefix("package/")).read_text(
        encoding="utf-8"
    )
    return Description(json.loads(text))


class Description:
    """Methods that check return sentences about what does not fit; none means that it does."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._validators: dict[
            int, Draft202012Validator
        ] = {}  # by the schema's identity: the document stays
        self._paths = [
            (re.compile(re.sub(r"\\\{[^/]*?\\\}", "([^/]+)", re.escape(template))), template)
            for template in sorted(document["paths"], key=lambda one: (one.count("{"), one))
            if template.startswith("/repos/{owner}/{repo}")
        ]

    def example(self, name: str) -> Any:
        """A copy of one of the answers that the description shows."""
        return json.loads(json.dumps(self._document["components"]["examples"][name]["value"]))

    def operation(self, method: str, target: str) -> Any:
        """The operation that a request asks for, None when there is no such thing."""
        path = urlsplit(target).path
        for pattern, template in self._paths:
            if pattern.fullmatch(path):
                return self._document["paths"][template].get(method.lower())
        return None

    def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Iterator[str]:
        operation = self.operation(method, target)
        if operation is None:
            yield f"{method} {target} is not in the description"
            return
        known = {
            one["name"]: one["schema"]
            for one in map(self._resolved, operation["parameters"])
            if one["in"] == "query"
        }
        for name, value in parse_qsl(urlsplit(target).query, keep_blank_values=True):
            if name not in known:
                yield f"{method} {target}: no parameter {name}"
                continue
            typed: Any = int(value) if known[name].get("type") == "integer" else value
            yield from self._errors(known[name], typed, f"{method} {target}: {name}")
        for name, pattern in (
            ("authorization", r"Bearer \S+"),
            ("user-agent", r"\S+"),
            ("accept", r".*json"),
        ):
            if not re.fullmatch(pattern, headers.get(name, "")):
                yield f"{method} {target}: header {name} is {headers.get(name)!r}"
        wanted = operation.get("requestBody")
        if wanted is None:
            if body:
                yield f"{method} {target}: takes no body"
        else:
            content = json.loads(body)
            schema = wanted["content"]["application/json"]["schema"]
            yield from self._errors(schema, content, f"{method} {target}: body")
            yield from (
                f"{method} {target}: no field {name}"
                for name in content
                if name not in schema["properties"]
            )

    def response(self, method: str, target: str, status: int, body: bytes) -> Iterator[str]:
        """A status that the description does not name is GitHub's machinery: anything may answer
        so."""
        operation = self.operation(method, target)
        answer = None if operation is None else operation["responses"].get(str(status))
        if answer is None:
            return
        schema = self._resolved(answer).get("content", {}).get("application/json", {}).get("schema")
        if schema is not None:
            yield from self._errors(schema, json.loads(body), f"{method} {target}: answer {status}")

    def _resolved(self, node: Any) -> Any:
        while "$ref" in node:
            found = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def _errors(self, schema: Any, value: Any, where: str) -> Iterator[str]:
        validator = self._validators.get(id(schema))
        if validator is None:
            names: set[str] = set()
            self._collect(schema, names)
            schemas = {
                name: _plain(self._document["components"]["schemas"][name]) for name in names
            }
            validator = Draft202012Validator({**_plain(schema), "components": {"schemas": schemas}})
            self._validators[id(schema)] = validator
        yield from (
            f"{where}: {one.json_path}: {one.message[:200]}" for one in validator.iter_errors(value)
        )

    def _collect(self, node: Any, names: set[str]) -> None:
        """Names of all schemas that one leads to."""
        if isinstance(node, list):
            for inner in node:
                self._collect(inner, names)
        elif isinstance(node, dict):
            name = str(node.get("$ref", "")).removeprefix(_REFERENCE)
            if name and name not in names:
                names.add(name)
                self._collect(self._document["components"]["schemas"][name], names)
            for inner in node.values():
                self._collect(inner, names)


def _plain(node: Any) -> Any:
    """OpenAPI 3.0's ``nullable`` in the words of JSON Schema."""
    if isinstance(node, list):
        return [_plain(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    schema = {
        name: _plain(value)
        for name, value in node.items()
        if name not in ("nullable", "example", "examples")
    }
    return {"anyOf": [schema, {"type": "null"}]} if node.get("nullable") is True else schema
