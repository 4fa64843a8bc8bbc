"""Sends test deliveries over HTTP(S): ``reconciler.engine.ports.Sender``.

``h11`` speaks HTTP/1.1; everything above it (proxies from the environment, redirects, cookies,
content decoding) is left out on purpose. Each delivery has a connection of its own: nothing is
shared but the trust store.
"""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterable

import h11

from reconciler.adapters.delivery.connection import ConnectionLimits, PinnedRoute, PinnedStream
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


_AT_ONCE = 64 * 1024  # bytes that are read
_INCOMPLETE = 100 * 1024  # bytes of a head that is not complete: more than may come


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
        except h11.RemoteProtocolError:
            silent = watch.received == 0
            detail = (
                "closed the connection without an answer"
                if silent
                else "broke off, or does not speak HTTP/1.1"
            )
            failure = DeliveryStopped("RC511", f"the receiver {detail}")
        except (h11.LocalProtocolError, OSError):
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
        stream = PinnedRoute(endpoint, self._limits, self._resolve, watch).connect()
        try:
            if context is not None:
                stream = stream.start_tls(context)
            conversation = h11.Connection(h11.CLIENT, max_incomplete_event_size=_INCOMPLETE)
            stream.write(_compose(conversation, request, endpoint))
            while not isinstance(event := _receive(conversation, stream), h11.Response):
                pass  # an interim answer
            received.take_head(event)
            watch.step = "reading the answer's body"
            while isinstance(event := _receive(conversation, stream), h11.Data):
                received.body += event.data[: request.response_cap - len(received.body) + 1]
                if len(received.body) > request.response_cap:
                    raise DeliveryStopped(
                        "RC512", f"the answer's body is larger than {request.response_cap} bytes"
                    )
        finally:
            stream.close()


def _compose(conversation: h11.Connection, request: HttpRequest, endpoint: Endpoint) -> bytes:
    """The bytes of ``request``."""
    head = h11.Request(
        method=request.method,
        target=endpoint.target,
        headers=[
            ("host", _host_header(endpoint)),
            ("accept-encoding", "identity"),
            ("connection", "close"),
            *request.headers,
            ("Content-Length", str(len(request.body))),
        ],
    )
    parts = map(conversation.send, (head, h11.Data(request.body), h11.EndOfMessage()))
    return b"".join(part for part in parts if part is not None)


def _receive(conversation: h11.Connection, stream: PinnedStream) -> object:
    """What comes next. Raises ``h11.RemoteProtocolError`` for what is not HTTP/1.1."""
    while (event := conversation.next_event()) is h11.NEED_DATA:
        conversation.receive_data(stream.read(_AT_ONCE))
    return event


class _Received:
    """What has arrived of an answer so far."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = bytearray()

    def take_head(self, head: h11.Response) -> None:
        self.status = head.status_code
        self.headers = {
            name.decode("latin-1"): text.decode("latin-1") for name, text in head.headers
        }

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
