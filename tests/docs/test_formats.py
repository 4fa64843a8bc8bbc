"""Places that a new format, a new command or a new JSON document must not be forgotten in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import click
import pytest

from reconciler.app.plan.rendering import PLAN_FORMATS
from reconciler.cli.declaration import FINDING_FORMATS
from reconciler.cli.main import cli
from tests.kit.programs.commands import ROOT

REVIEW = (ROOT / "docs/review.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
JSON = COMMANDS.split("\n## JSON\n")[1]


def commands(group: click.Command, *above: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(group, click.Group):
        with click.Context(group) as context:
            for name in group.list_commands(context):
                command = group.get_command(context, name)
                assert command is not None
                yield from commands(command, *above, name)
    else:
        yield " ".join(above), group


def formats(command: click.Command) -> tuple[str, ...]:
    """The choices of its ``--format``."""
    types = [one.type for one in command.params if "--format" in one.opts]
    return tuple(types[0].choices) if types and isinstance(types[0], click.Choice) else ()


ALL = dict(commands(cli))


def test_every_format_of_a_plan_has_its_row_and_no_row_is_left_over() -> None:
    table = REVIEW.split("| Format | For |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `([a-z]+)` \|", table, re.MULTILINE)
    assert sorted(rows) == sorted(PLAN_FORMATS)


def test_the_formats_of_findings_are_named() -> None:
    sentence = next(line for line in REVIEW.splitlines() if line.startswith("`validate` has "))
    named = re.findall(r"`([a-z]+)`", sentence)[1:]
    assert sorted(named) == sorted(["text", *FINDING_FORMATS])
    assert formats(ALL["validate"]) == ("text", *FINDING_FORMATS)


@pytest.mark.parametrize("command", ["plan", "show"])
def test_the_choices_are_the_table(command: str) -> None:
    assert formats(ALL[command]) == tuple(PLAN_FORMATS)


def test_the_synopsis_of_a_command_names_its_formats() -> None:
    """One by one, or as FORMAT where they are those of a plan."""
    for name, command in ALL.items():
        section = COMMANDS.split(f"\n## {name.split()[0]}\n")[1].split("\n## ")[0]
        synopsis = re.findall(rf"^reconciler {name}\b.*(?:\n +\[.*)*", section, re.MULTILINE)
        named = re.findall(r"--format ([a-zA-Z|]+)", synopsis[0]) if synopsis else []
        if named == ["FORMAT"]:
            assert formats(command) == tuple(PLAN_FORMATS)
        else:
            assert sorted(formats(command)) == sorted(named[0].split("|") if named else []), name


@pytest.mark.parametrize(
    "name", [name for name, command in ALL.items() if "json" in formats(command)]
)
def test_what_a_command_prints_as_json_has_a_section(name: str) -> None:
    """A heading with the command's name, or a section that says that it is the command's."""
    headings = re.findall(r"^### (.+)$", JSON, re.MULTILINE)
    named = {word for heading in headings for word in heading.split(", ")}
    assert name in named or re.search(rf"`{name}(?: --format json)?`", JSON), name


def kinds() -> set[str]:
    """The kinds of all JSON documents that are printed."""
    found = set()
    for path in (ROOT / "reconciler").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        ours = "from reconciler.report.text.document import" in text
        for node in ast.walk(ast.parse(text)):
            if ours and isinstance(node, ast.Call) and getattr(node.func, "id", "") == "document":
                first = node.args[0]
                if isinstance(first, ast.Name):  # a constant of the module
                    assigned = re.search(rf'^{first.id} = "([a-z]+)"$', text, re.MULTILINE)
                    assert assigned, f"{path}: name the kind where it is made"
                    found.add(assigned[1])
                else:
                    assert isinstance(first, ast.Constant)
                    found.add(str(first.value))
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                found |= {
                    str(value.value)
                    for key, value in pairs
                    if isinstance(key, ast.Constant)
                    and key.value == "kind"
                    and isinstance(value, ast.Constant)
                }
    return found


def test_every_kind_of_document_has_a_heading() -> None:
    headings = re.findall(r"^### (.+)$", JSON, re.MULTILINE)
    assert kinds() <= {word for heading in headings for word in heading.split(", ")}
    assert {"plan", "run", "audit", "status", "error", "validation", "conformance"} <= kinds()
