"""Mutants that change nothing anybody could observe: judged by a person, one reason each.

They are known by the statement that they change, as ``ast.unparse`` writes it: edits elsewhere in
the file and another layout leave them alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Equivalent:
    """``statement``: the one that the mutant is in, its first line as ``ast.unparse`` writes it;
    ``new``: what stands in the place of a part of it."""

    path: str
    statement: str
    new: str
    why: str


EQUIVALENTS: tuple[Equivalent, ...] = ()
