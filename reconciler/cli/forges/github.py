"""``github``: what the action says at GitHub."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import Decorated, environment_option
from reconciler.cli.output import emit
from reconciler.errors import Level

if TYPE_CHECKING:
    from reconciler.adapters.forges.threads import Thread

BOT = "github-actions[bot]"  # who writes with the token that GitHub gives a job
_ALONE = "> The report is here alone: no comment and no issue could be written.\n"


@click.group()
def github() -> None:
    """What the jobs of GitHub Actions need: a comment on the pull request, an issue.

    The action that `init --ci github` writes calls these. The token is in RECONCILER_GITHUB_TOKEN:
    the job's own, with the permissions pull-requests: write and issues: write.

    \b
    Examples:
      reconciler github note -e staging report.md
      reconciler github issue -e staging report.md
      reconciler github issue -e staging report.md --clean
    """


def _told_options(command: Decorated) -> Decorated:
    """What both commands take."""
    author = click.option(
        "--author",
        default=BOT,
        show_default=True,
        metavar="LOGIN",
        help="Who writes with the token; only what this login wrote is ever edited.",
    )
    report = click.argument("report", type=click.Path(path_type=Path))
    return environment_option(report(author(command)))


@github.command(short_help="Make a report the comment on the pull request.")
@_told_options
def note(environment: str, report: Path, author: str) -> int:
    """Make REPORT the one comment about ENV on the pull request of this job. It is a file of
    Markdown, such as `show --format markdown` prints.

    What was done is a notice of the job. Without a token, or where it may not write, the job's
    summary has to do, which the notice and the summary say: put REPORT there first, as the action
    does.

    \b
    Example:
      reconciler github note -e staging report.md
    """
    from reconciler.adapters.forges.github import pull_request_of
    from reconciler.report.plan.markdown import marker

    def told(thread: Thread, text: str) -> str:
        request = pull_request_of(os.environ)
        if request is None:
            return "no pull request: the plan is in the summary"
        return f"comment: {thread.note(request, marker(environment), text)}"

    return _tell_people(author, report, told)


@github.command(short_help="Keep the issue about what is not as declared.")
@_told_options
@click.option("--clean", is_flag=True, help="All is as declared: close the issue.")
def issue(environment: str, report: Path, author: str, *, clean: bool) -> int:
    """Keep one issue about ENV: open with REPORT, a file of Markdown, while something is not as
    declared; closed by --clean once all is well.

    What was done is a notice of the job. Without a token, or where it may not write, the job's
    summary has to do, as with `note`.

    \b
    Example:
      reconciler github issue -e staging report.md
      reconciler github issue -e staging report.md --clean
    """
    from reconciler.report.forges.ci_markdown import drift_title
    from reconciler.report.plan.markdown import drift_marker

    def told(thread: Thread, text: str) -> str:
        marker = drift_marker(environment)
        if clean:
            return f"issue: {thread.close(marker)}"
        return f"issue: {thread.issue(marker, drift_title(environment), text)}"

    return _tell_people(author, report, told)


def _tell_people(author: str, report: Path, told: Callable[[Thread, str], str]) -> int:
    """Write where a person will look, and annotate the job with what was done."""
    from reconciler.adapters.forges.forge import ForgeRefused
    from reconciler.adapters.forges.github import GITHUB_API
    from reconciler.adapters.forges.rest import of_another_shape

    text, thread = _read(report), _thread(author)
    if thread is None:
        return _fallen_back("the input token or the input author is empty")
    try:
        with of_another_shape(GITHUB_API):
            _annotate(Level.NOTE, told(thread, text))
    except ForgeRefused as error:
        if error.denied:
            return _fallen_back(f"this job may not write there ({error.message})")
        # What stands there from before would be taken for the present state.
        again = "Run the job again; the summary has the report"
        _annotate(Level.ERROR, f"GitHub does not take it: {error.message}. {again}")
        raise
    return 0


def _thread(author: str) -> Thread | None:
    """Where this job writes; None when nobody can write, or nobody says who."""
    from reconciler.adapters.forges.github import GITHUB_TOKEN, GitHub, GitHubRepository
    from reconciler.adapters.forges.rest import token_of
    from reconciler.adapters.forges.threads import Thread

    repository = GitHubRepository.of_job(os.environ)
    token = token_of(os.environ, GITHUB_TOKEN, "RC712")
    return Thread(GitHub(repository, token, author)) if token is not None and author else None


def _read(report: Path) -> str:
    from reconciler.domain.secrecy import masked
    from reconciler.errors import UsageError

    try:
        return masked(report.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        remedy = "name a file of Markdown, as show --format markdown prints it"
        raise UsageError("RC713", f"{report} cannot be read: {why}", remedy) from None


def _fallen_back(why: str) -> int:
    _annotate(Level.NOTE, f"the report is in the summary alone: {why}")
    summary = os.environ.get("GITHUB_STEP_SUMMARY", "")
    with suppress(OSError):  # the notice says it, too
        if summary:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(f"{_ALONE}\n")
    return 0


def _annotate(level: Level, text: str) -> None:
    from reconciler.report.forges.annotations import annotation

    emit(annotation(level, "", text), "github")
