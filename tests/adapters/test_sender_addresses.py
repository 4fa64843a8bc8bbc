"""Where a request may go: addresses and spellings, names that lead elsewhere, ports, what the
environment says."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.delivery import connection as sender_connection
from reconciler.adapters.delivery.resolve import Answers
from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.domain.declared.desired import DeliverySettings
from reconciler.webhooks.wire.http import HttpFailure, HttpResponse
from tests.kit.suite.tally import Tally
from tests.kit.webhooks.addresses import HOSTILE, NO_ADDRESS, PUBLIC, SPELLINGS
from tests.kit.webhooks.receivers import Receiver, answers, receiving
from tests.kit.webhooks.sending import AMPLE, LOOPBACK, resolver, said, send

EVERYTHING = ("0.0.0.0/0", "::/0")


@pytest.fixture(scope="module")
def trap() -> Iterator[Receiver]:
    """A receiver on loopback that no request of this module may reach."""
    with receiving(answers(200)) as receiver:
        yield receiver
        assert receiver.seen == []


def refused(host: str, port: int, sender: WebhookSender) -> None:
    for scheme in ("https", "http"):
        answer = send(f"{scheme}://{host}:{port}/", sender)
        assert isinstance(answer, HttpFailure), host
        assert answer.code == "RC503", (host, said(answer))
        assert "is not allowed (" in answer.detail
        assert (answer.status, answer.latency.connect) == (None, None), "nothing was connected to"


def test_no_hostile_address_is_reached_under_a_name(trap: Receiver, tally: Tally) -> None:
    """The name of the host says what it resolves to: one sender, and its one trust store, for all
    of them."""
    names = {f"host-{index}.example.com": address for index, (address, _) in enumerate(HOSTILE)}
    nothing, everything = (
        WebhookSender(networks, resolve=lambda host, port: resolver(names[host])(host, port))
        for networks in ((), EVERYTHING)
    )
    for (name, _), (_, always) in zip(names.items(), HOSTILE, strict=True):
        refused(name, trap.port, nothing)
        if always:
            refused(name, trap.port, everything)
    names.update({f"text-{index}.example.com": text for index, text in enumerate(NO_ADDRESS)})
    for index in range(len(NO_ADDRESS)):
        refused(f"text-{index}.example.com", trap.port, everything)
    tally("hostile addresses refused under a name", len(HOSTILE) + len(NO_ADDRESS))


def test_no_hostile_address_is_reached_as_it_is(trap: Receiver, tally: Tally) -> None:
    literal = [address for address, _ in HOSTILE if "%" not in address]
    sender = WebhookSender(())
    for address in literal:
        refused(f"[{address}]" if ":" in address else address, trap.port, sender)
    tally("hostile addresses refused in a URL", len(literal))


def test_no_hostile_address_is_reached_however_it_is_spelt(trap: Receiver, tally: Tally) -> None:
    """With the system's own resolver: whatever it takes for an address is judged after it did."""
    sender = WebhookSender(())
    for host in SPELLINGS:
        refused(host, trap.port, sender)
    tally("hostile spellings refused", len(SPELLINGS))
    assert len(HOSTILE) + len(SPELLINGS) >= 60


@pytest.mark.parametrize(
    "host",
    [
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]",
        "[::1%lo]",
        "[127.0.0.1]",
        "127.0.0.1..",
        "[::1].",
        "[::1].example.com",
        "example.com[::1]",
        "[]",
        "%31",
    ],
)
def test_spellings_that_are_no_host_are_refused_before_anything_is_asked(host: str) -> None:
    def never(host: str, port: int) -> Answers:
        raise AssertionError(host)

    assert said(send(f"https://{host}/", WebhookSender(EVERYTHING, resolve=never))).startswith(
        "RC501: "
    )


