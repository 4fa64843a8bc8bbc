"""Which credential a use case may use: the one it was given, or none but those of its variables."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.errors import UsageError

_TOKENS = re.compile(r"(?:BAO|VAULT)_TOKEN(?:_.*)?")
_ADDRESSES = re.compile(r"(?:BAO|VAULT)_ADDR(?:_.*)?")


def with_credentials(
    environ: Mapping[str, str],
    token: str | None,
    address: str | None,
) -> Mapping[str, str]:
    """A copy of ``environ`` in which ``token`` and ``address``, where they are given, stand instead
    of every variable that would say another one.

    Raises ``UsageError`` RC081 for an empty one, which would let another be found.

    >>> with_credentials({"BAO_TOKEN_STAGING": "old", "HOME": "/"}, "hvs.new", address=None)
    {'HOME': '/', 'VAULT_TOKEN': 'hvs.new'}
    """
    found = dict(environ)
    for name, value, others in (("TOKEN", token, _TOKENS), ("ADDR", address, _ADDRESSES)):
        if value is None:
            continue
        if not value:
            what = "token" if name == "TOKEN" else "address"
            message = f"the {what} is empty"
            raise UsageError("RC081", message, f"pass a {what}, or None to have it looked for")
        found = {one: text for one, text in found.items() if not others.fullmatch(one)}
        found[f"VAULT_{name}"] = value
    return found
