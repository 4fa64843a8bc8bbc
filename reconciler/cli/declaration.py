"""``validate`` and ``schema``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from reconciler.cli.options import format_option
from reconciler.cli.output import Settings, emit, say

KINDS = ("Project", "ScopeCatalog", "GuardrailPolicy", "IntegrationTemplate", "IntegrationClient")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@format_option("text", "json", "github", "sarif")
@click.pass_obj
def validate(settings: Settings, paths: tuple[Path, ...], form: str) -> int:
    """Check the declaration and report every problem of every file at once. Needs no Vault.

    With PATH only what concerns these files or directories is reported.

    \b
    Examples:
      reconciler validate
      reconciler validate clients/payments --format sarif
    """
    from datetime import UTC, datetime

    from reconciler.adapters.cel import CelJudge
    from reconciler.cli import wiring
    from reconciler.declare.repository import validate as check
    from reconciler.domain.plan import Level
    from reconciler.report import findings as rendering

    root = wiring.project_root(settings)
    findings = check(root, paths, now=datetime.now(UTC), judge=CelJudge())
    failed = any(finding.level is Level.ERROR for finding in findings)
    if form == "text":
        if findings:
            emit(rendering.findings_text(findings, colour=settings.colour))
        if not failed:
            say(settings, "the declaration is valid")
    else:
        from reconciler.declare.codes import CODES

        if form == "sarif":
            emit(rendering.findings_sarif(findings, {code: entry.title for code, entry in CODES.items()}))
        else:
            emit((rendering.findings_json if form == "json" else rendering.findings_github)(findings))
    return 1 if failed else 0


@click.command()
@click.argument("kind", required=False, type=click.Choice(KINDS))
def schema(kind: str | None) -> int:
    """Print the JSON Schema of KIND, for editors and for checks of your own; without KIND list the kinds.

    \b
    Example:
      reconciler schema IntegrationClient > integration-client.schema.json
    """
    from reconciler.declare.schemas import schema as schema_of

    if kind is None:
        emit("\n".join(KINDS))
    else:
        emit(json.dumps(schema_of(kind), indent=2, ensure_ascii=False))
    return 0
