"""Which commit a change is compared with, and what is read of it. Real git, no server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.trust.base import NoBase, copy_files, find_named_base, usual_base
from reconciler.errors import UsageError
from tests.kit.git.repositories import (
    add_hook,
    clone_pair,
    commit_file,
    git,
    isolate,
    new_repository,
)

AUDIT = "audit"
POLICY = "policy.yaml"
PULL = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main"}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path / "home")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return new_repository(tmp_path / "repository")


def head(repository: Path, name: str = "HEAD") -> str:
    return git(repository, "rev-parse", name)


def merged(repository: Path) -> tuple[str, str]:
    """A branch of two commits, merged as a forge does for a pull request; (main before it, the
    merge)."""
    git(repository, "checkout", "--quiet", "-b", "change")
    commit_file(repository, POLICY, "one")
    commit_file(repository, POLICY, "two")
    git(repository, "checkout", "--quiet", "main")
    before = commit_file(repository, "notes.txt", "meanwhile")
    git(repository, "merge", "--quiet", "--no-ff", "--no-edit", "change")
    return before, head(repository)


def shallow(repository: Path, depth: int) -> Path:
    """As actions/checkout leaves it: detached, without the branches of the remote."""
    clone = repository.parent / f"depth-{depth}"
    clone.mkdir()
    git(clone, "init", "--quiet")
    git(clone, "fetch", "--quiet", f"--depth={depth}", f"file://{repository}", head(repository))
    git(clone, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    return clone


def without(repository: Path, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(NoBase) as caught:
        usual_base(GitCommand(repository), AUDIT, environ or {})
    return str(caught.value)


def test_a_pull_request_at_github_is_a_change_of_the_first_parent_of_its_merge(
    repository: Path,
) -> None:
    before, _ = merged(repository)
    assert usual_base(GitCommand(shallow(repository, 2)), AUDIT, PULL) == before
    told = without(shallow(repository, 1), PULL)
    assert "fetch-depth: 2" in told


def test_in_a_merge_queue_it_is_what_the_queue_merges_into(repository: Path) -> None:
    """By a merge, or by one commit that has all of it."""
    queue = PULL | {"GITHUB_EVENT_NAME": "merge_group", "GITHUB_BASE_REF": ""}
    before, after = merged(repository)
    assert usual_base(GitCommand(shallow(repository, 2)), AUDIT, queue) == before
    commit_file(repository, POLICY, "squashed")
    assert usual_base(GitCommand(repository), AUDIT, queue) == after


def test_a_branch_that_is_checked_out_itself_is_a_change_since_it_left_its_target(
    tmp_path: Path,
) -> None:
    _, ours, _ = clone_pair(tmp_path)
    start = head(ours)
    git(ours, "checkout", "--quiet", "-b", "change")
    commit_file(ours, POLICY, "one")
    commit_file(ours, POLICY, "two")
    for environ in (PULL, {}):
        assert usual_base(GitCommand(ours), AUDIT, environ) == start


@pytest.mark.parametrize("name", ["CI_MERGE_REQUEST_DIFF_BASE_SHA", "CI_COMMIT_BEFORE_SHA"])
def test_gitlab_names_the_commit(repository: Path, name: str) -> None:
    start = head(repository)
    commit_file(repository, POLICY, "one")
    middle = commit_file(repository, POLICY, "two")
    commit_file(repository, POLICY, "three")
    gitlab = {"GITLAB_CI": "true"}
    assert usual_base(GitCommand(repository), AUDIT, {**gitlab, name: start}) == start
    assert (
        usual_base(GitCommand(repository), AUDIT, {name: start}) == middle
    )  # said by nobody's pipeline
    assert (
        usual_base(GitCommand(repository), AUDIT, {**gitlab, name: "0" * 40}) == middle
    )  # a new branch
    assert usual_base(GitCommand(repository), AUDIT, {**gitlab, name: "--all"}) == middle
    assert name in without(repository, {**gitlab, name: "1" * 40})  # never a commit that is nearer


def test_the_merge_request_comes_before_the_push(repository: Path) -> None:
    start = head(repository)
    second = commit_file(repository, POLICY, "one")
    commit_file(repository, POLICY, "two")
    both = {
        "GITLAB_CI": "true",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": start,
        "CI_COMMIT_BEFORE_SHA": second,
    }
    assert usual_base(GitCommand(repository), AUDIT, both) == start


def test_on_the_branch_itself_it_is_the_commit_before_the_newest_declaration(
    repository: Path,
) -> None:
    start = head(repository)
    commit_file(repository, POLICY, "one")
    commit_file(repository, "audit/report.json", "{}")
    assert usual_base(GitCommand(repository), AUDIT, {}) == start


def test_a_merge_that_reached_the_branch_is_compared_with_what_was_there(repository: Path) -> None:
    before, _ = merged(repository)
    assert usual_base(GitCommand(repository), AUDIT, {}) == before


def test_a_branch_that_the_remote_has_wholly_is_as_on_the_branch_itself(tmp_path: Path) -> None:
    _, ours, _ = clone_pair(tmp_path)
    start = head(ours)
    commit_file(ours, POLICY, "one")
    git(ours, "push", "--quiet")
    assert usual_base(GitCommand(ours), AUDIT, {}) == start


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda folder: None, "not in a git repository"),
        (lambda folder: git(folder, "init", "--quiet"), "there is no commit yet"),
    ],
    ids=["no git", "no commit"],
)
def test_where_there_is_nothing_before_a_sentence_says_so(
    tmp_path: Path, make: Callable[[Path], object], told: str
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    make(folder)
    assert told in without(folder)


def test_nothing_was_before_the_first_commit_but_that_itself(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    commit_file(tmp_path, POLICY, "x")
    assert usual_base(GitCommand(tmp_path), AUDIT, {}) == head(tmp_path)


def test_a_history_that_is_cut_off_is_not_taken_for_its_beginning(repository: Path) -> None:
    commit_file(repository, POLICY, "one")
    assert "cut off" in without(shallow(repository, 1))


def test_a_branch_that_is_cut_off_before_its_target_is_compared_with_nothing(
    repository: Path,
) -> None:
    git(repository, "checkout", "--quiet", "-b", "change")
    commit_file(repository, POLICY, "one")
    commit_file(repository, POLICY, "two")
    clone = shallow(repository, 1)
    git(
        clone,
        "fetch",
        "--quiet",
        "--depth=1",
        f"file://{repository}",
        "main:refs/remotes/origin/main",
    )
    assert "before it meets" in without(clone)


def test_a_commit_can_be_named(repository: Path) -> None:
    start = head(repository)
    git(repository, "tag", "-a", "v1", "-m", "v1")
    commit_file(repository, POLICY, "one")
    assert {
        find_named_base(GitCommand(repository), name)
        for name in (start, start[:10], "v1", "HEAD~1", "main~1")
    } == {start}
    for name in ("nowhere", "HEAD:reconciler.yaml", "--all", "", "v1..main", "1" * 40):
        with pytest.raises(UsageError) as caught:
            find_named_base(GitCommand(repository), name)
        assert (caught.value.code, caught.value.exit_code) == ("RC027", 64)


def test_outside_a_repository_no_commit_can_be_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not in a git repository"):
        find_named_base(GitCommand(tmp_path), "main")


def test_files_are_those_of_the_commit_byte_for_byte(repository: Path, tmp_path: Path) -> None:
    """Neither the working tree, nor a filter, nor an attribute, nor a replaced object has a say."""
    content = b"a: \xff\r\nb: 1\n"
    folder = repository / "deep" / "project"
    folder.mkdir(parents=True)
    (folder / POLICY).write_bytes(content)
    (folder / "api").mkdir()
    (folder / "api" / "openapi.json").write_text("{}")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "-m", "base")
    commit = head(repository)
    (repository / ".gitattributes").write_text("* filter=evil text eol=lf\n")
    git(repository, "config", "filter.evil.smudge", "echo evil")
    git(repository, "config", "filter.evil.clean", "echo evil")
    add_hook(repository, "post-checkout", "exit 1")
    (folder / POLICY).write_text("working tree")
    commit_file(repository, "other", "x")
    git(repository, "replace", f"{commit}:deep/project/{POLICY}", "HEAD:other")
    target = tmp_path / "target"
    paths = ("reconciler.yaml", POLICY, "api/openapi.json")
    assert sorted(copy_files(GitCommand(folder), commit, paths, target)) == [
        "api/openapi.json",
        POLICY,
    ]
    assert (target / POLICY).read_bytes() == content
    assert sorted(path.name for path in target.rglob("*") if path.is_file()) == [
        "openapi.json",
        POLICY,
    ]


def test_a_link_and_a_folder_are_no_files(repository: Path, tmp_path: Path) -> None:
    (repository / POLICY).symlink_to("/etc/passwd")
    (repository / "scopes.yaml").mkdir()
    (repository / "scopes.yaml" / "x").write_text("x")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "-m", "odd")
    for path in (POLICY, "scopes.yaml"):
        with pytest.raises(NoBase, match=f"{path} is no regular file"):
            copy_files(GitCommand(repository), "HEAD", (path,), tmp_path / "target")


@pytest.mark.parametrize(
    "gone", [("remove", "origin"), ("set-url", "origin", "file:///nowhere/at/all")]
)
def test_a_partial_clone_that_lacks_a_file_has_no_base(
    repository: Path, tmp_path: Path, gone: tuple[str, ...]
) -> None:
    before = commit_file(repository, POLICY, "one")
    commit_file(repository, POLICY, "two")
    git(repository, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "partial"
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{repository}", str(clone))
    git(clone, "remote", *gone)
    with pytest.raises(NoBase):
        copy_files(GitCommand(clone), before, [POLICY], tmp_path / "copy")
