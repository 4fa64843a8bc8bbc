"""Which plans were reviewed: those that the merge requests showed that a push brought to the
branch.

A plan is found by the commit that a merge request ended with, in a pipeline for that commit.
Whoever may push a branch may change what such a pipeline does and keeps: nothing in the file is
trusted. ``reconciler plan --reviewed`` makes the plan anew from the branch and compares. Sections
of GitLab's documentation: "Commits API" (merge requests of a commit), "Merge requests API"
(pipelines), "Jobs API" (jobs of a pipeline), "Job artifacts API" (one file of a job).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from reconciler.adapters.forges.forge import ForgeRefused
from reconciler.adapters.forges.gitlab import GitLab
from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.history import list_changed_files
from reconciler.dataclass import dataclass
from reconciler.errors import PlatformError, UsageError

PLAN_FILE = (".reconciler", "plan.json")  # what the component's job ``plan ENV`` keeps
_LARGEST = 256 * 1024 * 1024  # bytes of a plan; ten thousand clients make about 10 MB
# A merge request may be said to be merged a moment after its push is.
LOOKS, BETWEEN = 3, 5.0
BY_HAND = (
    "run a pipeline on the branch by hand with RECONCILER_COMMAND=apply and RECONCILER_ENVIRONMENT:"
    " it shows a new plan, and that is what is approved"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a pipeline of a merge request kept, as it was found; it may be anything."""

    request: int
    content: bytes


def list_pushed_commits(
    git: GitCommand,
    before: str,
    after: str,
    audit: PurePosixPath,
) -> list[str]:
    """The commits that a push put onto the branch, the oldest first, without those that change
    audit reports alone.

    ``before`` and ``after`` are CI_COMMIT_BEFORE_SHA and CI_COMMIT_SHA. Raises ``PlatformError``
    RC704 when what was there before is not in the history, ``UsageError`` RC702, ``AuditError``.
    """
    for commit in (before, after):
        if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
            raise UsageError(
                "RC702",
                "CI_COMMIT_BEFORE_SHA or CI_COMMIT_SHA is no commit",
                "run it in a job of a push",
            )
    if set(before) == {"0"}:
        commits = [after]
    else:
        listed = git.run("rev-list", "--first-parent", "--reverse", f"{before}..{after}", "--")
        if listed.code != 0 or git.run("merge-base", "--is-ancestor", before, after).code != 0:
            raise PlatformError(
                "RC704",
                f"{before[:12]}, where the branch was before this push, is not in its history",
                "the branch was rewritten, or the job has not the whole history (GIT_DEPTH: 0):"
                f" {BY_HAND}",
            )
        commits = listed.out.split()
    prefix = git.must("rev-parse", "--show-prefix")
    return [commit for commit in commits if not _is_of_audit(git, commit, f"{prefix}{audit}/")]


def _is_of_audit(git: GitCommand, commit: str, folder: str) -> bool:
    """Whether a commit changes something, and nothing outside of ``folder``."""
    names = list_changed_files(git, commit)
    return bool(names) and all(name.startswith(folder) for name in names or ())


