"""Which plan was reviewed: the one that the pull request of this push showed, and no other."""

from __future__ import annotations

import io
import json
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.ci.test_notes import BROKEN, LIMITED, SECONDARY, USED_UP
from tests.kit.forges.action import script
from tests.kit.forges.github_api import ROOT, TOKEN, GitHub
from tests.kit.forges.github_tokens import REPOSITORY, REPOSITORY_ID
from tests.kit.forges.openapi import described
from tests.kit.programs.loopback import reply
from tests.kit.suite.laws import examples

HEAD, MERGE = "b" * 40, "c" * 40
EVENT = {
    "after": MERGE,
    "commits": [{"id": HEAD}, {"id": MERGE}],
    "repository": {"id": int(REPOSITORY_ID)},
}


def plan(digest: str, *kinds: str) -> bytes:
    return json.dumps({"digest": digest, "actions": [{"kind": kind} for kind in kinds]}).encode()


CHANGING = plan("sha256:1", "issue-key", "no-op")


class Search:
    """The search for plans. ``later`` has what GitHub shows only when so many seconds are over,
    which pass when the search waits; ``passed`` are those."""

    def __init__(self, github: GitHub) -> None:
        self.passed = 0.0
        self.waits: list[float] = []
        self.later: list[tuple[float, Callable[[], None]]] = []
        api = script("api").Api(github.address, TOKEN, self._wait)
        self._reviewed = script("reviewed").Reviewed(api, REPOSITORY, self._wait)

    def _wait(self, seconds: float) -> None:
        self.passed += seconds
        self.waits.append(seconds)
        for at, show in list(self.later):
            if at <= self.passed:
                self.later.remove((at, show))
                show()

    def __call__(
        self, *environments: str, event: dict[str, Any] | None = None
    ) -> list[tuple[int, str, int, str]]:
        found = self._reviewed.sources(event or EVENT, "main", environments or ("staging",))
        return [(one.pull, one.environment, one.run, one.digest) for one in found]

    def refused(self, *environments: str) -> str:
        with pytest.raises(script("runner").Refused) as caught:
            self(*environments)
        return str(caught.value)

    def fetch(self, digest: str, target: Path, run: str = "31") -> Path:
        path: Path = script("reviewed").fetched(self._reviewed, run, "staging", digest, target)
        return path


@pytest.fixture
def search(github: GitHub) -> Search:
    github.merged(7, HEAD, MERGE)
    github.run(31, HEAD)
    return Search(github)


def test_it_is_in_a_run_for_the_last_commit_of_the_pull_request_that_was_merged(
    github: GitHub, search: Search
) -> None:
    github.keep(31, "reconciler-plan-staging", CHANGING)
    assert search() == [(7, "staging", 31, "sha256:1")]


def test_a_pull_request_that_is_said_to_be_merged_a_moment_later_is_found(
    github: GitHub, search: Search
) -> None:
    """GitHub may take some seconds to say so after the push."""
    github.keep(31, "reconciler-plan-staging", CHANGING)
    github.pulls.clear()
    search.later.append((4.0, lambda: github.merged(7, HEAD, MERGE)))
    assert search() == [(7, "staging", 31, "sha256:1")]
    assert search.later == []


@pytest.mark.parametrize(
    ("mishaps", "waits"),
    [
        ([LIMITED], [7.0]),
        ([SECONDARY, LIMITED], [30.0, 7.0]),
        ([USED_UP["github"]], [0.0]),
        ([reply(429)], [1.0]),
        ([BROKEN, reply(500), reply(503), reply(504)], [1.0, 2.0, 4.0, 8.0]),
        ([None, BROKEN], [1.0, 2.0]),
    ],
    ids=["429", "secondary", "used up", "429 without a word", "5xx", "no answer"],
)
def test_what_passes_is_waited_out(
    github: GitHub, search: Search, mishaps: list[bytes | None], waits: list[float]
) -> None:
    github.keep(31, "reconciler-plan-staging", CHANGING)
    github.mishaps = [*mishaps]
    assert search() == [(7, "staging", 31, "sha256:1")]
    assert search.waits == waits


@pytest.mark.parametrize(
    ("mishaps", "told"),
    [
        ([reply(429, headers=("Retry-After: 3600",))], "GitHub asks to wait 3600 s"),
        ([BROKEN] * 5, "status 502: no message"),
        ([None] * 5, "no answer"),
        ([reply(403, '{"message": "Resource not accessible"}')], "403: Resource not accessible"),
        (
            [reply(200, "[]", headers=('Link: <http://127.0.0.1:1/steal>; rel="next"',))] * 9,
            "another host",
        ),
        ([reply(302, headers=("Location: ftp://127.0.0.1:1/steal",))], "of another kind"),
    ],
    ids=["an hour", "5xx", "no answer", "403", "another host", "another scheme"],
)
def test_what_does_not_pass_is_no_plan(
    github: GitHub, search: Search, mishaps: list[bytes | None], told: str
) -> None:
    api = script("api").Api(github.address, TOKEN, search.waits.append)
    github.mishaps = [*mishaps]
    with pytest.raises(script("api").ApiError, match=told):
        list(api.pages(f"{ROOT}/pulls", state="closed"))


