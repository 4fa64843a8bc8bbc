"""One comment, one issue: against GitHub's own description of its API, and against a GitHub that
misbehaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.forges.action import script
from tests.kit.forges.github_api import BOT, ROOT, TOKEN, GitHub
from tests.kit.programs.loopback import reply

PLAN, DRIFT = "<!-- reconciler:plan:staging -->", "<!-- reconciler:drift:staging -->"
LIST, ONE = f"{ROOT}/issues/7/comments", f"{ROOT}/issues/comments"


class Told:
    """What a run of the step printed, waited and returned."""

    def __init__(
        self, step: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._step, self._patch, self._capsys = step, monkeypatch, capsys
        self.waits: list[float] = []
        self.printed = self.summary = ""
        self.code = -1

    def __call__(
        self, report: str, command: str = "plan", *, clean: bool = False, **variables: str
    ) -> Told:
        (self._step / "report.md").write_text(report)
        given = {
            "REPORT": str(self._step / "report.md"),
            "INPUT_COMMAND": command,
            "INPUT_ENVIRONMENT": "staging",
        }
        for name, value in {**given, "CLEAN": str(clean).lower(), **variables}.items():
            self._patch.setenv(name, value)
        self.code = script("comment").main(self.waits.append)
        self.printed = "".join(self._capsys.readouterr())
        summary = self._step / "summary.md"
        self.summary = summary.read_text() if summary.exists() else ""
        assert TOKEN not in self.printed + self.summary
        return self


@pytest.fixture
def tell(step: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(step, monkeypatch, capsys)


def test_the_first_plan_is_written_and_the_next_one_takes_its_place(
    github: GitHub, tell: Told
) -> None:
    assert tell("first\n").code == 0
    assert [one["body"] for one in github.comments] == [f"{PLAN}\nfirst\n"]
    tell(f"{PLAN}\nsecond\n")
    assert [one["body"] for one in github.comments] == [f"{PLAN}\nsecond\n"]
    assert "updated" in tell.printed
    before = github.writes()
    assert "unchanged" in tell("second\n").printed
    assert github.writes() == before == [f"POST {LIST}", f"PATCH {ONE}/100"]


def test_each_environment_has_a_comment_of_its_own(github: GitHub, tell: Told) -> None:
    tell("staging\n")
    tell("production\n", INPUT_ENVIRONMENT="production")
    tell("production again\n", INPUT_ENVIRONMENT="production")
    assert [one["body"].split("\n", 1)[1] for one in github.comments] == [
        "staging\n",
        "production again\n",
    ]


@pytest.mark.parametrize(
    "login", ["eve", "github-actions", "GitHub-Actions[bot]", "other[bot]", None], ids=str
)  # fmt: skip
def test_what_somebody_else_wrote_with_our_marker_is_never_edited(
    github: GitHub, tell: Told, login: str | None
) -> None:
    theirs = github.comment(f"{PLAN}\nlooks good, merge it\n", login or "ghost")
    if login is None:
        theirs["user"] = None  # an account that was deleted
    tell("the plan\n")
    assert [one["body"] for one in github.comments] == [
        f"{PLAN}\nlooks good, merge it\n",
        f"{PLAN}\nthe plan\n",
    ]


@pytest.mark.parametrize(
    "body",
    [
        "see\n" + PLAN,
        PLAN + " and more",
        f"`{PLAN}`\n",
        "",
        None,
        "<!-- reconciler:plan:staging2 -->\n",
    ],
)
def test_a_comment_of_ours_that_only_quotes_the_marker_is_left_alone(
    github: GitHub, tell: Told, body: str | None
) -> None:
    github.comment("x")["body"] = body or ""
    tell("the plan\n")
    assert [one["body"] for one in github.comments] == [body or "", f"{PLAN}\nthe plan\n"]


def test_the_comment_is_found_on_a_later_page(github: GitHub, tell: Told) -> None:
    for number in range(230):
        github.comment(f"comment {number}", "eve")
    ours = github.comment(f"{PLAN}\nold\n")
    github.comment("one more", "eve")
    tell("new\n")
    assert ours["body"] == f"{PLAN}\nnew\n"
    assert len(github.comments) == 232
    assert [one.target for one in github.seen if one.method == "GET"] == [
        f"{LIST}?per_page=100", f"{LIST}?per_page=100&page=2", f"{LIST}?per_page=100&page=3",
    ]  # fmt: skip


def test_a_next_page_on_another_host_gets_no_token(github: GitHub, tell: Told) -> None:
    github.mishaps = [
        reply(200, "[]", headers=('Link: <http://127.0.0.1:1/steal?page=2>; rel="next"',))
    ]
    told = tell("new\n")
    assert told.code == 1
    assert "another host" in told.printed
    assert github.writes() == []


LIMITED = reply(429, '{"message": "slow down"}', headers=("Retry-After: 7",))
SECONDARY = reply(403, '{"message": "secondary rate limit"}', headers=("Retry-After: 30",))
USED_UP = reply(
    403, '{"message": "used up"}', headers=("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1")
)
BROKEN = reply(502, "<html>")


@pytest.mark.parametrize(
    ("mishaps", "waits"),
    [
        ([LIMITED], [7.0]),
        ([SECONDARY, LIMITED], [30.0, 7.0]),
        ([USED_UP], [0.0]),
        ([reply(429)], [1.0]),
        ([BROKEN, reply(500), reply(503), reply(504)], [1.0, 2.0, 4.0, 8.0]),
        ([None, BROKEN], [1.0, 2.0]),
        ([reply(200, "[]"), LIMITED], [7.0]),  # of the POST: refused, so nothing was done
    ],
    ids=["429", "secondary", "used up", "429 without a word", "5xx", "no answer", "the write"],
)
def test_what_passes_is_waited_out(
    github: GitHub, tell: Told, mishaps: list[bytes | None], waits: list[float]
) -> None:
    github.mishaps = [*mishaps]
    assert tell("the plan\n").code == 0
    assert tell.waits == waits
    assert [one["body"] for one in github.comments] == [f"{PLAN}\nthe plan\n"]


@pytest.mark.parametrize(
    "mishaps",
    [
        [reply(429, headers=("Retry-After: 3600",))],
        [BROKEN] * 5,
        [None] * 5,
        [reply(422, '{"message": "body is too long"}')],
        [reply(200, "[]"), reply(410, '{"message": "gone"}')],
    ],
    ids=["an hour", "5xx", "no answer", "422", "410"],
)
def test_what_does_not_pass_fails_the_job_because_an_old_comment_may_stand_there(
    github: GitHub, tell: Told, mishaps: list[bytes | None]
) -> None:
    github.comment(f"{PLAN}\nold\n")
    github.mishaps = [*mishaps]
    told = tell("new\n")
    assert told.code == 1
    assert "::error::" in told.printed
    assert github.comments[0]["body"] == f"{PLAN}\nold\n"


@pytest.mark.parametrize(
    "mishap",
    [
        reply(403, '{"message": "Resource not accessible by integration"}'),
        reply(401, '{"message": "Bad credentials"}'),
        reply(404, '{"message": "Not Found"}'),
    ],
    ids=["403", "401", "404"],
)
@pytest.mark.parametrize("first", [[], [reply(200, "[]")]], ids=["reading", "writing"])
def test_without_the_permission_the_summary_has_to_do(
    github: GitHub, tell: Told, mishap: bytes, first: list[bytes]
) -> None:
    github.mishaps = [*first, mishap]
    told = tell("the plan\n")
    assert told.code == 0
    assert "::notice::the report is in the summary alone" in told.printed
    assert "here alone" in told.summary
    assert github.comments == []


@pytest.mark.parametrize("variables", [{"INPUT_TOKEN": ""}, {"INPUT_AUTHOR": ""}], ids=str)
def test_without_a_token_or_an_author_nobody_is_asked(
    github: GitHub, tell: Told, variables: dict[str, str]
) -> None:
    told = tell("the plan\n", "plan", clean=False, **variables)
    assert (told.code, github.seen) == (0, [])
    assert "here alone" in told.summary


def test_a_write_whose_answer_was_lost_is_not_done_twice(github: GitHub, tell: Told) -> None:
    github.lost = 1
    assert tell("the plan\n").code == 0
    assert [one["body"] for one in github.comments] == [f"{PLAN}\nthe plan\n"]
    assert github.writes() == [f"POST {LIST}"]


def test_what_is_too_long_is_cut_and_says_so(github: GitHub, tell: Told) -> None:
    tell("é" * 70_000)
    [comment] = github.comments
    assert len(comment["body"]) == 65_536
    assert comment["body"].startswith(f"{PLAN}\né")
    assert "the job's summary" in comment["body"]


def test_outside_of_a_pull_request_there_is_nothing_to_comment_on(
    github: GitHub, tell: Told, step: Path
) -> None:
    (step / "event.json").write_text(json.dumps({"pull_request": None}))
    assert tell("the plan\n").code == 0
    assert github.seen == []


def bodies(github: GitHub, state: str = "open") -> list[str]:
    return [one["body"] for one in github.issues if one["state"] == state]


def test_drift_opens_one_issue_updates_it_and_closes_it_when_all_is_well(
    github: GitHub, tell: Told
) -> None:
    tell("first\n", "drift")
    tell("second\n", "drift")
    assert bodies(github) == [f"{DRIFT}\nsecond\n"]
    assert github.issues[0]["title"] == "staging is not as declared"
    assert "issue: closed" in tell("well\n", "drift", clean=True).printed
    assert (bodies(github), github.issues[0]["state_reason"]) == ([], "completed")
    assert "none is open" in tell("well\n", "drift", clean=True).printed
    tell("third\n", "drift")
    assert bodies(github) == [f"{DRIFT}\nthird\n"]
    assert len(github.issues) == 2


@pytest.mark.parametrize(
    "present",
    [
        lambda github: github.issue("theirs", f"{DRIFT}\n", "eve"),
        lambda github: github.issue("another", f"see {DRIFT}\n"),
        lambda github: github.issue("of production", "<!-- reconciler:drift:production -->\n"),
        lambda github: github.issue("a pull request", f"{DRIFT}\n", pull_request={"url": "x", "html_url": "x",
                                                                                 "diff_url": "x", "patch_url": "x"}),
    ],
    ids=["of somebody else", "quoted", "of another environment", "a pull request"],
)  # fmt: skip
def test_an_issue_that_is_not_ours_is_neither_edited_nor_closed(
    github: GitHub, tell: Told, present: Callable[[GitHub], Any]
) -> None:
    theirs = dict(present(github))
    tell("drift\n", "drift")
    tell("well\n", "drift", clean=True)
    assert github.issues[0] == theirs
    assert (len(github.issues), github.issues[1]["state"]) == (2, "closed")


def test_issues_that_were_doubled_become_one_again(github: GitHub, tell: Told) -> None:
    for number in range(120):
        github.issue(f"other {number}", "nothing", "eve")
    for _ in range(3):
        github.issue("staging is not as declared", f"{DRIFT}\nold\n")
    tell("new\n", "drift")
    assert bodies(github)[120:] == [f"{DRIFT}\nnew\n"]
    assert {one["state_reason"] for one in github.issues if one["state"] == "closed"} == {
        "not_planned"
    }


def test_the_author_is_whoever_the_workflow_says_that_the_token_is(
    github: GitHub, tell: Told
) -> None:
    ours = github.comment(f"{PLAN}\nold\n", "acme-bot[bot]")
    github.comment(f"{PLAN}\nold\n", BOT)
    tell("new\n", INPUT_AUTHOR="acme-bot[bot]")
    assert ours["body"] == f"{PLAN}\nnew\n"
    assert github.comments[1]["body"] == f"{PLAN}\nold\n"
