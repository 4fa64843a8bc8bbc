"""``github``: what the action says at GitHub."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from reconciler.cli.options import Decorated, environment_option
from reconciler.cli.output import emit
from reconciler.errors import Level

BOT = "github-actions[bot]"  # who writes with the token that GitHub gives a job


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


def _report_options(command: Decorated) -> Decorated:
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


@github.command("note", short_help="Make a report the comment on the pull request.")
@_report_options
def github_note(environment: str, report: Path, author: str) -> int:
    """Make REPORT the one comment about ENV on the pull request of this job. It is a file of
    Markdown, such as `show --format markdown` prints.

    What was done is a notice of the job. Without a token, or where it may not write, the job's
    summary has to do, which the notice and the summary say: put REPORT there first, as the action
    does.

    \b
    Example:
      reconciler github note -e staging report.md
    """
    from reconciler.app.forges.github import write_comment

    text = _read(report)
    with _annotate_refusal():
        _annotate(Level.NOTE, write_comment(os.environ, environment, author, text))
    return 0


@github.command("issue", short_help="Keep the issue about what is not as declared.")
@_report_options
@click.option("--clean", is_flag=True, help="All is as declared: close the issue.")
def github_issue(
    environment: str,
    report: Path,
    author: str,
    *,
    clean: bool,
) -> int:
    """Keep one issue about ENV: open with REPORT, a file of Markdown, while something is not as
    declared; closed by --clean once all is well.

    What was done is a notice of the job. Without a token, or where it may not write, the job's
    summary has to do, as with `note`.

    \b
    Example:
      reconciler github issue -e staging report.md
      reconciler github issue -e staging report.md --clean
    """
    from reconciler.app.forges.github import close_issue, write_issue

    text = _read(report)
    with _annotate_refusal():
        if clean:
            told = close_issue(os.environ, environment, author)
        else:
            told = write_issue(os.environ, environment, author, text)
        _annotate(Level.NOTE, told)
    return 0


def _read(report: Path) -> str:
    from reconciler.errors import UsageError

    try:
        return report.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        remedy = "name a file of Markdown, as show --format markdown prints it"
        raise UsageError("RC713", f"{report} cannot be read: {why}", remedy) from None


@contextmanager
def _annotate_refusal() -> Iterator[None]:
    """Whoever looks at the job sees that GitHub refused, too."""
    from reconciler.errors import PlatformError

    try:
        yield
    except PlatformError as error:
        again = "Run the job again; the summary has the report"
        _annotate(Level.ERROR, f"GitHub does not take it: {error.message}. {again}")
        raise


def _annotate(level: Level, text: str) -> None:
    from reconciler.report.forges.annotations import annotation

    emit(annotation(level, "", text), "github")
