"""One HTTPS exchange with the API of a platform: ``httpx``, and one deadline over everything.

``httpx`` bounds each wait by itself, so that a body that drips, or a resolver that hangs, is waited
for again and again. Here the whole exchange has one deadline. Redirects are not followed: they
would take the token along.
"""

from __future__ import annotations

import queue
import ssl
import threading
import time
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from reconciler.adapters.delivery.handshake import tls_context
from reconciler.adapters.vault.http.exchanged import Lost, NotSent, Reply
from reconciler.adapters.vault.http.proxies import Proxy
from reconciler.domain.declared.desired import DeliverySettings

_LATE = "no complete answer in time"
# A server may not choose how large an answer is once it is unpacked.
_OURS = {"accept-encoding": "identity"}


class Web:
    """Asks one address, each time by a connection of its own. Thread-safe. ``timeout`` is in
    seconds, over a whole exchange.

    Nothing of it comes from the environment: ``httpx`` would take proxies, a password from
    ``.netrc`` and a trust store from there. ``ca`` is a PEM file, None: the system's trust store.
    ``proxy`` is asked for a tunnel to an ``https`` address, and sees its host and port only.
    Raises ``DeliveryError`` RC520 for a file that cannot be used.
    """

    def __init__(
        self,
        address: str,
        ca: str | None,
        timeout: float,
        *,
        proxy: Proxy | None = None,
    ) -> None:
        self._address = address
        self._timeout = timeout
        self._tunnelled = proxy is not None
        trusted = tls_context(DeliverySettings(ca_cert=ca))
        self._client = httpx.Client(
            verify=trusted,
            timeout=timeout,
            proxy=None if proxy is None else _make_proxy(proxy, trusted),
            # a job asks seldom, and nobody would close them
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    def exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        cap: int,
    ) -> Reply:
        """Send one request. Raises ``NotSent`` or ``Lost``, whose text holds nothing foreign. Of an
        answer at most ``cap`` bytes are taken; a larger one is ``Lost``."""
        until = time.monotonic() + self._timeout
        ended: queue.SimpleQueue[Reply | NotSent | Lost] = queue.SimpleQueue()

        def ask() -> None:
            try:
                request = self._request(method, target, {**headers, **_OURS}, body)
                ended.put(self._answer(request, cap, until))
            except Exception as error:  # noqa: BLE001 - each is explained; its own text may quote a header
                ended.put(_explain(error))

        # In a thread of its own: what a resolver or a dripping server does can only be left behind.
        threading.Thread(target=ask, name="web", daemon=True).start()
        try:
            found = ended.get(timeout=self._timeout)
        except queue.Empty:
            found = Lost(_LATE)
        if isinstance(found, Reply):
            return found
        raise found

    def _request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> httpx.Request:
        if self._tunnelled:
            # ``httpcore`` would ask the proxy for the target instead of the tunnel.
            return self._client.build_request(
                method, self._address + target, headers=headers, content=body
            )
        return self._client.build_request(
            method,
            self._address,
            headers=headers,
            content=body,
            # as it is: no part of it is a step upwards
            extensions={"target": target.encode("ascii")},
        )

    def _answer(self, request: httpx.Request, cap: int, until: float) -> Reply | Lost:
        response = self._client.send(request, stream=True)
        try:
            content = bytearray()
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > cap:
                    return Lost(f"the answer is larger than {cap} bytes", lasting=True)
                if time.monotonic() > until:
                    return Lost(_LATE)  # nobody waits for it any more
            return Reply(response.status_code, dict(response.headers.items()), bytes(content))
        finally:
            response.close()


def _make_proxy(proxy: Proxy, trusted: ssl.SSLContext) -> httpx.Proxy:
    login = None
    if proxy.credentials is not None:
        user, _, password = proxy.credentials.reveal().partition(":")
        login = (user, password)
    encrypted = proxy.url.startswith("https:")
    return httpx.Proxy(proxy.url, auth=login, ssl_context=trusted if encrypted else None)


def _explain(error: Exception) -> NotSent | Lost:
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return NotSent("no connection in time")
        case httpx.ConnectError():
            return _explain_connection(error)
        case httpx.ProxyError():
            return NotSent("the proxy lets nothing through")
        case httpx.TimeoutException():
            return Lost(_LATE)
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return Lost("the connection was cut, or the answer is not HTTP")
        case httpx.LocalProtocolError() | httpx.InvalidURL() | ValueError():
            return NotSent(f"the request cannot be sent ({type(error).__name__})", lasting=True)
        case _:
            return Lost(f"an unexpected {type(error).__name__}", lasting=True)


def _explain_connection(error: BaseException) -> NotSent:
    """Why there is no connection, by what is behind the error: its text may be anything."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and len(
        causes
    ) < 10:
        causes.append(cause)
    for one in causes:
        if isinstance(one, ssl.SSLCertVerificationError):
            return NotSent("TLS: the server's certificate is not trusted", lasting=True)
        if isinstance(one, ssl.SSLError):
            return NotSent("TLS: the server does not speak TLS on this port", lasting=True)
        if isinstance(one, ConnectionRefusedError):
            return NotSent("the connection was refused")
    return NotSent("the host cannot be reached, or its name is not known")
