"""Which values of a built-in rule are looser than others: one row for each value in ``VALUES``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

from reconciler.dataclass import dataclass
from reconciler.domain.declared.proof import GENUINE_ONLY
from reconciler.domain.plan.scopes import covers
from reconciler.domain.values.duration import format_duration
from reconciler.domain.values.patterns import Pattern
from reconciler.planning.rules.built_in import OWNER_RULE


def higher(old: Any, new: Any) -> bool:
    """Of an upper limit; None: there is none."""
    return old is not None and (new is None or new > old)


def lower(old: Any, new: Any) -> bool:
    """Of a lower limit; None: there is none."""
    return old is not None and (new is None or new < old)


def more_allowed(old: Collection[str], new: Collection[str]) -> bool:
    return any(not any(covers(one, added) for one in old) for added in new)


def less_denied(old: Collection[str], new: Collection[str]) -> bool:
    return more_allowed(new, old)


def fewer(old: Collection[str], new: Collection[str]) -> bool:
    return not set(old) <= set(new)


def turns_on(old: bool, new: bool) -> bool:  # noqa: FBT001 - a row of the table
    return new and not old


def another(old: Any, new: Any) -> bool:
    """Of two patterns nobody can tell in general which lets more pass: another one is told,
    whichever it is."""
    return old is not None and old != new


def rarer(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Of labels that a client must have to be asked: more of them are met by fewer clients."""
    return not new.items() <= old.items()


@dataclass(frozen=True, slots=True)
class Value:
    """``default``: what holds where a rule does not say it."""

    is_looser: Callable[[Any, Any], bool]
    default: Any = None


VALUES: Mapping[tuple[str, str], Value] = {
    ("wildcard-scopes", "allow"): Value(more_allowed, ()),
    ("scope-count", "max"): Value(higher),
    ("lifetime", "keyMax"): Value(higher),
    ("lifetime", "secretMax"): Value(higher),
    ("lifetime", "min"): Value(lower),
    ("rotation", "renewBeforeMin"): Value(lower),
    ("rotation", "graceMin"): Value(lower),
    ("rotation", "graceMax"): Value(higher),
    ("https-only", "allowLoopback"): Value(turns_on, True),
    ("allowed-hosts", "hosts"): Value(more_allowed, ()),
    ("denied-hosts", "hosts"): Value(less_denied, ()),
    ("justification", "pattern"): Value(another),
    ("owner", "require"): Value(fewer, OWNER_RULE),
    ("allowed-cidrs", "minPrefix4"): Value(lower, 1),
    ("allowed-cidrs", "minPrefix6"): Value(lower, 1),
    ("probes", "require"): Value(fewer, GENUINE_ONLY),
    ("naming", "pattern"): Value(another),
    ("protection", "labels"): Value(rarer, {}),
}
_UNKNOWN = Value(lambda old, new: old != new)


def looser_value(
    rule: str,
    field: str,
    old: Any,
    new: Any,
) -> tuple[str, str] | None:
    """Both values as text when the new one (None: not said) is looser than the old one. A value
    without a row, too, when it changed at all."""
    value = VALUES.get((rule, field), _UNKNOWN)
    old, new = (value.default if one is None else one for one in (old, new))
    return (show_value(old), show_value(new)) if value.is_looser(old, new) else None


def show_value(value: Any) -> str:
    """A value of a policy, much as it is written."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Pattern):
        return f"`{value.text}`"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {one}" for name, one in sorted(value.items())) or "none"
    return f"[{', '.join(map(str, value))}]" if isinstance(value, (list, tuple)) else str(value)
