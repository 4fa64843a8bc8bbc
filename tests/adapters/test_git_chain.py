"""What two commits may not do when one may not: the demand for signatures and the keys as signed
commits left them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.history import History
from reconciler.adapters.trust.commits import Declaration
from reconciler.planning.trust.chain import Followed
from tests.kit.git.repositories import commit_file, git, isolate
from tests.kit.git.signing import Signer, new_signer

SIGNERS = ".allowed_signers"
DEMAND = f"signedCommits {SIGNERS}\n"


def demanded(policy: str) -> str | None:
    """A policy of these tests is a word and a path."""
    words = policy.split()
    return words[1] if words[:1] == ["signedCommits"] else None


def named(project: str) -> str:
    return project.strip()


ACME = Followed("acme", ("policy.yaml", "policy.yml"), ("reconciler.yaml",), demanded, named)


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
            "project": "reconciler.yaml",
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

    def trusted(self, folder: str = ".") -> set[str]:
        """Whose keys were handed down to the next commit of the project in ``folder``."""
        self.write(None, other="next")
        inherited = Declaration(GitCommand(self.root / folder), "audit").find_inherited(ACME)
        people = {"ada": self.ada, "bob": self.bob, "eve": self.eve}
        trusted = {
            name for name, who in people.items() if all(who.line in text for _, text in inherited)
        }
        return trusted if inherited else ALL

    def git(self, *arguments: str) -> str:
        return git(self.root, *arguments)

    def merge(self, who: Signer | None, other: str, *options: str) -> None:
        """Merge ``other`` into the branch that is checked out."""
        self.git(
            "merge",
            "--quiet",
            "--no-ff",
            "--no-commit",
            "--allow-unrelated-histories",
            *options,
            other,
        )
        self.write(who)


ALL = {"anybody"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Signer, ...]:
    folder = tmp_path_factory.mktemp("keys")
    return tuple(new_signer(folder, name) for name in ("ada", "bob", "eve"))


@pytest.fixture
def line(keys: tuple[Signer, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A repository whose first commit has ada's key, and whose second, signed by her, demands
    signatures."""
    isolate(monkeypatch, tmp_path / "home")
    made = Line(tmp_path / "repository", keys)
    made.write(None, signers=made.ada.line, project="acme\n")
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
    # Signed, on top of everything that is on main: as good as a push of this commit.
    line.write(line.ada, signers=line.ada.line + line.eve.line)
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


def from_elsewhere(line: Line, **files: str) -> None:
    """A branch that shares nothing with main, and merges it without taking anything."""
    line.git("checkout", "--quiet", "--orphan", "evil")
    line.write(None, **files)
    line.merge(None, "main", "--strategy=ours")


def begins_elsewhere(line: Line) -> None:
    from_elsewhere(line, policy="nothing\n")


def elsewhere_and_more(line: Line) -> None:
    from_elsewhere(line, policy="nothing\n")
    line.write(None, policy="nothing more\n")


def elsewhere_with_a_demand(line: Line) -> None:
    from_elsewhere(line, signers=line.eve.line)
    line.write(line.eve, policy=f"{DEMAND}x\n")


def from_before_the_demand(line: Line) -> None:
    line.git("checkout", "--quiet", "-b", "evil", "HEAD~1")
    line.write(None, other="evil")
    line.merge(None, "main", "--strategy=ours")
    line.write(None, policy="nothing\n")


def an_old_key_brings_itself_back(line: Line) -> None:
    """The merge begins where bob was trusted still; main has removed him."""
    add_bob(line)
    line.git("checkout", "--quiet", "-b", "evil")
    line.git("checkout", "--quiet", "main")
    line.write(line.ada, signers=line.ada.line)
    line.git("checkout", "--quiet", "evil")
    line.write(line.bob, signers=line.bob.line + line.ada.line)
    line.merge(line.bob, "main", "--strategy=ours")


