"""``gitlab``: what the jobs of the component say at GitLab, and what they find there."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import environment_option
from reconciler.cli.output import Settings, emit, say, write_file

if TYPE_CHECKING:
    from reconciler.adapters.forges.gitlab import Api
    from reconciler.adapters.forges.reviewed import Kept
    from reconciler.adapters.forges.threads import Thread
    from reconciler.domain.plan.plan import Plan
    from reconciler.errors import PlatformError

# The environment before has to verify the same first: its job applies before this one's.
PROMOTION = "RC340"
NOTE_BYTES = 1_000_000
_NOT_THE_LAST = (
    "left alone, because this job is about a commit that is no longer the last one of the merge"
    " request"
)


@click.group()
def gitlab() -> None:
    """What the jobs of GitLab CI need: a note on the merge request, the plan that was reviewed, an
    issue.

    The component that `init --ci gitlab` writes calls these. The token is in
    RECONCILER_GITLAB_TOKEN: a project access token with the scope api and the role Reporter.

    \b
    Examples:
      reconciler gitlab note -e staging plan.json
      reconciler gitlab reviewed -e staging --out reviewed
      reconciler gitlab issue -e staging plan.json --done upkeep.json --done run.json
    """


@gitlab.command(short_help="Make a plan the note on the merge request.")
@environment_option
@click.argument("planfile", type=click.Path(path_type=Path))
@click.pass_obj
def note(settings: Settings, environment: str, planfile: Path) -> int:
    """Make a saved plan the one note about ENV on the merge request of this job; exit 3 when it is
    blocked.

    A plan that only waits for the environment that ENV requires passes. Without PLANFILE the note
    says that there is no plan. Without a token, or where it may not write, the verdict remains. A
    job of a commit that is no longer the last one of the merge request leaves the note alone.

    \b
    Example:
      reconciler gitlab note -e staging plan.json
    """
    from reconciler.cli.plan import BLOCKED, load
    from reconciler.cli.rendering import Look, rendered, run_address
    from reconciler.engine.planfile.saved import refuse_wrong_target
    from reconciler.errors import Level
    from reconciler.report.forges.ci_markdown import no_plan
    from reconciler.report.plan.markdown import marker

    if not planfile.exists():
        _tell_request(settings, marker(environment), no_plan(environment, run_address(os.environ)))
        load(planfile)  # raises what there is to say about it
    plan = load(planfile)
    refuse_wrong_target(plan, environment, plan.project)
    text = rendered(plan, Look("markdown", limit=NOTE_BYTES), settings)
    _tell_request(settings, marker(environment), text)
    blocks = {finding.code for finding in plan.findings if finding.level is Level.ERROR}
    if blocks == {PROMOTION}:
        say(
            settings,
            f"{environment} waits for the environment that it requires; that one is applied first",
        )
        return 0
    return BLOCKED if plan.blocked else 0


def _tell_request(settings: Settings, marker: str, text: str) -> None:
    from reconciler.adapters.forges.gitlab import GitLabRefused, of_another_shape
    from reconciler.domain.secrecy import masked

    number = os.environ.get("CI_MERGE_REQUEST_IID", "")
    if not number.isdigit():
        say(
            settings,
            "no merge request, so there is no note: the log and the artifacts of this job have"
            " to do",
        )
        return
    thread = _thread()
    if thread is None:
        say(
            settings,
            "RECONCILER_GITLAB_TOKEN is not set, so there is no note: the log and the artifacts of"
            " this job have to do",
        )
        return
    try:
        with of_another_shape():
            told = _NOT_THE_LAST
            if thread.ends_with(int(number), _commits()):
                told = thread.note(int(number), marker, masked(text))
        say(settings, f"note on !{number}: {told}")
    except GitLabRefused as error:
        if not error.denied:  # what stands there from before would be taken for the present plan
            raise
        say(
            settings,
            f"there is no note, the log and the artifacts of this job have to do: {error.message}",
        )


@gitlab.command(short_help="Find the plans that were reviewed.")
@environment_option
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="A new directory for the plans, numbered in the order of the merges.",
)
@click.pass_obj
def reviewed(settings: Settings, environment: str, out: Path) -> int:
    """Find the plans for ENV that the merge requests showed that this push brought to its branch,
    and print them.

    Those that change nothing are left out; when none is left, nothing is written. What is found is
    not trusted: `reconciler plan --reviewed` makes each anew and compares. What it does not compare
    is not printed.

    \b
    Example:
      reconciler gitlab reviewed -e staging --out reviewed
    """
    from reconciler.adapters.forges.gitlab import of_another_shape
    from reconciler.adapters.forges.reviewed import Reviewed, pushed_commits
    from reconciler.adapters.git.command import GitCommand
    from reconciler.cli import wiring
    from reconciler.errors import UsageError

    root = wiring.project_root(settings)
    project, _ = wiring.load_environment(root, environment)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("RC004", f"{out} is there already", "name a new directory for --out")
    before, after, branch = (
        _variable(f"CI_COMMIT_{name}") for name in ("BEFORE_SHA", "SHA", "BRANCH")
    )
    commits = pushed_commits(GitCommand(root), before, after, PurePosixPath(project.audit_path))
    api = _api()
    if api is None:
        raise _no_token("the reviewed plan cannot be found")
    with of_another_shape():
        kept = Reviewed(api).plans(environment, branch, commits)
    found = [(one.request, *_read(one, environment, settings.width)) for one in kept]
    changing = [
        (number, shown, document) for number, plan, shown, document in found if plan.changes
    ]
    for number, shown, _ in changing:
        emit(
            f"Reviewed in merge request !{number}, as far as plan --reviewed compares it; findings"
            f" and approvers are in the note there:\n\n{shown}\n"
        )
    if not changing:
        emit(
            "No merge request of this push has a plan that changes anything: nothing is to be"
            " applied."
        )
        return 0
    out.mkdir(parents=True, exist_ok=True)
    for place, (number, _, document) in enumerate(changing, 1):
        write_file(
            out / f"{place:03}-{number}.json", document, "RC004", "name another directory for --out"
        )
    return 0


def _read(kept: Kept, environment: str, width: int) -> tuple[Plan, str, str]:
    """What a merge request kept, read as strictly as any plan file: the plan, what is shown of it,
    its document.

    Raises ``PlatformError`` RC703. One that holds what looks like a key cannot be read: no command
    makes such a plan.
    """
    from reconciler.engine.planfile.document import plan_json
    from reconciler.engine.planfile.load import load_plan
    from reconciler.engine.planfile.saved import compared
    from reconciler.errors import ReconcilerError
    from reconciler.report.plan.text import plan_text

    try:
        plan = load_plan(kept.content.decode("utf-8"))
    except (ReconcilerError, UnicodeDecodeError) as error:
        why = error.message if isinstance(error, ReconcilerError) else "it is not UTF-8 text"
        raise _unusable(kept, environment, f"cannot be used: {why}") from None
    if plan.environment != environment:
        raise _unusable(kept, environment, "is a plan for another one")
    return plan, plan_text(compared(plan), width=width), plan_json(plan)


def _unusable(kept: Kept, environment: str, why: str) -> PlatformError:
    from reconciler.adapters.forges.reviewed import BY_HAND
    from reconciler.errors import PlatformError

    return PlatformError(
        "RC703", f"what merge request !{kept.request} kept for {environment} {why}", BY_HAND
    )


@gitlab.command(short_help="Keep the issue about what is not as declared.")
@environment_option
@click.argument("planfile", type=click.Path(path_type=Path))
@click.option(
    "--done",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What was done before, as --format json printed it; may be repeated.",
)
@click.pass_obj
def issue(settings: Settings, environment: str, planfile: Path, done: tuple[Path, ...]) -> int:
    """Keep one issue about ENV: open and up to date while something is not as declared, closed once
    all is well.

    PLANFILE and the files of --done are what plan, apply or an error printed with --format json.
    Exit 1 when there is something to tell and no issue can be written.

    \b
    Example:
      reconciler gitlab issue -e staging plan.json --done upkeep.json --done run.json
    """
    from reconciler.adapters.forges.gitlab import GitLabRefused, of_another_shape
    from reconciler.cli.forges.night import Night
    from reconciler.domain.secrecy import masked
    from reconciler.errors import PlatformError

    night = Night.of(settings, environment, planfile, done)
    marker = f"<!-- reconciler:drift:{environment} -->"
    thread = _thread()
    try:
        if thread is None:
            raise _no_token("the issue cannot be written")
        title = f"{environment} is not as declared"
        with of_another_shape():
            told = (
                thread.close(marker)
                if night.clean
                else thread.issue(marker, title, masked(night.report))
            )
    except (GitLabRefused, PlatformError) as error:
        if not night.clean or (isinstance(error, GitLabRefused) and not error.denied):
            raise
        told = error.message
    say(settings, f"issue: {told}")
    return 0


def _commits() -> set[str]:
    """What this job is about: its commit, and in a pipeline of merged results the merge request's
    one in it."""
    names = ("CI_COMMIT_SHA", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")
    return {os.environ[name] for name in names if os.environ.get(name)}


def _variable(name: str) -> str:
    from reconciler.errors import UsageError

    value = os.environ.get(name, "")
    if not value:
        raise UsageError(
            "RC702",
            f"{name} is not set: this is no job of a branch in GitLab CI",
            "run it in such a job",
        )
    return value


def _no_token(what: str) -> PlatformError:
    from reconciler.adapters.forges.gitlab import TOKEN_VARIABLE
    from reconciler.errors import PlatformError

    return PlatformError(
        "RC705",
        f"{TOKEN_VARIABLE} is not set: {what}",
        "make a project access token with the scope api and the role Reporter, and set that"
        " variable to it, masked",
    )


def _api() -> Api | None:
    """GitLab as the token of the job sees it; None when there is no token."""
    from reconciler.adapters.forges.gitlab import Api, Project, token_of

    project, token = Project.of_job(os.environ), token_of(os.environ)
    return None if token is None else Api(project, token)


def _thread() -> Thread | None:
    from reconciler.adapters.forges.threads import Thread

    api = _api()
    return None if api is None else Thread(api)
