"""A JSON Schema that somebody else wrote, and whether an example conforms to it: in words, at
bounded cost.

jsonschema judges. What it would do without an end is taken from it: nothing is fetched, patterns
are matched in linear time (``domain.values.patterns``), and a schema may ask a limited number of
questions about one example.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import islice
from typing import Any, TypeAlias

from jsonschema import validators
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from reconciler.dataclass import dataclass
from reconciler.declare.findings.suggest import did_you_mean, list_choices
from reconciler.declare.findings.words import value_in_words
from reconciler.declare.schema.explain import check_unique
from reconciler.declare.schema.keywords import DATA, NAMED_SCHEMAS
from reconciler.domain.secrecy import beginning
from reconciler.domain.values import canonical
from reconciler.domain.values.patterns import PatternError, compile_pattern

_DEFAULT = "https://json-schema.org/draft/2020-12/schema"
_SHOWN = 20  # faults of one example that are told
_MOST_QUESTIONS = 50_000  # keywords evaluated for one example: some seconds
_MOST_STEPS = 2_000_000  # of a pattern on one text: some seconds
_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "null": "nothing",
    "integer": "a whole number",
    "number": "a number",
}
_WORDS: Mapping[str, str] = {
    "minimum": "must be at least {}",
    "exclusiveMinimum": "must be more than {}",
    "multipleOf": "must be a multiple of {}",
    "maximum": "must be at most {}",
    "exclusiveMaximum": "must be less than {}",
    "format": "must have the format `{}`",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} fields",
    "maxProperties": "must have at most {} fields",
    "pattern": "must match `{}`",
    "uniqueItems": "must not list anything twice",
    "contains": "holds nothing that the schema asks for (`contains`)",
    "not": "is what the schema excludes (`not`)",
}


_Path = tuple[str | int, ...]
Schema: TypeAlias = dict[str, Any] | bool


@dataclass(frozen=True, slots=True)
class _Fault:
    """``path`` leads to the value; with ``field`` it is about the name of that field in it.
    ``of_schema``: it is the schema that cannot be used, and ``path`` leads to a place in there."""

    message: str
    path: _Path = ()
    field: str | None = None
    hint: str = ""
    of_schema: bool = False


class _Unusable(ValueError):
    """The schema cannot be used; the text says why, ``path`` where."""

    def __init__(
        self,
        message: str,
        path: _Path = (),
    ) -> None:
        super().__init__(message)
        self.path = path


@lru_cache(maxsize=512)
def schema_fault(text: str) -> _Fault | None:
    """What keeps the schema (canonical JSON) from being used, whatever the example."""
    schema: Schema = json.loads(text)
    if isinstance(schema, bool):
        return None
    draft = schema.get("$schema", _DEFAULT)
    if not isinstance(draft, str) or _validator(draft) is None:
        known = f"write `$schema: {_DEFAULT}`, or leave it out"
        return _Fault(
            f"`$schema` names no draft of JSON Schema that is known here; {known}",
            ("$schema",),
            of_schema=True,
        )
    try:
        # Formats are not looked at: patterns are judged below, with the words of who will match
        # them.
        _validator(draft).check_schema(schema, format_checker=None)
        _rewrite(schema, ())
    except SchemaError as error:
        path = tuple(error.absolute_path)
        what = _type_fault(error.instance) if path[-1:] == ("type",) else f"it {_sentence(error)}"
        return _Fault(f"{json_path(path)} is not JSON Schema: {what}", path, of_schema=True)
    except _Unusable as error:
        return _Fault(str(error), error.path, of_schema=True)
    except RecursionError:
        return _Fault("it is nested too deeply", of_schema=True)
    return None


def _type_fault(written: object) -> str:
    """The commonest slip, which the schema of schemas only calls none of several."""
    hint = did_you_mean(written, _NAMES)
    return f"{value_in_words(written)} is no type" + (
        f", {hint.rstrip('?')}" if hint else f": types are {list_choices(_NAMES)}"
    )


@lru_cache(maxsize=4096)
def example_faults(schema: str, example: str) -> tuple[_Fault, ...]:
    """Where ``example`` does not conform to ``schema``, which has no fault; both are canonical
    JSON."""
    value = json.loads(example)
    try:
        errors = list(islice(_errors(json.loads(schema), value), _SHOWN))
        return tuple(fault for error in errors for fault in _faults(error))
    except Unresolvable as error:
        why = (
            f"the reference `{beginning(str(error.ref), 200)}` is not in the schema, and nothing is"
            " fetched"
        )
    except RecursionError:
        why = "it refers to itself without an end"
    except (ValueError, ArithmeticError) as error:
        why = str(error)
    return (_Fault(why, of_schema=True),)


def _errors(schema: Schema, value: Any) -> Iterator[ValidationError]:
    draft = _DEFAULT if isinstance(schema, bool) else str(schema.get("$schema", _DEFAULT))
    judge, questions = _bound_class(draft)
    questions.left = _MOST_QUESTIONS
    prepared = _rewrite(schema, tuple(sorted(_field_names(value))))
    return judge(prepared, registry=Registry()).iter_errors(value)  # type: ignore[no-any-return]


@cache
def _validator(draft: str) -> Any:
    """jsonschema's class for a draft, None when it has none."""
    try:
        return validators.validator_for({"$schema": draft}, default=None)  # type: ignore[arg-type]
    except ValueError:  # not even a URI
        return None


