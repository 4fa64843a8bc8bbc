"""Requests to the API of a platform, against real servers that behave badly."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.adapters.forges.web import Web
from reconciler.adapters.vault.http.exchanged import Lost, NotSent
from reconciler.adapters.vault.http.proxies import Proxy
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import DeliveryError
from tests.kit.webhooks.authority import Authority
from tests.kit.webhooks.receivers import (
    Behaviour,
    answers,
    cuts_body,
    cuts_connection,
    drips_body,
    drips_headers,
    endless_body,
    endless_headers,
    endless_informational,
    never_answers,
    one_huge_header,
    receiving,
    tiny_chunks,
    zipped,
)
from tests.kit.webhooks.tunnel import tunnelling

TOKEN = "glpat-TheTokenThatMustNotGoElsewhere"
HEADERS = {"private-token": TOKEN, "user-agent": "reconciler"}
CAP = 100_000


def asked(web: Web, target: str = "/api/v4/user", body: bytes | None = None) -> tuple[int, bytes]:
    reply = web.exchange("GET" if body is None else "POST", target, HEADERS, body, CAP)
    return reply.status, reply.body


def test_an_answer_is_read_whole_and_the_request_is_what_was_asked() -> None:
    with receiving(answers(201, b'{"id": 1}', **{"ratelimit-reset": "7"})) as api:
        reply = Web(api.url, None, 5.0).exchange(
            "POST", "/api/v4/a%2Fb/..?page=1", HEADERS, b"{}", CAP
        )
    assert (reply.status, reply.body, reply.headers["ratelimit-reset"]) == (201, b'{"id": 1}', "7")
    (seen,) = api.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/api/v4/a%2Fb/..?page=1", b"{}")
    assert seen.headers["private-token"] == TOKEN
    assert seen.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_the_token_nowhere(status: int) -> None:
    with (
        receiving(answers(200)) as elsewhere,
        receiving(answers(status, location=f"{elsewhere.url}/x")) as api,
    ):
        assert asked(Web(api.url, None, 5.0)) == (status, b"")
    assert elsewhere.seen == []


def test_nothing_of_the_environment_decides_where_a_request_goes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    keys = tmp_path / "keys.log"
    with receiving(answers(200)) as proxy, receiving(answers(200)) as api:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
        assert asked(Web(api.url, None, 5.0))[0] == 200
        assert proxy.seen == []
        assert "authorization" not in api.seen[0].headers
    assert not keys.exists()


def test_no_cookie_of_an_answer_is_kept() -> None:
    with receiving(
        lambda handler: handler.reply(200, b"", {"set-cookie": "session=1; Path=/"})
    ) as api:
        web = Web(api.url, None, 5.0)
        asked(web)
        asked(web)
    assert all("cookie" not in seen.headers for seen in api.seen)


@pytest.mark.parametrize(
    "behaviour",
    [never_answers, drips_headers, drips_body, endless_informational],
    ids=lambda behaviour: behaviour.__name__,
)
def test_the_deadline_is_over_the_whole_exchange(behaviour: Behaviour) -> None:
    with receiving(behaviour) as api:
        begun = time.monotonic()
        with pytest.raises(Lost, match="no complete answer"):
            asked(Web(api.url, None, 0.5))
        assert time.monotonic() - begun < 3.0


def test_a_resolver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: time.sleep(2.0))
    with pytest.raises(Lost, match="no complete answer"):
        asked(Web("http://api.example.com", None, 0.3))


@pytest.mark.parametrize(
    ("behaviour", "why", "lasting"),
    [
        (endless_body, f"larger than {CAP} bytes", True),
        (tiny_chunks, f"larger than {CAP} bytes", True),
        (endless_headers, "cut, or the answer is not HTTP", False),
        (one_huge_header, "cut, or the answer is not HTTP", False),
        (cuts_body, "cut, or the answer is not HTTP", False),
        (cuts_connection, "cut, or the answer is not HTTP", False),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_what_is_no_answer_is_bounded_and_explained(
    behaviour: Behaviour, why: str, lasting: bool
) -> None:
    with receiving(behaviour) as api, pytest.raises(Lost, match=why) as lost:
        asked(Web(api.url, None, 20.0))
    assert lost.value.lasting is lasting
    assert TOKEN not in repr(lost.value)
    assert lost.value.__context__ is None


def test_a_body_that_is_packed_without_being_asked_for_is_not_unpacked() -> None:
    with receiving(zipped(50_000_000)) as api:
        status, body = asked(Web(api.url, None, 10.0))
    assert status == 200
    assert len(body) < CAP


def test_a_server_is_trusted_by_its_certificate_and_name(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "other authority")
    with receiving(answers(200), tls=authority.server_context()) as api:
        assert asked(Web(api.url, authority.ca_file, 5.0))[0] == 200
        with pytest.raises(NotSent, match="certificate is not trusted"):
            asked(Web(api.url, other.ca_file, 5.0))
    with (
        receiving(answers(200), tls=authority.server_context("elsewhere.example.com")) as api,
        pytest.raises(NotSent, match="certificate is not trusted"),
    ):
        asked(Web(api.url, authority.ca_file, 5.0))
    assert api.seen == []
    with receiving(answers(200)) as plain, pytest.raises(NotSent, match="does not speak TLS"):
        asked(Web(plain.url.replace("http:", "https:"), authority.ca_file, 5.0))
    with pytest.raises(DeliveryError):
        Web("https://127.0.0.1", str(tmp_path / "missing.pem"), 5.0)


def test_a_closed_port_and_a_request_that_cannot_be_sent_say_so() -> None:
    with receiving(answers(200)) as api:
        pass
    with pytest.raises(NotSent, match="the connection was refused"):
        asked(Web(api.url, None, 5.0))
    for target in ("/a b", "/\u00e9", "/a\r\nx: y"):
        with receiving(answers(200)) as api, pytest.raises(NotSent, match="cannot be sent"):
            asked(Web(api.url, None, 5.0), target)
        assert api.seen == []


def test_a_proxy_is_asked_for_a_tunnel_and_reads_nothing(tmp_path: Path) -> None:
    authority, host = Authority(tmp_path), "api.github.example"
    with receiving(answers(200, b"[]"), tls=authority.server_context(host)) as api:
        leads = ("127.0.0.1", urlsplit(api.url).port or 0)
        with tunnelling(leads, "ada:pass:word") as tunnel:
            proxy = Proxy("HTTPS_PROXY", f"http://{tunnel.address}", Secret("ada:pass:word"))
            web = Web(f"https://{host}", authority.ca_file, 5.0, proxy=proxy)
            assert asked(web, "/api/v3/a%2Fb/c?page=1&q=%26") == (200, b"[]")
            tunnel.refuses = 407
            with pytest.raises(NotSent, match="the proxy lets nothing through") as refused:
                asked(web)
    (seen,) = api.seen
    assert (seen.path, seen.headers["private-token"]) == ("/api/v3/a%2Fb/c?page=1&q=%26", TOKEN)
    assert {first for first, _ in tunnel.asked} == {f"CONNECT {host}:443 HTTP/1.1"}
    assert TOKEN not in str(tunnel.asked)
    assert "pass:word" not in repr(refused.value)
