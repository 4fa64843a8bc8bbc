"""git runs no program for a question, obeys no repository among the project's files, and gets no
token of ours."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

import pytest

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.trust.base import NoBase, copy_files, usual_base
from reconciler.adapters.trust.commits import Declaration
from reconciler.errors import AuditError, ReconcilerError
from tests.kit.git.repositories import (
    add_hook,
    clone_pair,
    commit_file,
    git,
    isolate,
    loaded,
    look_at,
    new_repository,
)
from tests.kit.programs.waiting import until

AUDIT = PurePosixPath("audit")
REPORT = PurePosixPath("audit/staging/run-1.json")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch, tmp_path / "home")


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Is there once ``evil`` ran."""
    return tmp_path / "mark"


@pytest.fixture
def evil(tmp_path: Path, mark: Path) -> str:
    program = tmp_path / "evil"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {mark}\ncat\n')
    program.chmod(0o755)
    return str(program)


def embed(folder: Path, evil: str) -> Path:
    """A repository of its own where ``folder`` is, with a commit and settings that run ``evil``;
    the project in it."""
    made = new_repository(folder.parent / "made")
    shutil.copytree(made / ".git", folder, dirs_exist_ok=True)
    shutil.rmtree(made)
    for name in ("reconciler.yaml", "audit/staging/run-0.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}\n")
    git(folder, "--git-dir=.", "config", "core.bare", "false")
    git(folder, "--git-dir=.", "config", "core.worktree", ".")
    git(folder, "--git-dir=.", "config", "core.fsmonitor", evil)
    git(
        folder,
        "--git-dir=.",
        "--work-tree=.",
        "-c",
        "core.fsmonitor=",
        "add",
        "reconciler.yaml",
        "audit",
    )
    return folder


def ask_everything(project: Path) -> Iterator[str]:
    """Every question that is ever asked of git, one after the other; the codes of what was
    raised."""
    ledger = GitLedger(GitCommand(project, pause=lambda _: None))

    def trust() -> None:
        declaration = Declaration(GitCommand(project), "audit")
        declaration.authors()
        declaration.before("reconciler.yaml")
        list(declaration.history().versions(["reconciler.yaml"]))
        declaration.history().latest()
        declaration.refuse_uncommitted(loaded(project, "reconciler.yaml"), lambda _: False)
        declaration.refuse_unsigned("signers")

    questions: list[Callable[[], object]] = [
        ledger.head,
        lambda: look_at(project),
        ledger.actor,
        trust,
        lambda: ledger.tracks(project / "reconciler.yaml"),
        lambda: ledger.texts(REPORT),
        lambda: list(ledger.reports(AUDIT / "staging")),
        lambda: ledger.find_uncommitted(AUDIT),
        lambda: ledger.count_unpushed(AUDIT),
        lambda: copy_files(
            GitCommand(project), usual_base(GitCommand(project), "audit", {}), ["x"], project
        ),
    ]
    for question in questions:
        try:
            question()
        except ReconcilerError as error:
            yield error.code
        except NoBase:
            yield "NoBase"


