"""The entry points: a folder → a project, a desired state, or everything that is wrong with it."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.dataclass import dataclass
from reconciler.declare.clients.catalogue import Catalogue, build_catalogue
from reconciler.declare.clients.read_client import ClientFile, ReadClient
from reconciler.declare.clients.reader import ClientReader
from reconciler.declare.clients.references import check_owners, check_renames, index, only_one
from reconciler.declare.clients.side_by_side import read_files
from reconciler.declare.clients.spec import SpecCheck
from reconciler.declare.files.audit_folder import DEFAULT, refuse_named
from reconciler.declare.files.documents import Document, read_documents
from reconciler.declare.files.files import (
    CLIENT,
    PROJECT_FILE,
    SUFFIXES,
    declaration_files,
    map_named_files,
    project_files,
    read,
    show_path,
)
from reconciler.declare.files.strays import report_strays
from reconciler.declare.findings.collector import Collector
from reconciler.declare.policy.policy import Surroundings, build_policy, check_policy
from reconciler.declare.policy.review import Review, violations_in
from reconciler.declare.project.project import build_project
from reconciler.declare.webhooks.payloads import Payloads
from reconciler.declare.webhooks.webhook import Webhooks
from reconciler.domain.declared.checkout import Loaded
from reconciler.domain.declared.desired import (
    ClientOutline,
    DeclaredClients,
    Desired,
    DesiredClient,
    GuardrailPolicy,
    Project,
)
from reconciler.domain.plan.judgement import Judge
from reconciler.domain.values.canonical import digest
from reconciler.domain.values.names import one_of
from reconciler.errors import DeclarationError, Finding, Level, UsageError
from reconciler.errors.codes import CODES

if TYPE_CHECKING:
    from reconciler.declare.clients.kept_files import KeptFiles

_PROJECT_FILES = tuple(f"{PROJECT_FILE}{suffix}" for suffix in SUFFIXES)


def load_project(root: Path) -> tuple[Project | None, list[Finding], Loaded]:
    """The project from reconciler.yaml alone, whatever state the other files are in (None when it
    is not valid), what is wrong with it, and what was read of which file."""
    found = Collector()
    project, _ = _project(root, found)
    return project, found.findings(), dict(found.ids)


def load(
    root: Path,
    environment: str,
    kept: KeptFiles | None = None,
) -> Desired:
    """The desired state of ``environment``. What is ``kept`` of it is not read anew, and brought up
    to date.

    Raises ``UsageError`` RC002 for an environment that the project does not have, and
    ``DeclarationError`` with every finding of the declaration when one of them is an error.
    """
    with _no_collections():
        declaration = _read(root, environment, kept)
        project = declaration.project
        if project and environment not in project.environments:
            raise unknown_environment(project, environment)
        (desired,) = _build_desired(declaration, [environment], kept)
        return desired


def load_all(root: Path) -> tuple[Desired, ...]:
    """The desired state of every environment, in the order of their names; the files are read once.

    Raises ``DeclarationError`` with every finding of the declaration when one of them is an error.
    """
    with _no_collections():
        declaration = _read(root)
        return _build_desired(declaration, sorted(declaration.environments))


def unknown_environment(project: Project, name: str) -> UsageError:
    """RC002."""
    remedy = one_of(project.environments, "declare it in reconciler.yaml")
    return UsageError("RC002", f"the project has no environment {name}", remedy)


def _build_desired(
    declaration: _Declaration,
    environments: Iterable[str],
    kept: KeptFiles | None = None,
) -> tuple[Desired, ...]:
    project, catalogue = declaration.project, declaration.catalogue
    if declaration.found.errors or project is None:
        raise invalid(declaration.found.findings())
    named = map_named_files(declaration.found)
    return tuple(
        Desired(
            project=project,
            environment=project.environments[name],
            clients=_clients_of(declaration, name, kept),
            policy=declaration.policy,
            scopes=catalogue.scopes,
            violations=tuple(violations_in(declaration.clients, name)),
            files=dict(declaration.found.ids),
            named=named,
        )
        for name in environments
    )


def _clients_of(
    declaration: _Declaration,
    environment: str,
    kept: KeptFiles | None,
) -> Mapping[str, DesiredClient]:
    known = {
        client.name: client.resolved[environment]
        for client in declaration.clients
        if environment in client.resolved
    }
    resolved = {name: one for name, one in known.items() if isinstance(one, DesiredClient)}
    if kept is None or len(resolved) == len(known):
        return resolved
    # Imported here: only a plan at a person's desk keeps anything.
    from reconciler.declare.clients.kept_client import resolve_kept  # noqa: PLC0415

    specs = kept.specs()

    def resolve(outline: ClientOutline) -> DesiredClient:
        return resolve_kept(outline, specs[outline.name], declaration.webhooks)

    return DeclaredClients(known, resolve)


def validate(
    root: Path,
    paths: Iterable[Path] = (),
    *,
    now: datetime | None = None,
    judge: Judge | None = None,
) -> list[Finding]:
    """Everything that is wrong with the declaration, for all its environments, by file and line,
    its policy's rules included as far as they need no Vault.

    With ``paths`` (files or folders) what lies there, and errors of reconciler.yaml, without which
    nothing else can be judged. Without ``now`` waivers are not judged by their dates, without
    ``judge`` no rules of one's own.
    """
    with _no_collections():
        declaration = _read(root)
        Review(declaration.policy, declaration.found, now, judge).report(
            declaration.clients, declaration.environments, declaration.catalogue.table
        )
    wanted = list(paths)
    if not wanted:
        return declaration.found.findings()
    return _only(declaration, root, wanted)


@contextmanager
def _no_collections() -> Iterator[None]:
    """Half a million containers are made and none of them is garbage: looking for cycles among
    them, again and again, costs as much as reading the files."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def invalid(findings: list[Finding]) -> DeclarationError:
    """The error that carries ``findings``."""
    count = sum(finding.level is Level.ERROR for finding in findings)
    message = f"the declaration is not valid: {count} error{'' if count == 1 else 's'}"
    return DeclarationError("RC100", message, CODES["RC100"].remedy, tuple(findings))


