"""An HTTP reply as Vault means it: status, JSON, the server's time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.errors import StatusError, Where
from reconciler.adapters.vault.http.exchanged import Reply
from reconciler.dataclass import dataclass
from reconciler.domain.values.canonical import JsonObject


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. ``body`` is the whole JSON object, empty for 204; ``at`` the server's
    time."""

    where: Where
    status: int
    body: JsonObject
    at: datetime

    @property
    def data(self) -> JsonObject:
        """The ``data`` of the answer. Raises ``VaultError`` RC413 when there is none."""
        data = self.body.get("data")
        if not isinstance(data, dict):
            raise errors.unusable(self.where, "it has no data")
        return data

    def field(self, kind: type[Any], *names: str) -> Any:
        """The value at ``data.<names>``, which must be of ``kind``. Raises ``VaultError`` RC413."""
        value: Any = self.data
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise errors.unusable(
                self.where, f"data.{'.'.join(names)} is missing or of another type"
            )
        return value


@lru_cache(maxsize=8)
def server_time(date: str | None) -> datetime | None:
    """The ``Date`` header (RFC 9110, one second resolution) as an instant; None when it is missing
    or malformed."""
    try:
        instant = parsedate_to_datetime(date or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def decode(reply: Reply) -> JsonObject | None:
    """The reply's JSON object; empty without a body; None when it is not a JSON object."""
    if not reply.body.strip():
        return {}
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def accept_answer(where: Where, reply: Reply) -> Answer:
    """A 2xx reply as an answer. Raises ``VaultError`` RC413 when it cannot be one of Vault's."""
    body, at = decode(reply), server_time(reply.headers.get("date"))
    if body is None:
        raise errors.unusable(where, "it is not JSON")
    if at is None:
        raise errors.unusable(
            where, "it has no usable Date header, and the server's time decides what is due"
        )
    return Answer(where, reply.status, body, at)


def is_vaults(reply: Reply) -> bool:
    """Whether a refusal can be Vault's: it always has a list of errors, or data and warnings.
    Another program's 404 does not say that something is not there, nor its 403 that a token is not
    valid."""
    body = decode(reply)
    return body is not None and not {"errors", "data", "initialized"}.isdisjoint(body)


def strangers_answer(reply: Reply) -> str:
    """What another program's refusal tells of the address."""
    if b"HTTPS server" in reply.body or b"HTTPS port" in reply.body:  # Go's and nginx's sentence
        return "the server speaks TLS on this port, and the address begins with http://"
    return f"status {reply.status}, and no JSON of Vault's in it"


def error_texts(reply: Reply) -> tuple[str, ...]:
    """Vault's own list of errors; empty when there is none."""
    found = (decode(reply) or {}).get("errors")
    return tuple(str(text) for text in found) if isinstance(found, list) else ()


def health_texts(where: Where, reply: Reply) -> tuple[str, ...]:
    """``sys/health`` says in fields what other paths say in errors."""
    health = (decode(reply) or {}) if where.path == "sys/health" else {}
    return tuple(f"Vault is {name}" for name in ("sealed", "standby") if health.get(name) is True)


def refuse(where: Where, reply: Reply) -> StatusError:
    """Any other reply as the exception that carries it."""
    data = (decode(reply) or {}).get("data")
    at = server_time(reply.headers.get("date"))
    texts = error_texts(reply)
    if where.holds_secrets:
        texts = tuple(text for text in texts if text.startswith(errors.CAS_MISMATCH))
    return StatusError(
        where,
        reply.status,
        texts,
        data if isinstance(data, dict) else {},
        at,
    )


def read_gone(error: StatusError) -> tuple[int, datetime]:
    """A 404 of KV v2: the version of what is deleted there (0: nothing was ever written), and the
    server's time. What lost its data is as good as gone, and its version is not told: 0.

    Raises the error itself when it is another status.
    """
    if error.status != 404 and not error.lost_its_data:
        raise error
    if error.at is None:
        raise errors.unusable(
            error.where, "it has no usable Date header, and the server's time decides what is due"
        )
    metadata = error.data.get("metadata")
    version = metadata.get("version") if isinstance(metadata, dict) else 0
    return (version if isinstance(version, int) else 0), error.at
