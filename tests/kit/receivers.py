"""Webhook receivers on loopback that behave well or badly, with or without TLS: real sockets, real certificates."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# The longest any handler waits when a test forgets to close its receiver.
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Seen:
    """One request that arrived. Header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[["Handler"], None]


@dataclass
class Receiver:
    """A running receiver. ``closing`` is set when the test ends, which frees every handler that waits."""

    url: str
    port: int
    seen: list[Seen] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    arrived: Seen  # what this handler is to answer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.arrived = Seen(self.command, self.path, headers, body)
        self.server.receiver.seen.append(self.arrived)
        self.close_connection = True
        with suppress(OSError):  # the sender gave up, which is what many tests are about
            self.server.behaviour(self)

    do_GET = do_CONNECT = do_POST  # noqa: N815 - the names that http.server calls

    def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def wait(self, seconds: float) -> bool:
        """Wait, but not past the end of the test; whether the test has ended."""
        return self.server.receiver.closing.wait(seconds)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server calls
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour = behaviour
        self.tls = tls
        scheme = "https" if tls else "http"
        port = self.server_address[1]
        self.receiver = Receiver(f"{scheme}://127.0.0.1:{port}", port)

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """The TLS handshake belongs to the connection's own thread, not to the one that accepts."""
        request.settimeout(PATIENCE_SECONDS)
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        try:
            wrapped = self.tls.wrap_socket(request, server_side=True)
        except OSError:
            return
        with wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that hangs up is no error of the receiver."""


@contextmanager
def receiving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a free loopback port for the length of a ``with`` block."""
    server = _Server(behaviour, tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.receiver
    finally:
        server.receiver.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def listening(talk: bytes = b"", *, cut: bool = False) -> Iterator[int]:
    """A bare TCP port: accepts, says ``talk`` whatever it hears, then hangs up (``cut``) or keeps silent."""
    ended = threading.Event()
    held: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    listener.settimeout(0.02)

    def accept() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(PATIENCE_SECONDS)
            with suppress(OSError):
                if cut or talk:
                    connection.recv(65536)
                connection.sendall(talk)
            if cut:
                connection.close()
            else:
                held.append(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        ended.set()
        thread.join()
        for open_socket in (*held, listener):
            open_socket.close()


def answers(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answers everything so. ``location="…"`` becomes a header."""
    return lambda handler: handler.reply(status, body, headers)


def never_answers(handler: Handler) -> None:
    handler.wait(PATIENCE_SECONDS)


def drips_headers(handler: Handler) -> None:
    """A header line now and then, for ever: each single wait is short."""
    handler.send_response_only(200)
    handler.flush_headers()
    while not handler.wait(0.03):
        handler.wfile.write(b"x-more: 1\r\n")


def drips_body(handler: Handler, status: int = 200) -> None:
    """A byte now and then, for ever."""
    handler.send_response_only(status)
    handler.send_header("content-length", "60000")
    handler.end_headers()
    while not handler.wait(0.03):
        handler.wfile.write(b"x")


def endless_body(handler: Handler) -> None:
    handler.send_response_only(200)
    handler.end_headers()
    while not handler.server.receiver.closing.is_set():
        handler.wfile.write(b"x" * 65536)


def endless_informational(handler: Handler) -> None:
    """103 Early Hints for ever."""
    while not handler.wait(0.01):
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")


def cuts_connection(handler: Handler) -> None:
    """Hangs up without a byte."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def cuts_body(handler: Handler) -> None:
    """Promises 100 bytes, sends 10, hangs up."""
    handler.send_response_only(200)
    handler.send_header("content-length", "100")
    handler.end_headers()
    handler.wfile.write(b"x" * 10)


class Authority:
    """A certificate authority that lives as long as a test. ``ca_file`` is what a sender trusts."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        builder = _builder(self._name, self._name, self._key, now - timedelta(days=1), now + timedelta(days=1))
        certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
            self._key, hashes.SHA256()
        )
        self._path = folder / f"{name.replace(' ', '-')}.pem"
        self._path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def ca_file(self) -> str:
        return str(self._path)

    def server_context(
        self, name: str = "127.0.0.1", *, begins: timedelta = timedelta(hours=-1), ends: timedelta = timedelta(hours=1)
    ) -> ssl.SSLContext:
        """A server's TLS context with a certificate for ``name`` (a host name or an address)."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        alternative: x509.GeneralName
        try:
            alternative = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            alternative = x509.DNSName(name)
        certificate = (
            _builder(subject, self._name, key, now + begins, now + ends)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        path = self._folder / f"{certificate.serial_number:x}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
