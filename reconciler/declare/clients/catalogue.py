"""The scopes that exist: a document of kind ScopeCatalog, an OpenAPI file, or both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from reconciler.dataclass import dataclass
from reconciler.declare.files.documents import Document
from reconciler.declare.files.files import is_inside, name_file, plain_path, read, stays_inside
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map, Mark
from reconciler.declare.findings.suggest import did_you_mean
from reconciler.declare.yaml.text import TextLimits, parse
from reconciler.domain.plan.scopes import WILDCARD, ScopeTable, covers

_SCOPE = re.compile(r"[!#-\[\]-~]{1,256}\Z")  # RFC 6749, 3.3: scope-token
_MIB = 1 << 20
_OPENAPI_MIB = 8  # the size of a file, unless openapiMaxMiB says otherwise
_OPENAPI_RISK = "medium"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """``scopes`` maps a scope to its risk. ``complete`` is False when there may be more: no
    catalogue was declared, or it could not be understood; then no scope is called unknown."""

    scopes: Mapping[str, str] = field(default_factory=dict)
    complete: bool = False
    table: ScopeTable = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", ScopeTable(self.scopes))

    def fault(self, scope: str) -> tuple[str, str, str] | None:
        """(code, message, hint) when ``scope`` does not exist or, as a wildcard, matches
        nothing."""
        if not self.complete or self.table.members(scope):
            return None
        if WILDCARD not in scope:
            return "RC134", f"the scope `{scope}` does not exist", did_you_mean(scope, self.scopes)
        hint = self._in_another_case(scope) or did_you_mean(scope, self.scopes)
        return "RC135", f"the wildcard `{scope}` matches no scope", hint

    def _in_another_case(self, scope: str) -> str:
        """A hint when a wildcard would match if capitals did not count."""
        alike = (name for name in sorted(self.scopes) if covers(scope.lower(), name.lower()))
        found = next(alike, None)
        return f"scopes are case-sensitive, and there is `{found}`" if found else ""


def build_catalogue(
    document: Document,
    root: Path,
    found: Collector,
) -> Catalogue:
    """The catalogue that ``document`` declares; what is listed there wins over the OpenAPI file."""
    before = found.errors
    listed: dict[str, str] = {}
    for item in document.spec.list_named("scopes"):
        name = item["name"]
        if name in listed:
            found.add("RC131", item.marks["name"], f"the scope `{name}` is listed twice")
        listed.setdefault(name, item.get("risk", _OPENAPI_RISK))
    scopes: dict[str, str] = {}
    if "openapi" in document.spec:
        mark = document.spec.marks["openapi"]
        largest = document.spec.get("openapiMaxMiB", _OPENAPI_MIB)
        named = _openapi(document.spec["openapi"], mark, root, found, largest=largest)
        scopes = dict.fromkeys(named, _OPENAPI_RISK)
    return Catalogue(scopes | listed, complete=document.sound and found.errors == before)


def _openapi(
    path: str,
    mark: Mark,
    root: Path,
    found: Collector,
    *,
    largest: int,
) -> list[str]:
    """The scopes of all OAuth flows of an OpenAPI file, which has at most ``largest`` MiB.

    A problem with the file is reported where it is named."""
    limits = TextLimits(size=largest * _MIB, depth=100, foreign=True)
    if not is_inside(path):
        found.add("RC140", mark, f"`{path}` is not a path inside the project")
        return []
    path, aside = plain_path(path), Collector()
    name_file(path, mark, found)
    text = read(root, path, aside, limits) if stays_inside(root, path, aside) else None
    documents = [] if text is None else parse(text, path, aside, limits)
    if aside.errors:
        first = aside.findings()[0]
        where = f"{first.source.file}:{first.source.line}: " if first.source else ""
        size = (
            f"set openapiMaxMiB (now {largest}, at most 64) to the size of the file in MiB,"
            " rounded up"
        )
        larger = size if first.code == "RC103" else ""
        message = f"the OpenAPI file cannot be used: {where}{first.message}"
        found.add("RC140", mark, message, remedy=larger)
        return []
    found.read_too(aside)
    scopes = []
    for name, place in (pair for document in documents for pair in _flow_scopes(document.value)):
        if _SCOPE.match(name):
            scopes.append(name)
        else:
            found.add(
                "RC141",
                place,
                f"the scope `{name}` of the OpenAPI file is left out: it cannot be written in a"
                " client",
            )
    if not scopes:
        found.add(
            "RC140", mark, f"`{path}` {_without_scopes([document.value for document in documents])}"
        )
    return scopes


def _without_scopes(documents: list[object]) -> str:
    """What a file without any scopes is."""
    fields = documents[0] if documents and isinstance(documents[0], Map) else {}
    if "swagger" in fields:
        return "is Swagger 2 and has no scopes under securityDefinitions.*.scopes"
    if "openapi" in fields:
        return "has no scopes under components.securitySchemes.*.flows.*.scopes"
    return "is neither OpenAPI 3 nor Swagger 2: it has no field `openapi` or `swagger`"


def _flow_scopes(document: object) -> Iterator[tuple[str, Mark]]:
    if not isinstance(document, Map):
        return
    schemes = document.sub("components").sub("securitySchemes")
    for scheme in schemes:
        flows = schemes.sub(scheme).sub("flows")
        for flow in flows:
            scopes = flows.sub(flow).sub("scopes")
            yield from ((name, scopes.key_marks[name]) for name in scopes)
    definitions = document.sub("securityDefinitions")  # Swagger 2
    for definition in definitions:
        scopes = definitions.sub(definition).sub("scopes")
        yield from ((name, scopes.key_marks[name]) for name in scopes)
