"""What an action changes, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from reconciler.dataclass import dataclass
from reconciler.domain.plan.plan import Action
from reconciler.domain.values.canonical import Json

ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class ChangedField:
    """``path`` is dotted; ``before`` and ``after`` are JSON spellings, or ``ABSENT``.

    Not neutralised yet.
    """

    path: str
    before: str
    after: str


def find_changed_fields(action: Action) -> tuple[ChangedField, ...]:
    """The fields that differ between ``action.before`` and ``action.after``, by path."""
    before, after = dict(_leaves(action.before or {})), dict(_leaves(action.after or {}))
    return tuple(
        ChangedField(path, before.get(path, ABSENT), after.get(path, ABSENT))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    )


def _leaves(value: Json, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _leaves(part, f"{path}.{key}" if path else str(key))
    elif path:
        yield (
            path,
            (
                value
                if isinstance(value, str)
                else json.dumps(value, sort_keys=True, ensure_ascii=False)
            ),
        )