@dataclass(slots=True)
class _Declaration:
    """All documents, read and checked. ``environments`` are the names of those of the project;
    ``clients`` are in the order of their names; ``files`` are the files that were read."""

    found: Collector
    project: Project | None
    environments: Collection[str]
    catalogue: Catalogue
    policy: GuardrailPolicy
    webhooks: Webhooks
    clients: Sequence[ReadClient]
    files: frozenset[str]


def _project(root: Path, found: Collector) -> tuple[Project | None, dict[str, str | None]]:
    """The project, and its environments as far as they can be told."""
    documents: list[Document] = []
    complete = True
    for path in project_files(root, found):
        read, whole = read_documents(root, path, "Project", found)
        documents += read
        complete = complete and whole
    document = only_one(documents, found)
    if document is None:
        if complete and not found.errors:
            found.add("RC114", (_PROJECT_FILES[0], 1, 1), "there is no Project")
        return None, {}
    environments = document.spec.sub("environments")
    requires = {name: environments.sub(name).get("requires") for name in environments}
    return build_project(document, root, found), requires


def _read(
    root: Path,
    environment: str | None = None,
    kept: KeptFiles | None = None,
) -> _Declaration:
    """Read every file that is not ``kept``, check every document, connect them, and resolve clients
    for ``environment`` (None: for all). Nothing stops at the first mistake."""
    found = Collector()
    found.reread = lambda file: read(root, file, Collector())
    project, environments = _project(root, found)
    declared = list(declaration_files(root, found))
    documents: dict[str, list[Document]] = {}
    doubtful: set[str] = set()
    for kind, path in declared:
        if kind != CLIENT:
            documents_of, complete = read_documents(root, path, kind, found)
            documents.setdefault(kind, []).extend(documents_of)
            if not complete:
                doubtful.add(kind)
    audit = project.audit_path if project else None
    files = report_strays(
        root, {*_PROJECT_FILES, *(path for _, path in declared)}, audit or DEFAULT, found
    )
    catalogue = _catalogue(
        documents.get("ScopeCatalog", []),
        doubtful="ScopeCatalog" in doubtful,
        root=root,
        found=found,
    )
    templates = documents.get("IntegrationTemplate", [])
    rules = only_one(documents.get("GuardrailPolicy", []), found)
    reader = ClientReader(
        root,
        found,
        project,
        environments,
        wanted=tuple(environments) if environment is None else (environment,),
        catalogue=catalogue,
        policy=build_policy(rules, found) if rules else GuardrailPolicy(),
        payloads=Payloads(root, found),
        templates=index(templates, "template", found),
        complete="IntegrationTemplate" not in doubtful,
    )
    for template in templates:
        SpecCheck(catalogue, reader.payloads, found).check(template.spec)
    paths = [path for kind, path in declared if kind == CLIENT]
    read_from = _read_clients(reader, paths, kept)
    clients = index([one for file in read_from for one in file.clients], "client", found)
    if rules:
        known = clients if all(file.whole for file in read_from) else None
        check_policy(rules, Surroundings(known, environments, catalogue, audit), found)
    check_renames(clients, found)
    check_owners(clients.values(), found)
    refuse_named(audit or DEFAULT, found)
    return _Declaration(
        found,
        project,
        environments,
        catalogue,
        reader.policy,
        reader.webhooks,
        [clients[name] for name in sorted(clients)],
        files,
    )


