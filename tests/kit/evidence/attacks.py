"""Every attack on a log that we know of: how the files are changed, and what finds it.

``ATTACKS`` is the table. ``python -m tests.kit.evidence.attacks`` prints it with what was found.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from reconciler.evidence.checkpoint import Checkpoint, parse_checkpoint
from reconciler.evidence.envelope import decode_envelope
from reconciler.evidence.notes import SignedNote
from reconciler.evidence.policy import parse_policy
from reconciler.evidence.statement import LoggedEvent, LoggedFile
from reconciler.evidence.verification.anchors import Anchors, LiveHistory, RegistryHead
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import LogFiles, VerifiedLog, verify_log
from tests.kit.evidence.logs import ORIGIN, Log, SigningKey, sha256, sign_entry, witness

FOLDER = "audit/staging/log"
PLACE = "shop/staging"
WITNESSES = tuple(witness(f"witness{number}.example", 70 + number) for number in (1, 2, 3))
QUORUM = "\n".join(
    [
        *[f"witness w{number} {key.verifier.text}" for number, key in enumerate(WITNESSES, 1)],
        "group most 2 w1 w2 w3",
        "quorum most",
    ]
).encode()


def make_log(seed: int = 1, origin: str = ORIGIN) -> Log:
    """Eight entries, over a rotation of the key: 3 introduces the second, and 6 is a heartbeat."""
    log = Log(origin=origin, seed=seed)
    log.run({"acme": 2, "paystack": 1})
    log.run({"acme": 1})
    log.rotate()
    log.run({"acme": 1, "paystack": 2})
    log.run({"quickbooks": 1})
    log.heartbeat()
    log.run({"acme": 1}, open=("run-000008",))
    log.run({"acme": 1, "quickbooks": 1})
    return log


@dataclass
class Case:
    """A log as somebody finds it, and as it was. ``log`` has all keys, so a thief of them uses it.

    ``entries`` by name, ``keys``, ``checkpoint`` and ``files`` (the reports) are what lies in git.
    What lies elsewhere is of the log as it was: ``pinned`` its first key, ``since`` its checkpoint
    of ``seen`` entries, ``head`` what Vault knows.
    """

    log: Log = field(default_factory=make_log)

    def __post_init__(self) -> None:
        self.pinned = self.log.first_key
        self.since = checkpoint_of(self.log, 5)
        self.head = head_of(self.log)
        self.put()

    def put(self) -> None:
        """Everything of ``log`` into git."""
        self.entries = dict(zip(self.log.names, self.log.entries, strict=True))
        self.keys: bytes | None = self.log.keys
        self.checkpoint: bytes | None = self.log.checkpoint
        self.files = dict(self.log.files)

    def verify(self, anchors: Anchors | None = None) -> VerifiedLog | Fault:
        files = LogFiles(
            entries=sorted(self.entries.items()),
            read=self.files.get,
            keys=self.keys,
            checkpoint=self.checkpoint,
            present=self.files.keys(),
            folder=FOLDER,
            place=PLACE,
        )
        return verify_log(files, anchors)

    def anchors(self, kinds: str) -> Anchors:
        """Of ``key``, ``since``, ``policy`` and ``head`` those that are named."""
        return Anchors(
            pinned=[self.pinned] if "key" in kinds else [],
            since=[self.since] if "since" in kinds else [],
            policy=parse_policy(QUORUM) if "policy" in kinds else None,
            head=self.head if "head" in kinds else None,
        )

    def edit(self, number: int, change: Callable[[dict[str, Any]], None]) -> None:
        """What entry ``number`` says is changed, without its key."""
        name = self.log.names[number - 1]
        envelope = decode_envelope(self.entries[name])
        statement = json.loads(envelope.payload)
        change(statement["predicate"])
        text = json.dumps(statement, sort_keys=True, separators=(",", ":"))
        self.entries[name] = replace(envelope, payload=text.encode()).encode()

    def keep(self, numbers: list[int]) -> None:
        """Only these entries stay, under new names in this order."""
        kept = [self.entries[self.log.names[number - 1]] for number in numbers]
        self.entries = dict(zip(self.log.names, kept, strict=False))

    def cut(self, size: int) -> None:
        """Everything behind ``size`` is taken away: entries, reports, and the checkpoint of then is
        put back."""
        gone = {one.name for statement in self.log.statements[size:] for one in statement.subjects}
        self.entries = dict(list(self.entries.items())[:size])
        self.files = {name: content for name, content in self.files.items() if name not in gone}
        self.checkpoint = checkpoint_of(self.log, size).encode()


def checkpoint_of(log: Log, size: int) -> SignedNote:
    """The checkpoint as it was when the log had ``size`` entries."""
    before = Log(log.origin, log.seed, entries=log.entries[:size], signing=log.signing)
    for statement in log.statements[:size]:
        before.version = max([before.version, *[key.version for key in statement.keys]])
    return before.checkpoint_note


def head_of(log: Log) -> RegistryHead:
    """What Vault knows of the log."""
    digests: dict[str, dict[int, str]] = {}
    for statement in log.statements:
        for event in statement.events:
            digests.setdefault(event.record, {})[event.seq] = event.digest
    return RegistryHead(
        log.origin,
        len(log.entries),
        log.tree.root,
        sha256(log.entries[-1]),
        {name: LiveHistory(max(told), told) for name, told in digests.items()},
    )


@dataclass(frozen=True)
class Attack:
    """``found``: a set of anchors (words of ``Case.anchors``) -> the code and the sentence of what is
    found with it; None where nothing is. With no anchor the log alone must give it away. ``case``
    makes what is attacked."""

    name: str
    change: Callable[[Case], None]
    found: Mapping[str, tuple[str, str] | None]
    case: Callable[[], Case] = Case


def by_itself(name: str, change: Callable[[Case], None], code: str, sentence: str) -> Attack:
    """An attack that the files give away, whatever is known elsewhere."""
    return Attack(name, change, {"": (code, sentence), "key since": (code, sentence)})


def outside(name: str, change: Callable[[Case], None], **found: tuple[str, str] | None) -> Attack:
    """An attack that the files do not give away: they verify, but for an anchor."""
    return Attack(name, change, {"": None, **found})


# --- what each of them does ---------------------------------------------------


def _edit_event(case: Case) -> None:
    case.edit(4, lambda told: told["events"][0].update(kind="revoke-key"))


def _remove_event(case: Case) -> None:
    case.edit(4, lambda told: told["events"].pop())


def _add_event(case: Case) -> None:
    case.edit(4, lambda told: told["events"].append(told["events"][0] | {"seq": 9}))


def _replace_entry(case: Case) -> None:
    """The holder of the key signs another entry 4, and leaves those behind it."""
    statement = replace(case.log.statements[3], command="rotate")
    case.entries["00000004.json"] = case.log.sign(statement)


def _rewrite(number: int, **fields: object) -> Callable[[Case], None]:
    def change(case: Case) -> None:
        case.log.rewrite(number, **fields)
        case.put()

    return change


def _change_events(
    number: int, change: Callable[[tuple[LoggedEvent, ...]], tuple[LoggedEvent, ...]]
) -> Callable[[Case], None]:
    def rewrite(case: Case) -> None:
        case.log.rewrite(number, events=change(case.log.statements[number - 1].events))
        case.put()

    return rewrite


def _forget_run(case: Case) -> None:
    """The entry of the run that entry 7 names as open is left out; another one follows."""
    case.log.rebuild(case.log.statements[:7])
    for name in [name for name in case.log.files if "run-000008" in name]:
        del case.log.files[name]
    case.log.heartbeat(run="run-000009")
    case.put()


def _backdate(case: Case) -> None:
    early = case.log.statements[3].closed - timedelta(seconds=1)
    case.log.rewrite(5, opened=early, closed=early)
    case.put()


def _sign_by_superseded(case: Case) -> None:
    case.entries["00000005.json"] = case.log.sign(case.log.statements[4], case.log.signing[1])


def _introduce_stranger(case: Case) -> None:
    """Entry 3 is another one, by a key that nobody introduced."""
    case.entries["00000003.json"] = case.log.sign(case.log.statements[2], SigningKey(ORIGIN, 666))


def _name_superseded(case: Case) -> None:
    """Signed by the key in force, and says that the former one signs."""
    statement = replace(case.log.statements[4], key=1)
    case.entries["00000005.json"] = case.log.sign(statement, case.log.signing[2])


def _introduce_again(case: Case) -> None:
    """The holder of both keys brings the superseded one back into force."""
    log = case.log
    again = replace(log.statements[2].keys[0], version=3, verifier=log.first_key.text)
    log.add(kind="key", command="rotate", run="run-000009", keys=(again,))
    case.put()


def _swap(first: int, second: int) -> Callable[[Case], None]:
    def change(case: Case) -> None:
        order = list(range(1, 9))
        order[first - 1], order[second - 1] = second, first
        case.keep(order)

    return change


def _take_other_entry(case: Case) -> None:
    other = make_log(seed=1, origin=f"shop/production/{'f' * 32}")
    case.entries["00000005.json"] = other.entries[4]


def _take_other_log(case: Case) -> None:
    case.log = make_log(seed=5, origin=f"shop/production/{'f' * 32}")
    case.put()


def _take_older_log(case: Case) -> None:
    """Of the same environment, but another log: as after `bootstrap` in a new Vault."""
    case.log = make_log(seed=5, origin=f"shop/staging/{'e' * 32}")
    case.put()


def _take_other_checkpoint(case: Case) -> None:
    case.checkpoint = make_log(seed=1, origin=f"shop/production/{'f' * 32}").checkpoint


def _replace_together(case: Case) -> None:
    """Log, keys and checkpoint, by keys of one's own: they fit each other."""
    case.log = make_log(seed=9)
    case.put()


