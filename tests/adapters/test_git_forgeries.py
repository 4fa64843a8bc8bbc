"""What would make a signature look good that is not: dates, settings, the environment, and the
commit's own form."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.trust.commits import Declaration
from reconciler.errors import BlockedError
from reconciler.planning.trust.chain import Followed
from tests.kit.git.repositories import commit_file, git, loaded
from tests.kit.git.signing import Signer, new_signer

SIGNERS = ".allowed_signers"
LONG_AGO, BEFORE, LATER, AFTER, NEVER = (
    f"{year}-06-01T00:00:00Z" for year in ("2019", "2020", "2022", "2023", "2099")
)  # fmt: skip
ENDED = 'namespaces="git",valid-before="20210101" '
BEGUN = 'namespaces="git",valid-after="20210101" '
NOT_YET = 'namespaces="git",valid-after="20980101" '
SOON_OVER = 'namespaces="git",valid-before="20980101" '


@pytest.fixture
def bob(tmp_path: Path, ada: Signer) -> Signer:
    return new_signer(tmp_path / "keys", "bob")


def limited(signer: Signer, options: str) -> str:
    """Their line in the file of signers, with options."""
    principal, _, key = signer.line.partition(" ")
    return f"{principal} {options}{key}"


class Dated:
    """A repository whose commits say of themselves when they were made."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> None:
        self.root, self._monkeypatch = root, monkeypatch
        root.mkdir()
        git(root, "init", "--quiet", *options)

    def commit(self, date: str, who: Signer | None, **files: str) -> str:
        for name, text in files.items():
            (self.root / {"signers": SIGNERS}.get(name, name)).write_text(text)
        self._monkeypatch.setenv("GIT_COMMITTER_DATE", date)
        self._monkeypatch.setenv("GIT_AUTHOR_DATE", date)
        if who is not None:
            return who.commit(self.root)
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--allow-empty", "-m", "unsigned")
        return git(self.root, "rev-parse", "HEAD")

    def refusal(self, now: float | None = None) -> str:
        """Why the newest commit is refused; empty when it is not."""
        try:
            clock = {} if now is None else {"clock": lambda: now}
            Declaration(GitCommand(self.root), "audit", **clock).refuse_unsigned(SIGNERS)
        except BlockedError as error:
            return f"{error.code} {error.message}" if error.remedy else "no remedy"
        return ""


@pytest.fixture
def dated(tmp_path: Path, ada: Signer, monkeypatch: pytest.MonkeyPatch) -> Dated:
    return Dated(tmp_path / "repository", monkeypatch)


@pytest.mark.parametrize(
    ("options", "date", "words"),
    [
        (ENDED, BEFORE, "key has expired"),
        (ENDED, LATER, "key has expired"),
        (BEGUN, BEFORE, ""),
        (BEGUN, LATER, ""),
        (NOT_YET, LATER, "key is not yet valid"),
        (NOT_YET, NEVER, "key is not yet valid"),
        (SOON_OVER, LATER, ""),
        (SOON_OVER, NEVER, "key has expired"),  # the clock may be slow
    ],
)
def test_a_key_must_be_valid_now(
    options: str, date: str, words: str, dated: Dated, ada: Signer, bob: Signer
) -> None:
    dated.commit(LONG_AGO, None, signers=limited(bob, options) + ada.line)
    dated.commit(date, bob, other="x")
    assert words in dated.refusal()
    assert bool(dated.refusal()) is bool(words)
    dated.commit(LATER, ada, other="y")
    dated.commit(LATER, ada, other="z")
    assert dated.refusal() == ""


def test_a_slow_clock_does_not_bring_a_key_back(dated: Dated, bob: Signer) -> None:
    """What a commit builds on tells that it is later than it says."""
    dated.commit(LONG_AGO, None, signers=limited(bob, ENDED))
    dated.commit(AFTER, None, other="x")
    dated.commit(BEFORE, bob, other="y")
    assert "key has expired" in dated.refusal(now=1_590_000_000.0)  # in 2020


CHAIN = Followed("", ("policy",), (), lambda policy: policy.split()[1], lambda _: None)


@pytest.mark.parametrize(
    ("dates", "trusted"),
    [
        ((BEFORE,), True),  # as it was: the key was good then
        ((LATER,), False),
        ((LATER, BEFORE), False),
        ((LATER, BEFORE, BEFORE), False),  # two commits of one's own do not hide what they build on
        ((BEFORE, BEFORE), True),
    ],
)
def test_in_the_history_a_commit_is_not_older_than_what_it_builds_on(
    dates: tuple[str, ...], trusted: bool, dated: Dated, ada: Signer, bob: Signer
) -> None:
    """What a key did while it was valid stays; what it does later does not count, whatever it says
    of the date."""
    dated.commit(LONG_AGO, None, signers=limited(bob, ENDED))
    dated.commit(LONG_AGO, bob, policy=f"signedCommits {SIGNERS}")
    for date in dates[:-1]:
        dated.commit(date, None, other=f"{date} {len(git(dated.root, 'log', '--oneline'))}")
    dated.commit(dates[-1], bob, signers=limited(bob, ENDED) + ada.line)
    dated.commit(AFTER, ada, other="next")
    ((_, text),) = Declaration(GitCommand(dated.root), "audit").find_inherited(CHAIN)
    assert (ada.line in text) is trusted


