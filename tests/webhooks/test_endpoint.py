"""Declared URLs, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.webhooks.wire.endpoint import Endpoint, parse_endpoint, show_url


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        ("https://hooks.example.com/payouts", "hooks.example.com", 443, "/payouts"),
        ("https://hooks.example.com", "hooks.example.com", 443, "/"),
        ("http://127.0.0.1:8080/a?b=c&d=%20", "127.0.0.1", 8080, "/a?b=c&d=%20"),
        ("https://Hooks.EXAMPLE.com:65535/", "hooks.example.com", 65535, "/"),
        ("https://hooks.example.com./x", "hooks.example.com.", 443, "/x"),
        ("https://[2001:DB8::1]:8443/x", "2001:db8::1", 8443, "/x"),
        ("https://münchen.example/straße", "xn--mnchen-3ya.example", 443, "/stra%C3%9Fe"),
        ("https://xn--mnchen-3ya.example/", "xn--mnchen-3ya.example", 443, "/"),
        ("https://①②⑦.⓪.⓪.①/", "127.0.0.1", 443, "/"),
        ("https://127.1/", "127.1", 443, "/"),
        ("https://0x7f000001/", "0x7f000001", 443, "/"),
        ("https://2130706433/", "2130706433", 443, "/"),
        ("https://my_host.internal/", "my_host.internal", 443, "/"),
        ('https://example.com/"<>', "example.com", 443, "/%22%3C%3E"),
        ("https://example.com?x=1", "example.com", 443, "/?x=1"),
        ("https://\uff45\uff58ample。com/", "example.com", 443, "/"),
    ],
)
def test_usable_urls(url: str, host: str, port: int, target: str) -> None:
    assert parse_endpoint(url) == Endpoint(url.split(":", maxsplit=1)[0], host, port, target)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "does not begin with https"),
        ("hooks.example.com", "does not begin with https"),
        ("ftp://example.com/", "does not begin with https"),
        ("file:///etc/passwd", "does not begin with https"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https://user:hunter2@example.com/", "user name or password"),
        ("https://@example.com/", "user name or password"),
        ("https://example.com:0/", "port 0"),
        ("https://example.com:/", "no port after its colon"),
        ("https://example.com:99999/", "cannot be read"),
        ("https://example.com:８/", "invisible|cannot be read|no host"),
        ("https://example.com:80a/", "cannot be read"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com/a b", "space"),
        ("https://example.com/\r\nX-Injected: 1", "space"),
        ("https://example.com/\tx", "space"),
        ("https://exam\u200bple.com/", "invisible"),
        ("https://example.com\\@evil.example/", "backslash"),
        ("https://[::1/", "cannot be read"),
        ("https://[::1%25eth0]/", "cannot be read|without a zone"),
        ("https://[::1].example.com/", "beside its brackets"),
        ("https://example.com[::1]/", "beside its brackets|cannot be read"),
        ("https://[127.0.0.1]/", "cannot be read|not an IPv6"),
        ("https://-example.com/", "no host name"),
        ("https://.example.com/", "no host name"),
        ("https://exa..mple.com/", "no host name"),
        ("https://exa%6dple.com/", "no host name"),
        (f"https://{'a' * 64}.com/", "no host name"),
        (f"https://{'a.' * 130}com/", "no host name"),
        ("https://straße.example/", "two ways"),
        ("https://example.com/" + "a" * 2048, "longer than"),
        ("https://ex\u2100mple.com/", "cannot be read|no host"),
    ],
)
def test_unusable_urls(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        parse_endpoint(url)
    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=80), st.text(max_size=20))
def test_any_text_gives_an_endpoint_or_a_sentence(text: str, host: str) -> None:
    for url in (text, f"https://{text}", f"https://{host}/{text}"):
        try:
            endpoint = parse_endpoint(url)
        except ValueError:
            continue
        assert (endpoint.host + endpoint.target).isascii()
        assert (endpoint.host + endpoint.target).isprintable()
        assert " " not in endpoint.target


def test_a_recorded_url_has_no_password_and_no_escape() -> None:
    assert show_url("https://user:hunter2@example.com/x") == "https://***@example.com/x"
    assert show_url("https://example.com/\x1b[31m") == "https://example.com/?[31m"
    assert show_url("https://example.com/a@b") == "https://example.com/a@b"
