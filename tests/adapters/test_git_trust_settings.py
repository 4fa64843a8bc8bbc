"""Whoever runs ``apply`` has settings of their own in git: they do not decide what is signed, and
by whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.trust.commits import Declaration
from reconciler.errors import BlockedError
from tests.kit.git.repositories import commit_file, git, loaded
from tests.kit.git.signing import Signer, new_signer

SIGNERS = ".allowed_signers"
SETTINGS = {
    "log.showSignature": "true",
    "log.follow": "true",
    "log.decorate": "full",
    "log.date": "relative",
    "log.mailmap": "true",
    "format.pretty": "oneline",
    "color.ui": "always",
    "color.diff": "always",
    "core.quotePath": "true",
    "core.abbrev": "4",
    "diff.renames": "copies",
    "commit.gpgSign": "false",
    "gpg.format": "openpgp",
    "gpg.minTrustLevel": "never",
    "status.showUntrackedFiles": "no",
}


@pytest.fixture
def project(tmp_path: Path, ada: Signer) -> Path:
    """A repository whose last commit is signed, with two files, one of them with a name that git
    would quote."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "--quiet")
    commit_file(root, SIGNERS, ada.line)
    (root / "clients").mkdir()
    for name in ("a.yaml", "bücher.yaml"):
        (root / "clients" / name).write_text("a\n")
    ada.commit(root)
    return root


@pytest.mark.parametrize("everything", [False, True], ids=["one by one", "all at once"])
def test_no_setting_of_git_changes_an_answer(everything: bool, project: Path) -> None:
    expected = git(project, "rev-parse", "HEAD")
    files = {"clients/a.yaml", "clients/bücher.yaml"}
    for name, value in SETTINGS.items():
        git(project, "config", name, value)
        declaration = Declaration(GitCommand(project), "audit")
        assert declaration.commit == expected, name
        declaration.refuse_unsigned(SIGNERS)
        declaration.refuse_uncommitted(loaded(project, *files), lambda path: path.endswith(".yaml"))
        assert [person.email for person in declaration.authors()] == ["ada@example.com"], name
        if not everything:
            git(project, "config", "--unset", name)


def test_the_file_of_signers_in_somebody_s_settings_trusts_nobody(
    project: Path, tmp_path: Path
) -> None:
    eve = new_signer(tmp_path / "keys", "eve")
    (tmp_path / "mine").write_text(eve.line)
    git(project, "config", "gpg.ssh.allowedSignersFile", str(tmp_path / "mine"))
    (project / "clients/a.yaml").write_text("b\n")
    eve.commit(project)
    with pytest.raises(BlockedError) as raised:
        Declaration(GitCommand(project), "audit").refuse_unsigned(SIGNERS)
    assert raised.value.code == "RC240"


@pytest.mark.parametrize(
    ("options", "good"),
    [
        ("", True),
        ('namespaces="git" ', True),
        ('namespaces="file" ', False),
        ('valid-before="20200101" ', False),
        ('valid-after="20990101" ', False),
    ],
)
def test_the_options_of_a_line_are_obeyed(
    options: str, good: bool, project: Path, ada: Signer
) -> None:
    principal, _, key = ada.line.partition(" ")
    (project / SIGNERS).write_text(f"# who may sign\n{principal} {options}{key}")
    ada.commit(project)
    (project / "clients/a.yaml").write_text("b\n")
    ada.commit(project)
    declaration = Declaration(GitCommand(project), "audit")
    if good:
        declaration.refuse_unsigned(SIGNERS)
    else:
        with pytest.raises(BlockedError, match="not one of a key"):
            declaration.refuse_unsigned(SIGNERS)
