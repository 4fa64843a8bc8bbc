"""``codeowners``: the file by which a forge asks the right people."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.output import Settings, emit, say, write_file


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it there. Default: stdout.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit 1 when --output FILE does not hold what would be written.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("github", "gitlab")),
    default="github",
    show_default=True,
    help="For which forge.",
)
@click.pass_obj
def codeowners(
    settings: Settings,
    output: Path | None,
    check: bool,
    form: str,
) -> int:
    """Make a CODEOWNERS file of the owners of clients and the approvers of the policy. Needs no
    Vault.

    What it writes stands between two marks. Lines of your own outside them are kept, and --check
    does not judge them.

    \b
    Examples:
      reconciler codeowners --output .github/CODEOWNERS
      reconciler codeowners --check --output .github/CODEOWNERS
      reconciler codeowners --format gitlab --output .gitlab/CODEOWNERS
    """
    from reconciler.app.forges.codeowners import compare, notes_about, text_of, whole_file
    from reconciler.app.project import project_folder
    from reconciler.cli.terminal import workplace
    from reconciler.declare.repository import load_all
    from reconciler.planning.review.code_owners import find_code_owners

    if check and output is None:
        raise click.UsageError("--check compares with a file: name it with --output FILE")
    found = find_code_owners(load_all(workplace(settings).root))
    for note in notes_about(found):
        say(settings, note)
    text = text_of(found, form, project_folder(settings.project))
    whole = whole_file(text, None if check else output, form)
    if output is None:
        emit(whole, "file")
    elif check:
        compare(output, text)
    else:
        remedy = "choose another file for --output; its folder must exist"
        write_file(output, whole, "RC038", remedy, mode=0o644)
    return 0
