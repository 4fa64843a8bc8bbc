"""``bootstrap --ci``: what has to be known of a CI platform so that its jobs can log in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from reconciler.adapters.vault.ci_roles import GitHub

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Option, what it must look like, how to say so. Names of GitHub: owner 39 characters, repository 100.
_SHAPES = {
    "--repository": (r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}", "write OWNER/REPO"),
    "--repository-id": (r"[1-9][0-9]{0,18}", "it is a number: gh api repos/OWNER/REPO --jq .id"),
    "--github-environment": (r"[A-Za-z0-9][A-Za-z0-9._/ -]{0,99}", "name it as in the repository's settings"),
    "--branch": (r"(?!.*(?:\.\.|//))[A-Za-z0-9][A-Za-z0-9._/-]{0,199}", "write its name, such as main"),
    "--audience": (r"[!-~]{1,128}", "up to 128 printable characters without white space"),
}


def ci_options(command: click.decorators.FC) -> click.decorators.FC:
    """The options of ``bootstrap`` about a CI platform."""
    for option in reversed(
        (
            click.option("--ci", type=click.Choice(["github"]), help="Also let jobs of this CI platform log in."),
            click.option("--repository", metavar="OWNER/REPO", help="The repository whose jobs may."),
            click.option("--repository-id", metavar="N", help="Its number; a name can be taken over, a number not."),
            click.option(
                "--github-environment", metavar="NAME", help="GitHub's protected environment.  [default: ENV]"
            ),
            click.option("--branch", metavar="NAME", help="The branch that is applied.  [default: main]"),
            click.option("--issuer", metavar="URL", help="Who signs the jobs' tokens.  [default: GitHub.com]"),
            click.option("--audience", metavar="TEXT", help="Whom they are for.  [default: integrations-ENV]"),
        )
    ):
        command = option(command)
    return command


def github_of(environment: str, ci: str | None, given: dict[str, str | None]) -> GitHub | None:
    """What ``--ci github`` and its options say, None without it. ``given``: option → value.

    Raises ``UsageError`` RC040 and RC041.
    """
    from reconciler.adapters.vault.ci_roles import GITHUB_ISSUER, GitHub, default_audience
    from reconciler.errors import UsageError

    if ci is None:
        named = [option for option, value in given.items() if value is not None]
        if named:
            raise UsageError("RC040", f"{named[0]} says nothing without --ci", "add --ci github, or leave it out")
        return None
    absent = [option for option in ("--repository", "--repository-id") if given[option] is None]
    if absent:
        raise UsageError(
            "RC040", f"--ci github needs {' and '.join(absent)}: a login must be bound to one repository",
            "--repository OWNER/REPO --repository-id N; the number: gh api repos/OWNER/REPO --jq .id",
        )  # fmt: skip
    defaults = {
        "--github-environment": environment, "--branch": "main", "--issuer": GITHUB_ISSUER,
        "--audience": default_audience(environment),
    }  # fmt: skip
    values = {option: value if value is not None else defaults[option] for option, value in given.items()}
    for option, (pattern, remedy) in _SHAPES.items():
        if not re.fullmatch(pattern, values[option]):
            raise UsageError("RC041", f"{option} {values[option]!r} cannot be right", remedy)
    _check_issuer(values["--issuer"])
    return GitHub(
        values["--repository"], values["--repository-id"], values["--github-environment"], values["--branch"],
        values["--issuer"], values["--audience"],
    )  # fmt: skip


def _check_issuer(issuer: str) -> None:
    from reconciler.errors import UsageError

    try:
        parts = urlsplit(issuer)
        plain = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        right = plain and parts.hostname and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        right = False
    if not right or not re.fullmatch(r"[!-~]{1,200}", issuer) or issuer.endswith("/"):
        raise UsageError(
            "RC041", f"--issuer {issuer!r} cannot be right",
            "it is the iss of the tokens, such as https://github.example.com/_services/token, with no slash at its end",
        )  # fmt: skip
