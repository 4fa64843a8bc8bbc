"""Mutants that change nothing anybody could observe: judged by a person, one reason each.

They are told by what they change, not by a line number, so that they survive edits elsewhere in the
file.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Equivalent:
    """``line``: the line in which the mutant begins, without its indentation; ``new``: what it says
    instead."""

    path: str
    line: str
    new: str
    why: str


EQUIVALENTS: tuple[Equivalent, ...] = ()
