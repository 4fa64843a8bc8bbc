"""Nothing that runs under this guard reaches anything but this machine.

An audit hook of Python refuses every connection and datagram to an address outside loopback, and
every look-up of a name: a name that is asked for leaves the machine, too. Sockets of the file
system stay allowed. It holds for all code of the interpreter, whatever library opens the socket,
and cannot be taken out again.

This file stands alone: ``sitecustomize`` beside it is imported by every Python that has this folder
on its path.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

# A file that gets one line for each refused connection, if it is named: the suite fails the test
# then.
LOG = "LOOPBACK_ONLY_LOG"
# Reachable from outside: a connection that a test expects to fail elsewhere would not.
_NET_UNREACHABLE = 101
_INTERNET = (2, 10)  # AF_INET, AF_INET6
_SENDS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_ASKS = frozenset(
    {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
)
_NAMED = ("connect", "connect_ex", "sendto", "sendmsg")
_HERE = frozenset({"", "localhost", "0.0.0.0", "::", "::1"})


def install() -> None:
    """Once for an interpreter; a second time does nothing."""
    if getattr(sys, "loopback_only", False):
        return
    sys.loopback_only = True  # type: ignore[attr-defined]
    sys.addaudithook(_judge)


def is_here(host: str) -> bool:
    """Whether an address, as text, is this machine's loopback. What is no address is a name, and is
    not."""
    plain = host.partition("%")[0].removeprefix("::ffff:")
    return plain in _HERE or (plain.startswith("127.") and plain.replace(".", "").isdigit())


def _judge(event: str, values: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    if event == "socket.__new__":
        _guard_names()
    elif event in _SENDS:
        _judge_address(values[0], values[1])
    elif event in _ASKS:
        host = values[0][0] if event == "socket.getnameinfo" else values[0]
        _judge_question(host)


def _judge_address(socket: Any, address: Any) -> None:
    if socket.family in _INTERNET and isinstance(address, tuple) and not is_here(str(address[0])):
        _note(f"a connection to {address[0]} port {address[1]}")
        raise OSError(_NET_UNREACHABLE, f"the tests reach loopback only, not {address[0]}")


def _judge_question(host: Any) -> None:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if text is None or is_here(text) or _is_address(text):
        return
    from socket import EAI_NONAME, gaierror  # noqa: PLC0415 - most programs open no socket

    raise gaierror(EAI_NONAME, f"the tests ask for no name outside this machine, not {text}")


def _is_address(text: str) -> bool:
    """Reading an address asks nobody, in whichever way it is written (``127.1``,
    ``0x7f000001``)."""
    from socket import AF_INET6, inet_aton, inet_pton  # noqa: PLC0415 - likewise

    for read in (inet_aton, lambda one: inet_pton(AF_INET6, one)):
        try:
            read(text.partition("%")[0])
        except (OSError, ValueError):
            continue
        return " " not in text
    return False


def _guard_names() -> None:
    """A socket that is given a name looks it up before the audit event of its connection: refuse it
    earlier."""
    module = sys.modules.get("socket")
    if module is None or getattr(module, "guarded", False):
        return
    module.guarded = True  # type: ignore[attr-defined]
    for name in _NAMED:
        setattr(module.socket, name, _refusing(getattr(module.socket, name)))


def _refusing(plain: Callable[..., Any]) -> Callable[..., Any]:
    def checked(self: Any, *values: Any, **named: Any) -> Any:
        address = next((one for one in reversed(values) if isinstance(one, tuple)), None)
        if self.family in _INTERNET and address:
            _judge_question(address[0])
        return plain(self, *values, **named)

    return checked


def _note(what: str) -> None:
    path = os.environ.get(LOG)
    if path:
        with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123 - imports as little as possible
            file.write(f"{what} by {' '.join(sys.orig_argv)[:200]}\n")
