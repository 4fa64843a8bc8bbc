"""The private key of a witness, in a file that its user alone can read.

It is one line in the form of Go's ``note`` package (``PRIVATE+KEY+<name>+<8 hex>+<base64>``), which
other witnesses read too. The name stands in it, because it is a part of what verifies: under
another name the same key is another witness.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.dataclass import dataclass
from reconciler.domain.secrecy.held import remember_for_good
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import UsageError
from reconciler.evidence.notes import VerifierKey, decode_base64, encode_base64
from reconciler.evidence.signatures import NOTE_COSIGNATURE, NOTE_ED25519

_LINE = re.compile(r"PRIVATE\+KEY\+([^\s+\x00-\x1f\x7f]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\n?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]{0,99}")
_LARGEST = 1000  # bytes
_SEED = 32


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """``verifier`` may be seen by everybody; ``private`` shows nothing of itself."""

    verifier: VerifierKey
    private: Ed25519PrivateKey

    def sign(self, message: bytes) -> bytes:
        """An ed25519 signature: 64 bytes."""
        return self.private.sign(message)


def make_key_file(path: Path, name: str) -> WitnessKey:
    """Write a new key to ``path``, where nothing may be, with mode 0600.

    Raises ``UsageError`` RC694.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            "RC694",
            f"{name!r:.120} is no name for a witness",
            "use up to 100 letters, digits, dots, dashes, underscores and slashes, such as"
            " witness.example.com",
        )
    private = Ed25519PrivateKey.generate()
    try:
        _write_new(path, _describe_private(name, private).encode())
    except FileExistsError:
        raise _key_error(path, "there is a file already, and a key is never replaced") from None
    except OSError as error:
        raise _key_error(path, f"it cannot be written: {error.strerror}") from None
    return _name_key(name, private)


def read_key_file(path: Path) -> WitnessKey:
    """The key in ``path``. Raises ``UsageError`` RC694, which tells nothing of the content."""
    found = _LINE.fullmatch(_read_private(path))
    try:
        content = decode_base64(found[3]) if found else b""
    except ValueError:
        content = b""
    if found is None or len(content) != 1 + _SEED or content[0] != NOTE_ED25519:
        raise _key_error(path, "it holds no key of a witness")
    private = Ed25519PrivateKey.from_private_bytes(content[1:])
    if _describe_public(found[1], private).hash != found[2]:
        raise _key_error(path, "its name or its key was changed")
    return _name_key(found[1], private)


def _read_private(path: Path) -> str:
    """The text of a file that nobody else can read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _key_error(path, f"it cannot be read: {error.strerror}") from None
    try:
        _refuse_open(path, os.fstat(descriptor))
        return os.read(descriptor, _LARGEST).decode("ascii")
    except (OSError, UnicodeDecodeError):
        raise _key_error(path, "it holds no key of a witness") from None
    finally:
        os.close(descriptor)


def _refuse_open(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
        raise _key_error(path, "it is no file with a key")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise UsageError(
            "RC694",
            f"--key {path}: others than its owner may use it (mode {mode:04o})",
            f"chmod 600 {path}; if somebody may have read it, make another key",
        )


def _write_new(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise


def _describe_public(name: str, private: Ed25519PrivateKey) -> VerifierKey:
    """What the line of the private key names: a key that signs notes."""
    return VerifierKey(name, NOTE_ED25519, private.public_key().public_bytes_raw())


def _describe_private(name: str, private: Ed25519PrivateKey) -> str:
    told = f"{name}+{_describe_public(name, private).hash}+{_encode_private(private)}"
    return f"PRIVATE+KEY+{told}\n"


def _encode_private(private: Ed25519PrivateKey) -> str:
    return encode_base64(bytes([NOTE_ED25519]) + private.private_bytes_raw())


def _name_key(name: str, private: Ed25519PrivateKey) -> WitnessKey:
    remember_for_good(Secret(_encode_private(private)))  # no output can hold it from here on
    public = private.public_key().public_bytes_raw()
    return WitnessKey(VerifierKey(name, NOTE_COSIGNATURE, public), private)


def _key_error(path: Path, why: str) -> UsageError:
    return UsageError(
        "RC694",
        f"{path}: {why}",
        "make a key with `reconciler audit witness-key --out FILE`",
    )
