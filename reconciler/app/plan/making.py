"""``plan``: what apply would do, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.app.plan.planned import Asked
    from reconciler.app.workplace import Workplace
    from reconciler.domain.plan.plan import Plan


def plan_environment(
    workplace: Workplace,
    environment: str,
    asked: Asked,
    *,
    upkeep: bool = False,
    reviewed: Path | None = None,
    base: str | None = None,
    cache: bool = False,
) -> Plan:
    """What apply would do to ``environment``. Changes nothing and reads no secret.

    ``cache``: what an earlier plan found may be used, and what this one finds is kept, where that
    changes nothing of the plan: not in CI, and only for a plan of everything.
    ``upkeep``: only what needs no decision. ``reviewed``: the file of a plan; the new one is about
    the clients that it touches, and must do the same. ``base``: the commit that terms are compared
    with, None: the one that this change is made on.

    Raises ``DeclarationError``, ``UsageError``, ``VaultError``, and ``StalePlanError`` RC389 where
    the plan differs from ``reviewed``. A plan that a guard blocks is returned.
    """
    from reconciler.app.plan.before import terms_before
    from reconciler.app.plan.keeping import open_keeping
    from reconciler.app.plan.planfile import load_for
    from reconciler.app.plan.planned import (
        Asked,
        narrow_question,
        question_for,
        refuse_unknown,
        with_unfinished,
    )
    from reconciler.app.project import load_desired
    from reconciler.app.wiring import engine_for
    from reconciler.engine.planfile.saved import refuse_unreviewed
    from reconciler.planning import planner
    from reconciler.planning.actions.inputs import pair_up
    from reconciler.planning.loosening.terms_before import compare_terms
    from reconciler.planning.quiet.known import NOTHING_KNOWN

    plain = asked == Asked() and not upkeep and reviewed is None and base is None
    keeping = open_keeping(workplace, environment) if cache and plain else None
    desired = load_desired(workplace.root, environment, keeping.files if keeping else None)
    agreed = load_for(desired, reviewed) if reviewed is not None else None
    before = terms_before(workplace, desired, base)
    with engine_for(workplace, desired.project, desired.environment) as engine:
        question = question_for(workplace, desired, asked)
        known = keeping.know(desired, before) if keeping else NOTHING_KNOWN
        observed = engine.look(desired, deep=asked.deep, known=known)
        refuse_past(asked.at, observed.now)
        desired = desired.without(observed.quiet)
        question = replace(question, desired=desired)
        pairs = pair_up(desired, observed)
        refuse_unknown(asked.only, pairs)
        question = narrow_question(
            question,
            pairs,
            buckets=observed.buckets,
            upkeep=upkeep,
            saved=agreed,
        )
        inputs = engine.inputs(question, observed, pairs)
        plan = with_unfinished(engine, observed, planner.make_plan(inputs))
        if keeping:
            keeping.save(inputs, plan)
    if agreed is not None:
        refuse_unreviewed(agreed, plan)
    # after the comparison: a merge is made on another commit than its pull request was
    if before is not None:
        plan = compare_terms(plan, before, inputs)
    if not observed.deep:
        workplace.console.say(
            "this server lists only names of secrets: overwritten or destroyed versions show with"
            " --deep"
        )
    return plan


def refuse_past(at: datetime | None, now: datetime) -> None:
    """Raises ``UsageError`` for a time of ``--at`` that is over by ``now``, the server's time: what
    was due then was done since, or is due now."""
    from reconciler.domain.values.canonical import iso

    if at is not None and at < now:
        raise UsageError(
            "RC060",
            f"--at {iso(at)} is in the past: it is {iso(now)} by the server's time",
            "name a time in the future, or leave out --at; for the past read the reports in the"
            " audit folder",
        )
