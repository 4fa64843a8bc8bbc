"""Pushing to a real remote that moves, refuses or is away."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.ledger import GitLedger
from reconciler.errors import AuditError
from tests.kit.git.repositories import add_hook, clone_pair, commit_file, git, isolate

AUDIT = PurePosixPath("audit")
REPORT = PurePosixPath("audit/staging/run-1.json")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    isolate(monkeypatch, tmp_path / "home")
    return clone_pair(tmp_path)


def recorded(
    project: Path, name: str = "run-1.json", text: str = "{}\n", branch: str | None = None
) -> GitLedger:
    """A ledger with one report that is committed and not pushed."""
    book = GitLedger(GitCommand(project, pause=lambda seconds: None), branch=branch)
    book.write({PurePosixPath("audit/staging") / name: text})
    assert book.commit(AUDIT, "Record a run")
    return book


def moved(theirs: Path, name: str = "clients/other.yaml", text: str = "other\n") -> str:
    """Somebody else pushes."""
    commit = commit_file(theirs, name, text)
    git(theirs, "push", "--quiet", "origin", "main")
    return commit


def refused(book: GitLedger) -> AuditError:
    with pytest.raises(AuditError) as caught:
        book.push()
    assert caught.value.remedy
    return caught.value


def test_a_push_to_a_branch_that_did_not_move(places: tuple[Path, Path, Path]) -> None:
    bare, ours, _ = places
    book = recorded(ours)
    book.push()
    assert (
        git(bare, "rev-parse", "main")
        == git(ours, "rev-parse", "HEAD")
        == git(ours, "rev-parse", "origin/main")
    )
    book.push()
    assert book.notes == []


def test_a_moved_branch_gets_the_report_on_top(
    places: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bare, ours, theirs = places
    author = {"NAME": "Grace", "EMAIL": "grace@example.com", "DATE": "2026-01-02T03:04:05+01:00"}
    with monkeypatch.context() as earlier:
        for name, value in author.items():
            earlier.setenv(f"GIT_AUTHOR_{name}", value)
        book = recorded(ours)
    their_commit = moved(theirs)
    book.push()
    assert git(bare, "log", "--format=%s", "main").splitlines()[:2] == [
        "Record a run",
        "Write clients/other.yaml",
    ]
    assert git(bare, "rev-parse", "main^") == their_commit
    assert git(bare, "log", "-1", "--format=%an|%ae|%aI", "main").split("|") == list(
        author.values()
    )
    assert git(bare, "show", "--format=", "--name-only", "main") == str(REPORT)
    assert git(ours, "rev-parse", "HEAD") == git(bare, "rev-parse", "main"), (
        "the local branch followed"
    )
    assert (ours / "clients" / "other.yaml").read_text() == "other\n"
    assert git(ours, "status", "--porcelain") == ""
    assert git(ours, "for-each-ref", "refs/reconciler") == ""
    assert book.notes == []


def test_a_dirty_tree_is_left_as_it_is_when_the_branch_moved(
    places: tuple[Path, Path, Path],
) -> None:
    """Staged, edited and untracked files survive while the branch follows the remote."""
    bare, ours, theirs = places
    for name in ("staged.yaml", "edited.yaml", "both.yaml"):
        commit_file(ours, name, "1\n")
    git(ours, "push", "--quiet")
    git(theirs, "pull", "--quiet")
    moved(theirs)
    (ours / "staged.yaml").write_text("2\n")
    (ours / "both.yaml").write_text("2\n")
    git(ours, "add", "staged.yaml", "both.yaml")
    (ours / "both.yaml").write_text("3\n")
    (ours / "edited.yaml").write_text("2\n")
    (ours / "untracked.yaml").write_text("x\n")
    book = recorded(ours)
    before = git(ours, "status", "--porcelain"), git(ours, "diff"), git(ours, "diff", "--cached")
    book.push()
    assert (
        git(ours, "status", "--porcelain"),
        git(ours, "diff"),
        git(ours, "diff", "--cached"),
    ) == before
    assert git(ours, "rev-parse", "HEAD") == git(bare, "rev-parse", "main")
    assert book.notes == []


def test_a_local_edit_in_the_way_keeps_the_branch_back_but_not_the_report(
    places: tuple[Path, Path, Path],
) -> None:
    bare, ours, theirs = places
    moved(theirs, "reconciler.yaml", "kind: Theirs\n")
    (ours / "reconciler.yaml").write_text("kind: Ours\n")
    book = recorded(ours)
    local = git(ours, "rev-parse", "HEAD")
    book.push()
    assert git(bare, "show", "--format=", "--name-only", "main") == str(REPORT)
    assert git(ours, "rev-parse", "HEAD") == local
    assert (ours / "reconciler.yaml").read_text() == "kind: Ours\n"
    (note,) = book.notes
    assert "the report was pushed" in note
    assert "git pull --rebase" in note
    # The next report still gets through, once, and what the note says works.
    recorded(ours, "run-2.json").push()
    assert git(bare, "log", "--format=%s", "main").splitlines().count("Record a run") == 2
    git(ours, "checkout", "--", "reconciler.yaml")
    git(ours, "pull", "--quiet", "--rebase")
    assert git(ours, "rev-parse", "HEAD") == git(bare, "rev-parse", "main")


def test_an_untracked_file_in_the_way_is_not_overwritten(places: tuple[Path, Path, Path]) -> None:
    _, ours, theirs = places
    moved(theirs)
    (ours / "clients").mkdir()
    (ours / "clients" / "other.yaml").write_text("mine\n")
    book = recorded(ours)
    book.push()
    assert (ours / "clients" / "other.yaml").read_text() == "mine\n"
    assert len(book.notes) == 1


def test_reports_on_both_sides(places: tuple[Path, Path, Path]) -> None:
    bare, ours, theirs = places
    recorded(theirs, "run-2.json").push()
    recorded(ours, "run-1.json")
    recorded(ours, "run-3.json").push()
    names = git(bare, "ls-tree", "-r", "--name-only", "main", "audit/").splitlines()
    assert names == [f"audit/staging/run-{number}.json" for number in (1, 2, 3)]


def test_the_same_report_pushed_by_somebody_else(places: tuple[Path, Path, Path]) -> None:
    bare, ours, theirs = places
    recorded(theirs).push()
    book = recorded(ours)
    book.push()
    assert git(bare, "rev-list", "--count", "main") == "2"
    assert book.notes == []


def test_another_text_of_the_same_report_is_a_conflict(places: tuple[Path, Path, Path]) -> None:
    bare, ours, theirs = places
    recorded(theirs, text="theirs\n").push()
    book = recorded(ours, text="ours\n")
    before = git(bare, "rev-parse", "main"), git(ours, "rev-parse", "HEAD")
    assert refused(book).code == "RC617"
    assert (git(bare, "rev-parse", "main"), git(ours, "rev-parse", "HEAD")) == before
    assert git(ours, "status", "--porcelain") == ""


def test_other_unpushed_work_is_not_rewritten(places: tuple[Path, Path, Path]) -> None:
    bare, ours, theirs = places
    commit_file(ours, "clients/mine.yaml", "1\n")
    book = recorded(ours)
    their_commit = moved(theirs)
    error = refused(book)
    assert error.code == "RC616"
    assert git(bare, "rev-parse", "main") == their_commit


def test_unpushed_work_goes_along_when_nothing_moved(places: tuple[Path, Path, Path]) -> None:
    bare, ours, _ = places
    commit_file(ours, "clients/mine.yaml", "1\n")
    recorded(ours).push()
    assert git(bare, "rev-parse", "main") == git(ours, "rev-parse", "HEAD")


def test_a_project_below_the_top_of_its_repository(places: tuple[Path, Path, Path]) -> None:
    bare, ours, theirs = places
    project = ours / "infra"
    project.mkdir()
    book = recorded(project)
    moved(theirs)
    book.push()
    assert git(bare, "show", "--format=", "--name-only", "main") == f"infra/{REPORT}"


def test_a_report_of_an_earlier_run_is_pushed_by_a_new_ledger(
    places: tuple[Path, Path, Path],
) -> None:
    bare, ours, theirs = places
    recorded(ours)
    moved(theirs)
    GitLedger(
        GitCommand(ours, pause=lambda seconds: None),
        "audit",
    ).push()
    assert git(bare, "show", "--format=", "--name-only", "main") == str(REPORT)


RACE = """
[ -f lost ] && [ "$(wc -l < lost)" -ge {times} ] && exit 0
echo x >> lost
commit=$(env -u GIT_QUARANTINE_PATH git commit-tree -p main -m race 'main^{{tree}}')
env -u GIT_QUARANTINE_PATH git update-ref refs/heads/main $commit
exit 0
"""


@pytest.mark.parametrize(("times", "code"), [(2, None), (99, "RC618")])
def test_the_race_is_lost_a_bounded_number_of_times(
    places: tuple[Path, Path, Path], times: int, code: str | None
) -> None:
    """A hook moves the remote's branch between its advertisement and our update."""
    bare, ours, _ = places
    git(bare, "config", "user.name", "Racer")
    git(bare, "config", "user.email", "racer@example.com")
    add_hook(bare, "pre-receive", RACE.format(times=times))
    book = recorded(ours)
    if code is None:
        book.push()
        assert git(bare, "show", "--format=", "--name-only", "main") == str(REPORT)
        assert git(ours, "rev-parse", "HEAD") == git(bare, "rev-parse", "main")
    else:
        assert refused(book).code == code
    assert (bare / "lost").read_text().count("x") == min(times, 5)


