"""Attacks on a log that two others precede, whose keys were lost: how the files are changed, and
what finds it.

``FORMER_ATTACKS`` is the table. ``python -m tests.kit.evidence.attacks`` prints it after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reconciler.evidence.statement import LoggedFile
from reconciler.evidence.verification.anchors import Anchors, LiveHistory
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import LogFiles, VerifiedLog, verify_log
from tests.kit.evidence.attacks import FOLDER, PLACE, Attack, Case, by_itself, head_of, outside
from tests.kit.evidence.attacks import make_log as make_usual_log
from tests.kit.evidence.logs import ORIGIN, Log, sha256

REPORTS = "audit/staging"
REPORT = f"{REPORTS}/run-210001.json"
OLDEST, OLD, PRESENT = (f"shop/staging/{letter * 32}" for letter in "abc")


@dataclass
class Folder:
    """The files of one log, as they lie in its folder."""

    entries: dict[str, bytes]
    keys: bytes
    checkpoint: bytes

    @staticmethod
    def of(log: Log) -> Folder:
        return Folder(dict(zip(log.names, log.entries, strict=True)), log.keys, log.checkpoint)


def name_of(log: Log) -> str:
    return f"log-{log.origin.rpartition('/')[2][:8]}"


def vouch(*logs: Log) -> tuple[LoggedFile, ...]:
    """What the first entry of a log that follows them names."""
    return tuple(
        LoggedFile(f"{REPORTS}/{name_of(log)}/{name}", sha256(content))
        for log in logs
        for name, content in (("checkpoint", log.checkpoint), ("keys", log.keys))
    )


def follow(origin: str, seed: int, *logs: Log, **other: object) -> Log:
    """A log that begins where ``logs`` end, with a run of ``acme``."""
    log = Log(origin=origin, seed=seed, clock=logs[-1].clock, seqs=dict(logs[-1].seqs))
    told = {"bases": log.seqs, "run": f"run-{seed:02d}0001", "subjects": vouch(*logs)} | other
    log.add(kind="repair", command="audit repair", **told)
    log.run({"acme": 1}, run=f"run-{seed:02d}0002")
    return log


def make_oldest() -> Log:
    log = Log(origin=OLDEST, seed=21)
    log.run({"acme": 2}, run="run-210001")
    log.run({"acme": 1}, run="run-210002")
    return log


@dataclass
class FormerCase(Case):
    """``log`` is the present one. ``former`` are the folders beside it, by name; ``pinned`` is the
    present key, ``head`` what Vault knows of all events."""

    log: Log = field(init=False)

    def __post_init__(self) -> None:
        self.oldest = make_oldest()
        self.old = follow(OLD, 22, self.oldest)
        self.log = follow(PRESENT, 23, self.oldest, self.old)
        self.former = {name_of(one): Folder.of(one) for one in (self.oldest, self.old)}
        super().__post_init__()
        self.since = self.log.checkpoint_note
        for log in (self.oldest, self.old):
            self.files |= log.files
            told = head_of(log).records["acme"].digests
            self.tell({**told, **self.head.records["acme"].digests})

    def tell(self, digests: dict[int, str]) -> None:
        """Vault has these events of ``acme``."""
        records = {"acme": LiveHistory(max(digests), digests)}
        self.head = replace(self.head, records=records)

    def former_files(self) -> dict[str, bytes]:
        """Everything in the folders of the former logs, by path."""
        found: dict[str, bytes] = {}
        for name, folder in self.former.items():
            named = {"keys": folder.keys, "checkpoint": folder.checkpoint, **folder.entries}
            found |= {f"{REPORTS}/{name}/{one}": content for one, content in named.items()}
        return found

    def verify(self, anchors: Anchors | None = None) -> VerifiedLog | Fault:
        files = self.files | self.former_files()
        present = self._gather(
            "log", Folder(self.entries, self.keys or b"", self.checkpoint or b"")
        )
        logs = [self._gather(name, one) for name, one in sorted(self.former.items())]
        former = [replace(one, read=files.get, written=FOLDER) for one in logs]
        beside = list(self.files)
        return verify_log(replace(present, read=files.get, present=beside, former=former), anchors)

    def _gather(self, name: str, folder: Folder) -> LogFiles:
        return LogFiles(
            entries=sorted(folder.entries.items()),
            read=self.files.get,
            keys=folder.keys,
            checkpoint=folder.checkpoint,
            folder=f"{REPORTS}/{name}",
            place=PLACE,
        )

    def take(self, log: Log, name: str | None = None) -> None:
        """Put another log into a folder of a former one."""
        self.former[name or name_of(log)] = Folder.of(log)
        self.files = {**log.files, **self.files}


Change = Callable[[FormerCase], None]


def _on_former(attack: Attack) -> Attack:
    return replace(attack, case=FormerCase)


def _alone(name: str, change: Change, code: str, sentence: str) -> Attack:
    return _on_former(by_itself(name, change, code, sentence))  # type: ignore[arg-type]


def _outside(name: str, change: Change, **found: tuple[str, str] | None) -> Attack:
    return _on_former(outside(name, change, **found))  # type: ignore[arg-type]


# --- what each of them does ---------------------------------------------------


def _edit(case: FormerCase) -> None:
    entries = case.former["log-bbbbbbbb"].entries
    other = entries["00000002.json"]
    entries["00000002.json"] = other.replace(other[60:64], other[61:64] + other[60:61], 1)


def _cut(case: FormerCase, *, checkpoint: bool) -> None:
    case.former["log-aaaaaaaa"].entries.popitem()
    if checkpoint:
        before = Log(OLDEST, 21, entries=case.oldest.entries[:1], signing=case.oldest.signing)
        case.former["log-aaaaaaaa"].checkpoint = before.checkpoint


def _remove(*names: str) -> Change:
    def change(case: FormerCase) -> None:
        for name in names:
            del case.former[name]

    return change


def _rename(case: FormerCase) -> None:
    case.former["log-01234567"] = case.former.pop("log-aaaaaaaa")


def _copy(case: FormerCase) -> None:
    case.former["log-01234567"] = case.former["log-aaaaaaaa"]


def _swap(case: FormerCase) -> None:
    former = case.former
    former["log-aaaaaaaa"], former["log-bbbbbbbb"] = former["log-bbbbbbbb"], former["log-aaaaaaaa"]


def _replace(case: FormerCase) -> None:
    """By a longer one of the same origin, which fits itself."""
    forged = Log(origin=OLDEST, seed=66)
    for number in range(3):
        forged.run({"acme": 1}, run=f"run-66000{number}")
    case.take(forged)


def _take_other_environment(case: FormerCase) -> None:
    case.take(make_usual_log(5, f"shop/production/{'a' * 32}"))


def _nest(case: FormerCase) -> None:
    """A folder in the folder of a former log, which a listing names."""
    case.former["log-bbbbbbbb"].entries["log-aaaaaaaa"] = b""


def _add_chain(case: FormerCase) -> None:
    """Two logs of a stranger, one of which vouches for the other."""
    first = Log(origin=ORIGIN, seed=66)
    first.run({"other": 1}, run="run-660001")
    second = follow(f"shop/staging/{'f' * 32}", 67, first)
    case.take(first)
    case.take(second)


def _report(content: bytes | None) -> Change:
    def change(case: FormerCase) -> None:
        name = REPORT
        case.files = {one: old for one, old in case.files.items() if one != name}
        if content is not None:
            case.files[name] = content

    return change


def _archive_log(case: FormerCase) -> None:
    """The holder of the token says that the files that name a former log are archived."""
    case.log.add(kind="archived", command="audit archive", subjects=vouch(case.oldest))
    case.put()
    case.files |= case.oldest.files | case.old.files
    del case.former["log-aaaaaaaa"]


def _erase_in_former(case: FormerCase) -> None:
    """Signed while the former log was the present one."""
    stranger = LoggedFile(f"{REPORTS}/run-000077.md", "0" * 64)
    case.old.add(kind="erased", command="audit erase", subjects=(stranger,))
    case.log = follow(PRESENT, 23, case.oldest, case.old)
    case.former["log-bbbbbbbb"] = Folder.of(case.old)
    case.put()
    case.files |= case.oldest.files | case.old.files


def erase_report(digest: str) -> Change:
    def change(case: FormerCase) -> None:
        name = REPORT
        case.log.add(kind="erased", command="audit erase", subjects=(LoggedFile(name, digest),))
        case.put()
        case.files |= case.oldest.files | case.old.files
        del case.files[name]

    return change


def _follow_anew(case: FormerCase) -> None:
    """A log by a stranger's key that vouches for the former ones, in place of the present one."""
    case.log = follow(f"shop/staging/{'d' * 32}", 66, case.oldest, case.old)
    case.put()
    case.files |= case.oldest.files | case.old.files


