"""Entries of a log in a world without an engine, and a judge of the log that stands there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from reconciler.domain.live.log import KEY, RUN, LogHead
from reconciler.evidence.checkpoint import parse_checkpoint
from reconciler.evidence.envelope import decode_envelope, pre_authenticate
from reconciler.evidence.notes import VerifierKey, parse_note
from reconciler.evidence.signatures import NOTE_ED25519
from reconciler.evidence.statement import LoggedFile, NewKey, Statement, decode_statement
from reconciler.evidence.tree import hash_leaf, hash_tree
from reconciler.registry.protocol.log import Draft, append_entry, read_entry, settle_log
from tests.kit.worlds.memory import START, World
from tests.kit.worlds.runner import drive

CLAIM = re.compile(r"log/(\d{8})/claim")


def draft(run: str, files: Mapping[str, str] | None = None, at: datetime = START) -> Draft:
    """The entry of a run with ``files``, one by default."""
    contents = {f"audit/production/{run}.json": run} if files is None else files
    return Draft(lambda head: describe(head, run, contents, at), contents, lambda head: ())


def describe(head: LogHead, run: str, files: Mapping[str, str], at: datetime) -> Statement:
    subjects = [
        LoggedFile(name, hashlib.sha256(files[name].encode()).hexdigest()) for name in sorted(files)
    ]
    return Statement(
        subjects=tuple(subjects),
        origin=head.origin,
        number=head.size + 1,
        previous=head.last,
        key=head.key,
        kind=RUN,
        run=run,
        command="apply",
        actor=None,
        opened=at,
        closed=at if head.closed_at is None else max(at, head.closed_at),
        plan=None,
        commit=None,
        keys=() if head.size else (NewKey(head.key, head.verifiers[head.key]),),
    )


def draft_successor(version: int, public: bytes) -> Draft:
    """The entry that hands over to ``version`` of the key."""

    def hand_over(head: LogHead) -> Statement:
        files = {"audit/production/log": ""}
        statement = describe(head, "rotation", files, START + timedelta(seconds=head.size))
        successor = NewKey(version, VerifierKey(head.origin, NOTE_ED25519, public).text)
        fields: dict[str, Any] = {
            name: getattr(statement, name) for name in Statement.__dataclass_fields__
        }
        return Statement(**fields | {"kind": KEY, "keys": (successor,)})

    return Draft(hand_over, {}, lambda head: ())


def append(live: Any, run: str, **options: Any) -> LogHead:
    """Write the entry of ``run``, unless it has one."""
    return drive(live, append_entry(draft(run, **options), lambda head: run not in head.runs))


def judge_log(world: World) -> list[Statement]:
    """The log of ``world`` is whole: numbers without gap, each entry signed by the key in force and
    chained to the one before, no run twice, the checkpoint over all of them. What it says."""
    head = drive(world, settle_log())
    assert head is not None
    claimed = sorted(int(found[1]) for name in world.documents if (found := CLAIM.match(name)))
    assert claimed == list(range(1, head.size + 1)), "a number was skipped, or is not in the head"
    statements, leaves, last = [], [], None
    key = VerifierKey.parse(head.verifiers[min(head.verifiers)])
    for number in claimed:
        entry = drive(world, read_entry(head, number))
        assert entry is not None
        envelope = decode_envelope(entry.entry)
        statement = decode_statement(envelope.payload)
        assert (statement.number, statement.previous) == (number, last)
        assert key.verify(pre_authenticate(envelope.payload), envelope.signature)
        assert {one.name: one.sha256 for one in statement.subjects}.items() >= {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in entry.files.items()
        }.items()
        if statement.kind == KEY:
            key = VerifierKey.parse(statement.keys[0].verifier)
        statements.append(statement)
        leaves.append(hash_leaf(entry.entry))
        last = hashlib.sha256(entry.entry).hexdigest()
    if head.size:
        note = parse_note(head.checkpoint.encode())
        checkpoint = parse_checkpoint(note)
        assert (checkpoint.size, checkpoint.root) == (head.size, hash_tree(leaves))
        assert note.is_signed_by(key)
    runs = [one.run for one in statements if one.kind == RUN]
    assert len(runs) == len(set(runs)), "a run has two entries"
    assert all(head.runs[run] == runs_at(statements, run) for run in head.runs)
    times = [one.closed for one in statements]
    assert times == sorted(times), "time went back"
    return statements


def runs_at(statements: list[Statement], run: str) -> int:
    return next(one.number for one in statements if (one.kind, one.run) == (RUN, run))