def test_a_date_in_the_future_ends_no_key(dated: Dated, ada: Signer, bob: Signer) -> None:
    dated.commit(LONG_AGO, None, signers=limited(bob, SOON_OVER))
    dated.commit(LONG_AGO, bob, policy=f"signedCommits {SIGNERS}")
    dated.commit(NEVER, None, other="x")
    dated.commit(LATER, bob, signers=limited(bob, SOON_OVER) + ada.line)
    dated.commit(LATER, ada, other="y")
    ((_, text),) = Declaration(GitCommand(dated.root), "audit").find_inherited(CHAIN)
    assert ada.line in text


@pytest.fixture
def stranger(dated: Dated, ada: Signer, bob: Signer) -> Dated:
    """The newest commit is signed by a key that nobody allowed."""
    dated.commit(LATER, None, signers=ada.line)
    dated.commit(AFTER, bob, other="x")
    return dated


def agreeing(folder: Path) -> str:
    """A program that finds every signature good."""
    program = folder / "agree.sh"
    program.write_text(
        '#!/bin/sh\ncase "$*" in *find-principals*) echo ada@example.com;; '
        "*verify*) echo 'Good \"git\" signature for ada@example.com with ED25519 key SHA256:abc';; esac\n"
    )
    program.chmod(0o755)
    return str(program)


def by_repository(stranger: Dated, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    git(stranger.root, "config", "gpg.ssh.program", program)


def by_count(stranger: Dated, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("COUNT", "1"), ("KEY_0", "gpg.ssh.program"), ("VALUE_0", program)):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)


