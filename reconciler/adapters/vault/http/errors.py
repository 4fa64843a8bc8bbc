"""RC401 to RC419 and RC423 to RC427: every way in which Vault can fail us, with its remedy.

    VaultError
    ├── VaultUnreachable
    │   └── WriteUnclear     a write whose answer was lost: it may or may not have been applied
    ├── VaultDenied
    │   └── TokenInvalid
    ├── VaultUnavailable
    └── StatusError          any other status; ``live`` gives 404 and 400 their meaning

Every message names the address and the path. None holds text of a foreign exception, a token or a
value.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from reconciler.dataclass import dataclass
from reconciler.domain.secrecy import mask_secrets
from reconciler.domain.values.canonical import JsonObject
from reconciler.errors import (
    TokenInvalid,
    VaultDenied,
    VaultError,
    VaultUnavailable,
    VaultUnreachable,
)

UNREACHABLE = "RC401"
UNAVAILABLE = "RC402"
UNINITIALISED = "RC403"
DENIED = "RC404"
TOKEN_INVALID = "RC405"
MALFORMED_CREDENTIAL = "RC406"
NO_CREDENTIAL = "RC407"
MOUNT_MISSING = "RC408"
MOUNT_WRONG = "RC409"
NOT_BOOTSTRAPPED = "RC410"
FOREIGN_REGISTRY = "RC411"
REDIRECTED = "RC412"
UNUSABLE_ANSWER = "RC413"
UNEXPECTED_STATUS = "RC414"
NAME_REFUSED = "RC415"
SETTINGS_UNUSABLE = "RC416"
OVERWRITTEN = "RC417"
BUCKETS_DIFFER = "RC418"
SIGNING_KEY_WRONG = "RC419"
NO_NAMESPACE = "RC423"
NAMESPACES_IGNORED = "RC424"
AUTH_MOUNT_IN_USE = "RC425"
ISSUER_UNREACHABLE = "RC426"
DATA_LOST = "RC427"

# What OpenBao says, with status 404, below a namespace that does not exist (measured).
NAMESPACE_MISSING = "namespace not found"
# What OpenBao says, with status 400, when an issuer does not answer it or is none (measured).
DISCOVERY_FAILED = "error checking oidc discovery URL"
# KV v2, status 500: a version is on record and its data is not. The deletion of a path's metadata
# was interrupted (issue 16488 of hashicorp/vault). It stays so until the path is deleted again.
NO_VERSION_DATA = "could not find version data"
# What KV v2 says to a write whose ``cas`` is not the current version, with status 400 (measured).
CAS_MISMATCH = "check-and-set parameter did not match"


@dataclass(frozen=True, slots=True)
class Where:
    """The request an error is about, as it may be shown: no header, no body."""

    address: str
    method: str
    path: str
    role: str  # whose policy allows it: "planner", …; "administrator" for what only bootstrap does
    environment: str = "ENV"

    def __str__(self) -> str:
        return f"{self.method} {self.path} at {self.address}"

    @property
    def holds_secrets(self) -> bool:
        """Whether the request's body held a secret that a server might quote in its errors."""
        return self.method in ("POST", "PUT") and any(
            part in self.path for part in ("/data/", "/login", "sys/unseal")
        )


class StatusError(VaultError):
    """A status without a meaning of its own. ``errors`` is Vault's own list; ``data`` what came
    with it.

    ``at`` is None when the response had no usable ``Date`` header.
    """

    def __init__(
        self,
        where: Where,
        status: int,
        errors: tuple[str, ...],
        data: JsonObject,
        at: datetime | None,
    ) -> None:
        errors = tuple(map(mask_secrets, errors))
        said = f": {printable('; '.join(errors))}" if errors else ""
        super().__init__(
            UNEXPECTED_STATUS,
            f"{where} was answered with the unexpected status {status}{said}",
            with_path(
                where.address,
                "look into the server's log; `reconciler doctor` checks mounts, token and version",
            ),
        )
        self.where = where
        self.status = status
        self.errors = errors
        self.data = data
        self.at = at

    def says(self, text: str) -> bool:
        return any(text in error for error in self.errors)

    @property
    def lost_its_data(self) -> bool:
        """Whether a version is on record without its data."""
        return self.status == 500 and self.says(NO_VERSION_DATA)


