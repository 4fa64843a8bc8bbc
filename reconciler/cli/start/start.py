"""``init``, ``dev`` and ``demo``: from nothing to a repository, a server and a tour."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.output import Settings, emit, say, with_quoted_lines

if TYPE_CHECKING:
    from reconciler.app.start.writing import Made

NEXT_STEPS = """\
Next steps:
{go}  git add . && git commit -m "Start"
  reconciler validate
  reconciler dev --detach                  # a real server on loopback, for trying things
  eval "$(reconciler dev --exports)"
  reconciler bootstrap -e staging
  reconciler plan -e staging
  reconciler apply -e staging"""

# A witness's: the README that was written says how.
WITNESS_STEPS = """\
Next steps:
{go}  git add . && git commit -m "Start"
  README.md, "Once, by hand": the witness's key, the key of the log, and the first look"""


@click.command()
@click.argument(
    "directory", metavar="[DIR]", required=False, type=click.Path(file_okay=False, path_type=Path)
)
@click.option(
    "--name", metavar="NAME", help="The project's name. Default: made of the directory's."
)
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "none"]),
    default="github",
    show_default=True,
    help="Whose jobs plan and apply, or look at the log.",
)
@click.option(
    "--witness",
    metavar="ADDRESS",
    help="Make the repository of a witness, for the log of the project that is cloned from there.",
)
@click.option(
    "-e",
    "--environment",
    "environments",
    multiple=True,
    metavar="ENV",
    help="With --witness: whose log to look at; may be repeated.",
)
@click.pass_obj
def init(
    settings: Settings,
    directory: Path | None,
    name: str | None,
    ci: str,
    witness: str | None,
    environments: tuple[str, ...],
) -> int:
    """Make a working repository in DIR (default: here): project, scopes, policy, a client, CI for
    GitHub or GitLab.

    With --witness instead the repository of a witness: a scheduled job that looks at the evidence
    log of somebody else's project and cosigns it (audit witness).

    No file is ever overwritten: what is there already is kept and listed. Prints the files it made.

    \b
    Examples:
      reconciler init my-integrations
      reconciler init my-integrations --ci gitlab
      reconciler init witness --witness https://git.example.com/acme/integrations.git -e production
    """
    from reconciler.declare.repository import validate

    root = (directory or settings.project or Path()).absolute()
    steps = NEXT_STEPS
    if witness is not None or environments:
        made = _make_witness(root, witness, environments, name=name, ci=ci)
        steps = WITNESS_STEPS
    else:
        from reconciler.app.start import scaffold

        made = scaffold.make_project(root, scaffold.project_name(root.resolve(), name), ci)
    _show_made(settings, made)
    if witness is None and made.kept and validate(root):
        say(settings, "what was there before does not fit yet: reconciler validate says why")
    go = "" if root.resolve() == Path.cwd() else f"  cd {shlex.quote(str(directory or root))}\n"
    say(settings, "\n" + steps.format(go=_terminal(go.rstrip()) + "\n" if go else ""))
    return 0


def _make_witness(
    root: Path,
    address: str | None,
    environments: tuple[str, ...],
    *,
    name: str | None,
    ci: str,
) -> Made:
    from reconciler.app.start.witness import make_witness

    if address is None:
        raise click.UsageError("--environment says whose log a witness looks at: give --witness")
    if not environments:
        raise click.UsageError("--witness needs --environment: whose log to look at")
    if name is not None:
        raise click.UsageError(
            "--name is that of a project; `audit witness-key --name` names a witness"
        )
    return make_witness(root, address, environments, ci)


def _show_made(settings: Settings, made: Made) -> None:
    emit("\n".join(map(_terminal, made.created)))
    if made.kept:
        say(settings, _terminal(f"kept as they were: {', '.join(made.kept)}"))
    if made.repository:
        say(settings, with_quoted_lines(made.repository))


def _terminal(text: str) -> str:
    from reconciler.report.text.escape import terminal

    return terminal(text)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="The loopback port. Default: the last one, at first 8200.",
)
@click.option("--detach", is_flag=True, help="Leave it running.")
@click.option("--stop", "stopping", is_flag=True, help="Stop the one that runs.")
@click.option(
    "--status", "asking", is_flag=True, help="Say whether it runs; exit 1 when it does not."
)
@click.option("--exports", "exporting", is_flag=True, help="Print the lines for eval.")
@click.pass_obj
def dev(
    settings: Settings,
    port: int | None,
    detach: bool,
    stopping: bool,
    asking: bool,
    exporting: bool,
) -> int:
    """Run a real OpenBao on loopback for this project, for trying things. Never for real secrets.

    Its data, its unseal key and its root token are kept in .reconciler/, which git ignores. Uses
    bao or vault on PATH if there, else the one that comes with the extra "server". Ctrl-C stops it.

    \b
    Examples:
      reconciler dev
      reconciler dev --detach && eval "$(reconciler dev --exports)"
      reconciler dev --stop
    """
    from reconciler.cli.start import dev_server
    from reconciler.cli.terminal import workplace

    if sum((detach, stopping, asking, exporting)) > 1 or (
        port is not None and (stopping or asking or exporting)
    ):
        raise click.UsageError(
            "give one of --detach, --stop, --status and --exports; --port is for starting"
        )
    root = workplace(settings).root
    if stopping:
        return dev_server.stop(settings, root)
    if asking:
        return dev_server.show_status(root)
    if exporting:
        return dev_server.show_exports(root)
    return (dev_server.run_detached if detach else dev_server.run_in_foreground)(
        settings, root, port
    )


@click.command()
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the repository in DIR.",
)
@click.pass_obj
def demo(settings: Settings, keep: Path | None) -> int:
    """Tell the whole story in under a minute, with real commands on a throw-away OpenBao.

    Prints each command that it runs. Everything happens in a scratch repository, on loopback, and
    is gone at the end. What it shows is checked: exit 1 when something is not as told.

    \b
    Examples:
      reconciler demo
      reconciler demo --keep story
    """
    from reconciler.cli.demo.place import run_demo

    run_demo(settings, keep)
    return 0
