"""One comment on a pull request, one issue of an environment: found by marker and author, edited,
never doubled.

Whoever writes a comment can put our marker into it. So the marker counts only in what the login
wrote that this token writes as; a comment of somebody else is neither edited nor taken for ours.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from api import Api, ApiError
from runner import summary, tell, variable

LIMIT = 65_536  # characters of a comment or of an issue
CUT = "\n\nThe rest is left out here: the job's summary and the plan file have all of it.\n"
LOOKS = 3


def bounded(marker: str, text: str) -> str:
    """``text`` with ``marker`` as its first line, cut where GitHub would refuse it."""
    body = text if text.startswith(f"{marker}\n") else f"{marker}\n{text}"
    return body if len(body) <= LIMIT else body[: LIMIT - len(CUT)] + CUT


class Thread:
    """Where we write in a repository. ``author`` is the login that the token writes as."""

    def __init__(self, api: Api, repository: str, author: str) -> None:
        self._api, self._root, self._author = api, f"/repos/{repository}", author

    def comment(self, number: int, marker: str, text: str) -> str:
        """Make ``text`` the one comment with ``marker`` on a pull request; what was done, in a
        word."""
        body = bounded(marker, text)
        path = f"{self._root}/issues/{number}/comments"
        return self._settled(lambda: self._comment(path, marker, body))

    def _comment(self, path: str, marker: str, body: str) -> str:
        ours = list(self._ours(self._api.pages(path), marker))
        if not ours:
            self._api.send("POST", path, {"body": body})
            return "written"
        if ours[0]["body"] == body:
            return "unchanged"
        self._api.send("PATCH", f"{self._root}/issues/comments/{ours[0]['id']}", {"body": body})
        return "updated"

    def issue(self, marker: str, title: str, text: str) -> str:
        """Make ``text`` the one open issue with ``marker``."""
        body = bounded(marker, text)
        return self._settled(lambda: self._issue(marker, title, body))

    def _issue(self, marker: str, title: str, body: str) -> str:
        ours = list(self._open_issues(marker))
        for issue in ours[1:]:
            self._close(issue, "not_planned")
        if not ours:
            self._api.send("POST", f"{self._root}/issues", {"title": title, "body": body})
            return "opened"
        self._api.send(
            "PATCH", f"{self._root}/issues/{ours[0]['number']}", {"title": title, "body": body}
        )
        return "updated"

    def close(self, marker: str) -> str:
        """Close the open issues with ``marker``."""
        found = list(self._open_issues(marker))
        for issue in found:
            self._close(issue, "completed")
        return "closed" if found else "none is open"

    def _close(self, issue: Any, why: str) -> None:
        self._api.send(
            "PATCH",
            f"{self._root}/issues/{issue['number']}",
            {"state": "closed", "state_reason": why},
        )

    def _open_issues(self, marker: str) -> Iterator[Any]:
        found = self._api.pages(
            f"{self._root}/issues", state="open", sort="created", direction="asc"
        )
        return self._ours((one for one in found if "pull_request" not in one), marker)

    def _ours(self, entries: Iterator[Any], marker: str) -> Iterator[Any]:
        for entry in entries:
            login = (entry.get("user") or {}).get("login")
            if (
                login == self._author
                and ((entry.get("body") or "").splitlines() or [""])[0] == marker
            ):
                yield entry

    def _settled(self, attempt: Callable[[], str]) -> str:
        """A POST whose answer was lost may have been done: look again before another one is
        sent."""
        for _ in range(LOOKS - 1):
            try:
                return attempt()
            except ApiError as error:
                if not error.unclear:
                    raise
        return attempt()


def pull_request(event: Mapping[str, Any]) -> int | None:
    number = (event.get("pull_request") or {}).get("number")
    return number if isinstance(number, int) else None


def tell_people(
    thread: Thread, event: Mapping[str, Any], command: str, environment: str, report: str
) -> str:
    """Write where a person will look; a sentence about it."""
    if command == "drift":
        marker = f"<!-- reconciler:drift:{environment} -->"
        if variable("CLEAN") == "true":
            return f"issue: {thread.close(marker)}"
        return f"issue: {thread.issue(marker, f'{environment} is not as declared', report)}"
    number = pull_request(event)
    if number is None:
        return "no pull request: the plan is in the summary"
    return f"comment: {thread.comment(number, f'<!-- reconciler:plan:{environment} -->', report)}"


def main(pause: Callable[[float], None] | None = None) -> int:
    token, author = variable("INPUT_TOKEN"), variable("INPUT_AUTHOR")
    event = json.loads(Path(variable("GITHUB_EVENT_PATH")).read_text(encoding="utf-8"))
    report = Path(variable("REPORT")).read_text(encoding="utf-8")
    url = variable("GITHUB_API_URL")
    thread = Thread(
        Api(url, token, pause) if pause else Api(url, token), variable("GITHUB_REPOSITORY"), author
    )
    if not (token and author):
        return _fallen_back("the input token or the input author is empty")
    try:
        tell(
            "notice",
            tell_people(
                thread, event, variable("INPUT_COMMAND"), variable("INPUT_ENVIRONMENT"), report
            ),
        )
    except ApiError as error:
        if error.denied:
            return _fallen_back(f"this job may not write there ({error})")
        # What stands there from before would be taken for the present state.
        tell(
            "error",
            f"GitHub does not take it: {error}. Run the job again; the summary has the report",
        )
        return 1
    return 0


def _fallen_back(why: str) -> int:
    tell("notice", f"the report is in the summary alone: {why}")
    summary("> The report is here alone: no comment and no issue could be written.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