def _fork(case: Case) -> None:
    """The holder of the newest key signs another last entry: the sizes are equal."""
    case.log.rewrite(8, command="revoke")
    case.put()


def _forge_future(case: Case) -> None:
    """The holder of an applier's token signs a further entry, and moves the head in Vault."""
    case.log.run({"acme": 1})
    case.head = head_of(case.log)
    case.put()


def _cut_start(case: Case) -> None:
    del case.entries["00000001.json"], case.entries["00000002.json"]


def _cut_end(case: Case) -> None:
    del case.entries["00000007.json"], case.entries["00000008.json"]


def _remove_middle(case: Case) -> None:
    del case.entries["00000005.json"]


def _swap_key(case: Case) -> None:
    assert case.keys is not None
    first, second = case.keys.splitlines(keepends=True)
    case.keys = first + SigningKey(ORIGIN, 666).verifier.text.encode() + second[-1:]


def _swap_introduced(case: Case) -> None:
    stranger = SigningKey(ORIGIN, 666).verifier.text
    case.edit(3, lambda told: told["keys"][0].update(verifier=stranger))


def _set_checkpoint(signer: int | None = None, **fields: object) -> Callable[[Case], None]:
    """Another checkpoint, signed by the key of version ``signer``, or by the one in force."""

    def change(case: Case) -> None:
        tree = case.log.tree
        checkpoint = replace(Checkpoint(ORIGIN, tree.size, tree.root), **fields)  # type: ignore[arg-type]
        key = case.log.signing[signer or case.log.version]
        case.checkpoint = key.sign_note(SignedNote(checkpoint.text)).encode()

    return change


