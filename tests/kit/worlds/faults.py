"""Faults at one request of a run, in front of a ``World``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import VaultUnreachable
from reconciler.registry.requests import (
    Minted,
    PutSecret,
    Request,
    Response,
    Unclear,
    WriteDocument,
)
from reconciler.webhooks.wire.http import HttpFailure, HttpRequest, HttpResponse
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Ports
from tests.kit.worlds.stored import decode_bucket, encode_bucket


class Crash(Exception):
    """The program is gone: nothing after this instruction happened."""


Fault = Callable[[Any, Request], Response]


def crash_before(world: World, request: Request) -> Response:
    raise Crash


def crash_after(world: World, request: Request) -> Response:
    world.answer(request)
    raise Crash


def response_lost(world: World, request: Request) -> Response:
    """Applied, and nobody knows."""
    world.answer(request)
    return _no_answer(request)


def request_lost(world: World, request: Request) -> Response:
    """Not applied, and nobody knows."""
    return _no_answer(request)


def duplicated(world: World, request: Request) -> Response:
    """The network delivers the request twice and the second answer wins."""
    world.answer(request)
    return world.answer(request)


def noise(world: World, request: Request) -> Response:
    """Somebody else commits to the same bucket just before: another client is changed."""
    if isinstance(request, WriteDocument) and request.name.startswith("buckets/"):
        bump_others(world, request.name)
    return world.answer(request)


def overwritten(world: World, request: Request) -> Response:
    """Somebody writes to the secret's path by hand just before."""
    if isinstance(request, PutSecret):
        world.put_by_hand(request.path)
    return world.answer(request)


def _no_answer(request: Request) -> Response:
    if isinstance(request, WriteDocument | PutSecret):
        return Unclear("the connection was cut")
    raise VaultUnreachable("RC401", "no answer")


def bump_others(world: World, document: str) -> None:
    """Commit a change of the client ``neighbour``, making it if need be, in the stored bucket
    ``document``."""
    entry = world.documents.get(document)
    text = entry.versions[entry.current]["doc"] if entry else None
    records, foreign = decode_bucket(text, world.owner)
    neighbour = records.get("neighbour")
    if neighbour is None:
        foreign["neighbour"] = {
            "owner": "somebody-else",
            "changed": int(foreign.get("neighbour", {}).get("changed", 0)) + 1,
        }
    else:
        records["neighbour"] = replace(
            neighbour, revision=neighbour.revision + 1, op=f"other.{neighbour.revision}"
        )
    world.answer(
        WriteDocument(document, encode_bucket(records, foreign), entry.current if entry else 0)
    )


class Faulty:
    """Answers from ``world``, but the request number ``at`` (from 0), or the first one that ``at``
    picks, meets ``fault``. Counts all of them."""

    def __init__(self, world: Ports, at: int | Callable[[Request], bool], fault: Fault) -> None:
        self.world, self.at, self.fault = world, at, fault
        self.count = 0
        self.run_id: str | None = None
        self.hit: Request | str | None = None

    def answer(self, request: Request) -> Response:
        if not self._due(request):
            return self.world.answer(request)
        self.hit = request
        return self.fault(self.world, request)

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        return [self.answer(request) for request in requests]

    def mint(self, kind: CredentialKind) -> Minted:
        self._step("mint")
        return self.world.mint(kind)

    def send(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        self._step("deliver")
        return self.world.send(request)

    def sign(self, key: str, content: bytes) -> bytes:
        return self.world.sign(key, content)

    def read_secret(self, path: str, version: int) -> Secret | None:
        return self.world.read_secret(path, version)

    def now(self) -> datetime:
        return self.world.now()

    def list_documents(self, folder: str) -> tuple[str, ...]:
        return self.world.list_documents(folder)

    def delete_document(self, name: str) -> None:
        self.world.delete_document(name)

    def list_folders(self) -> tuple[str, ...]:
        return self.world.list_folders()

    def at_once(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        return [call() for call in calls]

    def list_secrets(self, folder: str, *, deep: bool) -> tuple[Mapping[str, SecretInfo], bool]:
        return self.world.list_secrets(folder, deep=deep)

    def _due(self, request: Request | None = None) -> bool:
        self.count += 1
        if callable(self.at):
            return self.hit is None and request is not None and self.at(request)
        return self.count - 1 == self.at

    def _step(self, what: str) -> None:
        """Minting and delivering change nothing stored: only a crash matters."""
        if self._due():
            self.hit = what
            if self.fault in (crash_before, crash_after):
                raise Crash
