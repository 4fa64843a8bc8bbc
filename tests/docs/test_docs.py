"""The documentation says what the program does: commands, codes, reasons, fields, links,
transcripts."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click
import pytest

from reconciler.adapters.openbao.server import throw_away
from reconciler.cli.declaration import KIND_NAMES
from reconciler.cli.main import COMMANDS, cli
from reconciler.declare.schema.schemas import read_schema
from reconciler.engine.planfile.document import plan_document
from reconciler.planning.actions.reasons import Reason
from reconciler.planning.risk.judging import PLAIN, RISK_RULES
from reconciler.report.run.report import run_json
from reconciler.report.status.json import status_json
from tests.kit.programs.commands import PYTHON_PATH
from tests.kit.texts.documents import anchors, links, matches, perform, plain, steps
from tests.report.samples import observed, review_plan, run_result

ROOT = Path(__file__).resolve().parents[2]

PAGES = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("benchmarks/*.md"),
        *ROOT.glob("examples/*.md"),
    ]
)


def page(name: str) -> str:
    return (ROOT / name).read_text()


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_with_an_example_and_a_section(name: str) -> None:
    helped = command(name).help or ""
    assert re.search(rf"\b(Example|Examples):\n +reconciler {name}\b", helped), helped
    section = re.search(
        rf"^## {name}\n(.*?)(?=^## )", page("docs/commands.md"), re.MULTILINE | re.DOTALL
    )
    assert section is not None, f"docs/commands.md has no section {name}"
    examples = re.findall(rf"^reconciler {name}\b", section[1], re.MULTILINE)
    assert len(examples) >= 2, f"the section {name} has a synopsis and an example"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_with_all_its_options(name: str) -> None:
    section = re.search(
        rf"^## {name}\n(.*?)(?=^## )", page("docs/commands.md"), re.MULTILINE | re.DOTALL
    )
    assert section is not None
    found = command(name)
    below = list(found.commands.values()) if isinstance(found, click.Group) else []
    for one in below:
        assert re.search(
            rf"\b(Example|Examples):\n +reconciler {name} {one.name}\b", one.help or ""
        ), one.help
        assert re.search(rf"^reconciler {name} {one.name}\b", section[1], re.MULTILINE), one.name
    for parameter in (parameter for one in [found, *below] for parameter in one.params):
        if isinstance(parameter, click.Option):
            assert any(
                re.search(rf"(?<![\w-]){option}\b", section[1]) for option in parameter.opts
            ), parameter.opts


def test_global_options_are_documented() -> None:
    text = page("docs/commands.md").split("## ")[0]
    assert [
        one.opts
        for one in cli.params
        if isinstance(one, click.Option)
        and not set(one.opts) & set(re.findall(r"--?[a-z-]+", text))
    ] == []


def test_every_reason_is_on_the_page_of_reasons_and_every_reason_there_exists() -> None:
    rows = re.findall(r"^\| ([A-Z][A-Za-z]+) \|", page("docs/reasons.md"), re.MULTILINE)
    assert sorted(set(rows) - {"Reason"}) == sorted(Reason)
    assert len(rows) - rows.count("Reason") == len(Reason)


def test_the_page_on_risk_is_the_table_of_rules() -> None:
    """In its order, with its risks and kinds; and what an action without a rule means."""
    page_of_risk = page("docs/risk.md")
    rows = re.findall(
        r"^\| ([a-z-]+) \| ([a-z]+) \| (.+) \| (`.+`) \|$", page_of_risk, re.MULTILINE
    )
    table = [
        (row.name, row.risk, ", ".join(f"`{kind}`" for kind in row.kinds)) for row in RISK_RULES
    ]
    assert [(name, risk, kinds) for name, risk, _, kinds in rows] == table
    assert dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", page_of_risk, re.MULTILINE)) == PLAIN


def property_paths(whole: Any, part: Any, path: str = "") -> Iterator[str]:
    """``spec.keys[].name`` for every property of a schema; ``<…>`` stands for a free name."""
    if "$ref" in part:
        part = whole["$defs"][part["$ref"].removeprefix("#/$defs/")]
    for name, inner in part.get("properties", {}).items():
        below = f"{path}.{name}" if path else name
        yield below
        yield from property_paths(whole, inner, below)
    if isinstance(part.get("additionalProperties"), dict):
        yield f"{path}.<>"
        if (
            path != "spec.environments" or "override" not in whole["$defs"]
        ):  # what differs has the fields of spec
            yield from property_paths(whole, part["additionalProperties"], f"{path}.<>")
    if isinstance(part.get("items"), dict):
        yield from property_paths(whole, part["items"], f"{path}[]")


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_every_field_is_documented(kind: str) -> None:
    text = page("docs/configuration.md")
    common, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    section = next(one for one in sections if one.startswith(f"{kind}\n"))
    if kind == "IntegrationTemplate":  # it says that its fields are those of a client
        section += next(one for one in sections if one.startswith("IntegrationClient\n"))
    documented = {
        re.sub(r"<[^>]+>", "<>", cell)
        for cell in re.findall(r"^\| `([^`]+)` \|", common + section, re.MULTILINE)
    }
    declared = set(property_paths(read_schema(kind), read_schema(kind)))
    assert sorted(declared - documented) == []
    if kind != "IntegrationTemplate":
        assert [
            one for one in sorted(documented - declared) if "/" not in one and "yaml" not in one
        ] == []  # paths


@pytest.mark.parametrize(
    ("section", "document"),
    [
        ("plan", plan_document(replace(review_plan(), yes_remove=2))),
        ("run", json.loads(run_json(run_result()))),
        ("status", json.loads(status_json("production", observed()))),
    ],
)
def test_every_field_of_the_json_is_on_the_page(section: str, document: dict[str, Any]) -> None:
    table = page("docs/commands.md").split(f"\n### {section}\n")[1].split("\n### ")[0]
    words = set(re.findall(r"`([a-z_]+)(?:\[\])?`", table))
    assert set(document) <= words


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_resolve(path: Path) -> None:
    text = path.read_text()
    for link in links(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / unquote(name)).resolve() if name else path
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


def test_every_page_is_reached_from_the_readme() -> None:
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        path = todo.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        todo += [
            (path.parent / link.split("#")[0]).resolve()
            for link in links(path.read_text())
            if ":" not in link
        ]
    assert sorted(set(PAGES) & set((ROOT / "docs").rglob("*.md")) - seen) == []


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", page("Makefile"), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        assert set(re.findall(r"^make ([a-z]+)", page(name), re.MULTILINE)) <= targets


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("", "", True),
        ("done", "done\n", True),
        ("done", "failed\n", False),
        ("done", "done\nmore\n", False),
        ("", "more\n", False),
        ("a\n…\nd", "a\nb\nc\nd\n", True),
        ("a\n…", "a\n", True),
        ("a … c", "a b c\n", True),
        ("run 20261124t000249z-0e2879d5b0cc-79f6", "run 20250101t000000z-000000000000-0000\n", True),
        ("commit bc2a9077e073.", "commit 0123456789ab.\n", True),
        ("verified 5 s ago", "verified now\n", True),
        ("until then (2 s ago)", "until then (now)\n", True),
        ("then (replaced 2 s ago)", "then (replaced now)\n", True),
        ("until then (2 s ago)", "until now\n", False),
    ],
)  # fmt: skip
def test_what_counts_as_the_same_output(shown: str, printed: str, same: bool) -> None:
    assert matches(shown, printed) is same


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment variables of a reader: an empty home, our commands on PATH, a server with its
    root token."""
    home, commands = tmp_path / "home", tmp_path / "bin"
    home.mkdir()
    commands.mkdir()
    (home / ".gitconfig").write_text(
        "[init]\n\tdefaultBranch = main\n[user]\n\tname = Ada Auditor\n\temail = ada@example.com\n"
    )
    start = "import sys; from reconciler.cli.main import main; sys.exit(main())"
    script = commands / "reconciler"
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{start}' \"$@\"\n")
    script.chmod(0o755)
    found = shutil.which("bao", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert found is not None, "the extra server brings the command bao"
    (commands / "bao").symlink_to(found)
    with throw_away() as server:  # of its own: the page begins with an empty one
        yield {
            "HOME": str(home),
            "PATH": f"{commands}:{os.environ['PATH']}",
            "PYTHONPATH": PYTHON_PATH,
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "100",
            "VAULT_ADDR": server.address,
            "VAULT_TOKEN": server.token.reveal(),
        }


@pytest.mark.openbao
@pytest.mark.timeout(900)  # twenty commands and more, one after the other
@pytest.mark.parametrize("name", ["README.md", "docs/walkthrough.md", "docs/webhooks.md"])
def test_a_page_that_shows_commands_is_what_happens(
    name: str, reader: dict[str, str], tmp_path: Path
) -> None:
    """Every console block is run, in order, in a scratch directory; every command exits 0 and
    prints what is shown."""
    directory = tmp_path / "scratch"
    directory.mkdir()
    todo = steps(page(name).replace("18787", str(free_port())))
    answers = perform(todo, directory, reader)
    wrong = []
    for step, answer in zip(todo, answers, strict=False):
        if answer.code != 0 or not matches(step.printed, answer.printed):
            wrong.append(
                f"{name}:{step.line}: exit {answer.code}\n$ {step.command[:200]}\n{plain(answer.printed)}"
            )
    assert not wrong, "\n\n".join(wrong)
    assert len(answers) == len(todo), (
        f"{name}: the session ended after {len(answers)} of {len(todo)} steps"
    )
