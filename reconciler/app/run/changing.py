"""``apply``, ``rotate`` and ``revoke``: the runs that change live state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.run.alerts import Alerts
from reconciler.app.values import Run
from reconciler.app.wiring import engine_for
from reconciler.dataclass import dataclass
from reconciler.errors import BlockedError

if TYPE_CHECKING:
    from reconciler.app.console import Console
    from reconciler.app.plan.planned import Asked
    from reconciler.app.plan.targets import Target
    from reconciler.app.workplace import Workplace
    from reconciler.domain.declared.desired import Desired
    from reconciler.domain.live.observed import Observed
    from reconciler.domain.plan.plan import Plan
    from reconciler.domain.plan.shard import Shard
    from reconciler.engine.engine import Engine
    from reconciler.planning.actions.inputs import Inputs, Pairs
    from reconciler.planning.actions.reasons import RevocationRequest


@dataclass(frozen=True, slots=True)
class Manner:
    """How a run ends and whether it waits: ``commit`` and ``push`` are about its report, ``wait``
    about the lease of another run, ``alerts`` about owners."""

    commit: bool = True
    push: bool = False
    wait: bool = True
    alerts: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a plan is made and carried out, where there is none yet."""

    shard: Shard | None = None
    upkeep: bool = False


def apply_plan(
    workplace: Workplace,
    environment: str,
    asked: Asked,
    manner: Manner,
    *,
    saved: Plan | Path | None = None,
    part: Part | None = None,
    allowed_signers: Path | None = None,
    ask: bool = False,
) -> Run:
    """Make ``environment`` what is declared; with ``saved``, a plan or the file of one, carry out
    exactly that.

    Without ``saved`` the plan is made now, and with ``ask`` a person has to agree to it; else it is
    made anew when live state changes meanwhile. ``allowed_signers`` is a file outside of the
    repository that says who may sign the commit.

    Raises ``BlockedError``, ``StalePlanError``, ``LeaseHeldError``, ``DeclarationError``,
    ``UsageError``, ``VaultError``: then nothing was changed.
    """
    from reconciler.app.plan import planned
    from reconciler.app.plan.planfile import load_for
    from reconciler.app.project import load_desired
    from reconciler.app.run.demands import Demands
    from reconciler.engine import apply as engine_runs
    from reconciler.engine.planfile.saved import refuse_wrong_target
    from reconciler.planning.actions.inputs import pair_up
    from reconciler.planning.planner import make_plan

    part = part or Part()
    desired = load_desired(workplace.root, environment)
    if isinstance(saved, Path):
        saved = load_for(desired, saved)
    elif saved is not None:
        refuse_wrong_target(saved, desired.environment.name, desired.project.name)
    ready = saved
    options = engine_runs.Options(
        "apply", ready is not None, manner.wait, manner.commit, manner.push
    )
    alerts = _alerts(workplace, desired, manner)
    demands = Demands(workplace, desired)
    with alerts.if_blocked(), _at_work(workplace, desired) as engine:

        def agree(observed: Observed, pairs: Pairs) -> tuple[Inputs, Plan]:
            whole = planned.question_for(workplace, desired, asked, saved=ready, applying=True)
            question = planned.narrow_question(
                whole,
                pairs,
                buckets=observed.buckets,
                shard=part.shard,
                upkeep=part.upkeep,
                saved=ready,
            )
            inputs = engine.inputs(question, observed, pairs)
            plan = ready or planned.with_unfinished(engine, observed, make_plan(inputs))
            alerts.learn(observed, plan)
            demands.refuse_plan(plan, inputs.checkout)
            _agree(workplace.console, plan, ask=ask and ready is None)
            return inputs, plan

        def anew(observed: Observed) -> tuple[Inputs, Plan]:
            return agree(observed, pair_up(desired, observed))

        demands.refuse_badly_signed(allowed_signers)
        observed = engine.look(desired, deep=asked.deep)
        pairs = pair_up(desired, observed)
        planned.refuse_unknown(asked.only, pairs)
        result, problem = engine_runs.run_plan(
            engine, *agree(observed, pairs), options, None if ask else anew
        )
    return _end(workplace, alerts, Run(result, problem, saved=ready is not None))


