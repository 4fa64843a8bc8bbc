"""The few requests to GitLab's REST API that a job makes: bounded, patient, and with the token for
that host alone.

An address comes from no answer: not from a redirect, which is not followed, and not from a
``Link``, of which only the page's number is read. Sections of GitLab's documentation: "REST API",
"Rate limits", "Pagination".
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from reconciler.adapters.forges.web import Web
from reconciler.adapters.vault.http.errors import printable
from reconciler.adapters.vault.http.patience import asked_to_wait
from reconciler.adapters.vault.http.wire import Lost, NotSent, Reply
from reconciler.domain.secrecy import held
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values.hosts import is_private
from reconciler.errors import DeliveryError, PlatformError, UsageError

TOKEN_VARIABLE = "RECONCILER_GITLAB_TOKEN"
TRIES = 5
TIMEOUT = 120.0  # seconds of one exchange, the body and all
# seconds: GitLab asks for more when it really means it, and that is no wait for a job
LONGEST_WAIT = 60.0
LARGEST = 64 * 1024 * 1024  # bytes of an answer
PAGES = 200  # of a hundred entries
_AGAIN = (500, 502, 503, 504)
_DENIED = (401, 403, 404)
_NEXT = re.compile(r"<[^>]*[?&]page=([0-9]+)[^>]*>; *rel=\"next\"")


class GitLabRefused(PlatformError):
    """A request that failed after all tries.

    ``status`` 0: no answer. ``unclear``: a write may have been done.
    """

    def __init__(
        self, code: str, message: str, remedy: str, status: int, *, unclear: bool = False
    ) -> None:
        super().__init__(code, message, remedy)
        self.status = status
        self.unclear = unclear

    @property
    def denied(self) -> bool:
        """Whether the token may not do that.

        Of what it may not see GitLab says that it does not exist.
        """
        return self.status in _DENIED


@dataclass(frozen=True, slots=True)
class Project:
    """Where a job runs: ``api`` is CI_API_V4_URL, ``number`` CI_PROJECT_ID, ``ca`` a PEM file for a
    server's own CA."""

    api: str
    number: int
    ca: str | None = None

    @classmethod
    def of_job(cls, environ: Mapping[str, str]) -> Project:
        """What the variables of a job say. Raises ``UsageError`` RC702."""
        api, number = environ.get("CI_API_V4_URL", ""), environ.get("CI_PROJECT_ID", "")
        if not (api and number):
            raise UsageError(
                "RC702",
                "CI_API_V4_URL and CI_PROJECT_ID are not set: this is no job of GitLab CI",
                "run it in a job; elsewhere `reconciler show` shows a plan",
            )
        if not _is_api(api):
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


