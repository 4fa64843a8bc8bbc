"""Why a schema refuses a document: one finding per mistake, in words, at its place.

Only documents that are refused come here, so only then jsonschema (0.1 s) is imported. What is
wrong is then cut out of the document, so that the rest can still be checked for what a schema
cannot say.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from reconciler.declare.findings.collector import TEXT_SHOWN, Collector
from reconciler.declare.findings.nodes import NAMED_LISTS, Map, Mark, Seq, locate
from reconciler.declare.findings.suggest import did_you_mean, list_choices
from reconciler.declare.findings.words import join_path, value_in_words
from reconciler.declare.schema.accept import pattern
from reconciler.declare.schema.schemas import read_schema
from reconciler.domain.declared.desired import RuleLevel
from reconciler.domain.secrecy import beginning
from reconciler.errors import NOWHERE, Address

# jsonschema's ValidationError; its type stubs make every attribute one that may be unset.
Refusal = Any

_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "nothing",
}
_NO_SPACE = re.compile(r"(?<=\w):(?=[^\s:/])")
_WORDS_FOR_TRUE = frozenset({"yes", "no", "on", "off", "true", "false", "y", "n"})


def explain(
    kind: str,
    document: Map,
    found: Collector,
    address: Address = NOWHERE,
) -> bool:
    """Report everything that the schema of ``kind`` refuses in ``document`` and remove it from
    there.

    Returns whether anything was refused. ``document`` keeps its top-level fields.
    """
    errors = list(explain_faults(kind).iter_errors(document))
    for error in errors:
        path = list(error.absolute_path)
        explainer = _EXPLAINERS.get(str(error.validator), _other)
        for message, hint, key in explainer(error, path, kind):
            mark = _mark(document, path, key)
            found.add(
                _CODES.get(str(error.validator), "RC127"),
                mark,
                message,
                remedy=hint,
                address=address,
            )
    _cut(document, errors)
    return bool(errors)


def _mark(
    document: Map,
    path: list[str | int],
    key: str | None,
) -> Mark:
    """The place of the value at ``path``, or of the field name ``key`` in it."""
    container: Any = document
    for part in path:
        container = container[part]
    if key is not None and isinstance(container, Map):
        return container.key_marks.get(key, container.mark)
    return locate(document, path)


@cache
def explain_faults(kind: str) -> Any:
    """The jsonschema validator of ``kind``; its patterns end where ECMA-262 says they end, and what
    it looks at grows with the document alone."""
    keywords = {"pattern": _match, "items": _items, "uniqueItems": check_unique}
    strict = validators.extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call]
    return strict(read_schema(kind))


def _match(
    _validator: object,
    text: str,
    instance: object,
    _schema: object,
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not pattern(text).search(instance):
        yield ValidationError(f"does not match {text}")


def _items(
    validator: Any,
    part: object,
    instance: object,
    whole: Mapping[str, Any],
) -> Iterator[ValidationError]:
    """The items of a list that is too long are not looked at: that it is, is said already."""
    if isinstance(instance, list) and len(instance) <= whole.get("maxItems", len(instance)):
        for index, item in enumerate(instance):
            yield from validator.descend(item, part, path=index)


def check_unique(
    _validator: object,
    wanted: object,
    instance: object,
    _schema: object,
) -> Iterator[ValidationError]:
    """Linear; jsonschema compares each item with each."""
    if wanted and isinstance(instance, list) and repeats(instance):
        yield ValidationError("has non-unique elements")


def repeats(items: list[Any]) -> bool:
    """Whether two of ``items`` are equal in JSON."""
    return len(set(map(_identity, items))) < len(items)


def _identity(item: object) -> str:
    """Equal for items that are equal in JSON, and only for them."""
    return json.dumps(item, sort_keys=True)


# Each explainer yields (message, hint, field name when the place is that of a field name).
_Explained = Iterator[tuple[str, str, str | None]]


def _unknown_fields(
    error: Refusal,
    path: list[str | int],
    kind: str,
) -> _Explained:
    known = error.schema["properties"]
    strangers = (name for name in error.instance if name not in known)
    for number, name in enumerate(strangers):
        absent = (
            [field for field in known if field not in error.instance] if number < TEXT_SHOWN else []
        )
        hint = did_you_mean(name, absent)
        if not hint:
            places = [place for place in _places(kind).get(name, ()) if place != join_path(path)]
            hint = (
                f"`{name}` belongs under {list_choices(places, 3)}"
                if places
                else f"allowed are {list_choices(known)}"
            )
        yield f"{join_path(path)} has no field `{name}`", hint, name


@cache
def _places(kind: str) -> Mapping[str, list[str]]:
    """Every field name of a kind with the mappings that have it."""
    places: dict[str, list[str]] = {}
    root = read_schema(kind)

    def walk(part: Mapping[str, Any], path: str) -> None:
        if "$ref" in part:
            part = root["$defs"][part["$ref"].removeprefix("#/$defs/")]
        for name, child in part.get("properties", {}).items():
            places.setdefault(name, []).append(path or "the document")
            walk(child, f"{path}.{name}".removeprefix("."))
        if "items" in part:
            walk(part["items"], f"{path}[]")

    walk(root, "")
    return places


def _missing_field(
    error: Refusal,
    path: list[str | int],
    _kind: str,
) -> _Explained:
    # jsonschema makes one error per missing field; only its message says which.
    name = error.message.rsplit(" is a required property", 1)[0].strip("'\"")
    hint = ""
    examples = error.schema["properties"].get(name, {}).get("examples")
    if examples and isinstance(examples[0], str):
        hint = f"for example `{name}: {examples[0]}`"
    strangers = [field for field in error.instance if field not in error.schema["properties"]]
    if not did_you_mean(name, strangers):  # else it is there, misspelt, and reported as such
        yield f"{join_path(path)} lacks the field `{name}`", hint, None


def _wrong_type(
    error: Refusal,
    path: list[str | int],
    _kind: str,
) -> _Explained:
    wanted = (
        error.validator_value
        if isinstance(error.validator_value, list)
        else [error.validator_value]
    )
    names = " or ".join(_NAMES[str(name)] for name in wanted)
    value, hint = error.instance, ""
    if "boolean" in wanted and isinstance(value, str) and value.lower() in _WORDS_FOR_TRUE:
        hint = "write true or false, in lower case and without quotes"
    elif "string" in wanted and isinstance(value, bool | int):
        quoted, form = str(value).lower(), str(error.schema.get("pattern", ""))
        fits = pattern(form).search(quoted) is not None
        hint = (
            f'put it in quotes: "{quoted}"'
            if fits
            else str(error.schema.get("patternErrorMessage", ""))
        )
    elif value is None:
        hint = "write a value, or remove the field"
    elif "array" in wanted and isinstance(value, str | int):
        hint = f"write a list: [{value_in_words(value).strip('`')}]"
    elif (
        wanted == ["object"]
        and isinstance(value, list)
        and value
        and all(isinstance(one, str) for one in value)
    ):
        hint = (
            f"write a mapping: `{path[-1]}: {{{', '.join(f'{one}: {{}}' for one in value[:3])}}}`"
        )
    elif wanted == ["array"] and isinstance(value, dict) and value:
        hint = f"write a list: `{path[-1]}: {_as_list(str(path[-1]), value)}`"
    elif isinstance(value, str) and _NO_SPACE.match(value):
        hint = (
            "a space is missing after a colon:"
            f" `{beginning(_NO_SPACE.sub(': ', value, count=1), 60)}`"
        )
    elif "level" in error.schema.get("properties", ()) and isinstance(value, str):
        hint = (
            f"write a mapping: {{level: {value if value in list(RuleLevel) else RuleLevel.DENY}}}"
        )
    yield f"{join_path(path)} must be {names}, not {value_in_words(value)}", hint, None


def _as_list(field: str, value: Mapping[str, Any]) -> str:
    """How a list is written that somebody wrote as a mapping by name."""
    if field not in NAMED_LISTS:
        return f"[{', '.join(list(value)[:3])}]"
    return f"[{', '.join(f'{{name: {name}, …}}' for name in list(value)[:3])}]"


def _not_allowed(
    error: Refusal,
    path: list[str | int],
    _kind: str,
) -> _Explained:
    allowed = (
        error.validator_value
        if isinstance(error.validator_value, list)
        else [error.validator_value]
    )
    if not isinstance(error.instance, str):
        return  # its type is reported already
    hint = did_you_mean(error.instance, allowed) or f"allowed: {list_choices(allowed)}"
    yield f"{join_path(path)} cannot be {value_in_words(error.instance)}", hint, None


def _wrong_form(
    error: Refusal,
    path: list[str | int],
    _kind: str,
) -> _Explained:
    what = str(error.schema.get("patternErrorMessage", ""))
    if _is_about_a_name(error):
        yield (
            f"the name `{error.instance}` in {join_path(path)} is malformed",
            what,
            str(error.instance),
        )
        return
    yield f"{join_path(path)} is malformed: {value_in_words(error.instance)}", what, None


_LIMITS: Mapping[str, Callable[[Any, Any], str]] = {
    "minimum": lambda limit, value: f"must be at least {limit}, not {value}",
    "maximum": lambda limit, value: f"must be at most {limit}, not {value}",
    "minLength": lambda limit, value: (
        f"must have at least {limit} characters, not {len(value)}" if value else "must not be empty"
    ),
    "maxLength": lambda limit, value: f"must have at most {limit} characters, not {len(value)}",
    "minItems": lambda limit, _: f"must have at least {limit} items",
    "maxItems": lambda limit, value: f"must have at most {limit} items, not {len(value)}",
    "minProperties": lambda limit, _: f"must have at least {limit} field",
    "maxProperties": lambda limit, value: f"must have at most {limit} fields, not {len(value)}",
}


def _out_of_range(
    error: Refusal,
    path: list[str | int],
    _kind: str,
) -> _Explained:
    message = _LIMITS[str(error.validator)](error.validator_value, error.instance)
    yield f"{join_path(path)} {message}", str(error.schema.get("errorMessage", "")), None


def _other(
    error: Refusal,
    path: list[str | int],
    _kind: str,
) -> _Explained:
    yield f"{join_path(path)} is not valid ({error.validator})", "", None


def _not_unique(
    error: Refusal,
    path: list[str | int],
    _kind: str,
) -> _Explained:
    times = Counter(map(_identity, error.instance))
    twice = sorted({str(item) for item in error.instance if times[_identity(item)] > 1})
    yield f"{join_path(path)} lists {list_choices(twice)} more than once", "", None


_EXPLAINERS: Mapping[str, Callable[[Refusal, list[str | int], str], _Explained]] = {
    "additionalProperties": _unknown_fields,
    "required": _missing_field,
    "type": _wrong_type,
    "enum": _not_allowed,
    "const": _not_allowed,
    "pattern": _wrong_form,
    "uniqueItems": _not_unique,
    **dict.fromkeys(_LIMITS, _out_of_range),
}
_CODES = {
    "additionalProperties": "RC123",
    "required": "RC124",
    "type": "RC125",
    "enum": "RC126",
    "const": "RC126",
    "pattern": "RC127",
    "uniqueItems": "RC131",
    **dict.fromkeys(_LIMITS, "RC128"),
}


def _is_about_a_name(error: Refusal) -> bool:
    return "propertyNames" in error.absolute_schema_path


def _cut(document: Map, errors: list[Refusal]) -> None:
    """Remove what ``errors`` are about: of a mapping with unknown fields only those, of a repeating
    list nothing."""
    paths: dict[tuple[str | int, ...], bool] = {}  # and whether the name itself is wrong
    for error in errors:
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            known = error.schema["properties"]
            paths.update({(*path, name): True for name in error.instance if name not in known})
        elif _is_about_a_name(error):
            paths[*path, str(error.instance)] = True
        elif error.validator not in ("uniqueItems", "minProperties"):
            paths.setdefault(path, False)
    # Deepest first, and of one list the last item first: no removal moves what another one means.
    for path in sorted(paths, key=_depth_first, reverse=True):
        _remove(document, list(path), about_a_name=paths[path])


def _depth_first(path: tuple[str | int, ...]) -> list[tuple[str, int]]:
    return [(part, 0) if isinstance(part, str) else ("", part) for part in path]


def _remove(
    document: Map,
    path: list[str | int],
    *,
    about_a_name: bool,
) -> None:
    if len(path) < 2:  # top-level fields stay, so that what follows finds them
        return
    container: Any = document
    for part in path[:-1]:
        held = isinstance(container, list) or part in container
        container = container[part] if held else None
        if not isinstance(container, Map | Seq):
            return
    last = path[-1]
    if path[-2] == "environments" and isinstance(container, Map) and not about_a_name:
        # it exists, whatever was written in it
        container[str(last)] = Map(container.marks[str(last)])
    elif isinstance(container, Map) and isinstance(last, str) and last in container:
        container.remove(last)
    elif isinstance(container, Seq) and isinstance(last, int) and last < len(container):
        container.remove_at(last)
