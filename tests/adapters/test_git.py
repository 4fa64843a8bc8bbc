"""The ledger on real repositories: what is committed, what stays as it was, and how every failure
reads."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath

import pytest

import reconciler.adapters.git.ledger
from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.ledger import GitLedger
from reconciler.engine.ports import Ledger
from reconciler.errors import AuditError
from tests.kit.git.repositories import add_hook, commit_file, git, isolate, new_repository
from tests.kit.programs.started import started

AUDIT = PurePosixPath("audit")
REPORT = PurePosixPath("audit/staging/run-1.json")
SOURCES = Path(__file__).parents[2]
MESSAGE = "Record run run-1 in staging"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    isolate(monkeypatch, tmp_path / "home")
    return new_repository(tmp_path / "repository")


def ledger(project: Path) -> GitLedger:
    return GitLedger(GitCommand(project, pause=lambda seconds: None))


def refused(project: Path, directory: PurePosixPath = AUDIT) -> AuditError:
    with pytest.raises(AuditError) as caught:
        ledger(project).commit(directory, MESSAGE)
    assert caught.value.remedy
    return caught.value


def committed_names(repository: Path, commit: str = "HEAD") -> list[str]:
    return git(repository, "show", "--format=", "--name-only", commit).splitlines()


@pytest.mark.parametrize("folder", ["plain", "two\nlines", "end\n", "a\n/b"])
@pytest.mark.parametrize("top", ["repository", "two\nlines"])
def test_folders_whose_names_have_line_ends_are_found(
    top: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path / "home")
    root = new_repository(tmp_path / "places" / top)
    (root / folder).mkdir(parents=True)
    found = GitCommand(root / folder).repository
    assert (found.folder, found.work_tree, found.prefix) == (root / ".git", root, f"{folder}/")


def test_the_environment_has_no_say_in_where_the_work_tree_is(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.worktree",
        "GIT_CONFIG_VALUE_0": str(tmp_path),
        "GIT_WORK_TREE": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    found = GitCommand(repository)
    assert found.repository.work_tree == found.stored.repository.work_tree == repository


def test_a_question_about_a_commit_is_asked_once(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its id names never changes; what a branch's name means does."""
    stored = GitCommand(repository).stored
    commit = stored.must("rev-parse", "HEAD")
    tree = stored.must_once("ls-tree", "-r", commit)
    monkeypatch.setenv("PATH", "/nowhere")
    assert stored.must_once("ls-tree", "-r", commit) == tree
    with pytest.raises(AuditError):
        stored.must("ls-tree", "-r", commit)


def test_the_report_is_committed(repository: Path) -> None:
    book = ledger(repository)
    port: Ledger = book
    files = {REPORT: "{}\n", REPORT.with_suffix(".md"): "# Run\n"}
    port.write(files)
    commit = port.commit(AUDIT, MESSAGE, files)
    assert commit == git(repository, "rev-parse", "HEAD") == book.head()
    assert committed_names(repository) == ["audit/staging/run-1.json", "audit/staging/run-1.md"]
    assert (
        git(repository, "log", "-1", "--format=%s|%an|%ae")
        == f"{MESSAGE}|Ada Auditor|ada@example.com"
    )
    assert git(repository, "status", "--porcelain") == ""
    assert book.notes == []


def test_what_a_killed_run_left_half_written_is_swept_away(repository: Path) -> None:
    """But not what another run is still writing."""
    book = ledger(repository)
    book.write({REPORT: "{}\n"})
    folder = (repository / REPORT).parent
    for name in (".reconciler-dead.tmp", ".reconciler-alive.tmp", ".reconciler-notes", "kept.tmp"):
        (folder / name).write_text("half")
    with (folder / ".reconciler-alive.tmp").open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert book.commit(AUDIT / "staging", MESSAGE)
    left = {path.name for path in folder.iterdir()}
    assert left == {REPORT.name, ".reconciler-alive.tmp", ".reconciler-notes", "kept.tmp"}
    assert ".reconciler-alive.tmp" not in git(repository, "ls-files")