def rotate_credentials(
    workplace: Workplace,
    environment: str,
    target: Target,
    reason: str,
    manner: Manner,
) -> Run:
    """Rotate one key of a client, all of them, or the signing secret of one webhook, now.

    Raises as ``apply_plan`` does; ``BlockedError`` RC360 when there is nothing to rotate.
    """
    from reconciler.app.plan.targets import rotation_question
    from reconciler.app.project import load_desired
    from reconciler.engine import apply as engine_runs
    from reconciler.planning.actions.inputs import pair_up
    from reconciler.planning.planner import make_plan

    desired = load_desired(workplace.root, environment)
    options = engine_runs.Options(
        "rotate",
        False,
        manner.wait,
        manner.commit,
        manner.push,
    )
    alerts = _alerts(workplace, desired, manner)
    with alerts.if_blocked(), _at_work(workplace, desired) as engine:

        def agree(observed: Observed) -> tuple[Inputs, Plan]:
            question = rotation_question(desired, observed, target, reason)
            inputs = engine.inputs(question, observed, pair_up(desired, observed))
            plan = make_plan(inputs)
            alerts.learn(observed, plan)
            _agree(workplace.console, plan, ask=False)
            _refuse_nothing(plan, target)
            return inputs, plan

        inputs, plan = agree(engine.look(desired))
        result, problem = engine_runs.run_plan(engine, inputs, plan, options, agree)
    return _end(workplace, alerts, Run(result, problem))


def revoke_credentials(
    workplace: Workplace,
    environment: str,
    request: RevocationRequest,
    manner: Manner,
    *,
    target: str,
) -> Run:
    """Revoke at once: no lease, no guard, no declaration but ``reconciler.yaml``.

    ``target`` is how the request was written.

    Raises ``UsageError`` for an unknown client or key, ``VaultError``.
    """
    from reconciler.app.project import environment_and_files
    from reconciler.engine import emergency
    from reconciler.engine.apply import Options

    project, chosen, loaded = environment_and_files(workplace.root, environment)
    alerts = Alerts(workplace, project, chosen, muted=not manner.alerts)
    console = workplace.console
    with (
        console.interruptible() as stopping,
        engine_for(workplace, project, chosen, stopping) as engine,
    ):
        observed = emergency.look_for_client(engine, request.client)
        alerts.learn(observed)
        options = Options("revoke", commit=manner.commit, push=manner.push)
        result, problem = emergency.revoke_now(engine, request, observed, options, loaded)
    if not result.outcomes:
        console.say(f"nothing of {target} is usable: there is nothing to revoke")
    return _end(workplace, alerts, Run(result, problem))


@contextmanager
def _at_work(workplace: Workplace, desired: Desired) -> Iterator[Engine]:
    """An engine that delivers, and stops between actions when it is asked to.

    Raises as ``refuse_unfit_log`` does.
    """
    from reconciler.engine.apply import refuse_unfit_log

    project, environment = desired.project, desired.environment
    with (
        workplace.console.interruptible() as stopping,
        engine_for(workplace, project, environment, stopping, delivers=True) as engine,
    ):
        refuse_unfit_log(engine)
        yield engine


def _alerts(
    workplace: Workplace,
    desired: Desired,
    manner: Manner,
) -> Alerts:
    project, environment = desired.project, desired.environment
    return Alerts(
        workplace,
        project,
        environment,
        desired.clients,
        not manner.alerts,
    )


def _end(
    workplace: Workplace,
    alerts: Alerts,
    run: Run,
) -> Run:
    """Owners are told as well where nobody can be shown what the run came to."""
    try:
        workplace.console.show_result(run)
    finally:
        alerts.of_run(run.result)
    return run


def _agree(
    console: Console,
    plan: Plan,
    *,
    ask: bool,
) -> None:
    """Show the plan, refuse a blocked one, and have it confirmed."""
    from reconciler.engine.apply import refuse_blocked

    console.show(plan)
    refuse_blocked(plan)
    if plan.changes and ask:
        console.agree(plan)


def _refuse_nothing(plan: Plan, target: Target) -> None:
    """A rotation that would do nothing says why. Raises ``BlockedError``."""
    if not plan.changes:
        held = (
            "; ".join(action.message for action in plan.actions)
            or f"{target.text} has no key to rotate"
        )
        raise BlockedError(
            "RC360",
            f"nothing can be rotated: {held}",
            "reconciler status shows the versions it has",
        )
