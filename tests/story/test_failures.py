"""Bad surroundings: one clear error, nothing half done that the next run does not finish."""

from __future__ import annotations

import shutil

import pytest

from tests.kit.git.checkout import Checkout, Ran
from tests.kit.git.repositories import add_hook, git
from tests.kit.webhooks.receivers import answers, receiving

BROKEN = b"\xff\xfe\x00kind: ["


def failed(ran: Ran, code: str, exit_code: int = 1) -> str:
    assert (ran.code, ran.json["code"]) == (exit_code, code), ran.out + ran.err
    assert ran.json["remedy"]
    assert "Traceback" not in ran.err
    return str(ran.json["message"])


def test_vault_that_does_not_answer(checkout: Checkout) -> None:
    message = failed(checkout.plan(VAULT_ADDR="http://127.0.0.1:1"), "RC401")
    assert "127.0.0.1:1" in message


def test_a_token_that_is_not_valid(checkout: Checkout) -> None:
    failed(checkout.plan(token="hvs.nobody"), "RC405")


def test_a_token_with_a_line_break_is_not_echoed(checkout: Checkout) -> None:
    ran = checkout.plan(token="hvs.canary\r\nX: y")
    failed(ran, "RC406")
    assert "canary" not in ran.out + ran.err


def test_an_environment_that_was_not_bootstrapped(checkout: Checkout) -> None:
    checkout.project(
        vault={"address": checkout.place.server.address, "mounts": {"registry": "nowhere"}}
    )
    ran = checkout.plan(token=checkout.place.token("root"))
    assert ran.code == 1
    assert "bootstrap" in ran.json["remedy"]


def test_an_unknown_environment_and_an_unknown_client(checkout: Checkout) -> None:
    checkout.client("partner")
    for command in ("plan", "status"):
        ran = checkout.run(command, "-e", "stagin", "--format", "json")
        failed(ran, "RC002", 64)
        assert checkout.environment in ran.json["remedy"]
    for ran in (checkout.plan("--only", "partnr"), checkout.apply("--only", "partnr")):
        assert "partnr" in failed(ran, "RC007", 64)
        assert "partner" in ran.json["remedy"]


def test_an_invalid_declaration_is_reported_with_its_place_and_nothing_is_done(
    checkout: Checkout,
) -> None:
    checkout.client("partner")
    head = "apiVersion: reconciler/v1\nkind: IntegrationClient\n"
    checkout.write("clients/broken.yaml", f"{head}metadata: {{nmae: x}}\nspec: {{}}\n")
    before = checkout.everything_written()
    ran = checkout.apply()
    assert ran.code == 1
    assert any(
        one["file"] == "clients/broken.yaml" and one["line"] == 3 for one in ran.json["findings"]
    )
    assert checkout.everything_written() == before


ANY_BYTES = [
    b"",
    b"\x00",
    BROKEN,
    b"a: &a [*a]",
    b"- [" * 1000,
    b"%YAML 9.9\n---\n",
    b"\xef\xbb\xbfkind: Project\n",
]


@pytest.mark.parametrize("content", ANY_BYTES)
def test_any_bytes_give_a_diagnostic(checkout: Checkout, content: bytes) -> None:
    (checkout.root / "clients").mkdir()
    (checkout.root / "clients" / "any.yaml").write_bytes(content)
    ran = checkout.run("validate")
    assert ran.code in (0, 1)
    assert "RC000" not in ran.err
    assert "Traceback" not in ran.err


def test_nobody_to_ask_is_a_usage_error(checkout: Checkout) -> None:
    checkout.client("partner")
    before = checkout.everything_written()
    assert checkout.run("apply", "-e", checkout.environment).code == 64
    assert checkout.everything_written() == before


