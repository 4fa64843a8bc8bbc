"""TLS to Vault, directly or through the tunnel of a proxy, and what a failure of it means."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlsplit

from reconciler.adapters.system.tls import trusting
from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.connection import Connection, Deadline, Stream, dial
from reconciler.adapters.vault.http.exchanged import Lost, NotSent
from reconciler.adapters.vault.http.incoming import HEAD_CAP, Incoming
from reconciler.adapters.vault.http.proxies import OWN, Proxy
from reconciler.errors import VaultError

_TLS_FAILED = "TLS: the handshake or the connection failed"
# What OpenSSL calls an answer that is not TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")

_Result = TypeVar("_Result")


class EncryptedRoute:
    """How connections to ``host`` are made. Raises ``VaultError`` RC416 for an unusable CA file."""

    def __init__(
        self,
        host: str,
        port: int,
        ca_cert: str | None,
        proxy: Proxy | None,
    ) -> None:
        self._host, self._port = host, port
        self._context = _trust(ca_cert)
        self._proxy = None if proxy is None else _ByProxy(proxy)

    def open(self, deadline: Deadline) -> Connection:
        """Raises ``NotSent``."""
        if self._proxy is None:
            stream: Stream = dial(self._host, self._port, deadline)
        else:
            stream = self._proxy.open_tunnel(self._host, self._port, deadline)
        try:
            return Connection(_encrypt(stream, self._context, self._host, deadline))
        except (OSError, ValueError) as error:
            stream.close()
            failure = _explain(error, deadline)
        raise failure

    def name_failure(self, error: OSError) -> str:
        return _TLS_FAILED if isinstance(error, ssl.SSLError) else "the connection was cut"


class _ByProxy:
    """The way through a proxy, which sees host and port and nothing else."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        parts = urlsplit(proxy.url)
        self._host, self._port = parts.hostname or "", parts.port or 0
        self._context = trusting() if parts.scheme == "https" else None

    def open_tunnel(self, host: str, port: int, deadline: Deadline) -> Stream:
        """A stream to ``host``. Raises ``NotSent``: nothing was sent to Vault."""
        stream: Stream | None = None
        status: int | None = None
        with suppress(OSError, ValueError, NotSent, Lost):
            stream = dial(self._host, self._port, deadline)
            if self._context is not None:
                stream = _encrypt(stream, self._context, self._host, deadline)
            status = self._ask(stream, host, port, deadline)
            if 200 <= status < 300:
                return stream
        if stream is not None:
            stream.close()
        raise self._explain(status)

    def _ask(
        self,
        stream: Stream,
        host: str,
        port: int,
        deadline: Deadline,
    ) -> int:
        """The status of the proxy's answer. Raises ``Lost`` without one."""
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
        given = self._proxy.credentials
        if given is not None:
            basic = base64.b64encode(given.reveal().encode()).decode("ascii")
            lines.append(f"Proxy-Authorization: Basic {basic}")
        connection, incoming = Connection(stream), Incoming(HEAD_CAP, headless=True)
        connection.send("\r\n".join([*lines, "", ""]).encode("ascii"), deadline)
        while not incoming.complete:
            wrong = incoming.feed(connection.receive(deadline))
            if wrong is not None:
                raise wrong
        return incoming.take_reply().status

    def _explain(self, status: int | None) -> NotSent:
        proxy = self._proxy
        said = (
            "cannot be reached, or is no proxy"
            if status is None
            else f"refuses (status {status})" + "; it wants other credentials" * (status == 407)
        )
        remedy = f"correct {proxy.variable}, or name the host in NO_PROXY"
        if proxy.variable in OWN:
            remedy = f"correct {proxy.variable}, or unset it to ask Vault directly"
        return NotSent(
            f"the proxy {proxy.url} that {proxy.variable} names {said}",
            remedy,
            lasting=status is not None and 400 <= status < 500,
        )


class _TlsOverTls:
    """TLS to Vault within TLS to a proxy, which ``ssl`` does over a plain socket only."""

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, host: str) -> None:
        self._outer = outer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._inner = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._until = 0.0

    def settimeout(self, value: float | None) -> None:
        self._until = time.monotonic() + (value or 0.0)

    def do_handshake(self) -> None:
        self._meanwhile(self._inner.do_handshake)

    def send(self, data: memoryview) -> int:
        return self._meanwhile(lambda: self._inner.write(data))

    def recv(self, bufsize: int) -> bytes:
        with suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return self._meanwhile(lambda: self._inner.read(bufsize))
        return b""

    def close(self) -> None:
        self._outer.close()

    def fileno(self) -> int:
        return self._outer.fileno()

    def _meanwhile(self, step: Callable[[], _Result]) -> _Result:
        """Carry bytes between the two until ``step`` needs no more of them."""
        while True:
            result: _Result | None = None
            wants = False
            try:
                result = step()
            except ssl.SSLWantReadError:
                wants = True
            finally:
                self._pass_on()  # an alert of ours, too
            if not wants:
                return result  # type: ignore[return-value]
            self._outer.settimeout(self._remaining())
            data = self._outer.recv(65536)
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _pass_on(self) -> None:
        rest = memoryview(self._outgoing.read())
        while rest:
            self._outer.settimeout(self._remaining())
            rest = rest[self._outer.send(rest) :]

    def _remaining(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return left


def _encrypt(
    stream: Stream,
    context: ssl.SSLContext,
    host: str,
    deadline: Deadline,
) -> Stream:
    """TLS over ``stream``, once the other side has proved to be ``host``."""
    if isinstance(stream, ssl.SSLSocket):
        inner = _TlsOverTls(stream, context, host)
        inner.settimeout(deadline.remaining())
        inner.do_handshake()
        return inner
    assert isinstance(stream, socket.socket)
    stream.settimeout(deadline.remaining())
    return context.wrap_socket(stream, server_hostname=host)


def _explain(error: Exception, deadline: Deadline) -> NotSent:
    """Why the handshake failed. Nothing of the request was sent."""
    if isinstance(error, TimeoutError):
        return NotSent(f"no connection within {deadline.seconds:g} s")
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = errors.printable(error.verify_message, 120)
        return NotSent(f"TLS: the server's certificate is not trusted ({detail})", lasting=True)
    if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return NotSent("TLS: the server does not speak TLS on this port", lasting=True)
    return NotSent(_TLS_FAILED)


def _trust(ca_cert: str | None) -> ssl.SSLContext:
    with suppress(OSError, ValueError):  # ssl.SSLError is an OSError
        return trusting(ca_cert)
    raise VaultError(
        errors.SETTINGS_UNUSABLE,
        f"the CA certificate file {ca_cert} cannot be read, or is not PEM",
        "correct vault.caCert of the environment (or VAULT_CACERT)",
    )