def test_a_detached_head_is_not_pushed(places: tuple[Path, Path, Path]) -> None:
    bare, ours, _ = places
    git(ours, "checkout", "--quiet", "--detach")
    before = git(bare, "rev-parse", "main")
    error = refused(recorded(ours))
    assert error.code == "RC612"
    assert "git push origin HEAD:<branch>" in error.remedy
    assert git(bare, "rev-parse", "main") == before


def test_no_upstream(places: tuple[Path, Path, Path]) -> None:
    _, ours, _ = places
    git(ours, "branch", "--unset-upstream")
    error = refused(recorded(ours))
    assert (error.code, error.message) == ("RC613", "the branch has no upstream: main")


def test_a_remote_that_is_away(places: tuple[Path, Path, Path], tmp_path: Path) -> None:
    _, ours, _ = places
    git(ours, "remote", "set-url", "origin", str(tmp_path / "gone.git"))
    error = refused(recorded(ours))
    assert error.code == "RC614"
    assert (ours / REPORT).exists()


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_remote_that_refuses(places: tuple[Path, Path, Path], hook: str) -> None:
    bare, ours, _ = places
    add_hook(bare, hook, "echo 'protected \033[31mbranch' >&2; exit 1")
    error = refused(recorded(ours))
    assert error.code == "RC615"
    assert "protected branch" in error.message


