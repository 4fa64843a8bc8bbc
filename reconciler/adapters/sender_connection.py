"""A connection that goes where it was judged to go and ends when it must.

The name is resolved once, every answer is judged, the connection is made to exactly one of them, and one deadline
bounds each wait: ``httpcore`` sees a network backend that cannot be led elsewhere (rebinding) or held (slow bodies).
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpcore

from reconciler.webhooks.addresses import Network, judge_address
from reconciler.webhooks.endpoint import Endpoint

# (host, port) -> what getaddrinfo answers, as (address family, socket address). Raises OSError.
Resolve = Callable[[str, int], Sequence[tuple[int, tuple[Any, ...]]]]

# getaddrinfo cannot be interrupted: a resolver that hangs keeps its thread, so there is a bound on them.
_RESOLUTIONS = threading.BoundedSemaphore(128)


class DeliveryStopped(Exception):
    """The delivery ends here: a code of ``reconciler.webhooks.codes`` and a detail without any secret."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(slots=True)
class Deadline:
    """When everything must have ended (monotonic seconds), the step under way for messages, bytes read so far."""

    at: float
    step: str = "resolving the name"
    received: int = 0

    def remaining(self) -> float:
        """Seconds left, more than zero. Raises ``DeliveryStopped``."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise self.timed_out()
        return left

    def timed_out(self) -> DeliveryStopped:
        return DeliveryStopped("RC510", f"the deadline passed while {self.step}")


def system_resolve(host: str, port: int) -> Sequence[tuple[int, tuple[Any, ...]]]:
    """Ask the system's resolver once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [(family, address) for family, _, _, _, address in found]


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to the endpoint it was made for, whatever host ``httpcore`` names."""

    def __init__(self, endpoint: Endpoint, allowed: Sequence[Network], resolve: Resolve, deadline: Deadline) -> None:
        self._endpoint = endpoint
        self._allowed = allowed
        self._resolve = resolve
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        answers = self._judged(self._answers())
        self._deadline.step = "connecting"
        refusal = ""
        for index, (family, address) in enumerate(answers):
            # An address that does not answer leaves its share of the time to those after it.
            share = self._deadline.remaining() / (len(answers) - index)
            try:
                return PinnedStream(_connect(family, address, share), self._endpoint, self._deadline)
            except TimeoutError:
                self._deadline.remaining()
                refusal = "does not answer"
            except OSError as error:
                refusal = "refuses the connection" if isinstance(error, ConnectionRefusedError) else "is unreachable"
        raise DeliveryStopped("RC505", f"{self._endpoint.shown} {refusal}")

    def _answers(self) -> Sequence[tuple[int, tuple[Any, ...]]]:
        host, port = self._endpoint.host, self._endpoint.port
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return _within(self._resolve, host, port, self._deadline)
        return system_resolve(host, port)

    def _judged(self, answers: Sequence[tuple[int, tuple[Any, ...]]]) -> Sequence[tuple[int, tuple[Any, ...]]]:
        """All answers, once every single one may be reached: one bad answer among good ones is an attack."""
        host = self._endpoint.host
        if not answers:
            raise DeliveryStopped("RC502", f"{host} has no address")
        for _, address in answers:
            judgement = judge_address(str(address[0]), self._allowed)
            where = judgement.address if judgement.address == host else f"{host} resolves to {judgement.address}, which"
            if not judgement.allowed:
                raise DeliveryStopped("RC503", f"{where} is not allowed ({judgement.reason})")
            if self._endpoint.scheme == "http" and not judgement.listed:
                raise DeliveryStopped("RC504", f"{where} would be reached by plain http")
        return answers


class PinnedStream(httpcore.NetworkStream):
    """A socket whose every wait ends at the deadline; the time-outs that ``httpcore`` passes are not used."""

    def __init__(self, connection: socket.socket, endpoint: Endpoint, deadline: Deadline) -> None:
        self._socket = connection
        self._endpoint = endpoint
        self._deadline = deadline
        deadline.step = "sending the request"

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._deadline.step == "sending the request":
            self._deadline.step = "waiting for the answer"
        self._socket.settimeout(self._deadline.remaining())
        try:
            data = self._socket.recv(max_bytes)
        except TimeoutError:
            raise self._deadline.timed_out() from None
        except OSError:
            raise DeliveryStopped("RC511", f"the connection broke while {self._deadline.step}") from None
        self._deadline.received += len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            self._socket.settimeout(self._deadline.remaining())
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                raise self._deadline.timed_out() from None
            except OSError as error:
                # httpcore goes on to read: a receiver may answer and close before it has read everything.
                raise httpcore.WriteError(str(error.errno)) from None

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._deadline.step = "negotiating TLS"
        host = self._endpoint.host.removesuffix(".")
        try:
            self._socket.settimeout(self._deadline.remaining())
            wrapped = ssl_context.wrap_socket(self._socket, server_hostname=host)
        except TimeoutError:
            self.close()
            raise self._deadline.timed_out() from None
        except (OSError, ValueError) as error:
            self.close()
            raise _tls_failure(error, host) from None
        return PinnedStream(wrapped, self._endpoint, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._socket if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket) else None


def _connect(family: int, address: tuple[Any, ...], timeout: float) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def _within(resolve: Resolve, host: str, port: int, deadline: Deadline) -> Sequence[tuple[int, tuple[Any, ...]]]:
    """Resolve in a thread of its own, so that the deadline holds over a resolver that hangs."""
    outcomes: queue.SimpleQueue[Sequence[tuple[int, tuple[Any, ...]]] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            outcomes.put(resolve(host, port))
        except (OSError, UnicodeError) as error:
            outcomes.put(error)
        finally:
            _RESOLUTIONS.release()

    if not _RESOLUTIONS.acquire(timeout=deadline.remaining()):
        raise deadline.timed_out()
    try:
        threading.Thread(target=ask, name="resolve", daemon=True).start()
    except RuntimeError:
        _RESOLUTIONS.release()
        raise DeliveryStopped("RC502", "this machine has no thread left to resolve a name") from None
    try:
        outcome = outcomes.get(timeout=deadline.remaining())
    except queue.Empty:
        raise deadline.timed_out() from None
    if isinstance(outcome, Exception):
        silent = isinstance(outcome, socket.gaierror) and outcome.errno == socket.EAI_AGAIN
        raise DeliveryStopped("RC502", f"{host} {'cannot be resolved now' if silent else 'does not resolve'}")
    return outcome


# X509_V_ERR_… of OpenSSL's x509_vfy.h
_EXPIRED, _NOT_YET_VALID, _NAME_MISMATCH, _ADDRESS_MISMATCH = 10, 9, 62, 64


def _tls_failure(error: OSError | ValueError, host: str) -> DeliveryStopped:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return DeliveryStopped("RC509", f"the TLS handshake with {host} failed")
    if error.verify_code in (_NAME_MISMATCH, _ADDRESS_MISMATCH):
        return DeliveryStopped("RC506", f"the certificate is not for {host}")
    if error.verify_code == _EXPIRED:
        return DeliveryStopped("RC507", f"the certificate of {host} has expired")
    if error.verify_code == _NOT_YET_VALID:
        return DeliveryStopped("RC507", f"the certificate of {host} is not valid yet")
    return DeliveryStopped("RC508", f"the certificate of {host} is not signed by an authority trusted here")
