"""The proxy that other tests break connections with: each of its actions does to a client what its
name says."""

from __future__ import annotations

import http.client
import threading

import pytest

from tests.kit.programs.loopback import loopback, reply
from tests.kit.vault.proxy import (
    CUT,
    PASS,
    RESET_AFTER,
    RESET_BEFORE,
    Action,
    Passed,
    Proxy,
    answering,
    proxying,
    then,
)

CONTENT = b'{"data": "a body that is long enough to be cut in the middle of it"}'


def ask(
    proxy: Proxy, path: str = "/v1/a", body: bytes | None = None
) -> tuple[int, bytes, str | None]:
    connection = http.client.HTTPConnection(proxy.address.removeprefix("http://"), timeout=10)
    try:
        connection.request("POST" if body else "GET", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers["Retry-After"]
    finally:
        connection.close()


def test_requests_pass_unchanged_and_are_counted() -> None:
    with (
        loopback(lambda seen: reply(200, seen.body or CONTENT)) as served,
        proxying(served.address) as proxy,
    ):
        assert ask(proxy) == (200, CONTENT, None)
        assert ask(proxy, "/v1/b?list=true", b"sent") == (200, b"sent", None)
        assert proxy.log == [
            Passed(1, "GET", "/v1/a", 200),
            Passed(2, "POST", "/v1/b?list=true", 200),
        ]
        assert [(one.method, one.target) for one in served.seen] == [
            ("GET", "/v1/a"),
            ("POST", "/v1/b?list=true"),
        ]


@pytest.mark.parametrize(
    ("action", "seen", "error"),
    [
        (RESET_BEFORE, 0, ConnectionResetError),
        (RESET_AFTER, 1, ConnectionResetError),
        (CUT, 1, http.client.HTTPException),
    ],
)
def test_a_connection_fails_before_or_after_the_server_saw_the_request(
    action: Action, seen: int, error: type[Exception]
) -> None:
    with (
        loopback(lambda seen: reply(200, CONTENT)) as served,
        proxying(served.address, lambda *_: action) as proxy,
    ):
        with pytest.raises(error):
            ask(proxy)
        assert len(served.seen) == seen
        assert proxy.log == [Passed(1, "GET", "/v1/a")]
        proxy.rule = lambda *_: PASS
        assert ask(proxy)[0] == 200, "it goes on with the next"


def test_answers_in_the_servers_place_and_calls_in_between() -> None:
    def rule(number: int, method: str, path: str) -> Action:
        return answering(429, "", "Retry-After: 7") if number == 1 else then(answered.set)

    answered = threading.Event()
    with (
        loopback(lambda seen: reply(200, CONTENT)) as served,
        proxying(served.address, rule) as proxy,
    ):
        assert ask(proxy) == (429, b"", "7")
        assert not answered.is_set()
        assert ask(proxy)[0] == 200
        assert answered.is_set()
        assert len(served.seen) == 1


def test_nobody_behind_it() -> None:
    with proxying(lambda: None) as proxy:
        assert ask(proxy)[0] == 503
