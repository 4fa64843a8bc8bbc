"""A connection that goes where it was judged to go and ends when it must.

The name is resolved once, every answer is judged, the connection is made to exactly one of them,
and one deadline bounds each wait: it cannot be led elsewhere (rebinding) or held (slow bodies).
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import sys

from reconciler.adapters.delivery.handshake import tls_failure
from reconciler.adapters.delivery.resolve import Answers, Resolve, resolve_within, system_resolve
from reconciler.adapters.delivery.watch import DeliveryStopped, Watch
from reconciler.adapters.system.sockets import connect_within
from reconciler.dataclass import dataclass
from reconciler.webhooks.wire.addresses import AddressJudgement, Network, judge_address
from reconciler.webhooks.wire.endpoint import Endpoint

# What may come before the answer's body: its status line, its headers, and interim answers (1xx).
HEADER_CAP = 64 * 1024


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Where deliveries of an environment may go: ``allowed`` is its allowedNetworks, ``ports``
    those of https outside of them."""

    allowed: tuple[Network, ...]
    ports: frozenset[int]


class PinnedRoute:
    """The way to one endpoint, for one delivery."""

    def __init__(
        self,
        endpoint: Endpoint,
        limits: ConnectionLimits,
        resolve: Resolve,
        watch: Watch,
    ) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._resolve = resolve
        self._watch = watch

    def connect(self) -> PinnedStream:
        """Connect to the first address that answers. Raises ``DeliveryStopped``."""
        answers = self._judge(self._answers())
        self._watch.step = "connecting"
        refusal = ""
        for index, (family, address) in enumerate(answers):
            # An address that does not answer leaves its share of the time to those after it.
            share = self._watch.remaining() / (len(answers) - index)
            try:
                connection = connect_within(
                    socket.socket(family, socket.SOCK_STREAM), address, share
                )
            except TimeoutError:
                self._watch.remaining()
                refusal = "does not answer"
            except OSError as error:
                refusal = (
                    "refuses the connection"
                    if isinstance(error, ConnectionRefusedError)
                    else "is unreachable"
                )
            else:
                self._watch.end_step("connect")
                return PinnedStream(connection, self._endpoint, self._watch)
        raise DeliveryStopped("RC505", f"{self._endpoint.shown} {refusal}")

    def _answers(self) -> Answers:
        host, port = self._endpoint.host, self._endpoint.port
        try:
            ipaddress.ip_address(host)
        except ValueError:
            answers = resolve_within(self._resolve, host, port, self._watch)
            self._watch.end_step("resolve")
            return answers
        return system_resolve(host, port)

    def _judge(self, answers: Answers) -> Answers:
        """All answers, once every single one may be reached: one bad answer among good ones is an
        attack."""
        if not answers:
            raise DeliveryStopped("RC502", f"{self._endpoint.host} has no address")
        for _, address in answers:
            self._refuse(judge_address(str(address[0]), self._limits.allowed))
        return answers

    def _refuse(self, judgement: AddressJudgement) -> None:
        """Raises ``DeliveryStopped`` unless the address may be reached with this scheme and at this
        port."""
        host, port, address = self._endpoint.host, self._endpoint.port, judgement.address
        where = address if address == host else f"{host} resolves to {address}, which"
        if not judgement.allowed:
            raise DeliveryStopped("RC503", f"{where} is not allowed ({judgement.reason})")
        if judgement.listed:
            return
        if self._endpoint.scheme == "http":
            raise DeliveryStopped("RC504", f"{where} would be reached by plain http")
        if port not in self._limits.ports:
            ports = ", ".join(map(str, sorted(self._limits.ports)))
            raise DeliveryStopped(
                "RC521", f"{where} would be reached at port {port}, and only {ports} may be"
            )


class PinnedStream:
    """A socket whose every wait ends at the deadline. Methods raise ``DeliveryStopped``."""

    def __init__(self, connection: socket.socket, endpoint: Endpoint, watch: Watch) -> None:
        self._socket = connection
        self._endpoint = endpoint
        self._watch = watch
        self._reset = False  # whether the receiver was found to be gone when something was sent
        watch.step = "sending the request"

    def read(self, max_bytes: int) -> bytes:
        """What came next, empty at the end of the stream."""
        watch = self._watch
        if watch.step == "sending the request":
            watch.step = "waiting for the answer"
        max_bytes = min(max_bytes, self._room())
        self._socket.settimeout(watch.remaining())
        try:
            data = self._socket.recv(max_bytes)
        except TimeoutError:
            raise watch.timeout_error() from None
        except ssl.SSLError as error:
            if watch.received:
                raise DeliveryStopped("RC511", f"the connection broke while {watch.step}") from None
            # TLS 1.3: what the receiver says to our certificate comes after the handshake.
            raise tls_failure(error, self._endpoint.name) from None
        except ConnectionResetError:
            raise _reset() from None
        except OSError:
            raise DeliveryStopped("RC511", f"the connection broke while {watch.step}") from None
        if not data and self._reset and watch.step == "waiting for the answer":
            raise _reset()  # a reset is told once, and was told to whoever sent
        if data and not watch.received:
            watch.end_step("first_byte")
        watch.received += len(data)
        return data

    def _room(self) -> int:
        """How many bytes may come. Of headers never more than all that are taken: else a parser's
        own limit might be met first, which says less."""
        watch = self._watch
        if watch.step != "waiting for the answer":
            return sys.maxsize
        if watch.received >= HEADER_CAP:
            raise DeliveryStopped(
                "RC512",
                f"{HEADER_CAP} bytes of headers, or of 1xx answers, came and no end of them",
            )
        return HEADER_CAP - watch.received

    def write(self, buffer: bytes) -> None:
        """Send all of it, or as much as the receiver takes: it may answer and close before it has
        read everything."""
        rest = memoryview(buffer)
        while rest:
            self._socket.settimeout(self._watch.remaining())
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                raise self._watch.timeout_error() from None
            except OSError as error:
                self._reset = isinstance(error, ConnectionError)
                return

    def close(self) -> None:
        self._socket.close()

    def start_tls(self, context: ssl.SSLContext) -> PinnedStream:
        """The same connection, encrypted."""
        self._watch.step = "negotiating TLS"
        host = self._endpoint.name
        try:
            self._socket.settimeout(self._watch.remaining())
            wrapped = context.wrap_socket(self._socket, server_hostname=host)
        except TimeoutError:
            self.close()
            raise self._watch.timeout_error() from None
        except (OSError, ValueError) as error:
            self.close()
            raise tls_failure(error, host) from None
        self._watch.end_step("tls")
        return PinnedStream(wrapped, self._endpoint, self._watch)


def _reset() -> DeliveryStopped:
    return DeliveryStopped("RC511", "the receiver reset the connection")
