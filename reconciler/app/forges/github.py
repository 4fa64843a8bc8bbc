"""What the jobs of GitHub Actions say on a pull request and in an issue.

A report is finished Markdown that the job's summary has already: where nobody can be written to,
the summary has to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.adapters.forges.threads import Thread

_ALONE = "> The report is here alone: no comment and no issue could be written.\n\n"


def write_comment(
    environ: Mapping[str, str],
    environment: str,
    author: str,
    report: str,
) -> str:
    """Make ``report`` the one comment about ``environment`` on the pull request of this job.

    ``author`` is the login that the token writes as. What became of it, as a sentence. Raises
    ``PlatformError`` RC710 when GitHub cannot be asked, ``UsageError`` RC712.
    """
    from reconciler.adapters.forges.github import pull_request_of
    from reconciler.report.plan.markdown import marker

    def write(thread: Thread) -> str:
        request = pull_request_of(environ)
        if request is None:
            return "no pull request: the plan is in the summary"
        return f"comment: {thread.note(request, marker(environment), report)}"

    return _settle(environ, author, write)


def write_issue(
    environ: Mapping[str, str],
    environment: str,
    author: str,
    report: str,
) -> str:
    """Make ``report`` the one open issue about ``environment``; like ``write_comment``."""
    from reconciler.report.forges.ci_markdown import drift_title
    from reconciler.report.plan.markdown import drift_marker

    mark, title = drift_marker(environment), drift_title(environment)
    return _settle(environ, author, lambda thread: f"issue: {thread.issue(mark, title, report)}")


def close_issue(
    environ: Mapping[str, str],
    environment: str,
    author: str,
) -> str:
    """Close the issue about ``environment``; like ``write_comment``."""
    from reconciler.report.plan.markdown import drift_marker

    mark = drift_marker(environment)
    return _settle(environ, author, lambda thread: f"issue: {thread.close(mark)}")


def _settle(
    environ: Mapping[str, str],
    author: str,
    write: Callable[[Thread], str],
) -> str:
    from reconciler.adapters.forges.forge import ForgeRefused
    from reconciler.adapters.forges.github import (
        GITHUB_API,
        GITHUB_TOKEN,
        GitHub,
        GitHubRepository,
    )
    from reconciler.adapters.forges.rest import of_another_shape, token_of
    from reconciler.adapters.forges.threads import Thread

    repository = GitHubRepository.of_job(environ)
    token = token_of(environ, GITHUB_TOKEN, "RC712")
    if token is None or not author:
        return _fall_back(environ, "the input token or the input author is empty")
    try:
        with of_another_shape(GITHUB_API):
            return write(Thread(GitHub(repository, token, author)))
    except ForgeRefused as error:
        if not error.denied:  # what stands there from before would be taken for the present state
            raise
        return _fall_back(environ, f"this job may not write there ({error.message})")


def _fall_back(environ: Mapping[str, str], why: str) -> str:
    summary = environ.get("GITHUB_STEP_SUMMARY", "")
    with suppress(OSError):  # the sentence says it, too
        if summary:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(_ALONE)
    return f"the report is in the summary alone: {why}"
