"""``validate`` and ``schema``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import format_option
from reconciler.cli.output import Settings, emit, say, write_file

if TYPE_CHECKING:
    from reconciler.errors import Finding

KIND_NAMES = (
    "Project",
    "ScopeCatalog",
    "GuardrailPolicy",
    "IntegrationTemplate",
    "IntegrationClient",
)


def _json(findings: Sequence[Finding], folder: str) -> str:
    from reconciler.report.findings import findings_json

    return findings_json(findings)


def _sarif(findings: Sequence[Finding], folder: str) -> str:
    from reconciler.report.findings import findings_sarif

    return findings_sarif(findings, folder=folder)


def _github(findings: Sequence[Finding], folder: str) -> str:
    from reconciler.report.findings import findings_github

    return findings_github(findings, folder=folder)


def _gitlab(findings: Sequence[Finding], folder: str) -> str:
    from reconciler.report.findings import findings_gitlab

    return findings_gitlab(findings, folder=folder)


def _junit(findings: Sequence[Finding], folder: str) -> str:
    from reconciler.report.findings import findings_junit

    return findings_junit(findings, datetime.now(UTC))


# Formats of findings for programs; ``folder`` is where the project lies in its repository.
FINDING_FORMATS: Mapping[str, Callable[[Sequence[Finding], str], str]] = {
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "gitlab": _gitlab,
    "junit": _junit,
}


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@format_option("text", *FINDING_FORMATS)
@click.pass_obj
def validate(settings: Settings, paths: tuple[Path, ...], form: str) -> int:
    """Check the declaration and report every problem of every file at once. Needs no Vault.

    With PATH only what concerns these files or directories is reported.

    \b
    Examples:
      reconciler validate
      reconciler validate clients/payments --format sarif
    """
    from reconciler.app.project import project_folder
    from reconciler.app.reading import validate_project as check
    from reconciler.cli.terminal import workplace

    found = check(workplace(settings).root, paths)
    if form == "text":
        if found:
            from reconciler.report.findings import findings_text

            emit(findings_text(found, colour=settings.colour))
        if found.valid:
            say(settings, "the declaration is valid")
    else:
        emit(FINDING_FORMATS[form](found, project_folder(settings.project)), form)
    return 0 if found.valid else 1


class KindName(click.Choice[str]):
    """A kind in any case; help and errors show the names as they are (those of
    ``case_sensitive=False`` are lower)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        meant = (kind for kind in KIND_NAMES if kind.lower() == str(value).lower())
        return super().convert(next(meant, value), param, ctx)


@click.command()
@click.argument("kind", required=False, type=KindName(KIND_NAMES))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write it there; without KIND, all.",
)
def schema(kind: str | None, output: Path | None) -> int:
    """Print the JSON Schema of KIND, for editors and for checks of your own; without KIND list the
    kinds.

    \b
    Examples:
      reconciler schema IntegrationClient > integration-client.schema.json
      reconciler schema --output schemas   # the files of init, as this version has them
    """
    from reconciler.declare.schema.schemas import file_name, schema_text

    if output is not None:
        folder = make_folder(output)
        for one in KIND_NAMES if kind is None else (kind,):
            write_file(
                folder / file_name(one),
                schema_text(one),
                "RC038",
                "choose another directory for --output",
                mode=0o644,
            )
    elif kind is None:
        emit("\n".join(KIND_NAMES))
    else:
        emit(schema_text(kind), "file")
    return 0


def make_folder(path: Path) -> Path:
    """``path``, made if it is not there. Raises ``UsageError`` RC038 when it cannot be."""
    from reconciler.errors import UsageError

    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{path} cannot be used as a directory: {error.strerror}"
        raise UsageError("RC038", message, "choose another directory for --output") from None
    return path