def test_a_pre_push_hook_that_refuses(places: tuple[Path, Path, Path]) -> None:
    _, ours, _ = places
    add_hook(ours, "pre-push", "echo 'not on Fridays' >&2; exit 1")
    error = refused(recorded(ours))
    assert error.code == "RC615"
    assert "not on Fridays" in error.message


def test_histories_without_a_common_commit(places: tuple[Path, Path, Path]) -> None:
    _, ours, theirs = places
    git(theirs, "checkout", "--quiet", "--orphan", "fresh")
    git(theirs, "commit", "--quiet", "-m", "Start again")
    git(theirs, "push", "--quiet", "--force", "origin", "fresh:main")
    error = refused(recorded(ours))
    assert (error.code, error.message.split(": ")[-1]) == ("RC617", "no common history")


def test_a_shallow_clone_as_ci_makes_it(places: tuple[Path, Path, Path], tmp_path: Path) -> None:
    bare, _, theirs = places
    moved(theirs, "clients/1.yaml")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{bare}", "shallow")
    moved(theirs, "clients/2.yaml")
    recorded(tmp_path / "shallow").push()
    assert git(bare, "show", "--format=", "--name-only", "main") == str(REPORT)


def test_audit_commits_that_are_not_pushed_are_counted(places: tuple[Path, Path, Path]) -> None:
    _, ours, _ = places
    folder = PurePosixPath("audit")
    assert GitLedger(GitCommand(ours)).count_unpushed(folder) == 0
    book = recorded(ours)
    commit_file(ours, "notes.txt", "no report")
    assert book.count_unpushed(folder) == 1
    book.push()
    assert book.count_unpushed(folder) == 0
    git(ours, "checkout", "--quiet", "-b", "elsewhere")
    assert book.count_unpushed(folder) is None


