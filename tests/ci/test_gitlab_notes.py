"""What is GitLab's own about the note and the issue: the verdict of the job, the last commit, the
night. What is the same at every forge is in ``test_notes``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.plan.plan import Plan
from reconciler.engine.planfile.document import plan_json
from reconciler.errors import Address, Finding, Level
from reconciler.planning.planner import plan_digest
from tests.kit.forges.gitlab_api import HEAD, GitLab
from tests.kit.forges.gitlab_job import Job
from tests.kit.programs.loopback import reply
from tests.kit.texts.hostile import HOSTILE, everywhere
from tests.report.samples import ACTIONS, BLOCK, make_plan, small_plan

PLAN, DRIFT = "<!-- reconciler:plan:production -->", "<!-- reconciler:drift:production -->"
QUIET = make_plan((), ())
WAITING = Finding(
    "RC340",
    Level.ERROR,
    "staging must have verified the same",
    Address.read("client/a"),
    "apply staging first",
)


def saved(job: Job, plan: Plan, name: str = "plan.json") -> Path:
    (job.folder / name).write_text(plan_json(plan))
    return job.folder / name


def note(job: Job, plan: Plan = QUIET) -> int:
    return job("note", "-e", "production", saved(job, plan))


def bodies(gitlab: GitLab) -> list[str]:
    return [one["body"] for one in gitlab.notes]


@pytest.mark.parametrize(
    "kind", ["quick actions", "mention", "gitlab references", "list at the start", "fence"]
)
def test_nothing_of_a_plan_means_anything_to_gitlab(gitlab: GitLab, job: Job, kind: str) -> None:
    """No quick action in the first column, no mention, no reference."""
    plan = replace(everywhere(small_plan(), HOSTILE[kind]), environment="production")
    parts = (
        plan.environment,
        plan.project,
        plan.git_commit,
        plan.actions,
        plan.revisions,
        plan.desired_digests,
    )
    assert note(job, replace(plan, digest=plan_digest(*parts))) == 3
    [body] = bodies(gitlab)
    outside = re.sub(r"^(```+)[^`\n]*\n.*?^\1$", "", body, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"^\s*/[a-z]", body, re.MULTILINE)
    assert not re.search(r"(?<![\w&;/.])@(?!&#8203;)[a-z]", outside)
    assert not re.search(r"(?<![\w&])[#!~%](?!&#8203;)\d", outside)


@pytest.mark.parametrize(
    ("findings", "code", "told"),
    [
        ((), 0, "written"),
        ((BLOCK,), 3, "written"),
        ((WAITING,), 0, "waits for"),
        ((WAITING, BLOCK), 3, "written"),
    ],
    ids=["fine", "blocked", "waits for staging", "both"],
)
def test_a_blocked_plan_fails_the_job_unless_it_only_waits(
    gitlab: GitLab, job: Job, findings: tuple[Finding, ...], code: int, told: str
) -> None:
    assert note(job, make_plan(findings=findings)) == code
    assert told in job.err
    assert len(gitlab.notes) == 1


def test_without_a_plan_the_old_one_does_not_stand(
    gitlab: GitLab, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_JOB_URL", "https://gitlab.example.com/acme/-/jobs/1")
    gitlab.note(f"{PLAN}\nall is well")
    assert job("note", "-e", "production", job.folder / "absent.json") == 64
    assert "RC005" in job.err
    assert "could not be planned" in bodies(gitlab)[0]
    assert "/-/jobs/1" in bodies(gitlab)[0]
    assert "all is well" not in bodies(gitlab)[0]


@pytest.mark.parametrize("plan", ["fine", "blocked", "none"])
def test_the_job_of_an_older_commit_that_runs_again_leaves_the_note_alone(
    gitlab: GitLab, job: Job, monkeypatch: pytest.MonkeyPatch, plan: str
) -> None:
    gitlab.note(f"{PLAN}\nof the last commit")
    monkeypatch.setenv("CI_COMMIT_SHA", "b2" * 20)
    path = saved(job, make_plan(findings=(BLOCK,)) if plan == "blocked" else make_plan())
    path = job.folder / "absent.json" if plan == "none" else path
    assert job("note", "-e", "production", path) == {"fine": 0, "blocked": 3, "none": 64}[plan]
    assert "note on !7: left alone" in job.err
    assert "no longer the last one of the merge request" in job.err
    assert bodies(gitlab) == [f"{PLAN}\nof the last commit"]


def test_merged_with_its_target_the_last_commit_is_still_that_of_the_branch(
    gitlab: GitLab, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_COMMIT_SHA", "b2" * 20)
    monkeypatch.setenv("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", HEAD)
    assert note(job) == 0
    assert "written" in job.err
    gitlab.head = ""  # an empty variable is no commit
    monkeypatch.setenv("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "")
    assert note(job, make_plan()) == 0
    assert "left alone" in job.err


def test_a_plan_of_another_environment_is_refused(gitlab: GitLab, job: Job) -> None:
    assert job("note", "-e", "staging", saved(job, QUIET)) == 4
    assert gitlab.seen == []


REQUEST = reply(200, json.dumps({"sha": HEAD}))  # before the notes are asked for


@pytest.mark.parametrize(
    ("mishaps", "told"),
    [
        ([reply(502, "<html>")] * 5, "status 502"),
        ([reply(200, "{}")], "an answer is not of the documented shape (KeyError)"),
        ([reply(302, headers=("Location: http://127.0.0.1:1/steal",))], "status 302"),
    ],
    ids=["5xx", "no merge request", "redirect"],
)
def test_a_blocked_plan_that_cannot_be_told_fails_the_job_as_an_error(
    gitlab: GitLab, job: Job, mishaps: list[bytes | None], told: str
) -> None:
    gitlab.note(f"{PLAN}\nold")
    gitlab.mishaps = [*mishaps]
    assert note(job, make_plan(findings=(BLOCK,))) == 1
    assert "error[RC700]: GitLab: " in job.err
    assert told in job.err
    assert bodies(gitlab) == [f"{PLAN}\nold"]


@pytest.mark.parametrize(
    "mishap",
    [
        reply(
            403, '{"error": "insufficient_scope", "error_description": "needs higher privileges"}'
        ),
        reply(401, '{"message": "401 Unauthorized"}'),
        reply(404, '{"message": "404 Project Not Found"}'),
    ],
    ids=["403", "401", "404"],
)
@pytest.mark.parametrize(
    "first", [[], [REQUEST], [REQUEST, reply(200, "[]")]], ids=["asking", "reading", "writing"]
)
@pytest.mark.parametrize(("findings", "code"), [((), 0), ((BLOCK,), 3)], ids=["fine", "blocked"])
def test_without_the_right_the_verdict_remains(
    gitlab: GitLab,
    job: Job,
    mishap: bytes,
    first: list[bytes],
    findings: tuple[Finding, ...],
    code: int,
) -> None:
    gitlab.mishaps = [*first, mishap]
    assert note(job, make_plan(findings=findings)) == code
    assert "there is no note, the log and the artifacts" in job.err
    assert gitlab.notes == []


@pytest.mark.parametrize("absent", ["RECONCILER_GITLAB_TOKEN", "CI_MERGE_REQUEST_IID"])
def test_without_a_token_or_a_merge_request_nobody_is_asked(
    gitlab: GitLab, job: Job, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    monkeypatch.delenv(absent)
    assert note(job, make_plan(findings=(BLOCK,))) == 3
    assert "the log and the artifacts of this job have to do" in job.err
    assert gitlab.seen == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CI_API_V4_URL", ""),
        ("CI_API_V4_URL", "http://gitlab.example.com/api/v4"),
        ("CI_API_V4_URL", "https://u:p@gitlab.example.com/api/v4"),
        ("CI_API_V4_URL", "https://gitlab.example.com/api/v4?x=1"),
        ("CI_API_V4_URL", "https://[x/api"),
        ("CI_API_V4_URL", "file:///etc/passwd"),
        ("CI_PROJECT_ID", ""),
        ("CI_PROJECT_ID", "../../groups/1"),
        ("CI_SERVER_TLS_CA_FILE", "/nowhere.pem"),
        ("RECONCILER_GITLAB_TOKEN", "two words"),
        ("RECONCILER_GITLAB_TOKEN", "line\nPRIVATE-TOKEN: x"),
    ],
)
def test_the_token_goes_nowhere_but_to_gitlab(
    gitlab: GitLab, job: Job, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    if name == "CI_SERVER_TLS_CA_FILE":
        monkeypatch.setenv("CI_API_V4_URL", "https://127.0.0.1:1/api/v4")
    monkeypatch.setenv(name, value)
    assert note(job) == 64
    assert "RC702" in job.err
    assert gitlab.seen == []


# The issue.


def run(**changes: Any) -> str:
    outcome = {"status": "done", "address": "client/a/key/primary"}
    whole = {
        "kind": "run",
        "outcomes": [outcome],
        "audit": {"path": "audit/a.json"},
        "problem": None,
        **changes,
    }
    return json.dumps(whole)


PROBLEM = {"code": "RC615", "message": "the remote refuses @all", "remedy": "allow it\n/close"}
ERROR = json.dumps(
    {"kind": "error", "code": "RC401", "message": "no answer\n/close #1", "remedy": "look"}
)


@pytest.fixture
def night(job: Job) -> Callable[..., int]:
    (job.folder / "reconciler.yaml").write_text("")
    (job.folder / "audit").mkdir()
    (job.folder / "audit/a.md").write_text("the audit report\n")

    def told(left: Plan | str, *done: str) -> int:
        (job.folder / "plan.json").write_text(left if isinstance(left, str) else plan_json(left))
        options: list[str | Path] = []
        for number, text in enumerate(done):
            (job.folder / f"done{number}.json").write_text(text)
            options += ["--done", job.folder / f"done{number}.json"]
        return job("issue", "-e", "production", job.folder / "plan.json", *options)

    return told


def open_issues(gitlab: GitLab) -> list[str]:
    return [one["description"] for one in gitlab.issues if one["state"] == "opened"]


def test_the_issue_has_what_was_done_and_what_is_left(
    gitlab: GitLab, job: Job, night: Callable[..., int]
) -> None:
    assert night(make_plan(), plan_json(make_plan()), run()) == 0
    assert "issue: opened" in job.err
    [first] = open_issues(gitlab)
    assert first.startswith(f"{DRIFT}\n# <code>production</code> is not as declared\n")
    assert (
        first.index("the audit report")
        < first.index("What is left")
        < first.index("paystack-payouts")
    )
    night(make_plan(ACTIONS[:1]), plan_json(QUIET))
    [second] = open_issues(gitlab)
    assert "the audit report" not in second
    night(QUIET, plan_json(QUIET))
    assert "issue: closed" in job.err
    night(QUIET, plan_json(make_plan()), run())
    assert "none is open" in job.err


@pytest.mark.parametrize(
    ("left", "done", "told"),
    [
        (QUIET, [run(problem=PROBLEM)], "RC615"),
        (QUIET, [run(outcomes=[{"status": "failed"}])], "the audit report"),
        (QUIET, [run(interrupted=True)], "the audit report"),
        (QUIET, [ERROR], "RC401"),
        (QUIET, [plan_json(make_plan(findings=(BLOCK,)))], "RC310"),
        (ERROR, [], "RC401"),
        (make_plan((), (BLOCK,)), [], "RC310"),
    ],
    ids=[
        "not pushed",
        "failed",
        "interrupted",
        "upkeep failed",
        "upkeep blocked",
        "no plan",
        "blocked",
    ],
)
def test_what_went_wrong_is_told(
    gitlab: GitLab, night: Callable[..., int], left: Plan | str, done: list[str], told: str
) -> None:
    assert night(left, *done) == 0
    [text] = open_issues(gitlab)
    assert told in text
    assert not re.search(r"^\s*/[a-z]", text, re.MULTILINE)
    assert "@all" not in text
    assert "#1" not in text


def test_where_nobody_can_be_told_the_job_fails(
    gitlab: GitLab, job: Job, night: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    gitlab.mishaps = [reply(403, '{"message": "403 Forbidden"}')]
    assert (night(make_plan()), "RC701" in job.err) == (1, True)
    assert (
        "RECONCILER_GITLAB_TOKEN is a project access token of this project with the scope api"
        in job.err
    )
    gitlab.mishaps = [reply(403, '{"message": "403 Forbidden"}')]
    assert night(QUIET) == 0
    monkeypatch.delenv("RECONCILER_GITLAB_TOKEN")
    assert (night(make_plan()), "RC705" in job.err) == (1, True)
    assert "RECONCILER_GITLAB_TOKEN is not set: the issue cannot be written" in job.err
    assert night(QUIET) == 0


def test_an_open_issue_that_may_be_out_of_date_fails_the_job(
    gitlab: GitLab, job: Job, night: Callable[..., int]
) -> None:
    """All is well, and yesterday's issue says that it is not."""
    night(make_plan())
    gitlab.mishaps = [reply(502, "<html>")] * 5
    assert (night(QUIET), "RC700" in job.err) == (1, True)
    assert len(open_issues(gitlab)) == 1


def test_of_a_long_audit_report_the_issue_has_the_beginning(
    gitlab: GitLab, job: Job, night: Callable[..., int]
) -> None:
    rest = "\n\nThe rest is in a.md.\n"
    for length, cut in ((450_000, False), (450_001, True)):
        (job.folder / "audit/a.md").write_text("x" * length)
        assert night(make_plan(), run()) == 0
        [text] = open_issues(gitlab)
        assert max(len(one) for one in text.split("\n")) <= 450_000
        assert ("x" * (440_000 if cut else length) in text, rest in text) == (True, cut)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"kind": "status"}', "[" * 5000, '{"kind": "run", "outcomes": [1]}']
)
def test_what_no_command_printed_is_refused(
    gitlab: GitLab, job: Job, night: Callable[..., int], text: str
) -> None:
    assert night(QUIET, text) == 64
    assert "RC706" in job.err
    assert gitlab.seen == []


def test_a_report_outside_of_the_project_is_not_read(
    gitlab: GitLab, job: Job, night: Callable[..., int]
) -> None:
    (job.folder.parent / "secret.md").write_text("canary")
    night(make_plan(), run(audit={"path": "../secret.json"}))
    assert "canary" not in open_issues(gitlab)[0]
