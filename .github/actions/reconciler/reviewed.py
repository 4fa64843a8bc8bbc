"""Which plans were reviewed: those that the pull requests showed that this push brought to the
branch.

A plan is found by the commit that a pull request ended with, in a run of the plan's workflow for
that commit. Whoever may push a branch may change what such a run does and keeps: nothing in the
file is trusted. `reconciler plan --reviewed` makes the plan anew from the branch and compares.
"""

from __future__ import annotations

import io
import json
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api import Api
from runner import Refused

WORKFLOW = "reconciler-plan.yml"
MEMBER = "plan.json"
LARGEST = 256 * 1024 * 1024  # bytes of a plan; ten thousand clients make about 10 MB
# A pull request may be said to be merged a moment after its push is.
LOOKS, BETWEEN = 3, 5.0
# What zipfile raises for an archive that somebody made: it lets errors of its parts through.
_UNREADABLE = (
    zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, zlib.error, OSError, EOFError, ValueError,
    struct.error,
)  # fmt: skip
BY_HAND = (
    "Run the workflow by hand: it shows a new plan for this environment before it asks for approval"
)


@dataclass(frozen=True)
class Source:
    """A plan in a run of the plan's workflow. ``digest`` is that of the plan."""

    environment: str
    run: int
    digest: str
    pull: int
    plan: bytes
    changes: int


class Reviewed:
    """``repository`` is OWNER/REPO. Methods raise ``ApiError`` and ``Refused``."""

    def __init__(
        self, api: Api, repository: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._api, self._root, self._pause = api, f"/repos/{repository}", pause

    def sources(
        self, event: Mapping[str, Any], branch: str, environments: Sequence[str]
    ) -> list[Source]:
        """The plans with changes, pull request by pull request, each in the order of
        ``environments``.

        Empty when no pull request brought this push.
        """
        commits = {
            event.get("after"),
            *(commit.get("id") for commit in event.get("commits") or ()),
        } - {None}
        found = []
        for pull in self._merged(branch, commits):
            runs = self._runs(pull["head"]["sha"], event["repository"]["id"])
            found += [
                self._source(pull["number"], runs, environment) for environment in environments
            ]
        return [source for source in found if source.changes]

    def _merged(self, branch: str, commits: set[Any]) -> list[Any]:
        for look in range(LOOKS):
            if look:
                self._pause(BETWEEN)
            pulls = self._api.get(
                f"{self._root}/pulls", state="closed", base=branch, sort="updated", direction="desc", per_page="100"
            )  # fmt: skip
            ours = [one for one in pulls if one["merged_at"] and one["merge_commit_sha"] in commits]
            if ours:
                return sorted(ours, key=lambda one: (one["merged_at"], one["number"]))
        return []

    def _runs(self, head: str, repository: int) -> list[int]:
        """Runs of the plan's workflow for a commit of this repository, not of a fork, the newest
        first."""
        path = f"{self._root}/actions/workflows/{WORKFLOW}/runs"
        runs = [
            run for run in self._api.pages(path, "workflow_runs", event="pull_request", head_sha=head)
            if run["head_sha"] == head and (run["head_repository"] or {}).get("id") == repository
        ]  # fmt: skip
        return [run["id"] for run in sorted(runs, key=lambda run: run["run_number"], reverse=True)]

    def _source(self, pull: int, runs: Sequence[int], environment: str) -> Source:
        for run in runs:
            plan = self.plan(run, environment)
            if plan is not None:
                return _described(plan, pull, run, environment)
        raise Refused(f"pull request #{pull} has no plan for {environment}", BY_HAND)

    def plan(self, run: int, environment: str) -> bytes | None:
        """The plan file that a run kept for an environment, None when it kept none or it is
        gone."""
        name = f"reconciler-plan-{environment}"
        found = [
            one for one in self._artifacts(run, name) if one["name"] == name and not one["expired"]
        ]
        if not found:
            return None
        newest = max(found, key=lambda one: one["created_at"] or "")
        return _unpacked(self._api.download(f"{self._root}/actions/artifacts/{newest['id']}/zip"))

    def _artifacts(self, run: int, name: str) -> Iterator[Any]:
        return self._api.pages(f"{self._root}/actions/runs/{run}/artifacts", "artifacts", name=name)


def _unpacked(archive: bytes) -> bytes:
    """The one file of an artifact. Nothing is unpacked to a path that the archive names.

    GitHub's own archives are stored or deflated. The others that zip knows give no piece of what
    they hold, however much that is, before all of it is in memory.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            entry = opened.getinfo(MEMBER)
            if entry.file_size > LARGEST:
                raise Refused("the reviewed plan is too large", BY_HAND)
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Refused(f"{MEMBER} is packed in a way that GitHub does not use", BY_HAND)
            with opened.open(entry) as member:
                return member.read(entry.file_size + 1)  # what it says of its size may not be true
    except _UNREADABLE as error:
        raise Refused(f"the artifact holds no {MEMBER} ({type(error).__name__})", BY_HAND) from None


def _described(plan: bytes, pull: int, run: int, environment: str) -> Source:
    try:
        document = json.loads(plan)
        digest, actions = str(document["digest"]), document["actions"]
        changes = sum(action["kind"] != "no-op" for action in actions)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused(
            f"what pull request #{pull} kept for {environment} is no plan", BY_HAND
        ) from None
    return Source(environment, run, digest, pull, plan, changes)


def fetched(source: Reviewed, run: str, environment: str, digest: str, target: Path) -> Path:
    """Write the plan that was found by ``sources`` to ``target``; refuse any other one."""
    if not run.isdigit():
        raise Refused(
            "the input run is not the number of a workflow run",
            "It is what command: reviewed puts out",
        )
    plan = source.plan(int(run), environment)
    if plan is None:
        raise Refused(f"run {run} keeps no plan for {environment} any more", BY_HAND)
    found = _described(plan, 0, int(run), environment).digest
    if found != digest:
        raise Refused(f"run {run} keeps the plan {found} by now, not {digest}", BY_HAND)
    target.write_bytes(plan)
    return target
