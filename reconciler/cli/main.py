"""The entry point: global options, the list of commands, and what an error looks like."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.options import find_format, global_options, with_global_options
from reconciler.cli.output import Settings, discard, show_error, tell

if TYPE_CHECKING:
    from reconciler.errors import ReconcilerError

click.UsageError.exit_code = 64  # sysexits.h EX_USAGE; 2 means "changes present" here

# Where each command lives and the line it has in --help: help is answered without importing any of
# them.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("reconciler.cli.start.start:init", "Make a working repository."),
    "validate": ("reconciler.cli.declaration:validate", "Check the declaration; no Vault needed."),
    "plan": ("reconciler.cli.plan.plan:plan", "Show what apply would do, and why."),
    "show": ("reconciler.cli.plan.plan:show", "Show a saved plan."),
    "apply": ("reconciler.cli.run.apply:apply", "Carry out a plan and commit the audit report."),
    "status": (
        "reconciler.cli.status:status",
        "Show clients, key versions, webhooks and what is unfinished.",
    ),
    "test": ("reconciler.cli.webhooks:test", "Send test deliveries and probes to webhooks."),
    "deliveries": (
        "reconciler.cli.webhooks:deliveries",
        "Show the attempts of deliveries that runs made.",
    ),
    "rotate": ("reconciler.cli.run.keys:rotate", "Rotate keys of a client now, with their grace."),
    "revoke": ("reconciler.cli.run.keys:revoke", "Revoke keys of a client at once."),
    "audit": (
        "reconciler.cli.evidence.audit:audit_group",
        "Verify the evidence log, and show what it says.",
    ),
    "bootstrap": (
        "reconciler.cli.setup.bootstrap:bootstrap",
        "Prepare Vault: mounts, policies, roles, signing key.",
    ),
    "doctor": (
        "reconciler.cli.setup.doctor:doctor",
        "Check the connection to Vault and what the token may do.",
    ),
    "trust": ("reconciler.cli.setup.trust:trust", "Accept a server that may be sent credentials."),
    "listen": (
        "reconciler.cli.listen.listen:listen",
        "Receive deliveries on loopback, verify and show them.",
    ),
    "dev": ("reconciler.cli.start.start:dev", "Run a real OpenBao on loopback, for trying things."),
    "demo": (
        "reconciler.cli.start.start:demo",
        "The whole story on a throw-away OpenBao, in under a minute.",
    ),
    "codeowners": (
        "reconciler.cli.forges.codeowners:codeowners",
        "Make a CODEOWNERS file of owners and approvers.",
    ),
    "github": (
        "reconciler.cli.forges.github:github",
        "What the jobs of GitHub Actions need: comment, issue.",
    ),
    "gitlab": (
        "reconciler.cli.forges.gitlab:gitlab",
        "What the jobs of GitLab CI need: note, reviewed plan, issue.",
    ),
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
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and with_global_options(command), rest


@click.group(
    cls=Commands,
    params=global_options(hidden=False),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="reconciler")
def cli() -> None:
    """Integration clients, their keys and webhooks, declared in git and reconciled with Vault or
    OpenBao.

    \b
    Start here:
      reconciler demo                      see the whole story
      reconciler init my-integrations      make a repository of your own
      reconciler plan -e staging           what would change, and why
      reconciler apply -e staging          change it
    """
    from reconciler.adapters.system.own_memory import (
        collect_seldom,
        keep_to_itself,
        share_memory,
    )

    keep_to_itself()
    share_memory()
    collect_seldom()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code (DESIGN: 0, 1, 2, 3, 4, 5, 64, 130). Never raises."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    settings = Settings(format=find_format(given))
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a terminal that cannot show a character stops nothing
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with cli.make_context("reconciler", given, obj=settings) as context:
            result = cli.invoke(context)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        discard(sys.stdout)  # its reader went away; a flush at exit must not complain about it
        return 1
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last resort
        return report_failure(as_ours(error), settings, error)


def as_ours(error: BaseException) -> ReconcilerError:
    """Every way to fail as an error with a code and a remedy.

    The text of a foreign one may quote anything.
    """
    from reconciler.errors import ReconcilerError, Stopped, UsageError

    if isinstance(error, ReconcilerError):
        return error
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "reconciler"
        return UsageError("RC021", error.format_message(), f"{path} --help shows what it takes")
    if isinstance(error, click.exceptions.Abort):  # the answer was no, or nobody answered
        return ReconcilerError(
            "RC023", "stopped; nothing was changed", "run the command again and answer y"
        )
    if isinstance(error, KeyboardInterrupt):
        return Stopped(
            "RC024", "stopped", "run the command again: what was begun is on record and goes on"
        )
    message = f"an unexpected {type(error).__name__}; nothing is lost, the next run converges"
    return ReconcilerError(
        "RC000", message, "run it again with -v and report the lines that it prints"
    )


def report_failure(error: ReconcilerError, settings: Settings, cause: BaseException) -> int:
    """Show an error wherever it can be shown; its exit code.

    Of an unexpected one ``-v`` shows where it happened.
    """
    from reconciler.errors import ReconcilerError

    try:
        show_error(error, settings)
    except BrokenPipeError:
        discard(sys.stdout)
    except ReconcilerError as unwritable:
        show_error(unwritable, Settings())
    if error.code == "RC000" and settings.verbose:
        import traceback
        from pathlib import Path

        for frame in traceback.extract_tb(cause.__traceback__):
            tell(f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}")
    return error.exit_code
