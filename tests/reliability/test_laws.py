"""Laws over random lives of an environment: whatever is declared, done by hand and cut short.

A sample has the same examples every time; ``--exhaustive`` tries twenty times as many, and others
each time.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from hypothesis import assume
from hypothesis import strategies as st

from reconciler.declare import load
from reconciler.domain.declared.desired import ClientState, Desired
from reconciler.domain.kinds import credentials
from reconciler.domain.kinds.actions import NEW_VERSIONS, ActionKind
from reconciler.domain.live.record import ClientRecord, VersionState
from reconciler.domain.plan.plan import Action, Plan
from reconciler.domain.values.duration import parse_duration
from reconciler.errors import Address
from reconciler.planning.actions.inputs import pair_up
from reconciler.planning.actions.reasons import Reason
from tests.kit.suite.laws import hold
from tests.kit.suite.tally import Tally
from tests.kit.worlds.faults import Crash, Faulty, crash_after
from tests.kit.worlds.judge import outline, usable
from tests.kit.worlds.life import Life, current, over
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner
from tests.kit.worlds.strategies import STEPS, Step, declarations

TRIED = "examples of laws"
LIVES = st.lists(STEPS, max_size=4)


def lived(steps: list[Step]) -> Life:
    life = Life()
    for step in steps:
        life.take(step)
        if step.whom % 2:
            life.settle()
    return life


def test_after_any_life_a_plan_after_apply_is_empty(exhaustive: bool, tally: Tally) -> None:
    """And what is applied is what is declared; revoked is terminal, no number is used twice,
    history has no gap, no grace lengthens a life: judged after every step."""

    def law(steps: list[Step]) -> None:
        lived(steps).settle()

    tally(
        TRIED,
        hold(law, st.lists(STEPS, min_size=1, max_size=6), examples=50, exhaustive=exhaustive),
    )


def test_any_prefix_of_any_plan_and_a_new_plan_end_alike(exhaustive: bool, tally: Tally) -> None:
    """The run is cut short after any number of requests; the next one ends where it would have
    ended.

    And at no such moment a client that goes on has lost its last key, unless it was asked to.
    """

    def law(steps: list[Step], last: Step, cut: int) -> None:
        life = lived(steps)
        declared = life.prepare(last)
        observed = life.runner.look()
        plan = life.runner.plan(declared, observed=observed)
        assume(plan.changes and not plan.blocked)
        kept = keeping(life.world, plan)
        whole = deepcopy(life)
        whole.runner.carry_out(plan, declared, observed)
        whole.runner.settle(declared)
        live = Faulty(life.world, cut, crash_after)
        try:
            life.runner.carry_out(plan, declared, observed, live)
        except Crash:
            life.judge()
            expect_kept(life.world, kept)
        life.runner.settle(declared)
        assert outline(life.world) == outline(whole.world), (
            f"it ends elsewhere when cut short after {live.hit}"
        )

    tally(TRIED, hold(law, LIVES, STEPS, st.integers(0, 25), examples=50, exhaustive=exhaustive))


# Reasons that end a usable key because it was asked for, or because nothing in it can be trusted
# any more.
ASKED = {
    Reason.DECLARED_RETIRED, Reason.DECLARATION_REMOVED, Reason.KEY_REMOVED, Reason.REVOCATION_REQUESTED,
    Reason.RECORD_EDITED,
}  # fmt: skip
REVOKE = ActionKind.REVOKE_KEY


def keeping(world: World, plan: Plan) -> set[str]:
    """The secrets' names of the clients that have a usable key and from which ``plan`` was not
    asked to take it."""
    asked = {action.client for action in plan.changes if action.reason in ASKED}
    # The actions on a client that is being renamed bear its new name.
    renamed = {
        str((one.before or {})["name"]): one.client
        for one in plan.changes
        if one.reason == Reason.RENAMED
    }
    return {
        record.storage_name
        for record in current(world.records())
        if usable(world, record) and renamed.get(record.name, record.name) not in asked
    }


def expect_kept(world: World, names: set[str]) -> None:
    for record in current(world.records()):
        if record.storage_name in names:
            assert usable(world, record), f"I3: {record.name} lost its last usable key"


def test_no_plan_ends_the_last_usable_key_unless_it_was_asked_to(
    exhaustive: bool, tally: Tally
) -> None:
    """Every revocation of a key in every plan is of a kind that ``docs/reasons.md`` allows: asked
    for, over, or followed by another version in the same plan."""

    def law(steps: list[Step], last: Step) -> None:
        life = lived(steps)
        declared = life.prepare(last)
        observed = life.runner.look()
        plan = life.runner.plan(declared, observed=observed)
        records = pair_up(declared, observed)
        made = {action.address for action in plan.changes if action.kind in NEW_VERSIONS}
        retired = {
            action.address for action in plan.changes if action.kind is ActionKind.RETIRE_KEY
        }
        for action in plan.changes:
            if action.kind is REVOKE:
                record = records[action.client]
                assert record is not None
                expect_allowed(action, record, made, retired, observed.now)
            wanted = declared.clients.get(action.client)
            if action.kind is REVOKE and action.reason in (
                Reason.DECLARED_RETIRED,
                Reason.DECLARATION_REMOVED,
            ):
                assert wanted is None or wanted.state is ClientState.RETIRED
            if action.kind is REVOKE and action.reason == Reason.KEY_REMOVED:
                assert wanted is not None
                assert action.item not in {key.name for key in wanted.keys}

    tally(TRIED, hold(law, LIVES, STEPS, examples=75, exhaustive=exhaustive))


def expect_allowed(
    action: Action, record: ClientRecord, made: set[Address], retired: set[Address], now: datetime
) -> None:
    series = record.series[credentials.KEY, str(action.item)]
    version = series.version(action.version or 0)
    assert version is not None
    if action.reason in ASKED:
        assert action.reason != Reason.RECORD_EDITED or series.edited
        return
    assert action.reason in (Reason.EXPIRED, Reason.GRACE_OVER), action
    if version.state is VersionState.RETIRING or action.reason == Reason.EXPIRED:
        assert over(version, now), (
            f"{action.address} version {version.number} is revoked before its time"
        )
    else:
        assert action.address in made | retired, f"{action.address} is revoked without a successor"


PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {name: acme-integrations}
spec:
  keyPrefix: acme
  environments:
    production: {vault: {address: "https://vault.example.com"}}
"""
CATALOG = """\
apiVersion: reconciler/v1
kind: ScopeCatalog
spec:
  scopes:
    - {name: "x:read", risk: low}
    - {name: "y:write", risk: high}
    - {name: "ledger:read", risk: low}
    - {name: "x:pay", risk: critical}
"""