def test_environments_come_in_the_order_that_is_asked_for_and_only_with_changes(
    github: GitHub, search: Search
) -> None:
    github.keep(31, "reconciler-plan-staging", CHANGING)
    github.keep(31, "reconciler-plan-production", plan("sha256:2", "rotate-key"))
    github.keep(31, "reconciler-plan-quiet", plan("sha256:3", "no-op"))
    assert search("staging", "quiet", "production") == [
        (7, "staging", 31, "sha256:1"), (7, "production", 31, "sha256:2"),
    ]  # fmt: skip


def test_of_several_runs_for_that_commit_the_newest_counts_that_kept_one(
    github: GitHub, search: Search
) -> None:
    for run in (33, 32, 34):
        github.run(run, HEAD)
    github.keep(31, "reconciler-plan-staging", CHANGING)
    github.keep(33, "reconciler-plan-staging", plan("sha256:3", "issue-key"))
    github.keep(32, "reconciler-plan-staging", plan("sha256:2", "issue-key"))
    assert search() == [(7, "staging", 33, "sha256:3")]


def test_a_push_may_bring_several_pull_requests(github: GitHub, search: Search) -> None:
    """A merge queue does so. They come in the order of their merges."""
    first = "d" * 40
    github.merged(9, "e" * 40, first, "2026-11-25T09:00:00Z")
    github.run(30, "e" * 40)
    for run, digest in ((30, "sha256:0"), (31, "sha256:1")):
        github.keep(run, "reconciler-plan-staging", plan(digest, "issue-key"))
    event = {**EVENT, "commits": [{"id": first}, {"id": MERGE}]}
    assert search(event=event) == [(9, "staging", 30, "sha256:0"), (7, "staging", 31, "sha256:1")]


@pytest.mark.parametrize("what", ["of another push", "not merged"])
def test_without_a_pull_request_nothing_was_reviewed(
    github: GitHub, search: Search, what: str
) -> None:
    github.pulls.clear()
    github.merged(
        8,
        HEAD,
        "f" * 40 if what == "of another push" else MERGE,
        "" if what == "not merged" else "2026",
    )
    assert search() == []
    assert search.passed < 60, "a push without a pull request must not hold up a job"


def test_a_run_of_a_fork_is_nobody_s_review(github: GitHub, search: Search) -> None:
    github.runs.clear()
    github.run(31, HEAD, repository=666)
    github.keep(31, "reconciler-plan-staging", CHANGING)
    assert "#7 has no plan for staging" in search.refused()


def test_a_missing_plan_is_told_and_not_taken_for_nothing_to_do(
    github: GitHub, search: Search
) -> None:
    assert "by hand" in search.refused()
    github.keep(31, "reconciler-plan-staging", CHANGING)
    assert "production" in search.refused("staging", "production")
    github.keep(31, "reconciler-plan-staging", b"", "expired")
    assert "staging" in search.refused()


@pytest.mark.parametrize(
    "content", [b"", b"not json", b"[]", b"{}", b'{"digest": "x", "actions": [1]}', b"[" * 5000]
)
def test_what_is_no_plan_is_told(github: GitHub, search: Search, content: bytes) -> None:
    github.keep(31, "reconciler-plan-staging", content)
    assert "is no plan" in search.refused()


def test_an_artifact_without_a_plan_is_told(github: GitHub, search: Search) -> None:
    github.keep(31, "reconciler-plan-staging", CHANGING, "other.json")
    assert "holds no plan.json" in search.refused()


