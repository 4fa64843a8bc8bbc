"""The receiver of ``listen`` without the command around it."""

from __future__ import annotations

import getpass
import http.client
import io
from pathlib import Path

import pytest

from reconciler.adapters.receiving import listening as listening_module
from reconciler.adapters.receiving import loopback as loopback_http
from reconciler.adapters.receiving.listening import Listening
from reconciler.adapters.receiving.secret_sources import local_source
from reconciler.domain.declared.schemes import STANDARD_WEBHOOKS
from reconciler.errors import ReconcilerError
from reconciler.webhooks.signature.receiving import Received
from tests.adapters.test_deliveries import NEW
from tests.adapters.test_receiver import _deliver


def test_what_was_answered_is_there_to_be_shown_after_the_end() -> None:
    listening = Listening(STANDARD_WEBHOOKS, [local_source("env:S", {"S": NEW.reveal()}, io.StringIO())], port=0,
                          status=None)  # fmt: skip
    listening.start()
    assert _deliver(listening.url, NEW).status == 204
    listening.stop()
    listening.stop()
    found = listening.next(0)
    assert isinstance(found, Received)
    assert found.judgement.accepted
    assert listening.next(0) is None
    assert _deliver(listening.url, NEW).status is None


def test_that_nobody_reads_what_it_shows_does_not_keep_it_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More deliveries than there is room for: a sender waits, and the end does not wait for it."""
    monkeypatch.setattr(listening_module, "_WAITING", 2)
    monkeypatch.setattr(loopback_http, "ANSWER_SECONDS", 0.1)
    listening = Listening(STANDARD_WEBHOOKS, [], port=0, status=None)
    listening.start()
    connections = [
        http.client.HTTPConnection(listening.url.removeprefix("http://"), timeout=20)
        for _ in range(3)
    ]
    for connection in connections:
        connection.request("POST", "/", b"x")
        if connection is not connections[-1]:
            assert connection.getresponse().status == 401
    listening.stop()
    assert [isinstance(listening.next(0), Received) for _ in range(2)] == [True, True]
    for connection in connections:
        connection.close()


def test_a_source_is_read_when_it_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("first\r\n\n  second  \n")
    file.chmod(0o600)
    source = local_source(f"file:{file}", {}, io.StringIO())
    assert [one.secret.reveal() for one in source.read()] == ["first", "second"]
    file.write_text("third")
    assert [one.secret.reveal() for one in source.read()] == ["third"]
    assert (source.changes, source.warning) == (True, "")
    assert not local_source("env:X", {"X": "1"}, io.StringIO()).changes


class Terminal(io.StringIO):
    """A stdin at which a person sits."""

    def isatty(self) -> bool:
        return True


def test_a_secret_typed_at_a_terminal_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return "  typed \n"

    monkeypatch.setattr(getpass, "getpass", typed)
    [held] = local_source("-", {}, Terminal("not read")).read()
    assert (held.secret.reveal(), held.source) == ("typed", "stdin")
    assert asked == ["signing secret (not shown): "]


@pytest.mark.parametrize("typed", ["", "  ", EOFError()])
def test_nothing_typed_at_a_terminal_is_an_error_that_names_stdin(
    typed: str | EOFError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(_prompt: str) -> str:
        if isinstance(typed, EOFError):
            raise typed
        return typed

    monkeypatch.setattr(getpass, "getpass", ask)
    with pytest.raises(ReconcilerError) as raised:
        local_source("-", {}, Terminal()).read()
    assert (raised.value.code, raised.value.message) == (
        "RC031",
        "no signing secret can be read from stdin: there is nothing in it",
    )
