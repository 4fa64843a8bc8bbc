"""``gitlab``: what the jobs of the component say at GitLab, and what they find there."""

from __future__ import annotations

import os
from pathlib import Path

import click

from reconciler.cli.options import environment_option
from reconciler.cli.output import Settings, emit, say, write_file

NOTE_BYTES = 1_000_000


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
    from reconciler.app.forges.gitlab import only_waits, write_note
    from reconciler.app.plan.planfile import load_planfile
    from reconciler.app.plan.rendering import Look, render_plan, run_address
    from reconciler.cli.plan.plan import BLOCKED
    from reconciler.engine.planfile.saved import refuse_wrong_target
    from reconciler.report.forges.ci_markdown import no_plan
    from reconciler.report.plan.markdown import marker

    mark = marker(environment)
    if not planfile.exists():
        absent = no_plan(environment, run_address(os.environ))
        say(settings, write_note(os.environ, mark, absent))
        load_planfile(planfile)  # raises what there is to say about it
    plan = load_planfile(planfile)
    refuse_wrong_target(plan, environment, plan.project)
    text = render_plan(plan, Look("markdown", limit=NOTE_BYTES, environ=os.environ))
    say(settings, write_note(os.environ, mark, text))
    if only_waits(plan):
        say(
            settings,
            f"{environment} waits for the environment that it requires; that one is applied first",
        )
        return 0
    return BLOCKED if plan.blocked else 0


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
    from reconciler.app.forges.gitlab import find_reviewed_plans
    from reconciler.cli.terminal import workplace
    from reconciler.engine.planfile.document import plan_json
    from reconciler.engine.planfile.saved import take_compared
    from reconciler.errors import UsageError
    from reconciler.report.plan.text import plan_text

    here = workplace(settings)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("RC004", f"{out} is there already", "name a new directory for --out")
    changing = [
        (number, plan) for number, plan in find_reviewed_plans(here, environment) if plan.changes
    ]
    for number, plan in changing:
        shown = plan_text(take_compared(plan), width=settings.width)
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
    for place, (number, plan) in enumerate(changing, 1):
        file = out / f"{place:03}-{number}.json"
        write_file(file, plan_json(plan), "RC004", "name another directory for --out")
    return 0


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
def issue(
    settings: Settings,
    environment: str,
    planfile: Path,
    done: tuple[Path, ...],
) -> int:
    """Keep one issue about ENV: open and up to date while something is not as declared, closed once
    all is well.

    PLANFILE and the files of --done are what plan, apply or an error printed with --format json.
    Exit 1 when there is something to tell and no issue can be written.

    \b
    Example:
      reconciler gitlab issue -e staging plan.json --done upkeep.json --done run.json
    """
    from reconciler.app.forges.gitlab import keep_issue
    from reconciler.app.forges.night import Night
    from reconciler.app.project import project_root

    def find_root() -> Path:
        return project_root(settings.project, os.environ)

    night = Night.of(find_root, os.environ, environment, planfile, done)
    say(settings, f"issue: {keep_issue(os.environ, environment, night)}")
    return 0