def a_branch_from_before_the_demand(line: Line) -> None:
    """As every branch is that is older than the demand."""
    line.git("checkout", "--quiet", "-b", "work", "HEAD~1")
    line.write(None, other="work")
    line.git("checkout", "--quiet", "main")
    line.merge(None, "work")
    add_bob(line)


def a_branch_from_before_a_change_of_keys(line: Line) -> None:
    line.git("checkout", "--quiet", "-b", "work")
    line.write(None, new="work")
    line.git("checkout", "--quiet", "main")
    hand_over(line)
    line.merge(None, "work")
    line.write(line.bob, signers=line.bob.line + "# signed\n")


def two_branches_changed_the_keys(line: Line) -> None:
    """Whom both sides allow may settle it."""
    line.git("checkout", "--quiet", "-b", "work")
    line.write(line.ada, new=line.eve.line, policy="signedCommits new_signers\n")
    line.git("checkout", "--quiet", "main")
    add_bob(line)
    line.merge(None, "work")


def two_branches_settled(line: Line) -> None:
    line.git("checkout", "--quiet", "-b", "work")
    line.write(line.ada, signers=line.ada.line + line.eve.line)
    line.git("checkout", "--quiet", "main")
    add_bob(line)
    line.merge(line.ada, "work", "--strategy=ours")


def withdrawn_before_a_branch_came_back(line: Line) -> None:
    line.git("checkout", "--quiet", "-b", "work")
    line.write(None, other="work")
    line.git("checkout", "--quiet", "main")
    take_back_signed(line)
    line.merge(None, "work")


STORIES: dict[str, tuple[Story, set[str]]] = {
    "nothing more": (lambda line: None, {"ada"}),
    "the demand taken back without a signature": (take_back, {"ada"}),
    "taken back, and two more commits": (take_back_and_go_on, {"ada"}),
    "the policy by its other name": (another_name, {"ada"}),
    "a key added without a signature": (add_a_key, {"ada"}),
    "a key added, and used to add itself": (add_a_key_and_use_it, {"ada"}),
    "another file of keys": (another_file, {"ada"}),
    "all removed and made anew": (away_and_back, {"ada"}),
    "a merge that nobody signed, of a signed commit": (a_merge, {"ada", "eve"}),
    "a key added by a trusted one": (add_bob, {"ada", "bob"}),
    "a key handed over": (hand_over, {"bob"}),
    "the demand taken back with a signature": (take_back_signed, ALL),
    "seen and signed later": (heal, {"ada", "bob"}),
    "ended well, and begun again": (begin_again, {"eve"}),
    "a merge that begins elsewhere": (begins_elsewhere, {"ada"}),
    "one that begins elsewhere, and a change": (elsewhere_and_more, {"ada"}),
    "one that begins with a demand of its own": (elsewhere_with_a_demand, set()),
    "one that begins before the demand": (from_before_the_demand, {"ada"}),
    "one that begins where an old key was good": (an_old_key_brings_itself_back, {"ada"}),
    "a branch from before the demand": (a_branch_from_before_the_demand, {"ada", "bob"}),
    "a branch from before a change of keys": (a_branch_from_before_a_change_of_keys, {"bob"}),
    "two branches that changed the keys": (two_branches_changed_the_keys, set()),
    "two branches that a common key settled": (two_branches_settled, {"ada", "bob"}),
    "a branch from before the end of the demand": (withdrawn_before_a_branch_came_back, ALL),
}


@pytest.mark.parametrize("name", STORIES)
def test_whose_commit_is_trusted(name: str, line: Line) -> None:
    story, expected = STORIES[name]
    story(line)
    assert line.trusted() == expected


def test_a_merge_that_takes_nothing_hides_nothing_either(line: Line) -> None:
    """It changes nothing of its first parent, as a merge of reports does: that one is what is
    judged."""
    begins_elsewhere(line)
    evil = line.git("rev-parse", "HEAD~1")
    for text in ("x", "y"):
        declaration = Declaration(GitCommand(line.root), "audit")
        assert declaration.commit == evil
        assert declaration.find_inherited(ACME) == [(SIGNERS, line.ada.line)]
        commit_file(line.root, "audit/x", text)


