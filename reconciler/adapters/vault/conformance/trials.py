"""The trials: each makes requests as a run makes them, and compares what the server does with what
is documented."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from reconciler.adapters.vault.conformance.place import Place, throw_away_place
from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.namespaces import ignores_namespaces
from reconciler.dataclass import dataclass
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import VaultDenied, VaultError
from reconciler.registry.requests import (
    Conflict,
    DestroyVersions,
    LogKeys,
    MakeTransitKey,
    Metadata,
    PublicKey,
    PutSecret,
    ReadDocument,
    ReadLogKeys,
    ReadMetadata,
    ReadSubkeys,
    RemoveTransitKey,
    ResetMetadata,
    SignedLog,
    SignLog,
    StoredDocument,
    Subkeys,
    WriteDocument,
    Written,
)
from reconciler.webhooks.signature.ed25519 import is_valid, public_bytes

TrialResult = Literal["ok", "fallback", "differs", "not tried"]
KEY, HOOK, PAIR = "keys/trial.primary", "webhooks/trial.hook", "webhook.trial.hook.1"
ID = "AuKrH5hpsVRY"
# As large as a bucket may be, with characters that are longer in UTF-8 and in JSON.
LARGE = '{"\u00fc\u2192": "\\"' + "x" * (510 << 10) + '"}'


class Differs(Exception):
    """The server does something else than it is documented to."""


@dataclass(frozen=True, slots=True)
class Trial:
    """``fallback``: the server does not have it, and the reconciler can do without."""

    name: str
    request: str
    result: TrialResult
    note: str = ""


def conform(live: Live) -> tuple[str, list[Trial]]:
    """Try every kind of request in a throw-away environment: the server's product and version, and
    what was found.

    ``live`` has an administrator's token. What was made is removed at the end. Never raises
    ``VaultError``.
    """
    found: list[Trial] = []
    with throw_away_place(live) as place:
        for name, request, attempt in TRIALS:
            lost = name != TRIALS[0][0] and found[0].result == "differs"
            found.append(
                Trial(name, request, "not tried")
                if lost
                else _run_trial(place, name, request, attempt)
            )
    left = place.left
    removed = f"left behind: {', '.join(left)}" if left else ""
    found.append(
        Trial(
            "clean up",
            "DELETE sys/mounts, policies, token roles",
            "differs" if left else "ok",
            removed,
        )
    )
    return _product(live), found


def _run_trial(
    place: Place,
    name: str,
    request: str,
    attempt: Callable[[Place], str],
) -> Trial:
    try:
        note = attempt(place)
    except Differs as error:
        return Trial(name, request, "differs", str(error))
    except VaultError as error:
        return Trial(name, request, "differs", errors.printable(error.message))
    without = note.removeprefix("without: ")
    return Trial(name, request, "ok" if without == note else "fallback", without)


def _expect(holds: object, otherwise: str) -> None:
    if not holds:
        raise Differs(otherwise)


def _make(place: Place) -> str:
    place.make()
    return ""


def _documents(place: Place) -> str:
    run = place.live("run")
    first = run.answer(WriteDocument("buckets/0", LARGE, 0))
    _expect(
        isinstance(first, Written) and first.version == 1,
        f"the first write was answered with {first}",
    )
    _expect(
        isinstance(run.answer(WriteDocument("buckets/0", "x", 0)), Conflict),
        "a stale write was not refused",
    )
    _expect(
        isinstance(run.answer(WriteDocument("buckets/0", LARGE, 1)), Written),
        "the next write was refused",
    )
    read = run.answer(ReadDocument("buckets/0"))
    same = isinstance(read, StoredDocument) and (read.text, read.version) == (LARGE, 2)
    _expect(same, "510 KiB did not come back as they were written")
    missing = run.answer(ReadDocument("buckets/1"))
    _expect(
        isinstance(missing, StoredDocument) and missing.text is None,
        "what was never written is there",
    )
    return "510 KiB in one string"


def _deletion(place: Place) -> str:
    run = place.live("run")
    run.answer(WriteDocument("runs/trial", "x", 0))
    _expect(run.list_documents("runs") == ("trial",), "a document that was written is not listed")
    run.delete_document("runs/trial")
    _expect(run.list_documents("runs") == (), "a document that was deleted is still listed")
    return ""


def _secrets(place: Place) -> str:
    run = place.live("run")
    for path in (KEY, HOOK):
        for cas in (0, 1):
            done = run.answer(PutSecret(path, ID, Secret("conformance"), cas))
            _expect(isinstance(done, Written), f"the write of version {cas + 1} was not taken")
        again = run.answer(PutSecret(path, ID, Secret("conformance"), 0))
        _expect(isinstance(again, Conflict), "a stale write of a secret was not refused")
    return ""


def _subkeys(place: Place) -> str:
    found = place.live("planner").answer(ReadSubkeys(KEY, 2))
    _expect(isinstance(found, Subkeys) and found.ids == {ID}, "the id of a version is not seen")
    return ""


def _metadata(place: Place) -> str:
    run = place.live("run")
    run.answer(DestroyVersions(KEY, (1,)))
    info = _info(place, KEY)
    _expect(
        info.current == 2 and info.absent == {1}, "a destroyed version is not reported as destroyed"
    )
    _expect(info.created is not None, "the time of the newest version is not reported")
    path = f"/v1/{place.settings.secrets_mount}/metadata/{KEY}"
    place.admin.adapter.post(path, json={"max_versions": 7, "custom_metadata": {"by": "hand"}})
    _expect(_info(place, KEY).edited, "settings of a path that were made by hand are not reported")
    run.answer(ResetMetadata(KEY))
    _expect(not _info(place, KEY).edited, "settings of a path are not reset")
    return ""


def _info(place: Place, path: str) -> SecretInfo:
    found = place.live("planner").answer(ReadMetadata(path))
    if not isinstance(found, Metadata) or found.info is None:
        raise Differs(f"{path} has no metadata")
    return found.info


def _listing(place: Place) -> str:
    infos, known = place.live("planner").list_secrets("keys", deep=False)
    _expect(set(infos) == {KEY}, "a secret that was written is not listed")
    return (
        "detailed-metadata"
        if known
        else "without: names only; --deep reads the metadata of each secret"
    )


def _values(place: Place) -> str:
    """Who may read what: the promise that a run writes keys that it cannot read."""
    path = f"/v1/{place.settings.secrets_mount}/data/{KEY}"
    for role in ("planner", "applier", "run", "deliverer"):
        _expect(_is_refused(place.live(role), path, None), f"the role {role} can read a key")
    _expect(_is_refused(place.live("run"), path, "60s"), "the role run can read a key wrapped")
    _expect(
        not _is_refused(place.live("deliverer"), path, "60s"),
        "the role deliverer cannot read a key wrapped",
    )
    secret = place.live("run").read_secret(HOOK, 2)
    _expect(
        secret is not None and secret.reveal() == "conformance",
        "the role run cannot read a signing secret",
    )
    _expect(
        _is_refused(place.live("planner"), path.replace(KEY, HOOK), None),
        "the planner can read a signing secret",
    )
    return ""


def _is_refused(live: Live, path: str, wrap_ttl: str | None) -> bool:
    try:
        live.adapter.request("GET", path, wrap_ttl=wrap_ttl)
    except VaultDenied:
        return True
    return False


def _key_pairs(place: Place) -> str:
    run, content = place.live("run"), b"conformance"
    made = run.answer(MakeTransitKey(PAIR))
    if not isinstance(made, PublicKey):
        raise Differs("no key was made")
    _expect(
        is_valid(public_bytes(made.text), run.sign(PAIR, content), content),
        "a signature does not verify",
    )
    run.answer(RemoveTransitKey(PAIR))
    return ""


def _log(place: Place) -> str:
    """The evidence log: signed by a version of a key that only a run may use, claimed by a document
    that nobody may remove."""
    run, content = place.live("run"), b"conformance"
    keys = run.answer(ReadLogKeys())
    signed = run.answer(SignLog(1, content))
    if not isinstance(keys, LogKeys) or not isinstance(signed, SignedLog):
        raise Differs("the key of the log cannot be used")
    _expect(is_valid(keys.versions[1], signed.signature, content), "a signature does not verify")
    for role in ("planner", "deliverer"):
        sign = partial(place.live(role).answer, SignLog(1, content))
        _expect(_is_denied(sign), f"the role {role} can sign with the key of the log")
    part = f"log/00000001/part-{'0' * 40}"
    for name in (part, "log/00000001/claim"):
        _expect(isinstance(run.answer(WriteDocument(name, "{}", 0)), Written), "no entry is stored")
    run.delete_document(part)
    _expect(run.list_documents("log/00000001") == ("claim",), "a part cannot be removed")
    _expect(
        _is_denied(lambda: run.delete_document("log/00000001/claim")),
        "a run can remove the claim of an entry",
    )
    return ""


def _is_denied(request: Callable[[], object]) -> bool:
    try:
        request()
    except VaultDenied:
        return True
    return False


def _token(place: Place) -> str:
    run = place.live("run")
    run.adapter.get("/v1/auth/token/lookup-self")
    run.adapter.post("/v1/auth/token/renew-self", json={})
    asked = f"{place.settings.secrets_mount}/data/{KEY}"
    held = run.client.sys.get_capabilities([asked]).data.get(asked)
    _expect(sorted(held or ()) == ["create", "update"], f"the capabilities on a key are {held}")
    return ""


def _consistency(place: Place) -> str:
    place.admin.now()
    return place.admin.adapter.consistency


def _namespace(place: Place) -> str:
    ignored = ignores_namespaces(place.admin)
    _expect(
        not (ignored and place.settings.namespace),
        "the declared namespace is ignored: this is the root's",
    )
    return "without: namespaces are ignored; declare none" if ignored else "kept apart"


TRIALS: tuple[tuple[str, str, Callable[[Place], str]], ...] = (
    (
        "bootstrap",
        "POST sys/mounts, <kv>/config, <transit>/keys; PUT sys/policies; POST auth/token/roles",
        _make,
    ),
    ("documents", "POST, GET <kv>/data with cas", _documents),
    ("deletion", "LIST, DELETE <kv>/metadata", _deletion),
    ("secrets", "POST <kv>/data with cas, create and update alone", _secrets),
    ("subkeys", "GET <kv>/subkeys", _subkeys),
    ("metadata", "POST <kv>/destroy; GET, POST <kv>/metadata", _metadata),
    ("listing", "LIST <kv>/detailed-metadata, <kv>/metadata", _listing),
    ("who reads what", "GET <kv>/data, plain and wrapped, by role", _values),
    ("key pairs", "POST, GET, DELETE <transit>/keys; POST <transit>/sign", _key_pairs),
    ("evidence log", "GET <transit>/keys; POST <transit>/sign with key_version", _log),
    ("token", "auth/token/lookup-self, renew-self; sys/capabilities-self", _token),
    ("reads after writes", "X-Vault-Index, X-Vault-Inconsistent", _consistency),
    ("namespaces", "X-Vault-Namespace", _namespace),
)


def _product(live: Live) -> str:
    try:
        health = live.adapter.get(
            "/v1/sys/health", params={"standbyok": "true", "perfstandbyok": "true"}
        ).body
    except VaultError:
        return "unknown"
    name = "Vault" if "enterprise" in health else "OpenBao or Vault"
    edition = " Enterprise" if health.get("enterprise") is True else ""
    return f"{name}{edition} {errors.printable(str(health.get('version', 'unknown')), 40)}"
