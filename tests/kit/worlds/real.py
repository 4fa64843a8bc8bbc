"""An environment on a real server as a world for scenarios.

Tokens are those of the least-privilege roles, deliveries are real, faults happen on the wire. Only
time is the test's own, so that ninety days can go by: every answer gets it instead of the ``Date``
header.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.adapters.system.minting import RandomMinter
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.http.exchanged import Lost, Reply
from reconciler.adapters.vault.http.wire import Wire
from reconciler.adapters.vault.key_values import KeyValues
from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values.names import bucket_names
from reconciler.registry.requests import (
    Conflict,
    Done,
    Metadata,
    Minted,
    PublicKey,
    ReadDocument,
    ReadMetadata,
    RemoveTransitKey,
    Request,
    Response,
    StoredDocument,
    Subkeys,
    WriteDocument,
    Written,
)
from reconciler.webhooks.wire.http import HttpFailure, HttpRequest, HttpResponse
from tests.kit.vault.places import Place
from tests.kit.worlds.declared import PROJECT
from tests.kit.worlds.judge import judge_commit
from tests.kit.worlds.memory import BUCKETS
from tests.kit.worlds.runner import Passes
from tests.kit.worlds.stored import decode_bucket

Send = Callable[[], Reply]
WireFault = Callable[[Send], Reply]
WRITING = ("POST", "PUT", "PATCH", "DELETE")


class Disturbance:
    """Meets the request number ``at`` (from 0) with ``fault``.

    Counts the requests of a run, and what they wrote.
    """

    def __init__(self) -> None:
        self.calm()
        self.writes = 0

    def calm(self) -> None:
        self.expect(-1, lambda send: send())

    def expect(self, at: int, fault: WireFault) -> None:
        self.count, self.at, self.fault = 0, at, fault
        self.hit: str | None = None

    def meet(self, what: str, send: Send) -> Reply:
        self.count += 1
        if self.count - 1 != self.at:
            return send()
        self.hit = what
        return self.fault(send)


class DisturbedWire:
    """In place of the adapter's ``Wire``."""

    def __init__(self, wire: Wire, disturbance: Disturbance) -> None:
        self._wire, self._disturbance = wire, disturbance

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, cap: int
    ) -> Reply:
        def send() -> Reply:
            reply = self._wire.exchange(method, target, headers, body, cap)
            self._disturbance.writes += method in WRITING and 200 <= reply.status < 300
            return reply

        return self._disturbance.meet(f"{method} {target}", send)

    def close(self) -> None:
        self._wire.close()


