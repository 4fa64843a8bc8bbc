"""What a pass over an environment works with, and how it looks at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from reconciler.dataclass import dataclass
from reconciler.domain.declared.checkout import WITHOUT_GIT, Applied, Checkout
from reconciler.domain.declared.desired import ClientState, Desired, Environment, Project
from reconciler.domain.live.observed import MountSettings, Observed
from reconciler.domain.plan.judgement import Judge
from reconciler.domain.plan.plan import Outcome
from reconciler.engine.look.observe import observe
from reconciler.engine.look.records import Decoded, read_applied_commit
from reconciler.engine.ports import Ledger, LiveState, Minter, Reporter, Sender
from reconciler.planning.actions.inputs import Inputs, Pairs, Question
from reconciler.planning.quiet.known import NOTHING_KNOWN, Known

if TYPE_CHECKING:
    from reconciler.engine.drive import Driver
    from reconciler.engine.lanes import Lanes


def _silent(_text: str) -> None:
    """Where nobody listens."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The ports and settings of one environment. ``say`` gets sentences about progress (stderr);
    ``progress`` gets each outcome and how many there will be; ``stopping`` turns true on Ctrl-C;
    ``edited_policies`` names our Vault policies that are not what bootstrap writes; ``mounts``
    reads the settings of the registry's mount and of the secrets'; ``judge`` evaluates the rules of
    one's own in the policy; ``checkout`` tells what git says of a declaration that was loaded.
    ``decoded``: the buckets that were decoded for it. ``logged``: the environment has an evidence
    log."""

    project: Project
    environment: Environment
    buckets: int
    live: LiveState
    minter: Minter
    sender: Sender
    ledger: Ledger
    reporter: Reporter
    logged: bool = True
    say: Callable[[str], None] = _silent
    progress: Callable[[Outcome, int], None] = lambda outcome, total: None
    stopping: Callable[[], bool] = lambda: False
    edited_policies: Callable[[], tuple[str, ...]] = lambda: ()
    mounts: Callable[[], tuple[MountSettings | None, MountSettings | None]] = lambda: (None, None)
    judge: Judge | None = None
    checkout: Callable[[Desired, Applied | None], Checkout] = lambda desired, applied: WITHOUT_GIT
    decoded: Decoded = field(default_factory=dict)

    def look(
        self,
        desired: Desired | None = None,
        *,
        deep: bool = False,
        known: Known = NOTHING_KNOWN,
    ) -> Observed:
        """Observe the environment once. A client of ``desired`` that is not on record is looked for
        again. Which commit was applied last is asked for a plan alone: a status does without a
        document that cannot be read. Clients of whom it is ``known`` that nothing is to be said are
        only named."""
        sought = list_names_on_record(desired) if desired is not None else ()
        observed = observe(
            self.live,
            self.project.name,
            self.buckets,
            deep=deep,
            sought=sought,
            decoded=self.decoded,
            known=known,
        )
        registry, secrets = self.mounts()
        edited = self.edited_policies()
        if desired is not None:
            observed = replace(observed, applied=read_applied_commit(self.live))
        return replace(
            observed, policies_edited=edited, registry_mount=registry, secrets_mount=secrets
        )

    def inputs(
        self,
        question: Question,
        observed: Observed,
        pairs: Pairs,
        *,
        guarded_at: datetime | None = None,
    ) -> Inputs:
        """What the plan for ``question`` is made from; ``pairs`` are those of what is declared and
        observed. Asks git about the checkout, and nothing else."""
        return Inputs(
            question,
            observed,
            pairs,
            guarded_at=guarded_at,
            judge=self.judge,
            checkout=self.checkout(question.desired, observed.applied),
        )

    def driver(self, now: datetime, lanes: Lanes) -> Driver:
        # Imported here: a plan drives nothing.
        from reconciler.engine.drive import Driver, ServerClock  # noqa: PLC0415

        return Driver(self.live, self.minter, self.sender, ServerClock(now), lanes)


def ledger_directory(engine: Engine) -> PurePosixPath:
    """The folder of this environment's reports, below the project."""
    return PurePosixPath(engine.project.audit_path) / engine.environment.name


def list_names_on_record(desired: Desired) -> tuple[tuple[str, ...], ...]:
    """The names under which each declared client may be on record."""
    return tuple(
        (client.name, *filter(None, [client.renamed_from]))
        for client in desired.outlines()
        if client.state is not ClientState.RETIRED
    )
