"""The four workflows and the action, run by act against a real OpenBao, GitHub's API and GitHub's
identity tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.openbao.server import RunningServer
from tests.kit.forges.act import Act, Acted, adapted
from tests.kit.forges.github_api import BOT, TOKEN, GitHub
from tests.kit.forges.github_tokens import REPOSITORY, REPOSITORY_ID, REQUEST_TOKEN, claims_of
from tests.kit.forges.hosted import Upstream, hosting
from tests.kit.git.repositories import git, isolate
from tests.kit.vault.places import Place

pytestmark = [pytest.mark.openbao, pytest.mark.slow]


@dataclass
class Hosted(Upstream):
    """On GitHub."""

    github: GitHub
    scratch: Path

    def job(
        self, workflow: str, event: str, ref: str = "refs/heads/main", environment: str = ""
    ) -> None:
        """What the identity tokens of the next jobs say."""
        claims = claims_of(self.issuer.address, self.now, environment)
        claims |= {"event_name": event, "ref": ref,
                   "job_workflow_ref": f"{REPOSITORY}/.github/workflows/reconciler-{workflow}.yml@{ref}"}  # fmt: skip
        if not environment:
            del claims["environment"]
        self.issuer.claims = claims

    def act(self, event: str, workflow: str, payload: Any) -> Acted:
        variables = {
            "GITHUB_API_URL": self.github.address, "GITHUB_REPOSITORY": REPOSITORY, "REMOTE": str(self.remote),
            "ARTIFACTS": str(self.github.files), "ACTIONS_ID_TOKEN_REQUEST_URL": self.issuer.request_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN, "HOME": str(self.scratch),
            "XDG_CONFIG_HOME": str(self.scratch / "nobodys"),  # a runner has nobody's consent
        }  # fmt: skip
        settings = {"VAULT_ADDR": self.checkout.place.server.address}
        run = Act(
            self.checkout.root, self.scratch / "act", variables, {"GITHUB_TOKEN": TOKEN}, settings
        )
        payload = {"repository": {"id": int(REPOSITORY_ID), "full_name": REPOSITORY}, **payload}
        before = len(self.issuer.issued)
        acted = run(event, f"reconciler-{workflow}.yml", payload)
        shown = [
            acted.log,
            acted.summary,
            *(one["body"] for one in self.github.comments + self.github.issues),
        ]
        for secret in (*self.issuer.issued, REQUEST_TOKEN, self.checkout.place.token("root")):
            assert [line for text in shown for line in text.splitlines() if secret in line] == []
        assert acted.masked == self.issuer.issued[before:]
        return acted


@pytest.fixture
def hosted(
    openbao: RunningServer, github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hosted]:
    isolate(monkeypatch, tmp_path / "home")
    with hosting(openbao, tmp_path, "github", (REPOSITORY, REPOSITORY_ID), named_here) as made:
        yield Hosted(made.checkout, made.remote, made.issuer, made.now, github, tmp_path / "home")


def named_here(root: Path, place: Place) -> None:
    adapted(root)
    for path in (root / ".github/workflows").glob("reconciler-*.yml"):
        path.write_text(path.read_text().replace("staging", place.name))


def test_from_pull_request_to_emergency(hosted: Hosted) -> None:
    pull_request_is_planned(hosted)
    plan_is_applied_after_the_merge(hosted)
    plan_is_not_applied_twice(hosted)
    night_repairs_and_reports(hosted)
    emergency_revokes(hosted)


def pull_request_is_planned(hosted: Hosted) -> None:
    checkout, name = hosted.checkout, hosted.checkout.environment
    git(checkout.root, "checkout", "--quiet", "-b", "partner")
    checkout.client("partner", scopes=["orders:read"])
    head = hosted.push("Add partner")
    hosted.github.comment(f"<!-- reconciler:plan:{name} -->\nall is well\n", "eve")
    hosted.job("plan", "pull_request", "refs/pull/7/merge")
    acted = hosted.act("pull_request", "plan", {"pull_request": {
        "number": 7, "head": {"sha": head, "repo": {"full_name": REPOSITORY}}, "base": {"ref": "main"}}})  # fmt: skip
    assert (acted.code, acted.jobs) == (0, {"validate": "success", "plan": "success"}), acted.log
    kept = json.loads(
        (hosted.github.files / "1" / f"reconciler-plan-{name}" / "plan.json").read_text()
    )
    assert {name: acted.outputs[name] for name in ("changes", "blocked", "digest", "exit-code")} == {
        "changes": "true", "blocked": "false", "digest": kept["digest"], "exit-code": "2",
    }  # fmt: skip
    theirs, ours = hosted.github.comments
    assert (theirs["body"].splitlines()[1], ours["user"]["login"]) == ("all is well", BOT)
    assert ours["body"].startswith(f"<!-- reconciler:plan:{name} -->\n")
    assert "partner" in ours["body"]
    assert "partner" in acted.summary
    assert checkout.vault("LIST", "secrets/metadata/keys") is None  # a plan writes nothing
    hosted.github.run(1, head)


def plan_is_applied_after_the_merge(hosted: Hosted) -> None:
    """Squashed, after something else was merged: the commit is one that nobody planned."""
    checkout, head = hosted.checkout, git(hosted.checkout.root, "rev-parse", "HEAD")
    git(checkout.root, "checkout", "--quiet", "main")
    checkout.write("NOTES.md", "merged before\n")
    checkout.commit("Something else")
    git(checkout.root, "merge", "--quiet", "--squash", "partner")
    merge = hosted.push("Add partner (#7)")
    hosted.github.merged(7, head, merge)
    hosted.job("apply", "push", environment=checkout.environment)
    acted = hosted.act("push", "apply", pushed(merge))
    assert (acted.code, acted.jobs) == (0, {"reviewed": "success", "apply": "success"}), acted.log
    assert "Reviewed in pull request #7" in acted.summary
    assert checkout.secret("keys/partner.primary") is not None
    assert (
        checkout.secret("keys/example-partner.primary") is not None
    )  # declared before, and in that plan too
    hosted.follow()
    assert (
        git(checkout.root, "log", "-1", "--format=%an %ae")
        == f"{BOT} 41898282+{BOT}@users.noreply.github.com"
    )
    [report] = (checkout.root / "audit").glob("*/*.json")
    assert json.loads(report.read_text())["git_commit"] == merge


def plan_is_not_applied_twice(hosted: Hosted) -> None:
    """Somebody runs that job again, when something else stands in its place."""
    checkout = hosted.checkout
    before = checkout.everything_written()
    acted = hosted.act("push", "apply", pushed(hosted.github.pulls[0]["merge_commit_sha"]))
    assert acted.code != 0
    assert acted.outputs["exit-code"] == "4"
    assert "RC389" in acted.summary
    assert "by hand" in acted.summary
    assert checkout.everything_written() == before


def night_repairs_and_reports(hosted: Hosted) -> None:
    checkout, name = hosted.checkout, hosted.checkout.environment
    checkout.client("late", scopes=["orders:read"])
    hosted.push("Declared, not applied")
    checkout.vault("DELETE", "secrets/metadata/keys/partner.primary")
    hosted.job("drift", "schedule", environment=f"{name}-upkeep")
    acted = hosted.act("schedule", "drift", {})
    assert (acted.code, acted.jobs) == (0, {"drift": "success"}), acted.log
    assert checkout.secret("keys/partner.primary") is not None
    assert checkout.secret("keys/late.primary") is None
    [issue] = hosted.github.issues
    assert issue["body"].startswith(f"<!-- reconciler:drift:{name} -->\n")
    assert "late" in issue["body"]
    hosted.follow()
    checkout.remove("late")
    hosted.push("Taken back")
    assert hosted.act("schedule", "drift", {}).code == 0
    assert [one["state"] for one in hosted.github.issues] == ["closed"]


def emergency_revokes(hosted: Hosted) -> None:
    checkout, name = hosted.checkout, hosted.checkout.environment
    hosted.job("revoke", "workflow_dispatch", environment=f"{name}-revoke")
    inputs = {"environment": name, "client": "partner", "key": "primary", "incident": "INC-7",
              "reason": f'compromise "; $(touch {hosted.scratch}/owned) ${{{{ github.token }}}}'}  # fmt: skip
    acted = hosted.act("workflow_dispatch", "revoke", {"inputs": inputs})
    assert (acted.code, acted.jobs) == (0, {"revoke": "success"}), acted.log
    assert set(checkout.versions("partner").values()) == {"revoked"}
    hosted.follow()
    report = max((checkout.root / "audit").glob("*/*.json"))
    ended = [
        one for one in json.loads(report.read_text())["outcomes"] if one["kind"] == "revoke-key"
    ]
    assert [one["status"] for one in ended] == [
        "done",
        "done",
    ]  # the one in use, and the one in its grace
    assert all(
        inputs["reason"] in json.dumps(one).replace('\\"', '"') and "INC-7" in str(one)
        for one in ended
    )
    assert not (hosted.scratch / "owned").exists()


def test_a_pull_request_of_a_fork_is_validated_and_gets_nothing(hosted: Hosted) -> None:
    hosted.checkout.client("partner", scopes=["nothing:known"])
    acted = hosted.act("pull_request", "plan", {"pull_request": {
        "number": 7, "head": {"sha": "a" * 40, "repo": {"full_name": "eve/integrations"}}}})  # fmt: skip
    assert acted.code != 0
    assert acted.jobs == {"validate": "failure"}
    assert re.search(r"::error file=clients/partner\.yaml|clients/partner\.yaml", acted.log)
    assert (hosted.issuer.issued, hosted.github.seen) == ([], [])


def test_a_merge_queue_gets_its_checks(hosted: Hosted) -> None:
    """On a branch of the queue, without a pull request to comment on."""
    git(hosted.checkout.root, "checkout", "--quiet", "-b", "queue")
    hosted.checkout.client("partner", scopes=["orders:read"])
    head = hosted.push("Add partner")
    hosted.job("plan", "merge_group", "refs/heads/gh-readonly-queue/main/pr-7-abc")
    acted = hosted.act("merge_group", "plan", {"merge_group": {"head_sha": head}})
    assert (acted.code, acted.jobs) == (0, {"validate": "success", "plan": "success"}), acted.log
    assert acted.outputs["changes"] == "true"
    assert hosted.github.comments == []


def pushed(commit: str) -> dict[str, Any]:
    return {"ref": "refs/heads/main", "after": commit, "commits": [{"id": commit}]}
