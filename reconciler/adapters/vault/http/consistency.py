"""Reading what was just written, whichever node of a cluster answers.

A standby of OpenBao 2.5 or newer (of Vault Enterprise: a performance standby) answers reads from
what it has, which right after a write is always the state of before (measured). A server that knows
``X-Vault-Index`` says how far its answer reaches; sent back with ``forward-active-node``, a node
that has not come so far passes the request on to the active one.

HashiCorp Vault refuses ``forward-active-node`` with 400 unless its listener allows it, which is not
the default. From then on the index goes alone: a node that has not come so far answers 412, and the
request is sent again.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Mapping

from reconciler.adapters.vault.http.answer import error_texts
from reconciler.adapters.vault.http.exchanged import Reply

_FORWARD = {"X-Vault-Inconsistent": "forward-active-node"}
# What Vault says to that header where it is not allowed (source of its HTTP handler).
_REFUSED = "forwarding via header"

# The forms of an index, by how the name of a cluster begins.
_FORMS = {"v1": "of Vault's form", "json": "of OpenBao's form"}

# How far a cluster has come: a counter of its own and one of what is replicated to it.
Position = tuple[int, int]


class Reached:
    """The furthest index of each cluster that answered. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._furthest: dict[str, tuple[Position, str]] = {}
        self._cluster: str | None = None  # the one that answered last
        self._forward = True

    def note(self, headers: Mapping[str, str]) -> None:
        """``headers`` of an answer, with names in lower case."""
        index = headers.get("x-vault-index")
        if index is None or not re.fullmatch(r"[\x21-\x7e]{1,4096}", index):
            return
        cluster, position = _parse(index)
        with self._lock:
            if cluster or self._cluster is None:
                self._cluster = cluster
            before = self._furthest.get(cluster)
            if before is None or position >= before[0]:
                self._furthest[cluster] = (position, index)

    def headers(self) -> dict[str, str]:
        """What to send along with a request."""
        with self._lock:
            if self._cluster is None:
                return {}
            _, index = self._furthest[self._cluster]
            return {"X-Vault-Index": index, **(_FORWARD if self._forward else {})}

    def describe(self) -> str:
        """In a few words, for people."""
        with self._lock:
            if self._cluster is None:
                return "no X-Vault-Index: one node, or its active one, is needed"
            form = _FORMS.get(self._cluster.partition(":")[0], "of an unknown form")
            how = (
                "a node that is behind passes requests on"
                if self._forward
                else "a node that is behind is asked again"
            )
            return f"X-Vault-Index {form}; {how}"

    def is_refused(self, sent: Mapping[str, str], reply: Reply) -> bool:
        """Whether ``reply`` refuses the header of ``sent`` that asks to pass a request on.

        It is not sent again.
        """
        if reply.status != 400 or not _FORWARD.items() <= sent.items():
            return False
        if not any(_REFUSED in text.lower() for text in error_texts(reply)):
            return False
        self._forward = False
        return True


def _parse(index: str) -> tuple[str, Position]:
    """The cluster that an index is of, and how far that has come.

    OpenBao's is a number in JSON, Vault's ``v1:<cluster>:<local>:<replicated>:<HMAC>``, both in
    base64. Of any other form (the cluster "") the last one that came counts as the furthest.
    """
    try:
        text = base64.b64decode(index, validate=True).decode("ascii")
        if text.startswith("v1:"):
            _, cluster, local, replicated, _ = text.split(":")
            return f"v1:{cluster}", (int(local), int(replicated))
        return "json", (int(json.loads(text)["value"]), 0)
    except (ValueError, TypeError, KeyError):
        return "", (0, 0)
