"""The few requests to a forge's REST API that a job makes: bounded, patient, and with the token for
that host alone.

No request leaves the origin of the API, whatever an answer says: a redirect or a next page that is
elsewhere is refused.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from reconciler.adapters.forges.forge import ForgeRefused
from reconciler.adapters.forges.web import Web
from reconciler.adapters.vault.http.errors import printable
from reconciler.adapters.vault.http.exchanged import Lost, NotSent, Reply
from reconciler.dataclass import dataclass
from reconciler.domain.secrecy import held
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values.hosts import is_private
from reconciler.errors import UsageError

TRIES = 5
TIMEOUT = 120.0  # seconds of one exchange, the body and all
# seconds: a forge asks for more when it really means it, and that is no wait for a job
LONGEST_WAIT = 60.0
_LARGEST = 64 * 1024 * 1024  # bytes of an answer
PAGES = 200  # of a hundred entries
_AGAIN = (500, 502, 503, 504)
_MOVED = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What distinguishes the REST API of one forge.

    ``unusable`` and ``denied`` are the codes of its errors, ``may_not`` the remedy of the second.
    ``headers`` are those of every request, by the token. ``limited`` takes an answer and the usual
    back-off in seconds, and says how long to wait before the request is sent again; None: it is
    refused for good. ``following`` takes a target and its answer, and says where the next page is;
    empty: this was the last one. ``follows``: whether a GET goes where a redirect points.
    """

    name: str
    unusable: str
    denied: str
    may_not: str
    headers: Callable[[Secret], Mapping[str, str]]
    limited: Callable[[Reply, float], float | None]
    following: Callable[[str, Reply], str]
    follows: bool = False

    def wrong(self, why: str, status: int = 0, *, unclear: bool = False) -> ForgeRefused:
        """An answer of no use, or none."""
        remedy = f"run the job again; when it stays so, look at the state of that {self.name}"
        return ForgeRefused(self.unusable, f"{self.name}: {why}", remedy, status, unclear=unclear)


