"""How a run ends at the terminal: what is printed, who is told, the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.output import Settings, emit, say, show_error

if TYPE_CHECKING:
    from reconciler.app.run.alerts import Alerts
    from reconciler.domain.plan.run import RunResult
    from reconciler.errors import AuditError

IN_PART = 5


def finish(
    result: RunResult,
    problem: AuditError | None,
    settings: Settings,
    form: str,
    alerts: Alerts,
    *,
    saved: bool = False,
) -> int:
    """Print the result and tell owners, who are told as well where it cannot be printed; the exit
    code.

    ``saved``: the plan came from a file.
    """
    try:
        return printed(result, problem, settings, form, saved=saved)
    finally:
        alerts.of_run(result)


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


def printed(
    result: RunResult,
    problem: AuditError | None,
    settings: Settings,
    form: str,
    *,
    saved: bool = False,
) -> int:
    """Print the result, then decide the exit code: 0 all done, 5 in part, 1 nothing at all or no
    audit commit."""
    from reconciler.domain.plan.plan import OutcomeStatus, Stage
    from reconciler.report.run.report import run_json, run_text

    if form == "json":
        emit(run_json(result, problem), form)
    else:
        emit(run_text(result, width=settings.width, colour=settings.colour))
    if problem is not None:
        show_error(problem, Settings(no_color=settings.no_color))
    if not result.complete:
        failed = [one for one in result.outcomes if one.status is OutcomeStatus.FAILED]
        vault_refused = not result.summary()["done"] and all(
            one.code.startswith("RC4") and one.stage is Stage.BEGUN for one in failed
        )
        say(settings, again(result.command, saved=saved))
        return 1 if vault_refused and (failed or not result.interrupted) else IN_PART
    return problem.exit_code if problem is not None else 0
