"""JSONPath (RFC 9535), as far as its cost is bounded: what an answer of a stranger is looked at
with.

Left out of the RFC: the functions ``match`` and ``search`` (a pattern can run for ever), more than
one ``..``, several selectors in one bracket, and in a filter paths that select several values (each
multiplies the work). What is left looks at each value of the document a few times at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from reconciler.domain.values.canonical import Json

if TYPE_CHECKING:
    from jsonpath import JSONPath, JSONPathEnvironment

_FUNCTIONS = ("match", "search")
_ENOUGH = 2  # more values than one are as wrong as two


@cache
def _environment() -> JSONPathEnvironment:
    # Imported here: 0.1 s, and most declarations have no path.
    from jsonpath import JSONPathEnvironment  # noqa: PLC0415

    environment = JSONPathEnvironment(strict=True, filter_caching=False)
    for name in _FUNCTIONS:
        del environment.function_extensions[name]
    return environment


@lru_cache(maxsize=1024)
def compile_path(path: str) -> JSONPath:
    """``path``, ready for use.

    Raises ``ValueError`` that says what is wrong with it, in the parser's words.
    """
    from jsonpath import JSONPath  # noqa: PLC0415
    from jsonpath.exceptions import JSONPathError  # noqa: PLC0415

    try:
        found = _environment().compile(path)
    except JSONPathError as error:
        raise ValueError(_words(path, error)) from None
    if not isinstance(found, JSONPath):
        raise ValueError(f"`{path}` is several paths: write one")  # noqa: TRY004 - the text is wrong, not its type
    for fault in islice(_faults(found, inside=False), 1):
        raise ValueError(f"`{path}` {fault}")
    return found


def select_values(path: str, document: Json) -> list[Json]:
    """The values that ``path`` selects, at most two of them.

    Raises ``ValueError`` for a path that is not valid, or a document that is nested too deeply for
    a ``..``.
    """
    from jsonpath.exceptions import JSONPathError  # noqa: PLC0415

    query = compile_path(path)
    if isinstance(document, str):  # the library would read a text as a JSON document once more
        return [] if query.segments else [document]
    try:
        return [match.obj for match in islice(query.finditer(document), _ENOUGH)]
    except (JSONPathError, RecursionError):
        raise ValueError("the document is nested too deeply") from None


def _words(path: str, error: Any) -> str:
    """The parser's own sentence, and where in the path it stumbled."""
    token = getattr(error, "token", None)
    if not path.startswith("$"):
        return f"`{path}` is not a JSONPath: it begins with `$`, the whole document"
    if token is not None and token.value in _FUNCTIONS:
        return (
            f"`{path}` calls `{token.value}`, which is left out here: a pattern could run for ever"
        )
    index = len(path) if token is None or token.index < 0 else token.index
    at = f" at character {index + 1}" if index < len(path) else " at its end"
    return f"`{path}` is not a JSONPath{at}: {error.message or 'not understood'}"


def _faults(path: JSONPath, *, inside: bool) -> Iterator[str]:
    """Why ``path`` could cost more than a few looks at each value.

    ``inside`` a filter it selects one value.
    """
    from jsonpath.segments import JSONPathRecursiveDescentSegment  # noqa: PLC0415

    if inside and not path.singular_query():
        yield "has a path in a filter that selects several values: write one that selects one"
    if sum(isinstance(segment, JSONPathRecursiveDescentSegment) for segment in path.segments) > 1:
        yield "has `..` more than once: write the steps between"
    for segment in path.segments:
        if len(segment.selectors) > 1:
            yield "has several selectors in one bracket: write one"
        for selector in segment.selectors:
            expression = getattr(selector, "expression", None)
            for query in _queries([] if expression is None else [expression]):
                yield from _faults(query, inside=True)


def _queries(expressions: Iterable[Any]) -> Iterator[JSONPath]:
    """Every path in the expression of a filter."""
    for expression in expressions:
        query = getattr(expression, "path", None)
        if query is not None:
            yield query
        else:
            yield from _queries(expression.children())
