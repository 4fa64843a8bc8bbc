"""The size and the shape of ``reconciler/`` in a few figures: ``python -m tests.house``.

``tests/test_architecture.py`` holds them, so that no change makes them worse unnoticed.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = ROOT / "reconciler"
LINE_LENGTH = 100
SKIP = "# fmt: " + "skip"
# Names and operators are what a reader must take in; brackets and the like only group them.
GROUPING = frozenset("()[]{},:.;")


@dataclass(frozen=True)
class House:
    """``widths``: a folder -> how many modules lie in it. ``lines`` counts every line of every module,
    ``words`` the names and operators on the ``code`` lines: those that hold more than a comment or
    a docstring. ``defined``: a public name -> the modules that define it at their top level."""

    widths: dict[str, int]
    modules: int
    lines: int
    long_lines: int
    skips: int
    words: int
    code: int
    defined: dict[str, list[str]] = field(repr=False)

    @property
    def words_a_line(self) -> float:
        return self.words / self.code

    @property
    def twice(self) -> dict[str, list[str]]:
        """Public names that two or more modules define."""
        return {name: where for name, where in sorted(self.defined.items()) if len(where) > 1}


def measure(folder: Path = CODE) -> House:
    """The figures of all modules below ``folder``."""
    paths = sorted(folder.rglob("*.py"))
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    modules = [path for path in paths if path.name != "__init__.py"]
    widths = Counter(path.parent.relative_to(folder.parent).as_posix() for path in modules)
    lines = [line for text in texts.values() for line in text.splitlines()]
    counts = [count_words(text) for text in texts.values()]
    defined = defaultdict(list)
    for path, text in texts.items():
        for name in public_names(text):
            defined[name].append(path.relative_to(folder).with_suffix("").as_posix())
    return House(
        widths=dict(widths),
        modules=len(modules),
        lines=len(lines),
        long_lines=sum(len(line) > LINE_LENGTH for line in lines),
        skips=sum(SKIP in line for line in lines),
        words=sum(words for words, _ in counts),
        code=sum(code for _, code in counts),
        defined=dict(defined),
    )


def count_words(text: str) -> tuple[int, int]:
    """Names (keywords are names) and operators of a module, and its lines of code."""
    words = 0
    code: set[int] = set()
    docstrings = docstring_lines(text)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
            continue
        if token.start[0] in docstrings and token.type == tokenize.STRING:
            continue
        code.update(range(token.start[0], token.end[0] + 1))
        words += token.type == tokenize.NAME
        words += token.type == tokenize.OP and token.string not in GROUPING
    return words, len(code)


def docstring_lines(text: str) -> set[int]:
    """The lines on which docstrings begin."""
    return {
        node.body[0].lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node, clean=False) is not None
    }


def public_names(text: str) -> set[str]:
    """Functions, classes and constants that a module defines at its top level, without what begins
    with an underscore."""
    found: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return {name for name in found if not name.startswith("_")}


def main() -> None:
    house = measure()
    folder, width = max(house.widths.items(), key=lambda item: item[1])
    print(f"widest folder             {width:>6}  {folder}")
    print(f"modules                   {house.modules:>6}")
    print(f"lines                     {house.lines:>6}")
    print(f"lines over {LINE_LENGTH}            {house.long_lines:>6}")
    print(f"{SKIP}               {house.skips:>6}")
    print(f"names, operators a line   {house.words_a_line:>6.2f}")
    print(f"names defined twice       {len(house.twice):>6}")
    for name, where in house.twice.items():
        print(f"  {name}: {', '.join(where)}")


if __name__ == "__main__":
    main()
