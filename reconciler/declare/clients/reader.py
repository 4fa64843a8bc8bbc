"""Reads the clients of one file. Each is checked, resolved and judged by the policy as soon as it
was read, so that nothing of its text is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from pathlib import Path

from reconciler.dataclass import dataclass
from reconciler.declare.clients.catalogue import Catalogue
from reconciler.declare.clients.client import ClientBuilder
from reconciler.declare.clients.read_client import ClientFile, ReadClient
from reconciler.declare.clients.references import check_environments, check_template
from reconciler.declare.clients.spec import SpecCheck
from reconciler.declare.files.alike import Models
from reconciler.declare.files.documents import Document, parse_documents
from reconciler.declare.files.files import CLIENT, read, show_path
from reconciler.declare.findings.collector import Collector, FindingRefused, source_of
from reconciler.declare.webhooks.payloads import Payloads
from reconciler.declare.webhooks.reach import Reach
from reconciler.declare.webhooks.webhook import Webhooks
from reconciler.domain.declared.desired import DesiredClient, GuardrailPolicy, Project, Violation
from reconciler.domain.values.names import client_address
from reconciler.planning.rules.built_in import find_breaches

_TOGETHER = 32  # files
_BUILDERS = 64  # of models


@dataclass(frozen=True)
class ClientReader:
    """What clients are read with, and the door for what is wrong with them.

    ``environments`` maps those of the project to what each requires; ``wanted`` are those that
    clients are resolved for. ``complete``: no template is missing from ``templates`` because its
    file could not be read. ``models`` and ``builders``: what others are compared with, and what
    resolved it.
    """

    root: Path
    found: Collector
    project: Project | None
    environments: Mapping[str, str | None]
    wanted: tuple[str, ...]
    catalogue: Catalogue
    policy: GuardrailPolicy
    payloads: Payloads
    templates: Mapping[str, Document] = field(default_factory=dict)
    complete: bool = True
    models: Models = field(default_factory=Models)
    builders: dict[int, tuple[Document, ClientBuilder]] = field(default_factory=dict)

    def read(self, paths: Sequence[str]) -> Iterator[ClientFile]:
        """The clients of these files that have a name. What is wrong goes to the collector, and
        what is resolved is then not to be used."""
        # A step for many files, then the next step: a processor has at hand what it just did.
        for begin in range(0, len(paths), _TOGETHER):
            files = [ClientFile(path) for path in paths[begin : begin + _TOGETHER]]
            for step in (self._read_documents, self._check, self._resolve):
                for file in files:
                    before, made = len(self.found), self.found.made
                    self._take(step, file)
                    file.clean = file.clean and len(self.found) == before
                    file.silent = file.silent and self.found.made == made
            yield from files

    def _take(self, step: Callable[[ClientFile], None], file: ClientFile) -> None:
        """Where there is something to say of a text that was not parsed, it is parsed after all:
        only then all places are known."""
        if not any(one.like for one in file.documents):
            step(file)
            return
        self.found.refuses = True
        try:
            step(file)
        except FindingRefused:
            self.found.refuses = False
            self._parse(file)
            if step != self._check:
                self._check(file)
            step(file)
        finally:
            self.found.refuses = False

    def _read_documents(self, file: ClientFile) -> None:
        name = show_path(file.path)
        text = read(self.root, file.path, self.found)
        if text is None:
            file.whole = False
        elif (document := self.models.find(text, name)) is not None:
            file.documents = [document]
        else:
            self._parse(file)

    def _parse(self, file: ClientFile) -> None:
        name = show_path(file.path)
        file.documents, file.whole = parse_documents(
            self.found.texts[name], name, CLIENT, self.found
        )

    def _check(self, file: ClientFile) -> None:
        """Each text on its own: the client's, and what each environment changes."""
        for client in file.documents:
            check = SpecCheck(self.catalogue, self.payloads, self.found, client.address)
            clean = client.like.spec if client.like is not None else None
            check.check(client.spec, clean)
            changed = client.spec.sub("environments")
            for name in changed:
                if changed[name]:
                    check.check(changed.sub(name), clean and clean.sub("environments").sub(name))
            check_template(client, self.templates, complete=self.complete, found=self.found)
            if self.environments:
                check_environments(client, self.environments, self.found)

    def _resolve(self, file: ClientFile) -> None:
        name, made = show_path(file.path), self.found.made
        documents = file.documents
        file.clients = [self._resolve_client(client) for client in documents if client.name]
        if documents and documents[0].like and any(_list_violations(file.clients)):
            raise FindingRefused
        file.documents = []
        if file.clean:
            text = self.found.texts.pop(name, "")
            if file.silent and made == self.found.made and documents and not documents[0].like:
                self._keep_model(text, documents, file.clients)

    def _keep_model(
        self,
        text: str,
        documents: Sequence[Document],
        clients: Sequence[ReadClient],
    ) -> None:
        """Compare others with this text, where nothing at all is to be said of it."""
        if (
            len(documents) == len(clients) == 1
            and clients[0].sound
            and not any(_list_violations(clients))
        ):
            names_others = any(documents[0].file in by for by in self.found.named.values())
            if not names_others:
                self.models.keep(text, documents[0])

    def _resolve_client(self, client: Document) -> ReadClient:
        name = client.spec.get("template")
        template = self.templates.get(name) if name is not None else None
        sound = client.sound and (name is None or (template is not None and template.sound))
        builder = ClientBuilder(
            client,
            template,
            self.webhooks,
            sound=sound,
            found=self.found,
            like=None if client.like is None else self._builder_of(client.like, template),
        )
        resolved = {
            environment: builder.build(environment, self._reaches.get(environment))
            for environment in self.wanted
            if environment in client.spec.sub("environments")
        }
        owner, metadata = client.spec.sub("owner"), client.metadata
        former, team = metadata.get("renamedFrom"), owner.get("team")
        return ReadClient(
            name=client.name,
            name_mark=client.name_mark,
            former=(
                None if former is None else (former, client.place(metadata.marks["renamedFrom"]))
            ),
            team=(team, client.place(owner.marks["team"])) if team else None,
            sound=sound,
            resolved=resolved,
            violations={
                environment: tuple(self._find_violations(one, builder, environment))
                for environment, one in resolved.items()
                if sound and self.policy.rules
            },
        )

    def _builder_of(self, model: Document, template: Document | None) -> ClientBuilder:
        """What resolved ``model``, in which nothing is wrong."""
        known = self.builders.get(id(model))
        if known is not None:
            return known[1]
        builder = ClientBuilder(model, template, self.webhooks, sound=True, found=self.found)
        for environment in self.wanted:
            if environment in model.spec.sub("environments"):
                builder.build(environment, self._reaches.get(environment))
        if len(self.builders) == _BUILDERS:
            self.builders.clear()
        self.builders[id(model)] = model, builder
        return builder

    def _find_violations(
        self,
        client: DesiredClient,
        builder: ClientBuilder,
        environment: str,
    ) -> Iterator[Violation]:
        """What breaks a built-in rule."""
        table = self.catalogue.table
        for rule, row, breach in find_breaches(client, self.policy.rules, environment, table):
            yield Violation(
                rule.name,
                row.code,
                rule.level,
                client.name,
                breach.address or client_address(client.name),
                breach.message,
                breach.remedy,
                source_of(builder.place(environment, breach.path)),
            )

    @cached_property
    def webhooks(self) -> Webhooks:
        """What resolves the webhooks of these clients."""
        return Webhooks(self.payloads, tuple(self.policy.probes.items()))

    @cached_property
    def _reaches(self) -> Mapping[str, Reach]:
        """Where deliveries may go, by environment; none when the project is not valid."""
        has_rule = any(rule.name == "https-only" for rule in self.policy.rules)
        declared = self.project.environments if self.project else {}
        return {name: Reach(one, has_rule) for name, one in declared.items()}


def _list_violations(clients: Iterable[ReadClient]) -> Iterator[Violation]:
    return (one for client in clients for found in client.violations.values() for one in found)
