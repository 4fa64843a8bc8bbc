"""A throw-away environment with mounts, policies and token roles of its own, removed whatever
happens."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import field, replace

from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.bootstrap import prepare_environment
from reconciler.adapters.vault.setup.policies import ROLES, TOKEN_ROLES, policy_name
from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import VaultSettings
from reconciler.errors import VaultError

_PROJECT = "reconciler-conformance"
_BUCKETS = 16
_NOTHING_THERE = (400, 404)


@dataclass
class Place:
    """``admin`` has the administrator's token.

    ``left`` names what could not be removed at the end.
    """

    environment: str
    admin: Live
    stack: ExitStack
    left: list[str] = field(default_factory=list)
    _lives: dict[str, Live] = field(default_factory=dict)

    @property
    def settings(self) -> VaultSettings:
        return self.admin.settings

    def make(self) -> None:
        """Mounts, key, policies, token roles and ``meta``. Raises ``VaultError``."""
        prepare_environment(self.admin, self.environment, _PROJECT, _BUCKETS)

    def live(self, role: str) -> Live:
        """With a token of a token role: planner, applier, deliverer, run.

        It is revoked at the end.
        """
        if role not in self._lives:
            path = f"/v1/auth/token/create/{policy_name(self.environment, role)}"
            token = self.admin.adapter.get_login_token(
                self.admin.adapter.post(path, json={"ttl": "10m"})
            )
            live = self.stack.enter_context(Live(self.settings, proxy=self.admin.adapter.proxy))
            live.adapter.token = token
            live.on_close = lambda: self._revoke(live)
            self._lives[role] = live
        return self._lives[role]

    def _revoke(self, live: Live) -> None:
        self._try("a token", lambda: live.adapter.post("/v1/auth/token/revoke-self"))

    def remove(self) -> None:
        """Everything that ``make`` may have made. Goes on after a failure."""
        settings, adapter = self.settings, self.admin.adapter
        paths = [
            *(f"auth/token/roles/{policy_name(self.environment, role)}" for role in TOKEN_ROLES),
            *(f"sys/policies/acl/{policy_name(self.environment, role)}" for role in ROLES),
            *(
                f"sys/mounts/{mount}"
                for mount in (
                    settings.registry_mount,
                    settings.secrets_mount,
                    settings.transit_mount,
                )
            ),
        ]
        for path in paths:
            self._try(path, lambda path=path: adapter.delete(f"/v1/{path}"))  # type: ignore[misc]

    def _try(self, what: str, remove: Callable[[], object]) -> None:
        try:
            remove()
        except StatusError as error:
            if error.status not in _NOTHING_THERE:
                self.left.append(what)
        except VaultError:
            self.left.append(what)


@contextmanager
def throw_away_place(live: Live) -> Iterator[Place]:
    """A place on the server of ``live``, whose token is an administrator's. Nothing is made yet;
    what was made is removed at the end, also after an error or Ctrl-C."""
    name = f"conformance-{secrets.token_hex(4)}"
    root = f"reconciler-{name}"
    settings = replace(
        live.settings,
        environment=name,
        required_registry=None,
        registry_mount=f"{root}/registry",
        secrets_mount=f"{root}/secrets",
        transit_mount=f"{root}/transit",
    )
    with Live(settings, proxy=live.adapter.proxy) as admin:
        admin.adapter.token = live.adapter.token
        place = Place(name, admin, ExitStack())
        try:
            yield place
        finally:
            try:
                place.stack.close()
            finally:
                place.remove()
