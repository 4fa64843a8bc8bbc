"""A checkpoint: the size and the root of a log at one moment, as a signed note (C2SP
tlog-checkpoint).

Who keeps one can say later whether the log only grew.
"""

from __future__ import annotations

import re

from reconciler.dataclass import dataclass
from reconciler.errors import EvidenceError
from reconciler.evidence.notes import SignedNote, decode_base64, encode_base64
from reconciler.evidence.tree import HASH_BYTES

_TEXT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]+={0,2})\n")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``origin`` names the log, ``size`` counts its entries, ``root`` is the 32 bytes over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed: three lines."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


def parse_checkpoint(note: SignedNote) -> Checkpoint:
    """What a note says of a log; its signatures are not verified.

    Raises ``EvidenceError`` RC645.
    """
    found = _TEXT.fullmatch(note.text)
    try:
        root = decode_base64(found[3]) if found else b""
    except ValueError:
        root = b""
    if found is None or len(root) != HASH_BYTES:
        raise EvidenceError(
            "RC645",
            "the signed note is no checkpoint: it is not an origin, a size and a root, a line each",
            "restore the file from git, or take a checkpoint of this log",
        )
    return Checkpoint(found[1], int(found[2]), root)
