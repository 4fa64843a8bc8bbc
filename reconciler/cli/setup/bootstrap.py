"""``bootstrap``."""

from __future__ import annotations

import click

from reconciler.cli.options import environment_option, format_option
from reconciler.cli.output import Settings, emit
from reconciler.cli.setup.ci import ci_options, platform_of


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
    from reconciler.app.setup.bootstrap import prepare, step_text
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
    done = prepare(here, environment, int(buckets) if buckets else None, platform)
    if form == "json":
        steps = [{"what": what, "did": str(did)} for what, did in done]
        emit(document("bootstrap", {"environment": environment, "steps": steps}), form)
    else:
        emit("\n".join(map(step_text, done)))
    return 0
