"""Connections that are kept, and die while they are idle: nothing is lost, nothing is done twice,
and a write whose fate is unknown is left to the protocol."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.adapters.openbao.durable import DurableServer
from reconciler.adapters.vault.http import connection
from reconciler.adapters.vault.http.exchanged import Lost, NotSent
from reconciler.adapters.vault.http.patience import Patience
from reconciler.adapters.vault.http.wire import Wire
from reconciler.adapters.vault.live import Live
from reconciler.domain.declared.desired import VaultSettings
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import VaultUnreachable
from reconciler.registry.protocol.secret_steps import write_version
from reconciler.registry.requests import (
    PutSecret,
    ReadDocument,
    StoredDocument,
    Unclear,
    WriteDocument,
    Written,
)
from reconciler.registry.steps import Steps
from tests.kit.programs.keeping import Kept, keeping, kept

DOCUMENT = kept(200, json.dumps({"data": {"data": {"doc": "text"}, "metadata": {"version": 4}}}))
WRITTEN = kept(200, json.dumps({"data": {"version": 5}}))
READ, WRITE = ReadDocument("meta"), WriteDocument("lease", "text", 4)
# No second try: whoever needs one fails the test.
ONCE = Patience(tries=1)


def answer(one: Kept) -> bytes:
    return WRITTEN if one.seen.method == "POST" else DOCUMENT


def live_at(address: str) -> Live:
    settings = VaultSettings(address, "i/e/registry", "i/e/secrets", "i/e/transit")
    live = Live(settings, patience=ONCE)
    live.adapter.token = "a-token"
    return live


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every idle connection counts as one that was idle for long."""
    monkeypatch.setattr(connection, "_FRESH", 0.0)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No idle connection was idle for long."""
    monkeypatch.setattr(connection, "_FRESH", 60.0)


@pytest.mark.usefixtures("trusted")
def test_a_connection_serves_one_request_after_the_other() -> None:
    with keeping(answer) as server, live_at(server.address) as live:
        for _ in range(5):
            live.answer(READ)
            live.answer(WRITE)
    assert [(one.connection, one.number) for one in server.arrived] == [
        (1, number) for number in range(1, 11)
    ]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("reset", [False, True])
def test_reads_go_on_where_connections_are_closed_after_every_third(reset: bool) -> None:
    """Each at the first try, and none is answered twice."""
    with keeping(answer, requests=3, reset=reset) as server, live_at(server.address) as live:
        for number in range(1, 11):
            assert isinstance(live.answer(READ), StoredDocument)
            if number % 3 == 0:
                server.await_closing()
    assert [(one.connection, one.number) for one in server.arrived] == [
        (1 + number // 3, 1 + number % 3) for number in range(10)
    ]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("reset", [False, True])
def test_a_write_that_may_have_been_read_is_not_sent_again(reset: bool) -> None:
    with keeping(answer, requests=1, reset=reset) as server, live_at(server.address) as live:
        assert isinstance(live.answer(WRITE), Written)
        server.await_closing()
        assert isinstance(live.answer(WRITE), Unclear)
        assert len(server.arrived) == 1
        assert isinstance(live.answer(WRITE), Written), "on a connection of its own"


@pytest.mark.usefixtures("trusted")
def test_a_request_that_was_read_and_not_answered() -> None:
    """The server ends in the middle of it: a read is repeated, a write never."""

    def end(one: Kept) -> bytes:
        return b"" if one.number == 2 else answer(one)

    with keeping(end) as server, live_at(server.address) as live:
        for _ in range(3):
            assert isinstance(live.answer(READ), StoredDocument)
        assert [(one.connection, one.number) for one in server.arrived] == [
            (1, 1), (1, 2), (2, 1), (2, 2), (3, 1),
        ]  # fmt: skip
        assert isinstance(live.answer(WRITE), Unclear)
        assert [(one.connection, one.seen.method) for one in server.arrived[5:]] == [(3, "POST")]


@pytest.mark.usefixtures("looked_at")
@pytest.mark.parametrize("reset", [False, True])
def test_a_write_is_not_given_to_a_connection_that_is_seen_to_be_closed(reset: bool) -> None:
    """It certainly has not been sent, so it is, on another one."""
    with keeping(answer, requests=2, reset=reset) as server, live_at(server.address) as live:
        for number in range(1, 7):
            assert isinstance(live.answer(WRITE), Written)
            if number % 2 == 0:
                server.await_closing()
    assert [one.connection for one in server.arrived] == [1, 1, 2, 2, 3, 3]


@pytest.mark.usefixtures("looked_at")
def test_a_connection_that_is_open_is_used_after_a_look_at_it() -> None:
    with keeping(answer) as server, live_at(server.address) as live:
        for _ in range(3):
            live.answer(WRITE)
    assert server.connections == 1


@pytest.mark.usefixtures("trusted")
def test_a_new_connection_without_an_answer_is_trouble_of_the_server() -> None:
    with keeping(lambda _: b"") as server, live_at(server.address) as live:
        with pytest.raises(VaultUnreachable, match="was cut"):
            live.answer(READ)
        assert len(server.arrived) == 1


@pytest.mark.usefixtures("trusted")
def test_an_answer_that_began_tells_more_than_that_a_connection_was_closed() -> None:
    def cut(one: Kept) -> bytes:
        return answer(one) if one.number == 1 else b"H"

    with keeping(cut, requests=2) as server, live_at(server.address) as live:
        live.answer(READ)
        with pytest.raises(VaultUnreachable, match="was cut"):
            live.answer(READ)
        assert len(server.arrived) == 2


@pytest.mark.usefixtures("trusted")
def test_one_dead_connection_tells_of_the_others() -> None:
    """Of sixteen that died together one is tried in vain, not each in turn."""
    together = threading.Barrier(16)

    def all_at_once(one: Kept) -> bytes:
        if one.connection <= 16:
            together.wait(20)
        return answer(one)

    with keeping(all_at_once, requests=1) as server:
        wire = Wire(server.address, None, 20.0)
        with ThreadPoolExecutor(16) as threads:
            assert all(
                threads.map(lambda _: wire.exchange("GET", "/v1/x", {}, None, 999), range(16))
            )
        for _ in range(16):
            server.await_closing()
        with pytest.raises(Lost) as lost:
            wire.exchange("GET", "/v1/x", {}, None, 999)
        assert lost.value.idle
        assert wire.exchange("GET", "/v1/x", {}, None, 999).status == 200
        wire.close()
    assert server.connections == 17


@pytest.mark.usefixtures("trusted")
def test_threads_get_their_own_answers() -> None:
    def echo(one: Kept) -> bytes:
        return kept(200, one.seen.target)

    with keeping(echo, requests=7) as server:
        wire = Wire(server.address, None, 20.0)
        numbers = itertools.count()

        def ask(_: int) -> bool:
            target = f"/v1/{next(numbers)}"
            while True:
                try:
                    return wire.exchange("GET", target, {}, None, 999).body == target.encode()
                except Lost as error:
                    if not error.idle:
                        raise

        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(ask, range(400)))
        wire.close()


@pytest.mark.parametrize(
    "said",
    [
        kept(200, "{}", headers=("Connection: close",)),
        kept(200, "{}").replace(b"HTTP/1.1", b"HTTP/1.0"),
        kept(200, "{}") + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother",
        kept(200, "{}") + b"\x00",
    ],
    ids=["the server says so", "of an older version", "a second answer", "bytes behind it"],
)
def test_some_connections_are_not_used_again(said: bytes) -> None:
    """Above all, nobody gets an answer that was there before his question."""
    with keeping(lambda _: said) as server:
        wire = Wire(server.address, None, 20.0)
        for _ in range(2):
            assert wire.exchange("GET", "/v1/x", {}, None, 999).body == b"{}"
        wire.close()
    assert [one.connection for one in server.arrived] == [1, 2]


@pytest.mark.parametrize(
    ("target", "header"),
    [
        ("/v1/x\r\nX-Evil: 1", "x"), ("/v1/x y", "x"), ("/v1/é", "x"),
        ("/v1/x", "hunter2\r\nX-Evil: 1"), ("/v1/x", "hunter2\n"), ("/v1/x", "hunter2\x00"), ("/v1/x", "hunter2é"),
    ],
)  # fmt: skip
def test_nothing_is_sent_that_could_be_two_requests(target: str, header: str) -> None:
    with keeping(answer) as server:
        wire = Wire(server.address, None, 20.0)
        with pytest.raises(NotSent) as refused:
            wire.exchange("GET", target, {"X-Vault-Token": header}, None, 999)
        wire.close()
    assert refused.value.lasting
    assert "hunter2" not in repr(refused.value)
    assert refused.value.__context__ is None
    assert (server.connections, server.arrived) == (0, [])


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[DurableServer]:
    server = DurableServer(tmp_path)
    yield server
    server.stop()


@pytest.mark.openbao
@pytest.mark.parametrize("fresh", [0.0, 60.0], ids=["looked at", "trusted"])
def test_a_real_server_that_is_restarted_between_requests(
    durable: DurableServer, monkeypatch: pytest.MonkeyPatch, fresh: float
) -> None:
    """Reads never notice. A write is written once, whether or not it is known at once."""
    monkeypatch.setattr(connection, "_FRESH", fresh)
    first = durable.start()
    settings = VaultSettings(first.address, "r/registry", "r/secrets", "r/transit")
    with Live(settings) as live:
        live.adapter.token = first.token.reveal()
        for mount in ("registry", "secrets"):
            live.adapter.post(
                f"/v1/sys/mounts/r/{mount}", json={"type": "kv", "options": {"version": "2"}}
            )
        live.answer(PutSecret("keys/a.b", "id1", Secret("first"), 0))
        live.adapter.patience = ONCE
        _restart(durable)
        assert live.list_secrets("keys", deep=True)[0]["keys/a.b"].current == 1
        _restart(durable)
        written = live.answer(PutSecret("keys/a.b", "id2", Secret("second"), 1))
        assert isinstance(written, Unclear if fresh else Written)
        _restart(durable)
        # what the protocol does about it
        drive(live, write_version("keys/a.b", 3, "id3", Secret("third"), 1 if fresh else 2))
        assert live.list_secrets("keys", deep=True)[0]["keys/a.b"].current == 3


def drive(live: Live, steps: Steps[None]) -> None:
    with suppress(StopIteration):
        request = next(steps)
        while True:
            request = steps.send(live.answer(request))


def _restart(durable: DurableServer) -> None:
    assert durable.stop()
    durable.start()
