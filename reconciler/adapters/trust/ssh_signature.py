"""The ssh signature of a commit, verified by ``ssh-keygen`` itself, at a time that we say.

``git verify-commit`` takes the time from the commit, which its author writes, and the program from
settings. The format is that of git: gitformat-signature(5), sections "Commit signatures" and "SSH
signatures".
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from reconciler.adapters.git.errors import harmless
from reconciler.adapters.system.programs import find_program, search_path
from reconciler.errors import QUOTED, BlockedError

_SECONDS = 60.0
_BEGIN = b"-----BEGIN SSH SIGNATURE-----"
# By the length of a commit's id. A repository that changes from one to the other has both in a
# commit.
_HEADERS = {40: b"gpgsig", 64: b"gpgsig-sha256"}
_LAST = 253402300799  # seconds; the last of the year 9999, after which there is no date
_WORDS = 200


def fault_of(
    commit: str,
    raw: bytes,
    allowed: str,
    name: str,
    times: Collection[int],
) -> str:
    """Why no key in ``allowed`` signed ``commit``, in words; empty when one did, and was valid at
    all ``times``.

    ``raw`` is the commit as it is stored, ``allowed`` the text of a file called ``name``, ``times``
    are seconds since
    1970. Raises ``BlockedError`` RC245 when it cannot be verified here.
    """
    payload, signatures = _split_signatures(raw)
    found = signatures.get(_HEADERS.get(len(commit), b""), [])
    if len(found) != 1 or not found[0].startswith(_BEGIN):
        return f"commit {commit[:12]} has no ssh signature"
    with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
        file, signature = Path(folder) / "allowed_signers", Path(folder) / "signature"
        file.write_text(allowed, encoding="utf-8", errors="surrogateescape")
        signature.write_bytes(found[0])
        for time in sorted(times):
            if (words := _refusal(payload, file, signature, time)) is not None:
                plain = " ".join(harmless(words).replace(QUOTED, " ").split()).replace(
                    str(file), name
                )
                return (
                    f"the signature of commit {commit[:12]} is not one of a key in {name}:"
                    f" {plain[:_WORDS]}"
                )
    return ""


def _split_signatures(raw: bytes) -> tuple[bytes, dict[bytes, list[bytes]]]:
    """(what was signed, signatures by header): a header goes on where a line begins with a space.

    One before the committer is none: git stops looking for parents there, and would see another
    history than the one that was signed.
    """
    head, _, body = raw.partition(b"\n\n")
    kept: list[bytes] = []
    signatures: dict[bytes, list[bytes]] = {name: [] for name in _HEADERS.values()}
    current: list[bytes] | None = None
    complete = False
    for line in head.split(b"\n"):
        word, _, rest = line.partition(b" ")
        complete = complete or word == b"committer"
        if complete and word in signatures:
            current = signatures[word]
            current.append(rest + b"\n")
        elif current is not None and line.startswith(b" "):
            current[-1] += line[1:] + b"\n"
        else:
            current = None
            kept.append(line)
    return b"\n".join(kept) + b"\n\n" + body, signatures


def _refusal(
    payload: bytes,
    file: Path,
    signature: Path,
    time: int,
) -> str | None:
    """What ssh-keygen says against the signature at ``time``; None when it is good."""
    given = (
        "-f",
        str(file),
        "-s",
        str(signature),
        f"-Overify-time={datetime.fromtimestamp(min(time, _LAST), UTC):%Y%m%d%H%M%S}",
    )
    found = _ssh_keygen("find-principals", *given)
    words = found.stderr
    for principal in found.stdout.splitlines() if found.returncode == 0 else ():
        verified = _ssh_keygen("verify", *given, "-n", "git", "-I", principal, payload=payload)
        if verified.returncode == 0:
            return None
        words = verified.stderr + verified.stdout
    return words


def _ssh_keygen(
    what: str, *arguments: str, payload: bytes = b""
) -> subprocess.CompletedProcess[str]:
    # TZ: times in a file of signers, and the one we say, are UTC whatever the host's zone is.
    environment = {"PATH": search_path(os.environ), "TZ": "UTC", "LC_ALL": "C"}
    program = find_program("ssh-keygen", os.environ)
    if program is None:
        raise _not_here("ssh-keygen is not installed")
    try:
        done = subprocess.run(
            [program, "-Y", what, *arguments],
            input=payload,
            env=environment,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise _not_here(f"ssh-keygen did not end within {_SECONDS:.0f} s") from None
    except OSError as error:
        raise _not_here(f"ssh-keygen cannot be started: {os.strerror(error.errno or 0)}") from None
    out, err = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
    if re.search(r"unknown option|Invalid option|Unsupported operation", err, re.IGNORECASE):
        raise _not_here("this ssh-keygen cannot verify at a given time")
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def _not_here(why: str) -> BlockedError:
    return BlockedError(
        "RC245",
        f"the policy demands a signed commit, and signatures cannot be verified here: {why}",
        "install OpenSSH 8.9 or newer (openssh-client)",
    )
