"""What the action's scripts read of GitHub's REST API. Nothing is written here: `reconciler github`
does that.

Standard library alone; the token is never printed.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any

TRIES = 5
TIMEOUT = 30.0  # seconds without an answer
LONGEST_WAIT = (
    60.0  # seconds; GitHub asks for minutes when it really means it: that is no wait for a job
)
LARGEST = 64 * 1024 * 1024  # bytes of an answer
_AGAIN = (500, 502, 503, 504)
_MOVED = (301, 302, 303, 307, 308)


class ApiError(Exception):
    """A request that failed after all tries."""


class _AsItIs(urllib.request.HTTPErrorProcessor):
    """Every status is an answer here, a redirect above all: the token must not follow it to another
    host."""

    def http_response(
        self,
        request: urllib.request.Request,  # noqa: ARG002
        response: http.client.HTTPResponse,
    ) -> Any:
        return response

    https_response = http_response


def asked(request: urllib.request.Request) -> tuple[int, bytes]:
    """Status and body of one request that follows no redirect. Raises ``OSError``, ``ValueError``,
    ``HTTPException`` and, for an answer that is too large, ``ApiError``."""
    with urllib.request.build_opener(_AsItIs).open(request, timeout=TIMEOUT) as response:
        return response.status, _read(response)


class Answer:
    """One response, read whole. Names of ``headers`` are in lower case."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


class Api:
    """``url`` is GITHUB_API_URL; ``pause`` waits the given seconds. Methods raise ``ApiError``."""

    def __init__(self, url: str, token: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._url, self._token, self._pause = url.rstrip("/"), token, pause
        self._opener = urllib.request.build_opener(_AsItIs)

    def get(self, path: str, **query: str) -> Any:
        return self._ask(self._address(path, query)).json()

    def pages(self, path: str, field: str = "", **query: str) -> Iterator[Any]:
        """Every entry of a list, page by page.

        ``field``: where the list is, if the answer is an object.
        """
        address: str | None = self._address(path, {"per_page": "100", **query})
        while address is not None:
            answer = self._ask(address)
            found = answer.json()
            yield from found[field] if field else found
            address = self._next(answer)

    def download(self, path: str) -> bytes:
        """What the path redirects to. Its host is another one, which gets no token."""
        return self._ask(self._address(path, {})).body

    def _address(self, path: str, query: Mapping[str, str]) -> str:
        return self._url + path + (f"?{urllib.parse.urlencode(query)}" if query else "")

    def _next(self, answer: Answer) -> str | None:
        for link in answer.headers.get("link", "").split(","):
            address, _, relation = link.partition(";")
            if 'rel="next"' in relation:
                found = address.strip().strip("<>")
                if not self._ours(found):
                    raise ApiError("the next page is said to be on another host")
                return found
        return None

    def _ours(self, address: str) -> bool:
        return _origin(address) == _origin(self._url)

    def _ask(self, address: str) -> Answer:
        """Ask until there is an answer, ``TRIES`` times at most."""
        for tried in range(1, TRIES + 1):
            answer = self._once(address)
            if answer is not None and 200 <= answer.status < 300:
                return answer
            if answer is not None and answer.status in _MOVED and tried < TRIES:
                address = urllib.parse.urljoin(address, answer.headers.get("location", ""))
                if urllib.parse.urlsplit(address).scheme != urllib.parse.urlsplit(self._url).scheme:
                    raise ApiError("it redirects to an address of another kind")
                continue
            wait = _wait(answer, tried)
            if wait is None or wait > LONGEST_WAIT or tried == TRIES:
                raise ApiError(_why(address, answer, wait))
            self._pause(wait)
        raise AssertionError("unreachable: the last try returns or raises")

    def _once(self, address: str) -> Answer | None:
        """One request; None when there is no answer."""
        headers = {"Accept": "application/vnd.github+json", "User-Agent": "reconciler-action"}
        if self._ours(address):
            headers |= {
                "Authorization": f"Bearer {self._token}",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - the runner's API or where it leads
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, found, _read(response))
        except (OSError, ValueError, http.client.HTTPException):
            return None


def _read(response: Any) -> bytes:
    data: bytes = response.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ApiError(f"the answer has more than {LARGEST} bytes")
    return data


def _origin(address: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(address)
    return parts.scheme, parts.netloc


def _wait(answer: Answer | None, tried: int) -> float | None:
    """Seconds until the next try; None: there is no use in one.

    As GitHub's "Best practices for using the REST API".
    """
    backoff = float(2 ** (tried - 1))
    if answer is None or answer.status in _AGAIN:
        return backoff
    if answer.status not in (403, 429):
        return None
    asked = answer.headers.get("retry-after", "")
    if asked.isdigit():
        return float(asked)
    if answer.headers.get("x-ratelimit-remaining") == "0":
        reset = answer.headers.get("x-ratelimit-reset", "")
        return max(0.0, float(reset) - time.time()) if reset.isdigit() else backoff
    return backoff if answer.status == 429 else None


def _why(address: str, answer: Answer | None, wait: float | None) -> str:
    what = f"GET {urllib.parse.urlsplit(address).path}"
    if answer is None:
        return f"{what}: no answer"
    try:
        said = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        said = "no message"
    line = " ".join("".join(c if c.isprintable() else " " for c in said).split())[:200]
    later = (
        f"; GitHub asks to wait {wait:.0f} s" if wait is not None and wait > LONGEST_WAIT else ""
    )
    return f"{what}: status {answer.status}: {line}{later}"
