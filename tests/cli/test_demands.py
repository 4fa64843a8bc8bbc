"""The demand for signatures of real policies, in real repositories: what outlives a merge and a
move."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.app.run.demands import Demands
from reconciler.app.workplace import Workplace
from reconciler.declare import load
from reconciler.errors import AuditError, BlockedError
from tests.declare.conftest import FILES
from tests.kit.git.repositories import git
from tests.kit.git.signing import Signer

SIGNERS = ".allowed_signers"
DEMANDING = f"{FILES['policy.yaml']}  apply:\n    signedCommits: {{allowedSigners: {SIGNERS}}}\n"


@pytest.fixture
def root(tmp_path: Path, ada: Signer) -> Path:
    """A project whose policy demands signatures, and a signed commit."""
    top = tmp_path / "repository"
    for name, text in {**FILES, SIGNERS: ada.line}.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    git(top, "init", "--quiet")
    commit(top)
    (top / "policy.yaml").write_text(DEMANDING)
    ada.commit(top)
    return top


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "unsigned")


def refuse_unsigned(root: Path) -> None:
    Demands(Workplace(root, {}), load(root, "staging")).refuse_unsigned()


def code(root: Path) -> str:
    """What the apply is refused with, empty when it is not."""
    try:
        refuse_unsigned(root)
    except BlockedError as error:
        return error.code
    return ""


def elsewhere(root: Path) -> Path:
    git(root, "checkout", "--quiet", "--orphan", "evil")
    (root / "policy.yaml").write_text(FILES["policy.yaml"])
    commit(root)
    git(
        root,
        "merge",
        "--quiet",
        "--strategy=ours",
        "--allow-unrelated-histories",
        "-m",
        "merge",
        "main",
    )
    return root


def moved(root: Path, name: str = "acme") -> Path:
    names = git(root, "ls-files").split("\n")
    for path in names:
        (root / "below" / path).parent.mkdir(parents=True, exist_ok=True)
        git(root, "mv", path, f"below/{path}")
    (root / "below/policy.yaml").write_text(FILES["policy.yaml"])
    project = root / "below/reconciler.yaml"
    project.write_text(project.read_text().replace("acme}", f"{name}}}"))
    commit(root)
    return root / "below"


def moved_under_another_name(root: Path) -> Path:
    """It is another project, to which nothing of this one belongs."""
    return moved(root, "beta")


WAYS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing": (lambda root: root, ""),
    "a merge that begins elsewhere": (elsewhere, "RC240"),
    "a move": (moved, "RC240"),
    "a move under another name": (moved_under_another_name, ""),
}


@pytest.mark.parametrize("name", WAYS)
def test_the_demand_is_not_lost(name: str, root: Path, ada: Signer) -> None:
    way, expected = WAYS[name]
    project = way(root)
    assert code(project) == expected
    if expected:
        (project / "notes.txt").write_text("and more\n")
        commit(root)
        assert code(project) == expected
        (project / "notes.txt").write_text("seen\n")
        ada.commit(root)
        assert code(project) == ""


def test_where_git_says_nothing_nothing_is_let_through(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hold a demand that the files do not show any more."""
    (root / "policy.yaml").write_text(FILES["policy.yaml"])
    commit(root)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(Exception, match="belongs to another user"):
        refuse_unsigned(root)


def test_a_project_that_is_in_no_repository_is_asked_for_nothing(
    root: Path, tmp_path: Path
) -> None:
    (root / "policy.yaml").write_text(FILES["policy.yaml"])
    (root / ".git").rename(tmp_path / "away")
    assert code(root) == ""


# (where the file of allowed signers is, what is in it, what the refusal says of it)
GIVEN: dict[str, tuple[str, bytes, str]] = {
    "in the project": ("repository/signers", b"ada", "lie in the repository that they judge"),
    "a link into the project": ("link", b"ada", "lie in the repository that they judge"),
    "empty": ("signers", b" \n", "is empty"),
    "no text": ("signers", b"\xff", "cannot be read: it is not UTF-8 text"),
    "absent": ("nowhere", b"", "cannot be read: No such file or directory"),
}


@pytest.mark.parametrize("in_git", [True, False], ids=["in git", "in no repository"])
@pytest.mark.parametrize("name", GIVEN)
def test_who_may_sign_is_not_said_by_what_is_judged(
    name: str, in_git: bool, root: Path, tmp_path: Path
) -> None:
    place, text, told = GIVEN[name]
    given = tmp_path / place
    if place == "link":
        (root / "signers").write_bytes(text)
        given.symlink_to(root / "signers")
    elif place != "nowhere":
        given.write_bytes(text)
    if not in_git:
        (root / ".git").rename(tmp_path / "away")
    with pytest.raises(BlockedError) as raised:
        Demands(Workplace(root, {}), load(root, "staging")).refuse_unsigned(given)
    assert (raised.value.code, told in raised.value.message) == ("RC241", True)


def partial(root: Path, target: Path) -> Path:
    """A clone without the files of its history, whose remote is gone."""
    git(root, "config", "uploadpack.allowFilter", "true")
    git(target.parent, "clone", "--quiet", "--filter=blob:none", f"file://{root}", str(target))
    git(target, "remote", "set-url", "origin", f"file://{root}-gone")
    return target


def test_a_file_that_a_partial_clone_lacks_is_not_taken_for_one_that_was_never_there(
    root: Path, tmp_path: Path
) -> None:
    """The demand and its keys stand in files of the history: without them nobody may say that
    nothing is demanded."""
    (root / "policy.yaml").write_text(FILES["policy.yaml"])
    commit(root)
    assert code(root) == "RC240"
    with pytest.raises(AuditError) as raised:
        Demands(
            Workplace(partial(root, tmp_path / "partial"), {}), load(root, "staging")
        ).refuse_unsigned()
    assert raised.value.code == "RC622"


@pytest.mark.parametrize("verb", ["ls-tree", "cat-file", "rev-list", "diff-tree"])
def test_a_git_that_fails_is_not_taken_for_a_history_without_a_demand(
    verb: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = shutil.which("git")
    (tmp_path / "bin").mkdir()
    broken = tmp_path / "bin/git"
    broken.write_text(
        f'#!/bin/sh\nfor word; do [ "$word" = {verb} ] && exit 128; done\nexec {found} "$@"\n'
    )
    broken.chmod(0o755)
    (root / "policy.yaml").write_text(FILES["policy.yaml"])
    commit(root)
    desired = load(root, "staging")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises((AuditError, BlockedError)):
        Demands(Workplace(root, {}), desired).refuse_unsigned()
