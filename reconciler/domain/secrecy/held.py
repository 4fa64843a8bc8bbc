"""The exact secrets that this program holds, in the forms in which they may come back to it.

Every ``Secret`` is known here for as long as it lives. Credentials are kept: what quotes one may be
shown after the connection that used it is closed.

A run holds the secrets of many clients at once and looks for all of them in every event that it
records. So each form is found by pieces of its end, and a text is asked piece by piece: that takes
as long as the text, whatever the number of secrets.
"""

from __future__ import annotations

import base64
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.domain.secrecy.secret import Secret

# Shorter ones are words that stand in other texts, too.
SHORTEST = 8
_MOST_KEPT = 64
_PREFIXES = ("whsec_", "whsk_")
# A text is cut at every STEP-th character into pieces of PIECE. Wherever a form stands in it, one
# of them lies within the last SHORTEST characters of the form. (The first ones are no help: those
# are the same for all our keys.)
_STEP = 4
_PIECE = SHORTEST - _STEP + 1
# The forms of so few secrets are looked for one by one: in a long text that is quicker.
_FEW = 4

_lock = threading.Lock()
# Those to take up and to forget. They are noted without the lock: the last reference to a secret
# may go at any instruction, also at one that holds it.
_new: deque[weakref.ref[Secret]] = deque()
_gone: deque[weakref.ref[Secret]] = deque()
# By the number of the reference: those to what is gone cannot be compared any more. The text that
# each stands for is kept once, however many secrets have it.
_texts: dict[int, tuple[weakref.ref[Secret], str]] = {}
# text -> its forms, and how many secrets have it
_forms: dict[str, tuple[tuple[str, ...], int]] = {}
# piece -> the forms that end with it, or nearly so; one that two texts have is there twice
_by_piece: dict[str, tuple[str, ...]] = {}
_kept: deque[Secret] = deque(maxlen=_MOST_KEPT)


def remember(secret: Secret) -> None:
    """Know ``secret`` until it is forgotten by everybody else."""
    _new.append(weakref.ref(secret, _gone.append))


def remember_for_good(secret: Secret) -> Secret:
    """Know the text of ``secret`` to the end of the program; returns it."""
    with _lock:
        if all(one.reveal() != secret.reveal() for one in _kept):
            _kept.append(secret)
    return secret


def find_held(text: str) -> Iterator[tuple[int, int]]:
    """Where secrets that are held begin and end in ``text``, in no order."""
    for form in _list_candidates(text):
        yield from find_all(text, form)


def find_all(text: str, form: str) -> Iterator[tuple[int, int]]:
    """Each place of ``form`` in ``text``: where it begins and ends."""
    at = text.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = text.find(form, at + len(form))


def _list_candidates(text: str) -> set[str]:
    """Every form that is in ``text``, and perhaps some that are not."""
    with _lock:
        _catch_up()
        if len(_forms) <= _FEW:
            return {form for forms, _ in _forms.values() for form in forms}
    pieces = (text[at : at + _PIECE] for at in range(0, len(text), _STEP))
    # Most texts hold none, which this tells without a step of Python's own for each piece.
    if _by_piece.keys().isdisjoint(pieces):
        return set()
    pieces = (text[at : at + _PIECE] for at in range(0, len(text), _STEP))
    return {form for piece in pieces for form in _by_piece.get(piece, ())}


def _catch_up() -> None:
    while _new:
        reference = _new.popleft()
        secret = reference()
        if secret is not None:
            text = secret.reveal()
            _texts[id(reference)] = reference, text
            _take_up(text)
    while _gone:
        reference = _gone.popleft()
        known = _texts.pop(id(reference), None)
        if known is not None:
            _forget(known[1])


def _take_up(text: str) -> None:
    forms, secrets = _forms.get(text) or (_forms_of(text), 0)
    _forms[text] = forms, secrets + 1
    if not secrets:
        for form, piece in _list_pieces(forms):
            _by_piece[piece] = (*_by_piece.get(piece, ()), form)


def _forget(text: str) -> None:
    """Also what was taken up in part: whoever looks for secrets may be interrupted."""
    forms, secrets = _forms.pop(text, ((), 0))
    if secrets > 1:
        _forms[text] = forms, secrets - 1
        return
    for form, piece in _list_pieces(forms):
        left = list(_by_piece.pop(piece, ()))
        if form in left:
            left.remove(form)
        if left:
            _by_piece[piece] = tuple(left)


def _list_pieces(forms: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each form with the pieces of its end, of which one is found wherever the form stands."""
    for form in forms:
        end = form[-SHORTEST:]
        for at in range(_STEP):
            yield form, end[at : at + _PIECE]


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