def _sign_checkpoint_by_stranger(case: Case) -> None:
    text = case.log.checkpoint_note.text
    case.checkpoint = SigningKey(ORIGIN, 666).sign_note(SignedNote(text)).encode()


def _set(**fields: object) -> Callable[[Case], None]:
    def change(case: Case) -> None:
        for name, value in fields.items():
            setattr(case, name, value)

    return change


REPORT = "audit/staging/run-000002.md"


def _report(content: bytes | None, name: str = REPORT) -> Callable[[Case], None]:
    def change(case: Case) -> None:
        if content is None:
            del case.files[name]
        else:
            case.files[name] = content

    return change


def _erase(kind: str, name: str, digest: str | None = None) -> Callable[[Case], None]:
    """The holder of the key says that a file is gone, and removes it: one that the log knows with
    another digest than ``digest``, or not at all."""

    def change(case: Case) -> None:
        known = sha256(case.log.files.pop(name, b""))
        gone = (LoggedFile(name, digest or known),)
        case.log.add(kind=kind, command="audit erase", run="run-000009", subjects=gone)
        case.put()

    return change


def _put_back(case: Case) -> None:
    """A report that was erased is there again, and says something else."""
    case.log.erase([REPORT])
    case.put()
    case.files[REPORT] = b"other"


