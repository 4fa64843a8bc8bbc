"""A throw-away server, a project on it, and the commands that are run there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring.figures import Sample
from benchmarks.measuring.programs import RECONCILER, Ended, run_program
from benchmarks.worlds.project import ENVIRONMENT, declare
from benchmarks.worlds.receiver import Receiver, receiving
from reconciler.adapters.openbao.server import throw_away


@dataclass(frozen=True, slots=True)
class Kind:
    """What a place holds. ``probes`` only with ``webhooks``. ``buckets`` 0: as ``bootstrap`` makes
    them."""

    clients: int
    webhooks: bool = False
    probes: bool = False
    buckets: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """``environment`` are all variables of the programs that are run here: among them the address
    of the server and its root token."""

    kind: Kind
    directory: Path
    environment: dict[str, str]
    receiver: Receiver | None

    def command(self, name: str, *options: str) -> Ended:
        """``reconciler NAME -e bench OPTION...``. Raises ``BenchmarkError`` unless it exits 0."""
        where = ("--project", str(self.directory), "--quiet")
        return run_program(
            [*RECONCILER, *where, name, "-e", ENVIRONMENT, *options], self.environment
        )

    def keeps_anything(self) -> bool:
        """Whether a command left a file in the user's cache."""
        kept = Path(self.environment["XDG_CACHE_HOME"]).rglob("*")
        return any(path.is_file() for path in kept)

    def apply(self) -> Sample:
        return self.command("apply", "--yes", "--no-commit").sample

    def plan(self, *options: str) -> Sample:
        """Raises ``BenchmarkError`` when there is anything to do."""
        return self.command("plan", "--detailed-exitcode", *options).sample


@contextmanager
def make_place(kind: Kind) -> Iterator[Place]:
    """A new one, bootstrapped, with nothing applied; all of it is gone at the end."""
    with throw_away() as server, tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        home, directory = Path(name, "home"), Path(name, "project")
        home.mkdir()
        directory.mkdir()
        environment = lean_environment(home)
        environment |= {"VAULT_ADDR": server.address, "VAULT_TOKEN": server.token.reveal()}
        with _receiver(kind, environment) as receiver:
            urls = receiver.urls if receiver else ()
            declare(directory, kind.clients, server.address, urls, probes=kind.probes)
            place = Place(kind, directory, environment, receiver)
            place.command("bootstrap", *(("--buckets", str(kind.buckets)) if kind.buckets else ()))
            yield place


@contextmanager
def _receiver(kind: Kind, environment: dict[str, str]) -> Iterator[Receiver | None]:
    if not kind.webhooks:
        yield None
        return
    arguments = ("verify", ENVIRONMENT) if kind.probes else ("accept",)
    with receiving(environment, *arguments) as receiver:
        yield receiver


def lean_environment(home: Path) -> dict[str, str]:
    """The variables of a person's desk: nothing of a CI job, and nothing that is kept under the
    real home directory."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "LANG": "C.UTF-8",
    }
