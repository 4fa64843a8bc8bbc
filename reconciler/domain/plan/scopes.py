"""Scopes: what a wildcard means, and what a client may do after its scopes changed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping

from reconciler.domain.plan.plan import Permissions, Risk

WILDCARD = "*"
_RISKS: Mapping[str, Risk] = {risk.value: risk for risk in Risk}


def covers(scope: str, name: str) -> bool:
    """Whether ``scope``, as it is written in a client, means ``name``: ``*`` stands for any text,
    also for none.

    Of two wildcards: whether the first means all that the second does. Takes time in proportion to
    the lengths; a regular expression would try every way to share out the text among many ``*``.
    """
    first, *middle = scope.split(WILDCARD)
    if not middle:
        return scope == name
    last = middle.pop()
    end = len(name) - len(last)
    if end < len(first) or not name.startswith(first) or not name.endswith(last):
        return False
    at = len(first)
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


class ScopeTable:
    """The scopes that exist, with their risks. Remembers every answer: thousands of clients ask the
    same few questions.

    Without any scope there is no catalogue, and nobody knows what a wildcard means.
    """

    __slots__ = ("_changes", "_members", "_names", "_risks")

    def __init__(self, risks: Mapping[str, str]) -> None:
        self._risks = risks
        self._names = sorted(risks)
        self._members: dict[str, frozenset[str]] = {}
        self._changes: dict[tuple[tuple[str, ...], tuple[str, ...]], Permissions | None] = {}

    def __contains__(self, scope: str) -> bool:
        return scope in self._risks

    def __len__(self) -> int:
        return len(self._risks)

    def members(self, scope: str) -> frozenset[str]:
        """The scopes that exist and that ``scope`` means; empty for one that does not exist."""
        if WILDCARD not in scope:
            return frozenset((scope,)) if scope in self._risks else frozenset()
        if scope not in self._members:
            prefix = scope.partition(WILDCARD)[0]
            found = []
            for name in self._names[bisect_left(self._names, prefix) :]:
                if not name.startswith(prefix):
                    break
                if covers(scope, name):
                    found.append(name)
            self._members[scope] = frozenset(found)
        return self._members[scope]

    def means(self, scope: str, name: str) -> bool:
        """Whether ``scope``, as it is written, means ``name``, which no catalogue need list."""
        return name in self.members(scope) if name in self._risks else covers(scope, name)

    def risk(self, scope: str) -> Risk:
        """The catalogue's word; high for what it does not list, because nobody said how bad its
        abuse would be."""
        return _RISKS[self._risks.get(scope, "high")]

    def change(self, before: Collection[str], after: Collection[str]) -> Permissions | None:
        """What is granted and withdrawn when the scopes ``before`` become ``after``, each as
        written in a client; None when a client may do the same with both."""
        asked = tuple(sorted(before)), tuple(sorted(after))
        if asked not in self._changes:
            self._changes[asked] = self._change(*asked)
        return self._changes[asked]

    def _change(self, before: Collection[str], after: Collection[str]) -> Permissions | None:
        old, new = self._effective(before), self._effective(after)
        granted, withdrawn = (
            self._not_covered(new - old, before),
            self._not_covered(old - new, after),
        )
        return Permissions(granted, withdrawn) if granted or withdrawn else None

    def _effective(self, scopes: Collection[str]) -> frozenset[str]:
        """What ``scopes`` mean.

        A name means itself, catalogued or not; so does a wildcard without a catalogue.
        """
        found: set[str] = set()
        for scope in scopes:
            found |= self.members(scope)
            if WILDCARD not in scope or not self._risks:
                found.add(scope)
        return frozenset(found)

    def _not_covered(self, names: Collection[str], scopes: Collection[str]) -> dict[str, Risk]:
        """``names`` with their risks, less those that no catalogue lists and ``scopes`` mean
        nevertheless."""
        return {
            name: self.risk(name)
            for name in sorted(names)
            if name in self._risks or not any(self.means(scope, name) for scope in scopes)
        }
