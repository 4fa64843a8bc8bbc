"""One note, one issue, at GitHub and at GitLab alike: against what each documents of its API, and
against a forge that misbehaves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.adapters.forges.threads import Thread
from tests.kit.forges import github_api, gitlab_api
from tests.kit.forges.benches import QUIET, AtGitHub, Bench
from tests.kit.programs.loopback import reply
from tests.report.samples import ACTIONS, make_plan

PLAN, DRIFT = "<!-- reconciler:plan:production -->", "<!-- reconciler:drift:production -->"
FORGES = ("github", "gitlab")
GITHUB_LIST, GITLAB_LIST = f"{github_api.ROOT}/issues", f"{gitlab_api.ROOT}/merge_requests/7/notes"
WRITES = {
    "GitHub": [f"POST {GITHUB_LIST}/7/comments", f"PATCH {GITHUB_LIST}/comments/100"],
    "GitLab": [f"POST {GITLAB_LIST}", f"PUT {GITLAB_LIST}/100"],
}


def test_the_first_plan_is_written_and_the_next_one_takes_its_place(bench: Bench) -> None:
    assert bench.note(QUIET) == 0
    told = {"GitHub": "::notice::comment: written\n", "GitLab": "note on !7: written\n"}
    assert bench.said == told[bench.name]
    [first] = bench.notes()
    assert first.startswith(f"{PLAN}\n")
    assert "paystack-payouts" not in first
    assert bench.note(make_plan()) == 0
    assert "updated" in bench.said
    [second] = bench.notes()
    assert second.startswith(f"{PLAN}\n")
    assert "paystack-payouts" in second
    assert bench.writes() == WRITES[bench.name]
    assert bench.note(make_plan()) == 0
    assert "unchanged" in bench.said
    assert bench.writes() == WRITES[bench.name]


def test_each_environment_has_a_note_of_its_own(bench: Bench) -> None:
    bench.note(QUIET, "staging")
    bench.note(QUIET)
    bench.note(make_plan())
    staging, production = bench.notes()
    assert staging.startswith("<!-- reconciler:plan:staging -->\n")
    assert production.startswith(f"{PLAN}\n")
    assert ("paystack-payouts" in staging, "paystack-payouts" in production) == (False, True)


@pytest.mark.parametrize(
    ("bench", "author"),
    [
        *(("github", login) for login in ("eve", "github-actions", "GitHub-Actions[bot]")),
        *(("github", login) for login in ("other[bot]", None)),
        *(("gitlab", number) for number in (gitlab_api.EVE, 0, None)),
    ],
    ids=str,
    indirect=["bench"],
)
def test_what_somebody_else_wrote_with_our_marker_is_never_edited(
    bench: Bench, author: Any
) -> None:
    bench.write(f"{PLAN}\nlooks good, merge it", author)
    bench.note(QUIET)
    theirs, ours = bench.notes()
    assert theirs == f"{PLAN}\nlooks good, merge it"
    assert ours.startswith(f"{PLAN}\n")
    assert len(bench.writes()) == 1
    bench.note(make_plan())
    assert bench.notes()[0] == theirs
    assert len(bench.notes()) == 2


@pytest.mark.parametrize(
    "body", ["see\n" + PLAN, PLAN + " and more", f"`{PLAN}`", "", PLAN.replace("ion", "ion2")]
)
def test_a_note_of_ours_that_only_quotes_the_marker_is_left_alone(bench: Bench, body: str) -> None:
    bench.write(body, bench.ours)
    bench.note(QUIET)
    assert bench.notes()[0] == body
    assert [one.splitlines()[0] for one in bench.notes()[1:]] == [PLAN]


def test_the_note_is_found_on_a_later_page(bench: Bench) -> None:
    for number in range(230):
        bench.write(f"note {number}", bench.eve)
    ours = bench.write(f"{PLAN}\nold", bench.ours)
    bench.write("one more", bench.eve)
    bench.note(QUIET)
    assert ours["body"].startswith(f"{PLAN}\n")
    assert "old" not in ours["body"]
    assert len(bench.notes()) == 232


LIMITED = reply(429, '{"message": "slow down"}', headers=("Retry-After: 7",))
SECONDARY = reply(403, '{"message": "secondary rate limit"}', headers=("Retry-After: 30",))
USED_UP = {
    "github": reply(
        403, '{"message": "used up"}', headers=("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1")
    ),
    "gitlab": reply(429, "Retry later\n", headers=("RateLimit-Reset: 1", "RateLimit-Remaining: 0")),
}
BROKEN = reply(502, "<html>")


@pytest.mark.parametrize(
    ("bench", "mishaps", "reads", "waits"),
    [
        *((forge, [LIMITED], 0, [7.0]) for forge in FORGES),
        ("github", [SECONDARY, LIMITED], 0, [30.0, 7.0]),
        *((forge, [USED_UP[forge]], 0, [0.0]) for forge in FORGES),
        *((forge, [reply(429)], 0, [1.0]) for forge in FORGES),
        *(
            (forge, [BROKEN, reply(500), reply(503), reply(504)], 0, [1.0, 2.0, 4.0, 8.0])
            for forge in FORGES
        ),
        *((forge, [None, BROKEN], 0, [1.0, 2.0]) for forge in FORGES),
        *((forge, [LIMITED], 1, [7.0]) for forge in FORGES),  # the POST: refused, nothing was done
    ],
    indirect=["bench"],
)
def test_what_passes_is_waited_out(
    bench: Bench, mishaps: list[bytes | None], reads: int, waits: list[float]
) -> None:
    bench.answers(*mishaps, reads=reads)
    assert bench.note(QUIET) == 0
    assert bench.waits == waits
    assert len(bench.notes()) == 1


@pytest.mark.parametrize(
    ("mishaps", "reads", "told"),
    [
        ([reply(429, headers=("Retry-After: 3600",))], 0, "status 429; it asks to wait 3600 s"),
        ([BROKEN] * 5, 0, "status 502"),
        ([None] * 5, 0, "the connection was cut, or the answer is not HTTP"),
        ([reply(422, '{"message": "body is too long"}')], 0, "status 422: body is too long"),
        (
            [reply(400, '{"message": {"body": ["is too long"]}}')],
            0,
            'status 400: {"body": ["is too long"]}',
        ),
        ([reply(410, '{"message": "gone"}')], 1, "status 410: gone"),
        ([reply(200, "no JSON")], 0, "the answer is no JSON"),
        ([reply(200, "{}")], 0, "the answer is no list"),
        ([reply(200, '["x"]')], 0, "an answer is not of the documented shape (AttributeError)"),
        (
            [reply(200, json.dumps([{"id": 1, "body": PLAN, "author": 7, "user": 7}]))],
            0,
            "an answer is not of the documented shape (AttributeError)",
        ),
    ],
    ids=[
        "an hour",
        "5xx",
        "no answer",
        "422",
        "400",
        "410",
        "no JSON",
        "no list",
        "no entries",
        "another shape",
    ],
)
def test_what_does_not_pass_fails_the_job_because_an_old_note_may_stand_there(
    bench: Bench, mishaps: list[bytes | None], reads: int, told: str
) -> None:
    bench.write(f"{PLAN}\nold", bench.ours)
    bench.answers(*mishaps, reads=reads)
    assert bench.note(make_plan()) == 1
    assert f"error[{'RC710' if bench.name == 'GitHub' else 'RC700'}]: {bench.name}: " in bench.said
    assert told in bench.said
    assert (
        f"remedy: run the job again; when it stays so, look at the state of that {bench.name}"
        in bench.said
    )
    assert bench.notes() == [f"{PLAN}\nold"]


@pytest.mark.parametrize(
    "mishap",
    [
        reply(403, '{"message": "Resource not accessible by integration"}'),
        reply(401, '{"message": "Bad credentials"}'),
        reply(404, '{"message": "Not Found"}'),
    ],
    ids=["403", "401", "404"],
)
@pytest.mark.parametrize("reads", [0, 1], ids=["reading", "writing"])
def test_without_the_right_the_rest_of_the_job_has_to_do(
    bench: Bench, mishap: bytes, reads: int
) -> None:
    bench.answers(mishap, reads=reads)
    assert bench.note(QUIET) == 0
    assert bench.notes() == []
    alone = {
        "GitHub": "::notice::the report is in the summary alone: this job may not write there (",
        "GitLab": "there is no note, the log and the artifacts of this job have to do: GitLab: ",
    }
    assert alone[bench.name] in bench.said
    if isinstance(bench, AtGitHub):
        assert "here alone" in bench.summary()


@pytest.mark.parametrize("absent", ["token", "request"])
def test_without_a_token_or_a_request_nobody_is_asked(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    if absent == "token":
        monkeypatch.delenv(f"RECONCILER_{bench.name.upper()}_TOKEN")
    else:
        bench.without_request()
    assert bench.note(QUIET) == 0
    assert bench.asked() == 0
    assert {"GitHub": "summary", "GitLab": "the log and the artifacts of this job have to do"}[
        bench.name
    ] in bench.said


def test_a_write_whose_answer_was_lost_is_not_done_twice(bench: Bench) -> None:
    bench.loses(1)
    assert bench.note(QUIET) == 0
    assert len(bench.notes()) == 1
    assert bench.writes() == WRITES[bench.name][:1]


def test_an_issue_whose_answer_was_lost_is_not_opened_twice(bench: Bench) -> None:
    bench.loses(1)
    assert bench.drift(make_plan()) == 0
    assert len(bench.all_issues()) == 1


def test_what_is_too_long_is_cut_and_says_so(bench: Bench) -> None:
    forge = bench.forge()
    assert Thread(forge).note(7, PLAN, "é" * (forge.limit + 1)) == "written"
    [body] = bench.notes()
    assert body.startswith(f"{PLAN}\né")
    assert body.rstrip().endswith(forge.rest.strip())
    assert forge.limit - 1 <= len(body) <= forge.limit  # GitLab keeps no white space at the end


def test_drift_opens_one_issue_updates_it_and_closes_it_when_all_is_well(bench: Bench) -> None:
    assert bench.drift(make_plan()) == 0
    assert "issue: opened" in bench.said
    [(title, first)] = bench.issues()
    assert title == "production is not as declared"
    assert first is not None
    assert first.startswith(f"{DRIFT}\n")
    assert "quickbooks-sales/key/primary" in first
    assert bench.drift(make_plan(ACTIONS[:1])) == 0
    assert "issue: updated" in bench.said
    [(_, second)] = bench.issues()
    assert second is not None
    assert "quickbooks-sales/key/primary" not in second
    bench.drift(QUIET)
    assert "issue: closed" in bench.said
    assert bench.issues() == []
    bench.drift(QUIET)
    assert "none is open" in bench.said
    bench.drift(make_plan())
    assert (len(bench.all_issues()), len(bench.issues())) == (2, 1)


@pytest.mark.parametrize(
    ("title", "text", "own"),
    [
        ("theirs", f"{DRIFT}\n", False),
        ("quoted", f"see {DRIFT}\n", True),
        ("of staging", "<!-- reconciler:drift:staging -->\n", True),
        ("empty", None, True),
    ],
)
def test_an_issue_that_is_not_ours_is_neither_edited_nor_closed(
    bench: Bench, title: str, text: str | None, own: bool
) -> None:
    theirs = dict(bench.open(title, text, bench.ours if own else bench.eve))
    bench.drift(make_plan())
    bench.drift(QUIET)
    assert bench.all_issues()[0] == theirs
    assert [len(bench.issues(state)) for state in ("open", "closed")] == [1, 1]


def test_issues_that_were_doubled_become_one_again(bench: Bench) -> None:
    for number in range(120):
        bench.open(f"other {number}", "nothing", bench.eve)
    for _ in range(3):
        bench.open("production is not as declared", f"{DRIFT}\nan older report\n", bench.ours)
    bench.drift(make_plan())
    [(_, kept)] = bench.issues()[120:]
    assert kept is not None
    assert "an older report" not in kept
    assert len(bench.issues("closed")) == 2
