"""Trust in commits, decided over facts: a history in dictionaries, without git and ssh-keygen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from reconciler.errors import BlockedError
from reconciler.planning.trust.chain import Followed, Step, follow_signers
from reconciler.planning.trust.signers import SignersFile, read_trusted_text, signing_times

SIGNERS, POLICY = "signers", "policy.yaml"
DEMAND = f"signedCommits {SIGNERS}"
NOW = 1000


def demanded(policy: str) -> str | None:
    words = policy.split()
    return words[1] if words[:1] == ["signedCommits"] else None


FOLLOWED = Followed("acme", (POLICY,), ("reconciler.yaml",), demanded, str.strip)


@dataclass
class Commit:
    """``by``: whose key signed it, as it stands in the file of signers; ``date``: its own word."""

    files: Mapping[str, str]
    parents: tuple[str, ...] = ()
    by: str = ""
    date: int = 1


@dataclass
class Remembered:
    """Commits by name, the oldest first; all of them are ancestors."""

    commits: Mapping[str, Commit]
    folder: str = ""
    asked: list[tuple[str, frozenset[int]]] = field(default_factory=list)

    def versions(self, names: Collection[str]) -> Iterable[tuple[str, str]]:
        return [
            ("", text)
            for one in self.commits.values()
            for name, text in one.files.items()
            if name in names
        ]

    def steps(self, paths: Collection[str]) -> Sequence[Step]:
        return [Step(name, one.parents) for name, one in self.commits.items()]

    def text(self, commit: str, path: str) -> str | None:
        return self.commits[commit].files.get(path)

    def latest(self) -> Mapping[str, int]:
        return {name: one.date for name, one in self.commits.items()}

    def fault(self, commit: str, allowed: str, name: str, times: Collection[int]) -> str:
        self.asked.append((commit, frozenset(times)))
        by = self.commits[commit].by
        return "" if by and by in allowed.split() else f"{commit} is not signed by {allowed}"


def tree(signers: str, policy: str = DEMAND) -> dict[str, str]:
    return {POLICY: policy, SIGNERS: signers, "reconciler.yaml": "acme"}


BEGUN = {"a": Commit(tree("ada"))}
TAKEN_BACK = tree("ada", "nothing")


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ({}, "ada"),
        ({"b": Commit(tree("ada eve"), ("a",))}, "ada"),
        ({"b": Commit(tree("ada eve"), ("a",), by="eve")}, "ada"),
        ({"b": Commit(tree("ada bob"), ("a",), by="ada")}, "ada bob"),
        ({"b": Commit(TAKEN_BACK, ("a",))}, "ada"),
        ({"b": Commit(TAKEN_BACK, ("a",), by="ada")}, None),
        (
            {
                "b": Commit(tree("bob"), ("a",), by="ada"),
                "c": Commit(tree("eve"), ("b",), by="ada"),
            },
            "bob",
        ),
        (
            {
                "other": Commit(tree("eve", "nothing")),
                "m": Commit(tree("eve", "nothing"), ("other", "a")),
            },
            "ada",
        ),
    ],
    ids=[
        "as it began",
        "a key added without a signature",
        "a key that vouches for itself",
        "a key added by a signed commit",
        "the demand taken back without a signature",
        "the demand taken back by a signed commit",
        "a key that was replaced signs no more",
        "a merge that begins elsewhere",
    ],
)
def test_only_signed_commits_change_what_is_demanded(
    later: Mapping[str, Commit], expected: str | None
) -> None:
    found = follow_signers(Remembered({**BEGUN, **later}), FOLLOWED, NOW)
    assert found == ([] if expected is None else [(SIGNERS, expected)])


def test_a_date_in_the_future_says_nothing() -> None:
    history = Remembered(BEGUN | {"b": Commit(tree("ada bob"), ("a",), by="ada", date=NOW + 9)})
    follow_signers(history, FOLLOWED, NOW)
    assert history.asked[-1] == ("b", frozenset({NOW}))


def test_a_project_without_a_demand_follows_nothing() -> None:
    history = Remembered({"a": Commit(TAKEN_BACK)})
    assert follow_signers(history, FOLLOWED, NOW) == []
    assert history.asked == []


FIRST = SignersFile(SIGNERS, "c" * 40, before=None, own="ada", first=True, cut_off=False)
LATER = SignersFile(SIGNERS, "c" * 40, before="ada", own="eve", first=False, cut_off=True)


def test_a_commit_is_judged_by_the_file_before_it_and_the_first_one_by_its_own() -> None:
    assert read_trusted_text(LATER) == "ada"
    assert read_trusted_text(FIRST) == "ada"


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (SignersFile(SIGNERS, "c", before=None, own="eve", first=False, cut_off=False), "before"),
        (SignersFile(SIGNERS, "c", before=None, own="eve", first=True, cut_off=True), "cut off"),
        (SignersFile(SIGNERS, "c", before=" \n", own="eve", first=False, cut_off=False), "empty"),
        (SignersFile(SIGNERS, "c", before=None, own=None, first=True, cut_off=False), "committed"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(file: SignersFile, why: str) -> None:
    with pytest.raises(BlockedError, match=why) as raised:
        read_trusted_text(file)
    assert raised.value.code == "RC241"


def test_a_key_must_be_valid_now_and_where_the_clock_of_this_host_is_slow_then() -> None:
    assert signing_times(NOW, [1, NOW - 1]) == {NOW}
    assert signing_times(NOW, [1, NOW + 1]) == {NOW, NOW + 1}