class WriteUnclear(VaultUnreachable):
    """A write was sent and its answer was lost or proves nothing."""


def printable(text: str, limit: int = 300) -> str:
    """Foreign text made fit to show: one line, no control character, no secret."""
    line = " ".join("".join(c if c.isprintable() else " " for c in mask_secrets(text)).split())
    return line[:limit]


def with_path(address: str, remedy: str) -> str:
    """``remedy`` where it may be the path in the address that is wrong: below it another program
    may answer, or Vault for something else (``/v1``, ``/ui``)."""
    path = urlsplit(address).path.strip("/")
    if not path:
        return remedy
    return (
        f"take the path /{path} out of vault.address (or VAULT_ADDR), unless a proxy serves Vault"
        f" there; {remedy}"
    )


def unreachable(where: Where, why: str, remedy: str = "") -> VaultUnreachable:
    """``remedy``: empty where nothing better is known than to check all that leads to the
    server."""
    usual = (
        "check the environment's vault.address (or VAULT_ADDR), the network, and vault.caCert (or"
        " VAULT_CACERT)"
    )
    return VaultUnreachable(UNREACHABLE, f"{where}: no answer: {why}", remedy or usual)


def unclear(where: Where, why: str) -> WriteUnclear:
    return WriteUnclear(
        UNREACHABLE,
        f"{where}: it is not known whether the write was applied: {why}",
        "run the same command again: it looks at what is there and goes on from it",
    )


def unavailable(
    where: Where,
    status: int,
    errors: tuple[str, ...],
    asked: float | None = None,
    *,
    vaults: bool = True,
) -> VaultUnavailable:
    """``asked``: how many seconds the server asked to wait (``Retry-After``). ``vaults`` False: the
    answer is none of Vault's."""
    said = " ".join(errors).lower()
    if status == 429:
        why, remedy = (
            "the server limits the rate of requests",
            "wait, or raise the rate limit quota of these mounts",
        )
    elif "sealed" in said:
        why, remedy = (
            "the server is sealed",
            "unseal it: `bao operator unseal` or `vault operator unseal`",
        )
    elif status in (412, 472, 473) or "standby" in said or "active" in said:
        why = "this node is a standby, or no node is active yet"
        remedy = (
            "use the address of the active node or of a load balancer that checks /v1/sys/health"
        )
    elif not vaults:
        why = "a proxy, or another program than Vault, answers"
        remedy = "check vault.address (or VAULT_ADDR), and whether Vault runs behind that proxy"
    else:
        why, remedy = (
            "the server or a proxy before it fails",
            "look into the server's log and check its storage",
        )
    tries = "after all retries"
    if asked:
        tries += f"; it asks to wait {asked:.0f} s"
        remedy = (
            f"run the same command again after {asked:.0f} s, or {remedy.removeprefix('wait, or ')}"
        )
    return VaultUnavailable(UNAVAILABLE, f"{where}: {why} (status {status}, {tries})", remedy)


def uninitialised_error(where: Where) -> VaultUnavailable:
    return VaultUnavailable(
        UNINITIALISED,
        f"{where}: the server is not initialised",
        "initialise it: `bao operator init` or `vault operator init`; for trying things run"
        " `reconciler dev`",
    )


def denied_error(where: Where) -> VaultDenied:
    remedy = (
        "use an administrator's token: only `reconciler bootstrap` makes this request"
        if where.role == "administrator"
        else (
            f"use a token with the policy integrations-{where.environment}-{where.role}; if it has"
            f" that policy, run `reconciler bootstrap -e {where.environment}` to write its text"
            " anew"
        )
    )
    return VaultDenied(
        DENIED,
        f"{where}: permission denied: the token is valid but lacks a capability of the {where.role}"
        " role",
        remedy,
    )