@dataclass(slots=True)
class _Questions:
    """How many more may be asked about the example at hand."""

    left: int = 0


@cache
def _bound_class(draft: str) -> tuple[Any, _Questions]:
    """The class for a draft with our patterns, and the count of what it asks."""
    base, questions = _validator(draft), _Questions()
    keywords = {**base.VALIDATORS, "pattern": _match, "uniqueItems": check_unique}
    counted = {name: _count_questions(keyword, questions) for name, keyword in keywords.items()}
    return validators.extend(base, counted), questions  # type: ignore[no-untyped-call]


def _count_questions(keyword: Callable[..., Any], questions: _Questions) -> Callable[..., Any]:
    def ask(
        validator: Any,
        value: Any,
        instance: Any,
        schema: Any,
    ) -> Any:
        questions.left -= 1
        if questions.left < 0:
            raise _Unusable(f"it asks more than {_MOST_QUESTIONS} questions about this example")
        return keyword(validator, value, instance, schema)

    return ask


def _match(
    _validator: object,
    text: str,
    instance: object,
    _schema: object,
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _matches(text, instance):
        yield ValidationError(f"does not match {text}")


def _rewrite(
    schema: Any,
    names: tuple[str, ...],
    path: _Path = (),
) -> Any:
    """``schema`` without ``$schema`` (jsonschema would change to a validator without our bounds),
    its patterns for field names replaced by the ``names`` that they match. Raises ``_Unusable`` for
    a pattern that cannot be used."""
    if isinstance(schema, list):
        return [_rewrite(item, names, (*path, number)) for number, item in enumerate(schema)]
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for keyword, value in schema.items():
        here = (*path, keyword)
        if keyword in DATA:
            result[keyword] = value
        elif keyword in NAMED_SCHEMAS and isinstance(value, dict):
            parts = {name: _rewrite(part, names, (*here, name)) for name, part in value.items()}
            result[keyword] = (
                _by_names(parts, names, here) if keyword == "patternProperties" else parts
            )
        elif keyword != "$schema":
            if keyword == "pattern" and isinstance(value, str):
                _usable(value, here)
            result[keyword] = _rewrite(value, names, here)
    return result


def _by_names(
    parts: dict[str, Any],
    names: tuple[str, ...],
    path: _Path,
) -> dict[str, Any]:
    """``patternProperties`` for exactly those of ``names`` that match; a number makes each pattern
    unlike others."""
    result = {}
    for number, (text, part) in enumerate(parts.items()):
        _usable(text, (*path, text))
        matched = [re.escape(name) for name in names if _matches(text, name)]
        result[rf"(?#{number})\A(?:{'|'.join(matched) or '(?!)'})\Z"] = part
    return result


def _usable(text: str, path: _Path) -> None:
    try:
        compile_pattern(text, ecma=True)
    except PatternError as error:
        raise _Unusable(_no_pattern(text, error), path) from None


def _matches(text: str, searched: str) -> bool:
    """Whether the pattern ``text`` matches somewhere in ``searched``.

    Raises ``_Unusable`` when that takes too long.
    """
    try:
        return compile_pattern(text, ecma=True).occurs_in(searched, _MOST_STEPS)
    except PatternError as error:
        raise _Unusable(_no_pattern(text, error)) from None


def _no_pattern(text: str, error: PatternError) -> str:
    return f"`{text}` is no regular expression that can be used: {error}"


def _field_names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_field_names, value.values()))
    return set().union(*map(_field_names, value)) if isinstance(value, list) else set()


