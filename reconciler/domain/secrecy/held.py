"""The exact secrets that this program holds, in the forms in which they may come back to it.

Every ``Secret`` is known here for as long as it lives. Credentials are kept: what quotes one may be
shown after the connection that used it is closed.
"""

from __future__ import annotations

import base64
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.domain.secrecy.secret import Secret

# Shorter ones are words that stand in other texts, too.
SHORTEST = 8
_MOST_KEPT = 64
_PREFIXES = ("whsec_", "whsk_")

_lock = threading.Lock()
_alive: weakref.WeakKeyDictionary[Secret, tuple[str, ...] | None] = weakref.WeakKeyDictionary()
_kept: deque[Secret] = deque(maxlen=_MOST_KEPT)


def remember(secret: Secret) -> None:
    """Know ``secret`` until it is forgotten by everybody else."""
    with _lock:
        _alive[secret] = None


def remember_for_good(secret: Secret) -> Secret:
    """Know the text of ``secret`` to the end of the program; returns it."""
    with _lock:
        if all(one.reveal() != secret.reveal() for one in _kept):
            _kept.append(secret)
    return secret


def list_held_forms() -> list[str]:
    """Every form of every secret that is held."""
    with _lock:
        known = list(_alive.items())
    result: list[str] = []
    for secret, found in known:
        result += found if found is not None else _make_forms(secret)
    return result


def _make_forms(secret: Secret) -> tuple[str, ...]:
    found = _forms_of(secret.reveal())
    with _lock:
        _alive[secret] = found
    return found


def _forms_of(text: str) -> tuple[str, ...]:
    """The text itself, without its prefix, and both in base64 (at any offset in a longer text) and
    hexadecimal."""
    bare = next(
        (text.removeprefix(prefix) for prefix in _PREFIXES if text.startswith(prefix)), text
    )
    found: set[str] = set()
    for one in {text, bare}:
        if len(one) >= SHORTEST:
            raw = one.encode("utf-8", "surrogateescape")
            found |= {one, raw.hex(), raw.hex().upper()}
            found |= {form for offset in range(3) for form in _in_base64(raw, offset)}
    return tuple(sorted(found, key=len, reverse=True))


def _in_base64(raw: bytes, offset: int) -> tuple[str, str]:
    """The digits that ``raw`` alone decides, with ``offset`` other bytes before it."""
    digits = base64.b64encode(bytes(offset) + raw)
    first = (0, 2, 3)[offset]
    whole = (offset + len(raw)) * 8 // 6
    text = digits[first:whole].decode("ascii")
    return text, text.replace("+", "-").replace("/", "_")
