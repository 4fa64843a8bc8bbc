"""Which request is sent again, after which failure, and after how long: bounded, jittered, only
where it is safe."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from reconciler.adapters.vault.http.exchanged import Reply
from reconciler.adapters.vault.http.patience import Patience, read_retry_after
from reconciler.adapters.vault.live import Live
from reconciler.domain.declared.desired import VaultSettings
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import VaultDenied, VaultError, VaultUnavailable, VaultUnreachable
from reconciler.registry.requests import (
    Conflict,
    DestroyVersions,
    PutSecret,
    ReadDocument,
    ReadMetadata,
    ReadSubkeys,
    ResetMetadata,
    Unclear,
    WriteDocument,
)
from tests.kit.programs.loopback import DATE, Seen, loopback, reply
from tests.kit.suite.tally import Tally

TRIES = 4
FEW = Patience(tries=TRIES, budget=20.0, opening=20.0, first=0.001, longest=0.001)
SEALED = '{"errors":["Vault is sealed"]}'
CAS = '{"errors":["check-and-set parameter did not match the current version"]}'
UPGRADING = '{"errors":["Upgrading from non-versioned to versioned data. This backend will be unavailable"]}'
SIGN = "transit/sign/ledger"

# What the server does → for a read (or a write that may be repeated), and for a write with a
# check-and-set: how often it is sent, and what comes of it in the end.
Table = dict[str, tuple[bytes, tuple[int, type], tuple[int, type]]]
TABLE: Table = {
    "reset or closed without an answer": (b"", (TRIES, VaultUnreachable), (1, Unclear)),
    "cut in the headers": (b"HTTP/1.1 200 OK\r\nContent-Le", (TRIES, VaultUnreachable), (1, Unclear)),
    "cut in the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", (TRIES, VaultUnreachable), (1, Unclear)),
    "not HTTP": (b"\x00garbage\r\n\r\n", (TRIES, VaultUnreachable), (1, Unclear)),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}\n",
                    (1, VaultUnreachable), (1, Unclear)),
    "412": (reply(412), (TRIES, VaultUnavailable), (TRIES, VaultUnavailable)),
    "429": (reply(429), (TRIES, VaultUnavailable), (TRIES, VaultUnavailable)),
    "472": (reply(472), (TRIES, VaultUnavailable), (TRIES, VaultUnavailable)),
    "473": (reply(473), (TRIES, VaultUnavailable), (TRIES, VaultUnavailable)),
    "500": (reply(500), (TRIES, VaultUnavailable), (1, Unclear)),
    "502": (reply(502, "<html>"), (TRIES, VaultUnavailable), (1, Unclear)),
    "503 of a proxy": (reply(503, "<html>"), (TRIES, VaultUnavailable), (1, Unclear)),
    "503 sealed": (reply(503, SEALED), (TRIES, VaultUnavailable), (TRIES, VaultUnavailable)),
    "504": (reply(504), (TRIES, VaultUnavailable), (1, Unclear)),
    "a new mount": (reply(400, UPGRADING), (TRIES, VaultError), (TRIES, VaultError)),
    "400": (reply(400, '{"errors":["no"]}'), (1, VaultError), (1, VaultError)),
    "400 of a check-and-set": (reply(400, CAS), (1, VaultError), (1, Conflict)),
    "403": (reply(403, '{"errors":["permission denied"]}'), (1, VaultDenied), (1, VaultDenied)),
    "307": (reply(307, headers=("Location: http://127.0.0.1:1/",)), (1, VaultError), (1, VaultError)),
    "501": (reply(501), (1, VaultError), (1, Unclear)),
    "507": (reply(507), (1, VaultError), (1, Unclear)),
    "200 that is not JSON": (reply(200, "<html>"), (1, VaultError), (1, Unclear)),
    "200 without a Date": (reply(200, '{"data":{"version":5}}', date=None), (1, VaultError), (1, Unclear)),
}  # fmt: skip


def live_at(address: str, patience: Patience = FEW) -> Live:
    live = Live(
        VaultSettings(address, "i/e/registry", "i/e/secrets", "i/e/transit"), patience=patience
    )
    live.adapter.token = "a-token"
    return live


def sent(answer: bytes, ask: Callable[[Live], object], about: str) -> tuple[int, object]:
    """How often the server saw the request, and its end."""

    def script(seen: Seen) -> bytes:
        return answer if about in seen.target else reply(200, "{}")

    with loopback(script) as served, live_at(served.address) as live:
        try:
            end: object = ask(live)
        except VaultError as error:
            end = error
        return len([seen for seen in served.seen if about in seen.target]), end


REPEATABLE: dict[str, tuple[Callable[[Live], object], str]] = {
    "read a document": (lambda live: live.answer(ReadDocument("meta")), "/data/meta"),
    "read subkeys": (lambda live: live.answer(ReadSubkeys("keys/a.b")), "/subkeys/"),
    "read metadata": (lambda live: live.answer(ReadMetadata("keys/a.b")), "/metadata/keys/a.b"),
    "list": (lambda live: live.list_documents("runs"), "/metadata/runs"),
    "destroy": (lambda live: live.answer(DestroyVersions("keys/a.b", (1,))), "/destroy/"),
    "reset metadata": (lambda live: live.answer(ResetMetadata("keys/a.b")), "/metadata/keys/a.b"),
    "delete": (lambda live: live.delete_document("runs/r"), "/metadata/runs/r"),
    "sign": (
        lambda live: live.adapter.post("/v1/i/e/transit/sign/ledger", json={"input": ""}),
        "/sign/ledger",
    ),
    "renew": (lambda live: live.adapter.post("/v1/auth/token/renew-self", json={}), "/renew-self"),
}
WRITES: dict[str, tuple[Callable[[Live], object], str]] = {
    "write a document": (
        lambda live: live.answer(WriteDocument("lease", "text", 4)),
        "/data/lease",
    ),
    "put a secret": (
        lambda live: live.answer(PutSecret("keys/a.b", "id1", Secret("v"), 0)),
        "/data/keys/a.b",
    ),
}


@pytest.mark.parametrize("failure", TABLE)
def test_what_may_be_repeated_is_and_what_may_not_is_left_to_the_protocol(
    failure: str, tally: Tally
) -> None:
    answer, repeatable, write = TABLE[failure]
    for requests, (times, kind) in ((REPEATABLE, repeatable), (WRITES, write)):
        for name, (ask, about) in requests.items():
            seen, end = sent(answer, ask, about)
            assert (seen, isinstance(end, kind)) == (times, True), (
                f"{name}: sent {seen} times, {end!r}"
            )
    tally("failures of a request, by kind of request", len(REPEATABLE) + len(WRITES))


def test_a_server_that_is_not_there_never_saw_the_write_so_it_is_tried_again() -> None:
    pauses = 0

    class Counting(Patience):
        def pause(self, tried: int, asked: float | None = None) -> float:
            nonlocal pauses
            pauses += 1
            return 0.0

    with (
        live_at("http://127.0.0.1:1", Counting(tries=TRIES)) as live,
        pytest.raises(VaultUnreachable),
    ):
        live.answer(WriteDocument("lease", "text", 4))
    assert pauses == TRIES


def answer_with(after: str | None, date: str | None = DATE) -> Reply:
    headers = {
        name: value for name, value in (("retry-after", after), ("date", date)) if value is not None
    }
    return Reply(429, headers, b"")


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("0", 0.0), ("10", 10.0), (" 10 ", 10.0), ("9" * 5000, 999999999.0),
        ("Mon, 23 Nov 2026 22:45:08 GMT", 10.0), ("Mon, 23 Nov 2026 22:44:00 GMT", 0.0),
        ("-1", None), ("1.5", None), ("soon", None), ("", None), ("²", None), (None, None),
    ],
)  # fmt: skip
def test_how_long_a_server_asks_to_wait(after: str | None, seconds: float | None) -> None:
    """A date counts from the answer's own Date header; what this machine's clock says is of no
    interest."""
    assert read_retry_after(answer_with(after)) == seconds
    dated = after is not None and "," in after
    assert read_retry_after(answer_with(after, None)) == (None if dated else seconds)


def test_pauses_grow_are_jittered_and_come_on_top_of_what_was_asked() -> None:
    patience = Patience()
    for tried in range(1, 60):
        full = min(0.2 * 2 ** (tried - 1), 3.0)
        assert full / 2 <= patience.pause(tried) <= full
        assert 10 + full / 2 <= patience.pause(tried, 10.0) <= 10 + full
    assert len({patience.pause(3) for _ in range(20)}) > 1, (
        "all at once again is how a storm goes on"
    )


def test_the_budget_bounds_all_tries() -> None:
    patience = Patience(tries=20, budget=30.0, opening=4.0)
    assert patience.allows(1, 0.0, 29.0, known=True)
    assert not patience.allows(1, 0.0, 31.0, known=True)
    assert not patience.allows(1, 0.0, 5.0, known=False)
    assert patience.allows(1, 60.0, 0.2, known=True), (
        "one slow answer is no reason not to ask a second time"
    )
    assert not patience.allows(2, 30.0, 0.2, known=True)
    assert not patience.allows(20, 0.0, 0.0, known=True)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the adapter pauses for, without pausing."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


DOCUMENT = '{"data":{"data":{"doc":"text"},"metadata":{"version":4}}}'


@pytest.mark.parametrize("after", ["10", "Mon, 23 Nov 2026 22:45:08 GMT"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_says_ten_seconds_is_not_asked_before(
    status: int, after: str, pauses: list[float]
) -> None:
    def script(seen: Seen) -> bytes:
        return (
            reply(status, headers=(f"Retry-After: {after}",))
            if seen.number < 3
            else reply(200, DOCUMENT)
        )

    with loopback(script) as served, live_at(served.address, Patience()) as live:
        live.answer(ReadDocument("meta"))
        assert len(served.seen) == 3
    assert len(pauses) == 2
    assert all(10 < pause < 11 for pause in pauses)


@pytest.mark.parametrize(
    "ask", [ReadDocument("meta"), WriteDocument("lease", "text", 4)], ids=["read", "write"]
)
def test_a_server_that_asks_for_more_than_we_wait_is_left_alone_and_the_message_says_for_how_long(
    ask: ReadDocument | WriteDocument, pauses: list[float]
) -> None:
    with (
        loopback(lambda seen: reply(429, headers=("Retry-After: 120",))) as served,
        live_at(served.address, Patience()) as live,
        pytest.raises(VaultUnavailable, match="it asks to wait 120 s") as caught,
    ):
        live.answer(ask)
    assert "after 120 s" in caught.value.remedy
    assert (len(served.seen), pauses) == (1, [])


def test_a_server_that_served_us_is_waited_for_longer_than_one_that_never_did(
    pauses: list[float],
) -> None:
    """Until it was given up once: what a dead server costs is bounded for all requests together."""
    patience = Patience(tries=9, budget=30.0, opening=1.0, first=0.4, longest=0.4)
    failing = False

    def script(seen: Seen) -> bytes:
        return reply(502) if failing else reply(200, DOCUMENT)

    def tries(live: Live) -> int:
        pauses.clear()
        with pytest.raises(VaultUnavailable):
            live.answer(ReadDocument("meta"))
        return len(pauses) + 1

    # Time does not go by while nothing sleeps: only a pause that is longer than the whole budget is
    # refused.
    with loopback(script) as served, live_at(served.address, patience) as live:
        live.answer(ReadDocument("meta"))
        failing = True
        assert tries(live) == 9
        live.adapter.patience = Patience(tries=9, budget=30.0, opening=0.1, first=0.4, longest=0.4)
        assert tries(live) == 1
        failing = False
        live.answer(ReadDocument("meta"))
        failing = True
        assert tries(live) == 9


@pytest.mark.parametrize(
    "odd",
    [
        reply(
            404,
            '{"errors":["no handler for route \\"i/e/registry/data/meta\\". route entry not found."]}',
        ),
        reply(307, headers=("Location: http://127.0.0.1:1/",)),
    ],
    ids=["no mount", "redirected"],
)
def test_a_node_that_has_just_started_is_asked_again_but_only_where_it_was_right_before(
    odd: bytes,
) -> None:
    answers = [odd, reply(200, DOCUMENT), odd, odd, reply(200, DOCUMENT)]
    with loopback(lambda seen: answers[seen.number - 1]) as served, live_at(served.address) as live:
        with pytest.raises(VaultError) as caught:
            live.answer(ReadDocument("meta"))
        assert caught.value.code in ("RC408", "RC412")
        assert len(served.seen) == 1
        live.answer(ReadDocument("meta"))
        live.answer(ReadDocument("meta"))
        assert len(served.seen) == 5


def index(value: int) -> str:
    return base64.b64encode(json.dumps({"cluster": "c", "value": str(value)}).encode()).decode()


def test_every_request_names_how_far_the_server_had_come() -> None:
    """Then a node that lags behind passes it on; the order in which answers arrive does not
    matter."""
    sent = [index(9), index(12), index(11), "an index of another form", "with\ta tab", None]

    def script(seen: Seen) -> bytes:
        value = sent[seen.number - 1]
        return reply(200, DOCUMENT, headers=(f"X-Vault-Index: {value}",) if value else ())

    with loopback(script) as served, live_at(served.address) as live:
        for _ in sent:
            live.answer(ReadDocument("meta"))
        told = [seen.headers.get("x-vault-index") for seen in served.seen]
        assert told == [None, index(9), index(12), index(12), index(12), index(12)]
        modes = {seen.headers.get("x-vault-inconsistent") for seen in served.seen[1:]}
        assert modes == {"forward-active-node"}


def test_one_try_may_take_the_whole_timeout_and_is_still_followed_by_another() -> None:
    with (
        loopback(lambda seen: reply(502)) as served,
        live_at(served.address, Patience(budget=0.5)) as live,
    ):
        live.adapter.patience = Patience(
            tries=9, budget=0.02, opening=0.02, first=0.01, longest=0.01
        )
        with pytest.raises(VaultUnavailable):
            live.answer(ReadDocument("meta"))
        assert len(served.seen) >= 2
    assert timedelta(seconds=30) == VaultSettings("http://x", "a", "b", "c").timeout


@pytest.mark.parametrize(
    ("asked", "tries"), [((), 1), (("Retry-After: 0",), TRIES)], ids=["silent", "says how long"]
)
def test_a_server_that_never_served_is_waited_for_if_it_says_how_long(
    asked: tuple[str, ...], tries: int
) -> None:
    """Without a word it gets the shorter patience, which is none here."""
    patience = Patience(tries=TRIES, budget=20.0, opening=0.0, first=0.001, longest=0.001)
    with (
        loopback(lambda _: reply(503, SEALED, headers=asked)) as served,
        live_at(served.address, patience) as live,
        pytest.raises(VaultUnavailable),
    ):
        live.answer(ReadDocument("meta"))
    assert len([seen for seen in served.seen if "/data/meta" in seen.target]) == tries
