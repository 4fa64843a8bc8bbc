"""The one place that knows what a secret looks like, and takes it out of what is shown or stored.

Text is searched in its plain form (``plaintext``) for the shapes of secrets (``shapes``) and for
those that this program holds itself (``held``). Mask before you cut: half a key is found by nobody.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from reconciler.dataclass import dataclass
from reconciler.domain.secrecy.held import SHORTEST, find_all, find_held
from reconciler.domain.secrecy.plaintext import blocks, to_plain_text, trace
from reconciler.domain.secrecy.shapes import find_shapes
from reconciler.domain.values.canonical import Json

MASK = "***"
HELD = "a secret of this run"
_ROUNDS = 3
_LONG = 1 << 18  # characters
# Of these one letter and a dot are all that is special: joined over a line end, words must look
# like chance, too.
_SHORT_MARK = ("s.", "b.", "r.")


@dataclass(frozen=True, slots=True)
class Found:
    """A secret in a text: what it looks like, and ``text[begin:end]`` holds all of it."""

    name: str
    begin: int
    end: int


def holds_secret(text: str, also: Collection[str] = ()) -> bool:
    """Whether anything in ``text`` looks like a secret, or is one that this program holds, or is in
    ``also``."""
    if next(_spans(text, also), None) is not None:
        return True
    seen = to_plain_text(text)
    return seen != text and any(_is_whole(seen, one) for one in _spans(seen, also))


def secrets_in(text: str, also: Collection[str] = ()) -> list[Found]:
    """Every secret in ``text``, by place; none of them within another."""
    if not holds_secret(text, also):
        return []
    found = list(_spans(text, also))
    for begin, block in blocks(text):
        found += _find_hidden(block, begin, also)
    return _apart(found or list(_find_hidden(text, 0, also)))


def _find_hidden(block: str, begin: int, also: Collection[str]) -> Iterator[Found]:
    """What is there only in the plain form of ``block``, which begins at ``begin`` of the whole."""
    seen = to_plain_text(block)
    hidden = [one for one in _spans(seen, also) if _is_whole(seen, one)] if seen != block else []
    if hidden:
        way = trace(block)
        for one in hidden:
            first, last = way.original(one.begin, one.end)
            yield Found(one.name, begin + first, begin + last)


def mask_secrets(text: str, also: Collection[str] = ()) -> str:
    """``text`` with ``***`` for each secret in it. ``also``: other texts that must not be seen,
    where they are long enough to be no words."""
    for _ in range(_ROUNDS):
        found = secrets_in(text, also)
        if not found:
            return text
        text = _with(text, found)
    return MASK if holds_secret(text, also) else text


def mask_document(text: str) -> str:
    """What ``mask_secrets`` makes of a finished JSON document. No string of it goes on in another
    line, and of a long one most lines are alike: of each part every line is looked at once."""
    long = len(text) > _LONG
    return text if long and not any(map(holds_secret, _list_lines(text))) else mask_secrets(text)


def _list_lines(text: str) -> Iterator[str]:
    """The lines of ``text`` part by part, those that are alike once."""
    at = 0
    while at < len(text):
        end = text.find("\n", at + _LONG) + 1 or len(text)
        yield "\n".join(dict.fromkeys(text[at:end].split("\n")))
        at = end


def beginning(text: str, length: int) -> str:
    """At most ``length`` characters of ``text``, which was masked before it was cut."""
    return mask_secrets(text)[:length]


def mask_json(value: Json) -> Json:
    """``value`` with the secrets masked in each of its texts, names of fields included."""
    if not holds_secret(json.dumps(value, ensure_ascii=False, default=str)):
        return value
    return _mask_inside(value)


def _mask_inside(value: Json) -> Json:
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, dict):
        return {mask_secrets(str(name)): _mask_inside(inner) for name, inner in value.items()}
    return [_mask_inside(inner) for inner in value] if isinstance(value, list | tuple) else value


def _spans(text: str, also: Collection[str]) -> Iterator[Found]:
    for begin, end in find_held(text):
        yield Found(HELD, begin, end)
    for one in also:
        if len(one) >= SHORTEST:
            for begin, end in find_all(text, one):
                yield Found(HELD, begin, end)
    for name, begin, end in find_shapes(text):
        yield Found(name, begin, end)


def _is_whole(text: str, one: Found) -> bool:
    """Whether what is a token only after lines were joined does not look like words that stood in
    two of them."""
    if not text.startswith(_SHORT_MARK, one.begin) or one.name == HELD:
        return True
    body = text[one.begin + 2 : one.end]
    return any(map(str.isupper, body)) and any(map(str.islower, body))


def _apart(found: list[Found]) -> list[Found]:
    """Those that overlap are made one, named by the first."""
    result: list[Found] = []
    for one in sorted(found, key=lambda one: (one.begin, -one.end)):
        if result and one.begin < result[-1].end:
            last = result[-1]
            result[-1] = Found(last.name, last.begin, max(last.end, one.end))
        else:
            result.append(one)
    return result


def _with(text: str, found: list[Found]) -> str:
    parts: list[str] = []
    at = 0
    for one in found:
        parts += (text[at : one.begin], MASK)
        at = one.end
    return "".join([*parts, text[at:]])
