"""Connections of our own, to Vault and to receivers."""

from __future__ import annotations

import socket
from typing import Any


def connect_within(
    connection: socket.socket,
    address: tuple[Any, ...],
    timeout: float,
) -> socket.socket:
    """``connection``, connected to ``address`` within ``timeout`` seconds; small messages are sent
    at once. Raises ``OSError``, and closes it then."""
    try:
        connection.settimeout(timeout)
        connection.connect(address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection
