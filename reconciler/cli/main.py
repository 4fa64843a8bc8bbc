"""The entry point: global options, the list of commands, and what an error looks like."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from reconciler import __version__
from reconciler.cli.output import Settings, show_error

click.UsageError.exit_code = 64  # sysexits.h EX_USAGE; 2 means "changes present" here

# Where each command lives and the line it has in --help: help is answered without importing any of them.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("reconciler.cli.start:init", "Make a working repository."),
    "validate": ("reconciler.cli.declaration:validate", "Check the declaration; no Vault needed."),
    "plan": ("reconciler.cli.plan:plan", "Show what apply would do, and why."),
    "show": ("reconciler.cli.plan:show", "Show a saved plan."),
    "apply": ("reconciler.cli.apply:apply", "Carry out a plan and commit the audit report."),
    "status": ("reconciler.cli.live:status", "Show clients, key versions, webhooks and what is unfinished."),
    "rotate": ("reconciler.cli.apply:rotate", "Rotate keys of a client now, with their grace."),
    "revoke": ("reconciler.cli.apply:revoke", "Revoke keys of a client at once."),
    "bootstrap": ("reconciler.cli.live:bootstrap", "Prepare Vault: mounts, policies, roles, signing key."),
    "doctor": ("reconciler.cli.live:doctor", "Check the connection to Vault and what the token may do."),
    "dev": ("reconciler.cli.start:dev", "Run a real OpenBao on loopback, for trying things."),
    "demo": ("reconciler.cli.start:demo", "The whole story on a throw-away OpenBao, in under a minute."),
    "schema": ("reconciler.cli.declaration:schema", "Print the JSON Schema of a kind."),
}


class Commands(click.Group):
    """Imports a command's module when the command is called, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--project", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="The directory of reconciler.yaml. Default: the nearest one upwards.",
)  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.option("-v", "--verbose", is_flag=True, help="More detail.")
@click.option("--no-color", is_flag=True, help="No colour; the NO_COLOR variable does the same.")
@click.version_option(__version__, prog_name="reconciler")
@click.pass_context
def cli(ctx: click.Context, project: Path | None, quiet: bool, verbose: bool, no_color: bool) -> None:
    """Integration clients, their keys and webhooks, declared in git and reconciled with Vault or OpenBao.

    \b
    Start here:
      reconciler demo                      see the whole story
      reconciler init my-integrations      make a repository of your own
      reconciler plan -e staging           what would change, and why
      reconciler apply -e staging          change it
    """
    settings = ctx.ensure_object(Settings)
    settings.project, settings.quiet, settings.verbose, settings.no_color = project, quiet, verbose, no_color


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code (DESIGN: 0, 1, 2, 3, 4, 5, 64). Never raises."""
    from reconciler.errors import ReconcilerError

    settings = Settings()
    try:
        with cli.make_context("reconciler", list(sys.argv[1:] if arguments is None else arguments)) as context:
            settings = context.ensure_object(Settings)
            result = cli.invoke(context)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.Abort:  # the answer was no, or nobody answered
        click.echo("stopped; nothing was changed", err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ReconcilerError as error:
        show_error(error, settings)
        return error.exit_code
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of stdout went away; a flush at exit must not complain about it
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback text, it could quote a secret
        show_unexpected(error, verbose=settings.verbose)
        return 1


def show_unexpected(error: Exception, *, verbose: bool) -> None:
    """An error of ours: its type and where it happened, never its text, which may quote anything."""
    click.echo(f"error[RC000]: an unexpected {type(error).__name__}; nothing is lost, the next run converges", err=True)
    click.echo("  remedy: run it again with -v and report the lines that it prints", err=True)
    if verbose:
        for frame in traceback.extract_tb(error.__traceback__):
            click.echo(f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}", err=True)
