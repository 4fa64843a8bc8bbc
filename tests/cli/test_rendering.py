"""One plan file, every format:

``show`` as a user runs it, its options, and what CI says about itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.app.plan.rendering import is_web_address, run_address
from reconciler.app.project import project_folder
from reconciler.cli.main import main
from reconciler.engine.planfile.document import plan_json
from tests.kit.forges.junit_schema import breaches
from tests.kit.git.repositories import isolate
from tests.report.samples import FORMS, review_plan

Show = Callable[..., tuple[int, str, str]]
RUN = "https://github.example.com/acme/integrations/actions/runs/77"
GITHUB = {
    "GITHUB_SERVER_URL": "https://github.example.com", "GITHUB_REPOSITORY": "acme/integrations", "GITHUB_RUN_ID": "77",
}  # fmt: skip


@pytest.fixture
def show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Show:
    """``show(*arguments)`` shows a saved plan in a directory without a project."""
    isolate(monkeypatch, tmp_path / "home")
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "CI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.json").write_text(plan_json(review_plan()))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["show", "plan.json", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


STARTS = {
    "text": "Plan for production", "markdown": "<!-- reconciler:plan:production -->\n", "json": '{"actions":',
    "sarif": '{"$schema":', "github": "::error title=Plan for production::Blocked", "gitlab": "[\n",
    "junit": '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>', "html": '<!DOCTYPE html>\n<html lang="en">\n',
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_format_of_one_saved_plan(form: str, show: Show) -> None:
    code, out, err = show("--format", form)
    assert (code, err) == (0, "")
    assert out.startswith(STARTS[form])
    assert out.endswith("\n")


def test_approvers_are_called_only_when_asked(show: Show) -> None:
    assert "@acme/" not in show("--format", "markdown")[1]
    assert "<b>@acme/security</b>" in show("--format", "markdown", "--mention")[1]


def test_the_whole_plan_is_linked_where_ci_says_it_is(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "[The whole plan]" not in show("--format", "markdown")[1]
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    assert f"[The whole plan]({RUN})" in show("--format", "markdown")[1]
    given = show("--format", "markdown", "--link", "https://ci.example.com/plan.html#x")[1]
    assert "[The whole plan](https://ci.example.com/plan.html#x)" in given


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, None),
        (GITHUB, RUN),
        (GITHUB | {"GITHUB_RUN_ID": ""}, None),
        (GITHUB | {"GITHUB_SERVER_URL": "javascript:alert(1)//"}, None),
        (GITHUB | {"GITHUB_REPOSITORY": "a\nb"}, None),
        (
            {"CI_JOB_URL": "https://gitlab.example.com/acme/x/-/jobs/9"},
            "https://gitlab.example.com/acme/x/-/jobs/9",
        ),
        ({"CI_JOB_URL": "https://user:secret@gitlab.example.com/x"}, None),
    ],
)
def test_the_address_of_a_run(environ: dict[str, str], address: str | None) -> None:
    assert run_address(environ) == address


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("https://ci.example.com", True),
        ("http://127.0.0.1:8080/x?y=z#a", True),
        ("ftp://ci.example.com", False),
        ("https://", False),
        ("ci.example.com", False),
        ("https://a b", False),
        ("https://a/\u202eb", False),
        ("https://a/b\n", False),
        ("https://a@b/c", False),
    ],
)
def test_what_a_link_may_be(text: str, good: bool) -> None:
    assert is_web_address(text) is good


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--link", "javascript:alert(1)"],
            "'javascript:alert(1)' is not a web address such as https://ci.example.com",
        ),
        (["--limit", "100"], "100 is not in the range x>=10000"),
        (["--limit", "many"], "'many' is not a valid integer"),
        (["--format", "pdf"], "'pdf' is not one of 'text', 'markdown', 'json', 'sarif'"),
    ],
)
def test_a_wrong_option_is_a_usage_error(arguments: list[str], told: str, show: Show) -> None:
    code, out, err = show(*arguments)
    assert (code, out) == (64, "")
    assert told in err
    assert "remedy: reconciler show --help shows what it takes" in err


def test_a_limit_is_kept(show: Show) -> None:
    whole = show("--format", "markdown", "--limit", "1000000")[1]
    assert show("--format", "markdown")[1] == whole
    assert len(show("--format", "markdown", "--limit", "10000")[1].encode()) <= 10_000


PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {name: acme-integrations}
spec: {keyPrefix: acme, environments: {staging: {vault: {address: "http://127.0.0.1:1"}}}}
"""


def test_paths_are_those_of_the_repository(
    show: Show, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A project in a folder of its repository: forges want the path from the top, in a plan and in
    a declaration."""
    project = tmp_path / "teams" / "payments"
    (project / "clients").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (project / "reconciler.yaml").write_text(PROJECT)
    (project / "clients" / "a.yaml").write_text("kind: [\n")
    assert project_folder(project) == "teams/payments"
    assert project_folder(project / "clients") == "teams/payments"
    assert project_folder(None) == ""
    main(["--project", str(project), "show", "plan.json", "--format", "github"])
    assert (
        "file=teams/payments/clients/payments/paystack-payouts.yaml,line=4,"
        in capsys.readouterr().out
    )
    for form, written in (
        ("github", "::error title=RC106,file=teams/payments/clients/a.yaml,line="),
        ("gitlab", '"path": "teams/payments/clients/a.yaml"'),
        ("sarif", '"uri":"teams/payments/clients/a.yaml"'),
    ):
        assert main(["--project", str(project), "validate", "--format", form]) == 1
        assert written in capsys.readouterr().out
    assert main(["--project", str(project), "validate", "--format", "junit"]) == 1
    text = capsys.readouterr().out
    assert breaches(text) == []
    assert (
        '<testcase classname="validate" name="clients/a.yaml" time="0"><failure message="' in text
    )


def test_a_valid_declaration_in_the_formats_of_forges(
    show: Show, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reconciler.yaml").write_text(PROJECT)
    for form in ("github", "gitlab", "junit", "sarif", "json"):
        assert main(["validate", "--format", form]) == 0
        text = capsys.readouterr().out
        if form == "junit":
            assert breaches(text) == []
            assert 'failures="0"' in text
        elif form == "gitlab":
            assert all(one["severity"] != "blocker" for one in json.loads(text))
