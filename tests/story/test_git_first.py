"""Whether git can take the report is looked at before anything is changed; only a revocation goes
on without it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git


def no_repository(checkout: Checkout) -> None:
    shutil.rmtree(checkout.root / ".git")


def no_identity(checkout: Checkout) -> None:
    home = checkout.root.parent / "home/.gitconfig"
    home.write_text("")


def merging(checkout: Checkout) -> None:
    (checkout.root / ".git/MERGE_HEAD").write_text(git(checkout.root, "rev-parse", "HEAD") + "\n")


def ignored(checkout: Checkout) -> None:
    (checkout.root / ".git/info/exclude").write_text("audit/\n")


def a_link(checkout: Checkout) -> None:
    (checkout.root / "audit").rename(checkout.root / "reports")
    (checkout.root / "audit").symlink_to("reports")


def a_file(checkout: Checkout) -> None:
    shutil.rmtree(checkout.root / "audit")
    (checkout.root / "audit").write_text("a file\n")


def as_it_is(checkout: Checkout) -> None:
    """``--push``, and the branch has no upstream."""


def detached(checkout: Checkout) -> None:
    git(checkout.root, "checkout", "--quiet", "--detach")


def elsewhere(checkout: Checkout) -> None:
    """Another branch than the one that audit commits go to."""
    project = checkout.root / "reconciler.yaml"
    text = project.read_text()
    assert text.count("    path: audit\n") == 1
    project.write_text(text.replace("    path: audit\n", "    path: audit\n    branch: main\n"))
    checkout.commit("declare the branch")
    git(checkout.root, "checkout", "--quiet", "-b", "fix")


Break = Callable[[Checkout], None]
CASES = [
    (no_repository, (), "RC602"),
    (no_identity, (), "RC603"),
    (ignored, (), "RC604"),
    (merging, (), "RC605"),
    (a_link, (), "RC606"),
    (a_file, (), "RC606"),
    (detached, ("--push",), "RC612"),
    (elsewhere, (), "RC619"),
    (elsewhere, ("--push",), "RC619"),
    (as_it_is, ("--push",), "RC613"),
]


@pytest.fixture
def issued(checkout: Checkout) -> Checkout:
    checkout.client("partner")
    checkout.commit()
    checkout.apply().ok()
    return checkout


@pytest.mark.parametrize(("broken", "options", "code"), CASES)
def test_nothing_is_changed_where_git_cannot_take_the_report(
    broken: Break, options: tuple[str, ...], code: str, issued: Checkout
) -> None:
    issued.client("partner", scopes=["ledger:read"])
    if broken is not no_repository:
        issued.commit()
    broken(issued)
    before = issued.everything_written()
    rotate = (
        "rotate",
        "-e",
        issued.environment,
        "partner",
        "--reason",
        "leaked",
        "--format",
        "json",
    )
    # Without a repository nobody can tell what was applied last: the plan of an apply is blocked.
    blocked = (3, "RC373") if broken is no_repository else (1, code)
    for ran, expected in (
        (issued.apply(*options), blocked),
        (issued.run(*rotate, *options), (1, code)),
    ):
        assert (ran.code, ran.json["code"]) == expected
        assert ran.json["remedy"]
    assert issued.everything_written() == before


@pytest.mark.parametrize(("broken", "options", "code"), CASES)
def test_a_revocation_goes_on_and_warns(
    broken: Break, options: tuple[str, ...], code: str, issued: Checkout
) -> None:
    broken(issued)
    why = ("--reason", "compromise", "--format", "json")
    ran = issued.run("revoke", "-e", issued.environment, "partner", *why, *options)
    assert (ran.code, ran.json["problem"]["code"]) == (1, code)
    assert (
        f"the revocation goes on, and its report waits: {ran.json['problem']['message'].partition(':')[0]}"
        in ran.err
    )
    assert issued.secret("keys/partner.primary", 1) is None


def test_whoever_does_not_commit_is_not_asked(issued: Checkout) -> None:
    issued.client("partner", scopes=["ledger:read"])
    merging(issued)
    ran = issued.apply("--no-commit").ok()
    assert Path(issued.root / ran.json["audit"]["path"]).is_file()


def test_with_nothing_to_do_nobody_needs_git(issued: Checkout) -> None:
    no_identity(issued)
    issued.apply().ok()
