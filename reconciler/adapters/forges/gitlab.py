"""GitLab as a job of it sees its project.

Sections of GitLab's documentation: "REST API", "Rate limits", "Pagination"; "Notes API" (merge
requests), "Merge requests API", "Issues API", "Users API".
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from reconciler.adapters.forges.forge import Entry
from reconciler.adapters.forges.rest import TIMEOUT, Api, Dialect, is_api, seconds_until
from reconciler.adapters.forges.web import Web
from reconciler.adapters.vault.http.errors import printable
from reconciler.adapters.vault.http.exchanged import Reply
from reconciler.adapters.vault.http.patience import read_retry_after
from reconciler.dataclass import dataclass
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import DeliveryError, UsageError

GITLAB_TOKEN = "RECONCILER_GITLAB_TOKEN"
_NEXT = re.compile(r"<[^>]*[?&]page=([0-9]+)[^>]*>; *rel=\"next\"")


def _headers(token: Secret) -> Mapping[str, str]:
    return {"accept": "application/json", "private-token": token.reveal()}


def _read_limit(reply: Reply, backoff: float) -> float | None:
    if reply.status != 429:
        return None
    asked = read_retry_after(reply)
    if asked is None:
        asked = seconds_until(reply.headers.get("ratelimit-reset", ""))
    return backoff if asked is None else asked


def _following(target: str, reply: Reply) -> str:
    """Of a ``Link`` only the page's number is read."""
    number = reply.headers.get("x-next-page", "").strip()
    if not number:
        found = _NEXT.search(reply.headers.get("link", ""))
        number = found[1] if found else ""
    if not re.fullmatch(r"[0-9]{1,9}", number):
        return ""
    return f"{re.sub('&page=[0-9]+$', '', target)}&page={number}"


GITLAB_API = Dialect(
    name="GitLab",
    unusable="RC700",
    denied="RC701",
    may_not=(
        f"{GITLAB_TOKEN} is a project access token of this project with the scope api and the role"
        " Reporter: make a new one when it has expired"
    ),
    headers=_headers,
    limited=_read_limit,
    following=_following,
)


@dataclass(frozen=True, slots=True)
class GitLabProject:
    """Where a job runs: ``api`` is CI_API_V4_URL, ``number`` CI_PROJECT_ID, ``ca`` a PEM file for a
    server's own CA."""

    api: str
    number: int
    ca: str | None = None

    @classmethod
    def of_job(cls, environ: Mapping[str, str]) -> GitLabProject:
        """What the variables of a job say. Raises ``UsageError`` RC702."""
        api, number = environ.get("CI_API_V4_URL", ""), environ.get("CI_PROJECT_ID", "")
        if not (api and number):
            raise UsageError(
                "RC702",
                "CI_API_V4_URL and CI_PROJECT_ID are not set: this is no job of GitLab CI",
                "run it in a job; elsewhere `reconciler show` shows a plan",
            )
        if not is_api(api):
            raise UsageError(
                "RC702",
                f"CI_API_V4_URL {printable(api, 100)!r} is not the address of an API",
                "it is https://HOST/api/v4; plain http is for loopback alone, because it would show"
                " the token",
            )
        if not re.fullmatch(r"[1-9][0-9]{0,18}", number):
            raise UsageError(
                "RC702", "CI_PROJECT_ID is not a number", "GitLab sets it; leave it alone"
            )
        return cls(api.rstrip("/"), int(number), environ.get("CI_SERVER_TLS_CA_FILE") or None)


class GitLab:
    """The ``Forge`` of a project at GitLab. ``api`` asks what else is to be known of it.

    ``pause`` waits the given seconds. Methods raise ``ForgeRefused`` RC700, RC701.
    """

    limit = 1_000_000  # characters of a note; an issue may have 1 MiB
    rest = "\n\nThe rest is left out here: the job's log and its artifacts have all of it.\n"

    def __init__(
        self, project: GitLabProject, token: Secret, pause: Callable[[float], None] = time.sleep
    ) -> None:
        parts = urlsplit(project.api)
        try:
            web = Web(f"{parts.scheme}://{parts.netloc}", project.ca, TIMEOUT)
        except DeliveryError:
            raise UsageError(
                "RC702",
                "the file of CI_SERVER_TLS_CA_FILE cannot be read, or is not PEM",
                "correct that variable",
            ) from None
        self.project = project
        self.api = Api(
            GITLAB_API,
            project.api,
            web,
            token=token,
            pause=pause,
        )
        self.root = ("projects", project.number)
        self._author: str | None = None

    def last_commit(self, request: int) -> str:
        """The commit that a merge request ends with."""
        return str(self.api.get(*self.root, "merge_requests", request)["sha"])

    def author(self) -> str:
        if self._author is None:
            self._author = str(self.api.get("user")["id"])
        return self._author

    def notes(self, request: int) -> Iterator[Entry]:
        query = {"sort": "asc", "order_by": "created_at"}
        for one in self.api.pages(*self._notes(request), **query):
            yield Entry(author=_author_of(one), body=one.get("body") or "", number=one["id"])

    def write_note(self, request: int, body: str) -> None:
        self.api.send("POST", *self._notes(request), body=body)

    def edit_note(self, request: int, number: int, body: str) -> None:
        self.api.send("PUT", *self._notes(request), number, body=body)

    def open_issues(self) -> Iterator[Entry]:
        query = {"state": "opened", "scope": "all", "order_by": "created_at", "sort": "asc"}
        for one in self.api.pages(*self.root, "issues", **query):
            yield Entry(
                author=_author_of(one), body=one.get("description") or "", number=one["iid"]
            )

    def write_issue(self, title: str, body: str) -> None:
        self.api.send("POST", *self.root, "issues", title=title, description=body)

    def edit_issue(self, number: int, title: str, body: str) -> None:
        self.api.send("PUT", *self.root, "issues", number, title=title, description=body)

    def close_issue(self, number: int, *, done: bool) -> None:
        self.api.send("PUT", *self.root, "issues", number, state_event="close")

    def _notes(self, request: int) -> tuple[object, ...]:
        return (*self.root, "merge_requests", request, "notes")


def _author_of(entry: Any) -> str | None:
    number = (entry.get("author") or {}).get("id")
    return None if number is None else str(number)