def test_a_file_that_is_swept_away_before_it_is_locked_is_made_anew(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock
    swept: list[str] = []

    def flock(number: int, operation: int) -> None:
        if not swept:
            swept.extend(path.name for path in (repository / REPORT).parent.iterdir())
            for name in swept:
                (repository / REPORT).with_name(name).unlink()
        real(number, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    ledger(repository).write({REPORT: "{}\n"})
    assert [name.startswith(".reconciler-") for name in swept] == [True]
    assert (repository / REPORT).read_text() == "{}\n"


@pytest.mark.parametrize("staged", [False, True])
def test_files_are_removed_in_the_commit_that_writes_others(repository: Path, staged: bool) -> None:
    book = ledger(repository)
    old, moved = {REPORT: "{}\n"}, PurePosixPath("audit/staging/former/run-1.json")
    book.write(old)
    book.commit(AUDIT, MESSAGE, old)
    (repository / "notes").write_text("mine")
    git(repository, "add", "notes")
    book.write({moved: "{}\n"})
    book.remove([REPORT, REPORT])
    if staged:
        git(repository, "rm", "--quiet", "--cached", str(REPORT))
    commit = book.commit(AUDIT, MESSAGE, {moved: "{}\n"}, removed=[REPORT])
    assert commit == git(repository, "rev-parse", "HEAD")
    assert git(repository, "ls-tree", "-r", "--name-only", "HEAD", "audit") == str(moved)
    assert git(repository, "status", "--porcelain") == "A  notes"


def test_what_is_removed_alone_is_a_commit_too(repository: Path) -> None:
    book = ledger(repository)
    book.write({REPORT: "{}\n"})
    book.commit(AUDIT, MESSAGE, {REPORT: "{}\n"})
    book.remove([REPORT])
    assert book.commit(AUDIT, MESSAGE, {}, removed=[REPORT])
    assert git(repository, "ls-tree", "-r", "--name-only", "HEAD", "audit") == ""
    assert book.commit(AUDIT, MESSAGE, {}, removed=[REPORT]) is None


def test_a_removal_that_a_hook_refuses_is_not_staged(repository: Path) -> None:
    book = ledger(repository)
    book.write({REPORT: "{}\n"})
    book.commit(AUDIT, MESSAGE, {REPORT: "{}\n"})
    add_hook(repository, "pre-commit", "exit 1")
    book.remove([REPORT])
    with pytest.raises(AuditError) as caught:
        book.commit(AUDIT, MESSAGE, {}, removed=[REPORT])
    assert caught.value.code == "RC607"
    assert git(repository, "status", "--porcelain").strip() == f"D {REPORT}"


def test_what_a_link_in_the_place_of_a_report_leads_to_is_not_removed(repository: Path) -> None:
    (repository / "audit/staging").mkdir(parents=True)
    (repository / "precious").write_text("mine")
    (repository / REPORT).symlink_to(repository / "precious")
    ledger(repository).remove([REPORT])
    assert (repository / "precious").read_text() == "mine"
    assert not (repository / REPORT).is_symlink()


def test_nothing_to_commit(repository: Path) -> None:
    book = ledger(repository)
    assert book.commit(AUDIT, MESSAGE) is None
    (repository / "audit").mkdir()
    assert book.commit(AUDIT, MESSAGE) is None
    book.write({REPORT: "{}\n"})
    assert book.commit(AUDIT, MESSAGE)
    assert book.commit(AUDIT, MESSAGE) is None
    book.write({REPORT: "{}\n"})
    assert book.commit(AUDIT, MESSAGE) is None


def test_a_dirty_tree_stays_exactly_as_it_was(repository: Path) -> None:
    """Staged stays staged, edited stays edited, untracked stays untracked; a half-staged file keeps
    both halves."""
    for name in ("staged.yaml", "edited.yaml", "both.yaml", "deleted.yaml", "removed.yaml"):
        commit_file(repository, name, "1\n")
    (repository / "staged.yaml").write_text("2\n")
    (repository / "both.yaml").write_text("2\n")
    (repository / "new.yaml").write_text("new\n")
    git(repository, "add", "staged.yaml", "both.yaml", "new.yaml")
    git(repository, "rm", "--quiet", "removed.yaml")
    (repository / "both.yaml").write_text("3\n")
    (repository / "edited.yaml").write_text("2\n")
    (repository / "deleted.yaml").unlink()
    (repository / "untracked.yaml").write_text("x\n")
    before = (
        git(repository, "status", "--porcelain"),
        git(repository, "diff"),
        git(repository, "diff", "--cached"),
    )
    book = ledger(repository)
    book.write({REPORT: "{}\n"})
    assert book.commit(AUDIT, MESSAGE)
    after = (
        git(repository, "status", "--porcelain"),
        git(repository, "diff"),
        git(repository, "diff", "--cached"),
    )
    assert after == before
    assert committed_names(repository) == [str(REPORT)]


def test_the_project_may_be_a_directory_of_the_repository(repository: Path) -> None:
    project = repository / "infra" / "inte grations"
    project.mkdir(parents=True)
    (repository / "audit").mkdir()
    (repository / "audit" / "not-ours.json").write_text("{}")
    book = ledger(project)
    book.write({REPORT: "{}\n"})
    assert book.commit(AUDIT, MESSAGE)
    assert committed_names(repository) == ["infra/inte grations/audit/staging/run-1.json"]
    assert git(repository, "status", "--porcelain") == "?? audit/"


def test_the_first_commit_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch, tmp_path / "home")
    git(tmp_path, "init", "--quiet", "fresh")
    book = ledger(tmp_path / "fresh")
    (tmp_path / "fresh" / "staged.yaml").write_text("1\n")
    git(tmp_path / "fresh", "add", "staged.yaml")
    assert book.head() is None
    book.write({REPORT: "{}\n"})
    commit = book.commit(AUDIT, MESSAGE)
    assert commit == book.head()
    assert committed_names(tmp_path / "fresh") == [str(REPORT)]
    assert git(tmp_path / "fresh", "status", "--porcelain") == "A  staged.yaml"


@pytest.mark.parametrize("name", ["au*dit", ":(top)audit", "-f", "audit [x]", "prüfung", "!audit"])
def test_a_directory_name_is_taken_literally(repository: Path, name: str) -> None:
    (repository / "audit").mkdir()
    (repository / "audit" / "other.json").write_text("{}")
    book = ledger(repository)
    book.write({PurePosixPath(name) / "run.json": "{}\n"})
    assert book.commit(PurePosixPath(name), MESSAGE)
    assert (
        git(repository, "show", "-z", "--format=", "--name-only").strip("\0") == f"{name}/run.json"
    )
    assert git(repository, "status", "--porcelain") == "?? audit/"


def test_a_message_is_kept_as_it_is(repository: Path) -> None:
    book = ledger(repository)
    book.write({REPORT: "{}\n"})
    book.commit(AUDIT, "Record 3 clients – ok\n\n# no comment\n-m x")
    assert (
        git(repository, "log", "-1", "--format=%B").strip()
        == "Record 3 clients – ok\n\n# no comment\n-m x"
    )


def test_an_environment_that_points_git_elsewhere_is_not_followed(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a hook, or under an alias, of another repository."""
    other = new_repository(tmp_path / "other")
    for name, value in {
        "GIT_DIR": other / ".git",
        "GIT_WORK_TREE": other,
        "GIT_INDEX_FILE": tmp_path / "i",
    }.items():
        monkeypatch.setenv(name, str(value))
    book = ledger(repository)
    book.write({REPORT: "{}\n"})
    assert book.commit(AUDIT, MESSAGE)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name)
    assert committed_names(repository) == [str(REPORT)]
    assert git(other, "log", "--oneline").count("\n") == 0


def test_a_detached_head_gets_the_commit_and_a_note(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "--detach")
    book = ledger(repository)
    book.write({REPORT: "{}\n"})
    commit = book.commit(AUDIT, MESSAGE)
    assert commit == git(repository, "rev-parse", "HEAD")
    (note,) = book.notes
    assert note.startswith(
        f"HEAD is detached: no branch holds the audit commit {str(commit)[:12]}; keep it with"
    )


def test_git_is_not_installed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    book = ledger(repository)
    book.write({REPORT: "{}\n"})
    assert refused(repository).code == "RC601"
    assert book.head() is None
    assert (repository / REPORT).read_text() == "{}\n"


def test_not_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch, tmp_path / "home")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    book = ledger(tmp_path)
    book.write({REPORT: "{}\n"})
    assert refused(tmp_path).code == "RC602"
    assert book.head() is None
    assert (tmp_path / REPORT).exists()
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    assert refused(tmp_path / "bare.git").code == "RC630"
    assert refused(tmp_path / "missing").code == "RC602"


@pytest.mark.parametrize("known", ["", "name", "email"])
def test_no_identity_is_invented(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    isolate(monkeypatch, tmp_path / "home", identity=False)
    if known:
        git(repository, "config", f"user.{known}", "ada@example.com")
    before = git(repository, "rev-parse", "HEAD")
    ledger(repository).write({REPORT: "{}\n"})
    error = refused(repository)
    assert (error.code, error.message) == ("RC603", "git does not know who commits")
    assert git(repository, "rev-parse", "HEAD") == before
    assert git(repository, "status", "--porcelain") == "?? audit/"


def test_an_identity_from_the_environment_is_enough(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path / "home", identity=False)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Robot")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "robot@example.com")
    book = ledger(repository)
    book.write({REPORT: "{}\n"})
    assert book.commit(AUDIT, MESSAGE)


@pytest.mark.parametrize("rule", ["audit/", "*.json", "/audit", "audit/staging/*"])
def test_ignored_reports_are_refused(repository: Path, rule: str) -> None:
    commit_file(repository, ".gitignore", f"# rules\n{rule}\n")
    ledger(repository).write({REPORT: "{}\n"})
    error = refused(repository)
    assert error.code == "RC604"
    assert f"by .gitignore:2: {rule}" in error.message


def test_junk_that_is_ignored_on_purpose_is_left_alone(repository: Path) -> None:
    commit_file(repository, ".gitignore", ".DS_Store\n*~\n")
    book = ledger(repository)
    book.write({REPORT: "{}\n"})
    (repository / "audit" / ".DS_Store").write_text("x")
    (repository / "audit" / "run.json~").write_text("x")
    assert book.commit(AUDIT, MESSAGE)
    assert committed_names(repository) == [str(REPORT)]


def test_a_left_over_temporary_file_is_never_committed(repository: Path) -> None:
    book = ledger(repository)
    book.write({REPORT: "{}\n"})
    (repository / "audit" / "staging" / ".reconciler-0123456789abcdef.tmp").write_text("half")
    assert book.commit(AUDIT, MESSAGE)
    assert committed_names(repository) == [str(REPORT)]
    assert book.commit(AUDIT, MESSAGE) is None


def _conflict(repository: Path) -> None:
    commit_file(repository, "a.yaml", "1\n")
    git(repository, "checkout", "--quiet", "-b", "side")
    commit_file(repository, "a.yaml", "2\n")
    git(repository, "checkout", "--quiet", "main")
    commit_file(repository, "a.yaml", "3\n")


@pytest.mark.parametrize("verb", ["merge", "rebase", "cherry-pick"])
def test_a_merge_or_rebase_under_way(repository: Path, verb: str) -> None:
    _conflict(repository)
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, verb, "side")
    before = git(repository, "status", "--porcelain")
    ledger(repository).write({REPORT: "{}\n"})
    error = refused(repository)
    assert (error.code, error.message.split(": ")[-1]) == ("RC605", verb)
    assert git(repository, "status", "--porcelain") == f"{before}\n?? audit/"


@pytest.mark.parametrize("hook", ["pre-commit", "commit-msg", "prepare-commit-msg"])
def test_a_hook_that_refuses(repository: Path, hook: str) -> None:
    add_hook(
        repository, hook, "printf '\\033[31mno \\033]0;title\\007reports\\033[0m\\r\\n' >&2; exit 1"
    )
    before = git(repository, "rev-parse", "HEAD")
    ledger(repository).write({REPORT: "{}\n"})
    error = refused(repository)
    assert error.code == "RC607"
    assert error.message == f"a commit hook refuses, or failed: {hook}\n  | no reports"
    assert git(repository, "rev-parse", "HEAD") == before
    assert git(repository, "status", "--porcelain") == "?? audit/", "nothing is left staged"
    assert (repository / REPORT).read_text() == "{}\n"


def test_a_talkative_hook_is_cut_short(repository: Path) -> None:
    add_hook(
        repository,
        "pre-commit",
        "seq 1 20000 >&2; echo https://user:hunter2@example.com/ >&2; exit 1",
    )
    ledger(repository).write({REPORT: "{}\n"})
    error = refused(repository)
    assert len(error.message) < 2200
    assert error.message.endswith("  | https://***@example.com/")


def test_a_hook_that_passes_sees_only_the_report(repository: Path) -> None:
    add_hook(repository, "pre-commit", "git diff --cached --name-only > seen.txt")
    (repository / "staged.yaml").write_text("1\n")
    git(repository, "add", "staged.yaml")
    book = ledger(repository)
    book.write({REPORT: "{}\n"})
    assert book.commit(AUDIT, MESSAGE)
    assert (repository / "seen.txt").read_text() == f"{REPORT}\n"


def test_another_git_holds_the_index(repository: Path) -> None:
    (repository / ".git" / "index.lock").touch()
    waits: list[float] = []
    book = GitLedger(GitCommand(repository, pause=waits.append))
    book.write({REPORT: "{}\n"})
    with pytest.raises(AuditError) as caught:
        book.commit(AUDIT, MESSAGE)
    assert caught.value.code == "RC608"
    assert "index.lock" in caught.value.message
    assert waits
    assert (repository / REPORT).exists()


def test_a_lock_that_goes_away_is_waited_for(repository: Path) -> None:
    lock = repository / ".git" / "index.lock"
    lock.touch()
    book = GitLedger(GitCommand(repository, pause=lambda seconds: lock.unlink()))
    book.write({REPORT: "{}\n"})
    assert book.commit(AUDIT, MESSAGE)


def test_git_fails_for_a_reason_of_its_own(repository: Path) -> None:
    ledger(repository).write({REPORT: "{}\n"})
    git(repository, "config", "commit.gpgsign", "true")
    git(repository, "config", "gpg.program", "/bin/false")
    error = refused(repository)
    assert error.code == "RC600"
    assert "gpg failed to sign" in error.message


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give files away")
def test_a_repository_of_another_user(repository: Path) -> None:
    ledger(repository).write({REPORT: "{}\n"})
    for path in (repository, repository / ".git"):
        os.chown(path, 12345, 12345)
    error = refused(repository)
    assert error.code == "RC610"
    assert "safe.directory" in error.remedy


def test_actor(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ledger(repository).actor() == "Ada Auditor <ada@example.com>"
    monkeypatch.setenv("GITLAB_USER_LOGIN", "grace")
    assert ledger(repository).actor() == "grace"
    monkeypatch.setenv("GITHUB_ACTOR", "li\x1b[31mn\u202eus\r\n  x" + "y" * 500)
    assert ledger(repository).actor().startswith("li[31mnus x")
    assert len(ledger(repository).actor()) == 200
    isolate(monkeypatch, tmp_path / "nobody", identity=False)
    monkeypatch.setenv("LOGNAME", "login\x07name")
    assert ledger(repository).actor() == "loginname"


def test_a_file_is_replaced_whole(repository: Path) -> None:
    book = ledger(repository)
    book.write({REPORT: "a long first text\n"})
    book.write({REPORT: "ü\n"})
    assert (repository / REPORT).read_bytes() == "ü\n".encode()
    assert [path.name for path in (repository / "audit" / "staging").iterdir()] == ["run-1.json"]


@pytest.mark.parametrize(
    "path", ["../out.json", "/etc/out.json", ".", "audit/../../x", ".git/config", ".GIT/config"]
)
def test_paths_outside_the_project_are_refused(repository: Path, path: str) -> None:
    with pytest.raises(AuditError) as caught:
        ledger(repository).write({PurePosixPath(path): "x"})
    assert caught.value.code == "RC606"
    assert refused(repository, PurePosixPath(path)).code == "RC606"


@pytest.mark.parametrize("link", ["audit", "audit/staging"])
def test_a_symbolic_link_is_never_followed(repository: Path, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repository / link).parent.mkdir(exist_ok=True)
    (repository / link).symlink_to(outside)
    with pytest.raises(AuditError) as caught:
        ledger(repository).write({REPORT: "x"})
    assert caught.value.code == "RC606"
    assert refused(repository, PurePosixPath(link)).code == "RC606"
    assert list(outside.iterdir()) == []


def test_a_report_that_is_a_link_is_replaced_and_its_target_kept(
    repository: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    (repository / REPORT).parent.mkdir(parents=True)
    (repository / REPORT).symlink_to(target)
    ledger(repository).write({REPORT: "{}\n"})
    assert target.read_text() == "precious"
    assert not (repository / REPORT).is_symlink()


def test_a_file_in_the_way(repository: Path) -> None:
    (repository / "audit").write_text("a file")
    with pytest.raises(AuditError) as caught:
        ledger(repository).write({REPORT: "x"})
    assert caught.value.code == "RC606"
    (repository / "audit").unlink()
    (repository / REPORT).mkdir(parents=True)
    with pytest.raises(AuditError) as caught:
        ledger(repository).write({REPORT: "x"})
    assert caught.value.code == "RC609"


FULL_DISK = """
import resource, sys
from pathlib import Path, PurePosixPath
import reconciler.adapters.git.ledger
from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.ledger import GitLedger
from reconciler.engine.ports import Ledger
from reconciler.errors import AuditError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    GitLedger(GitCommand(sys.argv[1])).write({PurePosixPath("audit/staging/run-1.json"): "x" * 2000})
except AuditError as error:
    print(error)
"""


def test_no_room_for_the_report(repository: Path) -> None:
    """A limit on file sizes stands in for a full disk: the kernel refuses the write in the same
    place."""
    ledger(repository).write({REPORT: "the old report\n"})
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(repository)],
        cwd=SOURCES,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(
        "RC609: a report cannot be written: audit/staging/run-1.json: no room left"
    )
    assert (repository / REPORT).read_text() == "the old report\n"
    assert [path.name for path in (repository / "audit" / "staging").iterdir()] == ["run-1.json"]


def test_a_hook_that_hangs(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook's own children are ended too, and git's lock is gone."""
    monkeypatch.setattr(reconciler.adapters.git.ledger, "PATIENT_SECONDS", 0.5)
    add_hook(repository, "pre-commit", "sleep 60 & wait")
    ledger(repository).write({REPORT: "{}\n"})
    error = refused(repository)
    assert (error.code, error.message.split(": ")[0]) == ("RC611", "a git command took too long")
    assert not (repository / ".git" / "index.lock").exists()
    assert git(repository, "status", "--porcelain") == "?? audit/"


INTERRUPTED = """
import sys
from pathlib import PurePosixPath
from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.ledger import GitLedger
try:
    GitLedger(GitCommand(sys.argv[1])).commit(PurePosixPath("audit"), "Record a run")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_lets_git_finish(repository: Path) -> None:
    ledger(repository).write({REPORT: "{}\n"})
    add_hook(repository, "pre-commit", "touch started; sleep 0.7")
    command = [sys.executable, "-c", INTERRUPTED, str(repository)]
    with started(command, cwd=SOURCES) as process:
        until = time.monotonic() + 30
        while not (repository / "started").exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "interrupted\n"
    assert git(repository, "log", "-1", "--format=%s") == "Record a run"
    assert git(repository, "status", "--porcelain") == "?? started"


def test_the_texts_of_a_report_as_committed_and_as_on_disk(
    repository: Path, tmp_path: Path
) -> None:
    book = ledger(repository)
    assert book.texts(REPORT) == ()
    book.write({REPORT: "one\n"})
    assert book.texts(REPORT) == ("one\n",)
    book.commit(AUDIT, MESSAGE)
    book.write({REPORT: "two\n"})
    assert book.texts(REPORT) == ("one\n", "two\n")
    (repository / REPORT).write_bytes(b"\xff")
    assert book.texts(REPORT) == ("one\n",)
    (repository / REPORT).unlink()
    (tmp_path / "elsewhere").write_text("not ours")
    (repository / REPORT).symlink_to(tmp_path / "elsewhere")
    assert book.texts(REPORT) == ("one\n",)
    below = repository / "below"
    below.mkdir()
    assert ledger(below).texts(REPORT) == ()


def test_outside_a_repository_a_report_is_what_is_on_disk(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    book.write({REPORT: "one\n"})
    assert book.texts(REPORT) == ("one\n",)
    assert book.count_unpushed(AUDIT) is None


@pytest.mark.parametrize("below", [".", "project"])
def test_reports_that_differ_from_what_is_committed(repository: Path, below: str) -> None:
    project = repository / below
    project.mkdir(exist_ok=True)
    book = ledger(project)
    names = {word: AUDIT / "staging" / f"{word}.json" for word in ("kept", "changed", "removed")}
    book.write(dict.fromkeys(names.values(), "{}\n"))
    book.commit(AUDIT, MESSAGE)
    assert book.find_uncommitted(AUDIT) == {}
    book.write(
        {names["changed"]: "[]\n", AUDIT / "é new.json": "{}\n", AUDIT / "staged.json": "{}\n"}
    )
    git(project, "add", "audit/staged.json")
    (project / names["removed"]).unlink()
    (project / "audit/.reconciler-0123456789abcdef.tmp").write_text("cut short")
    (project / "other.txt").write_text("no report")
    assert book.find_uncommitted(AUDIT) == {
        names["changed"]: "changed", names["removed"]: "removed", AUDIT / "é new.json": "new",
        AUDIT / "staged.json": "new",
    }  # fmt: skip
    assert ledger(repository.parent).find_uncommitted(AUDIT) == {}
