"""What terms say, wherever it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.declare.terms import load_terms
from reconciler.domain.declared.terms import Terms
from tests.declare.conftest import POLICY, PROJECT, SCOPES, MakeProject

RULES = """\
  rules:
    https-only: {level: deny}
    justification: {level: warn, pattern: "^[A-Z]+-[0-9]+ "}
  approvers:
    - {approver: acme/security, when: {risk: high}}
  waivers:
    - {guard: protect, client: payouts, reason: a move, approver: ada, until: 2027-01-01}
"""
FREEZE = """\
      freeze: [{from: 2026-12-20, to: 2027-01-02, reason: holidays}]
"""
FILES = {
    "reconciler.yaml": PROJECT + FREEZE,
    "scopes.yaml": SCOPES,
    "policy.yaml": POLICY + RULES,
}


def terms(make_project: MakeProject, old: str = "", new: str = "") -> Terms:
    changed = {
        name: text.replace(old, new, 1) if old in text else text for name, text in FILES.items()
    }
    assert not old or changed != FILES
    root: Path = make_project(changed)
    found = load_terms(root, "production")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("spec:", "# a comment\nspec:"),
        ("  rules:", "\n  # why\n\n  rules:"),
        ("{level: deny}", "{  level:   deny  }"),
        ("  budgets:", "  # fewer?\n  budgets:"),
        ("    - {name: payouts:write", "    # the first\n    - {name: payouts:write"),
        ("    staging:", "    # first\n    staging:"),
    ],
)
def test_a_comment_says_nothing(old: str, new: str, make_project: MakeProject) -> None:
    before = terms(make_project)
    now = terms(make_project, old, new)
    assert before.means(now)
    assert now.means(before)
    assert before.means(before)


def test_not_even_places_are_the_same_after_a_comment(make_project: MakeProject) -> None:
    before = terms(make_project)
    assert before != terms(make_project, "  rules:", "\n  # why\n\n  rules:")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("percent: 30", "percent: 31"),
        ("level: deny", "level: warn"),
        ("[A-Z]+", "[A-Z]*"),
        ("risk: high}}", "risk: critical}}"),
        ("reason: a move", "reason: another"),
        ("2027-01-01", "2027-01-03"),
        ("name: payouts:write, risk: high", "name: payouts:write, risk: low"),
        ("    - {name: payouts:read, risk: low}\n", ""),
        ("https://vault.example.com", "https://vault.example.org"),
        ("      requires: staging\n", ""),
        ("reason: holidays", "reason: vacation"),
        ("2027-01-02", "2027-01-03"),
        ("keyPrefix: acme", "keyPrefix: acne"),
    ],
)
def test_whatever_else_is_changed_says_something_else(
    old: str, new: str, make_project: MakeProject
) -> None:
    before = terms(make_project)
    now = terms(make_project, old, new)
    assert not before.means(now)
    assert not now.means(before)
