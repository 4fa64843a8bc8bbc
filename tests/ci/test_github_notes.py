"""What is GitHub's own about the comment and the issue: texts as the action gives them, notices and
the summary, limits, redirects, proxies. What is the same at every forge is in ``test_notes``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kit.forges.benches import AtGitHub
from tests.kit.forges.github_api import BOT, ROOT, TOKEN
from tests.kit.programs.loopback import Seen, loopback, reply
from tests.report.samples import BLOCK, make_plan

PLAN, DRIFT = "<!-- reconciler:plan:production -->", "<!-- reconciler:drift:production -->"
LIST, ONE = f"{ROOT}/issues/7/comments", f"{ROOT}/issues/comments"
ALONE = "> The report is here alone: no comment and no issue could be written.\n\n"


def test_a_report_is_written_as_it_is_behind_its_marker(at_github: AtGitHub) -> None:
    assert at_github.tell("first\n") == 0
    assert at_github.notes() == [f"{PLAN}\nfirst\n"]
    assert (at_github.out, at_github.err) == ("::notice::comment: written\n", "")
    at_github.tell(f"{PLAN}\nsecond\n")
    assert at_github.notes() == [f"{PLAN}\nsecond\n"]
    assert at_github.out == "::notice::comment: updated\n"
    at_github.tell("second\n")
    assert at_github.out == "::notice::comment: unchanged\n"
    assert at_github.writes() == [f"POST {LIST}", f"PATCH {ONE}/100"]


def test_every_request_says_who_asks_and_which_version_of_the_api(at_github: AtGitHub) -> None:
    at_github.tell("first\n")
    at_github.tell("second\n")
    seen = at_github.server.seen
    assert [one.method for one in seen] == ["GET", "POST", "GET", "PATCH"]
    for one in seen:
        told = {
            "accept": "application/vnd.github+json",
            "authorization": f"Bearer {TOKEN}",
            "user-agent": "reconciler",
            "x-github-api-version": "2022-11-28",
        } | ({} if one.method == "GET" else {"content-type": "application/json"})
        assert told.items() <= one.headers.items()


def test_a_blocked_plan_is_a_comment_like_any_other(at_github: AtGitHub) -> None:
    """The verdict is the last step of the action."""
    assert at_github.note(make_plan(findings=(BLOCK,))) == 0
    assert len(at_github.notes()) == 1


def test_a_comment_without_a_text_is_nobody_s_marker(at_github: AtGitHub) -> None:
    at_github.write("x", BOT)["body"] = ""
    at_github.write("<!-- reconciler:plan:production2 -->\n", BOT)
    at_github.tell("the plan\n")
    assert at_github.notes()[2:] == [f"{PLAN}\nthe plan\n"]


def test_pages_are_those_that_github_names(at_github: AtGitHub) -> None:
    for number in range(230):
        at_github.write(f"comment {number}", "eve")
    at_github.tell("new\n")
    assert [one.target for one in at_github.server.seen if one.method == "GET"] == [
        f"{LIST}?per_page=100",
        f"{LIST}?per_page=100&page=2",
        f"{LIST}?per_page=100&page=3",
    ]


@pytest.mark.parametrize(
    "link", ["http://127.0.0.1:1/steal?page=2", "//127.0.0.1:1/steal", "https://[x/steal", "x:y"]
)
def test_a_next_page_on_another_host_gets_no_token(at_github: AtGitHub, link: str) -> None:
    at_github.answers(reply(200, "[]", headers=(f'Link: <{link}>; rel="next"',)))
    assert at_github.tell("new\n") == 1
    assert "::error::GitHub does not take it: GitHub: " in at_github.out
    assert "another host" in at_github.out
    assert at_github.writes() == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_repository_that_was_renamed_is_read_where_it_is_now(
    at_github: AtGitHub, status: int
) -> None:
    moved = f"Location: {at_github.server.address}{ROOT}/issues/7/comments?per_page=100&page=1"
    at_github.answers(reply(status, headers=(moved,)))
    assert at_github.tell("new\n") == 0
    assert at_github.notes() == [f"{PLAN}\nnew\n"]
    assert at_github.waits == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_takes_the_token_to_another_host(at_github: AtGitHub, status: int) -> None:
    asked: list[Seen] = []

    def elsewhere(seen: Seen) -> bytes:
        asked.append(seen)
        return reply(200, "[]")

    with loopback(elsewhere) as other:
        at_github.answers(reply(status, headers=(f"Location: {other.address}/steal",)))
        assert at_github.tell("new\n") == 1
        at_github.answers(reply(status, headers=(f"Location: {other.address}/steal",)), reads=1)
        assert at_github.tell("new\n") == 1  # what writes follows none at all
    assert asked == []
    assert at_github.notes() == []


def test_a_redirect_in_a_circle_ends(at_github: AtGitHub) -> None:
    at_github.answers(*[reply(302, headers=(f"Location: {LIST}",))] * 5)
    assert at_github.tell("new\n") == 1
    assert "status 302" in at_github.out


@pytest.mark.parametrize("absent", ["token", "author"])
def test_without_a_token_or_an_author_the_summary_has_to_do(
    at_github: AtGitHub, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    if absent == "token":
        monkeypatch.setenv("RECONCILER_GITHUB_TOKEN", "")
    assert at_github.tell("the plan\n", *(["--author="] if absent == "author" else [])) == 0
    assert at_github.asked() == 0
    assert at_github.out == (
        "::notice::the report is in the summary alone: the input token or the input author is"
        " empty\n"
    )
    assert at_github.summary() == ALONE


def test_without_the_permission_the_notice_says_what_github_said(at_github: AtGitHub) -> None:
    (at_github.folder / "summary.md").write_text("the report\n\n")
    at_github.answers(reply(403, '{"message": "Resource not accessible by integration"}'))
    assert at_github.tell("the plan\n", command="issue") == 0
    assert at_github.out == (
        "::notice::the report is in the summary alone: this job may not write there (GitHub: GET"
        f" {ROOT}/issues: status 403: Resource not accessible by integration)\n"
    )
    assert at_github.summary() == f"the report\n\n{ALONE}"


def test_a_summary_that_cannot_be_written_stops_nothing(
    at_github: AtGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_GITHUB_TOKEN", "")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(at_github.folder))
    assert at_github.tell("the plan\n") == 0
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "")
    assert at_github.tell("the plan\n") == 0


def test_what_github_says_is_no_command_of_the_log(at_github: AtGitHub) -> None:
    at_github.answers(reply(422, json.dumps({"message": "x\n::add-mask::y\r::stop-commands::z"})))
    assert at_github.tell("the plan\n") == 1
    assert at_github.out.count("\n") == 1
    assert at_github.out.startswith("::error::GitHub does not take it: ")
    assert at_github.out.endswith("Run the job again; the summary has the report\n")
    assert not [line for line in at_github.err.splitlines() if line.startswith("::")]


def test_a_comment_has_as_many_characters_as_github_takes(at_github: AtGitHub) -> None:
    at_github.tell("é" * 70_000)
    [comment] = at_github.notes()
    assert len(comment) == 65_536
    assert comment.startswith(f"{PLAN}\né")
    assert "the job's summary" in comment


def test_outside_of_a_pull_request_there_is_nothing_to_comment_on(at_github: AtGitHub) -> None:
    at_github.without_request()
    assert at_github.tell("the plan\n") == 0
    assert at_github.out == "::notice::no pull request: the plan is in the summary\n"
    assert at_github.asked() == 0


def test_the_author_is_whoever_the_workflow_says_that_the_token_is(at_github: AtGitHub) -> None:
    ours = at_github.write(f"{PLAN}\nold\n", "acme-bot[bot]")
    at_github.write(f"{PLAN}\nold\n", BOT)
    at_github.tell("new\n", "--author=acme-bot[bot]")
    assert ours["body"] == f"{PLAN}\nnew\n"
    assert at_github.notes()[1] == f"{PLAN}\nold\n"


def test_an_issue_is_closed_for_a_reason(at_github: AtGitHub) -> None:
    for _ in range(3):
        at_github.open("production is not as declared", f"{DRIFT}\nold\n", BOT)
    at_github.tell("left\n", command="issue")
    assert at_github.issues() == [("production is not as declared", f"{DRIFT}\nleft\n")]
    closed = [one["state_reason"] for one in at_github.all_issues() if one["state"] == "closed"]
    assert closed == ["not_planned", "not_planned"]
    at_github.tell("well\n", "--clean", command="issue")
    assert at_github.out == "::notice::issue: closed\n"
    assert at_github.all_issues()[0]["state_reason"] == "completed"


def test_a_pull_request_is_no_issue(at_github: AtGitHub) -> None:
    address = dict.fromkeys(("url", "html_url", "diff_url", "patch_url"), "x")
    pull = at_github.server.issue("a pull request", f"{DRIFT}\n", pull_request=address)
    theirs = dict(pull)
    at_github.tell("left\n", command="issue")
    at_github.tell("well\n", "--clean", command="issue")
    assert at_github.all_issues()[0] == theirs
    assert at_github.all_issues()[1]["state"] == "closed"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_API_URL", ""),
        ("GITHUB_API_URL", "http://github.example.com"),
        ("GITHUB_API_URL", "https://u:p@github.example.com"),
        ("GITHUB_API_URL", "https://github.example.com?x=1"),
        ("GITHUB_API_URL", "https://[x"),
        ("GITHUB_API_URL", "file:///etc/passwd"),
        ("GITHUB_REPOSITORY", ""),
        ("GITHUB_REPOSITORY", "acme"),
        ("GITHUB_REPOSITORY", "acme/.."),
        ("GITHUB_REPOSITORY", "../integrations"),
        ("GITHUB_REPOSITORY", "acme/a/b"),
        ("GITHUB_REPOSITORY", "acme/a?b"),
        ("GITHUB_EVENT_PATH", ""),
        ("GITHUB_EVENT_PATH", "/nowhere.json"),
        ("RECONCILER_GITHUB_TOKEN", "two words"),
        ("RECONCILER_GITHUB_TOKEN", "line\nAuthorization: x"),
    ],
)
def test_the_token_goes_nowhere_but_to_github(
    at_github: AtGitHub, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert at_github.tell("the plan\n") == 64
    assert "error[RC712]: " in at_github.err
    assert at_github.asked() == 0


@pytest.mark.parametrize("event", ["", "[]", "[" * 5000, '{"pull_request": 7}', "\udcff"])
def test_an_event_that_is_none_is_refused(at_github: AtGitHub, event: str) -> None:
    path = at_github.folder / "event.json"
    path.write_bytes(event.encode("utf-8", "surrogateescape"))
    assert at_github.tell("the plan\n") == 64
    assert "RC712" in at_github.err


@pytest.mark.parametrize("content", [None, b"\xff"], ids=["absent", "no text"])
def test_a_report_that_cannot_be_read_is_refused(
    at_github: AtGitHub, content: bytes | None
) -> None:
    path = at_github.folder / "other.md"
    if content is not None:
        path.write_bytes(content)
    assert at_github("note", "-e", "production", path) == 64
    assert "error[RC713]: " in at_github.err
    assert at_github.asked() == 0


def test_no_key_gets_into_a_comment(at_github: AtGitHub) -> None:
    """Whatever made the report."""
    secret = f"hvs.{'A1b2C3d4' * 12}"
    at_github.tell(f"the plan {secret}\n")
    assert secret not in at_github.notes()[0]


@pytest.fixture
def proxied(at_github: AtGitHub, monkeypatch: pytest.MonkeyPatch) -> Any:
    """GitHub's own address, which nothing here can reach, and no proxy yet."""
    monkeypatch.setenv("GITHUB_API_URL", "https://api.github.example")
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "VAULT_PROXY_ADDR"):
        monkeypatch.delenv(name, raising=False)
    return at_github


