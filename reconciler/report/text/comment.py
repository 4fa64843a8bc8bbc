"""A text of limited size: what matters least is left out first, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from reconciler.dataclass import dataclass

# A piece that takes more than a quarter of the room gets what the others leave: one change must not
# hide the rest.
_LARGEST_PART = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines that are shown or left out together; a lower ``rank`` stays longer.

    ``what`` names it in a count.
    """

    text: str
    rank: int
    what: str


@dataclass(frozen=True, slots=True)
class Section:
    """Pieces between a head and a foot.

    Without any piece that is shown it is left out, unless it never had one.
    """

    head: str
    pieces: tuple[Piece, ...] = ()
    foot: str = ""


def size(text: str) -> int:
    """UTF-8 bytes: never less than the characters or UTF-16 units that another forge may count."""
    return len(text.encode())


def fit_sections(sections: Sequence[Section], limit: int) -> tuple[list[str], Counter[str]]:
    """The text of each section, together at most ``limit`` bytes (the heads and feet of all are
    taken for granted), and how many pieces of what were left out, the most important first."""
    pieces = [
        (piece, place, index)
        for place, one in enumerate(sections)
        for index, piece in enumerate(one.pieces)
    ]
    room = limit - sum(size(section.head + section.foot) for section in sections)
    kept: list[set[int]] = [set() for _ in sections]
    left: Counter[str] = Counter()
    full = False
    for piece, place, index in sorted(
        pieces, key=lambda one: (size(one[0].text) > limit // _LARGEST_PART, one[0].rank)
    ):
        full = full or size(piece.text) > room
        if full:
            left[piece.what] += 1
        else:
            room -= size(piece.text)
            kept[place].add(index)
    return [_text(section, shown) for section, shown in zip(sections, kept, strict=True)], left


def _text(section: Section, shown: Collection[int]) -> str:
    if section.pieces and not shown:
        return ""
    inside = "".join(piece.text for index, piece in enumerate(section.pieces) if index in shown)
    return section.head + inside + section.foot