def moved(line: Line, who: Signer | None, policy: str = "nothing\n") -> None:
    """The whole project goes to a folder, with another policy there."""
    for name in (SIGNERS, "reconciler.yaml"):
        (line.root / "below").mkdir(exist_ok=True)
        line.git("mv", name, f"below/{name}")
    line.git("rm", "--quiet", "policy.yaml")
    (line.root / "below/policy.yaml").write_text(policy)
    line.write(who)


def moved_and_back(line: Line) -> None:
    moved(line, None)
    line.git("mv", "below/policy.yaml", "policy.yaml")
    line.write(None)
    line.git("mv", "policy.yaml", "below/policy.yaml")
    line.write(None)


def moved_with_another_key(line: Line) -> None:
    moved(line, None, DEMAND)
    (line.root / "below" / SIGNERS).write_text(line.eve.line)
    line.write(line.eve)


def moved_and_seen(line: Line) -> None:
    """A trusted key signs a change at the new place, where another key is then brought."""
    moved(line, None, DEMAND)
    for who in (line.ada, line.ada):
        file = line.root / "below" / SIGNERS
        file.write_text(file.read_text() + line.bob.line)
        line.write(who)


def renamed_and_back(line: Line) -> None:
    moved(line, None)
    for name in ("beta\n", "acme\n"):
        (line.root / "below/reconciler.yaml").write_text(name)
        line.write(None)


def another_project(line: Line) -> None:
    (line.root / "below").mkdir()
    (line.root / "below/reconciler.yaml").write_text("beta\n")
    line.write(None)


MOVES: dict[str, tuple[Story, set[str]]] = {
    "without a signature": (lambda line: moved(line, None), {"ada"}),
    "there, back and there again": (moved_and_back, {"ada"}),
    "with another key there": (moved_with_another_key, {"ada"}),
    "under another name for a while": (renamed_and_back, {"ada"}),
    "with a signature, without the demand": (lambda line: moved(line, line.ada), ALL),
    "with a signature, with the demand": (lambda line: moved(line, line.ada, DEMAND), {"ada"}),
    "without one, and a trusted key went on": (moved_and_seen, {"ada", "bob"}),
}


@pytest.mark.parametrize("name", MOVES)
def test_a_project_that_is_moved_takes_its_demand_along(name: str, line: Line) -> None:
    story, expected = MOVES[name]
    story(line)
    assert line.trusted("below") == expected


def test_another_project_of_the_repository_has_no_part_in_it(line: Line) -> None:
    another_project(line)
    beta = replace(ACME, name="beta")
    assert Declaration(GitCommand(line.root / "below"), "audit").find_inherited(beta) == []
    assert Declaration(GitCommand(line.root), "audit").find_inherited(ACME) != []


def test_a_folder_whose_name_has_several_lines(line: Line) -> None:
    folder = line.root / "two\nlines"
    folder.mkdir()
    for name, text in (
        (SIGNERS, line.bob.line),
        ("policy.yaml", DEMAND),
        ("reconciler.yaml", "acme\n"),
    ):
        (folder / name).write_text(text)
    line.write(line.ada)
    assert line.trusted("two\nlines") == set()  # ada at the top, bob there


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
    monkeypatch.setattr(History, "steps", None)  # the history is not followed
    assert Declaration(GitCommand(root), "audit").find_inherited(ACME) == []


def test_where_the_history_is_cut_off_nothing_is_known(tmp_path: Path, line: Line) -> None:
    """What the commit before says still counts; this is why CI fetches the whole history."""
    take_back_and_go_on(line)
    for depth, expected in (("1", False), ("2", False), ("10", True)):
        git(tmp_path, "clone", "--quiet", "--depth", depth, f"file://{line.root}", f"clone{depth}")
        inherited = Declaration(GitCommand(tmp_path / f"clone{depth}"), "audit").find_inherited(
            ACME
        )
        assert bool(inherited) is expected