def by_parameters(stranger: Dated, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'gpg.ssh.program'='{program}'")


Way = Callable[[Dated, str, pytest.MonkeyPatch], None]


@pytest.mark.parametrize("way", [by_repository, by_count, by_parameters])
def test_no_setting_names_the_program_that_judges(
    way: Way, stranger: Dated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way(stranger, agreeing(tmp_path), monkeypatch)
    assert "RC240" in stranger.refusal()


@pytest.mark.parametrize("entries", ["", ".", "bin", "./bin"])
def test_no_program_of_the_project_judges(
    entries: str, stranger: Dated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has an empty or relative entry in PATH, and works in the project."""
    (stranger.root / "bin").mkdir()
    for folder in ("", "bin"):
        shutil.copy(agreeing(tmp_path), stranger.root / folder / "ssh-keygen")
    monkeypatch.setenv("PATH", f"{entries}:{os.environ['PATH']}")
    monkeypatch.chdir(stranger.root)
    assert "RC240" in stranger.refusal()


def grafted(dated: Dated, monkeypatch: pytest.MonkeyPatch, older: str, newer: str) -> None:
    (dated.root / ".git/info").mkdir(exist_ok=True)
    (dated.root / ".git/info/grafts").write_text(f"{newer} {older}\n")


def grafted_by_variable(
    dated: Dated, monkeypatch: pytest.MonkeyPatch, older: str, newer: str
) -> None:
    grafted(dated, monkeypatch, older, newer)
    file = dated.root.parent / "grafts"
    (dated.root / ".git/info/grafts").rename(file)
    monkeypatch.setenv("GIT_GRAFT_FILE", str(file))


def cut_off(dated: Dated, monkeypatch: pytest.MonkeyPatch, older: str, newer: str) -> None:
    file = dated.root.parent / "shallow"
    file.write_text(f"{newer}\n")
    monkeypatch.setenv("GIT_SHALLOW_FILE", str(file))


@pytest.mark.parametrize("way", [grafted, grafted_by_variable, cut_off])
def test_no_other_history_is_believed(
    way: Callable[..., None],
    dated: Dated,
    ada: Signer,
    bob: Signer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen from a commit that allowed bob, his would be good."""
    older = dated.commit(LATER, None, signers=bob.line)
    dated.commit(LATER, None, signers=ada.line)
    newer = dated.commit(LATER, bob, signers=bob.line, other="evil")
    way(dated, monkeypatch, older, newer)
    assert "RC240" in dated.refusal()


def test_the_environment_still_says_whose_repository_may_be_read(
    dated: Dated, ada: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As containers do. Elsewhere the repository belongs to somebody else, which git's own tests
    play like this."""
    dated.commit(LATER, None, signers=ada.line)
    dated.commit(LATER, ada, other="x")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(Exception, match="belongs to another user"):
        Declaration(GitCommand(dated.root), "audit")
    for name, value in (("COUNT", "1"), ("KEY_0", "safe.directory"), ("VALUE_0", str(dated.root))):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert dated.refusal() == ""


def test_a_filter_does_not_stand_for_what_is_applied(dated: Dated, ada: Signer) -> None:
    dated.commit(LATER, None, signers=ada.line)
    dated.commit(LATER, ada, other="good")
    git(dated.root, "config", "filter.good.clean", "printf good")
    (dated.root / ".git/info").mkdir(exist_ok=True)
    (dated.root / ".git/info/attributes").write_text("* filter=good\n")
    (dated.root / "other").write_text("evil")
    with pytest.raises(BlockedError) as raised:
        Declaration(GitCommand(dated.root), "audit").refuse_uncommitted(
            loaded(dated.root, "other"), lambda _: False
        )
    assert raised.value.code == "RC242"


def test_a_repository_with_longer_ids(
    tmp_path: Path, ada: Signer, bob: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dated = Dated(tmp_path / "sha256", monkeypatch, "--object-format=sha256")
    dated.commit(LATER, None, signers=ada.line)
    dated.commit(LATER, ada, other="x")
    assert dated.refusal() == ""
    Declaration(GitCommand(dated.root), "audit").refuse_uncommitted(
        loaded(dated.root, "other"), lambda _: False
    )
    dated.commit(LATER, bob, other="y")
    assert "RC240" in dated.refusal()


def rewritten(dated: Dated, change: Callable[[str, str], str]) -> None:
    """The newest commit with another form.

    ``change`` gets it without its signature, and the signature's lines.
    """
    raw = git(dated.root, "cat-file", "commit", "HEAD")
    start = raw.index("gpgsig ")
    end = raw.index(" -----END SSH SIGNATURE-----\n") + len(" -----END SSH SIGNATURE-----\n")
    file = dated.root.parent / "raw"
    file.write_text(change(raw[:start] + raw[end:], raw[start:end]) + "\n")
    commit = git(dated.root, "hash-object", "-t", "commit", "-w", "--literally", str(file))
    git(dated.root, "update-ref", "HEAD", commit)


def before_the_parents(rest: str, signature: str) -> str:
    """git would see a commit without parents, which may vouch for itself."""
    tree, _, more = rest.partition("\n")
    return f"{tree}\n{signature}{more}"


FORMS: dict[str, tuple[Callable[[str, str], str], bool]] = {
    "as it was": (lambda rest, signature: rest.replace("\n\n", f"\n{signature}\n", 1), True),
    "before the parents": (before_the_parents, False),
    "twice": (lambda rest, signature: rest.replace("\n\n", f"\n{signature}{signature}\n", 1), False),
    "in the message": (lambda rest, signature: f"{rest}\n{signature}", False),
    "of the other length": (
        lambda rest, signature: rest.replace("\n\n", f"\n{signature.replace('gpgsig', 'gpgsig-sha256')}\n", 1), False,
    ),
    "of another commit": (lambda rest, signature: rest.replace("\n\n", f"\n{signature}\n", 1) + "more", False),
    "of nothing": (lambda rest, _: rest.replace("\n\n", "\ngpgsig -----BEGIN SSH SIGNATURE-----\n\n", 1), False),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_where_a_signature_may_stand(name: str, dated: Dated, ada: Signer) -> None:
    change, good = FORMS[name]
    dated.commit(LATER, None, signers=ada.line)
    dated.commit(LATER, ada, other="x")
    rewritten(dated, change)
    assert (dated.refusal() == "") is good


def test_without_ssh_keygen_nothing_can_be_verified(
    dated: Dated, ada: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dated.commit(LATER, None, signers=ada.line)
    dated.commit(LATER, ada, other="x")
    found = next(
        folder for folder in os.environ["PATH"].split(":") if (Path(folder) / "git").exists()
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to(Path(found) / "git")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert dated.refusal().startswith("RC245")
    assert "ssh-keygen is not installed" in dated.refusal()
    old = tmp_path / "bin/ssh-keygen"
    old.write_text("#!/bin/sh\necho 'unknown option -- Y' >&2\nexit 1\n")
    old.chmod(0o755)
    assert "cannot verify at a given time" in dated.refusal()


def test_the_principals_of_a_line(dated: Dated, ada: Signer) -> None:
    """Several with commas, or a pattern: as ssh-keygen has it."""
    key = ada.line.partition(" ")[2]
    for principals in ("ada@example.com,al@example.com", "*@example.com"):
        dated.commit(LATER, None, signers=f"{principals} {key}")
        dated.commit(LATER, ada, other=principals)
        assert dated.refusal() == ""


def test_author_names_and_trailers_are_read_as_they_are_stored(dated: Dated, ada: Signer) -> None:
    dated.commit(LATER, None, signers=ada.line)
    commit_file(dated.root, "x", "x")
    git(
        dated.root,
        "commit",
        "--quiet",
        "--amend",
        "-m",
        "one\n\nCo-authored-by: Cy <cy@example.com>",
    )
    git(dated.root, "config", "trailer.separators", "=")
    git(dated.root, "config", "i18n.logOutputEncoding", "UTF-16")
    assert {person.name for person in Declaration(GitCommand(dated.root), "audit").authors()} == {
        "Ada Auditor",
        "Cy",
    }