def _go_back(case: FormerCase) -> None:
    """As if no other log had been begun: everything of the last one is taken away."""
    case.log = case.old
    case.put()
    case.files |= case.oldest.files
    del case.former["log-bbbbbbbb"]


def _skip_events(case: FormerCase) -> None:
    """The holder of the token has the present log begin two events after the former one's end."""
    case.log = Log(origin=PRESENT, seed=23, clock=case.old.clock, seqs={"acme": 6})
    told = {"bases": {"acme": 6}, "run": "run-230001", "subjects": vouch(case.oldest, case.old)}
    case.log.add(kind="repair", command="audit repair", **told)
    case.put()
    case.files |= case.oldest.files | case.old.files
    case.head = head_of(case.log)
    case.tell({5: "5" * 64, 6: "6" * 64})


def _change_live(case: FormerCase) -> None:
    case.tell({**case.head.records["acme"].digests, 2: "0" * 64})


def _pin_old(case: FormerCase) -> None:
    """No attack: somebody knows the log before."""
    case.pinned, case.since = case.old.first_key, case.old.checkpoint_note


BEFORE = (
    "is of a log before this one, audit/staging/log-bbbbbbbb: verify that with --log log-bbbbbbbb"
)
OTHER = f"is of another log: {PRESENT}"
CHECKPOINT = "audit/staging/log-aaaaaaaa/checkpoint"

