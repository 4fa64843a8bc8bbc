"""A file that looks like a part of the declaration and is not read: nobody may take it for one."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
import yaml

from reconciler.cli.main import main
from reconciler.declare import load, validate
from reconciler.errors import DeclarationError, Level
from tests.declare.conftest import CLIENT, POLICY, PROJECT, TEMPLATE, MakeProject, client

Changes = Mapping[str, str | bytes | None]
G, C = "policy.yaml", "clients/payouts.yaml"
LICENCE = "# Copyright of somebody\n\n"


def as_json(text: str) -> str:
    return json.dumps(yaml.safe_load(text), indent=2)


STRAYS: dict[str, tuple[Changes, str]] = {
    "upper-case ending": ({G: None, "policy.YAML": POLICY}, "policy.YAML"),
    "upper-case name": ({G: None, "Policy.yaml": POLICY}, "Policy.yaml"),
    "plural": ({G: None, "policies.yaml": POLICY}, "policies.yaml"),
    "folder": ({G: None, "policy/main.yaml": POLICY}, "policy/main.yaml"),
    "ending in capitals": ({C: None, "clients/payouts.YAML": CLIENT}, "clients/payouts.YAML"),
    "text file": ({C: None, "clients/payouts.txt": CLIENT}, "clients/payouts.txt"),
    "no ending": ({C: None, "clients/payouts": CLIENT}, "clients/payouts"),
    "folder in capitals": ({C: None, "Clients/payouts.yaml": CLIENT}, "Clients/payouts.yaml"),
    "singular": ({C: None, "client/payouts.yaml": CLIENT}, "client/payouts.yaml"),
    "below templates": ({"templates/more/stripe.yaml": TEMPLATE}, "templates/more/stripe.yaml"),
    "second project": ({"Reconciler.yml": PROJECT}, "Reconciler.yml"),
    "a name of ours, whatever it holds": ({G: None, "policy.json": "{}"}, "policy.json"),
    "and emptied": ({G: None, "policy.yaml.txt": ""}, "policy.yaml.txt"),
    "json": ({G: None, "guard/policy.json": as_json(POLICY)}, "guard/policy.json"),
    "one line": (
        {"x/a.yaml": "{kind: ScopeCatalog, apiVersion: reconciler/v1, spec: {}}"},
        "x/a.yaml",
    ),
    "below a comment": ({"x/a.yaml": LICENCE + "---\n" + POLICY}, "x/a.yaml"),
    "conflict": ({"x/a.yaml": "<<<<<<< HEAD\n" + POLICY}, "x/a.yaml"),
    "utf-16": ({"x/a.yaml": POLICY.encode("utf-16")}, "x/a.yaml"),
    "quoted": ({"x/a.yaml": POLICY.replace("reconciler/v1", '"reconciler/v1"')}, "x/a.yaml"),
    "a backup of an editor": ({"clients/payouts.yaml~": CLIENT}, "clients/payouts.yaml~"),
}


@pytest.mark.parametrize("name", STRAYS)
def test_what_looks_as_if_it_were_read_is_an_error(name: str, make_project: MakeProject) -> None:
    changes, stray = STRAYS[name]
    root = make_project(changes)
    found = [f for f in validate(root) if f.code == "RC118"]
    assert [(f.source.file, f.level) for f in found if f.source] == [(stray, Level.ERROR)]
    with pytest.raises(DeclarationError):
        load(root, "staging")
    assert "RC118" in {f.code for f in validate(root, [root / stray])}


LEFT_ALONE: dict[str, Changes] = {
    "documentation": {
        "README.md": f"# Clients\n\nWrite one:\n\n```yaml\n{CLIENT}```\n",
        "policy.md": "# Policy\n",
    },
    "only an example": {"docs/how.md": f"# How\n\n```yaml\n{CLIENT}```\n"},
    "another program's": {
        "deploy/app.yaml": "apiVersion: apps/v1\nkind: Deployment\n",
        "clients/notes.txt": "x\n",
    },
    "reports": {"audit/staging/1.yaml": POLICY},
    "names with a dot": {"clients/.draft.yaml": CLIENT, ".github/policy/x.yaml": POLICY},
    "another project": {
        f"other/{name}": text for name, text in {"reconciler.yaml": PROJECT, G: POLICY}.items()
    },
    "its folders": {"other/reconciler.yml": PROJECT, "other/clients/a.YAML": CLIENT},
    "large": {"x/a.yaml": POLICY + "#" * (1 << 20)},
    "far below the top": {"x/a.yaml": "# x\n" * 4096 + POLICY},
    "a program that writes one": {"tools/make.py": f'TEXT = """\n{POLICY}"""\n'},
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_is_not_ours_is_left_alone(name: str, make_project: MakeProject) -> None:
    assert validate(make_project(LEFT_ALONE[name])) == []


def test_a_file_that_is_read_through_a_link_is_read(make_project: MakeProject) -> None:
    root = make_project({C: None, "shared/payouts.yaml": CLIENT})
    (root / "clients").mkdir()
    (root / C).symlink_to("../shared/payouts.yaml")
    (root / "templates").rename(root / "of-templates")
    (root / "templates").symlink_to("of-templates")
    assert validate(root) == []


def test_the_audit_folder_may_have_another_name(make_project: MakeProject) -> None:
    project = PROJECT.replace("  keyPrefix", "  audit: {path: evidence/all}\n  keyPrefix")
    root = make_project(
        {"reconciler.yaml": project, "evidence/all/1.yaml": POLICY, "audit/1.yaml": POLICY}
    )
    assert [f.source.file for f in validate(root) if f.source] == ["audit/1.yaml"]


def test_an_emptied_client_is_an_error(make_project: MakeProject) -> None:
    """It was a warning, and then a removal."""
    root = make_project({"clients/b.yaml": "# apiVersion: reconciler/v1\n"})
    assert [(f.code, f.level) for f in validate(root)] == [("RC116", Level.ERROR)]
    with pytest.raises(DeclarationError):
        load(root, "staging")


def test_no_client_at_all_is_legal_and_said(make_project: MakeProject) -> None:
    root = make_project({C: None})
    assert [(f.code, f.level) for f in validate(root)] == [("RC119", Level.NOTE)]
    assert load(root, "staging").clients == {}
    make_project({C: None, "clients/a/b.yaml": client("b")})
    assert validate(root) == []


@pytest.mark.parametrize("name", ["Reconciler.yaml", "reconciler.YAML", "RECONCILER.YML"])
def test_a_project_whose_name_differs_by_case_is_named(
    name: str,
    make_project: MakeProject,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = make_project({"reconciler.yaml": None, name: PROJECT})
    monkeypatch.chdir(root)
    assert main(["validate"]) == 64
    printed = capsys.readouterr().err
    assert f"has {name} and no reconciler.yaml" in printed
    assert f"rename {name} to {name.lower()}" in printed