class Api:
    """The API at ``address`` as ``token`` sees it, asked through ``web``.

    ``pause`` waits the given seconds. Methods raise ``ForgeRefused``.
    """

    def __init__(
        self,
        dialect: Dialect,
        address: str,
        web: Web,
        *,
        token: Secret,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(address)
        self._dialect = dialect
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._prefix = parts.path
        self._web = web
        self._token = token
        self.pause = pause

    def get(self, *path: object, **query: str) -> Any:
        return self._json("GET", self._target(path, query))

    def pages(self, *path: object, **query: str) -> Iterator[Any]:
        """Every entry of a list, page by page."""
        target = self._target(path, {"per_page": "100", **query})
        for _ in range(PAGES):
            target, reply = self._ask("GET", target)
            found = self._decode("GET", target, reply)
            if not isinstance(found, list):
                raise self._dialect.wrong(f"{_where('GET', target)}: the answer is no list")
            yield from found
            following = self._dialect.following(target, reply)
            if not following:
                return
            target = self._here(target, following, "the next page is said to be")

    def send(self, method: str, *path: object, **fields: str) -> Any:
        """Send a JSON object."""
        return self._json(method, self._target(path, {}), json.dumps(fields).encode())

    def download(self, *path: object, largest: int) -> bytes:
        """A file. More than ``largest`` bytes are not taken."""
        return self._ask("GET", self._target(path, {}), cap=largest)[1].body

    def _target(self, path: tuple[object, ...], query: Mapping[str, str]) -> str:
        """Each part of ``path`` is one step, whatever characters are in it."""
        steps = "".join(f"/{quote(str(step), safe='')}" for step in path)
        return self._prefix + steps + (f"?{urlencode(query)}" if query else "")

    def _here(self, target: str, address: str, what: str) -> str:
        """The target that an answer to ``target`` names, which has to be one of this origin."""
        try:
            parts = urlsplit(urljoin(self._origin + target, address))
        except ValueError:
            parts = urlsplit("")
        if f"{parts.scheme}://{parts.netloc}" != self._origin:
            raise self._dialect.wrong(f"{_where('GET', target)}: {what} on another host")
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _json(self, method: str, target: str, body: bytes | None = None) -> Any:
        target, reply = self._ask(method, target, body)
        return self._decode(method, target, reply)

    def _decode(self, method: str, target: str, reply: Reply) -> Any:
        try:
            return json.loads(reply.body)
        except (ValueError, RecursionError):
            raise self._dialect.wrong(f"{_where(method, target)}: the answer is no JSON") from None

    def _ask(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        cap: int = _LARGEST,
    ) -> tuple[str, Reply]:
        """Ask until there is an answer, ``TRIES`` times at most; the target that gave it, and it.

        A POST that may have been done is not repeated.
        """
        for tried in range(1, TRIES + 1):
            found = self._once(method, target, body, cap)
            status = found.status if isinstance(found, Reply) else 0
            if isinstance(found, Reply) and 200 <= status < 300:
                return target, found
            moved = self._dialect.follows and method == "GET" and status in _MOVED
            if isinstance(found, Reply) and moved and tried < TRIES:
                location = found.headers.get("location", "")
                target = self._here(target, location, "it is said to have moved, to an address")
                continue
            wait = self._wait(found, tried)
            unclear = method == "POST" and (isinstance(found, Lost) or status in _AGAIN)
            if wait is None or wait > LONGEST_WAIT or unclear or tried == TRIES:
                raise self._refusal(_where(method, target), found, wait, unclear=unclear)
            self.pause(wait)
        raise AssertionError("unreachable: the last try returns or raises")

    def _once(
        self,
        method: str,
        target: str,
        body: bytes | None,
        cap: int,
    ) -> Reply | NotSent | Lost:
        headers = {"user-agent": "reconciler", **self._dialect.headers(self._token)}
        if body is not None:
            headers["content-type"] = "application/json"
        try:
            return self._web.exchange(method, target, headers, body, cap)
        except (NotSent, Lost) as error:
            return error

    def _wait(self, found: Reply | NotSent | Lost, tried: int) -> float | None:
        """Seconds until the next try; None: there is no use in one."""
        backoff = float(2 ** (tried - 1))
        if not isinstance(found, Reply):
            return None if found.lasting else backoff
        return backoff if found.status in _AGAIN else self._dialect.limited(found, backoff)

    def _refusal(
        self,
        where: str,
        found: Reply | NotSent | Lost,
        wait: float | None,
        *,
        unclear: bool,
    ) -> ForgeRefused:
        if not isinstance(found, Reply):
            return self._dialect.wrong(f"{where}: {found.why}", unclear=unclear)
        later = (
            f"; it asks to wait {wait:.0f} s" if wait is not None and wait > LONGEST_WAIT else ""
        )
        why = f"{where}: status {found.status}{_read_message(found)}{later}"
        refused = self._dialect.wrong(why, found.status, unclear=unclear)
        if not refused.denied:
            return refused
        remedy = self._dialect.may_not
        return ForgeRefused(self._dialect.denied, refused.message, remedy, found.status)


@contextmanager
def of_another_shape(dialect: Dialect) -> Iterator[None]:
    """An answer without the fields that the forge documents is an error of its own."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"an answer is not of the documented shape ({type(error).__name__})"
        raise dialect.wrong(why) from None


def is_api(address: str) -> bool:
    """Whether a token may be sent to ``address``: TLS, or this machine, and nothing but a path."""
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


def token_of(environ: Mapping[str, str], variable: str, code: str) -> Secret | None:
    """The token in ``variable``; None when there is none. Raises ``UsageError`` ``code``."""
    text = environ.get(variable, "").strip()
    if not text:
        return None
    if not re.fullmatch(r"[!-~]{1,1000}", text):
        raise UsageError(
            code, f"{variable} holds no token: white space in it, or no ASCII", "set it again"
        )
    return held.remember_for_good(Secret(text))


def seconds_until(reset: str) -> float | None:
    """How long until a time in seconds since 1970, as headers have it; None: it is none."""
    known = reset.isascii() and reset.isdecimal()
    return max(0.0, float(reset[:12]) - time.time()) if known else None


def _where(method: str, target: str) -> str:
    return f"{method} {printable(urlsplit(target).path, 200)}"


def _read_message(reply: Reply) -> str:
    """What a forge's errors say, in ``message`` or ``error``."""
    try:
        document = json.loads(reply.body)
        said = document.get("message") or document.get("error")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return (
        f": {printable(said if isinstance(said, str) else json.dumps(said), 200)}" if said else ""
    )
