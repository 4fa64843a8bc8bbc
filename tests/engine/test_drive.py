"""The generators of the protocol are driven: each request meets its port, each error its
generator, and time is the server's."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.domain.kinds import credentials
from reconciler.engine.drive import Driver, ServerClock
from reconciler.errors import ReconcilerError, VaultUnreachable
from reconciler.registry.requests import (
    Batch,
    Deliver,
    Delivered,
    Mint,
    Minted,
    ReadDocument,
    Request,
    Response,
    SigningVersion,
    StoredDocument,
    WriteDocument,
)
from reconciler.registry.steps import Steps
from tests.kit.worlds.declared import webhook
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import inline_lanes

HOOK = webhook("settlements", "https://hooks.example.com/a")


@dataclass
class Away:
    """A world whose server does not answer for the documents in ``away``."""

    world: World = field(default_factory=World)
    away: frozenset[str] = frozenset()
    unreadable: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)

    def answer(self, request: Request) -> Response:
        if isinstance(request, ReadDocument) and request.name in self.away:
            raise VaultUnreachable("RC401", "no answer")
        return self.world.answer(request)

    def read_secret(self, path: str, version: int) -> Any:
        if self.unreadable:
            raise VaultUnreachable("RC401", "no answer")
        return self.world.read_secret(path, version)


def driver(live: Any, **more: Any) -> Driver:
    return Driver(live, live, live, ServerClock(START), inline_lanes(), **more)


def test_every_request_meets_its_port_and_a_batch_answers_in_its_order() -> None:
    def steps() -> Steps[tuple[Any, ...]]:
        written = yield WriteDocument("meta", "{}", 0)
        minted = yield Mint(credentials.KEY)
        both = yield Batch((ReadDocument("meta"), ReadDocument("lease")))
        return written, minted, both

    _, minted, both = driver(World()).run(steps())
    assert isinstance(minted, Minted)
    assert [one.text for one in both if isinstance(one, StoredDocument)] == ["{}", None]


def test_an_error_of_a_port_is_raised_where_the_generator_asked() -> None:
    """It may go on behind it; what it does not catch ends the run."""
    troubles: list[ReconcilerError] = []
    live = Away(away=frozenset({"lease"}))

    def copes() -> Steps[str | None]:
        try:
            yield ReadDocument("lease")
        except VaultUnreachable:
            document = yield ReadDocument("meta")
            return document.text if isinstance(document, StoredDocument) else "another"
        return "no error"

    def does_not() -> Steps[None]:
        yield ReadDocument("lease")

    one = driver(live, troubled=troubles.append)
    assert one.run(copes()) is None
    with pytest.raises(VaultUnreachable):
        one.run(does_not())
    assert [trouble.code for trouble in troubles] == ["RC401", "RC401"]


def test_the_clock_is_the_servers_and_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: counted[0])
    clock = ServerClock(START)
    counted[0] += 61.9
    assert clock.now() == START + timedelta(seconds=61)
    clock.catch_up(START)  # an answer that was long on its way
    assert clock.now() == START + timedelta(seconds=61)
    clock.catch_up(START + timedelta(hours=2))
    counted[0] += 1
    assert clock.now() == START + timedelta(hours=2, seconds=1)


def test_each_answer_moves_the_clock() -> None:
    world = World()
    one = driver(world)
    world.at = START + timedelta(days=1)
    one.answer(ReadDocument("meta"))
    assert one.clock.now() >= world.at


@pytest.mark.parametrize("unreadable", [True, False])
def test_without_a_secret_nothing_is_sent_and_the_delivery_says_why(unreadable: bool) -> None:
    """Whether Vault refuses to read it or has none."""
    live = Away(unreadable=unreadable)
    asked = Deliver("a", HOOK, "webhooks/a.settlements", (SigningVersion(1, ""),), None)  # type: ignore[arg-type]
    answer = driver(live).answer(asked)
    assert isinstance(answer, Delivered)
    found = answer.delivery
    assert (found.accepted, found.code, found.status) == (False, "RC500", None)
    assert (found.latency_ms, found.probes, found.attempts) == (0, (), ())
    assert found.message.startswith("not sent: ")
    assert ("RC401" if unreadable else "webhooks/a.settlements") in found.message
    assert live.world.deliveries == []


def test_the_secrets_of_a_url_are_not_in_what_a_delivery_says() -> None:
    secret = replace(HOOK, url="https://user:pass@hooks.example.com/a?token=abc")
    asked = Deliver("a", secret, "webhooks/a.settlements", (), None)  # type: ignore[arg-type]
    answer = driver(World()).answer(asked)
    assert isinstance(answer, Delivered)
    assert "pass" not in str(answer)
