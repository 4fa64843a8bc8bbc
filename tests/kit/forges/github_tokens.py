"""Tokens as GitHub's jobs get them, signed by a key of ours, and the issuer that publishes that key
on loopback."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.kit.programs.loopback import Seen, loopback, reply

REPOSITORY, REPOSITORY_ID = "acme/integrations", "4711"
# The bearer token that a job shows for a token of its own; a canary too.
REQUEST_TOKEN = "RequestTokenThatMustNeverShow"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Issuer:
    """``address`` is the issuer; ``claims`` what a token says that a job asks for over HTTP,
    ``issued`` all those."""

    address: str
    key: rsa.RSAPrivateKey
    claims: dict[str, Any]
    issued: list[str]

    def token(
        self, claims: Mapping[str, Any], key: rsa.RSAPrivateKey | None = None, **header: Any
    ) -> str:
        parts = ({"typ": "JWT", "alg": "RS256", "kid": "one", **header}, claims)
        signed = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        if header.get("alg") == "none":
            return f"{signed}."
        return f"{signed}.{encoded((key or self.key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    @property
    def request_url(self) -> str:
        """What ``ACTIONS_ID_TOKEN_REQUEST_URL`` looks like: it has a query already."""
        return f"{self.address}/idtoken?api-version=2.0"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@contextmanager
def issuing(now: int) -> Iterator[Issuer]:
    """Publish a new key as an issuer does, and hand out tokens that are valid around ``now``
    (seconds since 1970)."""
    key = new_key()
    numbers = key.public_key().public_numbers()
    jwk = {
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "e": "AQAB",
        "n": encoded(numbers.n.to_bytes(256, "big")),
    }  # fmt: skip

    def answer(seen: Seen) -> bytes:
        path = urlsplit(seen.target).path
        if path == "/.well-known/openid-configuration":
            return reply(
                200, json.dumps({"issuer": issuer.address, "jwks_uri": f"{issuer.address}/keys"})
            )
        if path == "/keys":
            return reply(200, json.dumps({"keys": [jwk]}))
        if path == "/idtoken" and seen.headers.get("authorization") == f"bearer {REQUEST_TOKEN}":
            [audience] = parse_qs(urlsplit(seen.target).query)["audience"]
            times = {"iss": issuer.address, "iat": now, "nbf": now - 60, "exp": now + 600}
            issuer.issued.append(issuer.token({**times, **issuer.claims, "aud": audience}))
            return reply(200, json.dumps({"count": 1, "value": issuer.issued[-1]}))
        return reply(404)

    with loopback(answer) as served:
        issuer = Issuer(served.address, key, {}, [])
        yield issuer


def claims_of(issuer: str, now: int, environment: str) -> dict[str, Any]:
    """All claims of a job that applies ``main`` after a push, as GitHub's documentation shows
    them."""
    ref, workflow = "refs/heads/main", f"{REPOSITORY}/.github/workflows/reconciler-apply.yml"
    return {
        "jti": "example-id", "sub": f"repo:{REPOSITORY}:environment:{environment}",
        "aud": f"integrations-{environment}", "environment": environment, "ref": ref, "sha": "a" * 40,
        "repository": REPOSITORY,
        "repository_owner": "acme", "repository_owner_id": "65", "repository_id": REPOSITORY_ID,
        "repository_visibility": "private", "run_id": "123", "run_number": "7", "run_attempt": "1", "actor": "ada",
        "actor_id": "12", "workflow": "apply", "head_ref": "", "base_ref": "", "event_name": "push",
        "ref_protected": "true", "ref_type": "branch", "workflow_ref": f"{workflow}@{ref}", "workflow_sha": "a" * 40,
        "job_workflow_ref": f"{workflow}@{ref}", "job_workflow_sha": "a" * 40,
        "runner_environment": "github-hosted", "iss": issuer, "iat": now, "nbf": now - 60, "exp": now + 600,
    }  # fmt: skip
