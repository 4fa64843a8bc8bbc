"""Reading what was just written, whichever node of a cluster answers.

A standby of OpenBao 2.5 or newer (of Vault Enterprise: a performance standby) answers reads from what it has, which
right after a write is always the state of before (measured). A server that knows ``X-Vault-Index`` says how far its
answer reaches; sent back with ``forward-active-node``, a node that has not come so far passes the request on to
the active one.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Mapping


class Reached:
    """The furthest index that any answer named. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._index: str | None = None

    def note(self, headers: Mapping[str, str]) -> None:
        """``headers`` of an answer, with names in lower case."""
        index = headers.get("x-vault-index")
        if index is None or not re.fullmatch(r"[\x21-\x7e]{1,4096}", index):
            return
        with self._lock:
            if self._index is None or _position(index) >= _position(self._index):
                self._index = index

    def headers(self) -> dict[str, str]:
        """What to send along with a request."""
        index = self._index
        return {} if index is None else {"X-Vault-Index": index, "X-Vault-Inconsistent": "forward-active-node"}


def _position(index: str) -> int:
    """OpenBao's is a number in JSON in base64. Of any other form the last one that came counts as the furthest."""
    try:
        return int(json.loads(base64.b64decode(index, validate=True))["value"])
    except (ValueError, TypeError, KeyError):
        return 0