# A declared branch: all audit commits go there.


def detached(project: Path) -> Path:
    git(project, "checkout", "--quiet", "--detach")
    return project


def test_a_detached_head_is_pushed_to_the_declared_branch_as_it_is(
    places: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bare, ours, _ = places
    with monkeypatch.context() as earlier:
        earlier.setenv("GIT_COMMITTER_DATE", "2026-01-02T03:04:05+01:00")
        book = recorded(detached(ours), branch="main")
    commit = git(ours, "rev-parse", "HEAD")
    assert "until it is pushed to main" in book.notes[0]
    assert book.count_unpushed(AUDIT) == 1
    book.push()
    assert git(bare, "rev-parse", "main") == git(ours, "rev-parse", "HEAD") == commit
    assert book.count_unpushed(AUDIT) == 0
    assert book.notes == []


def test_a_detached_head_is_put_on_top_of_a_declared_branch_that_moved(
    places: tuple[Path, Path, Path],
) -> None:
    bare, ours, theirs = places
    book = recorded(detached(ours), branch="main")
    their_commit = moved(theirs)
    book.push()
    assert git(bare, "rev-parse", "main^") == their_commit
    assert git(bare, "show", "--format=", "--name-only", "main") == str(REPORT)
    assert git(ours, "rev-parse", "HEAD") == git(bare, "rev-parse", "main")
    assert (ours / "clients/other.yaml").is_file()
    assert git(ours, "status", "--porcelain") == ""


def test_a_detached_head_in_a_shallow_clone(
    places: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    bare, _, theirs = places
    moved(theirs, "clients/1.yaml")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{bare}", "shallow")
    moved(theirs, "clients/2.yaml")
    recorded(detached(tmp_path / "shallow"), branch="main").push()
    assert git(bare, "show", "--format=", "--name-only", "main") == str(REPORT)


def test_what_is_detached_on_another_branch_never_reaches_the_declared_one(
    places: tuple[Path, Path, Path],
) -> None:
    """It would be a fast-forward of the branch, past every review."""
    bare, ours, _ = places
    before = git(bare, "rev-parse", "main")
    git(ours, "checkout", "--quiet", "-b", "feature")
    commit_file(ours, "clients/unreviewed.yaml", "x\n")
    book = GitLedger(GitCommand(detached(ours)), branch="main")
    with pytest.raises(AuditError) as caught:
        book.refuse_unready(AUDIT, push=True)
    assert caught.value.code == "RC619"
    assert "main is declared, and HEAD is detached at a commit that origin/main" in str(
        caught.value
    )
    assert refused(recorded(ours, branch="main")).code == "RC616"
    assert git(bare, "rev-parse", "main") == before


def test_audit_commits_that_are_not_pushed_are_no_other_branch(
    places: tuple[Path, Path, Path],
) -> None:
    _, ours, _ = places
    book = recorded(detached(ours), branch="main")
    book.refuse_unready(AUDIT, push=True)


def test_nothing_is_committed_to_another_branch_than_the_declared_one(
    places: tuple[Path, Path, Path],
) -> None:
    _, ours, _ = places
    git(ours, "checkout", "--quiet", "-b", "fix")
    before = git(ours, "rev-parse", "HEAD")
    book = GitLedger(GitCommand(ours), branch="main")
    told = "main is declared, and fix is checked out"
    with pytest.raises(AuditError, match=told) as beforehand:
        book.refuse_unready(AUDIT, push=False)
    with pytest.raises(AuditError, match=told) as caught:
        recorded(ours, branch="main")
    assert {beforehand.value.code, caught.value.code} == {"RC619"}
    assert git(ours, "rev-parse", "HEAD") == before
    assert (ours / REPORT).is_file()
    git(ours, "checkout", "--quiet", "main")
    book.refuse_unready(AUDIT, push=True)
    assert book.commit(AUDIT, "Record a run") is not None


def test_the_declared_branch_is_not_pushed_to_another_one(
    places: tuple[Path, Path, Path],
) -> None:
    bare, ours, _ = places
    git(ours, "push", "--quiet", "--set-upstream", "origin", "HEAD:refs/heads/develop")
    before = git(bare, "rev-parse", "develop")
    book = recorded(ours, branch="main")
    with pytest.raises(AuditError, match="main is pushed to develop, and main is declared"):
        book.refuse_unready(AUDIT, push=True)
    assert refused(book).code == "RC619"
    assert git(bare, "rev-parse", "develop") == before


def test_one_of_several_remotes_is_called_origin(places: tuple[Path, Path, Path]) -> None:
    bare, ours, theirs = places
    git(ours, "remote", "add", "a", str(theirs))
    recorded(detached(ours), branch="main").push()
    assert git(bare, "rev-parse", "main") == git(ours, "rev-parse", "HEAD")
    git(ours, "remote", "rename", "origin", "b")
    book = recorded(ours, "run-2.json", branch="main")
    error = refused(book)
    assert (error.code, "no remote `origin`" in error.message) == ("RC612", True)
    git(ours, "remote", "remove", "a")
    book.push()
    assert git(bare, "rev-parse", "main") == git(ours, "rev-parse", "HEAD")


# What of HEAD some remote is known to have, where no branch says which.


def published(project: Path, branch: str | None = None) -> str:
    return GitLedger(GitCommand(project), branch=branch).find_files(pushed=True).commit


def test_what_is_pushed_of_a_branch_is_what_its_upstream_has(
    places: tuple[Path, Path, Path],
) -> None:
    bare, ours, _ = places
    recorded(ours)
    assert published(ours) == published(ours, "main") == git(bare, "rev-parse", "main")


@pytest.mark.parametrize("checked_out", ["detached", "a branch without an upstream"])
def test_without_an_upstream_it_is_what_some_remote_has(
    places: tuple[Path, Path, Path], checked_out: str
) -> None:
    bare, ours, _ = places
    options = ("--detach",) if checked_out == "detached" else ("-b", "other")
    git(ours, "checkout", "--quiet", *options)
    pushed = git(bare, "rev-parse", "main")
    assert published(ours) == pushed
    recorded(ours)
    recorded(ours, "run-2.json")
    assert published(ours) == pushed
    git(ours, "push", "--quiet", "origin", "HEAD^:refs/heads/elsewhere")
    assert published(ours) == git(ours, "rev-parse", "HEAD^")
    git(ours, "push", "--quiet", "origin", "HEAD:refs/heads/elsewhere")
    assert published(ours) == git(ours, "rev-parse", "HEAD")


def test_after_a_merge_it_is_what_some_remote_has_too(places: tuple[Path, Path, Path]) -> None:
    _, ours, theirs = places
    recorded(detached(ours))
    commit = moved(theirs)
    git(ours, "fetch", "--quiet")
    git(ours, "merge", "--quiet", "--no-edit", "origin/main")
    assert published(ours) == commit


def test_a_remote_of_which_nothing_is_known_has_nothing(
    places: tuple[Path, Path, Path],
) -> None:
    _, ours, _ = places
    for name in git(ours, "for-each-ref", "--format=%(refname)", "refs/remotes").splitlines():
        git(ours, "update-ref", "-d", name)
    recorded(detached(ours))
    for branch in (None, "main"):
        assert published(ours, branch) == ""
    files = GitLedger(GitCommand(ours)).find_files(pushed=True)
    assert files.read([REPORT]) == [None]
    assert files.names(AUDIT) == frozenset()


def test_without_any_remote_it_is_what_head_has(places: tuple[Path, Path, Path]) -> None:
    _, ours, _ = places
    git(ours, "remote", "remove", "origin")
    recorded(ours)
    head = git(ours, "rev-parse", "HEAD")
    for branch in (None, "main"):
        assert published(ours, branch) == head
        assert published(detached(ours), branch) == head


def test_of_a_declared_branch_no_other_one_counts(places: tuple[Path, Path, Path]) -> None:
    bare, ours, _ = places
    recorded(detached(ours))
    git(ours, "push", "--quiet", "origin", "HEAD:refs/heads/elsewhere")
    assert published(ours, "main") == git(bare, "rev-parse", "main")
    assert published(ours) == git(ours, "rev-parse", "HEAD")