def test_not_a_git_repository_issues_nothing(checkout: Checkout) -> None:
    """What cannot be put into evidence is not begun; whoever keeps the report themselves says
    so."""
    checkout.client("partner")
    shutil.rmtree(checkout.root / ".git")
    refused = checkout.apply()
    assert (refused.code, refused.json["code"]) == (1, "RC602")
    assert "git init" in refused.json["remedy"]
    assert checkout.secret("keys/partner.primary") is None
    ran = checkout.apply("--no-commit").ok()
    assert "partner" in (checkout.root / ran.json["audit"]["path"]).read_text()
    assert checkout.versions("partner") == {1: "active"}


def test_a_report_that_a_hook_refused_is_committed_by_the_next_run(checkout: Checkout) -> None:
    checkout.client("partner")
    add_hook(checkout.root, "pre-commit", "echo not today >&2; exit 1")
    refused = checkout.apply()
    assert refused.code == 1
    assert "not today" in refused.err
    first = refused.json["run_id"]
    (checkout.root / ".git/hooks/pre-commit").unlink()
    (checkout.root / refused.json["audit"]["path"]).unlink()  # not even the file is there
    again = checkout.apply().ok()
    committed = git(checkout.root, "show", "--name-only", "--format=", "HEAD")
    assert f"{first}.json" in committed
    assert again.json["outcomes"] == []
    assert "issue-key" in (checkout.root / f"audit/{checkout.environment}/{first}.json").read_text()
    checkout.assert_quiet()


def test_a_run_without_commit_is_reported_by_the_next(checkout: Checkout) -> None:
    checkout.client("partner")
    first = checkout.apply("--no-commit").ok().json
    assert git(checkout.root, "log", "--format=%s").splitlines() == ["project"]
    checkout.client("partner", scopes=["ledger:read"])
    checkout.apply().ok()
    assert f"{first['run_id']}.json" in git(
        checkout.root, "show", "--name-only", "--format=", "HEAD"
    )


def test_a_dirty_tree_elsewhere_stays_as_it_is(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.commit()
    checkout.write("notes.txt", "staged")
    git(checkout.root, "add", "notes.txt")
    checkout.write("notes.txt", "edited")
    checkout.write("other.txt", "untracked")
    checkout.apply().ok()
    assert git(checkout.root, "status", "--porcelain").splitlines() == [
        "AM notes.txt",
        "?? other.txt",
    ]


def test_applying_what_is_not_committed_is_told(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.commit()
    assert checkout.apply().ok().json["dirty"] == []
    checkout.client("partner", scopes=["ledger:read"])
    assert checkout.apply().ok().json["dirty"] == ["clients/partner.yaml"]


def test_the_lease_of_another_run_is_respected(checkout: Checkout) -> None:
    checkout.client("partner")
    lease = '{"format":1,"holder":"20261123t000000z-somebody","until":"2999-01-01T00:00:00Z"}'
    checkout.vault("POST", "registry/data/lease", {"options": {"cas": 0}, "data": {"doc": lease}})
    failed(checkout.apply("--no-wait"), "RC398", 4)
    assert checkout.run("status", "-e", checkout.environment, "partner").code == 64


def test_one_bad_client_does_not_stop_the_others(checkout: Checkout) -> None:
    with receiving(answers(204)) as good:
        checkout.hooked("good", good.url)
        checkout.hooked("bad", "http://127.0.0.1:1/")
        assert checkout.apply().code == 5
    assert checkout.status("good")["status"] == "active"
    assert checkout.status("bad")["status"] == "pending"
    assert checkout.status("bad")["webhooks"][0]["last_delivery"]["message"].startswith("RC505")


def test_a_delivery_to_try_again_changes_nothing(checkout: Checkout) -> None:
    """A plan shows what changes; the URL of a webhook that has to prove itself once more does
    not."""
    checkout.hooked("bad", "http://127.0.0.1:1/")
    assert checkout.apply().code == 5
    [again] = [one for one in checkout.plan().json["actions"] if one["kind"] == "verify-webhook"]
    assert (again["reason"], again["before"], again["after"]) == ("VerificationFailed", None, None)
    assert "http://127.0.0.1:1/" in again["message"]
    assert "(absent)" not in checkout.run("plan", "-e", checkout.environment).ok().out
