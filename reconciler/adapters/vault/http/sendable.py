"""What may be sent: text that fits into a header or a request line, and shows no secret in a
message."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from reconciler.adapters.vault.http import errors
from reconciler.errors import VaultError


def check_credential(text: str, what: str) -> str:
    """``text`` if it may stand in a header: printable ASCII without blanks.

    Raises RC406, which does not echo it.
    """
    if re.fullmatch(r"[\x21-\x7e]{1,65536}", text):
        return text
    raise VaultError(
        errors.MALFORMED_CREDENTIAL,
        f"the {what} is malformed: it is empty or holds blanks, line breaks or other characters"
        " that cannot be sent",
        "set it anew; a line break at its end comes from `echo` (use `printf %s`) or from a file",
    )


def check_header(text: str, what: str) -> str:
    if re.fullmatch(r"[\x21-\x7e]{1,512}", text):
        return text
    raise VaultError(
        errors.SETTINGS_UNUSABLE, f"{what} holds blanks or control characters", f"correct {what}"
    )


def check_address(address: str) -> str:
    """``http(s)://host[:port][/prefix]`` without a slash at its end.

    Raises ``VaultError`` RC416.
    """
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    # User names and queries would end up in messages; other characters in the request line.
    if good and re.fullmatch(r"[\x21-\x7e]+", address) and not re.search(r"[@?#\\]", address):
        return address.rstrip("/")
    raise VaultError(
        errors.SETTINGS_UNUSABLE,
        "the address of Vault is not a URL of the form https://host:port",
        "correct vault.address of the environment (or VAULT_ADDR); it must not hold credentials",
    )
