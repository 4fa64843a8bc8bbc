"""Emergency revocation: at once, held until the declaration says so, past everything that could
stand in its way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from reconciler.engine import emergency
from tests.kit.git.checkout import Checkout, Ran
from tests.kit.webhooks.receivers import answers, receiving


def revoke(checkout: Checkout, target: str, *more: str, **variables: str) -> Ran:
    why = ("--reason", "compromise", "--incident", "INC-7")
    return checkout.run(
        "revoke", "-e", checkout.environment, target, *why, "--format", "json", *more, **variables
    )


def test_a_revoked_key_is_gone_and_not_issued_again_until_it_is_declared(
    checkout: Checkout,
) -> None:
    checkout.client("partner", keys=[{"name": "primary"}, {"name": "batch"}])
    checkout.apply().ok()
    result = revoke(checkout, "partner/primary").ok().json
    assert [(o["kind"], o["status"]) for o in result["outcomes"]] == [("revoke-key", "done")]
    assert checkout.versions("partner") == {1: "revoked"}
    assert checkout.secret("keys/partner.primary", 1) is None
    assert checkout.versions("partner", "batch") == {1: "active"}
    assert checkout.status("partner")["status"] == "active"
    checkout.assert_quiet()
    [held] = [one for one in checkout.plan().json["actions"] if one["kind"] == "no-op"]
    assert held["reason"] == "RevocationHeld"
    assert "reissueAfter: 1" in held["message"]
    assert "INC-7" in held["message"]
    checkout.client("partner", keys=[{"name": "primary", "reissueAfter": 1}, {"name": "batch"}])
    checkout.apply().ok()
    assert checkout.versions("partner") == {1: "revoked", 2: "active"}
    checkout.assert_quiet()


def test_revoking_a_client_ends_keys_and_signing_secrets_and_suspends_it(
    checkout: Checkout,
) -> None:
    with receiving(answers(204)) as receiver:
        checkout.hooked("partner", receiver.url)
        checkout.apply().ok()
        revoke(checkout, "partner").ok()
        assert checkout.secret("keys/partner.primary", 1) is None
        assert checkout.secret("webhooks/partner.settlements", 1) is None
        assert checkout.status("partner")["status"] == "suspended"
        checkout.assert_quiet()
        webhook = {"secret": {"reissueAfter": 1}}
        checkout.hooked(
            "partner", receiver.url, webhook=webhook, keys=[{"name": "primary", "reissueAfter": 1}]
        )
        checkout.apply().ok()
    assert checkout.status("partner")["status"] == "active"
    assert checkout.versions("partner") == {1: "revoked", 2: "active"}


def test_revoking_twice_changes_nothing_more(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    revoke(checkout, "partner").ok()
    before = checkout.everything_written()
    assert revoke(checkout, "partner").ok().json["outcomes"] == []
    assert checkout.everything_written() == before


def test_a_broken_declaration_does_not_stand_in_the_way(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    checkout.write("clients/broken.yaml", "kind: [")
    revoke(checkout, "partner").ok()
    assert checkout.versions("partner") == {1: "revoked"}


def test_a_freeze_a_budget_a_protection_and_a_lease_do_not_stand_in_the_way(
    checkout: Checkout,
) -> None:
    checkout.client("partner", protect=True)
    checkout.apply().ok()
    checkout.project(freeze=[{"from": "2020-01-01", "to": "2999-01-01", "reason": "for ever"}])
    version = checkout.vault("GET", "registry/data/lease")["data"]["metadata"]["version"]
    lease = {"format": 1, "holder": "20261123t000000z-somebody", "until": "2999-01-01T00:00:00Z"}
    checkout.vault(
        "POST",
        "registry/data/lease",
        {"options": {"cas": version}, "data": {"doc": json.dumps(lease)}},
    )
    revoke(checkout, "partner").ok()
    assert checkout.versions("partner") == {1: "revoked"}


def test_an_unknown_client_or_key_is_a_usage_error_that_names_what_there_is(
    checkout: Checkout,
) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    cases = {
        "partnr": "partner",
        "partner/primry": "primary",
        "../etc": "CLIENT",
        "partner/a/b": "CLIENT",
    }
    for target, named in cases.items():
        ran = revoke(checkout, target)
        assert ran.code == 64
        assert named in ran.json["remedy"] + ran.json["message"]


def test_a_reason_is_a_line_and_never_a_key(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    key = checkout.secret("keys/partner.primary") or ""
    for reason in ("", "  ", "two\nlines", "x" * 201, f"leaked {key}"):
        ran = checkout.run("rotate", "-e", checkout.environment, "partner", "--reason", reason)
        assert (ran.code, "RC012" in ran.err) == (64, True)
        assert key not in ran.err
    made = {
        f"leaked {key}\non a forum | really": "leaked *** on a forum | really",
        "x" * 300: f"{'x' * 199}…",
        " ": "",
    }
    for number, (reason, stored) in enumerate(made.items()):
        checkout.client(f"client{number}")
        checkout.apply().ok()
        checkout.run(
            "revoke", "-e", checkout.environment, f"client{number}", "--reason", reason
        ).ok()
        assert checkout.versions(f"client{number}") == {1: "revoked"}
        (held,) = [
            one for one in checkout.plan().json["actions"] if one["client"] == f"client{number}"
        ]
        assert (stored or "no reason given") in held["message"]


def test_a_key_revoked_by_name_in_the_evidence(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    result = revoke(checkout, "partner").ok().json
    report = json.loads((checkout.root / result["audit"]["path"]).read_text())
    [revocation] = report["revocations"]
    assert revocation["address"] == "client/partner/key/primary"
    assert "INC-7" in json.dumps(revocation)


def kept(checkout: Checkout) -> dict[str, str]:
    """What is held, by address, with what plan says about it."""
    return {
        one["address"]: one["message"]
        for one in checkout.plan().json["actions"]
        if one["kind"] == "no-op"
    }


@pytest.mark.parametrize(("ahead", "number"), [(7, 1), (2, 1), (1, 2)])
def test_a_number_declared_in_advance_disarms_no_revocation(
    checkout: Checkout, ahead: int, number: int
) -> None:
    """Neither one above the newest version nor the newest version itself."""
    with receiving(answers(204)) as receiver:

        def declare(reissue: int) -> None:
            keys = [{"name": "primary", "reissueAfter": reissue}]
            checkout.hooked(
                "partner", receiver.url, webhook={"secret": {"reissueAfter": reissue}}, keys=keys
            )

        declare(ahead)
        checkout.apply().ok()
        warned = [
            one["address"] for one in checkout.plan().json["findings"] if one["code"] == "RC364"
        ]
        assert warned == (
            []
            if ahead == 1
            else ["client/partner/key/primary", "client/partner/webhook/settlements/secret"]
        )
        revoke(checkout, "partner").ok()
        checkout.apply().ok()
        assert checkout.secret("keys/partner.primary") is None
        assert checkout.secret("webhooks/partner.settlements") is None
        assert len(kept(checkout)) == 2
        assert all(f"reissueAfter: {number} " in message for message in kept(checkout).values())
        if ahead > 1:
            findings = [one for one in checkout.plan().json["findings"] if one["code"] == "RC364"]
            assert all(f"reissueAfter: {number}" in one["remedy"] for one in findings)
        declare(number)
        checkout.apply().ok()
    assert checkout.versions("partner") == {1: "revoked", 2: "active"}
    assert checkout.status("partner")["status"] == "active"
    checkout.assert_quiet()


def test_a_client_with_only_webhooks_is_suspended_too(checkout: Checkout) -> None:
    with receiving(answers(204)) as receiver:
        checkout.hooked("partner", receiver.url, keys=None)
        checkout.apply().ok()
        revoke(checkout, "partner").ok()
        assert checkout.status("partner")["status"] == "suspended"
        checkout.assert_quiet()
        checkout.hooked("partner", receiver.url, keys=None, webhook={"secret": {"reissueAfter": 1}})
        checkout.apply().ok()
    assert checkout.status("partner")["status"] == "active"


def test_a_former_name_leads_to_the_present_one(checkout: Checkout) -> None:
    checkout.client("first")
    checkout.apply().ok()
    for old, new in (("first", "second"), ("second", "third")):
        checkout.remove(old)
        checkout.client(new, metadata={"renamedFrom": old})
        checkout.apply().ok()
    for former in ("first", "second"):
        ran = revoke(checkout, former)
        assert (ran.code, ran.json["code"]) == (64, "RC361")
        assert "renamed to third" in ran.json["message"]
    revoke(checkout, "third").ok()


def told(checkout: Checkout, ran: Ran) -> tuple[str | None, list[str]]:
    """The commit that the report names, and what that does not hold."""
    report = json.loads((checkout.root / ran.json["audit"]["path"]).read_text())
    assert report["dirty"] == ran.json["dirty"]
    return report["git_commit"], report["dirty"]


def test_the_report_says_whether_the_project_was_committed(checkout: Checkout) -> None:
    for name in ("partner", "other"):
        checkout.client(name)
    head = checkout.commit()
    checkout.apply("--no-commit").ok()
    assert told(checkout, revoke(checkout, "partner", "--no-commit").ok()) == (head, [])
    path = checkout.root / "reconciler.yaml"
    path.write_text(f"{path.read_text()}# edited\n")
    assert told(checkout, revoke(checkout, "other", "--no-commit").ok()) == (
        head,
        ["reconciler.yaml"],
    )


SLEEPING = "#!/bin/sh\nexec sleep 60\n"
FAILING = "#!/bin/sh\necho fatal: broken >&2\nexit 128\n"


@pytest.mark.parametrize("script", [SLEEPING, FAILING], ids=["sleeping", "failing"])
def test_a_git_that_does_not_answer_holds_up_no_revocation(
    script: str, checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emergency, "GIT_SECONDS", 0.2)
    checkout.client("partner")
    checkout.commit()
    checkout.apply().ok()
    git = tmp_path / "bin/git"
    git.parent.mkdir()
    git.write_text(script)
    git.chmod(0o755)
    place = f"{git.parent}:{os.environ['PATH']}"
    ran = revoke(checkout, "partner", "--no-commit", GITHUB_ACTOR="ada", PATH=place).ok()
    assert checkout.versions("partner") == {1: "revoked"}
    assert told(checkout, ran) == (None, ["reconciler.yaml"])
    assert "is not known" in ran.err
