"""A law of the evidence log: whatever an environment goes through, one more run leaves a log that
holds, for somebody who has the files alone and for somebody who asks Vault."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hypothesis import strategies as st

from reconciler.domain.declared.desired import Desired
from reconciler.domain.kinds.credentials import KEY
from reconciler.engine.evidence.archives import read_origin
from reconciler.engine.runs.reporting import Reported
from reconciler.errors import AuditError, ReconcilerError, UsageError
from reconciler.registry.protocol.log import read_head
from tests.kit.suite.laws import hold
from tests.kit.suite.tally import Tally
from tests.kit.worlds.evident import WHERE, Evident
from tests.kit.worlds.faults import (
    Crash,
    Fault,
    Faulty,
    crash_after,
    crash_before,
    request_lost,
    response_lost,
)
from tests.kit.worlds.life import current
from tests.kit.worlds.removing import (
    Keeper,
    archive,
    digest_reports,
    erase,
    find_bytes,
    reports_of,
)
from tests.kit.worlds.runner import drive
from tests.kit.worlds.strategies import declarations, reissued

LIVES = 50  # a thousand with --exhaustive
# Requests of a look are as many as there are buckets, and a run looks three times.
FAULTS: st.SearchStrategy[tuple[int, Fault]] = st.tuples(
    st.integers(0, 130), st.sampled_from([crash_before, crash_after, response_lost, request_lost])
)
AFTER_A_CRASH = timedelta(minutes=10)  # leases have ended, and nobody is at work any more


@dataclass(frozen=True)
class Moment:
    """``hours`` go by, ``before`` happens, then a run does what is ``asked`` of the environment or
    of the client, or the run, number ``whom``."""

    declared: Desired
    hours: int
    before: str
    asked: str
    whom: int
    commit: bool
    fault: tuple[int, Fault] | None


MOMENTS = st.builds(
    Moment,
    declarations(),
    st.sampled_from([0, 0, 1, 30, 200]),
    st.sampled_from(
        [
            *["", "", ""],
            "the key is rotated",
            "the key is lost",
            "files are removed",
            "an entry is removed",
        ]
    ),
    st.sampled_from(
        ["apply", "apply", "apply", "rotate", "revoke", "revoke one", "erase", "archive", "repair"]
    ),
    st.integers(0, 3),
    st.sampled_from([True, True, True, False]),
    st.none() | FAULTS,
)


@dataclass
class LoggedLife:
    place: Evident
    reported: list[Reported] = field(default_factory=list)
    erased: dict[str, set[str]] = field(default_factory=dict)  # run -> its report's digests
    taken: dict[Path, bytes] = field(default_factory=dict)  # what was removed by hand, and is gone
    keeper: Keeper = field(init=False)

    def __post_init__(self) -> None:
        self.keeper = Keeper(self.place.root)

    def live(self, moment: Moment) -> None:
        world = self.place.world
        world.at += timedelta(hours=moment.hours)
        self._suffer(moment.before)
        live = Faulty(world, *moment.fault) if moment.fault else None
        with suppress(Crash, ReconcilerError):
            self._run(moment, live)
        if live is not None and live.hit is not None:
            world.at += AFTER_A_CRASH

    def end(self, declared: Desired) -> None:
        """One more run that gets as far as its report; where the key was lost, after the repair
        that such a run asks for."""
        self.place.world.at += AFTER_A_CRASH
        self._repair(None)
        self.place.world.at += AFTER_A_CRASH
        declared = reissued(declared, self.place.world.records())
        reported = self.place.apply(declared) or self._revoke_something()
        assert reported is not None, "a guard refused to end what nobody can use"
        if self.place.verify(live=False)[0] or reported[0].outcomes:
            assert reported[1] is None, reported[1]
            self.place.judge()
        for run, gone in self.erased.items():
            assert not reports_of(self.place, run)
            assert not gone & find_bytes(self.place.world)

    def _repair(self, live: Faulty | None) -> None:
        """As its errors say: where a new log is needed, and only there, one is begun."""
        repaired = None
        try:
            repaired = self.place.repair(live)
        except AuditError as error:
            if error.code == "RC680":
                repaired = self.place.repair(live, new_log=True)
            elif error.code == "RC686" and self.taken:
                self._restore()
                self._repair(live)
            elif error.code != "RC681":
                raise
        self.taken.clear()
        assert live or repaired is None or repaired.problem is None, repaired

    def _restore(self) -> None:
        """From git, what was removed since."""
        for path, content in self.taken.items():
            if not path.exists():
                path.write_bytes(content)
        self.taken.clear()

    def _remove(self, moment: Moment, live: Faulty | None) -> None:
        if moment.asked == "archive":
            archive(self.place, self.keeper, live=live)
            return
        entries = self.place.verify(live=False)[0]
        runs = [one.run for one in entries if one.kind == "run"] or ["none"]
        run = runs[moment.whom % len(runs)]
        gone = digest_reports(reports_of(self.place, run))
        if erase(self.place, run, live=live).problem is None:
            self.erased.setdefault(run, set()).update(gone)

    def _revoke_something(self) -> Reported | None:
        """No guard refuses a revocation. One that finds nothing to revoke writes nothing, and
        leaves the log to the next run; None: nothing is usable any more."""
        for record in current(self.place.world.records()):
            reported = self.place.revoke(record.name)
            if reported[0].outcomes:
                return reported
        return None

    def _run(self, moment: Moment, live: Faulty | None) -> None:
        if moment.asked == "repair":
            self._repair(live)
            return
        if moment.asked in ("erase", "archive"):
            self._remove(moment, live)
            return
        records = current(self.place.world.records())
        if moment.asked.startswith("revoke") and records:
            record = records[moment.whom % len(records)]
            keys = record.names(KEY)
            one = keys[0] if keys and moment.asked == "revoke one" else None
            with suppress(UsageError):
                self.place.revoke(record.name, one, live, commit=moment.commit)
            return
        names = sorted(moment.declared.clients)
        name = names[moment.whom % len(names)] if moment.asked == "rotate" else None
        declared = reissued(moment.declared, self.place.world.records())
        self.place.apply(declared, live, commit=moment.commit, rotate=name)

    def _suffer(self, what: str) -> None:
        folder = self.place.root / WHERE.folder
        entries = sorted(folder.glob("0*.json"))
        if what == "the key is rotated":
            self.place.world.rotate_log_key()
        elif what == "the key is lost":
            self.place.world.lose_log_key()
        elif what == "files are removed" and entries:
            self._take(folder / "keys")
            self._take(folder / "checkpoint")
        elif what == "an entry is removed" and entries:
            head = drive(self.place.world, read_head())
            assert head is not None
            own = read_origin(entries[-1].read_bytes()) == head.origin
            if own and int(entries[-1].stem) >= head.kept:  # else nobody has its bytes
                self._take(entries[-1])

    def _take(self, path: Path) -> None:
        if path.exists():
            self.taken[path] = path.read_bytes()
            path.unlink()


def test_after_any_life_and_one_more_run_the_log_holds(exhaustive: bool, tally: Tally) -> None:
    def law(moments: list[Moment], last: Desired) -> None:
        with tempfile.TemporaryDirectory() as folder:
            life = LoggedLife(Evident(Path(folder)))
            for moment in moments:
                life.live(moment)
            life.end(last)

    lives = st.lists(MOMENTS, min_size=1, max_size=6)
    tally(
        "lives of an evidence log",
        hold(law, lives, declarations(), examples=LIVES, exhaustive=exhaustive),
    )
