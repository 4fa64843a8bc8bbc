"""``status``, ``bootstrap`` and ``doctor``."""

from __future__ import annotations

import click

from reconciler.cli.ci import ci_options, platform_of
from reconciler.cli.options import environment_option, format_option
from reconciler.cli.output import Settings, emit, say


@click.command()
@environment_option
@click.argument("client", required=False)
@format_option("text", "json")
@click.pass_obj
def status(settings: Settings, environment: str, client: str | None, form: str) -> int:
    """Show what Vault holds for ENV: clients, key versions, webhooks, and what is unfinished. Reads
    no secret.

    \b
    Examples:
      reconciler status -e staging
      reconciler status -e production paystack-payouts --format json
    """
    from reconciler.cli.terminal import session
    from reconciler.report.status.text import status_text

    with session(settings, environment) as here:
        found = here.status(client)
    if form == "json":
        emit(found.to_json(), form)
    else:
        text = status_text(
            environment,
            found.observed,
            found.unfinished,
            only=found.only,
            width=settings.width,
            colour=settings.colour,
        )
        emit(text)
    return 0


@click.command()
@environment_option
@click.option(
    "--buckets", type=click.Choice(["16", "256", "4096"]), help="Parts of the registry; first 256."
)
@ci_options
@format_option("text", "json")
@click.pass_obj
def bootstrap(
    settings: Settings,
    environment: str,
    buckets: str | None,
    ci: str | None,
    repository: str | None,
    repository_id: str | None,
    ci_environment: str | None,
    branch: str | None,
    issuer: str | None,
    audience: str | None,
    no_protected_environments: bool,
    form: str,
) -> int:
    """Prepare Vault for ENV: mounts, policies, token roles, signing key. Needs an administrator's
    token.

    Running it again changes nothing that is right already. With another number of --buckets the
    registry is spread anew, while others may be writing. With --ci also the roles that the jobs of
    that platform log in with.

    \b
    Examples:
      reconciler bootstrap -e staging
      reconciler bootstrap -e staging --buckets 4096
      reconciler bootstrap -e staging --ci github --repository acme/integrations --repository-id 4711
      reconciler bootstrap -e staging --ci gitlab --repository acme/platform/integrations --repository-id 4711
    """
    from reconciler.app.project import load_environment
    from reconciler.app.setup.bootstrap import prepared, step_text
    from reconciler.cli.terminal import workplace
    from reconciler.report.text.document import document

    given = {
        "--repository": repository,
        "--repository-id": repository_id,
        "--ci-environment": ci_environment,
        "--branch": branch,
        "--issuer": issuer,
        "--audience": audience,
    }
    platform = platform_of(environment, ci, given, protected=not no_protected_environments)
    here = workplace(settings)
    project, chosen = load_environment(here.root, environment)
    done = prepared(here, project, chosen, int(buckets) if buckets else None, platform)
    if platform is not None and chosen.vault.auth.method != "jwt":
        role = f"{{method: jwt, role: integrations-{environment}-plan}}"
        say(settings, f"jobs log in once reconciler.yaml says vault.auth: {role} for {environment}")
    if form == "json":
        steps = [{"what": what, "did": str(did)} for what, did in done]
        emit(document("bootstrap", {"environment": environment, "steps": steps}), form)
    else:
        emit("\n".join(map(step_text, done)))
    return 0


@click.command()
@environment_option
@click.option(
    "--conformance",
    is_flag=True,
    help="Try every kind of request in mounts of its own, which are removed.",
)
@format_option("text", "json")
@click.pass_obj
def doctor(settings: Settings, environment: str, conformance: bool, form: str) -> int:
    """Check the connection to Vault, its clock, and what the present token may do. Changes nothing.

    With --conformance instead: whether the server does what the reconciler relies on. Needs an
    administrator's token; makes mounts, policies and token roles with names of their own, and
    removes them whatever happens. The table names no address and can be pasted into a report.

    \b
    Examples:
      reconciler doctor -e production
      reconciler doctor -e staging --conformance
    """
    if conformance:
        from reconciler.cli.conformance import show_conformance

        return show_conformance(settings, environment, form)
    from reconciler.app.project import load_environment
    from reconciler.app.setup.doctor import alert_checks, examine
    from reconciler.app.wiring import connected
    from reconciler.cli.terminal import workplace
    from reconciler.report.text.document import document
    from reconciler.report.text.escape import terminal

    here = workplace(settings)
    project, chosen = load_environment(here.root, environment)
    with connected(here, chosen) as live:
        checks = [
            *examine(live, project.name, environment),
            *alert_checks(project, environment, here.environ),
        ]
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
