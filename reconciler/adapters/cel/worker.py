"""Evaluates CEL expressions in a process of its own: reads a job from stdin, writes one line for
each expression.

A nested ``all`` or a text that is doubled again and again can ask for years and for more memory
than there is, and what CEL runs in cannot be interrupted from within. So this process gives itself
limits and is ended by the system when it passes them; the line that is missing then tells which
expression it was. It has no secret and no environment variable.
"""

from __future__ import annotations

import json
import re
import resource
import signal
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from reconciler.domain.plan.judgement import RuleFault
from reconciler.domain.values.duration import parse_duration
from reconciler.planning.rules.custom_rules import DECLARED_ONLY, LIVE

MEMORY = 1 << 29  # bytes of address space, and for each client so many more:
MEMORY_OF_ONE = 1 << 16
MACROS = ("all", "exists", "exists_one", "filter", "map", "has")
FUNCTIONS = frozenset(
    {
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "int",
        "uint",
        "double",
        "string",
        "bytes",
        "type",
        "dyn",
        "duration",
        "timestamp",
        "getFullYear",
        "getMonth",
        "getDayOfYear",
        "getDayOfMonth",
        "getDate",
        "getDayOfWeek",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getMilliseconds",
    }
)
_TYPES = frozenset(
    {"int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type"}
)
_VARIABLES = DECLARED_ONLY | LIVE
_DURATIONS = frozenset({"lifetime", "renewBefore", "grace", "timeout", "tolerance"})
_WORD = re.compile(r"[A-Za-z_]\w*\Z")
_BOUND = re.compile(rf"\.\s*(?:{'|'.join(MACROS)})\s*\(\s*([A-Za-z_]\w*)\s*,")
_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNEXPECTED = re.compile(
    r"(?:mismatched|extraneous|no viable alternative at) input '(.*?)'(?: expecting|$)"
)
_UNREAD = re.compile(r"token recognition error at: '(.*)'")


def _main() -> None:
    import cel  # noqa: F401, PLC0415 - before the clock of the first expression starts

    job = json.load(sys.stdin)
    clients = [with_durations(client) for client in job["clients"]]
    limit = MEMORY + MEMORY_OF_ONE * len(clients)
    with suppress(ValueError, OSError):  # a lower limit is set already
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for expression in job["expressions"]:
        left = max(job["budget"] - time.process_time(), 0.001)  # nothing at all would be no limit
        # of computing; SIGPROF ends the process
        signal.setitimer(signal.ITIMER_PROF, min(job["seconds"], left))
        answer = judge_expression(expression, clients, job["known"])
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


def judge_expression(
    expression: str, clients: Sequence[Mapping[str, Any]], known: Collection[str]
) -> dict[str, Any]:
    """``{faults: [[offset, message]], needs: […], verdicts: [true | false | sentence]}``"""
    import cel  # noqa: PLC0415 - 0.3 s, and only rules of one's own need it

    try:
        program = cel.compile(expression)
    except BaseException as error:  # noqa: BLE001 - a panic of the library is no Exception
        fault = syntax_fault(expression, str(error))
        return {"faults": [[fault.offset, fault.message]], "needs": [], "verdicts": []}
    names = program.references()
    faults = [[fault.offset, fault.message] for fault in unknown_names(expression, names)]
    needs = sorted(set(names["variables"]) & _VARIABLES)
    if faults or not set(needs) <= set(known):
        return {"faults": faults, "needs": needs, "verdicts": []}
    verdicts = [_verdict(program, {name: client[name] for name in needs}) for client in clients]
    return {"faults": [], "needs": needs, "verdicts": verdicts}


def _verdict(program: Any, variables: Mapping[str, Any]) -> bool | str:
    try:
        answer = program.execute(dict(variables))
    except BaseException as error:  # noqa: BLE001 - likewise
        return _why(error)
    if isinstance(answer, bool):
        return answer
    return "its answer is neither true nor false"


def _why(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"there is no field {error.args[0] if error.args else ''!s:.80}; ask has(…) first"
    if isinstance(error, MemoryError):
        return "it took too much memory"
    text = str(error).partition("\n")[0]
    if text.startswith("No such overload"):
        return "an operation does not fit the values it is given, such as a field of null"
    return text.partition(". ")[0][:200] or "it failed without a word"


def syntax_fault(expression: str, message: str) -> RuleFault:
    """The first mistake of which the parser tells, in words, with its place."""
    found = [(int(line), int(column), text) for line, column, text in _PLACE.findall(message)]
    if not found:
        return RuleFault(0, "this is not a CEL expression")
    line, column, text = next((one for one in found if "yntax error" in one[2]), found[0])
    lines = expression.split("\n")
    offset = sum(len(one) + 1 for one in lines[: line - 1]) + column - 1
    if "Recursion limit" in text:
        return RuleFault(0, "the expression is nested too deeply")
    if unread := _UNREAD.search(text):
        return RuleFault(offset, f"this cannot be read: `{unread[1][:40]}`")
    if unexpected := _UNEXPECTED.search(text):
        told = (
            "the expression ends too early"
            if unexpected[1] == "<EOF>"
            else f"`{unexpected[1][:40]}` is unexpected"
        )
        return RuleFault(offset, told)
    return RuleFault(offset, text.removeprefix("Syntax error: ").partition(" expecting ")[0][:120])


def unknown_names(expression: str, names: Mapping[str, Sequence[str]]) -> Iterator[RuleFault]:
    """Variables and functions that do not exist; those that a macro binds do."""
    functions = [name for name in names["functions"] if name not in FUNCTIONS and _WORD.match(name)]
    for name in functions:
        yield RuleFault(_first(expression, name), _explain_function(name))
    if not set(functions) & set(MACROS):  # what it would have bound is not known
        bound = set(_BOUND.findall(expression))
        for name in sorted(set(names["variables"]) - _VARIABLES - _TYPES - bound):
            yield RuleFault(_first(expression, name), f"there is no variable `{name}`")


def _explain_function(name: str) -> str:
    """Why there is no function of that name. A macro that is given what it takes is none."""
    if name == "has":
        return "`has` takes one field: has(after.owner)"
    if name in MACROS:
        return f"`{name}` takes a name and an expression"
    return f"there is no function `{name}`"


def _first(expression: str, name: str) -> int:
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", expression)
    return found.start() if found else 0


def with_durations(client: Mapping[str, Any]) -> dict[str, Any]:
    """Durations, so that they can be compared: CEL's own know no days."""
    sides = {name: client[name] for name in ("before", "after") if client.get(name)}
    lives = {
        name: {**spec, **{part: _durations(spec.get(part)) for part in ("keys", "webhooks")}}
        for name, spec in sides.items()
    }
    return {**client, **lives}


def _durations(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        name: _duration(one) if name in _DURATIONS else _durations(one)
        for name, one in value.items()
    }


def _duration(value: Any) -> Any:
    try:
        return parse_duration(value) if isinstance(value, str) else _durations(value)
    except ValueError:  # an edited record may hold anything
        return value


if __name__ == "__main__":
    _main()