class Reviewed:
    """Methods raise ``ForgeRefused`` and ``PlatformError``."""

    def __init__(self, gitlab: GitLab) -> None:
        self._api = gitlab.api
        self._root = gitlab.root
        self._project = gitlab.project.number

    def plans(self, environment: str, branch: str, commits: Sequence[str]) -> list[Kept]:
        """What each merge request kept that brought one of ``commits``, in the order of the merges.

        Raises ``PlatformError`` RC703 for one that kept no plan, RC704 for a commit that none
        brought.
        """
        return [
            self._read_kept(request, environment) for request in self._requests(branch, commits)
        ]

    def _requests(self, branch: str, commits: Sequence[str]) -> list[Any]:
        by_commit: dict[str, list[Any]] = {}
        for look in range(LOOKS):
            missing = [commit for commit in commits if not by_commit.get(commit)]
            if look and missing:
                self._api.pause(BETWEEN)
            by_commit |= {
                commit: list(self._find_merged(commit, branch, commits)) for commit in missing
            }
        absent = [commit for commit in commits if not by_commit[commit]]
        if absent:
            more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
            raise PlatformError(
                "RC704",
                f"commit {absent[0][:12]}{more} came to {branch} without a merge request,"
                " unreviewed",
                f"{BY_HAND}; when it declares nothing, there is nothing to do",
            )
        return list({one["iid"]: one for commit in commits for one in by_commit[commit]}.values())

    def _find_merged(self, commit: str, branch: str, commits: Collection[str]) -> Iterator[Any]:
        """The merge requests of a commit whose own merge is part of this push."""
        for one in self._api.pages(*self._root, "repository", "commits", commit, "merge_requests"):
            ends = {one.get("merge_commit_sha"), one.get("squash_commit_sha"), one.get("sha")}
            here = one.get("target_project_id", one.get("project_id")) == self._project
            if (
                here
                and one["state"] == "merged"
                and one["target_branch"] == branch
                and ends.intersection(commits)
            ):
                yield one

    def _read_kept(self, request: Any, environment: str) -> Kept:
        number = int(request["iid"])
        if request.get("source_project_id") != self._project:
            raise PlatformError(
                "RC703",
                f"merge request !{number} is from a fork: no plan of it counts for {environment}",
                BY_HAND,
            )
        for pipeline in self._pipelines(number, str(request["sha"])):
            job = self._newest(pipeline, f"plan {environment}")
            if job is None:
                continue
            # What an older pipeline shows is what this one took the place of, whatever became of
            # this one.
            content = self._artifact(job) if job["status"] == "success" else None
            if content is not None:
                return Kept(number, content)
            why = (
                f"it is {job['status']!s:.20}"
                if job["status"] != "success"
                else "what it kept is gone"
            )
            raise PlatformError(
                "RC703",
                f"merge request !{number} has no plan for {environment}: of its newest pipeline, "
                f"{pipeline!s:.20}, the job plan {environment} counts, and {why}",
                BY_HAND,
            )
        raise PlatformError(
            "RC703", f"merge request !{number} has no plan for {environment}", BY_HAND
        )

    def _pipelines(self, request: int, head: str) -> Iterator[int]:
        """Pipelines of this project for the last commit of a merge request, the newest first."""
        found = self._api.pages(*self._root, "merge_requests", request, "pipelines")
        ours = [one for one in found if one.get("project_id") == self._project]
        for one in sorted(ours, key=lambda one: int(one["id"]), reverse=True):
            if one["sha"] == head or head in self._parents(one):
                yield one["id"]

    def _parents(self, pipeline: Any) -> list[str]:
        """A pipeline of merged results runs on a commit that GitLab made of the branch and the last
        commit."""
        if not str(pipeline.get("ref", "")).endswith("/merge") and not str(
            pipeline.get("ref", "")
        ).endswith("/train"):
            return []
        try:
            return list(
                self._api.get(*self._root, "repository", "commits", pipeline["sha"])["parent_ids"]
            )
        except ForgeRefused as error:
            if error.status == 404:
                return []  # it was cleaned up
            raise

    def _newest(self, pipeline: int, name: str) -> Any:
        """The job of that name, of those that were retried the last one; None when there is
        none."""
        jobs = self._api.pages(*self._root, "pipelines", pipeline, "jobs")
        return max(
            (one for one in jobs if one["name"] == name),
            key=lambda one: int(one["id"]),
            default=None,
        )

    def _artifact(self, job: Any) -> bytes | None:
        """The plan that a job kept; None when it is gone, or it kept none."""
        try:
            return self._api.download(
                *self._root, "jobs", job["id"], "artifacts", *PLAN_FILE, largest=_LARGEST
            )
        except ForgeRefused as error:
            if error.status == 404:
                return None
            raise