def test_nothing_of_an_archive_is_unpacked(
    github: GitHub, search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else it holds, and wherever that says it belongs."""
    work = tmp_path / "work/here"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../escaped", "x")
        archive.writestr(str(tmp_path / "work/absolute"), "x")
        archive.writestr("plan.json", CHANGING)
    github.keep_archive(31, "reconciler-plan-staging", content.getvalue())
    assert search() == [(7, "staging", 31, "sha256:1")]
    assert [path for path in (tmp_path / "work").rglob("*") if path.is_file()] == []


def test_what_is_no_archive_is_told(github: GitHub, search: Search) -> None:
    github.keep_archive(31, "reconciler-plan-staging", b"no archive")
    assert "holds no plan.json (BadZipFile)" in search.refused()


def test_a_plan_that_says_it_is_huge_is_not_read(github: GitHub, search: Search) -> None:
    """Ten thousand clients make 10 MB. It says 1 GiB and has little: that alone is enough."""
    honest = packed(zipfile.ZIP_DEFLATED, CHANGING)
    github.keep_archive(31, "reconciler-plan-staging", honest)
    assert search() == [(7, "staging", 31, "sha256:1")]
    huge = packed(zipfile.ZIP_DEFLATED, CHANGING, says=1 << 30)
    github.keep_archive(31, "reconciler-plan-staging", huge)
    assert "too large" in search.refused()


def packed(method: int, content: bytes, says: int | None = None) -> bytes:
    """An archive with a plan, which may say another size of it than it has."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as opened:
        opened.writestr("plan.json", content)
    raw = bytearray(archive.getvalue())
    if says is not None:
        for start, offset in ((raw.index(b"PK\x03\x04"), 22), (raw.index(b"PK\x01\x02"), 24)):
            raw[start + offset : start + offset + 4] = says.to_bytes(4, "little")
    return bytes(raw)


@dataclass(frozen=True)
class Artifact:
    """GitHub as far as one artifact goes: what it has for whoever asks for run 31."""

    archive: bytes

    def pages(self, path: str, field: str, **query: str) -> list[Any]:
        name = query["name"]
        return [{"id": 1, "name": name, "expired": False, "created_at": "2026-11-25T10:00:00Z"}]

    def download(self, path: str) -> bytes:
        return self.archive

    def is_refused(self) -> bool:
        """False when a plan was read. Any other error than a refusal is raised."""
        try:
            script("reviewed").Reviewed(self, REPOSITORY).plan(31, "staging")
        except script("runner").Refused:
            return True
        return False


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_way_of_packing_that_cannot_be_read_in_pieces_is_refused(method: int) -> None:
    assert Artifact(packed(method, CHANGING)).is_refused()
    assert not Artifact(packed(zipfile.ZIP_DEFLATED, CHANGING)).is_refused()
    assert not Artifact(packed(zipfile.ZIP_STORED, CHANGING)).is_refused()


def test_a_plan_that_is_larger_than_it_says_is_not_read() -> None:
    bomb = Artifact(packed(zipfile.ZIP_DEFLATED, b"0" * (64 << 20), says=100))
    tracemalloc.start()
    try:
        assert bomb.is_refused()
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@given(
    st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, 30),
)
@examples(300)
@example([(45, 255), (46, 255)], 0)
@example([], 30)
def test_no_archive_ends_in_a_traceback(changes: list[tuple[int, int]], cut: int) -> None:
    raw = bytearray(DAMAGED)
    for place, value in changes:
        raw[place % len(raw)] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's, of names that are there twice
        Artifact(bytes(raw[: len(raw) - cut])).is_refused()


DAMAGED = packed(zipfile.ZIP_DEFLATED, CHANGING)


def test_exactly_the_plan_that_was_found_is_fetched(
    github: GitHub, search: Search, tmp_path: Path
) -> None:
    github.keep(31, "reconciler-plan-staging", CHANGING)
    assert search.fetch("sha256:1", tmp_path / "plan.json").read_bytes() == CHANGING
    refused = script("runner").Refused
    with pytest.raises(refused, match="keeps the plan sha256:1 by now, not sha256:2"):
        search.fetch("sha256:2", tmp_path / "other.json")
    with pytest.raises(refused, match="keeps no plan"):
        search.fetch("sha256:1", tmp_path / "other.json", "32")
    with pytest.raises(refused, match="not the number"):
        search.fetch("sha256:1", tmp_path / "other.json", "31/../32")
    assert not (tmp_path / "other.json").exists()


def test_the_description_refuses_what_is_no_request_of_github_s() -> None:
    """The judge of all these tests does judge."""
    headers = {
        "authorization": "Bearer x",
        "user-agent": "x",
        "accept": "application/vnd.github+json",
    }
    for method, target, body in (
        ("GET", f"{ROOT}/issues/7/commments", b""),
        ("DELETE", f"{ROOT}/issues/7/comments", b""),
        ("GET", f"{ROOT}/issues?state=opened", b""),
        ("GET", f"{ROOT}/issues?author=x", b""),
        ("POST", f"{ROOT}/issues", b"{}"),
        ("POST", f"{ROOT}/issues/7/comments", b'{"body": 7}'),
        ("PATCH", f"{ROOT}/issues/7", b'{"state": "gone"}'),
        ("PATCH", f"{ROOT}/issues/7", b'{"text": "x"}'),
        ("GET", f"{ROOT}/issues", b"{}"),
    ):
        assert list(described().request(method, target, headers, body)), (method, target, body)
    assert list(described().request("GET", f"{ROOT}/issues?state=open", headers, b"")) == []
    for name in headers:
        assert list(described().request("GET", f"{ROOT}/issues", headers | {name: ""}, b"")), name
    assert list(described().response("GET", f"{ROOT}/issues", 200, b'[{"number": 7}]'))