FORMER_ATTACKS: tuple[Attack, ...] = (
    _alone(
        "a former log: an entry edited",
        _edit,
        "RC650",
        "entry 2 was changed after it was signed",
    ),
    _alone(
        "a former log: cut at the end",
        lambda case: _cut(case, checkpoint=False),
        "RC662",
        "the log was cut after 1: its checkpoint counts 2",
    ),
    _alone(
        "a former log: cut at the end, with the checkpoint of then",
        lambda case: _cut(case, checkpoint=True),
        "RC657",
        f"{CHECKPOINT} was changed after entry 1 vouched for it",
    ),
    _alone(
        "a former log: removed",
        _remove("log-bbbbbbbb"),
        "RC658",
        "audit/staging/log-bbbbbbbb/checkpoint is missing: entry 1 vouches for it",
    ),
    _alone(
        "a former log: the oldest removed",
        _remove("log-aaaaaaaa"),
        "RC658",
        f"{CHECKPOINT} is missing: entry 1 vouches for it",
    ),
    _alone(
        "a former log: all removed",
        _remove("log-aaaaaaaa", "log-bbbbbbbb"),
        "RC658",
        f"{CHECKPOINT} is missing: entry 1 vouches for it",
    ),
    _alone(
        "a former log: renamed",
        _rename,
        "RC659",
        "audit/staging/log-01234567 is no former log of this one: no entry vouches for it",
    ),
    _alone(
        "a former log: copied",
        _copy,
        "RC659",
        "audit/staging/log-01234567 is no former log of this one: no entry vouches for it",
    ),
    _alone(
        "a former log: two swapped",
        _swap,
        "RC657",
        f"{CHECKPOINT} was changed after entry 1 vouched for it",
    ),
    _alone(
        "a former log: replaced by a longer one that fits itself",
        _replace,
        "RC657",
        f"{CHECKPOINT} was changed after entry 1 vouched for it",
    ),
    _alone(
        "a former log: another environment's in its place",
        _take_other_environment,
        "RC657",
        f"{CHECKPOINT} was changed after entry 1 vouched for it",
    ),
    _alone(
        "a former log: another one nested in it",
        _nest,
        "RC653",
        "entry 3 is missing: the log has a gap, log-aaaaaaaa comes next",
    ),
    _alone(
        "former logs of a stranger that vouch for each other",
        _add_chain,
        "RC659",
        "audit/staging/log-ffffffff is no former log of this one: no entry vouches for it",
    ),
    _alone(
        "a report of a former log changed",
        _report(b"other"),
        "RC657",
        f"{REPORT} was changed after entry 1 vouched for it",
    ),
    _alone(
        "a report of a former log removed",
        _report(None),
        "RC658",
        f"{REPORT} is missing: entry 1 vouches for it",
    ),
    # By a holder of an applier's token, who signs with the key in force
    _alone(
        "a former log archived as if it were a report",
        _archive_log,
        "RC673",
        f"entry 3 says that {CHECKPOINT} is archived, which is no report",
    ),
    _alone(
        "a former log: a report erased that no log knows",
        _erase_in_former,
        "RC673",
        "entry 3 says that audit/staging/run-000077.md is erased, and no entry before it vouches"
        " for that file with that digest",
    ),
    _alone(
        "a report of a former log erased that is another one",
        erase_report("0" * 64),
        "RC673",
        f"entry 3 says that {REPORT} is erased, and no entry before it vouches for that file with"
        " that digest",
    ),
    # What cannot be found: who signs the first entry says where it goes on
    _outside("events left out between two logs", _skip_events, key=None, head=None),
    # What lies elsewhere tells
    _outside(
        "another log put in place of the present one, after the same former ones",
        _follow_anew,
        key=("RC666", f"the pinned key {OTHER}"),
        since=("RC652", f"the checkpoint seen before {OTHER}"),
        head=("RC652", f"Vault knows another log: {PRESENT}"),
    ),
    _outside(
        "the present log taken away, and the former one put in its place",
        _go_back,
        key=("RC666", f"the pinned key {OTHER}"),
        since=("RC652", f"the checkpoint seen before {OTHER}"),
        head=("RC652", f"Vault knows another log: {PRESENT}"),
    ),
    _outside(
        "nothing, and a key and a checkpoint of a former log are known",
        _pin_old,
        key=("RC649", f"the pinned key {BEFORE}"),
        since=("RC649", f"the checkpoint seen before {BEFORE}"),
    ),
    _outside(
        "an event of a former log changed in the registry",
        _change_live,
        key=None,
        head=("RC669", "event 2 of acme is another one in Vault than in entry 1"),
    ),
)
