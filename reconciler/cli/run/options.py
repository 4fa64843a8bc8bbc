"""Options of everything that changes live state."""

from __future__ import annotations

import click

from reconciler.cli.options import format_option


def run_options(command: click.decorators.FC) -> click.decorators.FC:
    """Options of everything that changes live state."""
    command = format_option("text", "json")(command)
    command = click.option(
        "--no-alerts", is_flag=True, help="Tell nobody through the channels of reconciler.yaml."
    )(command)
    command = click.option(
        "--push", is_flag=True, help="Push the audit commit; a moved branch is tried again."
    )(command)
    return click.option(
        "--no-commit", is_flag=True, help="Write the audit report but do not commit it."
    )(command)