def _respell_entry(case: Case) -> None:
    """An escape in the envelope, which is not signed: every JSON parser reads the same."""
    name = "00000004.json"
    case.entries[name] = case.entries[name].replace(b'"payload":"e', b'"payload":"\\u0065', 1)


def _repad_entry(case: Case) -> None:
    """Other bits at the end of base64, which most decoders ignore."""
    name = "00000004.json"
    envelope = decode_envelope(case.entries[name])
    text = base64.b64encode(envelope.signature).decode()
    assert text.endswith("==")
    other = text[:-3] + chr(ord(text[-3]) + 1) + "=="
    assert base64.b64decode(other) == envelope.signature
    case.entries[name] = case.entries[name].replace(text.encode(), other.encode())


def _respell(old: bytes, new: bytes) -> Callable[[Case], None]:
    """The last statement with ``old`` written as ``new``, and signed so by the holder of the key."""

    def change(case: Case) -> None:
        payload = case.log.statements[-1].encode()
        assert old in payload
        entry = sign_entry(payload.replace(old, new, 1), case.log.signing[2])
        case.log.entries[-1] = entry
        case.put()

    return change


def _add_signature(case: Case) -> None:
    """A second signature in an envelope: which one counts?"""
    name = "00000004.json"
    fields = json.loads(case.entries[name])
    fields["signatures"] *= 2
    case.entries[name] = json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _restore_registry(case: Case) -> None:
    """Vault knows the log as it was after five entries."""
    root = parse_checkpoint(case.since).root
    case.head = replace(case.head, size=5, root=root, last=sha256(case.log.entries[4]))


def _change_live(case: Case) -> None:
    live = case.head.records["acme"]
    records = {**case.head.records, "acme": replace(live, digests={**live.digests, 4: "0" * 64})}
    case.head = replace(case.head, records=records)


def _set_live(record: str, live: LiveHistory | None) -> Callable[[Case], None]:
    def change(case: Case) -> None:
        records = {name: one for name, one in case.head.records.items() if name != record}
        case.head = replace(case.head, records=records | ({record: live} if live else {}))

    return change


def _cosign(*numbers: int, forged: bool = False) -> Callable[[Case], None]:
    """The checkpoint with cosignatures of these witnesses, or with what says it is."""

    def change(case: Case) -> None:
        note = case.log.checkpoint_note
        for number in numbers:
            note = WITNESSES[number - 1].sign_note(note, at=1_770_000_000)
        if forged:
            stranger = witness("witness3.example", 666)
            signature = stranger.sign_note(note, at=1).signature_of(stranger.verifier)
            assert signature is not None
            note = note.sign(WITNESSES[2].verifier, signature)
        case.checkpoint = note.encode()

    return change


CUT = ("RC664", "the log was cut after 6: Vault knows 8")
FORKED = ("RC665", "the log was rewritten: Vault knows other entries up to 8")
REWRITTEN = (
    "RC665",
    "the log was rewritten: the checkpoint seen before knows another beginning of 5 entries",
)
UNREADABLE = "entry 4 cannot be read: an entry is not in the one form in which entries are written"
UNTYPED = (
    "entry 8 cannot be read: this is no statement of an entry: it has not the fields of an entry"
)
RESPELLED = (
    "entry 8 cannot be read: this is no statement of an entry: its bytes are not the canonical ones"
    " of what it says"
)

