"""Every request that the reconciler may make, as HashiCorp Vault documents it.

The table is made from the API documentation and the OpenAPI description of Vault 1.15: method,
path, the fields that its body may have, and the statuses that such a request may be answered with.
What OpenBao alone has is not in it, but for ``detailed-metadata``, which Vault answers with 404.

``{registry}``, ``{secrets}``, ``{transit}`` are the mounts; ``{…}`` of any other name is one part
of a path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

Fields = frozenset[str]
ROLE_FIELDS = frozenset(
    {
        "role_type", "user_claim", "bound_audiences", "bound_claims_type", "bound_claims", "claim_mappings",
        "token_policies", "token_no_default_policy", "token_ttl", "token_max_ttl", "token_type",
    }
)  # fmt: skip
NONE: Fields = frozenset()


@dataclass(frozen=True)
class Row:
    """``query``: the parameters it may have.

    ``statuses``: besides 403 and those that any request may get.
    """

    method: str
    path: str
    body: Fields = NONE
    query: Fields = NONE
    statuses: frozenset[int] = frozenset({200})


def row(method: str, path: str, body: str = "", query: str = "", statuses: str = "200") -> Row:
    """The same from words."""
    numbers = frozenset(int(word) for word in statuses.split())
    return Row(method, path, frozenset(body.split()), frozenset(query.split()), numbers)


# /api-docs/secret/kv/kv-v2
KEY_VALUE = tuple(
    one
    for mount in ("registry", "secrets")
    for one in (
        row("GET", f"{{{mount}}}/config", statuses="200 400"),  # 400: the mount is being upgraded
        row(
            "POST",
            f"{{{mount}}}/config",
            "max_versions cas_required delete_version_after",
            statuses="200 204",
        ),
        row("GET", f"{{{mount}}}/data/{{path*}}", query="version", statuses="200 404"),
        row("POST", f"{{{mount}}}/data/{{path*}}", "data options", statuses="200 204 400"),
        row("LIST", f"{{{mount}}}/metadata", statuses="200 404"),
        row("LIST", f"{{{mount}}}/metadata/{{path*}}", statuses="200 404"),
        row("GET", f"{{{mount}}}/metadata/{{path*}}", statuses="200 404"),
        row("DELETE", f"{{{mount}}}/metadata/{{path*}}", statuses="204"),
    )
)
SECRETS = (
    row("GET", "{secrets}/subkeys/{path*}", query="version depth", statuses="200 404"),
    row("POST", "{secrets}/destroy/{path*}", "versions", statuses="204"),
    row(
        "POST", "{secrets}/metadata/{path*}", "max_versions cas_required delete_version_after custom_metadata",
        statuses="204",
    ),
    # OpenBao's; Vault answers as to every path that it does not know.
    row("LIST", "{secrets}/detailed-metadata/{path*}", statuses="200 404"),
)  # fmt: skip
# /api-docs/secret/transit
TRANSIT = (
    row("GET", "{transit}/keys/{name}", statuses="200 404"),
    row(
        "POST",
        "{transit}/keys/{name}",
        "type exportable allow_plaintext_backup derived",
        statuses="200 204",
    ),
    row("POST", "{transit}/keys/{name}/config", "deletion_allowed", statuses="200 204 400"),
    row("DELETE", "{transit}/keys/{name}", statuses="204 400"),
    # With an ed25519 key ``prehashed`` is an error, and a hash is not asked for.
    row("POST", "{transit}/sign/{name}", "input key_version", statuses="200 400"),
)
# /api-docs/system, /api-docs/auth
SYSTEM = (
    row("GET", "sys/health", query="standbyok perfstandbyok sealedcode uninitcode", statuses="200 429 472 473 501 503"),
    row("GET", "sys/seal-status"),
    row("GET", "sys/mounts"),
    row("POST", "sys/mounts/{path*}", "type description config options local seal_wrap", statuses="204 400"),
    row("DELETE", "sys/mounts/{path*}", statuses="204 400"),
    row("GET", "sys/internal/ui/mounts/{path*}"),
    row("GET", "sys/policies/acl/{name}", statuses="200 404"),
    row("PUT", "sys/policies/acl/{name}", "policy", statuses="200 204"),
    row("DELETE", "sys/policies/acl/{name}", statuses="204"),
    row("POST", "sys/capabilities-self", "paths"),
    row("GET", "sys/auth"),
    row("POST", "sys/auth/{path*}", "type description config local seal_wrap", statuses="204 400"),
    row("GET", "auth/token/lookup-self"),
    row("POST", "auth/token/renew-self", "increment"),
    row("POST", "auth/token/revoke-self", statuses="204"),
    row("GET", "auth/token/roles/{name}", statuses="200 404"),
    row(
        "POST", "auth/token/roles/{name}", "allowed_policies orphan renewable token_no_default_policy", statuses="204"
    ),
    row("DELETE", "auth/token/roles/{name}", statuses="204"),
    row("POST", "auth/token/create/{name}", "ttl"),
    row("GET", "auth/{mount}/config", statuses="200 404"),
    row("POST", "auth/{mount}/config", "oidc_discovery_url bound_issuer", statuses="200 204 400"),
    row("GET", "auth/{mount}/role/{name}", statuses="200 404"),
    Row("POST", "auth/{mount}/role/{name}", ROLE_FIELDS, statuses=frozenset({200, 204})),
    row("POST", "auth/{mount}/login", "role jwt role_id secret_id", statuses="200 400"),
)  # fmt: skip
TABLE = KEY_VALUE + SECRETS + TRANSIT + SYSTEM
# What any request may be answered with: no capability, no token; not now.
ALWAYS = frozenset({403, 412, 429, 472, 473, 500, 502, 503, 504})
HEADERS = frozenset(
    {
        "x-vault-token", "x-vault-request", "x-vault-namespace", "x-vault-wrap-ttl", "x-vault-index",
        "x-vault-inconsistent", "x-run-id", "accept", "accept-encoding", "content-type", "user-agent", "host",
    }
)  # fmt: skip


def matching(method: str, target: str) -> tuple[Row | None, Mapping[str, str]]:
    """The row of a request, and the parts of its path by their names.

    ``LIST`` is also ``GET`` with ``list=true``.
    """
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True)
    verb = "LIST" if query.get("list") == ["true"] else method
    path = parts.path.removeprefix("/v1/").rstrip("/")
    found = ((one, _pattern(one.path).fullmatch(path)) for one in TABLE if one.method == verb)
    return next(((one, match.groupdict()) for one, match in found if match), (None, {}))


def _pattern(template: str) -> re.Pattern[str]:
    def part(match: re.Match[str]) -> str:
        name = match[1]
        if name in ("registry", "secrets", "transit"):
            return rf"(?P<{name}>(?:integrations/[^/]+|reconciler-conformance-[0-9a-f]+)/{name})"
        return rf"(?P<{name.rstrip('*')}>{'.+' if name.endswith('*') else '[^/]+'})"

    return re.compile(re.sub(r"\{([a-z]+\*?)\}", part, template))


def complaints(
    method: str, target: str, headers: Mapping[str, str], body: bytes, status: int | None
) -> Iterator[str]:
    """What is not as Vault documents it, in a sentence each. ``headers`` have names in lower case.

    ``status`` None is not judged.
    """
    found, _ = matching(method, target)
    if found is None:
        yield f"{method} {target} is not in the table"
        return
    what = f"{method} {target}"
    query = set(parse_qs(urlsplit(target).query, keep_blank_values=True)) - {"list"}
    yield from (f"{what}: the parameter {name}" for name in sorted(query - found.query))
    yield from (f"{what}: the header {name}" for name in sorted(set(headers) - HEADERS))
    content: Any = json.loads(body) if body else {}
    # hvac sends fields of a new mount that it was given no value for.
    given = {name for name, value in content.items() if value is not None}
    yield from (f"{what}: the field {name}" for name in sorted(given - found.body))
    if status is not None and status not in found.statuses | ALWAYS:
        yield f"{what}: the status {status}"