@pytest.mark.parametrize("newer", [True, False])
def test_a_repository_among_the_files_is_not_obeyed(
    newer: bool, tmp_path: Path, evil: str, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where git does not know that it is to refuse it (before 2.38): a git that is not told
    plays it."""
    outer = new_repository(tmp_path / "outer")
    project = embed(outer / "project", evil)
    if not newer:
        real, folder = shutil.which("git"), tmp_path / "older"
        folder.mkdir()
        (folder / "git").write_text(
            f'#!/bin/sh\nfor one do shift\ncase $one in safe.bareRepository=*) one=x.y=z;; esac\nset -- "$@" "$one"\n'
            f'done\nexec {real} "$@"\n'
        )
        (folder / "git").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    raised = set(ask_everything(project))
    assert raised == {"RC630", "NoBase"}
    book = GitLedger(GitCommand(project))
    book.write({REPORT: "{}\n"})
    attempts: list[Callable[[], object]] = [lambda: book.commit(AUDIT, "Record"), book.push]
    for attempt in attempts:
        with pytest.raises(AuditError) as caught:
            attempt()
        assert caught.value.code == "RC630"
    assert not mark.exists()


def test_a_repository_whose_objects_lie_elsewhere_is_one_as_well(
    tmp_path: Path, evil: str, mark: Path
) -> None:
    """HEAD and ``commondir`` make a repository for git."""
    outer = new_repository(tmp_path / "outer")
    embed(outer / "common", evil)
    project = outer / "project"
    project.mkdir()
    shutil.copy(outer / "common/HEAD", project / "HEAD")
    (project / "commondir").write_text("../common\n")
    assert set(ask_everything(project)) == {"RC630", "NoBase"}
    assert not mark.exists()


def test_what_lies_in_a_repository_as_people_make_them_is_found(tmp_path: Path) -> None:
    """A subfolder, a linked work tree, a submodule, a repository whose folder is elsewhere, a way
    through a link."""
    main = new_repository(tmp_path / "main")
    commit_file(main, "sub/reconciler.yaml", "x\n")
    git(main, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    git(tmp_path, "init", "--quiet", "--separate-git-dir", str(tmp_path / "store"), "apart")
    commit_file(tmp_path / "apart", "reconciler.yaml", "x\n")
    outer = new_repository(tmp_path / "outer")
    git(
        outer,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(main),
        "module",
    )
    (tmp_path / "link").symlink_to(main / "sub")
    for place in ("main", "main/sub", "linked/sub", "apart", "outer/module/sub", "link"):
        root = tmp_path / place
        book = GitLedger(GitCommand(root))
        assert book.head() == git(root, "rev-parse", "HEAD"), place
        book.write({REPORT: f"{place}\n"})
        commit = book.commit(AUDIT, "Record")
        assert commit == git(root, "rev-parse", "HEAD"), place
        prefix = git(root, "rev-parse", "--show-prefix")
        assert git(root, "show", "--format=", "--name-only", "HEAD") == f"{prefix}{REPORT}", place


# Settings that name programs, but for those that a commit or a push needs of its own.
SETTINGS = (
    "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.gitProxy",
    "core.alternateRefsCommand", "sequence.editor", "diff.external", "diff.evil.command", "diff.evil.textconv",
    "merge.evil.driver", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "filter.a=b.c.clean",
    "credential.helper", "credential.https://example.com.helper", "gpg.program", "gpg.openpgp.program",
    "gpg.x509.program", "gpg.ssh.program", "gpg.ssh.defaultKeyCommand", "pager.status", "pager.log", "alias.status",
    "remote.origin.vcs", "remote.origin.uploadpack", "interactive.diffFilter",
)  # fmt: skip


def test_a_question_runs_no_program(tmp_path: Path, evil: str, mark: Path) -> None:
    """Whatever settings, attributes and hooks of this very repository say, its submodules', and
    files they include."""
    _, ours, _ = clone_pair(tmp_path)
    commit_file(ours, "audit/staging/run-0.json", "{}\n")
    git(
        ours,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(tmp_path / "remote.git"),
        "module",
    )
    git(ours, "commit", "--quiet", "-m", "module")
    (ours / "included").write_text(f"[core]\n\tfsmonitor = {evil}\n")
    for repository in (ours / "module", ours):
        for name in SETTINGS:
            git(repository, "config", name, evil)
        git(repository, "config", "log.showSignature", "true")
        git(repository, "config", "include.path", str(ours / "included"))
    (ours / ".git/info/attributes").write_text(
        "*.yaml filter=evil diff=evil merge=evil\n*.json filter=a=b.c\n"
    )
    for name in (
        "post-index-change",
        "reference-transaction",
        "post-checkout",
        "fsmonitor-watchman",
    ):
        add_hook(ours, name, evil)
    mark.unlink(missing_ok=True)
    (ours / "reconciler.yaml").write_text("edited\n")
    (ours / "audit/staging/run-0.json").write_text("edited\n")
    (ours / "module/reconciler.yaml").write_text("edited\n")
    list(ask_everything(ours))
    book = GitLedger(GitCommand(ours))
    assert look_at(ours).dirty == ("reconciler.yaml",)
    assert book.find_uncommitted(AUDIT) == {PurePosixPath("audit/staging/run-0.json"): "changed"}
    assert not mark.exists()


def test_what_is_not_here_is_not_fetched_for_a_question(
    tmp_path: Path, evil: str, mark: Path
) -> None:
    """A partial clone would ask its remote, by whatever its settings say."""
    bare, _, _ = clone_pair(tmp_path)
    git(bare, "config", "uploadpack.allowFilter", "true")
    place = tmp_path / "partial"
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--no-checkout",
        "--filter=blob:none",
        f"file://{bare}",
        str(place),
    )
    git(place, "config", "remote.origin.uploadpack", evil)
    answer = GitCommand(place).run("cat-file", "blob", "HEAD:reconciler.yaml")
    assert answer.code != 0
    assert not mark.exists()


TOKENS = {
    "VAULT_TOKEN": "t1", "VAULT_TOKEN_STAGING": "t2", "BAO_TOKEN": "t3", "VAULT_SECRET_ID": "t4", "VAULT_JWT": "t5",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t6", "ACTIONS_ID_TOKEN_REQUEST_URL": "t7", "RECONCILER_GITLAB_TOKEN": "t8",
    "INPUT_TOKEN": "t9", "SOME_ID_TOKEN": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    "CI_JOB_JWT_V2": "t10", "SOME_TOKEN": "hvs.CAESIJ1234567890abcdefgh",
}  # fmt: skip
FOR_A_PUSH = {"GITHUB_TOKEN": "p1", "RECONCILER_PUSH_TOKEN": "p2", "CI_JOB_TOKEN": "p3"}


def test_hooks_run_and_get_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare, ours, _ = clone_pair(tmp_path)
    for name, value in (TOKENS | FOR_A_PUSH).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KEPT", "of the user")
    for name in ("pre-commit", "pre-push"):
        add_hook(ours, name, f"env > {tmp_path / name}")
    book = GitLedger(GitCommand(ours))
    book.write({REPORT: "{}\n"})
    assert book.commit(AUDIT, "Record")
    book.push()
    assert git(bare, "rev-parse", "main") == book.head()
    seen = {name: environ(tmp_path / name) for name in ("pre-commit", "pre-push")}
    for variables in seen.values():
        assert not set(TOKENS) & set(variables)
        assert not set(TOKENS.values()) & set(variables.values())
        assert variables["KEPT"] == "of the user"
    assert not set(FOR_A_PUSH) & set(seen["pre-commit"])
    assert FOR_A_PUSH.items() <= seen["pre-push"].items()


def environ(file: Path) -> dict[str, str]:
    lines = [line.partition("=") for line in file.read_text().splitlines()]
    return {name: value for name, _, value in lines}


def test_the_users_own_filters_and_hooks_of_a_commit_are_theirs(tmp_path: Path) -> None:
    """Where core.hooksPath says that they are."""
    repository = new_repository(tmp_path / "repository")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\necho not today >&2; exit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    git(repository, "config", "core.hooksPath", str(hooks))
    book = GitLedger(GitCommand(repository))
    book.write({REPORT: "{}\n"})
    with pytest.raises(AuditError, match="not today") as caught:
        book.commit(AUDIT, "Record")
    assert caught.value.code == "RC607"


def test_a_relative_entry_of_path_does_not_lead_into_the_project(
    tmp_path: Path, evil: str, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = new_repository(tmp_path / "repository")
    (repository / "bin").mkdir()
    shutil.copy(evil, repository / "bin/git")
    monkeypatch.setenv("PATH", f"bin:.:{os.environ['PATH']}")
    monkeypatch.chdir(repository)
    with suppress(AuditError):
        look_at(repository)
    assert GitLedger(GitCommand(repository)).head() is not None
    assert not mark.exists()


def test_somebody_who_commits_has_a_name_outside_of_a_repository(tmp_path: Path) -> None:
    assert GitLedger(GitCommand(tmp_path)).actor() == "Ada Auditor <ada@example.com>"


def test_a_git_that_hangs_in_one_repository_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions of one program are used by many threads."""
    slow, quick = tmp_path / "slow", tmp_path / "quick"
    new_repository(slow)
    new_repository(quick)
    real = shutil.which("git")
    program = tmp_path / "bin/git"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\ncase "$PWD" in */slow) echo one >> {tmp_path}/asked; sleep 2;; esac\nexec {real} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    hanging = threading.Thread(
        target=lambda: GitCommand(slow).run("rev-parse", "--is-inside-work-tree")
    )
    hanging.start()
    until((tmp_path / "asked").exists)
    assert GitCommand(quick).run("rev-parse", "--is-inside-work-tree").line == "true"
    assert (tmp_path / "asked").read_text() == "one\n", "it waited for the other's first answer"
    hanging.join()
