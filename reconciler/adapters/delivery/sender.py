"""Sends test deliveries over HTTP(S): ``reconciler.engine.ports.Sender``.

``httpcore`` speaks HTTP/1.1; everything above it (proxies from the environment, redirects, cookies,
content decoding) is left out on purpose. Each delivery has a connection of its own: nothing is
shared but the trust store.
"""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterable

import httpcore

from reconciler.adapters.delivery.connection import ConnectionLimits, PinnedBackend
from reconciler.adapters.delivery.handshake import tls_context
from reconciler.adapters.delivery.resolve import Resolve, system_resolve
from reconciler.adapters.delivery.slots import Slots
from reconciler.adapters.delivery.watch import DeliveryStopped, Watch
from reconciler.domain.declared.desired import DeliverySettings
from reconciler.errors import DeliveryError
from reconciler.errors.codes import CODES
from reconciler.webhooks.wire.addresses import parse_networks
from reconciler.webhooks.wire.endpoint import Endpoint, parse_endpoint
from reconciler.webhooks.wire.http import HttpFailure, HttpRequest, HttpResponse

_DEFAULTS = DeliverySettings()
# A subset of what RFC 9110 5.5 allows: no line end, no NUL, nothing that two programs could decode
# in two ways.
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")
_HEADER_VALUE = re.compile(r"[ -~]*\Z")
# Those that frame the message, or decide how the answer comes, are the sender's own.
_OWN_HEADERS = frozenset(
    {"host", "accept-encoding", "connection", "content-length", "transfer-encoding"}
)


class WebhookSender:
    """Thread-safe; may be shared by hundreds of threads.

    ``allowed_networks`` are the CIDR strings of the environment, ``settings`` its ``deliveries``.
    Raises ``DeliveryError`` (RC520) for a network that is none. ``resolve`` is for tests.
    """

    def __init__(
        self,
        allowed_networks: tuple[str, ...],
        settings: DeliverySettings = _DEFAULTS,
        *,
        resolve: Resolve = system_resolve,
    ) -> None:
        try:
            self._limits = ConnectionLimits(
                parse_networks(allowed_networks), frozenset(settings.ports)
            )
        except ValueError as error:
            raise DeliveryError(
                "RC520", f"allowedNetworks: {error}", CODES["RC520"].remedy
            ) from None
        self._settings = settings
        self._slots = Slots(settings.concurrency, settings.per_host)
        self._resolve = resolve
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    @property
    def concurrency(self) -> int:
        """How many deliveries go out at once: more threads than these only wait."""
        return self._settings.concurrency

    def check(self) -> None:
        """Whether the files of ``settings`` can be used: asked before anything is begun that will
        deliver.

        They are read at the first need, so that who never delivers needs no key. Raises
        ``DeliveryError`` (RC520).
        """
        settings = self._settings
        if any((settings.ca_cert, settings.client_cert, settings.client_key)):
            self._context()

    def _context(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                self._tls = tls_context(self._settings)
            return self._tls

    def send(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        """Answer one request. Never raises for anything a network, a resolver or a receiver does.

        The deadline begins once there is a slot: waiting for others is no fault of this receiver.
        """
        try:
            endpoint = parse_endpoint(request.url)
        except ValueError as error:
            return HttpFailure("RC501", str(error))
        fault = _header_fault(request.headers)
        if fault:
            return HttpFailure("RC519", fault)
        with self._slots.take(f"{endpoint.name}:{endpoint.port}"):
            return self._attempt(request, endpoint)

    def _attempt(self, request: HttpRequest, endpoint: Endpoint) -> HttpResponse | HttpFailure:
        watch, received = Watch(request.deadline), _Received()
        try:
            self._exchange(request, endpoint, watch, received)
        except DeliveryStopped as stopped:
            failure = stopped
        except DeliveryError as error:
            failure = DeliveryStopped(error.code, error.message)
        except httpcore.RemoteProtocolError:
            silent = watch.received == 0
            detail = (
                "closed the connection without an answer"
                if silent
                else "broke off, or does not speak HTTP/1.1"
            )
            failure = DeliveryStopped("RC511", f"the receiver {detail}")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError):
            failure = DeliveryStopped("RC511", f"the connection broke while {watch.step}")
        else:
            return received.response(watch)
        if received.status is not None and not 200 <= received.status <= 299:
            # The status has already decided; what became of the body does not matter.
            return received.response(watch)
        return HttpFailure(failure.code, failure.detail, watch.latency(), received.status)

    def _exchange(
        self,
        request: HttpRequest,
        endpoint: Endpoint,
        watch: Watch,
        received: _Received,
    ) -> None:
        context = self._context() if endpoint.scheme == "https" else None
        backend = PinnedBackend(endpoint, self._limits, self._resolve, watch)
        host = endpoint.host.encode("ascii")
        url = httpcore.URL(
            scheme=endpoint.scheme.encode(),
            host=host,
            port=endpoint.port,
            target=endpoint.target.encode("ascii"),
        )
        headers = [
            ("host", _host_header(endpoint)),
            ("accept-encoding", "identity"),
            ("connection", "close"),
        ]
        with (
            httpcore.HTTPConnection(
                url.origin, ssl_context=context, network_backend=backend
            ) as connection,
            connection.stream(
                request.method, url, headers=[*headers, *request.headers], content=request.body
            ) as response,
        ):
            received.status = response.status
            received.headers = {
                name.decode("latin-1").lower(): text.decode("latin-1")
                for name, text in response.headers
            }
            watch.step = "reading the answer's body"
            for chunk in response.iter_stream():
                received.body += chunk[: request.response_cap - len(received.body) + 1]
                if len(received.body) > request.response_cap:
                    raise DeliveryStopped(
                        "RC512", f"the answer's body is larger than {request.response_cap} bytes"
                    )


class _Received:
    """What has arrived of an answer so far."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = bytearray()

    def response(self, watch: Watch) -> HttpResponse:
        assert self.status is not None  # called only once headers have arrived
        return HttpResponse(self.status, self.headers, bytes(self.body), watch.latency())


def _header_fault(headers: Iterable[tuple[str, str]]) -> str:
    """What keeps ``headers`` from being sent, empty when nothing does.

    Repeats no value: one may be a signature.
    """
    for name, value in headers:
        if _HEADER_NAME.match(name) is None:
            return "a header's name has another character than letters, digits and hyphens"
        if name.lower() in _OWN_HEADERS:
            return f"the header {name.lower()} is the sender's own"
        if _HEADER_VALUE.match(value) is None:
            return (
                f"the header {name.lower()} would hold a line end, or another character that is not"
                " printable ASCII"
            )
    return ""


def _host_header(endpoint: Endpoint) -> str:
    """RFC 9110 7.2: the port is left out when it is the scheme's own."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    standard = {"http": 80, "https": 443}[endpoint.scheme]
    return host if endpoint.port == standard else f"{host}:{endpoint.port}"
