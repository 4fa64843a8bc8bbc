"""``codeowners``: the file by which a forge asks the right people."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.output import Settings, emit, say, write_file
from reconciler.cli.rendering import project_folder

if TYPE_CHECKING:
    from reconciler.errors import ReconcilerError
    from reconciler.planning.code_owners import CodeOwners

GITHUB_LIMIT = 3_000_000  # bytes; GitHub does not load a larger file, and then asks nobody


@click.command()
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there. Default: stdout.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when --output FILE is not what would be written.")
@click.option(
    "--format", "form", type=click.Choice(("github", "gitlab")), default="github", show_default=True,
    help="For which forge.",
)  # fmt: skip
@click.pass_obj
def codeowners(settings: Settings, output: Path | None, check: bool, form: str) -> int:
    """Make a CODEOWNERS file of the owners of clients and the approvers of the policy. Needs no Vault.

    \b
    Examples:
      reconciler codeowners --output .github/CODEOWNERS
      reconciler codeowners --check --output .github/CODEOWNERS
      reconciler codeowners --format gitlab --output .gitlab/CODEOWNERS
    """
    from reconciler.cli import wiring
    from reconciler.declare.repository import load_all
    from reconciler.planning.code_owners import code_owners
    from reconciler.report.code_owners import github_file, gitlab_file

    if check and output is None:
        raise click.UsageError("--check compares with a file: name it with --output FILE")
    found = code_owners(load_all(wiring.project_root(settings)))
    tell_unowned(settings, found)
    text = (github_file if form == "github" else gitlab_file)(found, project_folder(settings))
    if form == "github" and len(text.encode()) >= GITHUB_LIMIT:
        raise too_large()
    if output is None:
        emit(text)
    elif check:
        compare(output, text)
    else:
        write_file(output, text, "RC038", "choose another file for --output; its folder must exist")
    return 0


def tell_unowned(settings: Settings, found: CodeOwners) -> None:
    """Files that nobody answers for, on stderr: leaving them out would look like a choice."""
    unowned = [file.path for file in found.files if not file.owners]
    if unowned:
        more = f" and {len(unowned) - 3} more" if len(unowned) > 3 else ""
        say(
            settings,
            f"no owner is known for {', '.join(unowned[:3])}{more}: give the client an owner whose team has a handle "
            "in spec.teams of policy.yaml, or whose contact is a mail address",
        )


def compare(path: Path, text: str) -> None:
    """Raises ``ReconcilerError`` RC037 when the file says something else or is not there. How git ends its lines in
    this checkout does not matter."""
    from reconciler.errors import ReconcilerError

    try:
        there = path.read_bytes().replace(b"\r\n", b"\n").decode("utf-8", "replace").splitlines(keepends=True)
    except OSError as error:
        wrong = f"cannot be read: {error.strerror}"
    else:
        pairs = enumerate(zip_longest(there, text.splitlines(keepends=True)), start=1)
        wrong = next((_difference(number, *lines) for number, lines in pairs if lines[0] != lines[1]), "")
    if wrong:
        raise ReconcilerError("RC037", f"{path} {wrong}", "write it again: the same command without --check")


def _difference(number: int, found: str | None, wanted: str | None) -> str:
    if wanted is None:
        told = f"should not be there: {(found or '').rstrip() or '(empty)'}"
    elif found is not None and found == wanted.rstrip("\n"):
        told = "does not end"
    else:
        told = f"should read: {wanted.rstrip() or '(empty)'}"
    return f"is not what the declaration says: line {number} {told}"


def too_large() -> ReconcilerError:
    from reconciler.errors import ReconcilerError

    return ReconcilerError(
        "RC039", f"the file would be larger than {GITHUB_LIMIT // 1_000_000} MB, and GitHub would ignore it",
        "declare several clients in one file, or spread them over several repositories",
    )  # fmt: skip
