"""GitHub's REST API on loopback, as far as the action uses it. Each request and each answer is held
against GitHub's own description; ``wrong`` collects what does not fit."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.kit.forges.github_tokens import REPOSITORY, REPOSITORY_ID
from tests.kit.forges.openapi import Description, described
from tests.kit.programs.loopback import Seen, loopback, reply

BOT = "github-actions[bot]"
TOKEN = "TokenOfTheJobThatMustNeverShow"
ROOT = f"/repos/{REPOSITORY}"
ARCHIVE = ".archive"


@dataclass
class GitHub:
    """``comments`` of pull request 7, ``issues``, ``pulls``, ``runs``; ``files`` has what the runs
    kept, as ``<run>/<artifact>/<file>`` below a folder. ``mishaps`` are answered first, one a
    request; None: nothing at all. ``lost`` counts writes that are done and answered with 502."""

    description: Description
    files: Path
    address: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    mishaps: list[bytes | None] = field(default_factory=list)
    lost: int = 0
    seen: list[Seen] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def writes(self) -> list[str]:
        return [f"{one.method} {one.target}" for one in self.seen if one.method != "GET"]

    # What is there already.

    def comment(self, body: str, login: str = BOT) -> dict[str, Any]:
        made: dict[str, Any] = self.description.example("issue-comment")
        made |= {
            "id": 100 + len(self.comments),
            "body": body,
            "user": {**made["user"], "login": login},
        }
        self.comments.append(made)
        return made

    def issue(self, title: str, body: str | None, login: str = BOT, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.description.example("issue")
        del made["pull_request"]
        number = 20 + len(self.issues)
        made |= {
            "id": number,
            "number": number,
            "title": title,
            "body": body,
            "state": "open",
            **more,
        }
        made["user"] = {**made["user"], "login": login}
        self.issues.append(made)
        return made

    def merged(self, number: int, head: str, merge: str, at: str = "2026-11-25T10:00:00Z") -> None:
        """A pull request that was merged (``at`` empty: closed)."""
        [made] = self.description.example("pull-request-simple-items")
        made |= {
            "number": number,
            "state": "closed",
            "merged_at": at or None,
            "merge_commit_sha": merge,
        }
        made["head"] |= {"sha": head}
        made["requested_teams"] = []  # the example's own does not fit the schema
        self.pulls.append(made)

    def run(self, number: int, head: str, repository: int = int(REPOSITORY_ID)) -> None:
        """A run of the plan's workflow."""
        made = self.description.example("workflow-run-paginated")["workflow_runs"][0]
        made |= {"id": number, "run_number": number, "head_sha": head, "event": "pull_request"}
        made["head_repository"] |= {"id": repository}
        self.runs.append(made)

    def keep(self, run: int, name: str, content: bytes, file: str = "plan.json") -> None:
        path = self.files / str(run) / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def keep_archive(self, run: int, name: str, archive: bytes) -> None:
        """An artifact whose archive is exactly this, whoever made it."""
        self.keep(run, name, archive, ARCHIVE)

    # What it answers.

    def answer(self, seen: Seen) -> bytes:
        if seen.target.startswith("/blob/"):
            if "authorization" in seen.headers:
                self.wrong.append("the token travelled to the host of the artifacts")
            return reply(200, self._archive(int(seen.target.removeprefix("/blob/"))))
        self.seen.append(seen)
        self.wrong += self.description.request(seen.method, seen.target, seen.headers, seen.body)
        if self.mishaps:
            mishap = self.mishaps.pop(0)
            return b"" if mishap is None else mishap
        if seen.headers.get("authorization") != f"Bearer {TOKEN}":
            return reply(401, '{"message": "Bad credentials"}')
        status, body, headers = self._routed(seen)
        content = b"" if body is None else json.dumps(body).encode()
        if seen.method != "GET" and self.lost:
            self.lost -= 1
            return reply(502, "<html>no JSON</html>")
        self.wrong += self.description.response(seen.method, seen.target, status, content)
        return reply(status, content, headers=headers)

    def _routed(self, seen: Seen) -> tuple[int, Any, tuple[str, ...]]:
        parts = urlsplit(seen.target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        for (method, pattern), route in _ROUTES.items():
            match = re.fullmatch(ROOT + pattern, parts.path)
            if match and method == seen.method:
                found = route(
                    self, query, json.loads(seen.body or b"{}"), *map(int, match.groups())
                )
                if isinstance(found, _Page):
                    return self._paged(found, seen, query)
                return *found, ()
        return 404, {"message": "Not Found", "documentation_url": "", "status": "404"}, ()

    def _paged(
        self, page: _Page, seen: Seen, query: dict[str, str]
    ) -> tuple[int, Any, tuple[str, ...]]:
        size, number = int(query.get("per_page", "30")), int(query.get("page", "1"))
        part = page.entries[(number - 1) * size : number * size]
        headers: tuple[str, ...] = ()
        if number * size < len(page.entries):
            target = re.sub(r"[?&]page=\d+", "", seen.target)
            headers = (
                f'Link: <{self.address}{target}&page={number + 1}>; rel="next", <x>; rel="last"',
            )
        return (
            200,
            {"total_count": len(page.entries), page.field: part} if page.field else part,
            headers,
        )

    def _archive(self, artifact: int) -> bytes:
        folder = self._artifacts()[artifact]
        if (folder / ARCHIVE).exists():
            return (folder / ARCHIVE).read_bytes()
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for path in sorted(folder.iterdir()):
                archive.write(path, path.name)
        return content.getvalue()

    def _artifacts(self) -> list[Path]:
        return sorted(self.files.glob("*/*"))


@dataclass
class _Page:
    entries: list[Any]
    field: str = ""


def _list_comments(github: GitHub, query: Any, body: Any, number: int) -> Any:
    return _Page(github.comments) if number == 7 else (404, {"message": "Not Found"})


def _write_comment(github: GitHub, query: Any, body: Any, number: int) -> Any:
    return 201, github.comment(body["body"])


def _edit_comment(github: GitHub, query: Any, body: Any, number: int) -> Any:
    [found] = [one for one in github.comments if one["id"] == number]
    found["body"] = body["body"]
    return 200, found


def _list_issues(github: GitHub, query: Any, body: Any) -> Any:
    return _Page([one for one in github.issues if one["state"] == query["state"]])


def _write_issue(github: GitHub, query: Any, body: Any) -> Any:
    return 201, github.issue(body["title"], body["body"])


def _edit_issue(github: GitHub, query: Any, body: Any, number: int) -> Any:
    [found] = [one for one in github.issues if one["number"] == number]
    found |= body
    return 200, found


def _list_pulls(github: GitHub, query: Any, body: Any) -> Any:
    return _Page([one for one in github.pulls if one["state"] == query["state"]])


def _list_runs(github: GitHub, query: Any, body: Any) -> Any:
    return _Page(
        [one for one in github.runs if one["head_sha"] == query["head_sha"]], "workflow_runs"
    )


def _list_artifacts(github: GitHub, query: Any, body: Any, run: int) -> Any:
    made = []
    for number, folder in enumerate(github._artifacts()):
        if folder.parent.name == str(run) and folder.name == query["name"]:
            [one, *_] = github.description.example("artifact-paginated")["artifacts"]
            expired = (folder / "expired").exists()
            made.append({**one, "id": number, "name": folder.name, "expired": expired})
    return _Page(made, "artifacts")


_ROUTES: dict[tuple[str, str], Any] = {
    ("GET", r"/issues/(\d+)/comments"): _list_comments,
    ("POST", r"/issues/(\d+)/comments"): _write_comment,
    ("PATCH", r"/issues/comments/(\d+)"): _edit_comment,
    ("GET", r"/issues"): _list_issues,
    ("POST", r"/issues"): _write_issue,
    ("PATCH", r"/issues/(\d+)"): _edit_issue,
    ("GET", r"/pulls"): _list_pulls,
    ("GET", r"/actions/workflows/reconciler-plan\.yml/runs"): _list_runs,
    ("GET", r"/actions/runs/(\d+)/artifacts"): _list_artifacts,
}


@contextmanager
def github_api(files: Path) -> Iterator[GitHub]:
    """GitHub with nothing in it. At the end nothing may have been ``wrong``."""
    github = GitHub(described(), files)

    def script(seen: Seen) -> bytes:
        found = re.fullmatch(rf"{ROOT}/actions/artifacts/(\d+)/zip", seen.target)
        if found and not github.mishaps:
            github.seen.append(seen)
            github.wrong += github.description.request(
                seen.method, seen.target, seen.headers, seen.body
            )
            return reply(302, headers=(f"Location: {blobs.address}/blob/{found[1]}",))
        return github.answer(seen)

    with loopback(script) as api, loopback(github.answer) as blobs:
        github.address = api.address
        yield github
    assert github.wrong == [], "\n".join(github.wrong)
