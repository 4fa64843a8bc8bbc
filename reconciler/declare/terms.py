"""The terms that a declaration judges plans by, read without its clients: those of another commit
are compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reconciler.declare.clients.catalogue import Catalogue, build_catalogue
from reconciler.declare.clients.references import only_one
from reconciler.declare.files.documents import Document, read_documents
from reconciler.declare.files.files import (
    PROJECT_FILE,
    SUFFIXES,
    TOP_FILES,
    declaration_files,
    is_inside,
    project_files,
)
from reconciler.declare.findings.collector import Collector, source_of
from reconciler.declare.findings.nodes import Map, Mark
from reconciler.declare.policy.policy import build_policy
from reconciler.declare.project.project import build_project
from reconciler.declare.repository import invalid
from reconciler.domain.declared.desired import GuardrailPolicy
from reconciler.domain.declared.terms import Path as Written
from reconciler.domain.declared.terms import Terms
from reconciler.errors import Source

# Everything that terms are read from, but for what ``list_named_files`` adds.
FILES = tuple(f"{stem}{suffix}" for stem in (PROJECT_FILE, *TOP_FILES) for suffix in SUFFIXES)


def list_named_files(root: Path) -> list[str]:
    """The files that the catalogue of ``root`` refers to, relative to it; none that lies
    outside."""
    named = (
        one.spec.get("openapi")
        for one in _documents(root, Collector())
        if one.kind == "ScopeCatalog"
    )
    return [path for path in named if isinstance(path, str) and is_inside(path)]


def load_terms(root: Path, environment: str) -> Terms | None:
    """The terms for ``environment``, None without a project. Raises ``DeclarationError`` with every
    finding when they cannot be told: what policy and catalogue say of clients is not looked at."""
    found = Collector()
    documents = list(_documents(root, found))
    project, catalogue, rules = (
        only_one([one for one in documents if one.kind == kind], found)
        for kind in ("Project", "ScopeCatalog", "GuardrailPolicy")
    )
    if project is None and not found.errors:
        return None
    # Files of certificates are compared by their names, and none is opened here: no root.
    built = build_project(project, Path(), found) if project else None
    scopes = build_catalogue(catalogue, root, found) if catalogue else Catalogue()
    policy = build_policy(rules, found) if rules else GuardrailPolicy()
    if found.errors or built is None:
        raise invalid(found.findings())
    places = {path: source for one in documents for path, source in _places(one)}
    return Terms(
        built,
        built.environments.get(environment),
        policy,
        scopes.scopes,
        places,
    )


def _documents(root: Path, found: Collector) -> Iterator[Document]:
    for path in project_files(root, found):
        yield from read_documents(root, path, "Project", found)[0]
    for kind, path in declaration_files(root, found):
        if kind not in TOP_FILES.values():  # these come first
            return
        yield from read_documents(root, path, kind, found)[0]


def _places(document: Document) -> Iterator[tuple[Written, Source]]:
    yield (document.kind,), source_of((document.file, 1, 1))
    yield from _inside(document.spec, (document.kind,))


def _inside(part: Map, path: Written) -> Iterator[tuple[Written, Source]]:
    for name, value in part.items():
        here = (*path, name)
        yield here, source_of(part.key_marks[name])
        if isinstance(value, Map):
            yield from _inside(value, here)
        for item, mark in part.items_at(name):
            yield from _item(item, mark, here)


def _item(
    item: object,
    mark: Mark,
    path: Written,
) -> Iterator[tuple[Written, Source]]:
    """An item of a list goes by its name, a text by itself; others have no place of their own."""
    name = item.get("name") if isinstance(item, Map) else item
    if not isinstance(name, str):
        return
    yield (*path, name), source_of(mark)
    if isinstance(item, Map):
        yield from _inside(item, (*path, name))
