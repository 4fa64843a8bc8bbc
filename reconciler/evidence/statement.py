"""What an entry says: a statement (in-toto v1) in canonical JSON (RFC 8785).

Its subjects are files with their digests, its predicate is what one run did. The same statement has
the same bytes everywhere, so whoever has the bytes can check them without this program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, field
from datetime import UTC, datetime
from itertools import pairwise

from msgspec import Struct
from msgspec.json import Decoder, Encoder

from reconciler.dataclass import dataclass
from reconciler.domain.values.names import is_name
from reconciler.errors import EvidenceError

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:reconciler:evidence:v1"
_OTHER_FORMAT = re.compile(r"urn:reconciler:evidence:v[0-9]+")
# What says that the files which it names are gone, or lie elsewhere.
ERASED, ARCHIVED = "erased", "archived"
REMOVALS = (ERASED, ARCHIVED)
ENTRY_KINDS = frozenset({"run", "heartbeat", "key", "repair", *REMOVALS})
# RFC 8785 writes whole numbers as they are up to here.
MAX_NUMBER = 2**53 - 1
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_ORIGIN = re.compile(r"[^\s+/\x00-\x1f\x7f]+/[^\s+/\x00-\x1f\x7f]+/[0-9a-f]{32}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class LoggedFile:
    """A file that the entry vouches for: its path from the project's root, and the SHA-256 of its
    bytes (64 hex digits)."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event of a client. ``record`` is the name under which the client was first registered,
    which a rename does not change; ``seq`` counts the events of a record from 1 without gaps.

    ``digest`` is the SHA-256 (64 hex digits) of the whole event as the registry holds it.
    """

    client: str
    record: str
    seq: int
    at: datetime
    kind: str
    address: str
    reason: str
    version: int | None
    digest: str


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that an entry introduces: its version in transit, and its verifier key as one line."""

    version: int
    verifier: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One entry of a log. Raises ``EvidenceError`` RC641 when its fields cannot be those of one.

    ``subjects`` are sorted by name, at least one. ``origin`` names the log. ``number`` counts
    entries from 1; ``previous`` is the SHA-256 (64 hex digits) of the former entry's file, None in
    the first. ``key`` is the version of the transit key that signs. ``opened`` and ``closed`` are
    Vault's time, in whole seconds of UTC. ``actor`` is a commitment to a person, 64 hex digits.
    ``bases``: a record -> the number of its last event before the log began for it. ``open``: the
    run ids, sorted, that have no entry yet. ``keys``: the key of the first entry there, the
    successor in an entry of kind ``key``, none elsewhere.
    """

    _: KW_ONLY
    subjects: tuple[LoggedFile, ...]
    origin: str
    number: int
    previous: str | None
    key: int
    kind: str
    run: str
    command: str
    actor: str | None
    opened: datetime
    closed: datetime
    plan: str | None
    commit: str | None
    events: tuple[LoggedEvent, ...] = ()
    bases: Mapping[str, int] = field(default_factory=dict)
    open: tuple[str, ...] = ()
    keys: tuple[NewKey, ...] = ()

    def __post_init__(self) -> None:
        for holds, wrong in _RULES:
            if not holds(self):
                raise _refuse(wrong)

    def encode(self) -> bytes:
        """The bytes that are signed."""
        return _ENCODER.encode(_shape(self))


def decode_statement(payload: bytes) -> Statement:
    """The inverse of ``Statement.encode``: exactly its bytes.

    Raises ``EvidenceError`` RC641, and RC642 for a statement of another version of this format.
    """
    try:
        found = _DECODER.decode(payload)
    except (ValueError, RecursionError):
        raise _explain(payload) from None
    if found.type != STATEMENT_TYPE or found.predicateType != PREDICATE_TYPE:
        raise _explain(payload)
    if _ENCODER.encode(found) != payload:
        raise _refuse("its bytes are not the canonical ones of what it says")
    told = found.predicate
    return Statement(
        subjects=tuple([LoggedFile(one.name, one.digest.sha256) for one in found.subject]),
        origin=told.origin,
        number=told.number,
        previous=told.previous,
        key=told.key,
        kind=told.kind,
        run=told.run,
        command=told.command,
        actor=told.actor,
        opened=told.opened,
        closed=told.closed,
        plan=told.plan,
        commit=told.commit,
        events=told.events,
        bases=told.bases,
        open=told.open,
        keys=told.keys,
    )


class _DigestShape(Struct):
    sha256: str


class _SubjectShape(Struct):
    name: str
    digest: _DigestShape


class _PredicateShape(Struct):
    origin: str
    number: int
    previous: str | None
    key: int
    kind: str
    run: str
    command: str
    actor: str | None
    opened: datetime
    closed: datetime
    plan: str | None
    commit: str | None
    events: tuple[LoggedEvent, ...]
    bases: Mapping[str, int]
    open: tuple[str, ...]
    keys: tuple[NewKey, ...]


class _StatementShape(Struct, rename={"type": "_type"}):
    """What is in a statement beside these fields is found when it is written again."""

    type: str
    predicateType: str  # noqa: N815 - in-toto's name
    subject: tuple[_SubjectShape, ...]
    predicate: _PredicateShape


_DECODER = Decoder(_StatementShape)
# RFC 8785 where the names of all fields are ASCII, and all numbers whole and at most MAX_NUMBER.
_ENCODER = Encoder(order="sorted")


def _shape(one: Statement) -> _StatementShape:
    return _StatementShape(
        STATEMENT_TYPE,
        PREDICATE_TYPE,
        tuple([_SubjectShape(file.name, _DigestShape(file.sha256)) for file in one.subjects]),
        _PredicateShape(
            origin=one.origin,
            number=one.number,
            previous=one.previous,
            key=one.key,
            kind=one.kind,
            run=one.run,
            command=one.command,
            actor=one.actor,
            opened=one.opened,
            closed=one.closed,
            plan=one.plan,
            commit=one.commit,
            events=one.events,
            bases=one.bases,
            open=one.open,
            keys=one.keys,
        ),
    )


def _has_origin(one: Statement) -> bool:
    return _ORIGIN.match(one.origin) is not None


def _counts(one: Statement) -> bool:
    return 1 <= one.number <= MAX_NUMBER and 1 <= one.key <= MAX_NUMBER


def _follows(one: Statement) -> bool:
    return (one.number == 1) == (one.previous is None) and _is_digest(one.previous)


def _has_times(one: Statement) -> bool:
    return _is_instant(one.opened) and _is_instant(one.closed) and one.opened <= one.closed


def _has_subjects(one: Statement) -> bool:
    names = [subject.name for subject in one.subjects]
    digests = [subject.sha256 for subject in one.subjects]
    return (
        bool(names)
        and _is_sorted(names)
        and all(map(_is_path, names))
        and all(map(_is_digest, digests))
    )


def _has_bases(one: Statement) -> bool:
    return all(is_name(name) and 0 <= last <= MAX_NUMBER for name, last in one.bases.items())


def _introduces_right(one: Statement) -> bool:
    versions = [key.version for key in one.keys]
    if one.number == 1:
        return one.kind != "key" and versions == [one.key]
    if one.kind == "key":
        return len(versions) == 1 and one.key < versions[0] <= MAX_NUMBER
    return not versions


def _is_event(event: LoggedEvent) -> bool:
    return (
        is_name(event.client)
        and is_name(event.record)
        and 1 <= event.seq <= MAX_NUMBER
        and _is_instant(event.at)
        and (event.version is None or 0 <= event.version <= MAX_NUMBER)
        and _SHA256.match(event.digest) is not None
    )


def _is_instant(at: datetime) -> bool:
    return at.tzinfo == UTC and at.microsecond == 0


def _is_digest(text: str | None) -> bool:
    return text is None or _SHA256.match(text) is not None


def _is_path(name: str) -> bool:
    """Whether it stays below the directory that it is read from."""
    parts = name.split("/")
    return not _CONTROL.search(name) and not {"", ".", ".."}.intersection(parts)


def _is_sorted(names: Sequence[str]) -> bool:
    return all(first < second for first, second in pairwise(names))


# What holds in every entry, and the sentence when it does not.
_RULES: tuple[tuple[Callable[[Statement], bool], str], ...] = (
    (_has_origin, "its origin is not <project>/<environment>/<32 hex digits>"),
    (_counts, "its number or its key is not a whole number from 1"),
    (_follows, "only the first entry has no former one, and a digest has 64 hex digits"),
    (lambda one: one.kind in ENTRY_KINDS, "an entry of its kind is not known"),
    (_has_times, "it was closed before it was opened, or not in whole seconds of UTC"),
    (lambda one: _is_digest(one.actor), "its actor is not a commitment"),
    (_has_subjects, "its subjects are not paths in the project with digests, in order"),
    (lambda one: all(map(_is_event, one.events)), "an event has a field that none can have"),
    (_has_bases, "what came before the log is not a number for each record"),
    (lambda one: _is_sorted(one.open), "its open runs are not in order"),
    (_introduces_right, "the keys that it introduces are not those of such an entry"),
)


def _explain(payload: bytes) -> EvidenceError:
    """Why these bytes are no statement of ours."""
    try:
        found = json.loads(payload)
        told = found.get("predicateType") if isinstance(found, dict) else None
    except (ValueError, RecursionError):
        return _refuse("it is not JSON")
    if isinstance(told, str) and told != PREDICATE_TYPE and _OTHER_FORMAT.fullmatch(told):
        return EvidenceError(
            "RC642",
            f"an entry has the format {told}; this version reads {PREDICATE_TYPE}",
            "use the version of reconciler that wrote it, or a newer one",
        )
    return _refuse("it has not the fields of an entry")


def _refuse(why: str) -> EvidenceError:
    return EvidenceError(
        "RC641",
        f"this is no statement of an entry: {why}",
        "restore the file from git; when it was committed so, whoever signed it did not use this"
        " program",
    )
