"""Environments on a real OpenBao: every test has mounts and policies of its own on the server of
the session."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.adapters.openbao.server import RunningServer
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.http.patience import Patience
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.bootstrap import prepare_environment
from reconciler.domain.declared.desired import VaultSettings
from reconciler.errors import ReconcilerError

PROJECT = "acme-integrations"
# As insistent as the real one, in a fiftieth of the time.
HASTY = Patience(tries=5, budget=5.0, first=0.005, longest=0.05)


def settings_for(address: str, environment: str) -> VaultSettings:
    """The settings that a declaration without ``vault.mounts`` gets."""
    root = f"integrations/{environment}"
    return VaultSettings(address, f"{root}/registry", f"{root}/secrets", f"{root}/transit")


@dataclass
class Place:
    """One bootstrapped environment. ``live(role)`` has a token of that role: root, planner,
    applier, deliverer, run.

    ``itself`` is the server past the proxy that stands before it, if one does: what tests do by
    hand is not judged.
    """

    server: RunningServer
    name: str
    settings: VaultSettings
    stack: ExitStack
    itself: RunningServer | None = None
    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    def live(self, role: str = "root", *, detailed: bool = True) -> Live:
        return self.live_with(self.token(role), detailed=detailed)

    def live_with(self, token: str | None, *, detailed: bool = True, **changes: Any) -> Live:
        live = Live(replace(self.settings, **changes), detailed=detailed, patience=HASTY)
        live.adapter.token = token
        return self.stack.enter_context(live)

    def token(self, role: str) -> str:
        if role == "root":
            return self.server.token.reveal()
        if role not in self.tokens:
            self.tokens[role] = self.new_token(role)
        return self.tokens[role]

    def new_token(self, role: str, **options: Any) -> str:
        answer = self.root.adapter.post(
            f"/v1/auth/token/create/integrations-{self.name}-{role}", json=options
        )
        return str(answer.body["auth"]["client_token"])

    def consumer_token(self, client: str) -> str:
        """A token of an entity whose metadata names the client."""
        root = self.root.adapter
        alias = f"{self.name}-{client}"
        policies = [f"integrations-{self.name}-consumer"]
        entity = root.post(
            "/v1/identity/entity", json={"name": alias, "metadata": {"client": client}}
        ).data["id"]
        accessor = root.get("/v1/sys/auth").data["token/"]["accessor"]
        body = {"name": alias, "canonical_id": entity, "mount_accessor": accessor}
        root.post("/v1/identity/entity-alias", json=body)
        role = {
            "allowed_policies": policies,
            "allowed_entity_aliases": [alias],
            "token_no_default_policy": True,
        }
        root.post(f"/v1/auth/token/roles/{alias}", json=role)
        answer = root.post(f"/v1/auth/token/create/{alias}", json={"entity_alias": alias})
        return str(answer.body["auth"]["client_token"])

    @property
    def root(self) -> Live:
        """Live state with the administrator's token, made once."""
        if not hasattr(self, "_root"):
            itself = self.itself or self.server
            self._root = self.live_with(itself.token.reveal(), address=itself.address)
        return self._root


@contextmanager
def unbootstrapped(server: RunningServer, itself: RunningServer | None = None) -> Iterator[Place]:
    """An environment name that nobody used, with nothing made yet."""
    name = f"t{secrets.token_hex(4)}"
    with ExitStack() as stack:
        place = Place(server, name, settings_for(server.address, name), stack, itself)
        try:
            yield place
        finally:
            unmount(place)


def unmount(place: Place) -> None:
    """Remove what the environment mounted, if the server still answers: it writes the table of all
    mounts anew with each new one, and a thousand environments make it five times slower."""
    own = place.settings
    for mount in (own.registry_mount, own.secrets_mount, own.transit_mount):
        with suppress(ReconcilerError, StatusError):
            place.root.adapter.delete(f"/v1/sys/mounts/{mount}")


@contextmanager
def bootstrapped(
    server: RunningServer, buckets: int = 256, itself: RunningServer | None = None
) -> Iterator[Place]:
    with unbootstrapped(server, itself) as place:
        prepare_environment(place.live("root"), place.name, PROJECT, buckets)
        yield place
