"""CODEOWNERS: both forges' files, and that every name of a file means that file."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.planning.review.code_owners import CodeOwners, FileOwners
from reconciler.report.forges.code_owners import (
    GITHUB_OWNERS,
    GITLAB,
    HEAD,
    github_file,
    gitlab_file,
)
from tests.kit.git.repositories import git
from tests.kit.suite.laws import examples

FOUND = CodeOwners(
    files=(
        FileOwners("clients/a b.yaml", ("@acme/payments", "ops@example.com"), ("@ada",)),
        FileOwners("clients/odd #[1]*?.yaml", ("@acme/payments",), ()),
        FileOwners("clients/paystack.yaml", ("@acme/payments",), ("@acme/security", "@ada")),
        FileOwners("clients/unowned.yaml", (), ()),
    ),
    approvers=("@acme/security", "@ada", "@unasked"),
    shared=(".allowed signers", "api.yaml"),
)
ODD = [
    "a b",
    " a",
    "#a",
    "a#b",
    "a*",
    "a?b",
    "[ab]",
    "a\\b",
    "a\\ b",
    "!a",
    "**",
    "ä",
    "a  b",
    "{a,b}",
    "a\\",
]


@pytest.mark.parametrize(("name", "render"), [("github", github_file), ("gitlab", gitlab_file)])
def test_files(
    name: str, render: Callable[[CodeOwners, str], str], golden: Callable[[str, str], None]
) -> None:
    golden(
        f"codeowners-{name}.txt",
        render(FOUND, "") + "\n=== in a folder ===\n" + render(FOUND, "apps/in tegrations"),
    )


def test_without_approvers_nothing_but_clients_has_a_line() -> None:
    found = CodeOwners((FileOwners("clients/a.yaml", ("@acme/payments",), ()),), ())
    assert github_file(found, "") == HEAD + "\n/clients/a.yaml @acme/payments\n"
    assert gitlab_file(found, "") == HEAD + "\n[Owners]\n/clients/a.yaml @acme/payments\n"


@pytest.mark.parametrize("render", [github_file, gitlab_file])
def test_without_anybody_there_is_a_head_only(render: Callable[[CodeOwners, str], str]) -> None:
    assert render(CodeOwners((FileOwners("clients/a.yaml", (), ()),), ()), "") == HEAD


def test_git_reads_a_pattern_as_the_one_file_that_it_was_made_of(tmp_path: Path) -> None:
    """GitHub says that its patterns are those of .gitignore."""
    git(tmp_path, "init", "--quiet")
    paths = [f"clients/{name}.yaml" for name in ODD]
    found = CodeOwners(tuple(FileOwners(path, ("@x",), ()) for path in paths), ())
    patterns = [
        line.removesuffix(" @x")
        for line in github_file(found, "").removeprefix(HEAD).strip("\n").split("\n")
    ]
    (tmp_path / ".gitignore").write_text("\n".join(patterns) + "\n")
    done = subprocess.run(
        ["git", "check-ignore", "--verbose", "--no-index", "-z", "--stdin"],
        cwd=tmp_path, input="\0".join(paths), capture_output=True, text=True, check=True,
    )  # fmt: skip
    cells = done.stdout.split("\0")
    assert [
        (int(number), path) for number, path in zip(cells[1::4], cells[3::4], strict=True)
    ] == list(enumerate(paths, start=1))


@examples(100)
@given(st.lists(st.text(st.characters(), min_size=1), min_size=1, max_size=3))
def test_no_name_of_a_file_makes_a_line_or_an_owner(names: list[str]) -> None:
    found = CodeOwners(
        tuple(FileOwners(f"clients/{name}.yaml", ("@x",), ("@y",)) for name in names), ("@y",)
    )
    github, gitlab = (
        render(found, "").encode().decode().split("\n") for render in (github_file, gitlab_file)
    )
    shared = 9
    assert len(github) == 2 + len(GITHUB_OWNERS) + shared + len(names) + 1
    assert len(gitlab) == 2 + 1 + len(GITLAB) + shared + len(names) + 2 + len(names) + 1
    for line in github[2:-1]:
        assert line.replace("\\\\", "").replace("\\ ", "").split(" ")[1:] == ["@y"]
