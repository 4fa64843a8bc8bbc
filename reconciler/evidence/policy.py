"""Whose cosignatures a checkpoint needs (C2SP tlog-policy).

    log <verifier key>
    witness <name> <verifier key>
    group <name> all|any|<number> <name>...
    quorum <name>

A group has witnessed a checkpoint when so many of its members have; ``quorum`` names the witness or
the group that must have, or is ``none``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field

from reconciler.dataclass import dataclass
from reconciler.errors import EvidenceError
from reconciler.evidence.notes import SignedNote, VerifierKey
from reconciler.evidence.signatures import NOTE_COSIGNATURE, NOTE_ED25519

NO_QUORUM = "none"
MAX_DEFINITIONS = 500
_BLANKS = re.compile(r"[ \t]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_COUNT = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class WitnessGroup:
    """So many (``needed``) of its ``members``, which are names of witnesses or groups."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """``logs`` are the keys of logs that it is for, any when there are none. ``witnesses`` and
    ``groups`` by name; ``quorum`` is one of these names or ``none``."""

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, VerifierKey]
    groups: Mapping[str, WitnessGroup]
    quorum: str

    def list_cosigners(self, *notes: SignedNote) -> tuple[str, ...]:
        """The names of the witnesses that cosigned, in the order of the policy. Several ``notes``
        are copies of one checkpoint: each witness signs its own."""
        return tuple(
            name
            for name, key in self.witnesses.items()
            if any(note.is_signed_by(key) for note in notes)
        )

    def is_met(self, *notes: SignedNote) -> bool:
        """Whether the quorum cosigned this checkpoint, of which ``notes`` are copies."""
        cosigners = self.list_cosigners(*notes)

        def has_witnessed(name: str) -> bool:
            group = self.groups.get(name)
            if group is None:
                return name in cosigners
            return sum(map(has_witnessed, group.members)) >= group.needed

        return self.quorum == NO_QUORUM or has_witnessed(self.quorum)


def parse_policy(content: bytes) -> WitnessPolicy:
    """A policy file. Raises ``EvidenceError`` RC668, which says in which line what is wrong."""
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError:
        raise _policy_error("it is not UTF-8") from None
    draft = _Draft()
    for number, line in enumerate(lines, 1):
        try:
            draft.read(line)
        except EvidenceError as error:
            raise _policy_error(f"line {number}: {error.message}") from None
        except ValueError as error:
            raise _policy_error(f"line {number}: {error}") from None
    if draft.quorum is None:
        raise _policy_error("it has no line `quorum`")
    return WitnessPolicy(tuple(draft.logs), draft.witnesses, draft.groups, draft.quorum)


@dataclass
class _Draft:
    """A policy as far as it was read. Everything raises ``ValueError`` or ``EvidenceError``."""

    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, WitnessGroup] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    quorum: str | None = None

    def read(self, line: str) -> None:
        if _CONTROL.search(line):
            raise ValueError("it holds a control character")
        words = _BLANKS.split(line.strip(" \t"))
        if not words[0] or words[0].startswith("#"):
            return
        if len(self.logs) + len(self.witnesses) + len(self.groups) >= MAX_DEFINITIONS:
            raise ValueError(f"a policy has {MAX_DEFINITIONS} logs, witnesses and groups at most")
        read = _LINES.get(words[0])
        if read is None:
            raise ValueError("it begins with none of log, witness, group, quorum")
        read(self, words[1:])

    def read_log(self, words: list[str]) -> None:
        if len(words) not in {1, 2}:
            raise ValueError("a log has a key and at most a URL")
        self.logs.append(_parse_key(words[0], NOTE_ED25519, self.logs))

    def read_witness(self, words: list[str]) -> None:
        if len(words) not in {2, 3}:
            raise ValueError("a witness has a name, a key and at most a URL")
        self._refuse_second(words[0])
        known = list(self.witnesses.values())
        self.witnesses[words[0]] = _parse_key(words[1], NOTE_COSIGNATURE, known)

    def read_group(self, words: list[str]) -> None:
        name, count, *members = [*words, "", ""][: max(2, len(words))]
        self._refuse_second(name)
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                raise ValueError("a member is not defined above")
            if member in self.members:
                raise ValueError("a member is in a group already")
            self.members.add(member)
        needed = {"all": len(members), "any": 1}.get(count)
        if needed is None:
            needed = int(count) if _COUNT.fullmatch(count) else 0
        if not 1 <= needed <= len(members):
            raise ValueError("a group has all, any or so many of its members, and one at least")
        self.groups[name] = WitnessGroup(needed, tuple(members))

    def read_quorum(self, words: list[str]) -> None:
        if self.quorum is not None or len(words) != 1:
            raise ValueError("there is one quorum, and it is one name")
        if words[0] not in {NO_QUORUM, *self.witnesses, *self.groups}:
            raise ValueError("the quorum is not defined above")
        self.quorum = words[0]

    def _refuse_second(self, name: str) -> None:
        if name in {"", NO_QUORUM, *self.witnesses, *self.groups}:
            raise ValueError("a name is missing, is `none`, or is defined already")


_LINES: Mapping[str, Callable[[_Draft, list[str]], None]] = {
    "log": _Draft.read_log,
    "witness": _Draft.read_witness,
    "group": _Draft.read_group,
    "quorum": _Draft.read_quorum,
}


def _parse_key(text: str, kind: int, known: list[VerifierKey]) -> VerifierKey:
    key = VerifierKey.parse(text)
    if key.kind != kind:
        raise ValueError("a key is of the other kind: logs sign, witnesses cosign")
    if any(key.public == one.public for one in known):
        raise ValueError("a key is there already")
    return key


def _policy_error(why: str) -> EvidenceError:
    return EvidenceError(
        "RC668",
        f"this is no policy for witnesses: {why}",
        "write it as c2sp.org/tlog-policy says: lines `log`, `witness`, `group` and one `quorum`",
    )
