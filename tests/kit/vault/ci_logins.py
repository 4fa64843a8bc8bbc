"""Logging in with the identity tokens of a CI platform, on a real server that admits its jobs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

import pytest

from reconciler.adapters.openbao.server import RunningServer
from reconciler.adapters.vault.auth import connect
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.ci_platforms import POLICIES
from reconciler.domain.declared.desired import AuthSettings
from reconciler.errors import TokenInvalid
from tests.kit.forges.github_tokens import Issuer, issuing
from tests.kit.vault.places import HASTY, Place, bootstrapped


def auth_of(place: Place) -> AuthSettings:
    """A mount of the environment's own."""
    return AuthSettings("jwt", None, f"jwt-{place.name}")


def administrator(place: Place) -> Live:
    return place.live_with(place.token("root"), auth=auth_of(place))


@dataclass(frozen=True)
class Admitting(ABC):
    """An environment whose server may admit the jobs of a platform. ``metadata``: what the server's
    audit log is told of the job whose claims these are."""

    metadata: ClassVar[Mapping[str, str]]

    place: Place
    issuer: Issuer
    now: int

    @abstractmethod
    def claims(self, job: str) -> dict[str, Any]:
        """What a job of that sort says when all is right; None: a claim that it does not make."""

    def token(self, job: str, changes: Mapping[str, Any] | None = None) -> str:
        """Signed by the issuer.

        Times in ``changes`` are seconds from now; None takes a claim away.
        """
        claims = self.claims(job) | {
            name: self.now + value if name in ("exp", "iat", "nbf") else value
            for name, value in (changes or {}).items()
        }
        return self.issuer.token(
            {name: value for name, value in claims.items() if value is not None}
        )

    def policies(self, job: str, token: str) -> list[str]:
        """Log in as ``reconciler`` does; the policies of the token, without those of the
        environment's name."""
        environ = {"VAULT_JWT": token, "VAULT_ROLE": f"integrations-{self.place.name}-{job}"}
        with connect(
            replace(self.place.settings, auth=auth_of(self.place)), environ, patience=HASTY
        ) as live:
            data = live.adapter.get("/v1/auth/token/lookup-self").data
        assert (data["type"], data["creation_ttl"], data["explicit_max_ttl"]) == ("service", 900, 0)
        assert self.metadata.items() <= data["meta"].items()
        return [name.removeprefix(f"integrations-{self.place.name}-") for name in data["policies"]]

    def expect_refused(self, job: str, changes: Mapping[str, Any]) -> None:
        """``{environment}``, ``{host}`` and ``{event}`` in ``changes`` stand for what is right
        there, also in a list."""
        said = self.claims(job)
        right = {
            "{event}": said.get("event_name") or said.get("pipeline_source") or "",
            "{environment}": self.claims(job).get("environment") or "",
            "{host}": self.issuer.address.removeprefix("http://"),
        }
        filled = {name: _filled(value, right) for name, value in changes.items()}
        with pytest.raises(TokenInvalid) as caught:
            self.policies(job, self.token(job, filled))
        assert caught.value.code == "RC405"

    def expect_each_job_its_own(self) -> None:
        """What the planner may, each of them may anyway."""
        for holder in POLICIES:
            token = self.token(holder)
            for wanted in ("apply", "upkeep", "revoke"):
                if wanted != holder:
                    with pytest.raises(TokenInvalid):
                        self.policies(wanted, token)


AnyAdmitting = TypeVar("AnyAdmitting", bound=Admitting)


@contextmanager
def admitting(server: RunningServer, kind: type[AnyAdmitting]) -> Iterator[AnyAdmitting]:
    """An environment and an issuer; no role is made yet."""
    with bootstrapped(server, 16) as place:
        now = int(place.root.now().timestamp())
        with issuing(now) as issuer:
            yield kind(place, issuer, now)


def _filled(value: Any, right: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(one, right) for one in value]
    for word, meant in right.items() if isinstance(value, str) else ():
        value = value.replace(word, meant)
    return value