def test_a_proxy_is_asked_for_a_tunnel_and_sees_no_token(
    proxied: AtGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with loopback(lambda _: reply(403, "no")) as proxy:
        login = proxy.address.replace("http://", "http://ada:hunter2@")
        monkeypatch.setenv("HTTPS_PROXY", login)
        assert proxied.tell("the plan\n") == 1
    assert "the proxy lets nothing through" in proxied.out
    assert {(one.method, one.target) for one in proxy.seen} == {
        ("CONNECT", "api.github.example:443")
    }
    assert all("proxy-authorization" in one.headers for one in proxy.seen)
    assert TOKEN not in str(proxy.seen)
    assert "hunter2" not in proxied.said


def test_the_proxy_of_vault_is_not_that_of_github(
    proxied: AtGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", proxied.server.address)
    with loopback(lambda _: reply(403, "no")) as proxy:
        monkeypatch.setenv("VAULT_PROXY_ADDR", proxy.address)
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)  # this machine is asked directly
        assert proxied.tell("the plan\n") == 0
    assert proxy.seen == []


def test_a_proxy_that_is_none_is_refused(
    proxied: AtGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://ada:hunter2@127.0.0.1:1")
    assert proxied.tell("the plan\n") == 64
    assert "RC712" in proxied.err
    assert "hunter2" not in proxied.said


def test_the_report_may_lie_anywhere(at_github: AtGitHub, tmp_path: Path) -> None:
    path = tmp_path / "a report; $(x).md"
    path.write_text("the plan\n")
    assert at_github("note", "-e", "production", "--", path) == 0
