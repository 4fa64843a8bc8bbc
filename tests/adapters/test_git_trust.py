"""Signed commits and their authors, in real repositories with real ssh keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.trust.commits import Declaration
from reconciler.adapters.trust.platform import Person
from reconciler.declare.files.files import declares
from reconciler.domain.declared.checkout import blob_ids
from reconciler.errors import BlockedError
from tests.kit.git.repositories import commit_file, git, loaded
from tests.kit.git.signing import Signer, new_signer

SIGNERS = ".allowed_signers"


@pytest.fixture
def eve(tmp_path: Path, ada: Signer) -> Signer:
    return new_signer(tmp_path / "keys", "eve")


@pytest.fixture(params=["", "projects/acme"], ids=["at the top", "below"])
def project(request: pytest.FixtureRequest, tmp_path: Path, ada: Signer) -> Path:
    """A project, at the top of its repository or below it, whose first commit allows ada to
    sign."""
    top = tmp_path / "repository"
    root: Path = top / request.param
    root.mkdir(parents=True)
    git(top, "init", "--quiet")
    (root / SIGNERS).write_text(ada.line)
    commit_file(root, "clients/a.yaml", "a\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "signers")
    return root


def refused(call: Callable[[], object]) -> str:
    """The code that it was refused with, empty when it was not."""
    try:
        call()
    except BlockedError as error:
        return error.code if error.remedy else "no remedy"
    return ""


def signed(root: Path) -> str:
    return refused(lambda: Declaration(GitCommand(root), "audit").refuse_unsigned(SIGNERS))


def change(root: Path, text: str = "b\n") -> None:
    (root / "clients/a.yaml").write_text(text)


def test_a_commit_signed_by_an_allowed_key(project: Path, ada: Signer) -> None:
    change(project)
    commit = ada.commit(project)
    assert signed(project) == ""
    assert Declaration(GitCommand(project), "audit").commit == commit


def test_no_signature(project: Path) -> None:
    commit_file(project, "clients/a.yaml", "b\n")
    assert signed(project) == "RC240"


def test_a_signature_by_a_key_that_is_not_allowed(project: Path, eve: Signer) -> None:
    change(project)
    eve.commit(project)
    with pytest.raises(BlockedError, match=r"not one of a key in \.allowed_signers") as raised:
        Declaration(GitCommand(project), "audit").refuse_unsigned(SIGNERS)
    assert raised.value.code == "RC240"
    assert "/tmp" not in raised.value.message


def test_a_commit_does_not_vouch_for_itself(project: Path, ada: Signer, eve: Signer) -> None:
    """Whoever adds a key is not trusted by it in the same commit; an allowed key may add another
    one."""
    (project / SIGNERS).write_text(ada.line + eve.line)
    eve.commit(project)
    assert signed(project) == "RC240"
    git(project, "reset", "--quiet", "--hard", "HEAD~1")
    (project / SIGNERS).write_text(ada.line + eve.line)
    ada.commit(project)
    assert signed(project) == ""
    change(project)
    eve.commit(project)
    assert signed(project) == ""


def test_a_key_that_was_removed_is_not_trusted_any_more(
    project: Path, ada: Signer, eve: Signer
) -> None:
    (project / SIGNERS).write_text(eve.line)
    ada.commit(project)
    assert signed(project) == ""
    change(project)
    ada.commit(project)
    assert signed(project) == "RC240"


def test_an_edit_of_the_file_that_is_not_committed_counts_for_nothing(
    project: Path, eve: Signer
) -> None:
    change(project)
    eve.commit(project)
    (project / SIGNERS).write_text(eve.line)
    assert signed(project) == "RC240"


def test_a_file_that_was_not_there_before_is_not_trusted(
    project: Path, ada: Signer, eve: Signer
) -> None:
    git(project, "rm", "--quiet", SIGNERS)
    commit = git(project, "commit", "--quiet", "-m", "gone")
    assert commit == ""
    (project / SIGNERS).write_text(eve.line)
    eve.commit(project)
    assert signed(project) == "RC241"
    change(project)
    ada.commit(project)
    assert signed(project) == "RC240"


def test_an_empty_file_trusts_nobody(project: Path, ada: Signer) -> None:
    (project / SIGNERS).write_text("\n")
    ada.commit(project)
    change(project)
    ada.commit(project)
    assert signed(project) == "RC241"


def test_the_first_commit_of_a_repository_may_vouch_for_itself(
    tmp_path: Path, ada: Signer, eve: Signer
) -> None:
    root = tmp_path / "new"
    root.mkdir()
    git(root, "init", "--quiet")
    assert signed(root) == "RC240"  # there is no commit
    (root / SIGNERS).write_text(ada.line)
    eve.commit(root)
    assert signed(root) == "RC240"
    git(root, "update-ref", "-d", "HEAD")
    ada.commit(root)
    assert signed(root) == ""


def test_no_repository_at_all(tmp_path: Path, ada: Signer) -> None:
    assert refused(lambda: Declaration(GitCommand(tmp_path), "audit")) == "RC240"


def test_reports_are_passed_over_and_nothing_else_is(project: Path, ada: Signer) -> None:
    change(project)
    commit = ada.commit(project)
    commit_file(project, "audit/one.json", "{}")
    commit_file(project, "audit/two.json", "{}")
    assert Declaration(GitCommand(project), "audit").commit == commit
    assert signed(project) == ""
    commit_file(project, "auditor/x", "x")  # begins with the same letters
    assert signed(project) == "RC240"


def test_a_report_s_commit_with_something_else_in_it_is_verified(
    project: Path, ada: Signer
) -> None:
    change(project)
    ada.commit(project)
    (project / "audit").mkdir()
    (project / "audit/one.json").write_text("{}")
    change(project, "evil\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", "report")
    assert signed(project) == "RC240"


def test_a_merge_is_verified_itself(project: Path, ada: Signer) -> None:
    """Whoever merges vouches for what is merged."""
    git(project, "checkout", "--quiet", "-b", "work")
    change(project)
    ada.commit(project)
    git(project, "checkout", "--quiet", "main")
    git(project, "merge", "--quiet", "--no-ff", "-m", "merge", "work")
    assert signed(project) == "RC240"
    options = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={ada.key}")
    git(project, *options, "commit", "--quiet", "--amend", "-S", "--no-edit")
    assert signed(project) == ""


def test_a_history_that_is_cut_off_is_not_trusted(
    project: Path, ada: Signer, tmp_path: Path
) -> None:
    change(project)
    ada.commit(project)
    top = git(project, "rev-parse", "--show-toplevel")
    below = project.relative_to(Path(top))
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{top}", "one")
    git(tmp_path, "clone", "--quiet", "--depth", "2", f"file://{top}", "two")
    with pytest.raises(BlockedError, match="cut off") as raised:
        Declaration(GitCommand(tmp_path / "one" / below), "audit").refuse_unsigned(SIGNERS)
    assert raised.value.code == "RC241"
    assert "fetch-depth: 0" in raised.value.remedy
    assert signed(tmp_path / "two" / below) == ""


def test_what_somebody_replaced_here_is_not_believed(project: Path, ada: Signer) -> None:
    change(project)
    good = ada.commit(project)
    bad = commit_file(project, "clients/a.yaml", "evil\n")
    git(project, "replace", bad, good)
    assert signed(project) == "RC240"


def test_a_signature_of_another_kind_is_none(project: Path) -> None:
    """gpg trusts every key that it has; only ssh signatures are judged by the file."""
    commit_file(project, "clients/a.yaml", "b\n")
    raw = git(project, "cat-file", "commit", "HEAD").replace(
        "\n\n",
        "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----\n\n",
        1,
    )
    stored = project / "raw"
    stored.write_text(raw + "\n")
    commit = git(project, "hash-object", "-t", "commit", "-w", "raw")
    git(project, "update-ref", "HEAD", commit)
    assert signed(project) == "RC240"


def staged(root: Path) -> None:
    change(root, "c\n")
    git(root, "add", "--all")


def marked_as_unchanged(root: Path) -> None:
    git(root, "update-index", "--assume-unchanged", "clients/a.yaml")
    change(root, "c\n")


def a_committed_link(root: Path) -> None:
    """What it leads to may be anything, so that it was committed says nothing."""
    (root / "a.txt").write_text("a\n")
    (root / "clients/a.yaml").unlink()
    (root / "clients/a.yaml").symlink_to("../a.txt")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "link")


ASIDE: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda root: None, ""),
    "changed": (lambda root: (root / "clients/a.yaml").write_text("c\n"), "RC242"),
    "staged": (staged, "RC242"),
    "removed": (lambda root: (root / "clients/a.yaml").unlink(), "RC242"),
    "new": (lambda root: (root / "clients/b.yaml").write_text("b"), "RC242"),
    "ignored": (lambda root: (root / "clients/ignored.yaml").write_text("b"), "RC242"),
    "said to be unchanged": (marked_as_unchanged, "RC242"),
    "a link": (a_committed_link, "RC242"),
    "of another kind": (lambda root: (root / "notes.txt").write_text("b"), ""),
    "hidden": (lambda root: (root / "clients/.b.yaml").write_text("b"), ""),
}


@pytest.mark.parametrize("name", ASIDE)
def test_what_is_applied_is_what_was_committed(name: str, project: Path) -> None:
    make, expected = ASIDE[name]
    (project / ".gitignore").write_text("ignored.yaml\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", "ignore")
    make(project)
    files = [
        str(path.relative_to(project))
        for path in project.rglob("*.yaml")
        if not path.name.startswith(".")
    ]
    read = loaded(project, *files)
    assert (
        refused(
            lambda: Declaration(GitCommand(project), "audit").refuse_uncommitted(read, declares)
        )
        == expected
    )


def test_line_ends_that_git_changes_are_the_same(project: Path) -> None:
    (project / ".gitattributes").write_text("*.yaml text eol=crlf\n")
    commit_file(project, ".gitattributes", "*.yaml text eol=crlf\n")
    read = {"clients/a.yaml": blob_ids(b"a\r\n")}
    assert (
        refused(
            lambda: Declaration(GitCommand(project), "audit").refuse_uncommitted(read, declares)
        )
        == ""
    )


def test_what_was_loaded_is_compared_and_not_what_lies_on_the_disk_by_now(project: Path) -> None:
    """Somebody who is quick changes a file before it is loaded, and back before anybody looks."""
    read = {"clients/a.yaml": blob_ids(b"evil\n")}
    assert (project / "clients/a.yaml").read_text() == "a\n"
    assert (
        refused(
            lambda: Declaration(GitCommand(project), "audit").refuse_uncommitted(read, declares)
        )
        == "RC242"
    )
    (project / "clients/a.yaml").write_text("evil\n")
    read = {"clients/a.yaml": blob_ids(b"a\n")}
    assert (
        refused(
            lambda: Declaration(GitCommand(project), "audit").refuse_uncommitted(read, declares)
        )
        == ""
    )


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("reconciler.yaml", True), ("policy.yml", True), ("scopes.yaml", True), ("clients/a/b.YAML", False),
        ("templates/a.yaml", True), ("templates/a/b.yaml", False), ("other.yaml", False), ("clients/.a.yaml", False),
        ("clients/.a/b.yaml", False), ("clients/a.txt", False), ("schemas/a.yaml", False), ("a/policy.yaml", False),
    ],
)  # fmt: skip
def test_what_would_be_a_part_of_the_declaration(path: str, is_one: bool) -> None:
    assert declares(path) is is_one


def test_authors(project: Path, ada: Signer) -> None:
    git(project, "checkout", "--quiet", "-b", "work")
    author = ("-c", "user.name=Bob", "-c", "user.email=bob@example.com")
    change(project)
    message = "one\n\nCo-authored-by: Cy <cy@example.com>\n"
    git(project, *author, "commit", "--quiet", "-am", message)
    change(project, "c\n")
    git(
        project,
        "-c",
        "user.name=Dee",
        "-c",
        "user.email=dee@example.com",
        "commit",
        "--quiet",
        "-am",
        "two",
    )
    last = Declaration(GitCommand(project), "audit")
    assert last.authors() == [Person(name="Dee", email="dee@example.com")]
    assert not last.is_merge
    git(project, "checkout", "--quiet", "main")
    git(project, "merge", "--quiet", "--no-ff", "-m", "merge", "work")
    merge = Declaration(GitCommand(project), "audit")
    assert merge.is_merge
    assert {person.name for person in merge.authors()} == {"Bob", "Cy", "Dee"}


def test_the_text_before(project: Path) -> None:
    commit_file(project, "clients/a.yaml", "b\n")
    assert Declaration(GitCommand(project), "audit").before("clients/a.yaml") == "a\n"
    assert Declaration(GitCommand(project), "audit").before("clients/none.yaml") is None
