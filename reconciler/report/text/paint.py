"""Colour for terminals: one table of meanings, and nothing at all when it is switched off."""

from __future__ import annotations

from reconciler.dataclass import dataclass

# ANSI "select graphic rendition" parameters (ECMA-48); only the eight colours that every theme
# sets.
_STYLES = {
    "create": "32",
    "change": "33",
    "remove": "31",
    "alarm": "1;31",
    "good": "1;32",
    "bold": "1",
    "dim": "2",
    "plain": "",
}


@dataclass(frozen=True, slots=True)
class Paint:
    """``Paint(False)`` returns every text unchanged."""

    enabled: bool

    def __call__(self, style: str, text: str) -> str:
        """``text``, which is neutralised already, in a style of the table.

        Raises ``KeyError`` for another.
        """
        code = _STYLES[style]
        return f"\x1b[{code}m{text}\x1b[0m" if self.enabled and code and text else text
