"""What the process environment says about Vault: address, namespace, CA certificate,
credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.sendable import check_credential
from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import VaultSettings
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import VaultError

# What a person does first, whatever method the jobs of CI have.
_BY_HAND = (
    'set VAULT_TOKEN to a token of yours (for `reconciler dev`: `eval "$(reconciler dev'
    ' --exports)"`)'
)
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"


@dataclass(frozen=True, slots=True)
class Login:
    """How to get a token: the auth mount's ``login`` endpoint is sent ``public`` and the revealed
    ``secret`` fields."""

    method: str
    mount: str
    public: Mapping[str, str] = field(default_factory=dict)
    secret: Mapping[str, Secret] = field(default_factory=dict)


def settings_with_environment(settings: VaultSettings, environ: Mapping[str, str]) -> VaultSettings:
    """``settings`` with VAULT_ADDR, VAULT_NAMESPACE and VAULT_CACERT applied; their BAO_ twins win
    over them."""
    place = settings.environment
    return replace(
        settings,
        address=variable(environ, "ADDR", place) or settings.address,
        namespace=variable(environ, "NAMESPACE", place) or settings.namespace,
        ca_cert=variable(environ, "CACERT", place) or settings.ca_cert,
    )


def variable(environ: Mapping[str, str], name: str, environment: str) -> str | None:
    """``BAO_<name>``, else ``VAULT_<name>``; an empty one counts as not set.

    With the environment at its end, such as ``VAULT_TOKEN_STAGING``, a variable counts for that one
    alone and comes first: a run for production that looks at staging may need two tokens, or two
    servers.
    """
    own = f"{name}_{in_capitals(environment)}"
    found = (environ.get(f"{prefix}_{text}") for text in (own, name) for prefix in ("BAO", "VAULT"))
    return next(filter(None, found), None)


def find_credential(settings: VaultSettings, environ: Mapping[str, str]) -> Secret | Login:
    """The token to use as it is, or how to log in.

    A token in the environment is used whatever the method; ``~/.vault-token`` only for the method
    ``token``. Raises ``VaultError`` RC406 (malformed) and RC407 (none found).
    """
    token = variable(environ, "TOKEN", settings.environment)
    if token is not None:
        return Secret(check_credential(token, "token of VAULT_TOKEN or BAO_TOKEN"))
    auth = settings.auth
    if auth.method == "token":
        return _token_file(settings, environ)
    mount = auth.mount or auth.method
    if auth.method == "approle":
        declared = (
            Secret(check_credential(auth.role, "role id of vault.auth.role")) if auth.role else None
        )
        role_id = declared or _require(environ, "ROLE_ID", settings)
        secret_id = _require(environ, "SECRET_ID", settings)
        return Login("approle", mount, {}, {"role_id": role_id, "secret_id": secret_id})
    if auth.method not in ("jwt", "kubernetes"):
        raise VaultError(
            errors.SETTINGS_UNUSABLE,
            f"{errors.printable(auth.method, 40)!r} is not a method of logging in",
            "set vault.auth.method to token, approle, jwt or kubernetes",
        )
    role = variable(environ, "ROLE", settings.environment) or auth.role
    if not role:
        raise _no_credential(
            f"VAULT_TOKEN is not set, and the method {auth.method} needs a role",
            f"{_BY_HAND}; for the method {auth.method} set vault.auth.role of the environment, or"
            " VAULT_ROLE",
        )
    return Login(auth.method, mount, {"role": role}, {"jwt": _jwt(environ, settings)})


def _token_file(settings: VaultSettings, environ: Mapping[str, str]) -> Secret:
    home = environ.get("HOME")
    if home:
        text = _read(Path(home) / ".vault-token")
        if text:
            return Secret(check_credential(text, "token of ~/.vault-token"))
    raise _no_credential(
        f"there is no token for {settings.address}: VAULT_TOKEN is not set, and there is no"
        " ~/.vault-token",
        f"{_BY_HAND}, or run `bao login` or `vault login`",
    )


def _jwt(environ: Mapping[str, str], settings: VaultSettings) -> Secret:
    method = settings.auth.method
    text = variable(environ, "JWT", settings.environment)
    file = variable(environ, "JWT_FILE", settings.environment) or (
        SERVICE_ACCOUNT if method == "kubernetes" else None
    )
    if text is None and file is not None:
        text = _read(Path(file))
    if text:
        return Secret(check_credential(text, f"JWT of the method {method}"))
    raise _no_credential(
        f"VAULT_TOKEN is not set, and the method {method} finds no JWT"
        + (f" in {file}" if file else ""),
        f"{_BY_HAND}; in a job of CI set VAULT_JWT, or VAULT_JWT_FILE to the file that holds it",
    )


def _require(environ: Mapping[str, str], name: str, settings: VaultSettings) -> Secret:
    text = variable(environ, name, settings.environment)
    if text is None:
        raise _no_credential(
            f"VAULT_TOKEN is not set, and the method {settings.auth.method} needs VAULT_{name}",
            f"{_BY_HAND}; for the method {settings.auth.method} set VAULT_{name} or BAO_{name}",
        )
    return Secret(check_credential(text, f"value of VAULT_{name}"))


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except UnicodeError:
        return "\0"  # malformed: refused by the check, unread
    except OSError as error:
        why = error.strerror or type(error).__name__
    raise _no_credential(f"{file} cannot be read: {why}", "make it readable for this user")


def _no_credential(what: str, remedy: str) -> VaultError:
    return VaultError(errors.NO_CREDENTIAL, f"no credential for Vault: {what}", remedy)


def in_capitals(environment: str) -> str:
    """The name of an environment at the end of a variable's."""
    return environment.upper().replace("-", "_")
