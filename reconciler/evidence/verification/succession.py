"""The keys of a log in the order in which they came into force, each introduced by the one before
it."""

from __future__ import annotations

from reconciler.errors import EvidenceError
from reconciler.evidence.envelope import Envelope, pre_authenticate
from reconciler.evidence.notes import VerifierKey
from reconciler.evidence.signatures import NOTE_ED25519
from reconciler.evidence.statement import NewKey, Statement, decode_statement
from reconciler.evidence.verification.faults import Broken


class Succession:
    """``keys`` as the entries introduced them; the last one is in force."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.keys: list[NewKey] = []
        self.verifiers: list[VerifierKey] = []
        self._introduced: list[int] = []

    @property
    def text(self) -> bytes:
        """What the file ``keys`` has to hold."""
        return "".join(f"{key.verifier}\n" for key in self.keys).encode()

    @property
    def in_force(self) -> VerifierKey:
        return self.verifiers[-1]

    @property
    def version(self) -> int:
        return self.keys[-1].version

    def introduce(self, statement: Statement) -> None:
        """The keys of an entry that was verified. Raises ``Broken``."""
        for key in statement.keys:
            verifier = _parse(key)
            if verifier.name != self.origin:
                raise Broken(
                    "RC652", f"entry {statement.number} introduces a key of {verifier.name}"
                )
            if any(verifier.public == one.public for one in self.verifiers):
                raise Broken("RC651", f"entry {statement.number} introduces a former key once more")
            self.keys.append(key)
            self.verifiers.append(verifier)
            self._introduced.append(statement.number)

    def check_signature(self, envelope: Envelope, number: int) -> None:
        """Entry ``number`` is signed by the key in force. Raises ``Broken``."""
        if envelope.key_hash != self.in_force.hash:
            raise self._explain_key(envelope, number)
        if not self.in_force.verify(pre_authenticate(envelope.payload), envelope.signature):
            raise Broken("RC650", f"entry {number} was changed after it was signed")

    def _explain_key(self, envelope: Envelope, number: int) -> Broken:
        """Whose key it is that is not in force."""
        for place, verifier in enumerate(self.verifiers):
            if verifier.hash == envelope.key_hash:
                version, end = self.keys[place].version, self._introduced[place + 1]
                return Broken(
                    "RC651",
                    f"entry {number} is signed by key {version}, which entry {end} superseded",
                )
        try:
            origin = decode_statement(envelope.payload).origin
        except EvidenceError:
            origin = self.origin
        if origin != self.origin:
            return Broken("RC652", f"entry {number} is of another log: {origin}")
        return Broken("RC651", f"entry {number} is signed by a key that no entry introduced")


def start_succession(statement: Statement) -> Succession:
    """With the key that the first entry introduces for itself. Raises ``Broken``."""
    succession = Succession(statement.origin)
    succession.introduce(statement)
    return succession


def _parse(key: NewKey) -> VerifierKey:
    try:
        verifier = VerifierKey.parse(key.verifier)
    except EvidenceError as error:
        raise Broken(error.code, error.message) from None
    if verifier.kind != NOTE_ED25519:
        raise Broken("RC643", f"key {key.version} is of a kind that signs no entries")
    return verifier