def test_public_addresses_pass_the_judgement(tally: Tally) -> None:
    """What stops them here is the port: that is asked last, after every address was found to be
    public."""
    sender = WebhookSender((), DeliverySettings(ports=(443,)), resolve=resolver(*PUBLIC))
    answer = send("https://hooks.example.com:7/", sender)
    first = PUBLIC[0]
    expected = f"RC521: hooks.example.com resolves to {first}, which would be reached at port 7, and only 443 may be"
    assert said(answer) == expected
    names = {f"host-{index}.example": address for index, address in enumerate(PUBLIC)}
    sender = WebhookSender((), resolve=lambda host, port: resolver(names[host])(host, port))
    for name, address in names.items():
        shown = address.removeprefix("::ffff:")
        answer = send(f"https://{name}:7/", sender)
        assert said(answer).startswith(
            f"RC521: {name} resolves to {shown}, which would be reached at port 7"
        ), shown
    tally("public addresses allowed", len(PUBLIC))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f000001", "①②⑦.⓪.⓪.①", "localhost"])
def test_the_same_spellings_work_where_loopback_is_allowed(host: str) -> None:
    with receiving(answers(200)) as receiver:
        assert (
            said(send(f"http://{host}:{receiver.port}/", WebhookSender((*LOOPBACK, "::1/128"))))
            == "200"
        )


MIXED = (
    ("127.0.0.1", "10.0.0.1"),
    ("10.0.0.1", "127.0.0.1"),
    ("127.0.0.1", "169.254.169.254"),
    ("127.0.0.1", "::1"),
    ("127.0.0.1", "::ffff:10.0.0.1"),
    ("127.0.0.1", "2606:4700::1111", "fd00:ec2::254"),
    ("8.8.8.8", "127.0.0.1", "0.0.0.0"),
    (*["127.0.0.1"] * 50, "10.0.0.1"),
    ("169.254.169.254",),
)


def test_one_bad_address_among_the_answers_refuses_all(trap: Receiver, tally: Tally) -> None:
    for addresses in MIXED:
        sender = WebhookSender(LOOPBACK, resolve=resolver(*addresses))
        assert said(send(f"https://a.example:{trap.port}/", sender))[:6] in {"RC503:", "RC521:"}
        bad = next(
            one for one in addresses if one not in {"127.0.0.1", "8.8.8.8", "2606:4700::1111"}
        )
        shown = bad.removeprefix("::ffff:")
        inside = WebhookSender(
            (*LOOPBACK, "8.8.8.8/32", "2606:4700::/32"), resolve=resolver(*addresses)
        )
        assert said(send(f"http://a.example:{trap.port}/", inside)).startswith(
            f"RC503: a.example resolves to {shown},"
        )
    tally("mixed answers refused", len(MIXED))


def test_the_name_is_resolved_once_and_the_answer_is_pinned(tally: Tally) -> None:
    """Rebinding: a second look-up would lead elsewhere, so there is none."""
    calls: list[str] = []

    def rebind(host: str, port: int) -> Answers:
        calls.append(host)
        return [(socket.AF_INET, ("127.0.0.1" if len(calls) == 1 else "10.0.0.1", port))]

    sender = WebhookSender(LOOPBACK, resolve=rebind)
    with receiving(answers(200)) as receiver:
        assert said(send(f"http://hooks.example.com:{receiver.port}/", sender)) == "200"
        assert calls == ["hooks.example.com"]
        assert receiver.seen[0].headers["host"] == f"hooks.example.com:{receiver.port}"
        # A second request asks again, and is judged again.
        assert said(send(f"http://hooks.example.com:{receiver.port}/", sender)).startswith(
            "RC503: "
        )
        assert len(receiver.seen) == 1
    tally("rebinding names refused", 1)


def test_the_next_address_is_tried_when_one_refuses() -> None:
    with receiving(answers(200)) as receiver:
        sender = WebhookSender(LOOPBACK, resolve=resolver("127.0.0.99", "127.0.0.1"))
        assert said(send(f"http://hooks.example.com:{receiver.port}/", sender)) == "200"


def test_plain_http_only_inside_allowed_networks() -> None:
    sender = WebhookSender(LOOPBACK, resolve=resolver("93.184.216.34"))
    assert said(send("http://hooks.example.com/", sender)) == (
        "RC504: hooks.example.com resolves to 93.184.216.34, which would be reached by plain http"
    )
    assert (
        said(send("http://93.184.216.34/", sender))
        == "RC504: 93.184.216.34 would be reached by plain http"
    )


