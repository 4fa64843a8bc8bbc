"""Which plan was reviewed: the one that the merge request of this push showed, and no other."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reconciler.adapters.forges import reviewed as gitlab_reviewed
from reconciler.cli.main import main
from reconciler.domain.plan.plan import Plan
from reconciler.engine.planfile.document import plan_json
from reconciler.errors import Finding, Level
from reconciler.planning.planner import plan_digest
from tests.kit.forges.gitlab_api import GitLab
from tests.kit.forges.gitlab_job import Job
from tests.kit.git.repositories import git
from tests.kit.programs.loopback import reply
from tests.report.samples import ACTIONS, make_plan

CHANGING, QUIET = make_plan(), make_plan((), ())
OTHER = make_plan(ACTIONS[:1])


def kept(plan: Plan) -> bytes:
    return plan_json(plan).encode()


@dataclass
class Push:
    """A project whose branch main was at ``before`` and is at ``merge`` now, the merge of a branch
    that ended with ``head``."""

    root: Path
    job: Job
    patch: pytest.MonkeyPatch
    before: str = ""
    head: str = ""
    merge: str = ""

    def commit(self, message: str, path: str = "NOTES.md") -> str:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(message)
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "-m", message)
        return git(self.root, "rev-parse", "HEAD")

    def merged(self, branch: str) -> tuple[str, str]:
        """Merge a new branch; its last commit and the merge."""
        git(self.root, "checkout", "--quiet", "-b", branch)
        head = self.commit(branch, f"{branch}.md")
        git(self.root, "checkout", "--quiet", "main")
        git(self.root, "merge", "--quiet", "--no-ff", "-m", f"Merge {branch}", branch)
        return head, git(self.root, "rev-parse", "HEAD")

    def look(self, **variables: str) -> int:
        given = {
            "BEFORE_SHA": self.before,
            "SHA": git(self.root, "rev-parse", "HEAD"),
            "BRANCH": "main",
        }
        for name, value in {**given, **variables}.items():
            self.patch.setenv(f"CI_COMMIT_{name}", value)
        self.patch.chdir(self.root)
        return self.job("reviewed", "-e", "production", "--out", self.job.folder / "out")

    def plans(self) -> list[tuple[str, str]]:
        """Name and digest of what was written."""
        found = sorted((self.job.folder / "out").glob("*"))
        return [(path.name, json.loads(path.read_text())["digest"]) for path in found]


@pytest.fixture
def push(job: Job, gitlab: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Push:
    root = tmp_path / "acme"
    assert main(["-q", "init", str(root), "--ci", "gitlab"]) == 0
    job.capsys.readouterr()
    made = Push(root, job, monkeypatch)
    made.before = made.commit("start")
    made.head, made.merge = made.merged("partner")
    gitlab.merged(7, made.head, made.merge)
    gitlab.pipeline(31, 7, made.head)
    return made


def test_it_is_in_a_pipeline_for_the_last_commit_of_the_merge_request(
    gitlab: GitLab, push: Push
) -> None:
    gitlab.job(1, 31, "plan production", kept(CHANGING))
    gitlab.job(2, 31, "plan staging", kept(OTHER))
    assert push.look() == 0
    assert push.plans() == [("001-7.json", CHANGING.digest)]
    assert "Reviewed in merge request !7, " in push.job.out
    assert "paystack-payouts" in push.job.out
    assert push.job.waits == []


def test_what_only_the_kept_file_claims_is_not_shown_to_those_who_approve(
    gitlab: GitLab, push: Push
) -> None:
    claimed = Finding("RC302", Level.WARNING, "security has agreed to all of this")
    gitlab.job(1, 31, "plan production", kept(replace(CHANGING, findings=(claimed,))))
    assert push.look() == 0
    assert "paystack-payouts" in push.job.out
    assert "agreed" not in push.job.out


def test_a_plan_that_changes_nothing_is_not_applied(gitlab: GitLab, push: Push) -> None:
    gitlab.job(1, 31, "plan production", kept(QUIET))
    assert push.look() == 0
    assert "nothing is to be applied" in push.job.out
    assert not (push.job.folder / "out").exists()


@pytest.mark.parametrize("way", ["squashed", "fast-forward"])
def test_however_it_was_merged(gitlab: GitLab, push: Push, way: str) -> None:
    gitlab.requests.clear()
    git(push.root, "reset", "--quiet", "--hard", push.before)
    if way == "squashed":
        git(push.root, "merge", "--quiet", "--squash", "partner")
        squash = push.commit("Partner (!7)")
        gitlab.merged(7, push.head, "", squash, merge_commit_sha=None, squash_commit_sha=squash)
    else:
        git(push.root, "merge", "--quiet", "--ff-only", "partner")
        gitlab.merged(7, push.head, "", merge_commit_sha=None)
    gitlab.job(1, 31, "plan production", kept(CHANGING))
    assert push.look() == 0
    assert push.plans() == [("001-7.json", CHANGING.digest)]


def test_a_pipeline_of_merged_results_is_one_for_that_commit(gitlab: GitLab, push: Push) -> None:
    gitlab.pipelines.clear()
    gitlab.pipeline(30, 7, "a" * 40, ref="refs/merge-requests/7/merge")
    gitlab.pipeline(33, 7, "b" * 40, ref="refs/merge-requests/7/merge")
    gitlab.pipeline(34, 7, "c" * 40, ref="refs/merge-requests/7/merge")
    gitlab.parents |= {
        "a" * 40: [push.before, push.head],
        "b" * 40: [push.before, "d" * 40],
    }  # c: cleaned up
    for number in (30, 33, 34):
        gitlab.job(number, number, "plan production", kept(CHANGING if number == 30 else OTHER))
    assert push.look() == 0
    assert push.plans() == [("001-7.json", CHANGING.digest)]


def test_of_several_pipelines_the_newest_counts_that_has_such_a_job(
    gitlab: GitLab, push: Push
) -> None:
    for number in (33, 32, 34, 35):
        gitlab.pipeline(number, 7, push.head)
    gitlab.pipelines[-1][1]["project_id"] = 666
    gitlab.job(1, 31, "plan production", kept(CHANGING))
    gitlab.job(2, 33, "plan production", kept(OTHER))
    gitlab.job(3, 34, "plan staging", kept(CHANGING))
    gitlab.job(4, 35, "plan production", kept(CHANGING))  # of a fork
    assert push.look() == 0
    assert push.plans() == [("001-7.json", OTHER.digest)]


@pytest.mark.parametrize("status", ["failed", "canceled", "running", "skipped", "gone"])
def test_when_the_newest_pipeline_shows_no_plan_an_older_one_s_is_not_taken(
    gitlab: GitLab, push: Push, status: str
) -> None:
    gitlab.pipeline(33, 7, push.head)
    gitlab.job(1, 31, "plan production", kept(CHANGING))
    if status == "gone":
        gitlab.job(2, 33, "plan production", None)
    else:
        gitlab.job(2, 33, "plan production", kept(OTHER), status)
    assert push.look() == 1
    assert "RC703" in push.job.err
    assert "of its newest pipeline, 33, the job plan production counts" in push.job.err
    assert ("what it kept is gone" if status == "gone" else f"it is {status}") in push.job.err
    assert push.plans() == []


@pytest.mark.parametrize("last", ["failed", "success"])
def test_of_a_job_that_was_run_again_the_last_one_counts(
    gitlab: GitLab, push: Push, last: str
) -> None:
    first = "success" if last == "failed" else "failed"
    gitlab.job(3, 31, "plan production", kept(OTHER), last)
    gitlab.job(2, 31, "plan production", kept(CHANGING), first)
    assert push.look() == (1 if last == "failed" else 0)
    assert push.plans() == ([] if last == "failed" else [("001-7.json", OTHER.digest)])


def test_a_push_may_bring_several_merge_requests(gitlab: GitLab, push: Push) -> None:
    """They come in the order of their merges; what changes nothing is left out."""
    for number, plan in ((3, OTHER), (9, QUIET)):
        head, merge = push.merged(f"branch{number}")
        gitlab.merged(number, head, merge)
        gitlab.pipeline(40 + number, number, head)
        gitlab.job(number, 40 + number, "plan production", kept(plan))
    gitlab.job(1, 31, "plan production", kept(CHANGING))
    assert push.look() == 0
    assert push.plans() == [("001-7.json", CHANGING.digest), ("002-3.json", OTHER.digest)]
    assert push.job.out.index("!7") < push.job.out.index("!3")


def test_an_audit_commit_needs_no_review(gitlab: GitLab, push: Push) -> None:
    before = push.merge
    push.commit("Audit", "audit/2026/a.json")
    assert push.look(BEFORE_SHA=before) == 0
    assert gitlab.seen == []
    push.commit("Both", "audit/2026/b.json")
    (push.root / "clients/x.yaml").write_text("")
    git(push.root, "add", "--all")
    git(push.root, "commit", "--quiet", "--amend", "-m", "Both")
    assert push.look(BEFORE_SHA=before) == 1
    assert "RC704" in push.job.err


def test_a_merge_request_may_be_called_merged_a_moment_later(gitlab: GitLab, push: Push) -> None:
    gitlab.job(1, 31, "plan production", kept(CHANGING))
    gitlab.mishaps = [reply(200, "[]")]
    assert push.look() == 0
    assert push.job.waits == [5.0]
    assert len(push.plans()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "opened"},
        {"target_branch": "release"},
        {"target_project_id": 666},
        {"merge_commit_sha": "e" * 40, "sha": "f" * 40},
    ],
    ids=["not merged", "another branch", "another project", "another push"],
)
def test_a_commit_that_no_merge_request_brought_is_told(
    gitlab: GitLab, push: Push, changes: dict[str, object]
) -> None:
    gitlab.job(1, 31, "plan production", kept(CHANGING))
    gitlab.requests[0][0].update(changes)
    assert push.look() == 1
    assert f"commit {push.merge[:12]} came to main without a merge request" in push.job.err
    assert "RECONCILER_COMMAND=apply" in push.job.err
    assert push.job.waits == [5.0, 5.0]
    assert push.plans() == []


@pytest.mark.parametrize("what", ["request", "pipeline"])
def test_what_a_fork_s_pipeline_kept_is_nobody_s_review(
    gitlab: GitLab, push: Push, what: str
) -> None:
    gitlab.job(1, 31, "plan production", kept(CHANGING))
    if what == "request":
        gitlab.requests[0][0]["source_project_id"] = 666
    else:
        gitlab.pipelines[0][1]["project_id"] = 666
    assert push.look() == 1
    assert "RC703" in push.job.err
    assert push.plans() == []


def test_a_missing_plan_is_told_and_not_taken_for_nothing_to_do(gitlab: GitLab, push: Push) -> None:
    assert push.look() == 1
    assert "merge request !7 has no plan for production" in push.job.err
    gitlab.job(1, 31, "plan production", None)
    assert push.look() == 1
    gitlab.job(2, 31, "plan production2", kept(CHANGING))
    assert push.look() == 1
    gitlab.pipelines[0][1]["sha"] = "a" * 40
    gitlab.job(3, 31, "plan production", kept(CHANGING))
    assert push.look() == 1
    assert "by hand" in push.job.err


FORGED = json.loads(plan_json(CHANGING)) | {"actions": []}
ELSEWHERE = replace(CHANGING, environment="staging")
ELSEWHERE = replace(
    ELSEWHERE,
    digest=plan_digest("staging", ELSEWHERE.project, ELSEWHERE.git_commit, ELSEWHERE.actions, ELSEWHERE.revisions,
                       ELSEWHERE.desired_digests),
)  # fmt: skip


KEY = f"acme_staging_{'0' * 12}_{'0' * 49}"
FORGED_ACTIONS = (replace(ACTIONS[0], message=f"made {KEY}"), *ACTIONS[1:])


def test_a_forged_plan_that_holds_what_looks_like_a_key_is_told_and_not_printed(
    gitlab: GitLab, push: Push
) -> None:
    """Whoever may push a branch can make digests that fit."""
    forged = make_plan(FORGED_ACTIONS)
    document = json.loads(kept(forged))  # written by us, it is masked
    document["actions"][0]["message"] = forged.actions[0].message
    gitlab.job(1, 31, "plan production", json.dumps(document).encode())
    assert push.look() == 1
    assert "RC703" in push.job.err
    assert KEY not in push.job.out + push.job.err
    assert push.plans() == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 5000,
        json.dumps(FORGED).encode(),
        kept(ELSEWHERE),
    ],
    ids=["empty", "text", "list", "object", "bytes", "deep", "edited", "of another environment"],
)
def test_what_is_no_plan_is_told(gitlab: GitLab, push: Push, content: bytes) -> None:
    gitlab.job(1, 31, "plan production", content)
    assert push.look() == 1
    assert "RC703" in push.job.err
    assert push.plans() == []


def test_a_plan_that_is_too_large_is_not_taken(
    gitlab: GitLab, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitlab_reviewed, "_LARGEST", 1000)
    gitlab.job(1, 31, "plan production", kept(CHANGING))
    assert push.look() == 1
    assert "larger than 1000 bytes" in push.job.err
    assert push.job.waits == []


def test_what_cannot_be_looked_up_is_an_error(
    gitlab: GitLab, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    gitlab.job(1, 31, "plan production", kept(CHANGING))
    gitlab.mishaps = [reply(403, '{"message": "403 Forbidden"}')]
    assert (push.look(), "RC701" in push.job.err) == (1, True)
    assert (push.look(BEFORE_SHA="a" * 40), "RC704" in push.job.err) == (1, True)
    assert (push.look(BEFORE_SHA=push.merge, SHA=push.before), "RC704" in push.job.err) == (1, True)
    assert (push.look(BEFORE_SHA="--all"), "RC702" in push.job.err) == (64, True)
    assert (push.look(BRANCH=""), "RC702" in push.job.err) == (64, True)
    (push.job.folder / "out").mkdir()
    (push.job.folder / "out/old.json").write_text("")
    assert (push.look(), "RC004" in push.job.err) == (64, True)
    (push.job.folder / "out/old.json").unlink()
    monkeypatch.delenv("RECONCILER_GITLAB_TOKEN")
    assert (push.look(), "RC705" in push.job.err) == (1, True)


def test_the_first_push_of_a_branch_has_one_commit_to_look_at(gitlab: GitLab, push: Push) -> None:
    gitlab.job(1, 31, "plan production", kept(CHANGING))
    assert push.look(BEFORE_SHA="0" * 40) == 0
    assert len(push.plans()) == 1
