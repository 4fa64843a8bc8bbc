"""An environment in memory whose engine keeps its evidence log in a folder, and a judge who looks
at that folder from the outside and at the registry."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.folder import FolderLedger
from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.git.stored_files import FolderFiles
from reconciler.app.reports import SearchedReports
from reconciler.domain.declared.checkout import Checkout
from reconciler.domain.declared.desired import Desired
from reconciler.engine.apply import Options, run_plan
from reconciler.engine.emergency import look_for_client, revoke_now
from reconciler.engine.engine import Engine
from reconciler.engine.evidence.live import read_registry_head
from reconciler.engine.evidence.places import LogPlaces
from reconciler.engine.evidence.reading import gather_log_files
from reconciler.engine.repair import Repaired, repair_log
from reconciler.engine.runs.reporting import Reported
from reconciler.evidence.envelope import decode_envelope
from reconciler.evidence.statement import Statement, decode_statement
from reconciler.evidence.verification.anchors import Anchors
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import VerifiedLog, walk_log
from reconciler.planning.actions.inputs import Question, pair_up
from reconciler.planning.actions.reasons import RevocationRequest, RotationRequest
from reconciler.planning.planner import make_plan
from tests.kit.worlds.declared import ENVIRONMENT, PROJECT, client, desired
from tests.kit.worlds.memory import BUCKETS, World
from tests.kit.worlds.runner import inline_buckets

WHERE = LogPlaces(PurePosixPath("audit") / ENVIRONMENT)


class NamedLedger(FolderLedger):
    """Without asking git who it is."""

    def actor(self) -> str:
        return "Ada Lovelace <ada@example.com>"


@dataclass
class Evident:
    """Runs against ``world`` that report to ``root``, of a declaration that ``commit`` holds. With
    ``git`` they commit: ``root`` is a repository then."""

    root: Path
    world: World = field(default_factory=World)
    said: list[str] = field(default_factory=list)
    commit: str | None = None
    git: bool = False

    def __post_init__(self) -> None:
        if not self.world.log_keys:
            self.world.begin_log()

    def engine(self, live: Any = None, declared: Desired | None = None) -> Engine:
        """``live`` answers instead of the world."""
        declared = declared or desired(client())
        live = live or self.world
        command = GitCommand(self.root)
        return Engine(
            project=declared.project,
            environment=declared.environment,
            buckets=BUCKETS,
            live=live,
            minter=live,
            sender=live,
            ledger=GitLedger(command) if self.git else NamedLedger(command),
            reporter=SearchedReports("audit"),
            say=self.said.append,
            checkout=lambda desired, applied: Checkout(self.commit, self.commit),
        )

    def apply(
        self, declared: Desired, live: Any = None, *, commit: bool = True, rotate: str | None = None
    ) -> Reported | None:
        """None: a guard refused it."""
        engine = self.engine(live, declared)
        asked = {rotate: RotationRequest(rotate, None, "a person asked")} if rotate else {}
        question = Question(declared, rotations=asked, applying=not rotate)
        observed = engine.look(declared)
        question = replace(question, at=observed.now)
        inputs = engine.inputs(question, observed, pair_up(declared, observed))
        plan = make_plan(inputs)
        if plan.blocked:
            return None
        command = "rotate" if rotate else "apply"
        with inline_buckets:
            return run_plan(engine, inputs, plan, Options(command=command, commit=commit))

    def revoke(
        self, name: str, key: str | None = None, live: Any = None, *, commit: bool = True
    ) -> Reported:
        engine = self.engine(live)
        request = RevocationRequest(name, key, "compromise")
        with inline_buckets:
            observed = look_for_client(engine, name)
            return revoke_now(
                engine, request, observed, Options(command="revoke", commit=commit), {}
            )

    def repair(self, live: Any = None, *, new_log: bool = False) -> Repaired:
        return repair_log(self.engine(live), push=False, new_log=new_log)

    def verify(self, *, live: bool = True) -> tuple[list[Statement], VerifiedLog | Fault]:
        """As somebody who has the files, and asks Vault if ``live``."""
        files = gather_log_files(FolderFiles(self.root), WHERE, f"{PROJECT}/{ENVIRONMENT}")
        head = read_registry_head(self.engine()) if live else None
        walk = walk_log(files, Anchors(head=head))
        statements: list[Statement] = []
        while True:
            try:
                statements.append(next(walk))
            except StopIteration as ended:
                return statements, ended.value

    def former(self) -> list[Statement]:
        """What the former logs say, which lie beside the present one."""
        entries = sorted((self.root / WHERE.reports).glob("log-*/*.json"))
        return [decode_statement(decode_envelope(one.read_bytes()).payload) for one in entries]

    def judge(self) -> list[Statement]:
        """The log holds offline and for somebody who asks Vault, and each event of each record is
        in one entry, once; what it says."""
        _, found = self.verify(live=False)
        assert isinstance(found, VerifiedLog), found
        statements, found = self.verify()
        assert isinstance(found, VerifiedLog), found
        statements = [*self.former(), *statements]
        told = Counter((one.record, one.seq) for each in statements for one in each.events)
        assert not told or max(told.values()) == 1, told.most_common(1)
        for record in self.world.records().values():
            for event in record.events:
                assert told[record.storage_name, event.seq] == 1, (record.name, event)
        runs = Counter(each.run for each in statements if each.kind == "run")
        assert not runs or max(runs.values()) == 1, runs.most_common(1)
        return statements
