"""Inputs of a plan, from what a test says of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.domain.declared.desired import Desired
from reconciler.domain.live.observed import Observed
from reconciler.planning.actions.inputs import Inputs, Question, Standing, pair_up

OF_INPUTS = ("guarded_at", "judge")


def inputs(
    desired: Desired,
    observed: Observed,
    now: datetime,
    *,
    standing: Standing | None = None,
    **more: Any,
) -> Inputs:
    """``more``: fields of ``Inputs`` and of its question; ``standing`` is taken apart."""
    own = {name: more.pop(name) for name in OF_INPUTS if name in more}
    if standing is not None:
        own |= {"checkout": standing.checkout}
        more |= {"rollback": standing.rollback, "applying": standing.applying}
    return Inputs(Question(desired, at=now, **more), observed, pair_up(desired, observed), **own)


def changed(
    made: Inputs,
    *,
    observed: Observed | None = None,
    standing: Standing | None = None,
    **question: Any,
) -> Inputs:
    """``made`` with another observation, or with other fields of its question; clients and records
    are paired anew."""
    asked = replace(made.question, **question)
    if standing is not None:
        asked = replace(asked, rollback=standing.rollback, applying=standing.applying)
        made = replace(made, checkout=standing.checkout)
    seen = observed or made.observed
    return replace(made, question=asked, observed=seen, pairs=pair_up(asked.desired, seen))
