"""Where a delivery may go: names, spellings, rebinding, proxies."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from reconciler.adapters.sender import WebhookSender
from tests.adapters.test_sender import LOOPBACK, deliver, resolver
from tests.kit.receivers import answers, receiving

PRIVATE = (
    "127.0.0.1 localhost 127.1 0x7f000001 2130706433 017700000001 0 ①②⑦.⓪.⓪.① 127。0。0。1 "
    "[::1] [::ffff:127.0.0.1] [::] [fe80::1] 169.254.169.254 [64:ff9b::a9fe:a9fe] 10.1.2.3 "
    "100.64.0.1 192.168.1.1 224.0.0.1 255.255.255.255 168.63.129.16 [2002:7f00:1::] 192.0.0.8"
)


@pytest.mark.parametrize("host", PRIVATE.split(" "))
def test_a_private_address_is_refused_however_it_is_spelt(host: str) -> None:
    with receiving(answers(200)) as receiver:
        delivery = deliver(f"https://{host}:{receiver.port}/", sender=WebhookSender(()))
    assert delivery.message.startswith("RC503: ")
    assert (delivery.accepted, delivery.status) == (False, None)
    assert receiver.seen == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f000001", "①②⑦.⓪.⓪.①"])
def test_the_same_spellings_work_where_loopback_is_allowed(host: str) -> None:
    with receiving(answers(200)) as receiver:
        assert deliver(f"http://{host}:{receiver.port}/").accepted


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1", "10.0.0.1"),
        ("127.0.0.1", "169.254.169.254"),
        ("127.0.0.1", "::1"),
        ("127.0.0.1", "::ffff:10.0.0.1"),
        ("169.254.169.254",),
    ],
)
def test_one_bad_address_among_the_answers_refuses_all(addresses: tuple[str, ...]) -> None:
    with receiving(answers(200)) as receiver:
        sender = WebhookSender(LOOPBACK, resolve=resolver(*addresses))
        delivery = deliver(f"http://hooks.example.com:{receiver.port}/", sender=sender)
    assert delivery.message.startswith("RC503: hooks.example.com resolves to ")
    assert receiver.seen == []


def test_the_name_is_resolved_once_and_the_answer_is_pinned() -> None:
    """Rebinding: a second look-up would lead elsewhere, so there is none."""
    calls: list[str] = []

    def rebind(host: str, port: int) -> Sequence[tuple[int, tuple[Any, ...]]]:
        calls.append(host)
        return [(socket.AF_INET, ("127.0.0.1" if len(calls) == 1 else "10.0.0.1", port))]

    with receiving(answers(200)) as receiver:
        delivery = deliver(f"http://hooks.example.com:{receiver.port}/", sender=WebhookSender(LOOPBACK, resolve=rebind))
    assert delivery.accepted
    assert calls == ["hooks.example.com"]
    assert receiver.seen[0].headers["host"] == f"hooks.example.com:{receiver.port}"


def test_the_next_address_is_tried_when_one_refuses() -> None:
    with receiving(answers(200)) as receiver:
        sender = WebhookSender(LOOPBACK, resolve=resolver("127.0.0.99", "127.0.0.1"))
        assert deliver(f"http://hooks.example.com:{receiver.port}/", sender=sender).accepted


def test_plain_http_only_inside_allowed_networks() -> None:
    sender = WebhookSender(LOOPBACK, resolve=resolver("93.184.216.34"))
    delivery = deliver("http://hooks.example.com/", sender=sender)
    assert delivery.message.startswith(
        "RC504: hooks.example.com resolves to 93.184.216.34, which would be reached by plain http; use https"
    )


def test_plain_http_to_a_private_address_is_refused_for_the_address() -> None:
    assert deliver("http://10.0.0.1/", sender=WebhookSender(())).message.startswith("RC503: ")


def test_metadata_is_refused_even_where_everything_is_allowed() -> None:
    sender = WebhookSender(("0.0.0.0/0", "::/0"))
    delivery = deliver("http://169.254.169.254/latest/meta-data/", sender=sender)
    assert delivery.message.startswith("RC503: 169.254.169.254 is not allowed (a cloud metadata service); ")


def test_a_name_that_does_not_resolve() -> None:
    def unknown(host: str, port: int) -> Sequence[tuple[int, tuple[Any, ...]]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def no_server(host: str, port: int) -> Sequence[tuple[int, tuple[Any, ...]]]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    url = "https://hooks.example.invalid/"
    cases = [(unknown, "does not resolve"), (no_server, "cannot be resolved now"), (resolver(), "has no address")]
    for resolve, words in cases:
        delivery = deliver(url, sender=WebhookSender((), resolve=resolve))
        assert delivery.message.startswith(f"RC502: hooks.example.invalid {words}; ")


def test_the_systems_own_resolver_gives_a_sentence_too() -> None:
    delivery = deliver("https://hooks.example.invalid/", timeout=timedelta(seconds=30), sender=WebhookSender(()))
    assert delivery.message[:6] in {"RC502:", "RC510:"}


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with receiving(answers(200)) as trap, receiving(answers(204)) as receiver:
        for variable in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv(name, trap.url)
        plain = deliver(receiver.url)
        deliver(receiver.url.replace("http:", "https:"))
    assert plain.status == 204
    assert trap.seen == []


def test_no_netrc_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with receiving(answers(200)) as receiver:
        deliver(receiver.url)
    assert "authorization" not in receiver.seen[0].headers


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "https://",
        "https://127.0.0.1:0/",
        "https://127.0.0.1:65536/",
        "https://a b/",
        "//x",
        "🦊",
        "https://exa\u200dmple.com/",
        "https://[::1",
        "https://h/\r\nX: 1",
        f"https://{'a' * 300}/",
        "\x00",
    ],
)
def test_urls_that_are_none(url: str) -> None:
    delivery = deliver(url)
    assert delivery.message.startswith("RC501: ")
    assert delivery.url.isprintable()
