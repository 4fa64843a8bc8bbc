"""How a run ends at the terminal: what is printed, the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.output import Settings, emit, say, show_error

if TYPE_CHECKING:
    from reconciler.app.values import Run

IN_PART = 5


def again(command: str, *, saved: bool) -> str:
    """What carries on after a run that was done in part."""
    if saved:
        return (
            "run the same command again: it carries out the rest of this plan, until that expires"
            " or something else changes its clients; then make a new plan"
        )
    if command == "rotate":
        return (
            "what was rotated stays so, and the same command would rotate it again: name what is"
            " left, as in CLIENT/KEY or CLIENT/WEBHOOK; apply settles what was only begun"
        )
    return "run the same command again: it goes on where this run stopped"


def show_run(run: Run, settings: Settings) -> None:
    """The result on stdout, and on stderr what went wrong and what carries on."""
    from reconciler.report.run.report import run_text

    if settings.format == "json":
        emit(run.to_json(), "json")
    else:
        emit(run_text(run.result, width=settings.width, colour=settings.colour))
    if run.problem is not None:
        show_error(run.problem, Settings(no_color=settings.no_color))
    if not run.complete:
        say(settings, again(run.result.command, saved=run.saved))


def exit_code(run: Run) -> int:
    """0 all done, 5 in part, 1 nothing at all or no audit commit."""
    from reconciler.domain.plan.plan import OutcomeStatus, Stage
    from reconciler.errors.codes import OF_VAULT

    if not run.complete:
        failed = [one for one in run.outcomes if one.status is OutcomeStatus.FAILED]
        vault_refused = not run.result.summary()["done"] and all(
            one.code in OF_VAULT and one.stage is Stage.BEGUN for one in failed
        )
        return 1 if vault_refused and (failed or not run.result.interrupted) else IN_PART
    return run.problem.exit_code if run.problem is not None else 0