@pytest.mark.parametrize("port", [1, 22, 25, 80, 6379, 9443, 65535])
def test_outside_allowed_networks_only_the_declared_ports(port: int) -> None:
    sender = WebhookSender(LOOPBACK, resolve=resolver("93.184.216.34"))
    assert said(send(f"https://hooks.example.com:{port}/", sender)) == (
        "RC521: hooks.example.com resolves to 93.184.216.34, "
        f"which would be reached at port {port}, and only 443, 8443 may be"
    )


def test_declared_ports_replace_the_default_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(unused: socket.socket, address: tuple[Any, ...], timeout: float) -> socket.socket:
        unused.close()
        assert address == ("93.184.216.34", 9443)
        raise ConnectionRefusedError

    monkeypatch.setattr(sender_connection, "connect_within", refuse)  # no test leaves this machine
    sender = WebhookSender((), DeliverySettings(ports=(9443,)), resolve=resolver("93.184.216.34"))
    assert said(send("https://a.example/", sender)).startswith("RC521: ")
    assert (
        said(send("https://a.example:9443/", sender))
        == "RC505: a.example:9443 refuses the connection"
    )


def test_inside_allowed_networks_any_port_will_do() -> None:
    with receiving(answers(200)) as receiver:
        assert (
            said(send(receiver.url, WebhookSender(LOOPBACK, DeliverySettings(ports=(443,)))))
            == "200"
        )


def test_metadata_is_refused_even_where_everything_is_allowed() -> None:
    answer = send("http://169.254.169.254/latest/meta-data/", WebhookSender(EVERYTHING))
    assert said(answer) == "RC503: 169.254.169.254 is not allowed (a cloud metadata service)"


def test_a_name_that_does_not_resolve() -> None:
    def unknown(host: str, port: int) -> Answers:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def no_server(host: str, port: int) -> Answers:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    cases = [
        (unknown, "does not resolve"),
        (no_server, "cannot be resolved now"),
        (resolver(), "has no address"),
    ]
    for resolve, words in cases:
        answer = send("https://hooks.example.invalid/", WebhookSender((), resolve=resolve))
        assert said(answer) == f"RC502: hooks.example.invalid {words}"


def test_the_systems_own_resolver_gives_a_sentence_too() -> None:
    answer = send("https://hooks.example.invalid/", WebhookSender(()), deadline=AMPLE)
    assert said(answer)[:6] in {"RC502:", "RC510:"}


PROXIES = (
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "REQUEST_METHOD",
)


def test_proxies_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    with receiving(answers(200)) as trap, receiving(answers(204)) as receiver:
        for variable in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(variable, raising=False)
        for name in PROXIES:
            monkeypatch.setenv(name, trap.url)
        assert said(send(receiver.url)) == "204"
        assert said(send(receiver.url.replace("http:", "https:"))).startswith("RC509: ")
        assert trap.seen == []
    tally("variables of the environment that name a proxy, ignored", len(PROXIES) - 1)


def test_no_netrc_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text(
        "machine 127.0.0.1 login user password hunter2\ndefault login user password hunter2\n"
    )
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with receiving(answers(200)) as receiver:
        assert isinstance(send(receiver.url), HttpResponse)
    assert "authorization" not in receiver.seen[0].headers


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "file:///etc/passwd",
        "https://",
        "https://127.0.0.1:0/",
        "https://127.0.0.1:65536/",
        "https://user:hunter2@127.0.0.1/",
        "https://127.0.0.1@evil.example/",
        "https://a b/",
        "//x",
        "🦊",
        "https://exa\u200dmple.com/",
        "https://[::1",
        "https://h/\r\nX: 1",
        "https://h\r\nX: 1/",
        "https://h\x00.example/",
        f"https://{'a' * 300}/",
        "\x00",
    ],
)
def test_urls_that_are_none(url: str) -> None:
    answer = said(send(url))
    assert answer.startswith("RC501: ")
    assert "hunter2" not in answer
