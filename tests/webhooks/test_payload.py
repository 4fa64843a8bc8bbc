"""The body of a test delivery: always below the limit, always marked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.declared.desired import DesiredWebhook, Lifecycle
from reconciler.domain.declared.proof import Payload
from reconciler.webhooks.wire.payload import PAYLOAD_LIMIT, event_body, payload

NOW = datetime(2026, 11, 23, 22, 45, tzinfo=UTC)
LIFE = Lifecycle(timedelta(days=180), timedelta(days=60), timedelta(hours=24))
EVENTS = ("payout.failed", "payout.settled")


def hook(
    *payloads: Payload, events: tuple[str, ...] = EVENTS, name: str = "settlements"
) -> DesiredWebhook:
    return DesiredWebhook(name, "https://hooks.example.com/p", events, LIFE, payloads=payloads)


def test_data_is_the_example_and_nothing_else() -> None:
    webhook = hook(
        Payload("payout.failed", {"id": 1}), Payload("payout.settled", {"id": 2, "test": False})
    )
    assert json.loads(payload("c", webhook, "payout.settled", NOW)) == {
        "type": "payout.settled", "timestamp": "2026-11-23T22:45:00Z", "test": True, "data": {"id": 2, "test": False}
    }  # fmt: skip
    assert (
        json.loads(payload("c", hook(Payload("payout.settled", {})), "payout.settled", NOW))["data"]
        == {}
    )


def test_without_an_example_it_is_made_up_marked_twice_and_always_the_same() -> None:
    body = json.loads(payload("paystack", hook(Payload("payout.settled")), "payout.settled", NOW))
    assert body["test"] is body["data"]["test"] is True
    assert (body["data"]["object"], body["data"]["status"]) == ("payout", "settled")
    later = json.loads(payload("paystack", hook(), "payout.settled", NOW + timedelta(days=1)))
    assert later["data"] == body["data"]
    assert (
        json.loads(payload("paystack", hook(), "payout.failed", NOW))["data"]["id"]
        != body["data"]["id"]
    )


def test_an_example_that_is_too_large_is_never_sent() -> None:
    most = PAYLOAD_LIMIT - 1 - len(event_body("payout.settled", {"x": ""}, NOW))
    fits, too_large = ({"x": "y" * size} for size in (most, most + 1))
    assert (
        len(payload("c", hook(Payload("payout.settled", fits)), "payout.settled", NOW))
        == PAYLOAD_LIMIT - 1
    )
    body = json.loads(
        payload("c", hook(Payload("payout.settled", too_large)), "payout.settled", NOW)
    )
    assert (body["type"], body["data"]["test"]) == ("payout.settled", True)


def test_half_a_character_is_sent_as_a_question_mark() -> None:
    """UTF-8 has no bytes for it, and a receiver that gets nothing proves nothing."""
    body = event_body("payout.\ud800", {"\udc00": "a\ud83db"}, NOW)
    assert json.loads(body) == {
        "type": "payout.?", "timestamp": "2026-11-23T22:45:00Z", "test": True, "data": {"?": "a?b"}
    }  # fmt: skip


ANY = st.characters()  # lone surrogates, too, which a text has not by itself


@given(
    event=st.text(ANY, max_size=200),
    name=st.text(ANY, max_size=63),
    data=st.none()
    | st.dictionaries(
        st.text(ANY, max_size=5), st.text(ANY, max_size=9_000) | st.integers(), max_size=4
    ),
)
def test_always_below_the_limit_and_always_marked(
    event: str, name: str, data: dict[str, object] | None
) -> None:
    """Whatever was written, lone surrogates included."""
    body = payload(name, hook(Payload(event, data), events=(event,), name=name), event, NOW)
    assert len(body) < PAYLOAD_LIMIT
    value = json.loads(body)
    assert value.keys() == {"type", "timestamp", "test", "data"}
    assert value["test"] is True
    assert isinstance(value["data"], dict)
