"""Writing and destroying one secret version so that its outcome is known, whatever the network
did."""

from __future__ import annotations

from contextlib import suppress

from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import VaultUnreachable
from reconciler.registry.requests import (
    DestroyVersions,
    Done,
    Metadata,
    PutSecret,
    ReadMetadata,
    ReadSubkeys,
    Subkeys,
    Written,
)
from reconciler.registry.steps import Steps, expect

# Every pass either writes one version or learns what is there; a path that keeps moving is a fight.
MAX_PASSES = 10
PLACEHOLDER = "placeholder"


class VersionTaken(Exception):
    """Somebody else's version stands at the number, or above it. ``current`` is the newest one."""

    def __init__(self, current: int) -> None:
        super().__init__(current)
        self.current = current


def write_version(
    path: str,
    number: int,
    key_id: str,
    secret: Secret | None,
    current: int,
) -> Steps[None]:
    """Put ``secret`` at ``path`` as KV version ``number``; ``current`` is the version thought to be
    newest.

    When somebody deleted the path with its history, KV counts from 1 again: placeholders without a
    value fill the numbers up, so that a version number is never used twice, and are destroyed at
    once. Raises ``VersionTaken`` and ``VaultUnreachable``.
    """
    filled: list[int] = []
    doubts = 0
    while doubts < MAX_PASSES:
        if current >= number:
            subkeys = expect((yield ReadSubkeys(path, number)), Subkeys)
            if key_id not in subkeys.ids:
                raise VersionTaken(current)
            break
        last = current == number - 1
        put = (
            PutSecret(path, key_id, secret, current)
            if last
            else PutSecret(path, PLACEHOLDER, None, current)
        )
        response = yield put
        if isinstance(response, Written):
            if last:
                break
            filled.append(response.version)
            current = response.version
            continue
        doubts += 1
        current = yield from read_newest(path)
    else:
        raise VaultUnreachable(
            "RC401",
            f"{path} could not be written after {MAX_PASSES} tries",
            "see that Vault is healthy (reconciler doctor), then run the same command again",
        )
    if filled:
        expect((yield DestroyVersions(path, tuple(filled))), Done)


def read_newest(path: str) -> Steps[int]:
    """The newest KV version at ``path``, 0 when there is none."""
    metadata = expect((yield ReadMetadata(path)), Metadata)
    return 0 if metadata.info is None else (metadata.info.current or 0)


def destroy_version(path: str, number: int, *, claimed: bool) -> Steps[bool]:
    """Destroy KV version ``number`` and look until it is gone. 204 alone proves nothing.

    ``claimed``: the version was pending when it was revoked, so another run may still be about to
    write it. A placeholder takes up its number first; that run's write then fails its
    check-and-set. Returns whether the version is known to be gone.
    """
    if claimed:
        current = yield from read_newest(path)
        # then that run was faster: its version is there to be destroyed
        with suppress(VersionTaken):
            yield from write_version(path, number, PLACEHOLDER, None, current)
    for _ in range(3):
        metadata = expect((yield ReadMetadata(path)), Metadata)
        if is_version_gone(metadata.info, number):
            return True
        expect((yield DestroyVersions(path, (number,))), Done)
    metadata = expect((yield ReadMetadata(path)), Metadata)
    return is_version_gone(metadata.info, number)


def is_version_gone(info: SecretInfo | None, number: int) -> bool:
    """Whether nobody can ever read the version again. A soft-deleted one can be brought back."""
    if info is None or info.current is None:
        return info is None
    return number in info.absent or not max(info.oldest, 1) <= number <= info.current
