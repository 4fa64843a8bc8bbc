"""GitLab's REST API on loopback, as far as the jobs use it. Each request is held against a table of
what GitLab's documentation takes, section by section; ``wrong`` collects what does not fit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.kit.programs.loopback import Seen, loopback, reply

PROJECT, PROJECT_ID = "acme/platform/integrations", "4711"
TOKEN = "glpat-TokenOfTheProjectThatMustNeverShow"
BOT, EVE = 77, 13
API = "/api/v4"
ROOT = f"/projects/{PROJECT_ID}"
HEAD = "a1" * 20
PAGED = frozenset({"page", "per_page"})
# Method and path → section of docs.gitlab.com/api, what it takes in the query, what it takes in the
# body.
TAKES: dict[tuple[str, str], tuple[str, frozenset[str], frozenset[str]]] = {
    ("GET", "/user"): ("Users: retrieve the current user", frozenset(), frozenset()),
    ("GET", rf"{ROOT}/merge_requests/(\d+)/notes"): (
        "Notes: list all merge request notes", PAGED | {"sort", "order_by"}, frozenset()),
    ("POST", rf"{ROOT}/merge_requests/(\d+)/notes"): (
        "Notes: create a merge request note", frozenset(), frozenset({"body", "internal"})),
    ("PUT", rf"{ROOT}/merge_requests/(\d+)/notes/(\d+)"): (
        "Notes: update a merge request note", frozenset(), frozenset({"body"})),
    ("GET", rf"{ROOT}/issues"): (
        "Issues: list project issues", PAGED | {"state", "scope", "order_by", "sort", "labels"}, frozenset()),
    ("POST", rf"{ROOT}/issues"): ("Issues: create an issue", frozenset(), frozenset({"title", "description"})),
    ("PUT", rf"{ROOT}/issues/(\d+)"): (
        "Issues: update an issue", frozenset(), frozenset({"title", "description", "state_event"})),
    ("GET", rf"{ROOT}/repository/commits/([0-9a-f]+)/merge_requests"): (
        "Commits: list merge requests of a commit", PAGED | {"state"}, frozenset()),
    ("GET", rf"{ROOT}/repository/commits/([0-9a-f]+)"): ("Commits: retrieve a commit", frozenset(), frozenset()),
    ("GET", rf"{ROOT}/merge_requests/(\d+)"): ("Merge requests: retrieve a merge request", frozenset(), frozenset()),
    ("GET", rf"{ROOT}/merge_requests/(\d+)/pipelines"): (
        "Merge requests: list merge request pipelines", PAGED, frozenset()),
    ("GET", rf"{ROOT}/pipelines/(\d+)/jobs"): (
        "Jobs: list pipeline jobs", PAGED | {"include_retried"}, frozenset()),
    ("GET", rf"{ROOT}/jobs/(\d+)/artifacts/(.+)"): (
        "Job artifacts: download a single artifact file by job ID", frozenset({"job_token"}), frozenset()),
}  # fmt: skip


@dataclass
class GitLab:
    """``notes`` of merge request 7, whose last commit is ``head``, ``issues``, ``requests`` with
    the commits that bring them, ``pipelines`` of them, ``jobs`` with ``files``. ``mishaps`` are
    answered first, one a request; None: nothing at all. ``lost`` counts writes that are done and
    answered with 502."""

    address: str = ""
    notes: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[dict[str, Any], tuple[str, ...]]] = field(default_factory=list)
    pipelines: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    jobs: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    files: dict[tuple[int, str], bytes] = field(default_factory=dict)
    parents: dict[str, list[str]] = field(default_factory=dict)
    mishaps: list[bytes | None] = field(default_factory=list)
    head: str = HEAD
    lost: int = 0
    seen: list[Seen] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def writes(self) -> list[str]:
        return [
            f"{one.method} {one.target.removeprefix(API)}"
            for one in self.seen
            if one.method != "GET"
        ]

    # What is there already.

    def note(self, body: str, author: int | None = BOT) -> dict[str, Any]:
        user = (
            None
            if author is None
            else {"id": author, "username": f"user{author}", "bot": author == BOT}
        )
        self.notes.append(
            {"id": 100 + len(self.notes), "body": body.rstrip(), "author": user, "system": False}
        )
        return self.notes[-1]

    def issue(self, title: str, description: str | None, author: int = BOT) -> dict[str, Any]:
        number = 20 + len(self.issues)
        made = {
            "id": 900 + number,
            "iid": number,
            "title": title,
            "description": description,
            "state": "opened",
        }
        self.issues.append({**made, "author": {"id": author}})
        return self.issues[-1]

    def merged(
        self, number: int, head: str, merge: str, *commits: str, **more: Any
    ) -> dict[str, Any]:
        """A merge request whose merge commit is ``merge``; ``commits`` are others that it
        brought."""
        project = int(PROJECT_ID)
        made = {
            "id": 500 + number, "iid": number, "state": "merged", "target_branch": "main", "project_id": project,
            "source_project_id": project, "target_project_id": project, "sha": head, "merge_commit_sha": merge,
            "squash_commit_sha": None, **more,
        }  # fmt: skip
        self.requests.append((made, (merge, head, *commits)))
        return made

    def pipeline(self, number: int, request: int, sha: str, **more: Any) -> None:
        made = {
            "id": number, "iid": number, "project_id": int(PROJECT_ID), "sha": sha, "status": "success",
            "ref": f"refs/merge-requests/{request}/head", "source": "merge_request_event", **more,
        }  # fmt: skip
        self.pipelines.append((request, made))

    def job(
        self, number: int, pipeline: int, name: str, content: bytes | None, status: str = "success"
    ) -> None:
        self.jobs.append(
            (pipeline, {"id": number, "name": name, "status": status, "pipeline": {"id": pipeline}})
        )
        if content is not None:
            self.files[number, ".reconciler/plan.json"] = content

    # What it answers.

    def answer(self, seen: Seen) -> bytes:
        self.seen.append(seen)
        self.wrong += self._judged(seen)
        if self.mishaps:
            mishap = self.mishaps.pop(0)
            return b"" if mishap is None else mishap
        if seen.headers.get("private-token") != TOKEN:
            return reply(401, '{"message": "401 Unauthorized"}')
        status, body, headers = self._routed(seen)
        if seen.method != "GET" and self.lost:
            self.lost -= 1
            return reply(502, "<html>no JSON</html>")
        return reply(status, body if isinstance(body, bytes) else json.dumps(body), headers=headers)

    def _judged(self, seen: Seen) -> Iterator[str]:
        parts, where = urlsplit(seen.target), f"{seen.method} {seen.target}"
        fitting = [takes for (method, path), takes in TAKES.items()
                   if method == seen.method and re.fullmatch(API + path, parts.path)]  # fmt: skip
        if not fitting:
            yield f"{where} is in no section"
            return
        [(section, query, body)] = fitting[:1]
        yield from (
            f"{where}: {section} takes no {name}"
            for name in parse_qs(parts.query)
            if name not in query
        )
        given = json.loads(seen.body) if seen.body else {}
        yield from (f"{where}: {section} has no field {name}" for name in given if name not in body)
        if seen.body and seen.headers.get("content-type") != "application/json":
            yield f"{where}: the body is not said to be JSON"

    def _routed(self, seen: Seen) -> tuple[int, Any, tuple[str, ...]]:
        parts = urlsplit(seen.target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        for (method, path), route in _ROUTES.items():
            match = re.fullmatch(API + path, parts.path)
            if match and method == seen.method:
                found = route(self, query, json.loads(seen.body or b"{}"), *match.groups())
                if isinstance(found, list):
                    return self._paged(found, query)
                return *found, ()
        return 404, {"message": "404 Not Found"}, ()

    def _paged(self, entries: list[Any], query: dict[str, str]) -> tuple[int, Any, tuple[str, ...]]:
        size, number = int(query.get("per_page", "20")), int(query.get("page", "1"))
        more = str(number + 1) if number * size < len(entries) else ""
        return (
            200,
            entries[(number - 1) * size : number * size],
            (f"X-Next-Page: {more}", f"X-Page: {number}"),
        )


def _user(gitlab: GitLab, query: Any, body: Any) -> Any:
    return 200, {"id": BOT, "username": "project_4711_bot", "bot": True}


def _list_notes(gitlab: GitLab, query: Any, body: Any, request: str) -> Any:
    return list(gitlab.notes) if request == "7" else (404, {"message": "404 Not found"})


def _write_note(gitlab: GitLab, query: Any, body: Any, request: str) -> Any:
    return 201, gitlab.note(body["body"])


def _edit_note(gitlab: GitLab, query: Any, body: Any, request: str, number: str) -> Any:
    [found] = [one for one in gitlab.notes if one["id"] == int(number)]
    found["body"] = body["body"].rstrip()
    return 200, found


def _list_issues(gitlab: GitLab, query: Any, body: Any) -> Any:
    return [one for one in gitlab.issues if one["state"] == query["state"]]


def _write_issue(gitlab: GitLab, query: Any, body: Any) -> Any:
    return 201, gitlab.issue(body["title"], body["description"])


def _edit_issue(gitlab: GitLab, query: Any, body: Any, number: str) -> Any:
    [found] = [one for one in gitlab.issues if one["iid"] == int(number)]
    if body.pop("state_event", "") == "close":
        found["state"] = "closed"
    found |= body
    return 200, found


def _requests_of(gitlab: GitLab, query: Any, body: Any, commit: str) -> Any:
    return [made for made, commits in gitlab.requests if commit in commits]


def _commit(gitlab: GitLab, query: Any, body: Any, commit: str) -> Any:
    parents = gitlab.parents.get(commit)
    missing = (404, {"message": "404 Commit Not Found"})
    return missing if parents is None else (200, {"id": commit, "parent_ids": parents})


def _request(gitlab: GitLab, query: Any, body: Any, number: str) -> Any:
    return (
        (200, {"iid": 7, "sha": gitlab.head})
        if number == "7"
        else (404, {"message": "404 Not found"})
    )


def _pipelines_of(gitlab: GitLab, query: Any, body: Any, request: str) -> Any:
    return [made for number, made in gitlab.pipelines if number == int(request)]


def _jobs_of(gitlab: GitLab, query: Any, body: Any, pipeline: str) -> Any:
    return [made for number, made in gitlab.jobs if number == int(pipeline)]


def _artifact(gitlab: GitLab, query: Any, body: Any, job: str, path: str) -> Any:
    content = gitlab.files.get((int(job), unquote(path)))
    return (404, {"message": "404 Not Found"}) if content is None else (200, content)


_ROUTES: dict[tuple[str, str], Any] = dict(
    zip(
        TAKES,
        (
            _user, _list_notes, _write_note, _edit_note, _list_issues, _write_issue, _edit_issue, _requests_of, _commit,
            _request, _pipelines_of, _jobs_of, _artifact,
        ),
        strict=True,
    )
)  # fmt: skip


@contextmanager
def gitlab_api() -> Iterator[GitLab]:
    """GitLab with nothing in it. At the end nothing may have been ``wrong``."""
    gitlab = GitLab()
    with loopback(gitlab.answer) as api:
        gitlab.address = f"{api.address}{API}"
        yield gitlab
    assert gitlab.wrong == [], "\n".join(gitlab.wrong)
