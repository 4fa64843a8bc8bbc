"""Which server may be sent a credential: one that a person accepted, and never one that a checkout
names by itself.

``VAULT_ADDR`` in the environment is such a consent. For addresses of ``reconciler.yaml`` it is a
file in the user's own configuration, one scheme, host and port a line.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.adapters.system.ci_job import is_ci_job
from reconciler.adapters.system.new_files import replace_file
from reconciler.adapters.vault.http.sendable import check_address
from reconciler.adapters.vault.settings import in_capitals, settings_with_environment, variable
from reconciler.domain.declared.desired import VaultSettings
from reconciler.domain.values.hosts import is_loopback
from reconciler.errors import VaultError

_PORTS = {"http": 80, "https": 443}
ADDRESS_NOT_ACCEPTED = "RC070"
ADDRESSES_DIFFER = "RC071"
CONSENT_UNUSABLE = "RC072"
PLAIN_HTTP = "RC073"
_HEAD = (
    "# Servers of Vault or OpenBao that may be sent your credentials: reconciler trust ADDRESS\n"
)


def origin(address: str) -> str:
    """Scheme, host and port, in one spelling.

    Raises ``VaultError`` RC416 for what is no address.
    """
    parts = urlsplit(check_address(address))
    host = (parts.hostname or "").rstrip(".")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{parts.port or _PORTS[parts.scheme]}"


def find_unaccepted(declared: VaultSettings, environ: Mapping[str, str]) -> str | None:
    """The origin that a credential would go to and that nobody accepted yet; None when all is well.

    Raises ``VaultError``: RC071 in a job of CI whose variable and declaration differ, RC072 when
    the file of accepted addresses cannot be trusted, RC073 for plain http that leaves this machine.
    """
    used = settings_with_environment(declared, environ).address
    where = origin(used)
    if where.startswith("http:") and not is_loopback(used) and not declared.plain_http:
        raise readable_on_the_way(where, declared.environment)
    if variable(environ, "ADDR", declared.environment) is None:
        return None if where in read_accepted(environ) else where
    if is_ci_job(environ) and check_address(used) != check_address(declared.address):
        raise addresses_differ(where, origin(declared.address), declared.environment)
    return None


def read_accepted(environ: Mapping[str, str]) -> frozenset[str]:
    """What the user's file holds; nothing when there is none. Raises ``VaultError`` RC072."""
    file = consent_file(environ)
    try:
        with file.open(encoding="utf-8") as opened:
            status = os.fstat(opened.fileno())
            if status.st_uid not in _ourselves(environ) or stat.S_IMODE(status.st_mode) & 0o077:
                raise consent_unusable(
                    file, "it belongs to somebody else, or others may read or write it"
                )
            lines = opened.read().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except (OSError, UnicodeError) as error:
        raise consent_unusable(file, _why(error)) from None
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def accept(address: str, environ: Mapping[str, str]) -> bool:
    """Put ``address`` on record; False when it was there. Raises ``VaultError`` RC072 and RC416."""
    before = read_accepted(environ)
    _write(environ, {*before, origin(address)})
    return origin(address) not in before


def forget(address: str, environ: Mapping[str, str]) -> bool:
    """Take ``address`` off; False when it was not there. Raises ``VaultError`` RC072 and RC416."""
    before = read_accepted(environ)
    if origin(address) not in before:
        return False
    _write(environ, before - {origin(address)})
    return True


def consent_file(environ: Mapping[str, str]) -> Path:
    """``reconciler/addresses`` in the user's configuration (XDG Base Directory Specification)."""
    declared = environ.get("XDG_CONFIG_HOME", "")
    home = environ.get("HOME") or str(Path.home())
    folder = Path(declared) if Path(declared).is_absolute() else Path(home) / ".config"
    return folder / "reconciler" / "addresses"


def _write(environ: Mapping[str, str], origins: Iterable[str]) -> None:
    file = consent_file(environ)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(file, _HEAD + "".join(f"{one}\n" for one in sorted(origins)), 0o600)
    except OSError as error:
        raise consent_unusable(file, _why(error)) from None


def _ourselves(environ: Mapping[str, str]) -> tuple[int, ...]:
    """The users whose file counts: ours, and under sudo that of who asked for it."""
    user, asked = os.geteuid(), environ.get("SUDO_UID", "")
    return (user, int(asked)) if user == 0 and asked.isascii() and asked.isdigit() else (user,)


def _why(error: Exception) -> str:
    return (
        (error.strerror or type(error).__name__)
        if isinstance(error, OSError)
        else "it is not UTF-8 text"
    )


def address_not_accepted(origin: str, environment: str) -> VaultError:
    return VaultError(
        ADDRESS_NOT_ACCEPTED,
        f"reconciler.yaml names {origin} for {environment}, and nobody accepted that address on"
        " this machine: your credential would go there",
        f"if it is your server, run `reconciler trust {origin}` or set VAULT_ADDR (in CI: a"
        " variable of the job)",
    )


def addresses_differ(used: str, declared: str, environment: str) -> VaultError:
    return VaultError(
        ADDRESSES_DIFFER,
        f"VAULT_ADDR is {used} and reconciler.yaml names {declared} for {environment}: in a job of"
        " CI both must be the same",
        "correct the one that is wrong; for an environment on another server set "
        f"VAULT_ADDR_{in_capitals(environment)}",
    )


def consent_unusable(file: Path, why: str) -> VaultError:
    return VaultError(
        CONSENT_UNUSABLE,
        f"the file of accepted addresses {file} cannot be used: {why}",
        f"check what it lists; if that is right, `chown` it to yourself and `chmod 600 {file}`",
    )


def readable_on_the_way(origin: str, environment: str) -> VaultError:
    return VaultError(
        PLAIN_HTTP,
        f"{origin} is plain http and not this machine: anybody on the way could read tokens and"
        " secrets",
        f"use https://, or declare `plainHttp: true` below vault of {environment} where the network"
        " is encrypted",
    )
