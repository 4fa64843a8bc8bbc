"""One note on a merge request, one issue of an environment: found by marker and author, edited,
never doubled.

Whoever writes a note can put our marker into it. So the marker counts only in what the user wrote
that the token belongs to; what somebody else wrote is neither edited nor taken for ours. Sections
of GitLab's documentation: "Notes API" (merge requests), "Merge requests API", "Issues API", "Users
API".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from reconciler.adapters.forges.gitlab import Api, GitLabRefused

LIMIT = 1_000_000  # characters of a note; an issue may have 1 MiB
CUT = "\n\nThe rest is left out here: the job's log and its artifacts have all of it.\n"
LOOKS = 3


def bounded(marker: str, text: str) -> str:
    """``text`` with ``marker`` as its first line, cut where GitLab would refuse it."""
    body = text if text.startswith(f"{marker}\n") else f"{marker}\n{text}"
    return body if len(body) <= LIMIT else body[: LIMIT - len(CUT)] + CUT


class Thread:
    """Where we write in a project. Methods raise ``GitLabRefused``."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._root = ("projects", api.project.number)
        self._author: Any = None

    def ends_with(self, request: int, commits: Collection[str]) -> bool:
        """Whether the last commit of a merge request is one of ``commits``: those that a job is
        about."""
        return self._api.get(*self._root, "merge_requests", request)["sha"] in commits

    def note(self, request: int, marker: str, text: str) -> str:
        """Make ``text`` the one note with ``marker`` on a merge request; what was done, in a
        word."""
        body = bounded(marker, text)
        return self._settled(
            lambda: self._note((*self._root, "merge_requests", request, "notes"), marker, body)
        )

    def _note(self, path: tuple[object, ...], marker: str, body: str) -> str:
        found = self._ours(
            self._api.pages(*path, sort="asc", order_by="created_at"), marker, "body"
        )
        first = next(found, None)
        if first is None:
            self._api.send("POST", *path, body=body)
            return "written"
        if first["body"].rstrip() == body.rstrip():  # GitLab keeps no white space at the end
            return "unchanged"
        self._api.send("PUT", *path, first["id"], body=body)
        return "updated"

    def issue(self, marker: str, title: str, text: str) -> str:
        """Make ``text`` the one open issue with ``marker``."""
        body = bounded(marker, text)
        return self._settled(lambda: self._issue(marker, title, body))

    def _issue(self, marker: str, title: str, body: str) -> str:
        ours = list(self._open_issues(marker))
        for issue in ours[1:]:
            self._close(issue)
        if not ours:
            self._api.send("POST", *self._root, "issues", title=title, description=body)
            return "opened"
        self._api.send("PUT", *self._root, "issues", ours[0]["iid"], title=title, description=body)
        return "updated"

    def close(self, marker: str) -> str:
        """Close the open issues with ``marker``."""
        found = list(self._open_issues(marker))
        for issue in found:
            self._close(issue)
        return "closed" if found else "none is open"

    def _close(self, issue: Any) -> None:
        self._api.send("PUT", *self._root, "issues", issue["iid"], state_event="close")

    def _open_issues(self, marker: str) -> Iterator[Any]:
        query = {"state": "opened", "scope": "all", "order_by": "created_at", "sort": "asc"}
        return self._ours(self._api.pages(*self._root, "issues", **query), marker, "description")

    def _ours(self, entries: Iterator[Any], marker: str, field: str) -> Iterator[Any]:
        for entry in entries:
            lines = (entry.get(field) or "").splitlines()
            if (
                lines
                and lines[0] == marker
                and (entry.get("author") or {}).get("id") == self._author_id()
            ):
                yield entry

    def _author_id(self) -> Any:
        if self._author is None:
            self._author = self._api.get("user")["id"]
        return self._author

    def _settled(self, attempt: Callable[[], str]) -> str:
        """A POST whose answer was lost may have been done: look again before another one is
        sent."""
        for _ in range(LOOKS - 1):
            try:
                return attempt()
            except GitLabRefused as error:
                if not error.unclear:
                    raise
        return attempt()
