"""Alerts by mail: the home of ``smtplib``.

The name of the server is resolved once, every answer is judged as those of webhooks are, and the
connection is made to exactly that address. Passwords and mails go over TLS, but on loopback and in
allowedNetworks.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from reconciler.adapters.delivery.resolve import system_resolve
from reconciler.adapters.system.tls import trusting
from reconciler.dataclass import dataclass
from reconciler.domain.declared.alert import MailTarget, SmtpTls
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.wire.addresses import judge_address, parse_networks

# A relay on this machine is nobody else's.
_LOOPBACK = ("127.0.0.0/8", "::1/128")


class MailError(Exception):
    """Why a mail was not sent: a sentence with its code, and nothing that a server or a secret
    says."""


@dataclass(frozen=True, slots=True)
class Mail:
    """``recipients`` are addresses.

    ``id`` is part of the Message-ID. ``allowed`` are CIDR strings.
    """

    channel: str
    target: MailTarget
    recipients: tuple[str, ...]
    subject: str
    text: str
    id: str
    at: datetime
    allowed: tuple[str, ...]
    password: Secret | None = None

    def carry(self, until: float) -> str:
        try:
            with closing(_connect(self.target, self.allowed, until)) as smtp:
                _log_in(smtp, self.target, self.password)
                refused = smtp.send_message(mail_message(self), self.target.sender, self.recipients)
                # it is accepted, whatever becomes of the farewell
                with suppress(smtplib.SMTPException, OSError):
                    smtp.quit()
        except MailError as error:
            return str(error)
        except (smtplib.SMTPException, OSError) as error:
            return _explain(error, self.target)
        if refused:
            codes = ", ".join(sorted({str(code) for code, _ in refused.values()}))
            return (
                f"RC545: the mail server refused {len(refused)} of {len(self.recipients)}"
                f" recipients ({codes})"
            )
        return ""


def mail_message(mail: Mail) -> EmailMessage:
    """The mail as it is sent; a header cannot hold a line end, and what is not ASCII is encoded
    (RFC 2047)."""
    message = EmailMessage(policy=SMTP)
    message["From"] = mail.target.sender
    message["To"] = ", ".join(mail.recipients)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = f"<{mail.id}@{_domain(mail.target.sender)}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation note answers it
    message.set_content(mail.text, charset="utf-8")
    return message


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


class _Pinned(smtplib.SMTP):
    """Speaks over a connection that was made already; ``host`` is the name that its certificate
    must have."""

    def __init__(self, connection: socket.socket, target: MailTarget) -> None:
        self._connection = connection
        # The name of this machine is nobody's business, and looking it up may hang.
        super().__init__(target.host, target.port, local_hostname=_domain(target.sender))

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._connection


def _connect(target: MailTarget, allowed: Sequence[str], until: float) -> smtplib.SMTP:
    """A session that is encrypted as it was declared to be."""
    connection = _reach(target, allowed, until)
    try:
        if target.tls is SmtpTls.IMPLICIT:
            connection = _trust(target).wrap_socket(connection, server_hostname=target.host)
        smtp = _Pinned(connection, target)
    except BaseException:
        connection.close()
        raise
    if target.tls is SmtpTls.STARTTLS:
        try:
            smtp.starttls(context=_trust(target))
        except BaseException:
            smtp.close()
            raise
    return smtp


def _trust(target: MailTarget) -> ssl.SSLContext:
    try:
        return trusting(target.ca_cert)
    except OSError:  # ssl.SSLError, for a file that is no PEM, is one too
        raise MailError("RC545: the file of smtp.caCert cannot be read") from None


def _reach(target: MailTarget, allowed: Sequence[str], until: float) -> socket.socket:
    """One of the judged addresses that answers, and every wait on it bounded by what is left."""
    networks = parse_networks((*allowed, *_LOOPBACK))
    try:
        answers = system_resolve(target.host, target.port)
    except (OSError, UnicodeError):
        raise MailError(f"RC545: the mail server {target.host} does not resolve") from None
    for _, address in answers:
        judgement = judge_address(str(address[0]), networks)
        if not judgement.allowed:
            raise MailError(
                f"RC545: the mail server {target.host} is at {judgement.address}, which is not"
                f" allowed ({judgement.reason})"
            )
        if target.tls is SmtpTls.NONE and not judgement.listed:
            raise MailError(
                f"RC545: the mail server {target.host} would be reached without TLS: declare"
                " smtp.tls"
            )
    for family, address in answers:
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(max(0.01, until - time.monotonic()))
            connection.connect(address)
        except OSError:
            connection.close()
        else:
            return connection
    raise MailError(
        f"RC545: the mail server {target.host}:{target.port} cannot be reached; check smtp.host and"
        " smtp.port"
    )


def _log_in(smtp: smtplib.SMTP, target: MailTarget, password: Secret | None) -> None:
    if target.username is None or password is None:
        return
    if not (target.username + password.reveal()).isascii():
        raise MailError("RC540: user name and password for SMTP must be ASCII")
    smtp.login(target.username, password.reveal())


def _explain(error: Exception, target: MailTarget) -> str:
    """A sentence for what ``smtplib`` and the network raise; what the server said is left out but
    for its code."""
    where = f"the mail server {target.host}:{target.port}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return (
            f"RC545: {where} refuses the user name or password ({error.smtp_code}); check"
            " smtp.username"
        )
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = ", ".join(sorted({str(code) for code, _ in error.recipients.values()}))
        return f"RC545: {where} refused every recipient ({codes})"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"RC545: {where} refused the mail ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"RC545: {where} does not offer what smtp.tls or smtp.username asks for"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"RC545: the certificate of {where} is not valid for it or not trusted; check smtp.host"
            " and smtp.caCert"
        )
    if isinstance(error, ssl.SSLError):
        return f"RC545: the TLS handshake with {where} failed; check smtp.port and smtp.tls"
    if isinstance(error, TimeoutError):
        return f"RC543: {where} did not answer in time"
    return f"RC545: the connection to {where} broke"
