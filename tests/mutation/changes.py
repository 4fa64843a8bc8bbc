"""From the text of a module to its mutants: each is one small change of the kind that people make
by mistake."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One mutant of a text. ``line`` counts from 1; ``start`` and ``end`` are offsets in its UTF-8
    bytes. ``statement``: the one that it is in, its first line as ``ast.unparse`` writes it."""

    kind: str
    line: int
    statement: str
    start: int
    end: int
    new: str

    def apply(self, text: str) -> str:
        raw = text.encode()
        return (raw[: self.start] + self.new.encode() + raw[self.end :]).decode()


# What stands for what, each way round where that is another mistake.
_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


def changes(text: str) -> list[Change]:
    """Every mutant of a module, in the order of its text."""
    return sorted(_Finder(text).found(), key=lambda one: (one.start, one.end, one.kind, one.new))


class _Finder:
    def __init__(self, text: str) -> None:
        self._tree = ast.parse(text)
        self._lines = [0]
        for line in text.encode().splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def found(self) -> Iterator[Change]:
        for node, statement in _code(self._tree):
            for make in _MAKERS:
                for kind, new in make(node):
                    yield self._change(kind, _target(kind, node), statement, new)

    def _change(self, kind: str, node: ast.expr | ast.stmt, statement: str, new: str) -> Change:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._lines[node.lineno - 1] + node.col_offset
        end = self._lines[node.end_lineno - 1] + node.end_col_offset
        return Change(kind, node.lineno, statement, start, end, new)


def _target(kind: str, node: ast.AST) -> ast.expr | ast.stmt:
    """What is replaced: the condition of a statement, the body of a handler, else the node
    itself."""
    if kind == "condition" and isinstance(node, ast.If | ast.While | ast.IfExp):
        return node.test
    if isinstance(node, ast.ExceptHandler):
        first, last = node.body[0], copy.copy(node.body[0])
        last.end_lineno, last.end_col_offset = (
            node.body[-1].end_lineno,
            node.body[-1].end_col_offset,
        )
        return last if len(node.body) > 1 else first
    assert isinstance(node, ast.expr | ast.stmt)
    return node


def _code(node: ast.AST, statement: str = "") -> Iterator[tuple[ast.AST, str]]:
    """What is run, each with its statement: no docstring, annotation, decorator, import, pattern, and nothing inside an
    f-string (its parts have no positions before Python 3.12)."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params", "bases"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, _UNTOUCHED) or _is_text(child):
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            within = statement
            if isinstance(child, ast.stmt | ast.ExceptHandler):
                within = _first_line(child)
            yield child, within
            yield from _code(child, within)


def _first_line(statement: ast.stmt | ast.ExceptHandler) -> str:
    """As ``ast.unparse`` writes it, without spending time on the body."""
    head = copy.copy(statement)
    for field in {"body", "orelse", "finalbody", "handlers", "cases"} & set(head._fields):
        setattr(head, field, [])
    return ast.unparse(head).strip().partition("\n")[0]


_UNTOUCHED = (ast.Import, ast.ImportFrom, ast.JoinedStr, ast.pattern, ast.Assert, ast.expr_context)


def _is_text(node: ast.AST) -> bool:
    """A docstring, the body of a protocol's method."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


Made = Iterator[tuple[str, str]]


def _comparison(node: ast.AST) -> Made:
    if isinstance(node, ast.Compare):
        for number, operator in enumerate(node.ops):
            other = copy.deepcopy(node)
            other.ops[number] = _COMPARED[type(operator)]()
            yield "comparison", f"({ast.unparse(other)})"


def _operator(node: ast.AST) -> Made:
    if isinstance(node, ast.BinOp) and type(node.op) in _COUNTED:
        other = copy.deepcopy(node)
        other.op = _COUNTED[type(node.op)]()
        yield "operator", f"({ast.unparse(other)})"
    if isinstance(node, ast.BoolOp):
        either = copy.deepcopy(node)
        either.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "operator", f"({ast.unparse(either)})"
        for number in range(len(node.values)):
            fewer = node.values[:number] + node.values[number + 1 :]
            kept = fewer[0] if len(fewer) == 1 else ast.BoolOp(node.op, fewer)
            yield "operand", f"({ast.unparse(kept)})"


def _condition(node: ast.AST) -> Made:
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "condition", f"(not ({ast.unparse(node.test)}))"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "condition of a not", f"({ast.unparse(node.operand)})"


def _constant(node: ast.AST) -> Made:
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield "constant", str(not value)
    elif isinstance(value, int | float):
        yield "constant", f"({value + 1!r})"
    elif isinstance(value, str) and value and " " not in value:  # a sentence is for people
        yield "constant", repr(f"{value}x")
    elif isinstance(value, bytes) and value:
        yield "constant", repr(value + b"x")


def _statement(node: ast.AST) -> Made:
    if isinstance(node, ast.Raise):
        yield "no raise", "pass"
    elif isinstance(node, _LEFT_OUT) or _sets_a_part(node):
        yield "no statement", "pass"
    elif isinstance(node, ast.Return) and not _is_none(node.value):
        yield "no result", "return None"
    elif isinstance(node, ast.ExceptHandler) and not _raises_again(node):
        yield "not caught", "raise"


_LEFT_OUT = (ast.Expr, ast.AugAssign, ast.Delete, ast.Break, ast.Continue)


def _sets_a_part(node: ast.AST) -> bool:
    """``a.b = …`` and ``a[b] = …``. Without the assignment of a name nothing would run at all."""
    parts = ast.Attribute | ast.Subscript
    return isinstance(node, ast.Assign) and all(isinstance(one, parts) for one in node.targets)


def _is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def _raises_again(node: ast.ExceptHandler) -> bool:
    return len(node.body) == 1 and isinstance(node.body[0], ast.Raise) and node.body[0].exc is None


_MAKERS: tuple[Callable[[ast.AST], Made], ...] = (
    _comparison,
    _operator,
    _condition,
    _constant,
    _statement,
)
