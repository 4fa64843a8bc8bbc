"""Alerts by HTTP to real receivers on loopback, and what the deadline does to those that
misbehave."""

from __future__ import annotations

import _thread
import base64
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from reconciler.adapters.alerts.channels import (
    STOPPED,
    Missing,
    Post,
    secret_from,
    send_all,
    signing_secret_from,
)
from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.domain.secrecy.secret import Secret
from tests.kit.webhooks.authority import Authority
from tests.kit.webhooks.receivers import (
    Behaviour,
    Handler,
    answers,
    cuts_connection,
    drips_body,
    endless_body,
    never_answers,
    receiving,
)

LOOPBACK = ("127.0.0.0/8",)
SIGNING = "whsec_" + base64.b64encode(b"a" * 32).decode()
BODY = json.dumps({"type": "reconciler.alert"}).encode()
AMPLE, BRIEF = 30.0, 0.4


def post(url: str, channel: str = "ops") -> Post:
    now = datetime.now(UTC)
    return Post(
        channel, WebhookSender(LOOPBACK), Secret(url), BODY, "msg_1", now, pauses=(0.0, 0.0)
    )


def test_a_signed_alert_verifies_with_the_library_that_receivers_use() -> None:
    with receiving(answers(204)) as receiver:
        assert send_all([replace(post(receiver.url), signing=Secret(SIGNING))], AMPLE) == [""]
        [seen] = receiver.seen
    assert Webhook(SIGNING).verify(seen.body, seen.headers) == {"type": "reconciler.alert"}
    assert seen.headers["content-type"] == "application/json"


def test_a_channel_without_a_secret_sends_no_signature() -> None:
    with receiving(answers(200, b"ok")) as receiver:
        assert send_all([post(f"{receiver.url}/services/T0/B0/x")], AMPLE) == [""]
        [seen] = receiver.seen
    assert seen.path == "/services/T0/B0/x"
    assert "webhook-signature" not in seen.headers


def after(failures: int, status: int) -> Behaviour:
    """Answers ``status`` so often, then 204."""
    left = [status] * failures

    def behave(handler: Handler) -> None:
        handler.reply(left.pop() if left else 204)

    return behave


@pytest.mark.parametrize(
    ("behaviour", "tries", "told"),
    [
        (after(2, 500), 3, ""),
        (after(2, 429), 3, ""),
        (after(3, 503), 3, "RC541: the receiver answered 503"),
        (answers(404), 1, "RC541: the receiver answered 404"),
        (answers(302, location="http://127.0.0.1:9/"), 1, "RC541: the receiver answered 302"),
        (cuts_connection, 1, "RC511"),
        (endless_body, 1, "RC512"),
    ],
)
def test_what_a_receiver_answers(behaviour: Behaviour, tries: int, told: str) -> None:
    with receiving(behaviour) as receiver:
        [problem] = send_all([post(receiver.url)], AMPLE)
        assert len(receiver.seen) == tries
    assert problem.startswith(told)
    assert bool(problem) is bool(told)


@pytest.mark.parametrize("behaviour", [never_answers, drips_body])
def test_a_receiver_that_hangs_keeps_no_other_from_its_alert(behaviour: Behaviour) -> None:
    with receiving(behaviour) as hanging, receiving(answers(204)) as well:
        first, second = send_all([post(hanging.url), post(well.url)], BRIEF)
        assert len(well.seen) == 1
    assert first[:5] in ("RC510", "RC543")
    assert second == ""


def test_nothing_is_sent_after_the_deadline_and_no_pause_outlasts_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with receiving(answers(503)) as receiver:
        late = "RC543: the receiver was too busy until the deadline"
        assert post(receiver.url).carry(time.monotonic() - 1) == late
        assert receiver.seen == []
        replace(post(receiver.url), pauses=(3600.0, 0.0)).carry(time.monotonic() + AMPLE)
        assert len(receiver.seen) == 3
    assert 0 < pauses[0] <= AMPLE
    assert pauses[1] == 0


def test_a_receiver_that_refuses_or_that_nobody_may_reach() -> None:
    with receiving(answers(204)) as gone:
        pass
    refused, private = send_all([post(gone.url), post("http://10.0.0.1/")], AMPLE)
    assert refused.startswith("RC505")
    assert private.startswith("RC503")
    assert "/services" not in send_all([post("http://10.0.0.1/services/T0/B0/x")], AMPLE)[0]


def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    with receiving(answers(204), Authority(tmp_path).server_context()) as receiver:
        [problem] = send_all([post(receiver.url)], AMPLE)
        assert receiver.seen == []
    assert problem.startswith("RC508")


@dataclass(frozen=True)
class Bad:
    """A courier that fails like nothing else."""

    error: BaseException
    channel: str = "bad"

    def carry(self, until: float) -> str:
        raise self.error


def test_an_exception_is_told_by_its_class_alone() -> None:
    problems = send_all(
        [Bad(ValueError(SIGNING)), Bad(RecursionError(SIGNING)), Bad(UnicodeError())], AMPLE
    )
    assert problems == [
        f"RC542: an unexpected {name}" for name in ("ValueError", "RecursionError", "UnicodeError")
    ]


@dataclass(frozen=True)
class Interrupting:
    """Presses Ctrl-C in the main thread while it is being sent."""

    ended: threading.Event
    channel: str = "interrupting"

    def carry(self, until: float) -> str:
        _thread.interrupt_main()
        self.ended.wait(20)
        return ""


def test_ctrl_c_gives_up_what_is_not_sent_and_raises_nothing() -> None:
    ended = threading.Event()
    try:
        assert send_all([Interrupting(ended)], AMPLE) == [STOPPED]
    finally:
        ended.set()


def test_more_messages_than_threads_are_all_sent() -> None:
    with receiving(answers(204)) as receiver:
        assert send_all([post(receiver.url) for _ in range(40)], AMPLE) == [""] * 40
        assert len(receiver.seen) == 40


def test_nothing_to_send() -> None:
    assert send_all([], AMPLE) == []


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"A": " x\n"}, "x"),
        ({"A_FILE": "{there}"}, "filed"),
        ({"A": "x", "A_FILE": "{there}"}, "x"),
        ({}, "RC540: neither of the environment variables A and A_FILE is set"),
        ({"A": "  "}, "RC540: neither of the environment variables A and A_FILE is set"),
        ({"A_FILE": "{empty}"}, "RC540: neither of the environment variables A and A_FILE is set"),
        ({"A_FILE": "{absent}"}, "RC540: the file that A_FILE names cannot be read"),
        ({"A_FILE": "{binary}"}, "RC540: the file that A_FILE names cannot be read"),
    ],
)
def test_where_a_secret_comes_from(environ: Mapping[str, str], found: str, tmp_path: Path) -> None:
    for name, content in (("there", b"filed\n"), ("empty", b""), ("binary", b"\xff\xfe")):
        (tmp_path / name).write_bytes(content)
    paths = {name: str(tmp_path / name) for name in ("there", "empty", "binary", "absent")}
    secret = secret_from("A", {name: text.format(**paths) for name, text in environ.items()})
    assert (secret.sentence if isinstance(secret, Missing) else secret.reveal()) == found


@pytest.mark.parametrize(
    "text", ["abc", "whsec_", "whsec_!", "whsec_" + base64.b64encode(b"x").decode()]
)
def test_what_is_no_signing_secret_is_told_without_it(text: str) -> None:
    secret = signing_secret_from("A", {"A": text})
    assert isinstance(secret, Missing)
    assert secret.sentence.startswith("RC540: A holds no signing secret")
    assert text not in secret.sentence or text == "whsec_"
