"""Sends test deliveries over HTTP(S): ``reconciler.engine.ports.Sender``.

``httpcore`` speaks HTTP/1.1; everything above it (proxies from the environment, redirects, cookies, content
decoding) is left out on purpose. Each delivery has a connection of its own: nothing is shared but the trust store.
"""

from __future__ import annotations

import ssl
import time

import httpcore

from reconciler.adapters.sender_connection import Deadline, DeliveryStopped, PinnedBackend, Resolve, system_resolve
from reconciler.domain.proof import Latency
from reconciler.errors import DeliveryError
from reconciler.webhooks.addresses import parse_networks
from reconciler.webhooks.codes import CODES
from reconciler.webhooks.endpoint import Endpoint, parse_endpoint
from reconciler.webhooks.http import HttpFailure, HttpRequest, HttpResponse


class WebhookSender:
    """Thread-safe; may be shared by hundreds of threads.

    ``allowed_networks`` are the CIDR strings of the environment; ``ca_file`` a PEM file that replaces the machine's
    trust store. Raises ``DeliveryError`` (RC520) when either cannot be used. ``resolve`` is for tests.
    """

    def __init__(
        self, allowed_networks: tuple[str, ...], ca_file: str | None = None, *, resolve: Resolve = system_resolve
    ) -> None:
        try:
            self._allowed = parse_networks(allowed_networks)
        except ValueError as error:
            raise DeliveryError("RC520", f"allowedNetworks: {error}", CODES["RC520"][1]) from None
        try:
            self._tls = ssl.create_default_context(cafile=ca_file)
        except OSError:  # ssl.SSLError, for a file that is no PEM, is one too
            raise DeliveryError("RC520", f"the CA file {ca_file} cannot be read", CODES["RC520"][1]) from None
        self._resolve = resolve

    def send(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        """Answer one request. Never raises for anything a network, a resolver or a receiver does."""
        started = time.monotonic()
        deadline = Deadline(at=started + request.deadline)
        received = _Received()
        try:
            endpoint = parse_endpoint(request.url)
        except ValueError as error:
            return HttpFailure("RC501", str(error))
        try:
            self._exchange(request, endpoint, deadline, received)
        except DeliveryStopped as stopped:
            failure = stopped
        except httpcore.RemoteProtocolError:
            silent = deadline.received == 0
            detail = "closed the connection without an answer" if silent else "broke off, or does not speak HTTP/1.1"
            failure = DeliveryStopped("RC511", f"the receiver {detail}")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError):
            failure = DeliveryStopped("RC511", f"the connection broke while {deadline.step}")
        else:
            return received.response(started)
        if received.status is not None and not 200 <= received.status <= 299:
            # The status has already decided; what became of the body does not matter.
            return received.response(started)
        return HttpFailure(failure.code, failure.detail, _milliseconds(started), received.status)

    def _exchange(self, request: HttpRequest, endpoint: Endpoint, deadline: Deadline, received: _Received) -> None:
        backend = PinnedBackend(endpoint, self._allowed, self._resolve, deadline)
        host = endpoint.host.encode("ascii")
        url = httpcore.URL(
            scheme=endpoint.scheme.encode(), host=host, port=endpoint.port, target=endpoint.target.encode("ascii")
        )
        headers = [("host", _host_header(endpoint)), ("accept-encoding", "identity"), ("connection", "close")]
        with (
            httpcore.HTTPConnection(url.origin, ssl_context=self._tls, network_backend=backend) as connection,
            connection.stream(
                request.method, url, headers=[*headers, *request.headers], content=request.body
            ) as response,
        ):
            received.status = response.status
            received.headers = {
                name.decode("latin-1").lower(): text.decode("latin-1") for name, text in response.headers
            }
            deadline.step = "reading the answer's body"
            for chunk in response.iter_stream():
                received.body += chunk[: request.response_cap - len(received.body) + 1]
                if len(received.body) > request.response_cap:
                    raise DeliveryStopped("RC512", f"the answer's body is larger than {request.response_cap} bytes")


class _Received:
    """What has arrived of an answer so far."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = b""

    def response(self, started: float) -> HttpResponse:
        assert self.status is not None  # called only once headers have arrived
        return HttpResponse(self.status, self.headers, self.body, _milliseconds(started))


def _milliseconds(started: float) -> Latency:
    return Latency(round((time.monotonic() - started) * 1000))


def _host_header(endpoint: Endpoint) -> str:
    """RFC 9110 7.2: the port is left out when it is the scheme's own."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    standard = {"http": 80, "https": 443}[endpoint.scheme]
    return host if endpoint.port == standard else f"{host}:{endpoint.port}"
