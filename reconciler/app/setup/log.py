"""What ``doctor`` says of the evidence log and of the key that signs it."""

from __future__ import annotations

from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.http.paths import SIGNING_KEY
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.meta import read_meta
from reconciler.app.setup.check import Check
from reconciler.errors import RegistryError
from reconciler.registry.codec.log_codec import HEAD_NAME, decode_head
from reconciler.registry.protocol.bucket import refuse_deleted
from reconciler.registry.protocol.log import has_key_in_force
from reconciler.registry.requests import LogKeys, ReadDocument, ReadLogKeys, StoredDocument
from reconciler.registry.steps import expect
from reconciler.report.text.layout import count_words


def check_signing_key(live: Live) -> Check:
    mount = live.settings.transit_mount
    try:
        key = live.client.secrets.transit.read_key(SIGNING_KEY, mount_point=mount).data
    except StatusError as error:
        if error.status != 404:
            raise
        key = {}
    if key.get("type") != "ed25519":
        sentence = f"{mount}/keys/{SIGNING_KEY} is no ed25519 key"
        return Check("signing key", "fail", sentence, "run `reconciler bootstrap`")
    return Check(
        "signing key",
        "ok",
        f"{mount}/keys/{SIGNING_KEY} is there, version {key.get('latest_version')}",
    )


def check_log(live: Live, project: str, environment: str) -> Check:
    """Whether the log can go on: its head can be read, and its key is the one in Vault."""
    name = "evidence log"
    bootstrap = f"run `reconciler bootstrap -e {environment}`"
    if not read_meta(live, project, environment).logged:
        return Check(name, "warn", "this environment has no evidence log yet", bootstrap)
    try:
        document = expect(live.answer(ReadDocument(HEAD_NAME)), StoredDocument)
        refuse_deleted(HEAD_NAME, document)
        head = decode_head(document.text or "", document.version)
    except RegistryError as error:
        return Check(name, "fail", error.message, error.remedy)
    keys = expect(live.answer(ReadLogKeys()), LogKeys)
    if not has_key_in_force(head, keys):
        sentence = f"version {head.key} of the key `{SIGNING_KEY}` is not the one that the log uses"
        remedy = (
            "restore the key from a backup of Vault (RC680); if it is lost, run `reconciler audit"
            f" repair -e {environment} --new-log`"
        )
        return Check(name, "fail", sentence, remedy)
    if keys.least > head.key:
        sentence = f"the log still uses version {head.key} of its key, which may not sign any more"
        remedy = f"set its min_encryption_version to {head.key}; the next run hands over (RC682)"
        return Check(name, "fail", sentence, remedy)
    if keys.least < head.key != 1:
        sentence = f"versions of the log's key before {head.key} may still sign"
        return Check(name, "warn", sentence, bootstrap)
    entries = count_words(head.size, "entry", "entries")
    return Check(name, "ok", f"{head.origin} has {entries}, and its key is in Vault")
