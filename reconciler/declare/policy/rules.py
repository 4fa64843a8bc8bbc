"""The rules of a policy as they are written → ``domain.declared.desired.Rule`` and
``CustomRule``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from reconciler.declare.findings.collector import Collector, source_of
from reconciler.declare.findings.nodes import Map, Mark
from reconciler.declare.findings.places import inside
from reconciler.declare.webhooks.urls import host_pattern
from reconciler.declare.webhooks.values import read_duration
from reconciler.domain.declared.desired import CustomRule, Rule, RuleLevel
from reconciler.domain.values.patterns import PatternError, compile_pattern

# How the values are read that are not taken as they are written. A list is read item by item.
_PARSE: Mapping[str, Callable[[str], object]] = {
    **dict.fromkeys(
        ("keyMax", "secretMax", "min", "renewBeforeMin", "graceMin", "graceMax"), read_duration
    ),
    "hosts": host_pattern,
    "pattern": compile_pattern,
}
_SETTINGS = frozenset({"level", "environments"})
# (rule, lesser, greater): a rule with the first above the second lets nothing pass.
_ORDERED = (
    ("lifetime", "min", "keyMax"),
    ("lifetime", "min", "secretMax"),
    ("rotation", "graceMin", "graceMax"),
)


def build_rules(spec: Map, found: Collector) -> tuple[Rule, ...]:
    """The built-in rules that ``spec.rules`` sets, in the order of the table.

    One with a wrong value is left out.
    """
    rules = spec.sub("rules")
    built = (_rule(name, rules.sub(name), found) for name in sorted(rules))
    return tuple(rule for rule in built if rule is not None)


def environments_of(spec: Map) -> tuple[str, ...]:
    return tuple(name for name, _ in spec.items_at("environments"))


def _rule(
    name: str,
    spec: Map,
    found: Collector,
) -> Rule | None:
    before = found.errors
    values = {field: _value(spec, field, found) for field in spec if field not in _SETTINGS}
    for rule, less, more in _ORDERED:
        if rule == name and _are_crossed(values.get(less), values.get(more)):
            found.add(
                "RC208", spec.marks[less], f"{less} is more than {more}: nothing can keep this rule"
            )
    if found.errors != before or "level" not in spec:
        return None
    return Rule(name, RuleLevel(spec["level"]), values, environments_of(spec))


def _are_crossed(less: object, more: object) -> bool:
    return isinstance(less, timedelta) and isinstance(more, timedelta) and less > more


def _value(
    spec: Map,
    field: str,
    found: Collector,
) -> Any:
    written, parse = spec[field], _PARSE.get(field)
    if isinstance(written, list):
        items = [_parse(item, mark, parse, found) for item, mark in spec.items_at(field)]
        return tuple(items)
    return (
        dict(written)
        if isinstance(written, Map)
        else _parse(written, spec.marks[field], parse, found)
    )


def _parse(
    written: Any,
    mark: Mark,
    parse: Callable[[str], object] | None,
    found: Collector,
) -> Any:
    if parse is None:
        return written
    try:
        return parse(written)
    except PatternError as error:
        place = inside(mark, written, error.position, found.texts.get(mark[0], ""))
        found.add("RC208", place, f"this is no regular expression that can be used: {error}")
    except ValueError as error:
        found.add("RC150" if parse is read_duration else "RC208", mark, str(error))
    return None


def build_custom_rules(spec: Map) -> tuple[CustomRule, ...]:
    """The rules of one's own that are whole; what the schema found wrong with others is reported
    already."""
    return tuple(
        CustomRule(
            item["name"],
            RuleLevel(item["level"]),
            item["when"],
            item["message"],
            source_of(item.marks["when"]),
            environments_of(item),
        )
        for item in spec.list_named("customRules")
        if {"level", "when", "message"} <= item.keys()
    )
