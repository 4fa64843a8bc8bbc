"""The scopes that exist: a document of kind ScopeCatalog, an OpenAPI file, or both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.declare.collector import Collector
from reconciler.declare.documents import Document
from reconciler.declare.files import is_inside, name_file, plain_path, read, stays_inside
from reconciler.declare.nodes import Map, Mark
from reconciler.declare.suggest import did_you_mean
from reconciler.declare.text import Limits, parse
from reconciler.domain.scopes import WILDCARD, ScopeTable

_SCOPE = re.compile(r"[a-z0-9*][a-z0-9_.:*/-]{0,127}\Z")
_OPENAPI = Limits(size=8 << 20, depth=100, foreign=True)
_OPENAPI_RISK = "medium"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """``scopes`` maps a scope to its risk. ``complete`` is False when there may be more: no catalogue was
    declared, or it could not be understood; then no scope is called unknown."""

    scopes: Mapping[str, str] = field(default_factory=dict)
    complete: bool = False
    table: ScopeTable = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", ScopeTable(self.scopes))

    def fault(self, scope: str) -> tuple[str, str, str] | None:
        """(code, message, hint) when ``scope`` does not exist or, as a wildcard, matches nothing."""
        if not self.complete or self.table.members(scope):
            return None
        if WILDCARD not in scope:
            return "RC134", f"the scope `{scope}` does not exist", did_you_mean(scope, self.scopes)
        return "RC135", f"the wildcard `{scope}` matches no scope", did_you_mean(scope, self.scopes)


def build_catalogue(document: Document, root: Path, found: Collector) -> Catalogue:
    """The catalogue that ``document`` declares; what is listed there wins over the OpenAPI file."""
    before = found.errors
    listed: dict[str, str] = {}
    for item in document.spec.named("scopes"):
        name = item["name"]
        if name in listed:
            found.add("RC131", item.marks["name"], f"the scope `{name}` is listed twice")
        listed.setdefault(name, item.get("risk", _OPENAPI_RISK))
    scopes: dict[str, str] = {}
    if "openapi" in document.spec:
        mark = document.spec.marks["openapi"]
        scopes = dict.fromkeys(_openapi(document.spec["openapi"], mark, root, found), _OPENAPI_RISK)
    return Catalogue(scopes | listed, complete=document.sound and found.errors == before)


def _openapi(path: str, mark: Mark, root: Path, found: Collector) -> list[str]:
    """The scopes of all OAuth flows of an OpenAPI file. A problem with it is reported where it is named."""
    if not is_inside(path):
        found.add("RC140", mark, f"`{path}` is not a path inside the project")
        return []
    path, aside = plain_path(path), Collector()
    name_file(path, mark, found)
    text = read(root, path, aside, _OPENAPI) if stays_inside(root, path, aside) else None
    documents = [] if text is None else parse(text, path, aside, _OPENAPI)
    if aside.errors:
        first = aside.findings()[0]
        where = f"{first.source.file}:{first.source.line}: " if first.source else ""
        found.add("RC140", mark, f"the OpenAPI file cannot be used: {where}{first.message}")
        return []
    found.read_too(aside)
    scopes = []
    for name, place in (pair for document in documents for pair in _flow_scopes(document.value)):
        if _SCOPE.match(name):
            scopes.append(name)
        else:
            found.add(
                "RC141", place, f"the scope `{name}` of the OpenAPI file is left out: it cannot be written in a client"
            )
    if not scopes:
        found.add("RC140", mark, f"`{path}` has no scopes under components.securitySchemes.*.flows.*.scopes")
    return scopes


def _flow_scopes(document: object) -> Iterator[tuple[str, Mark]]:
    if not isinstance(document, Map):
        return
    schemes = document.sub("components").sub("securitySchemes")
    for scheme in schemes:
        flows = schemes.sub(scheme).sub("flows")
        for flow in flows:
            scopes = flows.sub(flow).sub("scopes")
            yield from ((name, scopes.key_marks[name]) for name in scopes)
