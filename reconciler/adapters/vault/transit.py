"""Key pairs that sign deliveries: made, used and removed in the transit engine, which their private
half never leaves.

``transit`` is hvac's, ``mount`` the transit mount, ``name`` the name of a key. All raise
``VaultError``.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from reconciler.adapters.vault.http import errors, paths
from reconciler.adapters.vault.http.answer import Answer
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.errors import VaultError
from reconciler.registry.requests import Done, MakeTransitKey, PublicKey, RemoveTransitKey
from reconciler.webhooks.signature.ed25519 import public_text

# The first version of a key, whatever somebody made of it by hand later: receivers hold its public
# half.
_VERSION = 1
_LOOKS = 3


def answer(
    transit: Any, mount: str, request: MakeTransitKey | RemoveTransitKey
) -> PublicKey | Done:
    if isinstance(request, MakeTransitKey):
        return make(transit, mount, request.name)
    return remove(transit, mount, request.name)


def make(transit: Any, mount: str, name: str) -> PublicKey:
    """An ed25519 key; the present one if there is one.

    RC419 for one that is of another sort, or may leave.
    """
    paths.check_transit_key(name)
    found = _read(transit, mount, name)
    if found is None:
        transit.create_key(name, key_type="ed25519", mount_point=mount)
        found = _read(transit, mount, name)
    if found is None or found.at is None:
        raise VaultError(
            errors.UNUSABLE_ANSWER,
            f"{mount}/keys/{name} was just made and is not there",
            "run the same command again",
        )
    key = found.data
    if key.get("type") != "ed25519" or key.get("exportable") or key.get("allow_plaintext_backup"):
        raise VaultError(
            errors.SIGNING_KEY_WRONG,
            f"{mount}/keys/{name} is no ed25519 key that stays in the server: somebody made it by"
            " hand",
            "remove that key, then run the same command again",
        )
    try:
        encoded = key["keys"][str(_VERSION)]["public_key"]
        return PublicKey(public_text(base64.b64decode(encoded, validate=True)), found.at)
    except (KeyError, TypeError, ValueError):
        raise errors.unusable(found.where, "it has no public key of version 1") from None


def sign_by_transit(
    transit: Any,
    mount: str,
    name: str,
    content: bytes,
) -> bytes:
    """The 64 bytes of an ed25519 signature (RFC 8032)."""
    text = base64.b64encode(content).decode("ascii")
    answer: Answer = transit.sign_data(
        paths.check_transit_key(name), text, key_version=_VERSION, mount_point=mount
    )
    version, _, encoded = str(answer.data.get("signature", "")).rpartition(":")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raw = b""
    if not version or len(raw) != 64:
        raise errors.unusable(answer.where, "it is not an ed25519 signature")
    return raw


def remove(transit: Any, mount: str, name: str) -> Done:
    """The key is gone for ever, and was seen to be."""
    paths.check_transit_key(name)
    for _ in range(_LOOKS):
        try:
            transit.read_key(name, mount_point=mount)
        except StatusError as error:
            if error.status == 404 and error.at is not None:
                return Done(error.at)
            raise
        transit.update_key_configuration(name, deletion_allowed=True, mount_point=mount)
        transit.delete_key(name, mount_point=mount)
    raise VaultError(
        errors.SIGNING_KEY_WRONG,
        f"{mount}/keys/{name} is still there after it was removed",
        "run apply again",
    )


def _read(transit: Any, mount: str, name: str) -> Answer | None:
    try:
        found: Answer = transit.read_key(name, mount_point=mount)
    except StatusError as error:
        if error.status == 404:
            return None
        raise
    return found
