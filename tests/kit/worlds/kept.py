"""Plans with what earlier plans kept, beside the long way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.domain.declared.desired import Desired
from reconciler.domain.live.observed import Observed
from reconciler.domain.plan.plan import Plan
from reconciler.engine.engine import list_names_on_record
from reconciler.engine.look.observe import observe
from reconciler.planning.actions.inputs import Inputs
from reconciler.planning.guards.unfinished import Books, find_unfinished
from reconciler.planning.planner import make_plan
from reconciler.planning.quiet.known import (
    NOTHING_KNOWN,
    Known,
    QuietVerdict,
    declared_digest,
)
from reconciler.planning.quiet.verdicts import judge_clients
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.memory import BUCKETS
from tests.kit.worlds.runner import Ports


@dataclass
class Keeper:
    """Keeps verdicts from plan to plan as the program does. ``skipped``: how often how many clients
    were."""

    verdicts: dict[str, QuietVerdict] = field(default_factory=dict)
    skipped: Counter[int] = field(default_factory=Counter)

    def compare(self, world: Ports, desired: Desired, **options: Any) -> Plan:
        """The plan for ``desired``, which is the same with what was kept and without."""
        sought = list_names_on_record(desired)
        digests = {
            one.name: declared_digest(one.digest, one.base_digest) for one in desired.outlines()
        }
        known = Known(self.verdicts, digests)
        observed = observe(world, world.owner, BUCKETS, sought=sought, known=known)
        asked, plan = _plan(desired.without(observed.quiet), observed, **options)
        whole = observe(world, world.owner, BUCKETS, sought=sought, known=NOTHING_KNOWN)
        _, long_way = _plan(desired, whole, **options)
        assert plan == long_way
        self.skipped[len(observed.quiet)] += 1
        kept = {name: self.verdicts[name] for name in observed.quiet}
        self.verdicts = kept | judge_clients(asked, plan)
        return plan


def _plan(desired: Desired, observed: Observed, **options: Any) -> tuple[Inputs, Plan]:
    asked = inputs(desired, observed, observed.now, **options)
    plan = make_plan(asked)
    unfinished = find_unfinished(observed, Books(), observed.now, plan.actions)
    return asked, replace(plan, unfinished=unfinished)