def json_path(path: _Path) -> str:
    """``$.items[0].amount``; names that are no words in brackets."""
    text = "$"
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += (
                f".{part}"
                if re.fullmatch(r"[A-Za-z_]\w{0,63}", part)
                else f"[{canonical.dumps(beginning(part, 64))}]"
            )
    return text


def _faults(error: Any) -> Iterator[_Fault]:
    """One error of jsonschema in words; one for each field that is too many."""
    path = tuple(error.absolute_path)
    where = json_path(path)
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = error.schema.get("properties", {})
        others = [re.compile(text) for text in error.schema.get("patternProperties", {})]
        strangers = (
            name
            for name in error.instance
            if name not in known and not any(o.search(name) for o in others)
        )
        for name in islice(strangers, _SHOWN):
            hint = did_you_mean(name, [field for field in known if field not in error.instance])
            yield _Fault(
                f"{where} has the field `{name}`, which the schema does not have", path, name, hint
            )
        return
    if "propertyNames" in error.absolute_schema_path and isinstance(error.instance, str):
        name = error.instance
        yield _Fault(
            f"{where} has the field {value_in_words(name)}, whose name the schema does not allow",
            path,
            name,
        )
        return
    yield _Fault(f"{where} {_sentence(error)}", path, hint=_hint(error))


def _sentence(error: Any) -> str:
    keyword, wanted, value = error.validator, error.validator_value, error.instance
    if keyword is None:
        return "is not allowed by the schema"
    if keyword == "required":
        return (
            "lacks the field"
            f" `{error.message.rsplit(' is a required property', 1)[0].strip(chr(39) + chr(34))}`"
        )
    if keyword == "type":
        names = [
            _NAMES.get(str(name), str(name))
            for name in (wanted if isinstance(wanted, list) else [wanted])
        ]
        return f"must be {' or '.join(names)}, not {value_in_words(value)}"
    if keyword in ("enum", "const"):
        choices = wanted if keyword == "enum" else [wanted]
        if any(isinstance(choice, dict | list) for choice in choices):
            return f"is none of the values that the schema allows (`{keyword}`)"
        return (
            f"must be {list_choices(value_in_words(choice).strip('`') for choice in choices)}, not"
            f" {value_in_words(value)}"
        )
    if keyword in _WORDS:
        shown = "" if isinstance(value, dict | list) else f", not {value_in_words(value)}"
        return _WORDS[keyword].format(value_in_words(wanted).strip("`")) + shown
    if keyword in ("anyOf", "oneOf"):
        return (
            f"fits {'none' if error.context else 'more than one'} of the schemas under `{keyword}`"
        )
    return f"does not fit `{keyword}` of the schema"


def _hint(error: Any) -> str:
    wanted = (
        error.validator_value
        if isinstance(error.validator_value, list)
        else [error.validator_value]
    )
    if (
        error.validator == "type"
        and isinstance(error.instance, str)
        and {"number", "integer"} & {*map(str, wanted)}
    ):
        try:
            float(error.instance)
        except ValueError:
            return ""
        return "a plain whole number is a number; quoted, or with a point, it is text"
    return ""
