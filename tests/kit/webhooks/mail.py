"""A real mail server on loopback: plain, with STARTTLS or TLS from the start, with or without a
login."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class MailServer:
    """What arrived: the mails, their envelopes' recipients, and whether a login preceded and TLS
    was on."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refused: frozenset[str] = frozenset()  # recipients that are turned away

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such user\twhsec_" + "x" * 40
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        message = message_from_bytes(envelope.original_content or b"", policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.recipients.append(list(envelope.rcpt_tos))
        self.encrypted.append(
            session.ssl is not None or isinstance(server.transport, ssl.SSLObject)
        )
        return "250 OK"


@contextmanager
def mail_server(
    *, starttls: ssl.SSLContext | None = None, implicit: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None, refused: frozenset[str] = frozenset(),
) -> Iterator[MailServer]:  # fmt: skip
    """A mail server for the length of a ``with`` block; ``login`` is the one user and password that
    it knows."""

    def authenticate(
        server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        known = isinstance(data, LoginPassword) and login == (
            data.login.decode(),
            data.password.decode(),
        )
        return AuthResult(success=known, handled=False)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = MailServer(port, refused=refused)
    options: dict[str, Any] = {"tls_context": starttls, "require_starttls": starttls is not None}
    if login is not None:
        options |= {"authenticator": authenticate, "auth_required": True}
    controller = Controller(
        server, hostname="127.0.0.1", port=port, ssl_context=implicit, **options
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@contextmanager
def greeting(talk: bytes) -> Iterator[int]:
    """A bare TCP port that says ``talk`` to the first who connects, as a mail server does, and
    hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(talk)

        thread = threading.Thread(target=greet)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join()