PINNED = make_log().first_key.hash
OLDER = "the log has 8 entries and Vault knows 5: the registry was restored from an older state"

ATTACKS: tuple[Attack, ...] = (
    # Without the key
    by_itself("an event edited", _edit_event, "RC650", "entry 4 was changed after it was signed"),
    by_itself(
        "an event removed", _remove_event, "RC650", "entry 4 was changed after it was signed"
    ),
    by_itself("an event added", _add_event, "RC650", "entry 4 was changed after it was signed"),
    by_itself(
        "an entry removed",
        _remove_middle,
        "RC653",
        "entry 5 is missing: the log has a gap, 00000006.json comes next",
    ),
    by_itself(
        "an entry removed, the others renamed",
        lambda case: case.keep([1, 2, 3, 4, 6, 7, 8]),
        "RC653",
        "in the place of entry 5 stands entry 6: entries were removed, added or swapped",
    ),
    by_itself(
        "an entry added twice",
        lambda case: case.keep([1, 2, 3, 4, 4, 5, 6, 7]),
        "RC653",
        "in the place of entry 5 stands entry 4: entries were removed, added or swapped",
    ),
    by_itself(
        "two entries swapped",
        _swap(4, 5),
        "RC653",
        "in the place of entry 4 stands entry 5: entries were removed, added or swapped",
    ),
    by_itself(
        "cut at the start",
        _cut_start,
        "RC653",
        "entry 1 is missing: the log was cut at the start, 00000003.json comes next",
    ),
    by_itself(
        "cut at the start, the others renamed",
        lambda case: case.keep([3, 4, 5, 6, 7, 8]),
        "RC653",
        "in the place of entry 1 stands entry 3: entries were removed, added or swapped",
    ),
    by_itself(
        "cut at the end",
        _cut_end,
        "RC662",
        "the log was cut after 6: its checkpoint counts 8",
    ),
    outside(
        "cut at the end, with the checkpoint of then",
        lambda case: case.cut(6),
        key=None,
        since=None,
        head=CUT,
    ),
    outside(
        "cut before what was seen",
        lambda case: case.cut(4),
        since=("RC664", "the log was cut after 4: the checkpoint seen before counts 5"),
        head=("RC664", "the log was cut after 4: Vault knows 8"),
    ),
    by_itself(
        "everything removed", lambda case: case.entries.clear(), "RC653", "the log has no entries"
    ),
    by_itself(
        "an entry of another environment's log",
        _take_other_entry,
        "RC652",
        f"entry 5 is of another log: shop/production/{'f' * 32}",
    ),
    by_itself(
        "another environment's log",
        _take_other_log,
        "RC652",
        f"this is the log of shop/production/{'f' * 32}, not of shop/staging",
    ),
    outside(
        "another log of the same environment",
        _take_older_log,
        key=("RC666", f"the pinned key is of another log: {ORIGIN}"),
        since=("RC652", f"the checkpoint seen before is of another log: {ORIGIN}"),
        head=("RC652", f"Vault knows another log: {ORIGIN}"),
    ),
    by_itself(
        "another environment's checkpoint",
        _take_other_checkpoint,
        "RC652",
        f"the checkpoint is of another log: shop/production/{'f' * 32}",
    ),
    outside(
        "log, keys and checkpoint replaced together",
        _replace_together,
        key=(
            "RC666",
            f"the log never had the pinned key {PINNED}: it was replaced as a whole",
        ),
        since=REWRITTEN,
        head=FORKED,
        policy=("RC667", "the quorum most did not cosign: nobody did"),
    ),
    by_itself(
        "the file of keys with another key",
        _swap_key,
        "RC660",
        "audit/staging/log/keys holds other keys than the entries introduce",
    ),
    by_itself(
        "the file of keys removed", _set(keys=None), "RC660", "audit/staging/log/keys is missing"
    ),
    by_itself(
        "another successor in the entry that introduces one",
        _swap_introduced,
        "RC650",
        "entry 3 was changed after it was signed",
    ),
    by_itself(
        "an entry signed by a stranger's key",
        _introduce_stranger,
        "RC651",
        "entry 3 is signed by a key that no entry introduced",
    ),
    by_itself(
        "a report changed",
        _report(b"other"),
        "RC657",
        f"{REPORT} was changed after entry 2 vouched for it",
    ),
    by_itself(
        "a report removed", _report(None), "RC658", f"{REPORT} is missing: entry 2 vouches for it"
    ),
    by_itself(
        "an erased report put back changed",
        _put_back,
        "RC657",
        f"{REPORT} was changed after entry 2 vouched for it",
    ),
    by_itself(
        "a report that no run made",
        _report(b"more", "audit/staging/run-000099.md"),
        "RC659",
        "no entry vouches for audit/staging/run-000099.md",
    ),
    by_itself(
        "the checkpoint removed",
        _set(checkpoint=None),
        "RC662",
        "audit/staging/log/checkpoint is missing",
    ),
    by_itself(
        "a checkpoint that is none",
        _set(checkpoint=b"8\n"),
        "RC644",
        "audit/staging/log/checkpoint cannot be read: this is no signed note: it is not a text, an"
        " empty line and signatures",
    ),
    by_itself(
        "a checkpoint signed by a stranger",
        _sign_checkpoint_by_stranger,
        "RC661",
        "the checkpoint is not signed by key 2, which is in force",
    ),
    by_itself("an entry with an escape", _respell_entry, "RC640", UNREADABLE),
    by_itself("an entry with other padding", _repad_entry, "RC640", UNREADABLE),
    by_itself("an entry with two signatures", _add_signature, "RC640", UNREADABLE),
    # By a thief of a superseded key
    by_itself(
        "an entry signed by a superseded key",
        _sign_by_superseded,
        "RC651",
        "entry 5 is signed by key 1, which entry 3 superseded",
    ),
    by_itself(
        "a checkpoint signed by a superseded key",
        _set_checkpoint(signer=1),
        "RC661",
        "the checkpoint is not signed by key 2, which is in force",
    ),
    # By a holder of an applier's token, who signs with the key in force
    by_itself(
        "one entry replaced and signed",
        _replace_entry,
        "RC654",
        "entry 5 does not follow entry 4: one was replaced",
    ),
    by_itself(
        "signed by the new key in the name of the former",
        _name_superseded,
        "RC651",
        "entry 5 names key 1; key 2 is in force",
    ),
    by_itself(
        "a superseded key brought back",
        _introduce_again,
        "RC651",
        "entry 9 introduces a former key once more",
    ),
    by_itself(
        "an event left out, and all signed anew",
        _change_events(4, lambda events: events[1:]),
        "RC656",
        "event 4 of acme is in no entry: entry 7 skips it",
    ),
    by_itself(
        "an event told twice, and all signed anew",
        _change_events(4, lambda events: (*events, events[0])),
        "RC656",
        "entry 4 names event 4 of acme again",
    ),
    by_itself(
        "the entry of a run left out",
        _forget_run,
        "RC671",
        "run run-000008 was open at entry 7 and has no entry of its own",
    ),
    by_itself(
        "a report erased that is another one",
        _erase("erased", REPORT, "0" * 64),
        "RC673",
        f"entry 9 says that {REPORT} is erased, and no entry before it vouches for that file with"
        " that digest",
    ),
    by_itself(
        "a report archived that no entry knows",
        _erase("archived", "audit/staging/run-000077.md"),
        "RC673",
        "entry 9 says that audit/staging/run-000077.md is archived, and no entry before it vouches"
        " for that file with that digest",
    ),
    by_itself(
        "the clock set back",
        _backdate,
        "RC655",
        "entry 5 was closed before entry 4: the clock was set back",
    ),
    by_itself(
        "a checkpoint of more entries",
        _set_checkpoint(size=9),
        "RC662",
        "the log was cut after 8: its checkpoint counts 9",
    ),
    by_itself(
        "a checkpoint of fewer entries",
        _set_checkpoint(size=7),
        "RC662",
        "entry 8 is past the checkpoint of 7 entries",
    ),
    by_itself(
        "a checkpoint with another root",
        _set_checkpoint(root=bytes(32)),
        "RC663",
        "the checkpoint has the root of other entries",
    ),
    by_itself(
        "a letter as an escape", _respell(b"rotate-key", b"rotate\\u002dkey"), "RC641", RESPELLED
    ),
    by_itself(
        "a number with an exponent", _respell(b'"number":8', b'"number":8e0'), "RC641", UNTYPED
    ),
    by_itself(
        "a number with a fraction", _respell(b'"number":8', b'"number":8.0'), "RC641", UNTYPED
    ),
    by_itself(
        "a field twice", _respell(b'"number":8', b'"number":7,"number":8'), "RC641", RESPELLED
    ),
    by_itself("a further field", _respell(b'"open":', b'"more":1,"open":'), "RC641", RESPELLED),
    by_itself(
        "a log of a later format",
        _respell(b"evidence:v1", b"evidence:v2"),
        "RC642",
        "entry 8 cannot be read: an entry has the format urn:reconciler:evidence:v2; this version"
        " reads urn:reconciler:evidence:v1",
    ),
    outside(
        "the past rewritten and signed anew",
        _rewrite(4, command="revoke"),
        key=None,
        since=REWRITTEN,
        head=FORKED,
    ),
    outside(
        "a fork of equal size",
        _fork,
        key=None,
        since=None,
        policy=("RC667", "the quorum most did not cosign: nobody did"),
        head=FORKED,
    ),
    # What cannot be found: who signs and moves the head writes the future
    outside("the future forged", _forge_future, key=None, since=None, head=None),
    # In the registry
    outside(
        "the registry restored from a backup",
        _restore_registry,
        head=(
            "RC672",
            OLDER,
        ),
    ),
    outside(
        "an event changed in the registry",
        _change_live,
        head=("RC669", "event 4 of acme is another one in Vault than in entry 4"),
    ),
    outside(
        "a history shortened in the registry",
        _set_live("acme", LiveHistory(5)),
        head=("RC669", "the log knows event 6 of acme, Vault only 5"),
    ),
    outside(
        "an event in the registry alone",
        _set_live("acme", LiveHistory(7)),
        head=("RC669", "event 7 of acme is in Vault and in no entry"),
    ),
    outside(
        "a record in the registry alone",
        _set_live("stranger", LiveHistory(1)),
        head=("RC669", "event 1 of stranger is in Vault and in no entry"),
    ),
    outside(
        "a record removed from the registry",
        _set_live("acme", None),
        head=("RC669", "acme is in the log and not in Vault"),
    ),
    # Witnesses
    outside("two of three witnesses", _cosign(1, 3), policy=None),
    outside(
        "one of three witnesses",
        _cosign(2),
        policy=("RC667", "the quorum most did not cosign: w2 did"),
    ),
    outside(
        "one witness, and a forged cosignature",
        _cosign(1, forged=True),
        policy=("RC667", "the quorum most did not cosign: w1 did"),
    ),
)


def look_at(attack: Attack, kinds: str) -> VerifiedLog | Fault:
    """What is found after the attack, with these anchors."""
    case = attack.case()
    attack.change(case)
    return case.verify(case.anchors(kinds))


def print_attacks() -> None:
    """One line an attack and a set of anchors."""
    # Imported here: it needs this table's words.
    from tests.kit.evidence.former_attacks import FORMER_ATTACKS  # noqa: PLC0415

    for attack in (*ATTACKS, *FORMER_ATTACKS):
        print(attack.name)
        for kinds in attack.found:
            seen = look_at(attack, kinds)
            told = f"{seen.code}: {seen.message}" if isinstance(seen, Fault) else "nothing"
            print(f"  {kinds or 'no anchor':<10} {told}")


if __name__ == "__main__":
    print_attacks()
