"""The folder of the audit reports, whose commits need no signature: nothing that declares or
decides lies in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.declare import load, validate
from tests.declare.conftest import PROJECT, SCOPES, MakeProject

P = "reconciler.yaml"
WHY = "which lies in `audit`, the folder of the audit reports"


def project(path: str) -> str:
    return PROJECT.replace("  keyPrefix", f"  audit: {{path: '{path}'}}\n  keyPrefix")


TAKEN = (
    "./clients", "Clients", "CLIENTS/x", "clients/", "././clients//x", "clients./x", "clients /x", "\uff43lients",
    "templates", "./Templates/a", "policy.yaml", "./policy.yaml", "Policy.YAML", "policy",
    "policies/x", "scopes.yaml", "scopes",
    "reconciler.yaml", "reconciler.yml", "Reconciler.yaml", "records", "records/audit",
    "schemas", "CODEOWNERS", "codeowners", "docs", "Docs/.", ".git", "./.git/x", ".GIT/x", "audit/.git", "a/.Git/b",
    ".github", "./.github/workflows", ".gitlab", ".gitlab-ci.yml", ".reconciler", ".", "./", "../x", "/x",
    "a/../clients",
)  # fmt: skip


@pytest.mark.parametrize("path", TAKEN)
def test_a_folder_that_declares_or_decides_is_refused(path: str, make_project: MakeProject) -> None:
    root = make_project({P: project(path)})
    assert [(one.code, one.source and one.source.line) for one in validate(root)] == [("RC160", 5)]


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("audit", "audit"),
        ("./audit", "audit"),
        ("evidence//reports/.", "evidence/reports"),
        ("docs/audit", "docs/audit"),
        ("audit/clients", "audit/clients"),
        ("clientsaudit", "clientsaudit"),
        ("policy-audit", "policy-audit"),
        ("Audit", "Audit"),
    ],
)
def test_any_other_folder_is_as_git_writes_it(
    path: str, plain: str, make_project: MakeProject
) -> None:
    assert load(make_project({P: project(path)}), "staging").project.audit_path == plain


HEAD = "apiVersion: reconciler/v1\nkind: GuardrailPolicy\nspec:\n"


@pytest.mark.parametrize(
    "path", ["audit/signers", "./audit/signers", "Audit/signers", "AUDIT/x/signers"]
)
def test_signers_that_lie_there_by_another_spelling(path: str, make_project: MakeProject) -> None:
    root = make_project(
        {"policy.yaml": f"{HEAD}  apply: {{signedCommits: {{allowedSigners: {path}}}}}\n"}
    )
    assert [(one.code, one.source and one.source.line) for one in validate(root)] == [("RC160", 4)]


def test_a_folder_that_holds_the_signers(make_project: MakeProject) -> None:
    policy = f"{HEAD}  apply: {{signedCommits: {{allowedSigners: keys/signers}}}}\n"
    root = make_project({P: project("keys"), "policy.yaml": policy})
    assert [(one.code, one.source and one.source.file) for one in validate(root)] == [
        ("RC160", "policy.yaml")
    ]


@pytest.mark.parametrize("name", ["policy.yaml", "scopes.yaml", "clients/payouts.yaml", "clients"])
def test_a_link_that_leads_there(name: str, make_project: MakeProject, tmp_path: Path) -> None:
    """Whoever may change the target changes the declaration, with commits that nobody has to
    sign."""
    root = make_project({})
    (root / "audit").mkdir()
    if (root / name).exists():
        (root / name).rename(root / "audit/moved")
    else:
        (root / "audit/moved").write_text(SCOPES)
    (root / name).symlink_to(root / "audit/moved")
    found = validate(root)
    assert ("RC160", f"it leads to `audit/moved`, {WHY}") in [
        (one.code, one.message) for one in found
    ]


def test_a_file_that_a_catalogue_names(make_project: MakeProject) -> None:
    scopes = "apiVersion: reconciler/v1\nkind: ScopeCatalog\nspec: {openapi: audit/api.yaml}\n"
    found = validate(make_project({"scopes.yaml": scopes, "audit/api.yaml": "openapi: 3.0.0\n"}))
    assert ("RC160", "scopes.yaml") in [(one.code, one.source and one.source.file) for one in found]


# The branch of the audit commits.


def branched(settings: str) -> str:
    return PROJECT.replace("  keyPrefix", f"  audit:\n{settings}  keyPrefix")


@pytest.mark.parametrize("name", ["main", "release/1.0", "team_a/2026-11", "0"])
def test_a_branch_is_declared_by_its_name(name: str, make_project: MakeProject) -> None:
    root = make_project({P: branched(f"    branch: '{name}'\n")})
    assert load(root, "staging").project.audit_branch == name
    assert load(make_project({P: PROJECT}), "staging").project.audit_branch is None


@pytest.mark.parametrize(
    "name",
    ["", " main", "-main", "main..x", "a//b", "/a", "a/", "a.", "a b", "a:b", "@{u}", "x" * 201],
)
def test_what_is_no_name_of_a_branch_is_refused_where_it_stands(
    name: str, make_project: MakeProject
) -> None:
    [one] = validate(make_project({P: branched(f"    path: audit\n    branch: '{name}'\n")}))
    assert one.source is not None
    assert (one.source.file, one.source.line) == (P, 7)


def test_a_misspelt_branch_is_no_branch(make_project: MakeProject) -> None:
    [one] = validate(make_project({P: branched("    brnch: main\n")}))
    assert "did you mean `branch`?" in f"{one.message} {one.remedy}"
    assert one.source is not None
    assert one.source.line == 6


def test_without_git_there_is_no_branch(make_project: MakeProject) -> None:
    [one] = validate(make_project({P: branched("    git: false\n    branch: main\n")}))
    assert (one.code, one.source and one.source.line) == ("RC169", 7)
    assert validate(make_project({P: branched("    git: true\n    branch: main\n")})) == []
