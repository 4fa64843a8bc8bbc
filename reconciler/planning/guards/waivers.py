"""Waivers: dated exceptions to guards and rules.

They show what they let through, and when they end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime

from reconciler.domain.declared.desired import Waiver
from reconciler.domain.declared.placed import holds_in
from reconciler.domain.values.canonical import iso
from reconciler.errors import NOWHERE, Finding, Level

NEAR_DAYS = 14  # its end is told this long before
FAR_DAYS = 366  # an exception that lasts longer is none
# About the whole plan: only a waiver for every client covers them.
WHOLE_PLAN = frozenset({"budget-removals", "budget-changes", "remove-all"})


def find_waiver(
    waivers: Sequence[Waiver],
    word: str,
    client: str | None,
    environment: str,
    now: datetime,
) -> Waiver | None:
    """The waiver of a guard or rule for a client (None: the whole plan, which only ``*`` covers),
    if one holds."""
    today = iso(now)[:10]
    for waiver in waivers:
        named = waiver.client in ("*", client)
        placed = holds_in(waiver.environments, environment)
        if waiver.guard == word and named and placed and today < waiver.until:
            return waiver
    return None


def waive(finding: Finding, waiver: Waiver) -> Finding:
    """``finding`` as it is told when ``waiver`` covers it: one level lower, with who approved it
    until when, and about whom: its place is now the waiver's."""
    client = finding.address.client
    whose = f"{client}: " if client not in finding.message else ""
    message = (
        f"{whose}{finding.message} - waived by {waiver.approver} until {waiver.until}:"
        f" {waiver.reason}"
    )
    lower = Level.WARNING if finding.level is Level.ERROR else Level.NOTE
    return replace(finding, level=lower, message=message, source=waiver.source)


def date_findings(
    waivers: Sequence[Waiver], now: datetime, environment: str | None = None
) -> Iterator[Finding]:
    """Waivers (of one environment, or all) that are void or will be soon, and those that excuse too
    much."""
    today = date.fromisoformat(iso(now)[:10])
    for waiver in waivers:
        if environment is not None and not holds_in(waiver.environments, environment):
            continue
        days = (date.fromisoformat(waiver.until) - today).days
        whom = "every client" if waiver.client == "*" else waiver.client
        what = f"the waiver of {waiver.guard} for {whom}"
        if days <= 0:
            yield Finding(
                "RC205",
                Level.WARNING,
                f"{what} is void since {waiver.until}",
                NOWHERE,
                "remove it, or have it approved anew with a later date",
                waiver.source,
            )
        elif days <= NEAR_DAYS:
            left = "tomorrow" if days == 1 else f"in {days} days"
            yield Finding(
                "RC204",
                Level.NOTE,
                f"{what} ends {left}: it is void from {waiver.until} on",
                NOWHERE,
                "fix what it excuses before that, or have it approved anew",
                waiver.source,
            )
        wide = (
            ["is for every client"]
            if waiver.client == "*" and waiver.guard not in WHOLE_PLAN
            else []
        )
        wide += ["ends more than a year from now"] if days > FAR_DAYS else []
        if wide and days > 0:
            yield Finding(
                "RC209",
                Level.WARNING,
                f"{what} until {waiver.until} has no bounds: it {' and '.join(wide)}",
                NOWHERE,
                "name the client, and a day within a year; what is meant for all, and for ever,"
                " belongs into the rule",
                waiver.source,
            )