def _read_clients(
    reader: ClientReader,
    paths: Sequence[str],
    kept: KeptFiles | None,
) -> list[ClientFile]:
    """What is in the files of clients, in their order."""
    if kept is None:
        return read_files(reader, paths)
    if not kept.is_worth(paths):
        kept.forget()
        return read_files(reader, paths)
    (environment,) = reader.wanted
    kept.begin(_digest_ground(reader, environment))
    known = kept.find(reader.root, paths, environment, reader.found)
    fresh = iter(read_files(reader, [path for path in paths if path not in known]))
    files = [known.get(path) or next(fresh) for path in paths]
    kept.keep(files, environment, reader.found)
    return files


def _digest_ground(reader: ClientReader, environment: str) -> str:
    """A digest of all that a client is read with: every file that was read before, and where it is
    read for."""
    files = {path: sorted(ids) for path, ids in reader.found.ids.items()}
    return digest([environment, sorted(reader.environments.items()), files])


def _catalogue(
    documents: list[Document],
    *,
    doubtful: bool,
    root: Path,
    found: Collector,
) -> Catalogue:
    document = only_one(documents, found)
    if document is not None:
        built = build_catalogue(document, root, found)
        return Catalogue(built.scopes, complete=built.complete and not doubtful)
    if not doubtful:
        found.add("RC139", None, "there is no ScopeCatalog: scopes are not checked")
    return Catalogue()


def _only(
    declaration: _Declaration,
    root: Path,
    paths: list[Path],
) -> list[Finding]:
    """The findings below ``paths``, which are relative to the working directory."""
    base = root.resolve()
    wanted: list[str] = []
    for path in paths:
        try:
            relative = path.absolute().resolve().relative_to(base).as_posix()
        except (ValueError, OSError, RuntimeError):
            relative = ""
        below = relative == "." or any(_is_below(file, relative) for file in declaration.files)
        if relative and below:
            wanted.append(relative)
        else:
            declaration.found.add(
                "RC115", None, f"`{show_path(str(path))}` is not part of the declaration"
            )
    return [finding for finding in declaration.found.findings() if _is_wanted(finding, wanted)]


def _is_wanted(finding: Finding, wanted: list[str]) -> bool:
    if finding.source is None or (
        finding.source.file in _PROJECT_FILES and finding.level is Level.ERROR
    ):
        return True
    file = finding.source.file
    return any(path == "." or _is_below(file, path) for path in wanted)


def _is_below(file: str, path: str) -> bool:
    return file == path or file.startswith(f"{path}/")
