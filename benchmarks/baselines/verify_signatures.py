"""Verifies the signature of every entry of an evidence log, and nothing else of it.

python benchmarks/baselines/verify_signatures.py FOLDER
"""

import base64
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

folder = Path(sys.argv[1])
verifier = (folder / "keys").read_text().rpartition("+")[2]
key = Ed25519PublicKey.from_public_bytes(base64.b64decode(verifier)[1:])
for path in sorted(folder.glob("*.json")):
    entry = json.loads(path.read_bytes())
    kind, payload = entry["payloadType"].encode(), base64.b64decode(entry["payload"])
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    key.verify(base64.b64decode(entry["signatures"][0]["sig"]), signed)
