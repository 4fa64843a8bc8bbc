"""One HTTP exchange: kept-alive connections, one deadline over everything, a cap on the size, no
redirect."""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import urllib3
import urllib3.connection
import urllib3.exceptions as failures

from reconciler.adapters.system.tls import trusting
from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.proxies import OWN, Proxy
from reconciler.errors import VaultError

# More than the threads of one run ask for at once, so that no connection is thrown away.
POOL = 32
# What OpenSSL calls an answer that is not TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class NotSent(Exception):
    """The request never left this machine. ``lasting``: trying again will not help. ``remedy``:
    what will, if that is known."""

    def __init__(self, why: str, remedy: str = "", *, lasting: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy
        self.lasting = lasting


class Lost(Exception):
    """The request was sent, or may have been, and there is no usable answer."""

    def __init__(self, why: str, *, lasting: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.lasting = lasting


class _BoundedReader(io.RawIOBase):
    """Reads a socket until a deadline. A socket's own time-out starts anew with every byte."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._raw = sock.makefile("rb", buffering=0)
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        self._sock.settimeout(left)
        count = self._raw.readinto(buffer)
        self.ended = self.ended or count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, deadline: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self._reader = _BoundedReader(sock, deadline)
        self.fp = io.BufferedReader(self._reader, 65536)

    def begin(self) -> None:
        super().begin()
        # http.client takes the end of the stream for the end of the headers: a 404 without a body,
        # say.
        if self._reader.ended:
            raise http.client.IncompleteRead(b"")


def _bind_deadline(connection: urllib3.connection.HTTPConnection) -> None:
    # urllib3 has set ``timeout`` to what is left of the total after connecting.
    deadline = time.monotonic() + float(connection.timeout or 0)
    connection.response_class = partial(_BoundedResponse, deadline=deadline)  # type: ignore[assignment]


class _Connection(urllib3.connection.HTTPConnection):
    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        _bind_deadline(self)
        return super().getresponse()


class _TlsConnection(urllib3.connection.HTTPSConnection):
    def connect(self) -> None:
        _bind_deadline(self)  # a proxy answers on this connection first
        super().connect()

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        _bind_deadline(self)
        return super().getresponse()


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class Wire:
    """A pool of connections to one address.

    Thread-safe. ``timeout`` is in seconds, over a whole exchange.
    """

    def __init__(
        self,
        address: str,
        ca_cert: str | None,
        timeout: float,
        proxy: Proxy | None = None,
    ) -> None:
        self._timeout = timeout
        self._proxy = proxy
        manager = _manager(proxy)
        if address.startswith("https:"):
            manager.connection_pool_kw["ssl_context"] = _tls_context(ca_cert)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        self._manager = manager
        self._pool = manager.connection_from_url(address)

    def exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        cap: int,
    ) -> Reply:
        """Send one request. Raises ``NotSent`` or ``Lost``, whose text holds nothing foreign."""
        failure: NotSent | Lost
        try:
            response = self._pool.urlopen(
                method,
                target,
                body=body,
                headers=dict(headers),
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(total=self._timeout),
            )
            content = response.read(cap + 1, decode_content=False)
            # urllib3 hands out what it has when a body is cut; only an empty rest is a whole
            # answer.
            if len(content) <= cap and not response.length_remaining:
                response.release_conn()
                return Reply(
                    response.status, {k.lower(): v for k, v in response.headers.items()}, content
                )
            response.close()
            too_large = len(content) > cap
            why = f"the answer is larger than {cap} bytes" if too_large else "the answer was cut"
            failure = Lost(why, lasting=too_large)
        except (failures.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            failure = self._explain(error)
        # Raised here and not above, so that no foreign exception (they quote headers) hangs on as
        # its context.
        raise failure

    def close(self) -> None:
        self._manager.clear()

    def _explain(self, error: Exception) -> NotSent | Lost:
        seconds = f"{self._timeout:g} s"
        match error:
            case failures.ProxyError() if self._proxy is not None:
                why: NotSent | Lost = _explain_proxy(error, self._proxy)
            case failures.NameResolutionError():
                why = NotSent("the host name cannot be resolved")
            case failures.NewConnectionError():
                why = NotSent(
                    "the connection was refused"
                    if "refused" in str(error)
                    else "the host cannot be reached"
                )
            case failures.ConnectTimeoutError():
                why = NotSent(f"no connection within {seconds}")
            case failures.SSLError() | ssl.SSLError():
                why = _explain_tls(error)
            case failures.TimeoutError() | TimeoutError():
                why = Lost(f"no complete answer within {seconds}")
            case failures.ProtocolError() if _is_no_http(error):
                why = Lost("the answer is not HTTP: another program than Vault listens there")
            case failures.ProtocolError() | http.client.HTTPException() | OSError():
                why = Lost("the connection was cut, or the answer is not HTTP")
            case ValueError():  # http.client refuses a header or the target
                why = NotSent(f"the request cannot be sent ({type(error).__name__})", lasting=True)
            case _:
                why = Lost(f"the answer is not HTTP ({type(error).__name__})", lasting=True)
        return why


def _manager(proxy: Proxy | None) -> urllib3.PoolManager:
    if proxy is None:
        return urllib3.PoolManager(num_pools=1, maxsize=POOL)
    given = proxy.credentials
    headers = None if given is None else urllib3.make_headers(proxy_basic_auth=given.reveal())
    return urllib3.ProxyManager(proxy.url, num_pools=1, maxsize=POOL, proxy_headers=headers)


def _explain_proxy(error: failures.ProxyError, proxy: Proxy) -> NotSent:
    """The way to Vault was not opened, so nothing was sent to it."""
    status = re.search(r"Tunnel connection failed: ([0-9]{3})", str(error.original_error))
    said = f"refuses (status {status[1]})" if status else "cannot be reached, or is no proxy"
    wants = "; it wants other credentials" if status and status[1] == "407" else ""
    lasting = status is not None and status[1].startswith("4")
    remedy = f"correct {proxy.variable}, or name the host in NO_PROXY"
    if proxy.variable in OWN:
        remedy = f"correct {proxy.variable}, or unset it to ask Vault directly"
    return NotSent(
        f"the proxy {proxy.url} that {proxy.variable} names {said}{wants}", remedy, lasting=lasting
    )


def _is_no_http(error: Exception) -> bool:
    """Whether there was an answer whose first line is none of HTTP; a connection that ended without
    one is cut."""
    causes = [cause for cause in error.args if isinstance(cause, http.client.BadStatusLine)]
    return any(not isinstance(cause, http.client.RemoteDisconnected) for cause in causes)


def _explain_tls(error: Exception) -> NotSent | Lost:
    reason = error.args[0] if error.args and isinstance(error.args[0], ssl.SSLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        detail = errors.printable(reason.verify_message, 120)
        return NotSent(f"TLS: the server's certificate is not trusted ({detail})", lasting=True)
    if isinstance(reason, ssl.SSLError) and reason.reason in _NO_TLS:
        return NotSent("TLS: the server does not speak TLS on this port", lasting=True)
    return Lost("TLS: the handshake or the connection failed")


def _tls_context(ca_cert: str | None) -> ssl.SSLContext:
    with suppress(OSError, ValueError):  # ssl.SSLError is an OSError
        return trusting(ca_cert)
    raise VaultError(
        errors.SETTINGS_UNUSABLE,
        f"the CA certificate file {ca_cert} cannot be read, or is not PEM",
        "correct vault.caCert of the environment (or VAULT_CACERT)",
    )
