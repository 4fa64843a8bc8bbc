"""Who approved and who wrote, as platforms tell it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.trust.platform import (
    Person,
    all_authors,
    approver,
    platform_host,
    read_authors,
    same_person,
)

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_ACTOR": "ada"}
GITLAB = {
    "GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "push", "GITLAB_USER_LOGIN": "ada", "GITLAB_USER_NAME": "Ada",
    "GITLAB_USER_EMAIL": "ada@example.com",
}  # fmt: skip
APPROVERS: dict[str, tuple[dict[str, str], Person | None]] = {
    "nothing": ({}, None),
    "variables of a platform that does not run us": (
        {"GITHUB_ACTOR": "ada", "GITLAB_USER_LOGIN": "ada"},
        None,
    ),
    "GitHub": (GITHUB, Person("ada")),
    "GitHub, run again by another": ({**GITHUB, "GITHUB_TRIGGERING_ACTOR": "bob"}, Person("bob")),
    "GitHub, a schedule": ({**GITHUB, "GITHUB_EVENT_NAME": "schedule"}, None),
    "GitHub, a bot": ({**GITHUB, "GITHUB_ACTOR": "renovate[bot]"}, None),
    "GitHub, nobody": ({"GITHUB_ACTIONS": "true"}, None),
    "GitLab": (GITLAB, Person("ada", "ada@example.com", "Ada")),
    "GitLab, a schedule": ({**GITLAB, "CI_PIPELINE_SOURCE": "schedule"}, None),
    "GitLab, nobody": ({"GITLAB_CI": "true"}, None),
    "the pipeline knows better": ({**GITHUB, "RECONCILER_APPROVER": "@bob"}, Person("bob")),
    "an address": ({"RECONCILER_APPROVER": "bob@example.com"}, Person(email="bob@example.com")),
    "a name and an address": (
        {"RECONCILER_APPROVER": "Bob <bob@example.com>"},
        Person("", "bob@example.com", "Bob"),
    ),
}


@pytest.mark.parametrize("name", APPROVERS)
def test_who_approved(name: str) -> None:
    environ, expected = APPROVERS[name]
    assert approver(environ) == expected


def payload(folder: Path, content: Any) -> dict[str, str]:
    path = folder / "event.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return {**GITHUB, "GITHUB_EVENT_PATH": str(path)}


def commit(login: str, number: str = "1") -> dict[str, Any]:
    return {
        "id": number,
        "author": {"username": login, "email": f"{login}@example.com", "name": login.title()},
    }


def test_authors_of_a_push(tmp_path: Path) -> None:
    environ = payload(
        tmp_path,
        {"commits": [commit("bob"), commit("ada", "2")], "head_commit": commit("ada", "2")},
    )
    assert {person.login for person in read_authors(environ, "2", is_merge=False)} == {"ada", "bob"}
    # Who pressed the button is the author of the merge, not of what it merged.
    assert {person.login for person in read_authors(environ, "2", is_merge=True)} == {"bob"}


def test_the_author_of_a_pull_request(tmp_path: Path) -> None:
    environ = payload(tmp_path, {"pull_request": {"user": {"login": "bob"}}})
    assert read_authors(environ, "2", is_merge=False) == [Person("bob")]


@pytest.mark.parametrize(
    "content",
    [
        "", "[", "[]", "null", "[" * 5000, {"commits": {}}, {"commits": [1, None, {"author": 3}]}, {"head_commit": []},
        {"pull_request": []}, {"pull_request": {"user": {"login": None}}},
    ],
)  # fmt: skip
def test_a_payload_that_says_nothing(content: Any, tmp_path: Path) -> None:
    assert read_authors(payload(tmp_path, content), "2", is_merge=False) == []


def test_no_payload(tmp_path: Path) -> None:
    for path in ("", str(tmp_path), str(tmp_path / "none")):
        assert read_authors({**GITHUB, "GITHUB_EVENT_PATH": path}, "2", is_merge=False) == []


def test_authors_by_variables() -> None:
    environ = {**GITLAB, "CI_COMMIT_AUTHOR": "Bob <bob@example.com>"}
    assert read_authors(environ, "", is_merge=False) == [Person("", "bob@example.com", "Bob")]
    assert read_authors(environ, "", is_merge=True) == []
    assert read_authors({"CI_COMMIT_AUTHOR": "Bob <bob@example.com>"}, "", is_merge=False) == []
    said = {**environ, "RECONCILER_AUTHOR": "bob, cy@example.com"}
    assert read_authors(said, "", is_merge=False) == [Person("bob"), Person(email="cy@example.com")]


def test_an_author_whom_both_tell_of_is_one() -> None:
    told, committed = Person("bob", "Bob@example.com", "Bob"), Person("", "bob@example.com", "Bob")
    assert all_authors([told], [committed, Person("", "cy@example.com", "Cy")]) == [
        told, Person("", "cy@example.com", "Cy"),
    ]  # fmt: skip


ADA = Person("ada", "ada@example.com", "Ada")
SAME: dict[str, tuple[Person | None, list[Person], bool | None]] = {
    "by login": (Person("ada"), [Person("Ada")], True),
    "another login": (Person("ada"), [Person("bob")], False),
    "by address": (ADA, [Person("", "Ada@Example.com")], True),
    "one of two": (Person("ada"), [Person("bob"), Person("ada")], True),
    "GitHub's address of a login": (
        Person("ada"),
        [Person("", "1234+Ada@users.noreply.github.com", "Somebody")],
        True,
    ),
    "its old form": (Person("ada"), [Person("", "ada@users.noreply.github.com")], True),
    "that of another platform": (
        Person("ada"),
        [Person("", "1234-ada@users.noreply.gitlab.com")],
        None,
    ),
    "of another login, as anybody can write it": (
        Person("ada"),
        [Person("", "1+bob@users.noreply.github.com")],
        None,
    ),
    "so, with one's own name": (ADA, [Person("", "1+zed@users.noreply.github.com", "Ada")], True),
    "so, with another name": (ADA, [Person("", "1+zed@users.noreply.github.com", "Zed")], None),
    "so, of another platform": (ADA, [Person("", "1-zed@users.noreply.gitlab.com", "Zed")], None),
    "another address, the same name": (ADA, [Person("", "ada@home.example", "ada")], True),
    "another address, another name": (ADA, [Person("", "bob@example.com", "Bob")], False),
    "a login and an address": (Person("ada"), [Person("", "bob@example.com", "Bob")], None),
    "one that differs, one that nobody knows": (
        Person("ada"),
        [Person("bob"), Person("", "x@example.com")],
        None,
    ),
    "nobody approved": (None, [ADA], None),
    "nobody wrote": (ADA, [], None),
}


@pytest.mark.parametrize("name", SAME)
def test_whether_it_is_the_same_person(name: str) -> None:
    who, authors, expected = SAME[name]
    assert same_person(who, authors, "github.com") is expected


@pytest.mark.parametrize(
    ("environ", "host"),
    [
        ({}, ""),
        ({"GITHUB_SERVER_URL": "https://github.com"}, ""),
        (GITHUB, "github.com"),
        ({**GITHUB, "GITHUB_SERVER_URL": "https://Git.Example.com:8443"}, "git.example.com"),
        ({**GITHUB, "GITHUB_SERVER_URL": "https://[::1"}, "github.com"),
        (GITLAB, "gitlab.com"),
        ({**GITLAB, "CI_SERVER_HOST": "Git.example.com"}, "git.example.com"),
    ],
)
def test_whose_addresses_are_logins(environ: dict[str, str], host: str) -> None:
    assert platform_host(environ) == host
    author = Person("", f"12-ada@users.noreply.{host or 'github.com'}")
    assert same_person(Person("ada"), [author], host) is (True if host else None)
