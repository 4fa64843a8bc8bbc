"""``doctor``."""

from __future__ import annotations

import click

from reconciler.cli.options import environment_option, format_option
from reconciler.cli.output import Settings, emit
from reconciler.cli.setup.conformance import show_trials


@click.command()
@environment_option
@click.option(
    "--conformance",
    is_flag=True,
    help="Try every kind of request in mounts of its own, which are removed.",
)
@format_option("text", "json")
@click.pass_obj
def doctor(
    settings: Settings,
    environment: str,
    conformance: bool,
    form: str,
) -> int:
    """Check the connection to Vault, its clock, and what the present token may do. Changes nothing.

    With --conformance instead: whether the server does what the reconciler relies on. Needs an
    administrator's token; makes mounts, policies and token roles with names of their own, and
    removes them whatever happens. The table names no address and can be pasted into a report.

    \b
    Examples:
      reconciler doctor -e production
      reconciler doctor -e staging --conformance
    """
    from reconciler.app.setup.examining import examine_environment, try_server
    from reconciler.cli.terminal import workplace
    from reconciler.report.text.document import document
    from reconciler.report.text.escape import terminal

    here = workplace(settings)
    if conformance:
        return show_trials(*try_server(here, environment), form)
    checks = examine_environment(here, environment)
    if form == "json":
        rows = [
            {"name": c.name, "result": c.result, "message": c.sentence, "remedy": c.remedy}
            for c in checks
        ]
        emit(document("doctor", {"environment": environment, "checks": rows}), form)
    else:
        lines = []
        for check in checks:
            lines.append(terminal(f"{check.result:<5} {check.name}: {check.sentence}"))
            if check.remedy and check.result != "ok":
                lines.append(terminal(f"      remedy: {check.remedy}"))
        emit("\n".join(lines))
    return 1 if any(check.result == "fail" for check in checks) else 0