def _is_api(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(
            is_private(parts)
            and re.fullmatch(r"[!-~]{1,300}", address)
            and parts.port != 0
            and not (parts.query or parts.fragment or "@" in parts.netloc)
        )
    except ValueError:
        return False


def token_of(environ: Mapping[str, str]) -> Secret | None:
    """The token that the project gives its jobs; None when it gives none.

    Raises ``UsageError`` RC702.
    """
    text = environ.get(TOKEN_VARIABLE, "").strip()
    if not text:
        return None
    if not re.fullmatch(r"[!-~]{1,1000}", text):
        raise UsageError(
            "RC702",
            f"{TOKEN_VARIABLE} holds no token: white space in it, or no ASCII",
            "set it again",
        )
    return held.keep(Secret(text))


class Api:
    """GitLab as ``token`` sees it.

    ``pause`` waits the given seconds. Methods raise ``GitLabRefused`` RC700, RC701.
    """

    def __init__(
        self, project: Project, token: Secret, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.project = project
        self._token = token
        self.pause = pause
        parts = urlsplit(project.api)
        self._prefix = parts.path
        try:
            self._web = Web(f"{parts.scheme}://{parts.netloc}", project.ca, TIMEOUT)
        except DeliveryError:
            raise UsageError(
                "RC702",
                "the file of CI_SERVER_TLS_CA_FILE cannot be read, or is not PEM",
                "correct that variable",
            ) from None

    def get(self, *path: object, **query: str) -> Any:
        return self._json("GET", self._target(path, query))

    def pages(self, *path: object, **query: str) -> Iterator[Any]:
        """Every entry of a list, page by page."""
        page = "1"
        for _ in range(PAGES):
            target = self._target(path, {"per_page": "100", "page": page, **query})
            reply = self._ask("GET", target)
            found = _decoded("GET", target, reply)
            if not isinstance(found, list):
                raise _unusable("GET", target, "is no list")
            yield from found
            page = _next_page(reply.headers)
            if not page:
                return

    def send(self, method: str, *path: object, **fields: str) -> Any:
        """POST or PUT a JSON object."""
        return self._json(method, self._target(path, {}), json.dumps(fields).encode())

    def download(self, *path: object, largest: int) -> bytes:
        """A file. More than ``largest`` bytes are not taken."""
        return self._ask("GET", self._target(path, {}), cap=largest).body

    def _target(self, path: tuple[object, ...], query: Mapping[str, str]) -> str:
        """Each part of ``path`` is one step, whatever characters are in it."""
        steps = "".join(f"/{quote(str(step), safe='')}" for step in path)
        return self._prefix + steps + (f"?{urlencode(query)}" if query else "")

    def _json(self, method: str, target: str, body: bytes | None = None) -> Any:
        return _decoded(method, target, self._ask(method, target, body))

    def _ask(
        self, method: str, target: str, body: bytes | None = None, cap: int = LARGEST
    ) -> Reply:
        """Ask until there is an answer, ``TRIES`` times at most.

        A POST that may have been done is not repeated.
        """
        for tried in range(1, TRIES + 1):
            reply, why, sent = self._once(method, target, body, cap)
            if reply is not None and 200 <= reply.status < 300:
                return reply
            wait = _wait(reply, tried) if not why.startswith("the answer is larger") else None
            unclear = method == "POST" and sent and (reply is None or reply.status in _AGAIN)
            if wait is None or wait > LONGEST_WAIT or unclear or tried == TRIES:
                raise _refused(method, target, reply, why, wait, unclear=unclear)
            self.pause(wait)
        raise AssertionError("unreachable: the last try returns or raises")

    def _once(
        self, method: str, target: str, body: bytes | None, cap: int
    ) -> tuple[Reply | None, str, bool]:
        """One request: its answer, else why there is none, and whether it may have arrived."""
        headers = {
            "accept": "application/json",
            "user-agent": "reconciler",
            "private-token": self._token.reveal(),
        }
        if body is not None:
            headers["content-type"] = "application/json"
        try:
            return self._web.exchange(method, target, headers, body, cap), "", True
        except NotSent as error:
            return None, error.why, False
        except Lost as error:
            return None, error.why, True


@contextmanager
def of_another_shape() -> Iterator[None]:
    """An answer without the fields that GitLab documents is an error of the platform's: RC700."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"GitLab: an answer is not of the documented shape ({type(error).__name__})"
        raise GitLabRefused("RC700", why, _LATER, 0) from None


def _next_page(headers: Mapping[str, str]) -> str:
    """The number of the page that follows; empty at the last one."""
    number = headers.get("x-next-page", "").strip()
    if not number:
        found = _NEXT.search(headers.get("link", ""))
        number = found[1] if found else ""
    return number if re.fullmatch(r"[0-9]{1,9}", number) else ""


def _wait(reply: Reply | None, tried: int) -> float | None:
    """Seconds until the next try; None: there is no use in one."""
    backoff = float(2 ** (tried - 1))
    if reply is None or reply.status in _AGAIN:
        return backoff
    if reply.status != 429:
        return None
    asked, reset = asked_to_wait(reply), reply.headers.get("ratelimit-reset", "")
    if asked is not None:
        return asked
    return max(0.0, float(reset) - time.time()) if reset.isascii() and reset.isdigit() else backoff


def _decoded(method: str, target: str, reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        raise _unusable(method, target, "is no JSON") from None


def _where(method: str, target: str) -> str:
    return f"{method} {printable(urlsplit(target).path, 200)}"


def _unusable(method: str, target: str, why: str) -> GitLabRefused:
    return GitLabRefused("RC700", f"GitLab: {_where(method, target)}: the answer {why}", _LATER, 0)


_LATER = "run the job again; when it stays so, look at the state of that GitLab"
_MAY_NOT = (
    f"{TOKEN_VARIABLE} is a project access token of this project with the scope api and the role"
    " Reporter: make a new one when it has expired"
)


def _refused(
    method: str, target: str, reply: Reply | None, why: str, wait: float | None, *, unclear: bool
) -> GitLabRefused:
    where = _where(method, target)
    if reply is None:
        return GitLabRefused("RC700", f"GitLab: {where}: {why}", _LATER, 0, unclear=unclear)
    later = f"; it asks to wait {wait:.0f} s" if wait is not None and wait > LONGEST_WAIT else ""
    told = f"GitLab: {where}: status {reply.status}{_said(reply)}{later}"
    if reply.status in _DENIED:
        return GitLabRefused("RC701", told, _MAY_NOT, reply.status)
    return GitLabRefused("RC700", told, _LATER, reply.status, unclear=unclear)


def _said(reply: Reply) -> str:
    """What GitLab's errors say, in ``message`` or ``error``."""
    try:
        document = json.loads(reply.body)
        said = document.get("message") or document.get("error")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return (
        f": {printable(said if isinstance(said, str) else json.dumps(said), 200)}" if said else ""
    )
