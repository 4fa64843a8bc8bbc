"""What somebody outside knows of a log, and whether the log is that one.

Whoever may push can replace a log, its keys and its checkpoint together by others that fit each
other. Only what lies elsewhere tells: a pinned key, a checkpoint that was seen before, the
cosignatures of witnesses, the head that Vault keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field

from reconciler.dataclass import dataclass
from reconciler.errors import EvidenceError
from reconciler.evidence.checkpoint import Checkpoint, parse_checkpoint
from reconciler.evidence.notes import SignedNote, VerifierKey
from reconciler.evidence.policy import WitnessPolicy
from reconciler.evidence.statement import Statement
from reconciler.evidence.verification.faults import Broken
from reconciler.evidence.verification.histories import Histories
from reconciler.evidence.verification.succession import Succession


@dataclass(frozen=True, slots=True)
class LiveHistory:
    """A record as the registry has it: the number of its ``last`` event, and the ``digests`` (64
    hex digits) of those events that it still holds, by number; ``open`` are the numbers of events
    that runs made which are still open there."""

    last: int
    digests: Mapping[int, str] = field(default_factory=dict)
    open: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class RegistryHead:
    """What Vault knows of a log: its ``origin``, how many entries it has, the root over them (32
    bytes), the digest of the last one's file (64 hex digits, None when there is none); and every
    record, by the name with which the log calls it. ``open`` are the runs that are at work, or
    whose entry a later run writes."""

    origin: str
    size: int
    root: bytes
    last: str | None
    records: Mapping[str, LiveHistory] = field(default_factory=dict)
    open: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Anchors:
    """``pinned`` keys must be of the log's succession; any of them will do, because each key
    introduced its successor, and each entry holds the digest of the one before it. ``since`` are
    checkpoints that were kept: the log must begin with what they count. ``policy`` says who must
    have cosigned its checkpoint, or one of ``since``; notes of one text are one checkpoint, so that
    each witness may keep its own. ``head`` is Vault's."""

    pinned: Sequence[VerifierKey] = ()
    since: Sequence[SignedNote] = ()
    policy: WitnessPolicy | None = None
    head: RegistryHead | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A log that was read to its end, as the anchors need it. ``roots`` and ``digests`` (of the
    last entry's file) by size, for the sizes that were asked for. ``former``: the folders of the
    logs that it follows, by origin."""

    succession: Succession
    histories: Histories
    size: int
    roots: Mapping[int, bytes]
    digests: Mapping[int, str | None]
    checkpoint: SignedNote
    former: Mapping[str, str] = field(default_factory=dict)

    def explain_other(self, origin: str, what: str) -> Broken:
        """``what`` is of the log ``origin``, and this one is another."""
        folder = self.former.get(origin)
        if folder is None:
            return Broken("RC652", f"{what} is of another log: {origin}")
        return Broken(
            "RC649",
            f"{what} is of a log before this one, {folder}: verify that with --log"
            f" {folder.rpartition('/')[2]}",
        )


def parse_since(note: SignedNote) -> Checkpoint:
    """Raises ``Broken`` when it is no checkpoint."""
    try:
        return parse_checkpoint(note)
    except EvidenceError as error:
        raise Broken(
            error.code, f"the checkpoint seen before cannot be read: {error.message}"
        ) from None


def check_anchors(anchors: Anchors, whole: Whole) -> tuple[str, ...]:
    """What held, in words for people. Raises ``Broken`` for the first anchor that does not."""
    return (
        *[_check_pinned(key, whole) for key in anchors.pinned],
        *[_check_since(note, whole) for note in anchors.since],
        *([_check_policy(anchors.policy, anchors.since, whole)] if anchors.policy else []),
        *([_check_head(anchors.head, whole)] if anchors.head else []),
    )


class LiveEvents:
    """Whether each event that the registry still holds is the same in the log. Where a record
    counts anew after a repair, the later entry is right. Without a head nothing is compared."""

    def __init__(self, head: RegistryHead | None) -> None:
        self._head = head
        self._wrong: dict[tuple[str, int], Broken] = {}
        self._told: set[tuple[str, int]] = set()
        self._anew: dict[str, int] = {}  # record -> the last event that a repair left as it was

    def add(self, statement: Statement) -> None:
        if self._head is None:
            return
        if statement.kind == "repair":
            for record, last in statement.bases.items():
                self._anew[record] = min(last, self._anew.get(record, last))
                late = [seq for name, seq in self._wrong if name == record and seq > last]
                for seq in late:
                    del self._wrong[record, seq]
        for event in statement.events:
            place = event.record, event.seq
            self._told.add(place)
            live = self._head.records.get(event.record)
            held = event.digest if live is None else live.digests.get(event.seq, event.digest)
            if held == event.digest:
                self._wrong.pop(place, None)
            else:
                self._wrong[place] = Broken(
                    "RC669",
                    f"event {event.seq} of {event.record} is another one in Vault than in entry"
                    f" {statement.number}",
                    statement.number,
                )

    def follow(self, former: LiveEvents) -> None:
        """This log comes after that one, whose events it may tell otherwise."""
        for place, broken in former._wrong.items():
            record, seq = place
            if place not in self._told and seq <= self._anew.get(record, seq):
                self._wrong[place] = broken

    def finish(self) -> None:
        """Raises ``Broken`` for the first one that differs."""
        for broken in self._wrong.values():
            raise broken


def _check_pinned(key: VerifierKey, whole: Whole) -> str:
    succession = whole.succession
    if key.name in whole.former:
        raise whole.explain_other(key.name, "the pinned key")
    if key.name != succession.origin:
        raise Broken("RC666", f"the pinned key is of another log: {key.name}")
    if key not in succession.verifiers:
        raise Broken(
            "RC666",
            f"the log never had the pinned key {key.hash}: it was replaced as a whole",
        )
    return f"pinned key {key.hash}"


def _check_since(note: SignedNote, whole: Whole) -> str:
    seen = parse_since(note)
    _check_prefix(seen, whole, "the checkpoint seen before")
    if not any(note.is_signed_by(key) for key in whole.succession.verifiers):
        raise Broken("RC661", "the checkpoint seen before is signed by no key of this log")
    return f"checkpoint of {seen.size} entries"


def _check_prefix(known: Checkpoint, whole: Whole, who: str) -> None:
    """The log begins with what ``known`` counts."""
    if known.origin != whole.succession.origin:
        raise whole.explain_other(known.origin, who)
    if known.size > whole.size:
        raise Broken("RC664", f"the log was cut after {whole.size}: {who} counts {known.size}")
    if whole.roots[known.size] != known.root:
        raise Broken(
            "RC665", f"the log was rewritten: {who} knows another beginning of {known.size} entries"
        )


def _check_policy(policy: WitnessPolicy, since: Sequence[SignedNote], whole: Whole) -> str:
    known = whole.succession.verifiers
    if policy.logs and not any(key in known for key in policy.logs):
        raise Broken("RC666", "the policy is for other logs: it names no key of this one")
    copies: dict[str, list[SignedNote]] = {whole.checkpoint.text: []}
    for note in (whole.checkpoint, *since):
        copies.setdefault(note.text, []).append(note)
    for notes in copies.values():
        if policy.is_met(*notes):
            return f"policy: cosigned by {', '.join(policy.list_cosigners(*notes)) or 'nobody'}"
    cosigners = policy.list_cosigners(*copies[whole.checkpoint.text])
    raise Broken(
        "RC667",
        f"the quorum {policy.quorum} did not cosign: {', '.join(cosigners) or 'nobody'} did",
    )


def _check_head(head: RegistryHead, whole: Whole) -> str:
    if head.origin != whole.succession.origin:
        raise Broken("RC652", f"Vault knows another log: {head.origin}")
    if head.size > whole.size:
        raise Broken("RC664", f"the log was cut after {whole.size}: Vault knows {head.size}")
    same = (whole.roots[head.size], whole.digests[head.size]) == (head.root, head.last)
    if not same:
        raise Broken("RC665", f"the log was rewritten: Vault knows other entries up to {head.size}")
    if head.size < whole.size:
        raise Broken(
            "RC672",
            f"the log has {whole.size} entries and Vault knows {head.size}: the registry was"
            " restored from an older state",
        )
    _check_records(head, whole.histories)
    return "head in Vault"


def _check_records(head: RegistryHead, histories: Histories) -> None:
    for record, live in sorted(head.records.items()):
        logged = histories.last.get(record, 0)
        if live.last < logged:
            raise Broken(
                "RC669",
                f"the log knows event {logged} of {record}, Vault only {live.last}",
            )
        numbers = range(logged + 1, live.last + 1)
        late = (seq for seq in numbers if seq not in live.open)
        lost = None if histories.pending else next(late, None)
        if lost is not None:
            raise Broken("RC669", f"event {lost} of {record} is in Vault and in no entry")
    forgotten = {record for record, last in histories.last.items() if last}  # 0: after a repair
    for record in sorted(forgotten - head.records.keys()):
        raise Broken("RC669", f"{record} is in the log and not in Vault")
