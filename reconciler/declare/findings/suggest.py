"""Did you mean …? And how far two words are apart."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache


def did_you_mean(word: object, choices: Iterable[str]) -> str:
    """``did you mean `x`?`` for the choice nearest to ``word``; empty when none is near."""
    found = nearest(word, frozenset(choices)) if isinstance(word, str) else None
    return f"did you mean `{found}`?" if found else ""


@lru_cache(maxsize=1024)
def nearest(word: str, choices: frozenset[str]) -> str | None:
    """The choice that ``word`` most probably misspells, or None.

    Ten thousand files repeat the same slips.
    """
    if len(word) > 256:
        return None
    by_lower = {choice.lower(): choice for choice in sorted(choices, reverse=True)}
    found = difflib.get_close_matches(word.lower(), sorted(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def edit_distance(left: str, right: str) -> int:
    """Letters to insert, delete, replace or swap with a neighbour to turn ``left`` into
    ``right``."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, previous, row = row, before, [i]
        for j, b in enumerate(right, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                row[j] = min(row[j], previous[j - 2] + 1)
    return row[-1]


def list_choices(choices: Iterable[str], limit: int = 12) -> str:
    """``a, b or c``; long lists end in ``…``."""
    names = [f"`{choice}`" for choice in choices]
    if len(names) > limit:
        return ", ".join(names[:limit]) + ", …"
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "nothing"
