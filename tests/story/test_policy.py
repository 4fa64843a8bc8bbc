"""A policy on a real server: what it blocks, what it must not block, and what it asks of
``apply``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kit.git.checkout import Checkout, Ran
from tests.kit.git.repositories import git
from tests.kit.git.signing import Signer, new_signer

SIGNERS = ".allowed_signers"
SCOPES = {
    "scopes": [
        {"name": "payouts:write", "risk": "critical"},
        {"name": "payouts:read", "risk": "low"},
    ]
}
WHERE = {"level": "deny", "hosts": ["hooks.example.com"]}


def policy(checkout: Checkout, **spec: Any) -> None:
    checkout.document("policy.yaml", "GuardrailPolicy", "guardrails", spec)


def own(when: str, level: str = "deny") -> list[dict[str, str]]:
    return [{"name": "mine", "level": level, "when": when, "message": "ask the platform team"}]


def findings(ran: Ran) -> list[tuple[str, str]]:
    return [(one["code"], one["level"]) for one in ran.json["findings"]]


def refused(checkout: Checkout, code: str, *arguments: str, **variables: str) -> Ran:
    """``apply`` exits 3 with ``code`` and writes nothing to Vault, no report either."""
    before, head = checkout.everything_written(), git(checkout.root, "rev-parse", "HEAD")
    ran = checkout.apply(*arguments, **variables)
    assert (ran.code, ran.json["code"]) == (3, code), ran.out + ran.err
    assert ran.json["remedy"]
    assert checkout.everything_written() == before
    assert git(checkout.root, "rev-parse", "HEAD") == head
    return ran


def test_a_client_that_breaks_a_rule_is_not_registered(checkout: Checkout) -> None:
    policy(checkout, rules={"owner": {"level": "deny"}})
    checkout.client("partner", owner={"team": "payments"})
    checkout.client("other")
    validated = checkout.run("validate", "--format", "json")
    assert validated.code == 1
    (finding,) = [one for one in validated.json["findings"] if one["code"] == "RC218"]
    assert (finding["level"], finding["address"]) == ("error", "client/partner")
    assert (finding["file"], finding["line"]) == ("clients/partner.yaml", 7)
    shown = checkout.plan()
    assert shown.code == 3
    assert ("RC218", "error") in findings(shown)
    refused(checkout, "RC218")
    checkout.apply("--only", "other").ok()
    assert checkout.versions("other") == {1: "active"}
    checkout.client("partner")
    checkout.apply().ok()
    checkout.assert_quiet()


def test_what_is_live_is_rotated_and_repaired_whatever_the_policy_became(
    checkout: Checkout,
) -> None:
    checkout.client("partner", scopes=["payouts:write"])
    checkout.client("other")
    checkout.apply().ok()
    policy(
        checkout,
        rules={"justification": {"level": "deny", "pattern": "^SEC-"}},
        customRules=own("1 / 0 == 1"),
    )
    assert checkout.run("validate").code == 1
    shown = checkout.plan().ok()
    told = [
        one for one in findings(shown) if one != ("RC371", "warning")
    ]  # nothing of it is committed
    assert told == [("RC217", "warning")] * 2 + [("RC231", "warning")] * 2
    checkout.run("rotate", "-e", checkout.environment, "partner", "--reason", "laptop lost").ok()
    assert checkout.versions("partner") == {1: "retiring", 2: "active"}
    checkout.vault("DELETE", "secrets/metadata/keys/other.primary")
    checkout.apply().ok()
    assert checkout.versions("other")[2] == "active"
    checkout.client("partner", scopes=["payouts:read"])
    refused(checkout, "RC217")
    checkout.client("partner", state="suspended")
    checkout.apply().ok()
    assert checkout.status("partner")["status"] == "suspended"


def test_a_rule_of_ones_own_sees_what_is_live(checkout: Checkout) -> None:
    checkout.document("scopes.yaml", "ScopeCatalog", "api", SCOPES)
    grants = (
        "before != null && after != null && granted.exists(s, granted[s] in ['high', 'critical'])"
    )
    policy(checkout, customRules=own(grants))
    checkout.client("partner", scopes=["payouts:read"])
    checkout.apply().ok()
    checkout.client("partner", scopes=["payouts:*"])
    assert checkout.run("validate").code == 0  # it needs Vault
    ran = refused(checkout, "RC230")
    assert "ask the platform team" in ran.json["message"]
    waiver = {
        "rule": "mine",
        "client": "partner",
        "reason": "PAY-9",
        "approver": "ada",
        "until": "2999-01-01",
    }
    policy(checkout, customRules=own(grants), waivers=[waiver])
    far, finding, new = (
        one for one in checkout.plan().ok().json["findings"] if one["code"] != "RC371"
    )
    assert (far["code"], far["level"]) == ("RC209", "warning")
    assert (new["code"], new["level"]) == ("RC250", "warning")  # since the first commit
    assert (finding["code"], finding["level"], finding["file"]) == (
        "RC230",
        "warning",
        "policy.yaml",
    )
    assert "waived by ada until 2999-01-01: PAY-9" in finding["message"]
    checkout.apply().ok()
    checkout.assert_quiet()


def test_a_plan_names_who_must_agree(checkout: Checkout, tmp_path: Path) -> None:
    checkout.document("scopes.yaml", "ScopeCatalog", "api", SCOPES)
    policy(
        checkout,
        approvers=[
            {"approver": "@acme/treasury", "when": {"scopes": ["payouts:*"], "risk": "low"}}
        ],
    )
    checkout.client("partner", scopes=["payouts:read"])
    (approval,) = checkout.plan("--out", str(tmp_path / "plan.json")).ok().json["approvals"]
    assert approval["approver"] == "acme/treasury"
    assert approval["addresses"] == ["client/partner"]
    assert "payouts:read" in approval["reasons"][0]
    checkout.run("apply", "-e", checkout.environment, str(tmp_path / "plan.json")).ok()
    assert checkout.plan().json["approvals"] == []


@pytest.fixture
def ada(checkout: Checkout, tmp_path: Path) -> Signer:
    return new_signer(tmp_path / "keys", "ada")


def demanding(checkout: Checkout, ada: Signer) -> None:
    """A repository whose policy demands signatures, and a client, in a signed commit."""
    checkout.write(SIGNERS, ada.line)
    checkout.commit("signers")
    policy(checkout, apply={"signedCommits": {"allowedSigners": SIGNERS}})
    checkout.client("partner")
    ada.commit(checkout.root)


def test_in_ci_it_is_said_that_the_repository_alone_says_who_may_sign(
    checkout: Checkout, ada: Signer, tmp_path: Path
) -> None:
    checkout.client("partner")
    checkout.commit()
    assert "who may sign" not in checkout.apply(CI="true").ok().err, "nobody demands a signature"
    demanding(checkout, ada)
    assert "who may sign" not in checkout.apply().ok().err, "a person knows their repository"
    told = [
        line for line in checkout.apply(CI="true").ok().err.splitlines() if "who may sign" in line
    ]
    assert len(told) == 1
    assert "RECONCILER_ALLOWED_SIGNERS" in told[0]
    signers = tmp_path / "signers"
    signers.write_text(ada.line)
    given = checkout.apply(CI="true", RECONCILER_ALLOWED_SIGNERS=str(signers)).ok()
    assert "who may sign" not in given.err


def test_only_a_signed_commit_is_applied(checkout: Checkout, ada: Signer, tmp_path: Path) -> None:
    demanding(checkout, ada)
    checkout.apply().ok()
    assert checkout.versions("partner") == {1: "active"}
    checkout.assert_quiet()  # HEAD is now the commit of a report, which nobody signed
    checkout.client("partner", scopes=["payouts:read"])
    assert refused(checkout, "RC242").json["message"] == "not as committed: clients/partner.yaml"
    checkout.commit("not signed")
    refused(checkout, "RC240")
    git(checkout.root, "reset", "--quiet", "--soft", "HEAD~1")
    new_signer(tmp_path / "keys", "eve").commit(checkout.root)
    refused(checkout, "RC240")
    git(checkout.root, "reset", "--quiet", "--soft", "HEAD~1")
    ada.commit(checkout.root)
    saved = str(tmp_path / "plan.json")
    checkout.plan("--out", saved).ok()
    checkout.run("apply", "-e", checkout.environment, saved).ok()
    checkout.assert_quiet()


def test_a_commit_cannot_take_back_what_is_demanded_of_it(checkout: Checkout, ada: Signer) -> None:
    demanding(checkout, ada)
    checkout.apply().ok()
    policy(checkout)
    checkout.client("partner", scopes=["payouts:read"])
    checkout.commit("no more signatures")
    refused(checkout, "RC240")
    (checkout.root / "policy.yaml").unlink()
    checkout.commit("no more policy")
    git(checkout.root, "reset", "--quiet", "--soft", "HEAD~2")
    checkout.commit("no more policy")
    refused(checkout, "RC240")
    git(checkout.root, "reset", "--quiet", "--soft", "HEAD~1")
    ada.commit(checkout.root)
    checkout.apply().ok()


def test_an_emergency_is_never_held_back(checkout: Checkout, ada: Signer) -> None:
    """Neither by a demand, nor by a rule, nor by a policy that cannot be read."""
    demanding(checkout, ada)
    checkout.apply().ok()
    policy(
        checkout, apply={"signedCommits": {"allowedSigners": SIGNERS}, "distinctApprover": "always"},
        customRules=own("true"), rules={"owner": {"level": "deny"}},
    )  # fmt: skip
    checkout.client("partner", owner=None)
    refused(checkout, "RC242")
    checkout.run("rotate", "-e", checkout.environment, "partner", "--reason", "leak").ok()
    checkout.write("policy.yaml", "kind: [")
    checkout.run("revoke", "-e", checkout.environment, "partner", "--reason", "compromise").ok()
    assert checkout.versions("partner") == {1: "revoked", 2: "revoked"}
    assert checkout.secret("keys/partner.primary", 2) is None


GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push"}


def pushed(folder: Path, *authors: str) -> dict[str, str]:
    """The variables of a workflow that a push by ``authors`` started."""
    path = folder / "event.json"
    commits = [
        {
            "id": str(number),
            "author": {"username": login, "email": f"7+{login}@users.noreply.github.com"},
        }
        for number, login in enumerate(authors)
    ]
    path.write_text(json.dumps({"commits": commits}))
    return {**GITHUB, "GITHUB_EVENT_PATH": str(path)}


def test_who_wrote_it_does_not_approve_it(checkout: Checkout, tmp_path: Path) -> None:
    policy(checkout, apply={"distinctApprover": "always"})
    checkout.client("partner")
    git(checkout.root, "config", "user.email", "7+bob@users.noreply.github.com")
    checkout.commit()
    event = pushed(tmp_path, "bob")
    assert (
        "Bob approved what Bob wrote"
        in refused(checkout, "RC243", GITHUB_ACTOR="Bob", **event).json["message"]
    )
    refused(checkout, "RC244")
    refused(checkout, "RC244", **{**event, "GITHUB_EVENT_NAME": "schedule", "GITHUB_ACTOR": "ada"})
    refused(checkout, "RC243", GITHUB_ACTOR="ada", RECONCILER_APPROVER="bob", **event)
    checkout.apply(GITHUB_ACTOR="ada", **event).ok()
    # A run without a declared change has nothing that anybody could approve.
    checkout.vault("DELETE", "secrets/metadata/keys/partner.primary")
    checkout.apply(**{**GITHUB, "GITHUB_EVENT_NAME": "schedule"}).ok()
    assert checkout.versions("partner")[2] == "active"


def test_when_nothing_tells_who_approved_a_note_says_so(checkout: Checkout, tmp_path: Path) -> None:
    policy(checkout, apply={"distinctApprover": "when-known"})
    checkout.client("partner")
    checkout.commit()
    refused(checkout, "RC243", GITHUB_ACTOR="ada", **pushed(tmp_path, "bob", "ada"))
    ran = checkout.apply().ok()
    assert (
        "whether the approver is the author is not known: nothing tells who approved this run"
        in ran.err
    )
