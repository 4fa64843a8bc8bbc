"""What is unfinished in an environment and in its ledger."""

from __future__ import annotations

from datetime import datetime

from reconciler.domain.live.observed import Observed
from reconciler.domain.plan.plan import Plan
from reconciler.domain.plan.unfinished import Unfinished
from reconciler.engine.engine import Engine, ledger_directory
from reconciler.planning.guards.unfinished import Books, find_unfinished


def find_unfinished_business(
    engine: Engine,
    observed: Observed,
    plan: Plan | None = None,
) -> tuple[Unfinished, ...]:
    """What is unfinished, and what the next apply does about it; with ``plan``: an apply of that
    plan."""
    directory = ledger_directory(engine)
    files = {str(path): state for path, state in engine.ledger.find_uncommitted(directory).items()}
    books = Books(files, engine.ledger.count_unpushed(directory) or 0)
    now: datetime = observed.now if plan is None else plan.created_at
    return find_unfinished(observed, books, now, None if plan is None else plan.actions)
