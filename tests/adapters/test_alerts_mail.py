"""Alerts by mail to a real mail server on loopback: plain, STARTTLS with our own authority, TLS,
logins, refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.alerts.channels import send_all
from reconciler.adapters.alerts.mail import Mail, mail_message
from reconciler.domain.declared.alert import MailTarget, SmtpTls
from reconciler.domain.secrecy.secret import Secret
from tests.kit.webhooks.authority import Authority
from tests.kit.webhooks.mail import greeting, mail_server
from tests.kit.webhooks.receivers import listening

NOW = datetime(2026, 11, 23, 22, 45, tzinfo=UTC)
PASSWORD = "correct-horse-canary"
AMPLE, BRIEF = 30.0, 0.4


def mail(port: int, tls: SmtpTls = SmtpTls.NONE, *, password: str = PASSWORD, **more: Any) -> Mail:
    to = more.pop("recipients", ("payments@example.com",))
    target = MailTarget("127.0.0.1", port, tls, "reconciler@example.com", to, **more)
    secret = Secret(password) if target.username else None
    return Mail("post", target, to, "[acme] Überfällig", "Grüße\n", "msg_1", NOW, (), secret)


def test_a_mail_arrives_and_says_that_no_person_wrote_it() -> None:
    with mail_server() as server:
        assert send_all(
            [mail(server.port, recipients=("a@example.com", "b@example.com"))], AMPLE
        ) == [""]
        [message], [recipients] = server.mails, server.recipients
    assert recipients == ["a@example.com", "b@example.com"]
    assert message["subject"] == "[acme] Überfällig"
    assert message["to"] == "a@example.com, b@example.com"
    assert message["from"] == "reconciler@example.com"
    assert message["auto-submitted"] == "auto-generated"
    assert message["message-id"] == "<msg_1@example.com>"
    assert message["date"].datetime == NOW
    assert message.get_content_type() == "text/plain"
    assert message.get_content().splitlines() == ["Grüße"]


def test_starttls_and_a_login_with_a_certificate_of_our_own_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with mail_server(starttls=authority.server_context(), login=("reconciler", PASSWORD)) as server:
        right = mail(
            server.port, SmtpTls.STARTTLS, username="reconciler", ca_cert=authority.ca_file
        )
        assert send_all([right], AMPLE) == [""]
        assert len(server.mails) == 1
        [wrong] = send_all([replace(right, password=Secret("wrong"))], AMPLE)
        assert len(server.mails) == 1
    assert "refuses the user name or password (535)" in wrong


def test_tls_from_the_start(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with mail_server(implicit=authority.server_context()) as server:
        assert send_all(
            [mail(server.port, SmtpTls.IMPLICIT, ca_cert=authority.ca_file)], AMPLE
        ) == [""]
        assert len(server.mails) == 1


@pytest.mark.parametrize("tls", [SmtpTls.STARTTLS, SmtpTls.IMPLICIT])
@pytest.mark.parametrize("name", ["127.0.0.1", "other.example"])
def test_a_certificate_that_is_not_trusted_or_for_another_name(
    tls: SmtpTls, name: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    context = authority.server_context(name)
    trusted = authority.ca_file if name == "other.example" else None
    how = {"starttls" if tls is SmtpTls.STARTTLS else "implicit": context}
    with mail_server(**how) as server:  # type: ignore[arg-type]
        [problem] = send_all(
            [mail(server.port, tls, ca_cert=trusted, username="reconciler")], AMPLE
        )
        assert server.mails == []
    assert "is not valid for it or not trusted" in problem


def test_a_certificate_of_a_mail_server_without_alternative_names(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server_context("localhost", alternative=False)
    with mail_server(implicit=context) as server:
        target = mail(server.port, SmtpTls.IMPLICIT, ca_cert=authority.ca_file)
        named = replace(target, target=replace(target.target, host="localhost"))
        [problem] = send_all([named], AMPLE)
        assert server.mails == []
    assert "is not valid for it or not trusted" in problem


def test_a_server_without_starttls_gets_neither_password_nor_mail() -> None:
    with mail_server() as server:
        [problem] = send_all([mail(server.port, SmtpTls.STARTTLS, username="reconciler")], AMPLE)
        assert server.mails == []
    assert "does not offer what smtp.tls or smtp.username asks for" in problem


def test_recipients_that_are_refused_are_counted_and_the_others_get_theirs() -> None:
    with mail_server(refused=frozenset({"gone@example.com"})) as server:
        both = mail(server.port, recipients=("gone@example.com", "a@example.com"))
        assert send_all([both, replace(both, recipients=("gone@example.com",))], AMPLE) == [
            "RC545: the mail server refused 1 of 2 recipients (550)",
            f"RC545: the mail server 127.0.0.1:{server.port} refused every recipient (550)",
        ]
        assert server.recipients == [["a@example.com"]]


@pytest.mark.parametrize("tls", list(SmtpTls))
def test_a_server_that_says_nothing_is_given_up(tls: SmtpTls) -> None:
    with listening() as port:
        [problem] = send_all([mail(port, tls)], BRIEF)
    assert problem[:5] in ("RC543", "RC545")


@pytest.mark.parametrize("talk", [b"554 go away\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\xff\x00\r\n"])
def test_a_server_that_speaks_otherwise(talk: bytes) -> None:
    with greeting(talk) as port:
        [problem] = send_all([mail(port)], AMPLE)
    assert problem.startswith("RC54")


def test_where_no_mail_goes() -> None:
    with mail_server() as server:
        port = server.port
    private = replace(mail(port), target=replace(mail(port).target, host="10.0.0.1"))
    metadata = replace(
        private, target=replace(private.target, host="169.254.169.254"), allowed=("169.254.0.0/16",)
    )
    public = replace(private, target=replace(private.target, host="8.8.8.8"))
    nowhere = replace(private, target=replace(private.target, host="nowhere.invalid"))
    told = send_all([mail(port), private, metadata, public, nowhere], AMPLE)
    assert "cannot be reached" in told[0]
    assert "a private network" in told[1]
    assert "a cloud metadata service" in told[2]
    assert "without TLS" in told[3]
    assert "does not resolve" in told[4]


def test_a_password_that_smtp_cannot_carry_is_told_without_it() -> None:
    with mail_server() as server:
        [problem] = send_all([mail(server.port, username="reconciler", password="geheim-ü")], AMPLE)
    assert problem == "RC540: user name and password for SMTP must be ASCII"


@pytest.mark.parametrize("subject", ["x\r\nBcc: victim@example.com", "x\nSubject: y"])
def test_a_header_cannot_be_ended(subject: str) -> None:
    """Renderers take line ends out; were one left in, the mail would not be made."""
    with pytest.raises(ValueError, match="linefeed"):
        mail_message(replace(mail(25), subject=subject))
