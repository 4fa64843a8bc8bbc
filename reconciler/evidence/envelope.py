"""An entry's file: a statement in an envelope with one signature (DSSE v1).

What is signed is not the file but the *pre-authentication encoding* of the payload with its type,
so that no signature over something else can be taken for one over an entry.
"""

from __future__ import annotations

import json
import re

from reconciler.dataclass import dataclass
from reconciler.errors import EvidenceError
from reconciler.evidence.notes import decode_base64, encode_base64

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_FILE = re.compile(
    rb'\{"payload":"([^"]+)","payloadType":"'
    + re.escape(PAYLOAD_TYPE.encode())
    + rb'","signatures":\[\{"keyid":"([0-9a-f]{8})","sig":"([^"]+)"\}\]\}\n'
)


def pre_authenticate(payload: bytes) -> bytes:
    """What is signed for ``payload``: PAE of DSSE v1.

    >>> pre_authenticate(b"{}")
    b'DSSEv1 28 application/vnd.in-toto+json 2 {}'
    """
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Envelope:
    """``payload`` are the bytes of a statement, ``key_hash`` the 8 hex digits of the verifier key
    that is said to have signed it, ``signature`` its bytes."""

    payload: bytes
    key_hash: str
    signature: bytes

    def encode(self) -> bytes:
        """The bytes of the entry's file: canonical JSON and a line end."""
        signature = {"keyid": self.key_hash, "sig": encode_base64(self.signature)}
        document = {
            "payload": encode_base64(self.payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [signature],
        }
        return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def decode_envelope(content: bytes) -> Envelope:
    """The inverse of ``Envelope.encode``: exactly its bytes. The signature is not verified.

    Raises ``EvidenceError`` RC640.
    """
    found = _FILE.fullmatch(content)
    try:
        if found is not None:
            return Envelope(decode_base64(found[1]), found[2].decode(), decode_base64(found[3]))
    except ValueError:
        pass
    what = "is not in the one form in which entries are written"
    if content.endswith(b"\r\n"):
        what = "has the line end of Windows, which git or an editor put in"
    raise EvidenceError(
        "RC640",
        f"an entry {what}",
        "restore the file from git: it was edited, converted or shortened after it was signed;"
        " where git converts line ends, write `audit/** -text` into .gitattributes and check the"
        " folder out anew",
    )
