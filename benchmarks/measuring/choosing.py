"""Which rows are measured: pure."""

from __future__ import annotations

from collections.abc import Sequence


def choose_rows(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Those of ``names`` that ``wanted`` asks for, in the order of ``names``.

    A wanted word is a name, or what names begin with before a hyphen: ``plan`` stands for
    ``plan-cold`` and ``plan-warm``. Raises ``ValueError`` for a word that asks for nothing.

    >>> choose_rows(["plan-cold", "plan-warm", "help"], ["help", "plan"])
    ['plan-cold', 'plan-warm', 'help']
    """
    chosen: set[str] = set()
    for word in wanted:
        found = {name for name in names if name == word or name.startswith(f"{word}-")}
        if not found:
            raise ValueError(f"there is no row {word!r}; the rows are {', '.join(names)}")
        chosen |= found
    return [name for name in names if name in chosen]
