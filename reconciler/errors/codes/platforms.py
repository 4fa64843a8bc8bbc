"""RC7xx: the CI platform."""

from __future__ import annotations

from reconciler.errors.codes.code import Code
from reconciler.errors.finding import Level

PLATFORM_CODES: tuple[Code, ...] = (
    Code(
        "RC700",
        "GitLab gives no usable answer, after all tries",
        "run the job again; when it stays so, look at the state of that GitLab",
    ),
    Code(
        "RC701",
        "GitLab does not let the token do that, or does not know it",
        "make a new project access token with the scope `api` and the role Reporter",
    ),
    Code(
        "RC702",
        "a variable that GitLab sets for its jobs is missing or cannot be right, or the token"
        " is none",
        "run it in a job of GitLab CI; correct the variable that is named",
        exit=64,
    ),
    Code(
        "RC703",
        "a merge request of this push kept no plan for the environment, or its newest"
        " pipeline's job failed, or what it kept is none; or it is from a fork",
        "run a pipeline by hand with `RECONCILER_COMMAND=apply`",
    ),
    Code(
        "RC704",
        "a commit came to the branch without a merge request, or the branch was rewritten",
        "run a pipeline by hand with `RECONCILER_COMMAND=apply`; when the commit declares"
        " nothing, there is nothing to do",
    ),
    Code(
        "RC705",
        "`RECONCILER_GITLAB_TOKEN` is not set, and without it the plan cannot be found or the"
        " issue not be written",
        "make a project access token and set the variable, masked",
    ),
    Code(
        "RC706",
        "a file that `gitlab issue` was given is not what a command printed with `--format json`",
        "name such files",
        exit=64,
    ),
    Code(
        "RC710",
        "GitHub gives no usable answer, after all tries",
        "run the job again; when it stays so, look at the state of that GitHub",
    ),
    Code(
        "RC711",
        "GitHub does not let the token do that, or does not know it: a notice says so, and the"
        " job's summary has to do",
        "give the job the permissions `pull-requests: write` and `issues: write`",
        level=Level.NOTE,
        exit=None,
    ),
    Code(
        "RC712",
        "a variable that GitHub sets for its jobs is missing or cannot be right, the token is"
        " none, or the proxy cannot be used",
        "run it in a job of GitHub Actions; correct the variable that is named",
        exit=64,
    ),
    Code(
        "RC713",
        "the report that `github note` or `github issue` was given cannot be read",
        "name a file of Markdown",
        exit=64,
    ),
)
