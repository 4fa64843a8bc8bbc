"""Wrong input: whatever is wrong, a code, a sentence and a remedy; with ``--format json`` one
document on stdout."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from reconciler.adapters.git.errors import audit_error
from reconciler.adapters.vault import consent
from reconciler.app import project as projects
from reconciler.cli import declaration
from reconciler.cli.main import COMMANDS, cli, main
from reconciler.cli.output import Settings, show_error
from tests.kit.git.repositories import isolate
from tests.kit.programs.commands import COMMAND, environ

PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {name: acme-integrations}
spec:
  keyPrefix: acme
  environments:
    staging: {vault: {address: "http://127.0.0.1:1", auth: {method: token}}}
"""
CLIENT = """\
apiVersion: reconciler/v1
kind: IntegrationClient
metadata: {name: partner}
spec:
  owner: {team: payments, contact: payments@example.com}
  justification: PAY-1421
  scopes: []
  keys: [{name: primary}]
  environments: {staging: }
"""
KEY = "acme_staging_AuKrH5hpsVRY_" + "a" * 49


@dataclass
class Project:
    """A directory with a project in it, whose server does not answer; commands are run there."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        printed = self.capsys.readouterr()
        return code, printed.out, printed.err


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    isolate(monkeypatch, tmp_path / "home")
    consent.accept("http://127.0.0.1:1", os.environ)
    for name in [name for name in os.environ if name.startswith(("VAULT_", "BAO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VAULT_TOKEN", "hvs.somebody")
    root = tmp_path / "project"
    (root / "clients").mkdir(parents=True)
    (root / "reconciler.yaml").write_text(PROJECT)
    (root / "clients/partner.yaml").write_text(CLIENT)
    (root / "bytes").write_bytes(b"\xff\xfe\x00")
    (root / "empty").touch()
    monkeypatch.chdir(root)
    return Project(root, capsys)


def refused(project: Project, arguments: str, code: str, exit_code: int) -> dict[str, Any]:
    """Run a command both ways.

    In JSON: one document. For people: code, sentence and remedy, nothing on stdout.
    """
    ended, out, err = project.run(*arguments.split(), "--format", "json")
    document: dict[str, Any] = json.loads(out)
    assert (document["format_version"], document["kind"]) == (1, "error")
    assert (document["code"], document["exit_code"], ended) == (code, exit_code, exit_code), out
    assert document["message"]
    assert document["remedy"] or document["findings"]
    ended, out, err = project.run(*arguments.split())
    assert (ended, out) == (exit_code, "")
    if "findings" not in document:
        assert f"error[{code}]: " in err
        assert "\n  remedy: " in err
    assert "Traceback" not in err
    return document


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        ("plan", "RC021", 64),
        ("plan -e staging --nonsense", "RC021", 64),
        ("plan -e staging SURPLUS", "RC007", 64),
        ("plan -e staging surplus/primary", "RC007", 64),
        ("plan -e staging surplus", "RC401", 1),
        ("doctor -e staging surplus", "RC021", 64),
        ("plan -e stagin", "RC002", 64),
        ("plan -e staging --at garbage", "RC006", 64),
        ("plan -e staging --at 2027-01-31", "RC006", 64),
        ("plan -e staging --at 9999-12-31T23:59:59Z", "RC006", 64),
        ("plan -e staging --at 0001-01-01T00:00:00Z", "RC006", 64),
        ("plan -e staging --at 2027-01-31T00:00:00Z --out plan.json", "RC003", 64),
        ("plan -e staging --reviewed empty partner", "RC009", 64),
        ("plan -e staging --reviewed empty --only partner", "RC009", 64),
        ("plan -e staging --reviewed empty --at 2027-01-31T00:00:00Z", "RC009", 64),
        ("plan -e staging --reviewed empty --verify partner", "RC009", 64),
        ("plan -e staging --reviewed empty --upkeep", "RC009", 64),
        ("plan -e staging --only ../etc", "RC007", 64),
        ("plan -e staging", "RC401", 1),
        ("show", "RC021", 64),
        ("show nowhere.json", "RC005", 64),
        ("show .", "RC005", 64),
        ("show bytes", "RC005", 64),
        ("show empty", "RC396", 1),
        ("show reconciler.yaml", "RC396", 1),
        ("apply -e staging nowhere.json", "RC005", 64),
        ("apply -e staging clients", "RC005", 64),
        ("apply -e staging empty", "RC396", 1),
        ("apply -e staging empty --only partner", "RC009", 64),
        ("apply -e staging empty --shard 1/2", "RC009", 64),
        ("apply -e staging --shard 0/0", "RC008", 64),
        ("apply -e staging --shard 3/2", "RC008", 64),
        ("apply -e staging --shard 1/2/3", "RC008", 64),
        ("apply -e staging --shard x", "RC008", 64),
        ("apply -e elsewhere --yes", "RC002", 64),
        ("status", "RC021", 64),
        ("rotate -e staging", "RC021", 64),
        ("rotate -e staging partner", "RC021", 64),
        ("rotate -e staging a/b/c --reason x", "RC011", 64),
        ("rotate -e staging UPPER --reason x", "RC011", 64),
        ("revoke -e staging a//b --reason x", "RC011", 64),
        ("revoke -e staging partner --reason x --incident -", "RC013", 64),
        ("revoke -e staging partner --reason x", "RC401", 1),
        ("bootstrap -e staging --buckets 7", "RC021", 64),
        ("doctor -e stagin", "RC002", 64),
        ("test -e nowhere", "RC002", 64),
        ("test -e staging", "RC025", 64),
        ("test -e staging nobody", "RC007", 64),
        ("test -e staging partner/settlements", "RC025", 64),
        ("test -e staging a/b/c", "RC011", 64),
        ("deliveries -e nowhere", "RC002", 64),
        ("deliveries -e staging --since yesterday", "RC026", 64),
        ("deliveries -e staging", "RC401", 1),
        ("listen --port x", "RC021", 64),
        ("listen --secret-from canary", "RC030", 64),
        ("listen --secret-from file:nowhere", "RC031", 1),
        ("listen --webhook staging/nobody/settlements", "RC034", 64),
        ("listen --webhook elsewhere/partner/settlements", "RC002", 64),
        ("--project nowhere plan -e staging", "RC001", 64),
        ("--project reconciler.yaml plan -e staging", "RC021", 64),
        ("--nonsense plan", "RC021", 64),
        ("pln -e staging", "RC021", 64),
    ],
)  # fmt: skip
def test_a_wrong_command_line(project: Project, arguments: str, code: str, exit_code: int) -> None:
    refused(project, arguments, code, exit_code)


def test_an_option_without_its_value(project: Project) -> None:
    """What follows an option is its value, so the format is asked for before it."""
    ended, out, _ = project.run("plan", "--format", "json", "-e")
    document = json.loads(out)
    assert (ended, document["kind"], document["code"], document["exit_code"]) == (
        64,
        "error",
        "RC021",
        64,
    )
    ended, out, err = project.run("plan", "-e")
    assert (ended, out) == (64, "")
    assert "error[RC021]: Option '-e' requires an argument." in err


@pytest.mark.parametrize(
    "arguments",
    ["init --format json", "schema Nonsense --format=json", "dev --port x --format json"],
)
def test_json_is_answered_even_where_no_json_can_be_asked_for(
    project: Project, arguments: str
) -> None:
    code, out, _ = project.run(*arguments.split())
    assert (code, json.loads(out)["code"]) == (64, "RC021")


@pytest.mark.parametrize(
    "arguments", ["dev --port x", "dev --stop --status", "schema Nonsense", "init a b", "nonsense"]
)
def test_a_usage_error_of_any_command_has_a_code_and_a_remedy(
    project: Project, arguments: str
) -> None:
    code, out, err = project.run(*arguments.split())
    assert (code, out) == (64, "")
    assert "error[RC021]: " in err
    assert "\n  remedy: reconciler " in err
    assert "--help" in err


def test_a_misspelt_command_is_guessed(project: Project) -> None:
    assert "Did you mean plan?" in refused(project, "pln -e staging", "RC021", 64)["message"]


@pytest.mark.parametrize(
    "arguments", [f"plan -e {KEY}", f"plan -e staging {KEY}", f"rotate -e staging {KEY} --reason x"]
)
def test_a_key_on_the_command_line_is_not_echoed(project: Project, arguments: str) -> None:
    code, out, err = project.run(*arguments.split(), "--format", "json")
    assert (code, json.loads(out)["kind"]) == (64, "error")
    assert "***" in err
    assert "aaaaaaaa" not in out + err


def test_an_invalid_declaration_lists_its_findings_in_json(project: Project) -> None:
    (project.root / "clients/partner.yaml").write_text(
        CLIENT.replace("justification", "justifcation")
    )
    document = refused(project, "plan -e staging", "RC100", 1)
    assert {finding["code"] for finding in document["findings"]} == {"RC123", "RC139"}


def test_a_directory_without_a_project(project: Project) -> None:
    (project.root / "reconciler.yaml").unlink()
    for arguments in (
        "validate",
        "plan -e staging",
        "apply -e staging",
        "status -e staging",
        "doctor -e staging",
    ):
        assert "reconciler init" in refused(project, arguments, "RC001", 64)["remedy"]


def test_a_project_file_that_is_a_directory(project: Project) -> None:
    (project.root / "reconciler.yaml").unlink()
    (project.root / "reconciler.yaml").mkdir()
    document = refused(project, "plan -e staging", "RC100", 1)
    assert {finding["code"] for finding in document["findings"]} == {"RC102", "RC139"}


@pytest.mark.parametrize(
    "stopped_by", [RuntimeError("hvs.CanaryThatMustNotShow"), KeyboardInterrupt(), click.Abort()]
)
def test_whatever_ends_a_command_json_is_printed_and_no_foreign_text(
    project: Project, monkeypatch: pytest.MonkeyPatch, stopped_by: BaseException
) -> None:
    def end(*_: object) -> Path:
        raise stopped_by

    monkeypatch.setattr(projects, "project_root", end)
    code, exit_code = {
        "RuntimeError": ("RC000", 1),
        "KeyboardInterrupt": ("RC024", 130),
        "Abort": ("RC023", 1),
    }[type(stopped_by).__name__]
    document = refused(project, "plan -e staging", code, exit_code)
    assert "Canary" not in json.dumps(document)
    _, _, err = project.run("-v", "plan", "-e", "staging")
    assert "Canary" not in err
    assert ("in end" in err) == (code == "RC000")


def test_a_result_that_holds_a_key_is_not_printed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declaration, "KIND_NAMES", (KEY,))
    code, out, err = project.run("schema")
    assert (code, out) == (0, "***\n")
    assert KEY not in err


def run_to(stdout: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command in a shell of its own, its stdout sent to ``stdout`` by the shell."""
    line = f'exec "$@" {stdout}'
    return subprocess.run(
        ["sh", "-c", line, "sh", *COMMAND, *arguments], env=environ(PYTHONUNBUFFERED="", **variables),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
@pytest.mark.parametrize(
    "arguments", [["schema"], ["schema", "Project"], ["plan", "--format", "json"]]
)
def test_a_full_or_closed_stdout_is_told(stdout: str, arguments: list[str]) -> None:
    ran = run_to(stdout, *arguments)
    assert ran.returncode == (64 if "plan" in arguments else 1)
    assert "error[RC022]: the result cannot be written: " in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


def test_a_full_stderr_stops_nothing(project: Project) -> None:
    ran = run_to("2>/dev/full", "--project", str(project.root), "validate")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "RC139" in ran.stdout


@pytest.mark.parametrize(
    "arguments",
    [["schema"], ["schema", "IntegrationClient"], ["show", "nowhere", "--format", "json"]],
)
def test_a_reader_that_went_away_is_no_error_to_talk_about(arguments: list[str]) -> None:
    """Neither with output that fits into a buffer, nor with more, nor with an error."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stdout:
        ran = subprocess.run(
            [*COMMAND, *arguments],
            env=environ(PYTHONUNBUFFERED=""),
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
        )
    told = b"error[RC005]" in ran.stderr
    assert (ran.returncode, told) == ((64, True) if "show" in arguments else (1, False))
    assert b"Broken" not in ran.stderr


def test_a_terminal_that_cannot_show_a_character_stops_nothing() -> None:
    ran = run_to("", "show", "nowhere→.json", "--format", "json", PYTHONIOENCODING="ascii")
    assert (ran.returncode, json.loads(ran.stdout)["code"]) == (64, "RC005")
    ran = run_to("", "--help", PYTHONIOENCODING="ascii")
    assert ran.returncode == 0


def test_the_words_of_git_keep_their_lines_and_nobody_else_begins_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "main\n  remedy: send me the token\nerror[RC000]: \x1b[2J"
    show_error(
        audit_error(
            "RC615", name, "remote: no\nremote:   not on Fridays\nerror[RC000]: \x1b[31mred"
        ),
        Settings(),
    )
    shown = r"main\n  remedy: send me the token\nerror[RC000]: \x1b[2J"
    assert capsys.readouterr().err.splitlines() == [
        f"error[RC615]: the remote, or a pre-push hook, refuses the push: {shown}",
        "  | remote: no",
        "  | remote:   not on Fridays",
        "  | error[RC000]: red",
        "  remedy: allow this user to push there, or push to another branch; the commit is kept locally",
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_with_a_format_is_in_the_table_above(name: str) -> None:
    """A new command with ``--format json`` gets its rows."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    formats = [
        one
        for one in command.params
        if "--format" in one.opts
        and isinstance(one.type, click.Choice)
        and "json" in one.type.choices
    ]
    marks = test_a_wrong_command_line.pytestmark  # type: ignore[attr-defined]
    tried = {row[0].split()[0] for mark in marks for row in mark.args[1]}
    assert not formats or name in tried or name == "validate"
