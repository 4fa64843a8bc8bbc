"""Values that know where they were written: plain Python values, with marks kept by their
container.

``Map`` and ``Seq`` are a ``dict`` and a ``list``, so schemas and canonical JSON read them
unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from types import MappingProxyType
from typing import Any

# File relative to the project, line and column from 1. A tuple: ten thousand files make half a
# million.
Mark = tuple[str, int, int]

# The lists whose items are merged by their ``name``; every other list is replaced.
NAMED_LISTS = frozenset({"keys", "webhooks"})
# Below these fields maps are merged this many levels deep. What lies deeper (an example, a JSON
# Schema, the value that an answer must equal) is one value, which is replaced as a whole.
_LEVELS = {"payloads": 2, "expect": 2}
# Two ways to say one thing: who says it in one of them has not left the other one's in force.
_EITHER = {"schema": "schemaFile", "schemaFile": "schema"}


# Ten thousand clients ask half a million times for what is not there. Nothing can be put into it.
_NO_MARKS: Any = MappingProxyType({})


class Map(dict[str, Any]):
    """A mapping; ``marks`` has the place of each value, ``key_marks`` of each field name, ``mark``
    its own."""

    __slots__ = ("key_marks", "mark", "marks")

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.marks: dict[str, Mark] = {}
        self.key_marks: dict[str, Mark] = {}

    @classmethod
    def absent(cls, mark: Mark) -> Map:
        """What stands for a mapping that is not there: empty, and it stays so."""
        made = cls.__new__(cls)
        made.mark, made.marks, made.key_marks = mark, _NO_MARKS, _NO_MARKS
        return made

    def copy(self) -> Map:
        """A shallow copy, which shares the marks."""
        made = Map.__new__(Map)
        made.update(self)
        made.mark, made.marks, made.key_marks = self.mark, self.marks, self.key_marks
        return made

    def put(
        self,
        key: str,
        value: object,
        origin: Map,
    ) -> None:
        """Set ``key`` as it is written in ``origin``."""
        self[key] = value
        self.marks[key] = origin.marks[key]
        self.key_marks[key] = origin.key_marks[key]

    def remove(self, key: str) -> None:
        del self[key], self.marks[key], self.key_marks[key]

    def without(self, *keys: str) -> Map:
        """A shallow copy that lacks ``keys``."""
        result = Map(self.mark)
        for key, value in self.items():
            if key not in keys:
                result.put(key, value, self)
        return result

    def sub(self, key: str) -> Map:
        """The mapping at ``key``; an empty one, which stays so, when there is none."""
        value = self.get(key)
        return value if isinstance(value, Map) else _absent(self.marks.get(key, self.mark))

    def items_at(self, key: str) -> Iterator[tuple[Any, Mark]]:
        """The items of the list at ``key`` with their places; none when there is no list."""
        value = self.get(key)
        return zip(value, value.marks, strict=True) if isinstance(value, Seq) else iter(())

    def list_named(self, key: str) -> Iterator[Map]:
        """The mappings of a list of named things."""
        return (item for item, _ in self.items_at(key) if isinstance(item, Map) and "name" in item)


class Seq(list[Any]):
    """A list; ``marks`` has the place of each item, ``mark`` its own."""

    __slots__ = ("mark", "marks")

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.marks: list[Mark] = []

    def copy(self) -> Seq:
        """A shallow copy, which shares the marks."""
        made = Seq.__new__(Seq)
        made.extend(self)
        made.mark, made.marks = self.mark, self.marks
        return made

    def add(
        self,
        value: object,
        mark: Mark,
    ) -> None:
        self.append(value)
        self.marks.append(mark)

    def remove_at(self, index: int) -> None:
        del self[index], self.marks[index]


# What is absent from one mapping has one place, and is asked for again and again.
_absent = lru_cache(maxsize=256)(Map.absent)


def plain(value: Any) -> Any:
    """``value`` without marks: plain mappings and lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def locate(root: Map, path: Iterable[str | int]) -> Mark:
    """Where the value at ``path`` is written; the last container that exists when it does not."""
    container: Any = root
    mark = root.mark
    for part in path:
        try:
            mark = container.marks[part]
            container = container[part]
        except (LookupError, TypeError, AttributeError):
            break
    return mark


def merge(
    base: Map,
    over: Map,
    levels: int | None = None,
) -> Map:
    """``over`` on top of ``base``: maps deeply, named lists by name, everything else replaced.

    Marks stay with the text that won. Neither argument is changed; the result may share their
    parts. ``levels``: how many levels of maps are merged, None: all; what lies deeper is replaced.
    """
    result = Map(over.mark)
    for key, value in base.items():
        if levels != 1 or _EITHER.get(key) not in over:
            result.put(key, value, base)
    for key, value in over.items():
        result.put(key, _merge_values(key, base.get(key), value, levels), over)
    return result


def _merge_values(
    key: str,
    base: object,
    over: object,
    levels: int | None,
) -> object:
    if levels == 1:
        return over
    if isinstance(base, Map) and isinstance(over, Map):
        return merge(base, over, _LEVELS.get(key) if levels is None else levels - 1)
    if key in NAMED_LISTS and levels is None and isinstance(base, Seq) and isinstance(over, Seq):
        return _merge_named(base, over)
    return over


def _merge_named(base: Seq, over: Seq) -> Seq:
    """Items of ``base`` first, each merged with its namesake; new names after them, in their
    order."""
    changes = {item["name"]: (item, mark) for item, mark in _with_names(over)}
    result = Seq(over.mark)
    for item, mark in _with_names(base):
        found = changes.pop(item["name"], None)
        if found is None:
            result.add(item, mark)
        else:
            result.add(merge(item, found[0]), found[1])
    for item, mark in changes.values():
        result.add(item, mark)
    return result


def _with_names(items: Seq) -> Iterator[tuple[Map, Mark]]:
    """An item without a name was faulted already; it takes part in nothing."""
    pairs = zip(items, items.marks, strict=True)
    return ((item, mark) for item, mark in pairs if isinstance(item, Map) and "name" in item)
