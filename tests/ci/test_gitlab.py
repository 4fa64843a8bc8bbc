"""GitLab's jobs as ``init --ci gitlab`` writes them, run by gitlab-ci-local against a real OpenBao,
GitLab's API and GitLab's ID tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.openbao.server import RunningServer
from tests.kit.forges.gitlab_api import EVE, PROJECT, PROJECT_ID, TOKEN, GitLab
from tests.kit.forges.gitlab_runner import Pipeline, Runner
from tests.kit.forges.gitlab_tokens import claims_of
from tests.kit.forges.hosted import Upstream, hosting
from tests.kit.git.repositories import git, isolate
from tests.kit.vault.places import Place

pytestmark = [pytest.mark.openbao, pytest.mark.slow]


@dataclass
class Hosted(Upstream):
    """On GitLab."""

    gitlab: GitLab
    runner: Runner

    def run(
        self, source: str, commit: str, *manual: str, job: str = "", **variables: str
    ) -> Pipeline:
        """A pipeline whose jobs get the token of a sort of job. Nothing of it may show a secret."""
        name = self.checkout.environment
        claims = {
            **claims_of(self.issuer.address, self.now, name, job or "plan"),
            "pipeline_source": source,
        }
        token = self.issuer.token(claims) if job else ""
        variables = {
            "CI_COMMIT_BRANCH": "main",
            "VAULT_JWT": token,
            "RECONCILER_ENVIRONMENT": name,
            **variables,
        }
        pipeline = self.runner(source, commit, *manual, **variables)
        texts = [one["body"] for one in self.gitlab.notes] + [
            one["description"] for one in self.gitlab.issues
        ]
        for secret in (token, TOKEN, self.checkout.place.token("root")):
            assert not secret or not any(secret in text for text in [pipeline.log, *texts])
        return pipeline


@pytest.fixture
def hosted(
    openbao: RunningServer, gitlab: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hosted]:
    isolate(monkeypatch, tmp_path / "home")
    given = {
        "CI_API_V4_URL": gitlab.address, "CI_PROJECT_ID": PROJECT_ID, "RECONCILER_GITLAB_TOKEN": TOKEN,
        "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": PROJECT_ID,
        "CI_MERGE_REQUEST_PROJECT_ID": PROJECT_ID,
    }  # fmt: skip
    with hosting(openbao, tmp_path, "gitlab", (PROJECT, PROJECT_ID), adapted) as made:
        given |= {
            "VAULT_ADDR": made.checkout.place.server.address,
            "XDG_CONFIG_HOME": str(tmp_path / "nobodys"),
        }
        runner = Runner(made.remote, tmp_path, given)
        yield Hosted(made.checkout, made.remote, made.issuer, made.now, gitlab, runner)


def adapted(root: Path, place: Place) -> None:
    jobs = root / ".gitlab-ci.yml"
    text = jobs.read_text()
    assert text.count("      environment: staging\n") == 1
    text = text.replace(
        "      environment: staging\n", f"      environment: {place.name}\n      install: path\n"
    )
    jobs.write_text(text.replace("staging", place.name))


def test_from_merge_request_to_emergency(hosted: Hosted) -> None:
    each_kind_of_pipeline_has_its_jobs(hosted)
    merge_request_is_planned(hosted)
    before, merge = plan_is_applied_after_the_merge(hosted)
    plan_is_not_applied_when_something_else_is_declared(hosted, before, merge)
    new_plan_is_applied_by_hand(hosted)
    night_repairs_and_reports(hosted)
    emergency_revokes(hosted)


def each_kind_of_pipeline_has_its_jobs(hosted: Hosted) -> None:
    """Above all: a merge request of a fork is validated and gets nothing, whether its pipeline runs
    in the parent project or in the fork itself. The other kinds run below."""
    of_fork = {"CI_COMMIT_BRANCH": "main", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "666"}
    for project in (PROJECT_ID, "666"):
        given = {**of_fork, "CI_PROJECT_ID": project}
        assert hosted.runner.jobs("merge_request_event", hosted.head(), **given) == ["validate"], (
            project
        )


def merge_request_is_planned(hosted: Hosted) -> None:
    checkout, name = hosted.checkout, hosted.checkout.environment
    git(checkout.root, "checkout", "--quiet", "-b", "partner")
    checkout.client("partner", scopes=["orders:read"])
    head = hosted.push("Add partner")
    marker = f"<!-- reconciler:plan:{name} -->"
    hosted.gitlab.note(f"{marker}\nall is well", EVE)
    hosted.gitlab.note(f"{marker}\nof the commit before")
    hosted.gitlab.head = head
    pipeline = hosted.run("merge_request_event", head, job="plan")
    assert (pipeline.code, pipeline.jobs) == (0, {"validate": True, f"plan {name}": True}), (
        pipeline.log
    )
    theirs, ours = (one["body"] for one in hosted.gitlab.notes)
    assert theirs == f"{marker}\nall is well"
    assert ours.startswith(f"{marker}\n")
    assert "partner" in ours
    assert "of the commit before" not in ours
    assert checkout.vault("LIST", "secrets/metadata/keys") is None  # a plan writes nothing
    hosted.gitlab.pipeline(31, 7, head)
    hosted.gitlab.job(1, 31, f"plan {name}", pipeline.artifact(".reconciler/plan.json"))


def plan_is_applied_after_the_merge(hosted: Hosted) -> tuple[str, str]:
    """Squashed, after something else was merged: the commit is one that nobody planned."""
    checkout, name, head = hosted.checkout, hosted.checkout.environment, hosted.head()
    git(checkout.root, "checkout", "--quiet", "main")
    checkout.write("NOTES.md", "merged before\n")
    before = hosted.push("Something else")
    git(checkout.root, "merge", "--quiet", "--squash", "partner")
    merge = hosted.push("Add partner (!7)")
    hosted.gitlab.merged(7, head, "", merge, merge_commit_sha=None, squash_commit_sha=merge)
    pipeline = hosted.run("push", merge, f"apply {name}", job="apply", CI_COMMIT_BEFORE_SHA=before)
    assert (pipeline.code, pipeline.jobs) == (
        0,
        {f"reviewed {name}": True, f"apply {name}": True},
    ), pipeline.log
    assert "Reviewed in merge request !7" in pipeline.log
    assert checkout.secret("keys/partner.primary") is not None
    assert (
        checkout.secret("keys/example-partner.primary") is not None
    )  # declared before, and in that plan too
    hosted.follow()  # the audit commit is in the remote
    assert git(checkout.root, "log", "-1", "--format=%an") == "reconciler"
    [report] = (checkout.root / "audit").glob("*/*.json")
    assert json.loads(report.read_text())["git_commit"] == merge
    return before, merge


def plan_is_not_applied_when_something_else_is_declared(
    hosted: Hosted, before: str, merge: str
) -> None:
    """Somebody runs that job again, when the branch declares something else."""
    checkout, name = hosted.checkout, hosted.checkout.environment
    checkout.client("partner", scopes=["orders:read", "orders:write"])
    hosted.push("Declared since")
    written = checkout.everything_written()
    pipeline = hosted.run("push", merge, f"apply {name}", job="apply", CI_COMMIT_BEFORE_SHA=before)
    assert (pipeline.code != 0, pipeline.jobs) == (
        True,
        {f"reviewed {name}": True, f"apply {name}": False},
    )
    assert "RC389" in pipeline.log
    assert "by hand with RECONCILER_COMMAND=apply" in pipeline.log
    assert checkout.everything_written() == written
    assert git(checkout.root, "ls-remote", "origin", "main").split()[0] == hosted.head()


def new_plan_is_applied_by_hand(hosted: Hosted) -> None:
    """The pipeline is of a commit from before: what the branch declares now is planned by the one
    who started it."""
    checkout, name = hosted.checkout, hosted.checkout.environment
    pipeline = hosted.run(
        "web", hosted.head(), f"apply {name}", job="apply", RECONCILER_COMMAND="apply"
    )
    assert (pipeline.code, pipeline.jobs) == (
        0,
        {f"plan anew {name}": True, f"apply {name}": True},
    ), pipeline.log
    hosted.follow()
    assert checkout.status("partner")["scopes"] == ["orders:read", "orders:write"]


def night_repairs_and_reports(hosted: Hosted) -> None:
    checkout, name = hosted.checkout, hosted.checkout.environment
    checkout.client("late", scopes=["orders:read"])
    commit = hosted.push("Declared, not applied")
    checkout.vault("DELETE", "secrets/metadata/keys/partner.primary")
    pipeline = hosted.run("schedule", commit, job="upkeep")
    assert (pipeline.code, pipeline.jobs) == (0, {f"drift {name}": True}), pipeline.log
    assert checkout.secret("keys/partner.primary") is not None
    assert checkout.secret("keys/late.primary") is None
    [issue] = hosted.gitlab.issues
    assert issue["description"].startswith(f"<!-- reconciler:drift:{name} -->\n")
    assert "What was done without a change of the declaration" in issue["description"]
    assert "late" in issue["description"]
    hosted.follow()


def emergency_revokes(hosted: Hosted) -> None:
    checkout, name = hosted.checkout, hosted.checkout.environment
    inputs = {
        "RECONCILER_CLIENT": "partner", "RECONCILER_KEY": "primary", "RECONCILER_INCIDENT": "INC-7",
        "RECONCILER_REASON": "\"; touch ../owned; $(touch ../owned) `touch ../owned` '",
    }  # fmt: skip
    pipeline = hosted.run("web", hosted.head(), job="revoke", RECONCILER_COMMAND="revoke", **inputs)
    assert (pipeline.code, pipeline.jobs) == (0, {f"revoke {name}": True}), pipeline.log
    assert set(checkout.versions("partner").values()) == {"revoked"}
    hosted.follow()
    report = max((checkout.root / "audit").glob("*/*.json"))
    ended: list[Any] = [
        one for one in json.loads(report.read_text())["outcomes"] if one["kind"] == "revoke-key"
    ]
    assert [one["status"] for one in ended] == [
        "done",
        "done",
    ]  # the one in use, and the one in its grace
    told = [json.dumps(one).replace('\\"', '"') for one in ended]
    assert all(inputs["RECONCILER_REASON"] in one and "INC-7" in one for one in told), told
    assert list(checkout.root.parent.rglob("owned")) == []