def documents_of(declared: Desired) -> list[dict[str, Any]]:
    """``declared`` as somebody would have written it."""
    return [
        {
            "apiVersion": "reconciler/v1",
            "kind": "IntegrationClient",
            "metadata": {
                "name": one.name,
                **({"renamedFrom": one.renamed_from} if one.renamed_from else {}),
            },
            "spec": {
                "state": one.state.value,
                "protect": one.protect,
                "scopes": list(one.spec["scopes"]),
                "keys": [
                    {"name": name, "lifetime": spec["lifetime"], "rotation": rotation(spec)}
                    for name, spec in one.spec["keys"].items()
                ],
                "webhooks": [
                    {
                        "name": name,
                        "url": spec["url"],
                        "events": list(spec["events"]),
                        "secret": {
                            "lifetime": spec["secret"]["lifetime"],
                            **rotation(spec["secret"]),
                        },
                    }
                    for name, spec in one.spec["webhooks"].items()
                ],
                **{
                    field: one.spec[field]
                    for field in ("allowedCidrs", "owner")
                    if field in one.spec
                },
                "environments": {"production": {}},
            },
        }
        for one in declared.clients.values()
    ]


def rotation(cycle: Mapping[str, str]) -> dict[str, str]:
    """A grace that is longer than renewBefore is refused: then none is written."""
    fits = parse_duration(cycle["grace"]) <= parse_duration(cycle["renewBefore"])
    return {"renewBefore": cycle["renewBefore"], **({"grace": cycle["grace"]} if fits else {})}


def shuffled(value: Any, chance: random.Random) -> Any:
    """Everything whose order means nothing, in another order: fields, and all lists of these
    documents."""
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        return {name: shuffled(one, chance) for name, one in items}
    if isinstance(value, list):
        return chance.sample([shuffled(one, chance) for one in value], len(value))
    return value


def write(root: Path, documents: list[dict[str, Any]], chance: random.Random) -> Desired:
    """Spread over files of any name, some in folders, several documents in some."""
    for path in root.rglob("*.yaml"):
        path.unlink()
    (root / "clients" / "more").mkdir(parents=True, exist_ok=True)
    (root / "reconciler.yaml").write_text(PROJECT)
    (root / "scopes.yaml").write_text(CATALOG)
    files: dict[str, list[dict[str, Any]]] = {}
    for document in chance.sample(documents, len(documents)):
        files.setdefault(chance.choice(["a", "m", "z", "more/b"]), []).append(
            shuffled(document, chance)
        )
    for name, found in files.items():
        (root / "clients" / f"{name}.yaml").write_text(yaml.safe_dump_all(found, sort_keys=False))
    return load(root, "production")


def test_a_plan_does_not_depend_on_the_order_of_files_documents_and_fields(
    exhaustive: bool, tally: Tally, tmp_path: Path
) -> None:
    """Through the real loader: written in two orders, it is one plan."""

    def law(before: Desired, after: Desired, first: random.Random, second: random.Random) -> None:
        runner = Runner(World())
        runner.apply(before)
        plans = []
        for chance in (first, second):
            declared = write(tmp_path, documents_of(after), chance)
            assert list(declared.clients) == sorted(declared.clients)
            plans.append(runner.plan(declared))
        one, other = plans
        assert one.digest == other.digest
        assert one.actions == other.actions
        assert [(found.code, found.message) for found in one.findings] == [
            (found.code, found.message) for found in other.findings
        ]

    chances = st.randoms(use_true_random=False)
    tally(
        TRIED,
        hold(
            law,
            declarations(),
            declarations(),
            chances,
            chances,
            examples=40,
            exhaustive=exhaustive,
        ),
    )
