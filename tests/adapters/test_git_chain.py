"""What two commits may not do when one may not: the demand for signatures and the keys as signed commits left them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.git_chain import handed_down
from reconciler.adapters.git_trust import Declaration
from tests.kit.repositories import commit_file, git, isolate
from tests.kit.signing import Signer, new_signer

SIGNERS = ".allowed_signers"
POLICIES = ("policy.yaml", "policy.yml")
DEMAND = f"signedCommits {SIGNERS}\n"


def demanded(policy: str) -> str | None:
    """A policy of these tests is a word and a path."""
    words = policy.split()
    return words[1] if words[:1] == ["signedCommits"] else None


class Line:
    """The commits of a branch, one after the other, by people with and without keys."""

    def __init__(self, root: Path, keys: tuple[Signer, ...]) -> None:
        root.mkdir()
        git(root, "init", "--quiet")
        self.root, (self.ada, self.bob, self.eve) = root, keys

    def write(self, who: Signer | None, **files: str) -> None:
        """``signers``, ``policy`` and ``other`` are files; an empty text removes one."""
        names = {
            "signers": SIGNERS,
            "policy": "policy.yaml",
            "yml": "policy.yml",
            "other": "other",
            "new": "new_signers",
        }
        for name, text in files.items():
            path = self.root / names[name]
            if text:
                path.write_text(text)
            else:
                path.unlink()
        if who is not None:
            who.commit(self.root)
        else:
            git(self.root, "add", "--all")
            git(self.root, "commit", "--quiet", "--allow-empty", "-m", "unsigned")

    def trusted(self) -> set[str]:
        """Whose keys were handed down to the next commit."""
        self.write(None, other="next")
        inherited = handed_down(Declaration(self.root, "audit"), POLICIES, demanded)
        people = {"ada": self.ada, "bob": self.bob, "eve": self.eve}
        return ALL if inherited is None else {name for name, who in people.items() if who.line in inherited[1]}


ALL = {"anybody"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Signer, ...]:
    folder = tmp_path_factory.mktemp("keys")
    return tuple(new_signer(folder, name) for name in ("ada", "bob", "eve"))


@pytest.fixture
def line(keys: tuple[Signer, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A repository whose first commit has ada's key, and whose second, signed by her, demands signatures."""
    isolate(monkeypatch, tmp_path / "home")
    made = Line(tmp_path / "repository", keys)
    made.write(None, signers=made.ada.line)
    made.write(made.ada, policy=DEMAND)
    return made


Story = Callable[[Line], None]


def take_back(line: Line) -> None:
    line.write(None, policy="nothing\n")


def take_back_and_go_on(line: Line) -> None:
    take_back(line)
    line.write(None, other="evil")
    line.write(None, policy="nothing more\n")


def add_a_key(line: Line) -> None:
    line.write(None, signers=line.ada.line + line.eve.line)


def add_a_key_and_use_it(line: Line) -> None:
    add_a_key(line)
    line.write(line.eve, signers=line.eve.line)
    line.write(line.eve, policy=f"{DEMAND}x\n")


def another_file(line: Line) -> None:
    line.write(None, new=line.eve.line, policy="signedCommits new_signers\n")
    line.write(line.eve, new=line.eve.line + "\n")


def away_and_back(line: Line) -> None:
    line.write(None, policy="", signers="")
    line.write(line.eve, policy=DEMAND, signers=line.eve.line)
    line.write(line.eve, signers=line.eve.line + "\n")


def another_name(line: Line) -> None:
    line.write(None, policy="", yml="nothing\n")


def a_merge(line: Line) -> None:
    git(line.root, "checkout", "--quiet", "-b", "work")
    line.write(line.ada, signers=line.ada.line + line.eve.line)  # signed, on a branch, by a key that is trusted
    git(line.root, "checkout", "--quiet", "main")
    git(line.root, "merge", "--quiet", "--no-ff", "-m", "unsigned merge", "work")


def add_bob(line: Line) -> None:
    line.write(line.ada, signers=line.ada.line + line.bob.line)


def hand_over(line: Line) -> None:
    add_bob(line)
    line.write(line.bob, signers=line.bob.line)


def take_back_signed(line: Line) -> None:
    line.write(line.ada, policy="nothing\n")


def heal(line: Line) -> None:
    """What an unsigned commit brought counts once a trusted key signs a change on top of it."""
    line.write(None, signers=line.ada.line + line.bob.line)
    line.write(line.ada, signers=line.ada.line + line.bob.line + "# seen\n")


def begin_again(line: Line) -> None:
    take_back_signed(line)
    line.write(None, signers=line.eve.line)
    line.write(None, policy=DEMAND)


STORIES: dict[str, tuple[Story, set[str]]] = {
    "nothing more": (lambda line: None, {"ada"}),
    "the demand taken back without a signature": (take_back, {"ada"}),
    "taken back, and two more commits": (take_back_and_go_on, {"ada"}),
    "the policy by its other name": (another_name, {"ada"}),
    "a key added without a signature": (add_a_key, {"ada"}),
    "a key added, and used to add itself": (add_a_key_and_use_it, {"ada"}),
    "another file of keys": (another_file, {"ada"}),
    "all removed and made anew": (away_and_back, {"ada"}),
    "a merge that nobody signed": (a_merge, {"ada"}),
    "a key added by a trusted one": (add_bob, {"ada", "bob"}),
    "a key handed over": (hand_over, {"bob"}),
    "the demand taken back with a signature": (take_back_signed, ALL),
    "seen and signed later": (heal, {"ada", "bob"}),
    "ended well, and begun again": (begin_again, {"eve"}),
}


@pytest.mark.parametrize("name", STORIES)
def test_whose_commit_is_trusted(name: str, line: Line) -> None:
    story, expected = STORIES[name]
    story(line)
    assert line.trusted() == expected


def test_a_demand_that_began_with_an_unsigned_commit(tmp_path: Path, line: Line) -> None:
    """The keys are those from before it, whoever brought it."""
    other = Line(tmp_path / "other", (line.ada, line.bob, line.eve))
    other.write(None, signers=other.ada.line)
    other.write(None, policy=DEMAND)
    add_a_key_and_use_it(other)
    assert other.trusted() == {"ada"}


def test_without_a_demand_nothing_is_asked_and_little_is_looked_at(
    tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "plain"
    root.mkdir()
    git(root, "init", "--quiet")
    for number in range(3):
        commit_file(root, "policy.yaml", f"budgets {number}\n")
    monkeypatch.setattr(Declaration, "text", None)  # no version of the policy is read
    assert handed_down(Declaration(root, "audit"), POLICIES, demanded) is None


def test_where_the_history_is_cut_off_nothing_is_known(tmp_path: Path, line: Line) -> None:
    """What the commit before says still counts; this is why CI fetches the whole history."""
    take_back_and_go_on(line)
    for depth, expected in (("1", False), ("2", False), ("10", True)):
        git(tmp_path, "clone", "--quiet", "--depth", depth, f"file://{line.root}", f"clone{depth}")
        inherited = handed_down(Declaration(tmp_path / f"clone{depth}", "audit"), POLICIES, demanded)
        assert (inherited is not None) is expected
