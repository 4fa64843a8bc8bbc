"""``doctor``: what is wrong with the way to Vault, the server, the token, the mounts.

Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.http.paths import SIGNING_KEY
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.meta import mount_kind, read_meta
from reconciler.adapters.vault.setup.mounts import (
    REGISTRY_CONFIG,
    SECRETS_CONFIG,
    differences,
    read_config,
)
from reconciler.adapters.vault.setup.namespaces import require_namespaces
from reconciler.adapters.vault.setup.policies import capable, policy_drift
from reconciler.app.setup.check import Check
from reconciler.app.setup.log import check_log, check_signing_key
from reconciler.domain.kinds.credentials import KEY, Reader, list_kinds, list_kinds_read_by
from reconciler.domain.values.canonical import JsonObject, iso
from reconciler.domain.values.hosts import is_loopback
from reconciler.engine.look.records import read_applied_commit, survey
from reconciler.errors import RegistryError, TokenInvalid, VaultDenied, VaultError
from reconciler.registry.codec.run_codec import decode_lease
from reconciler.registry.protocol.applied import NAME as APPLIED
from reconciler.registry.requests import ReadDocument, StoredDocument

CLOCK_TOLERANCE = timedelta(seconds=30)
SHORT_TTL = 300  # seconds; a token for less may end within a run
# Cannot be the name of a secret (names never begin with "-"), but every pattern of the policies
# covers it.
_PROBE = "--doctor--"


def examine(
    live: Live,
    project: str,
    environment: str,
    clock: Callable[[], datetime] | None = None,
) -> list[Check]:
    """All checks in the order in which a person would make them; those that cannot be made any more
    are left out.

    Never raises ``VaultError``. ``clock`` is this machine's clock, compared with the server's.
    """
    checks = list(_server(live, clock or (lambda: datetime.now(UTC))))
    if any(check.result == "fail" for check in checks):
        return checks
    try:
        for name, check in (
            ("token", lambda: _token(live)),
            ("namespace", lambda: _namespace(live)),
            ("capabilities", lambda: list(_capabilities(live))),
            ("key values", lambda: [_key_values(live)]),
            ("mounts", lambda: list(_mounts(live))),
            ("registry", lambda: list(_registry(live, project, environment))),
            ("signing key", lambda: [check_signing_key(live)]),
            ("evidence log", lambda: [check_log(live, project, environment)]),
            ("policies", lambda: [_policies(live, environment)]),
            ("lease", lambda: [_lease(live)]),
        ):
            checks += _attempt(name, check)
            if name == "token" and checks[-1].result == "fail":
                break
    except TokenInvalid as error:  # nothing that follows could be asked
        checks.append(Check("token", "fail", error.message, error.remedy))
    return checks


def _attempt(name: str, check: Callable[[], list[Check]]) -> list[Check]:
    try:
        return check()
    except TokenInvalid:
        raise
    except VaultError as error:
        # What the token may not look at is not known, which is not the same as wrong.
        return [
            Check(
                name, "warn" if error.code == errors.DENIED else "fail", error.message, error.remedy
            )
        ]


def _server(live: Live, clock: Callable[[], datetime]) -> Iterator[Check]:
    address = live.settings.address
    params = {
        "standbyok": "true",
        "perfstandbyok": "true",
        "sealedcode": "200",
        "uninitcode": "200",
    }
    try:
        answer = live.adapter.get("/v1/sys/health", params=params)
    except VaultError as error:
        yield Check("server", "fail", error.message, error.remedy)
        return
    health = answer.body
    if not all(isinstance(health.get(name), bool) for name in ("initialized", "sealed")):
        stranger = errors.unusable(answer.where, "it does not report the health of Vault")
        yield Check("server", "fail", stranger.message, stranger.remedy)
        return
    yield Check("server", "ok", f"{address} answers: {_product(health)}")
    yield _transport(address)
    yield _clock(answer.at, clock())
    if health.get("initialized") is not True:
        remedy = "run `bao operator init`, or `reconciler dev`"
        yield Check("initialised", "fail", "the server is not initialised", remedy)
    elif health.get("sealed") is not False:
        yield Check(
            "unsealed",
            "fail",
            "the server is sealed",
            "run `bao operator unseal` or `vault operator unseal`",
        )
    else:
        yield Check("unsealed", "ok", "the server is initialised and unsealed")
        standby = health.get("standby") or health.get("performance_standby")
        if standby:
            sentence = "this node is a standby: it may redirect, which is refused"
            yield Check("active", "warn", sentence, "use the active node")
        else:
            yield Check("active", "ok", "this node is active")


def _product(health: JsonObject) -> str:
    version = errors.printable(str(health.get("version", "unknown")), 40)
    # Vault tells of its enterprise edition in health, OpenBao has no such field (API documentation
    # of sys/health).
    name = "Vault" if "enterprise" in health else "OpenBao or Vault"
    return f"{name} {version}"


def _transport(address: str) -> Check:
    if urlsplit(address).scheme == "https":
        return Check("tls", "ok", "TLS, the certificate is trusted and names the host")
    if is_loopback(address):
        return Check("tls", "ok", "no TLS, on loopback only")
    return Check(
        "tls",
        "warn",
        f"{address} is not TLS: tokens and secrets travel readable",
        "use an https:// address",
    )


def _clock(server: datetime, here: datetime) -> Check:
    seconds = round((here - server).total_seconds())
    sentence = (
        f"this machine's clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} the"
        " server's"
    )
    if timedelta(seconds=abs(seconds)) > CLOCK_TOLERANCE:
        remedy = (
            "the server's time decides what is due; set this machine's clock for webhook timestamps"
            " and TLS"
        )
        return Check("clock", "warn", sentence, remedy)
    return Check("clock", "ok", sentence)


def _token(live: Live) -> list[Check]:
    data = live.adapter.get("/v1/auth/token/lookup-self").data
    policies = sorted({*(data.get("policies") or ()), *(data.get("identity_policies") or ())})
    names = ", ".join(errors.printable(str(name), 80) for name in policies) or "none"
    ttl = data.get("ttl")
    life = f"{_round_seconds(ttl)} left" if isinstance(ttl, int) and ttl else "it does not expire"
    sentence = f"the token is valid, {life}; policies: {names}"
    if "root" in policies:
        remedy = "use it for bootstrap only; plan with the planner role, apply with the run role"
        return [Check("token", "warn", sentence, remedy)]
    uses = data.get("num_uses")
    if isinstance(uses, int) and uses:
        sentence += f"; it is good for {max(uses, 0)} more requests"
        remedy = (
            "a run makes many requests: use a token without a limit of uses (token_num_uses,"
            " -use-limit)"
        )
        return [Check("token", "warn", sentence, remedy)]
    if isinstance(ttl, int) and 0 < ttl < SHORT_TTL:
        return [Check("token", "warn", sentence, "log in again: a run may need longer")]
    return [Check("token", "ok", sentence)]


def _namespace(live: Live) -> list[Check]:
    """Nothing to say about where none is declared."""
    namespace = live.settings.namespace
    if not namespace:
        return []
    require_namespaces(live)
    return [
        Check(
            "namespace",
            "ok",
            f"the server keeps the namespace {errors.printable(namespace, 80)} apart",
        )
    ]


def _round_seconds(seconds: int) -> str:
    """In the largest unit of which there are two, such as ``32 days`` or ``90 s``."""
    units = ((86400, "days"), (3600, "hours"), (60, "minutes"), (1, "s"))
    size, unit = next((one for one in units if seconds >= 2 * one[0]), units[-1])
    return f"{seconds // size} {unit}"


def _needs(live: Live) -> dict[str, dict[str, tuple[str, ...]]]:
    """What a role needs on representative paths."""
    registry, secrets, transit = (
        live.settings.registry_mount,
        live.settings.secrets_mount,
        live.settings.transit_mount,
    )
    plan: dict[str, tuple[str, ...]] = {
        f"{registry}/data/meta": ("read",),
        f"{registry}/data/buckets/00": ("read",),
        f"{registry}/metadata/runs/": ("list",),
        f"{secrets}/metadata/{KEY.folder}/": ("list",),
        f"{secrets}/subkeys/{KEY.folder}/{_PROBE}": ("read",),
    }
    apply: dict[str, tuple[str, ...]] = {
        f"{registry}/data/buckets/00": ("read", "create", "update"),
        f"{registry}/data/lease": ("create", "update"),
        **{f"{secrets}/data/{kind.folder}/{_PROBE}": ("create", "update") for kind in list_kinds()},
        f"{secrets}/destroy/{KEY.folder}/{_PROBE}": ("update",),
        f"{transit}/sign/{SIGNING_KEY}": ("update",),
        f"{transit}/keys/webhook.{_PROBE}": ("create", "read", "update", "delete"),
    }
    deliver: dict[str, tuple[str, ...]] = {
        **{
            f"{secrets}/data/{kind.folder}/{_PROBE}": ("read",)
            for kind in list_kinds_read_by(Reader.DELIVERER)
        },
        f"{transit}/sign/webhook.{_PROBE}": ("update",),
    }
    return {"plan": plan, "apply": apply, "deliver": deliver}


def _capabilities(live: Live) -> Iterator[Check]:
    needs = _needs(live)
    asked = sorted({path for paths in needs.values() for path in paths})
    found = live.client.sys.get_capabilities(asked).body
    held: JsonObject = found.get("data") if isinstance(found.get("data"), dict) else found
    roles = {"plan": "planner", "apply": "applier", "deliver": "deliverer"}
    for ability, paths in needs.items():
        lacking = [
            path for path, needed in paths.items() if not capable(held.get(path) or (), *needed)
        ]
        if lacking:
            sentence = f"this token cannot {ability}: it lacks a capability on {lacking[0]}"
            yield Check(
                f"can {ability}", "warn", sentence, f"a token with the {roles[ability]} role can"
            )
        else:
            yield Check(f"can {ability}", "ok", f"this token can {ability}")


def _key_values(live: Live) -> Check:
    """Reads a path that cannot hold a secret: capabilities do not tell whether only wrapped reads
    are allowed."""
    try:
        live.adapter.get(f"/v1/{live.settings.secrets_mount}/data/{KEY.folder}/{_PROBE}")
    except VaultDenied:
        return Check("key values", "ok", "this token is refused every key value")
    except StatusError as error:
        if error.status != 404:
            raise
    remedy = (
        "plan and apply need no such token: use the planner role, or the run role (applier and"
        " deliverer)"
    )
    return Check("key values", "warn", "this token can read the values of keys", remedy)


def _mounts(live: Live) -> Iterator[Check]:
    settings = live.settings
    for mount, wanted in (
        (settings.registry_mount, REGISTRY_CONFIG),
        (settings.secrets_mount, SECRETS_CONFIG),
    ):
        name, kind = f"mount {mount}", mount_kind(live, mount)
        if kind != "KV v2":
            found = (
                "is missing, or this token may not see it"
                if kind is None
                else f"is {kind}, not KV v2"
            )
            yield Check(
                name,
                "fail",
                f"{mount}/ {found}",
                "check vault.mounts, then run `reconciler bootstrap`",
            )
            continue
        yield from _attempt(name, partial(_mount_checks, live, mount, wanted))


def _mount_checks(
    live: Live,
    mount: str,
    wanted: JsonObject,
) -> list[Check]:
    return [_mount_config(live, mount, wanted)]


def _mount_config(
    live: Live,
    mount: str,
    wanted: JsonObject,
) -> Check:
    differing = list(differences(read_config(live, mount), wanted))
    if differing:
        return Check(
            f"mount {mount}",
            "fail",
            f"{mount}/: {'; '.join(differing)}",
            "run `reconciler bootstrap`",
        )
    return Check(f"mount {mount}", "ok", f"{mount}/ is KV v2 and requires check-and-set")


def _registry(
    live: Live,
    project: str,
    environment: str,
) -> Iterator[Check]:
    """Whose it is, and every document in it that cannot be read or lies in the wrong place."""
    meta = read_meta(live, project, environment)
    found = survey(live, project, meta.buckets)
    yield Check(
        "registry",
        "ok",
        f"the registry belongs to {project}/{environment} and has {meta.buckets} buckets",
    )
    for name, error in found.unreadable.items():
        if name != "lease":  # has a check of its own
            yield Check(name, "fail", error.message, error.remedy)
    try:
        read_applied_commit(live)
    except (RegistryError, VaultDenied) as error:
        yield Check(APPLIED, "fail", error.message, error.remedy)
    for client, bucket in sorted(found.misplaced.items()):
        sentence = f"a record of {client} lies in buckets/{bucket}, where nobody looks for it"
        yield Check(
            f"buckets/{bucket}", "fail", sentence, "`reconciler plan` says where it belongs"
        )


def _policies(live: Live, environment: str) -> Check:
    edited = policy_drift(live, environment)
    if edited:
        sentence = f"policies that differ from what bootstrap writes: {', '.join(edited)}"
        remedy = (
            "check vault.mounts, which they name; find out who changed them, then run `reconciler"
            " bootstrap`"
        )
        return Check("policies", "fail", sentence, remedy)
    return Check("policies", "ok", "no policy that this token may read was edited")


def _lease(live: Live) -> Check:
    document = live.answer(ReadDocument("lease"))
    assert isinstance(document, StoredDocument)  # what ReadDocument is answered with
    try:
        lease = decode_lease(document.text) if document.text is not None else None
    except RegistryError as error:
        if error.code == "RC443":
            return Check(
                "lease",
                "warn",
                "the lease document was written by hand",
                "the next apply replaces it",
            )
        return Check("lease", "fail", error.message, error.remedy)
    if lease is not None and lease.until > document.at and lease.holder:
        holder = errors.printable(lease.holder, 120)
        return Check(
            "lease",
            "ok",
            f"the lease is held by {holder} until {iso(lease.until)}: an apply waits for it",
        )
    return Check("lease", "ok", "nobody holds the lease")
