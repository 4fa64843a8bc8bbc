"""GitHub as a job of it sees its repository.

Sections of GitHub's documentation: "Best practices for using the REST API", "Rate limits for the
REST API", "Using pagination in the REST API"; "REST API endpoints for issue comments" (of a pull
request, too) and "… for issues".
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.adapters.forges.forge import Entry
from reconciler.adapters.forges.rest import TIMEOUT, Api, Dialect, is_api, seconds_until
from reconciler.adapters.forges.web import Web
from reconciler.adapters.vault.http.errors import printable
from reconciler.adapters.vault.http.exchanged import Reply
from reconciler.adapters.vault.http.patience import read_retry_after
from reconciler.adapters.vault.http.proxies import OWN, Proxy, proxy_for
from reconciler.dataclass import dataclass
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import UsageError, VaultError

GITHUB_TOKEN = "RECONCILER_GITHUB_TOKEN"
_NEXT = re.compile(r"<([^>]*)>; *rel=\"next\"")
# Of no use: both are steps of a path, and not names.
_STEPS = (".", "..")


def _headers(token: Secret) -> Mapping[str, str]:
    return {
        "accept": "application/vnd.github+json",
        "authorization": f"Bearer {token.reveal()}",
        "x-github-api-version": "2022-11-28",
    }


def _read_limit(reply: Reply, backoff: float) -> float | None:
    """A limit is 403 or 429; a 403 that names no time is a missing permission."""
    if reply.status not in (403, 429):
        return None
    asked = read_retry_after(reply)
    if asked is not None:
        return asked
    if reply.headers.get("x-ratelimit-remaining") == "0":
        until = seconds_until(reply.headers.get("x-ratelimit-reset", ""))
        return backoff if until is None else until
    return backoff if reply.status == 429 else None


def _following(target: str, reply: Reply) -> str:  # noqa: ARG001 - GitHub says the whole address
    found = _NEXT.search(reply.headers.get("link", ""))
    return found[1] if found else ""


GITHUB_API = Dialect(
    name="GitHub",
    unusable="RC710",
    denied="RC711",
    may_not="give the job the permissions pull-requests: write and issues: write",
    headers=_headers,
    limited=_read_limit,
    following=_following,
    follows=True,  # a repository that was renamed
)


@dataclass(frozen=True, slots=True)
class GitHubRepository:
    """Where a job runs: ``api`` is GITHUB_API_URL, ``owner`` and ``name`` GITHUB_REPOSITORY,
    ``proxy`` what stands between."""

    api: str
    owner: str
    name: str
    proxy: Proxy | None = None

    @classmethod
    def of_job(cls, environ: Mapping[str, str]) -> GitHubRepository:
        """What the variables of a job say. Raises ``UsageError`` RC712."""
        api, repository = environ.get("GITHUB_API_URL", ""), environ.get("GITHUB_REPOSITORY", "")
        if not (api and repository):
            raise UsageError(
                "RC712",
                "GITHUB_API_URL and GITHUB_REPOSITORY are not set: this is no job of GitHub"
                " Actions",
                "run it in a job; elsewhere `reconciler show` shows a plan",
            )
        if not is_api(api):
            raise UsageError(
                "RC712",
                f"GITHUB_API_URL {printable(api, 100)!r} is not the address of an API",
                "it is https://api.github.com or https://HOST/api/v3; plain http is for loopback"
                " alone, because it would show the token",
            )
        steps = re.fullmatch(r"([\w.-]{1,100})/([\w.-]{1,100})", repository, re.ASCII)
        if steps is None or not {*steps.groups()}.isdisjoint(_STEPS):
            raise UsageError(
                "RC712", "GITHUB_REPOSITORY is not OWNER/NAME", "GitHub sets it; leave it alone"
            )
        return cls(api.rstrip("/"), steps[1], steps[2], _proxy(api, environ))


def _proxy(api: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy of the runner. That of Vault is another one."""
    try:
        return proxy_for(api, {name: environ[name] for name in environ if name not in OWN})
    except VaultError:
        raise UsageError(
            "RC712",
            "the proxy that HTTPS_PROXY names cannot be used",
            "correct or unset HTTPS_PROXY; NO_PROXY names hosts that are asked directly",
        ) from None


def pull_request_of(environ: Mapping[str, str]) -> int | None:
    """The number of the pull request that a job is about; None when it is about none.

    Raises ``UsageError`` RC712.
    """
    path = environ.get("GITHUB_EVENT_PATH", "")
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8"))
        number = (event.get("pull_request") or {}).get("number")
    except (OSError, ValueError, AttributeError, RecursionError):
        raise UsageError(
            "RC712",
            "the file of GITHUB_EVENT_PATH cannot be read, or holds no event",
            "run it in a job of GitHub Actions",
        ) from None
    return number if isinstance(number, int) else None


class GitHub:
    """The ``Forge`` of a repository at GitHub. ``author`` is the login that the token writes as.

    ``pause`` waits the given seconds. Methods raise ``ForgeRefused`` RC710, RC711.
    """

    limit = 65_536  # characters of a comment or of an issue
    rest = "\n\nThe rest is left out here: the job's summary and the plan file have all of it.\n"

    def __init__(
        self,
        repository: GitHubRepository,
        token: Secret,
        author: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(repository.api)
        web = Web(f"{parts.scheme}://{parts.netloc}", None, TIMEOUT, proxy=repository.proxy)
        self._api = Api(
            GITHUB_API,
            repository.api,
            web,
            token=token,
            pause=pause,
        )
        self._root = ("repos", repository.owner, repository.name)
        self._author = author

    def author(self) -> str:
        return self._author

    def notes(self, request: int) -> Iterator[Entry]:
        for one in self._api.pages(*self._root, "issues", request, "comments"):
            yield Entry(author=_author_of(one), body=one.get("body") or "", number=one["id"])

    def write_note(self, request: int, body: str) -> None:
        self._api.send("POST", *self._root, "issues", request, "comments", body=body)

    def edit_note(self, request: int, number: int, body: str) -> None:
        self._api.send("PATCH", *self._root, "issues", "comments", number, body=body)

    def open_issues(self) -> Iterator[Entry]:
        query = {"state": "open", "sort": "created", "direction": "asc"}
        for one in self._api.pages(*self._root, "issues", **query):
            if "pull_request" not in one:
                author = _author_of(one)
                yield Entry(author=author, body=one.get("body") or "", number=one["number"])

    def write_issue(self, title: str, body: str) -> None:
        self._api.send("POST", *self._root, "issues", title=title, body=body)

    def edit_issue(self, number: int, title: str, body: str) -> None:
        self._api.send("PATCH", *self._root, "issues", number, title=title, body=body)

    def close_issue(self, number: int, *, done: bool) -> None:
        reason = "completed" if done else "not_planned"
        self._api.send("PATCH", *self._root, "issues", number, state="closed", state_reason=reason)


def _author_of(entry: Any) -> str | None:
    login = (entry.get("user") or {}).get("login")
    return None if login is None else str(login)
