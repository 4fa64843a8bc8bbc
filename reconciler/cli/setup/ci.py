"""``bootstrap --ci``: what has to be known of a CI platform so that its jobs can log in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from reconciler.adapters.vault.setup.ci_platforms import Platform

# Platform → what a repository's name must look like, how to say so, and where its number is. Names
# of GitHub: owner 39 characters, repository 100; of GitLab: up to twenty groups, each at most 255.
# Neither lets a name end in .git, which only the address for cloning does.
_REPOSITORIES = {
    "github": (
        r"(?!.*\.git$)[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}",
        "OWNER/REPO",
        "gh api repos/OWNER/REPO --jq .id",
    ),
    "gitlab": (
        r"(?!.*\.git$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}){1,21}",
        "GROUP/PROJECT",
        "the Project ID in the project's settings",
    ),
}
# Option, what it must look like, how to say so.
_SHAPES = {
    "--ci-environment": (
        r"[A-Za-z0-9][A-Za-z0-9._/ -]{0,99}",
        "name it as in the repository's settings",
    ),
    "--branch": (
        r"(?!refs/|.*(?:\.\.|//))[A-Za-z0-9][A-Za-z0-9._/-]{0,199}",
        "write its name alone, such as main, without refs/heads/",
    ),
    "--audience": (r"[!-~]{1,128}", "up to 128 printable characters without white space"),
}


def ci_options(command: click.decorators.FC) -> click.decorators.FC:
    """The options of ``bootstrap`` about a CI platform."""
    for option in reversed(
        (
            click.option(
                "--ci",
                type=click.Choice([*_REPOSITORIES]),
                help="Also let jobs of this CI platform log in.",
            ),
            click.option(
                "--repository", metavar="NAME", help="Whose jobs may: OWNER/REPO, or GROUP/PROJECT."
            ),
            click.option(
                "--repository-id",
                metavar="N",
                help="Its number; a name can be taken over, a number not.",
            ),
            click.option(
                "--ci-environment",
                metavar="NAME",
                help="The platform's environment.  [default: ENV]",
            ),
            click.option(
                "--branch", metavar="NAME", help="The branch that is applied.  [default: main]"
            ),
            click.option(
                "--issuer",
                metavar="URL",
                help="Who signs the jobs' tokens.  [default: that of .com]",
            ),
            click.option(
                "--audience", metavar="TEXT", help="Whom they are for.  [default: integrations-ENV]"
            ),
            click.option(
                "--no-protected-environments",
                is_flag=True,
                help=(
                    "GitLab: do not ask that the environment is protected; the free tier cannot"
                    " protect one."
                ),
            ),
        )
    ):
        command = option(command)
    return command


def platform_of(
    environment: str,
    ci: str | None,
    given: dict[str, str | None],
    *,
    protected: bool = True,
) -> Platform | None:
    """What ``--ci`` and its options say, None without it. ``given``: option → value.

    Raises ``UsageError`` RC040 and RC041.
    """
    from reconciler.adapters.vault.setup.ci_platforms import (
        GITHUB_ISSUER,
        GITLAB_ISSUER,
        GitHubJobs,
        GitLabJobs,
        default_audience,
    )
    from reconciler.errors import UsageError

    named = [option for option, value in given.items() if value is not None]
    if not protected and ci != "gitlab":
        raise UsageError(
            "RC040", "--no-protected-environments says nothing without --ci gitlab", "leave it out"
        )
    if ci is None:
        if named:
            raise UsageError(
                "RC040",
                f"{named[0]} says nothing without --ci",
                "add --ci github or --ci gitlab, or leave it out",
            )
        return None
    pattern, shape, number = _REPOSITORIES[ci]
    absent = [option for option in ("--repository", "--repository-id") if option not in named]
    if absent:
        raise UsageError(
            "RC040",
            f"--ci {ci} needs {' and '.join(absent)}: a login must be bound to one repository",
            f"--repository {shape} --repository-id N; the number: {number}",
        )
    defaults = {
        "--ci-environment": environment,
        "--branch": "main",
        "--audience": default_audience(environment),
        "--issuer": GITHUB_ISSUER if ci == "github" else GITLAB_ISSUER,
    }
    values = {
        option: value if value is not None else defaults[option] for option, value in given.items()
    }
    shapes = {
        "--repository": (pattern, f"write {shape}, without .git or a host"),
        "--repository-id": (r"[1-9][0-9]{0,18}", f"it is a number: {number}"),
        **_SHAPES,
    }
    for option, (right, remedy) in shapes.items():
        if not re.fullmatch(right, values[option]):
            raise UsageError("RC041", f"{option} {values[option]!r} cannot be right", remedy)
    _check_issuer(
        values["--issuer"],
        "github.example.com/_services/token" if ci == "github" else "gitlab.example.com",
    )
    parts = (
        values["--repository"],
        values["--repository-id"],
        values["--ci-environment"],
        values["--branch"],
        values["--issuer"],
        values["--audience"],
    )
    return GitHubJobs(*parts) if ci == "github" else GitLabJobs(*parts, protected=protected)


def _check_issuer(issuer: str, example: str) -> None:
    from reconciler.domain.values.hosts import is_private
    from reconciler.errors import UsageError

    try:
        parts = urlsplit(issuer)
        right = is_private(parts) and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        right = False
    if not right or not re.fullmatch(r"[!-~]{1,200}", issuer) or issuer.endswith("/"):
        raise UsageError(
            "RC041",
            f"--issuer {issuer!r} cannot be right",
            f"it is the iss of the tokens, such as https://{example}, with no slash at its end",
        )
