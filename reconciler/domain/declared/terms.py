"""The terms of a plan: what it is judged by, apart from the clients that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass, replace

from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import Environment, GuardrailPolicy, Project
from reconciler.errors import Source

# Where something is written: the kind of its document, then names of fields, and of the items of
# named lists.
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """Policy, catalogue (scope → risk) and project as a declaration states them. ``environment``
    None: this declaration does not have it. ``places``: where each part is written."""

    project: Project
    environment: Environment | None
    policy: GuardrailPolicy
    scopes: Mapping[str, str]
    places: Mapping[Path, Source] = field(default_factory=dict)

    def means(self, other: Terms) -> bool:
        """Whether ``other`` says the same, wherever in its files that is written."""
        return _say_the_same(replace(self, places={}), replace(other, places={}))

    def place(self, path: Path) -> Source | None:
        """Where ``path`` is written, or what it is a part of; None when nothing of its document is
        there."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return None


def _say_the_same(one: object, other: object) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, Source):
        return True
    if is_dataclass(one):
        return all(
            _say_the_same(getattr(one, each.name), getattr(other, each.name))
            for each in fields(one)
        )
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_say_the_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        same = one.keys() == other.keys()
        return same and all(_say_the_same(one[key], other[key]) for key in one)
    return one == other
