"""What is known of clients that were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from reconciler.dataclass import dataclass
from reconciler.declare.files.documents import Document
from reconciler.declare.findings.nodes import Mark
from reconciler.domain.declared.desired import ClientOutline, DesiredClient, Violation
from reconciler.domain.values.names import client_address
from reconciler.errors import Address


@dataclass(frozen=True, slots=True)
class ReadClient:
    """What the rest of a declaration needs to know of a client.

    ``former`` and ``team`` are its former name and the team that owns it, each with its place.
    ``sound``: everything that was written of it could be understood. ``resolved`` and
    ``violations``, what breaks a built-in rule, are by environment; what was kept is resolved in
    outline.
    """

    name: str
    name_mark: Mark
    former: tuple[str, Mark] | None
    team: tuple[str, Mark] | None
    sound: bool
    resolved: Mapping[str, DesiredClient | ClientOutline]
    violations: Mapping[str, tuple[Violation, ...]]

    @property
    def address(self) -> Address:
        return client_address(self.name)


@dataclass(slots=True)
class ClientFile:
    """What was read of a file: its documents until they are resolved, then its clients.

    ``whole``: everything in it could be told apart. ``clean``: nothing new was found to be wrong
    with it; ``silent``: nor what was found already, through another client of its template.
    ``kept``: it was not read now, because it is known.
    """

    path: str
    documents: list[Document] = field(default_factory=list)
    clients: list[ReadClient] = field(default_factory=list)
    whole: bool = True
    clean: bool = True
    silent: bool = True
    kept: bool = False
