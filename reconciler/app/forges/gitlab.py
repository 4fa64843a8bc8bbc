"""What the jobs of GitLab CI say on a merge request and in an issue, and the plans they find
there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.adapters.forges.gitlab import GitLab
    from reconciler.adapters.forges.reviewed import Kept
    from reconciler.app.forges.night import Night
    from reconciler.app.workplace import Workplace
    from reconciler.domain.plan.plan import Plan
    from reconciler.errors import PlatformError

# The environment before has to verify the same first: its job applies before this one's.
PROMOTION = "RC340"
_NOT_THE_LAST = (
    "left alone, because this job is about a commit that is no longer the last one of the merge"
    " request"
)


def only_waits(plan: Plan) -> bool:
    """Whether nothing but the environment that must come first blocks ``plan``."""
    from reconciler.errors import Level

    return {one.code for one in plan.findings if one.level is Level.ERROR} == {PROMOTION}


def write_note(
    environ: Mapping[str, str],
    marker: str,
    text: str,
) -> str:
    """Make ``text`` the one note with ``marker`` on the merge request of this job.

    What became of it, as a sentence. Raises ``PlatformError`` when GitLab cannot be asked.
    """
    from reconciler.adapters.forges.forge import ForgeRefused
    from reconciler.adapters.forges.gitlab import GITLAB_API
    from reconciler.adapters.forges.rest import of_another_shape
    from reconciler.adapters.forges.threads import Thread

    number = environ.get("CI_MERGE_REQUEST_IID", "")
    if not number.isdigit():
        return (
            "no merge request, so there is no note: the log and the artifacts of this job have"
            " to do"
        )
    forge = _forge(environ)
    if forge is None:
        return (
            "RECONCILER_GITLAB_TOKEN is not set, so there is no note: the log and the artifacts of"
            " this job have to do"
        )
    try:
        with of_another_shape(GITLAB_API):
            told = _NOT_THE_LAST
            if forge.last_commit(int(number)) in _commits(environ):
                told = Thread(forge).note(int(number), marker, text)
    except ForgeRefused as error:
        if not error.denied:  # what stands there from before would be taken for the present plan
            raise
        return (
            f"there is no note, the log and the artifacts of this job have to do: {error.message}"
        )
    return f"note on !{number}: {told}"


def find_reviewed_plans(workplace: Workplace, environment: str) -> Sequence[tuple[int, Plan]]:
    """The plans that the merge requests of this push showed, with the numbers of these, in the order
    of the merges.

    Raises ``UsageError`` RC702, ``PlatformError`` RC703 and RC705, and what GitLab answers.
    """
    from reconciler.adapters.forges.gitlab import GITLAB_API
    from reconciler.adapters.forges.rest import of_another_shape
    from reconciler.adapters.forges.reviewed import Reviewed, list_pushed_commits
    from reconciler.app.project import load_environment

    project, _ = load_environment(workplace.root, environment)
    before, after, branch = (
        _variable(workplace.environ, f"CI_COMMIT_{name}")
        for name in ("BEFORE_SHA", "SHA", "BRANCH")
    )
    audit = PurePosixPath(project.audit_path)
    commits = list_pushed_commits(workplace.git, before, after, audit)
    forge = _forge(workplace.environ)
    if forge is None:
        raise _no_token("the reviewed plan cannot be found")
    with of_another_shape(GITLAB_API):
        kept = Reviewed(forge).plans(environment, branch, commits)
    return [(one.request, _read(one, environment)) for one in kept]


def _read(kept: Kept, environment: str) -> Plan:
    """What a merge request kept, read as strictly as any plan file: the plan.

    Raises ``PlatformError`` RC703. One that holds what looks like a key cannot be read: no command
    makes such a plan.
    """
    from reconciler.engine.planfile.load import load_plan
    from reconciler.errors import ReconcilerError

    try:
        plan = load_plan(kept.content.decode("utf-8"))
    except (ReconcilerError, UnicodeDecodeError) as error:
        why = error.message if isinstance(error, ReconcilerError) else "it is not UTF-8 text"
        raise _unusable(kept, environment, f"cannot be used: {why}") from None
    if plan.environment != environment:
        raise _unusable(kept, environment, "is a plan for another one")
    return plan


def _unusable(
    kept: Kept,
    environment: str,
    why: str,
) -> PlatformError:
    from reconciler.adapters.forges.reviewed import BY_HAND
    from reconciler.errors import PlatformError

    return PlatformError(
        "RC703", f"what merge request !{kept.request} kept for {environment} {why}", BY_HAND
    )


def keep_issue(
    environ: Mapping[str, str],
    environment: str,
    night: Night,
) -> str:
    """Keep the one issue about ``environment``: open while something is not as declared.

    What became of it. Raises ``PlatformError`` when there is something to tell and no issue can be
    written.
    """
    from reconciler.adapters.forges.forge import ForgeRefused
    from reconciler.adapters.forges.gitlab import GITLAB_API
    from reconciler.adapters.forges.rest import of_another_shape
    from reconciler.adapters.forges.threads import Thread
    from reconciler.errors import PlatformError
    from reconciler.report.forges.ci_markdown import drift_title
    from reconciler.report.plan.markdown import drift_marker

    marker, forge = drift_marker(environment), _forge(environ)
    try:
        if forge is None:
            raise _no_token("the issue cannot be written")
        thread = Thread(forge)
        with of_another_shape(GITLAB_API):
            if night.clean:
                return thread.close(marker)
            return thread.issue(marker, drift_title(environment), night.report)
    except (ForgeRefused, PlatformError) as error:
        if not night.clean or (isinstance(error, ForgeRefused) and not error.denied):
            raise
        return error.message


def _commits(environ: Mapping[str, str]) -> set[str]:
    """What this job is about: its commit, and in a pipeline of merged results the merge request's
    one in it."""
    names = ("CI_COMMIT_SHA", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")
    return {environ[name] for name in names if environ.get(name)}


def _variable(environ: Mapping[str, str], name: str) -> str:
    from reconciler.errors import UsageError

    value = environ.get(name, "")
    if not value:
        raise UsageError(
            "RC702",
            f"{name} is not set: this is no job of a branch in GitLab CI",
            "run it in such a job",
        )
    return value


def _no_token(what: str) -> PlatformError:
    from reconciler.adapters.forges.gitlab import GITLAB_TOKEN
    from reconciler.errors import PlatformError

    return PlatformError(
        "RC705",
        f"{GITLAB_TOKEN} is not set: {what}",
        "make a project access token with the scope api and the role Reporter, and set that"
        " variable to it, masked",
    )


def _forge(environ: Mapping[str, str]) -> GitLab | None:
    """GitLab as the token of the job sees it; None when there is no token."""
    from reconciler.adapters.forges.gitlab import GITLAB_TOKEN, GitLab, GitLabProject
    from reconciler.adapters.forges.rest import token_of

    project = GitLabProject.of_job(environ)
    token = token_of(environ, GITLAB_TOKEN, "RC702")
    return None if token is None else GitLab(project, token)
