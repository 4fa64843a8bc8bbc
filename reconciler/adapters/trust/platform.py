"""What the platform that runs us tells of people: who approved, who wrote. Variables that GitHub
and GitLab document.

GitHub: who started or re-ran the workflow (``GITHUB_TRIGGERING_ACTOR``, ``GITHUB_ACTOR``: after a
merge, who merged), and the event's payload. GitLab: who started the pipeline or the manual job
(``GITLAB_USER_*``), ``CI_COMMIT_AUTHOR``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.dataclass import dataclass

_MAX_PAYLOAD = 16 << 20
# 1234+ada@users.noreply.github.com, ada@users.noreply.github.com; 1234-ada@users.noreply.gitlab.com
_NOREPLY = re.compile(r"(?:[0-9]+[+-])?([^@]+)@users\.noreply\.([a-z0-9.-]+)\Z")
_NAMED = re.compile(r"\s*(.*?)\s*<([^<>]*)>\s*\Z")


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of somebody; empty: not known."""

    login: str = ""
    email: str = ""
    name: str = ""

    def is_same(self, other: Person, host: str) -> bool | None:
        """None: what is known of the two cannot be compared. Names decide only where nothing else
        does.

        A git address is what its author wrote. The login that the platform at ``host`` makes
        addresses of proves that they are the same, never that they differ: nobody checked it.
        """
        emails, logins = (
            (self.email.lower(), other.email.lower()),
            (self.login.lower(), other.login.lower()),
        )
        if all(emails) and emails[0] == emails[1]:
            return True
        if all(logins):
            return logins[0] == logins[1]
        handles, names = (
            (self._handle(host), other._handle(host)),
            (self.name.casefold(), other.name.casefold()),
        )
        if any(all(pair) and pair[0] == pair[1] for pair in (handles, names)):
            return True
        return False if all(emails) and not any(map(_NOREPLY.match, emails)) else None

    def _handle(self, host: str) -> str:
        """The login in lower case, perhaps from an address."""
        match = _NOREPLY.match(self.email.lower())
        return self.login.lower() or (match[1] if match and match[2] == host else "")

    def __str__(self) -> str:
        return self.login or self.name or self.email


def approver(environ: Mapping[str, str]) -> Person | None:
    """Who approved this run; None when nothing tells. A schedule and a bot are nobody.

    ``RECONCILER_APPROVER`` comes first: a pipeline that asked its platform's API knows better than
    any variable.
    """
    if said := environ.get("RECONCILER_APPROVER", "").strip():
        return _person(said)
    if environ.get("GITHUB_ACTIONS") == "true" and environ.get("GITHUB_EVENT_NAME") != "schedule":
        login = environ.get("GITHUB_TRIGGERING_ACTOR") or environ.get("GITHUB_ACTOR", "")
        return Person(login) if login and not login.endswith("[bot]") else None
    if environ.get("GITLAB_CI") == "true" and environ.get("CI_PIPELINE_SOURCE") != "schedule":
        names = ("GITLAB_USER_LOGIN", "GITLAB_USER_EMAIL", "GITLAB_USER_NAME")
        person = Person(*(environ.get(name, "") for name in names))
        return person if person.login or person.email else None
    return None


def read_authors(environ: Mapping[str, str], commit: str, *, is_merge: bool) -> list[Person]:
    """Authors that the platform names. ``commit`` is the one that is applied; who merged is not its
    author.

    ``RECONCILER_AUTHOR`` (several: with commas) comes first and alone.
    """
    if said := environ.get("RECONCILER_AUTHOR", "").strip():
        return [_person(one.strip()) for one in said.split(",") if one.strip()]
    if environ.get("GITHUB_ACTIONS") == "true":
        return list(
            _in_payload(_payload(environ.get("GITHUB_EVENT_PATH", "")), commit if is_merge else "")
        )
    match = _NAMED.match(environ.get("CI_COMMIT_AUTHOR", ""))
    if environ.get("GITLAB_CI") == "true" and match and not is_merge:
        return [Person(name=match[1], email=match[2])]
    return []


def all_authors(told: Sequence[Person], committed: Sequence[Person]) -> list[Person]:
    """Those that the platform names, and those of the commits that are not among them by their
    address."""
    known = {person.email.lower() for person in told if person.email}
    return [*told, *(person for person in committed if person.email.lower() not in known)]


def same_person(who: Person | None, authors: Sequence[Person], host: str) -> bool | None:
    """Whether ``who`` is one of ``authors``; None when that cannot be told.

    ``host`` is that of ``platform_host``.
    """
    if who is None or not authors:
        return None
    answers = {who.is_same(author, host) for author in authors}
    if True in answers:
        return True
    return None if None in answers else False


def platform_host(environ: Mapping[str, str]) -> str:
    """The host of the platform that runs us, in lower case; empty: none does."""
    if environ.get("GITHUB_ACTIONS") == "true":
        try:
            return urlsplit(environ.get("GITHUB_SERVER_URL", "")).hostname or "github.com"
        except ValueError:
            return "github.com"
    return (
        environ.get("CI_SERVER_HOST", "gitlab.com").lower()
        if environ.get("GITLAB_CI") == "true"
        else ""
    )


def _person(text: str) -> Person:
    if match := _NAMED.match(text):
        return Person(name=match[1], email=match[2])
    return Person(email=text) if "@" in text[1:] else Person(login=text.removeprefix("@"))


def _payload(path: str) -> Any:
    """The event's payload, None when it cannot be read."""
    try:
        file = Path(path)
        if not path or not file.is_file() or file.stat().st_size > _MAX_PAYLOAD:
            return None
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _in_payload(payload: Any, merge: str) -> Iterator[Person]:
    """Authors of a push's commits but the merge itself, and of a pull request."""
    if not isinstance(payload, dict):
        return
    commits = payload.get("commits")
    for commit in [*(commits if isinstance(commits, list) else ()), payload.get("head_commit")]:
        author = (
            commit.get("author") if isinstance(commit, dict) and commit.get("id") != merge else None
        )
        if isinstance(author, dict):
            yield Person(*(_text(author.get(field)) for field in ("username", "email", "name")))
    request = payload.get("pull_request")
    user = request.get("user") if isinstance(request, dict) else None
    if isinstance(user, dict) and user.get("login"):
        yield Person(_text(user["login"]))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