class RealWorld:
    """A bootstrapped environment with sixteen buckets.

    A ``Ports``. ``receiver``: where every webhook leads.
    """

    def __init__(self, place: Place, receiver: str) -> None:
        self.owner = PROJECT
        self.place, self._receiver = place, receiver
        self._planner, self._applier, self._deliverer = (
            place.live(role) for role in ("planner", "applier", "deliverer")
        )
        self.disturbance = Disturbance()
        for live in (self._applier, self._deliverer):
            adapter: Any = live.adapter
            adapter._wire = DisturbedWire(adapter._wire, self.disturbance)
        self._minter = RandomMinter("acme", place.name)
        self._sender = WebhookSender(("127.0.0.0/8",))
        # The whole history of every bucket is judged.
        registry = place.settings.registry_mount
        place.root.adapter.post(
            f"/v1/{registry}/config", json={"max_versions": 1000, "cas_required": True}
        )
        self._start = place.root.now()
        self.wipe()

    def wipe(self) -> None:
        """As it was right after bootstrap."""
        root = self.place.root
        for mount, folders in (
            (self.place.settings.registry_mount, ("buckets", "runs")),
            (self.place.settings.secrets_mount, ("keys", "webhooks")),
        ):
            for folder in folders:
                for name in root._list(KeyValues(root.adapter, mount), folder):
                    root.adapter.request("DELETE", f"/v1/{mount}/metadata/{folder}/{name}")
        self._remove_key_pairs()
        self.at = self._start
        self.minted: list[str] = []
        self.deliveries = 0
        self.run_id: str | None = None
        self._judged: dict[str, int] = {}
        self._texts: list[str] = []
        self.disturbance.calm()

    def _remove_key_pairs(self) -> None:
        """Or a case would find those of the case before, and ask less."""
        root, keys = self.place.root, f"/v1/{self.place.settings.transit_mount}/keys"
        for name in root.adapter.list(keys).data["keys"]:
            if name.startswith("webhook."):
                root.answer(RemoveTransitKey(name))

    @property
    def writes(self) -> int:
        return self.disturbance.writes

    def pass_time(self, time: timedelta) -> None:
        self.at += time

    # the ports
    def now(self) -> datetime:
        return self.at

    def answer(self, request: Request) -> Response:
        return self._timed(self._applier.answer(request))

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        return [self._timed(response) for response in self._planner.answer_all(requests)]

    def list_documents(self, folder: str) -> tuple[str, ...]:
        return self._planner.list_documents(folder)

    def delete_document(self, name: str) -> None:
        self._applier.delete_document(name)

    def list_folders(self) -> tuple[str, ...]:
        return self._planner.list_folders()

    def at_once(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        return self._planner.at_once(calls)

    def list_secrets(self, folder: str, *, deep: bool) -> tuple[Mapping[str, SecretInfo], bool]:
        return self._planner.list_secrets(folder, deep=deep)

    def read_secret(self, path: str, version: int) -> Secret | None:
        return self._deliverer.read_secret(path, version)

    def mint(self, kind: CredentialKind) -> Minted:
        minted = self._minter.mint(kind)
        self.minted.append(minted.secret.reveal())
        return minted

    def sign(self, key: str, content: bytes) -> bytes:
        return self._deliverer.sign(key, content)

    def send(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        """A crash before or after it, and a second one, are faults here; what a sender does about
        lost answers is its own affair."""
        there = replace(request, url=self._receiver)
        answers: list[HttpResponse | HttpFailure] = []

        def send() -> Reply:
            self.deliveries += 1
            answers.append(self._sender.send(there))
            return Reply(204, {}, b"")

        with suppress(Lost):
            self.disturbance.meet("deliver", send)
        if not answers:
            send()
        return answers[-1]

    # what a person does by hand, with the administrator's token
    def put_by_hand(self, path: str) -> None:
        body = {"options": {"cas": self._newest(path)}, "data": {"value": "by hand"}}
        self.place.root.adapter.post(self._secret("data", path), json=body)

    def destroy_by_hand(self, path: str) -> None:
        body = {"versions": [self._newest(path)]}
        self.place.root.adapter.request("PUT", self._secret("destroy", path), json=body)

    def forget_by_hand(self, path: str) -> None:
        self.place.root.adapter.request("DELETE", self._secret("metadata", path))

    def edit_by_hand(self, old: str, new: str) -> None:
        for name, document in self._documents().items():
            if document.text:
                text = document.text.replace(old, new)
                self.place.root.answer(WriteDocument(f"buckets/{name}", text, document.version))
                self._judged[name] = document.version + 1

    # what an administrator sees
    def records(self) -> dict[str, ClientRecord]:
        found: dict[str, ClientRecord] = {}
        for document in self._documents().values():
            found |= decode_bucket(document.text, self.owner)[0]
        return found

    def readable(self, path: str, version: int) -> Mapping[str, Any] | None:
        try:
            data = self.place.root.adapter.get(
                self._secret("data", path), params={"version": version}
            ).data["data"]
        except StatusError as error:
            if error.status != 404:
                raise
            return None
        return dict(data)

    def text(self) -> str:
        """Every version of every bucket; each commit since the last look is judged on the way."""
        for name, document in self._documents().items():
            old = self._version(name, self._judged.get(name, 0))
            for number in range(self._judged.get(name, 0) + 1, document.version + 1):
                new = self._version(name, number)
                self._texts.append(new)
                judge_commit(
                    decode_bucket(old or None, self.owner)[0], decode_bucket(new, self.owner)[0]
                )
                old = new
            self._judged[name] = document.version
        return "\n".join(self._texts)

    def _version(self, bucket: str, number: int) -> str:
        if number == 0:
            return ""
        path = f"/v1/{self.place.settings.registry_mount}/data/buckets/{bucket}"
        return str(
            self.place.root.adapter.get(path, params={"version": number}).data["data"]["doc"]
        )

    def _documents(self) -> dict[str, StoredDocument]:
        names = bucket_names(BUCKETS)
        answers = self.place.root.answer_all([ReadDocument(f"buckets/{name}") for name in names])
        return {
            name: answer
            for name, answer in zip(names, answers, strict=True)
            if isinstance(answer, StoredDocument)
        }

    def _newest(self, path: str) -> int:
        answer = self.place.root.answer(ReadMetadata(path))
        assert isinstance(answer, Metadata)
        return (answer.info and answer.info.current) or 0

    def _secret(self, what: str, path: str) -> str:
        return f"/v1/{self.place.settings.secrets_mount}/{what}/{path}"

    def _timed(self, response: Response) -> Response:
        if isinstance(
            response, StoredDocument | Written | Conflict | Subkeys | Metadata | Done | PublicKey
        ):
            return replace(response, at=self.at)
        return response


@dataclass
class RealRunner(Passes[RealWorld]):
    """Against a real server."""
