"""Unfinished business for every renderer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from reconciler.domain.plan.unfinished import Unfinished, UnfinishedKind
from reconciler.report.text.layout import DEFAULT_WIDTH, count_words, time_distance, wrap_lines
from reconciler.report.text.paint import Paint

# After a rotation of everything each client has a retiring version: a terminal shows so many
# pieces.
LINES_SHOWN = 40
# What happened then: a distance alone, beside a date that is still to come, would seem to be that
# of the date.
_SINCE = {
    UnfinishedKind.OPEN_RUN: "begun ",
    UnfinishedKind.STALE_CLAIM: "claimed ",
    UnfinishedKind.RENAME: "begun ",
    UnfinishedKind.NOT_DESTROYED: "revoked ",
    UnfinishedKind.RETIRING: "replaced ",
    UnfinishedKind.HOLD: "revoked ",
    UnfinishedKind.REPORT: "",
    UnfinishedKind.PUSH: "",
}


def unfinished_text(
    items: Sequence[Unfinished],
    now: datetime,
    *,
    width: int = DEFAULT_WIDTH,
    paint: Paint | None = None,
) -> Iterator[str]:
    """A heading and two sentences for each piece: how it stands, and what the next apply does.

    Nothing for none.
    """
    if not items:
        return
    yield (paint or Paint(False))("bold", f"Unfinished ({count_words(len(items), 'item')}):")
    for one in items[:LINES_SHOWN]:
        since = "" if one.since is None else f" ({_SINCE[one.kind]}{time_distance(one.since, now)})"
        subject = f" {one.subject}" if one.subject else ""
        yield from wrap_lines(
            f"{one.kind.value}{subject}: {one.message}{since}", width, "  ", "    "
        )
        yield from wrap_lines(f"{one.next}", width, "    ")
    if len(items) > LINES_SHOWN:
        yield f"  and {len(items) - LINES_SHOWN} more (--format json shows all)"


def pick_unfinished(
    items: Sequence[Unfinished], clients: Collection[str]
) -> tuple[Unfinished, ...]:
    """Without what is about other clients than these (empty: all of them)."""
    return tuple(
        one for one in items if not clients or one.address is None or one.address.client in clients
    )