def mount_unseen(where: Where, mount: str) -> VaultDenied:
    """A 403 below a mount that the token may not even see: one that is not there looks like that,
    too."""
    return VaultDenied(
        DENIED,
        f"{where}: permission denied: the token is valid and sees no mount {mount}/: there is none"
        f" of that name, or the token is not of the {where.role} role",
        f"compare {mount}/ with vault.mounts of the environment and with `bao secrets list` or"
        " `vault secrets list`; if it is right, use a token with the policy"
        f" integrations-{where.environment}-{where.role}",
    )


def token_invalid(where: Where, *, counted: bool = False) -> TokenInvalid:
    """``counted``: the token was good for a number of requests only."""
    if counted:
        return TokenInvalid(
            TOKEN_INVALID,
            f"{where}: permission denied: the token was good for a number of requests only"
            " (num_uses), and they are used up",
            "use a token without such a limit: one command makes many requests (token_num_uses of"
            " its role, or -use-limit, is 0 then)",
        )
    return TokenInvalid(
        TOKEN_INVALID,
        f"{where}: permission denied: the token is expired, revoked or unknown to this server and"
        f" namespace, or its number of requests (num_uses) is used up (a token of the {where.role}"
        " role is needed)",
        with_path(
            where.address,
            "log in again, or set VAULT_TOKEN to a token of this server; check VAULT_NAMESPACE",
        ),
    )


def redirected_error(where: Where, status: int) -> VaultError:
    return VaultError(
        REDIRECTED,
        f"{where}: the server redirects (status {status}); redirects are refused because the token"
        " would travel along",
        "set vault.address to the active node itself, or to https:// if the address is http://",
    )


def unusable(where: Where, why: str) -> VaultError:
    return VaultError(
        UNUSABLE_ANSWER,
        f"{where}: the answer is not one of Vault's: {why}",
        with_path(
            where.address,
            "check that vault.address is the API address of Vault or OpenBao and that no proxy"
            " answers",
        ),
    )


def mount_missing(where: Where, mount: str) -> VaultError:
    return VaultError(
        MOUNT_MISSING,
        f"{where}: nothing is mounted at {mount}/",
        with_path(
            where.address,
            "check vault.mounts and vault.namespace; if they are right, "
            f"run `reconciler bootstrap -e {where.environment}` with an administrator's token",
        ),
    )


def namespace_missing(where: Where, namespace: str | None) -> VaultError:
    return VaultError(
        NO_NAMESPACE,
        f"{where}: the server has no namespace {printable(namespace or 'root', 80)}",
        "correct vault.namespace of the environment (or VAULT_NAMESPACE), or have an administrator"
        " create it: `bao namespace create` or `vault namespace create`",
    )


def namespaces_ignored(address: str, namespace: str) -> VaultError:
    shown = printable(namespace, 80)
    return VaultError(
        NAMESPACES_IGNORED,
        f"the server at {address} ignores namespaces: it answers in {shown} and in one that does"
        " not exist alike, so everything would lie in its root (the community edition of HashiCorp"
        " Vault has no namespaces)",
        "take vault.namespace out of the environment (and VAULT_NAMESPACE), or use a server that"
        " has namespaces",
    )


def data_lost(where: Where) -> VaultError:
    return VaultError(
        DATA_LOST,
        f"{where}: the server has a version of this document on record, but not its data: the"
        " deletion of its metadata was interrupted",
        "restore the document from a backup of the server; find out who deleted it: reconciler"
        " never deletes this one",
    )


def mount_wrong(
    address: str,
    mount: str,
    found: str,
    needed: str,
) -> VaultError:
    return VaultError(
        MOUNT_WRONG,
        f"the mount {mount}/ at {address} is {found}, but {needed} is needed; nothing was changed",
        "set vault.mounts of the environment to other names; an existing mount is never converted"
        " or removed",
    )
