"""Logging in, keeping a token alive through a long run, and giving it back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.adapter import VaultAdapter
from reconciler.adapters.vault.http.answer import Answer, decode
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.http.paths import mount_name
from reconciler.adapters.vault.http.patience import TRANSIENT, Patience
from reconciler.adapters.vault.http.proxies import proxy_for
from reconciler.adapters.vault.http.sendable import check_header
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.settings import Login, find_credential, settings_with_environment
from reconciler.domain.declared.desired import VaultSettings
from reconciler.domain.secrecy import held
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import TokenInvalid, VaultDenied, VaultError

LOOK_AGAIN_SECONDS = 5.0


@contextmanager
def connect(
    settings: VaultSettings,
    environ: Mapping[str, str],
    run_id: str | None = None,
    *,
    detailed: bool = True,
    patience: Patience | None = None,
) -> Iterator[Live]:
    """Live state with the credentials of ``environ``. A token got by logging in is revoked at the
    end.

    Raises ``VaultError`` before the first request when no credential is found or one is malformed.
    """
    effective = settings_with_environment(settings, environ)
    credential = find_credential(effective, environ)
    for secret in (credential,) if isinstance(credential, Secret) else credential.secret.values():
        held.remember_for_good(secret)
    proxy = proxy_for(effective.address, environ)
    with Live(effective, detailed=detailed, patience=patience, proxy=proxy) as live:
        live.run_id = None if run_id is None else check_header(run_id, "the run id")
        session = VaultSession(live.adapter, None if isinstance(credential, Secret) else credential)
        if isinstance(credential, Secret):
            live.adapter.token = credential.reveal()
        else:
            session.log_in()
        live.adapter.before, live.on_close = session.keep_alive, session.close
        yield live


class VaultSession:
    """Keeps a token alive: renewed when a third of its life is over; one got by logging in is
    replaced, too.

    ``login`` None: the token was given to us. It is asked how long it lives, renewed while it may
    be, and neither replaced nor revoked. Thread-safe. ``clock`` counts seconds: durations of this
    machine, never instants.
    """

    def __init__(
        self,
        adapter: VaultAdapter,
        login: Login | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._adapter = adapter
        self._login = login
        self._clock = clock
        self._lock = threading.Lock()
        # the thread that is at it; its own requests come through here, too
        self._keeper: int | None = None
        self._obtained: list[Secret] = []
        self._due = self._ends = 0.0 if login is None else float("inf")
        self._life = 0.0
        self._renewable = False

    def log_in(self) -> None:
        """Get a token and use it from now on. Raises ``VaultError``."""
        login = self._login
        assert login is not None
        body = dict(login.public) | {name: secret.reveal() for name, secret in login.secret.items()}
        path = f"/v1/auth/{mount_name(login.mount)}/login"
        try:
            answer = self._adapter.post(path, json=body)
        except (StatusError, VaultDenied) as error:
            raise _login_refused(login, error) from None
        token = self._adapter.get_login_token(answer)
        self._adapter.token = token
        self._obtained.append(held.remember_for_good(Secret(token)))
        self._adapter.counted = bool(answer.body["auth"].get("num_uses"))
        self._schedule(answer)

    def keep_alive(self) -> None:
        """Called before every request: renews the token, or logs in anew, when a third of its life
        is over.

        One thread does so; the others go on with the token while it is still valid, else they wait.
        A failure is not raised: the request that needs the token tells.
        """
        now = self._clock()
        if now < self._due or self._keeper == threading.get_ident():
            return
        if not self._lock.acquire(blocking=now >= self._ends):
            return
        try:
            self._keeper = threading.get_ident()
            if self._clock() >= self._due:
                self._keep()
        except VaultError:
            self._due = self._clock() + max(1.0, self._life / 12)
        finally:
            self._keeper = None
            self._lock.release()

    def _keep(self) -> None:
        if self._login is None and not self._life:
            self._look()
        elif not self._renew():
            self._due = float("inf")
            if self._login is not None:
                self.log_in()

    def close(self) -> None:
        """Revoke every token that was obtained here. What cannot be revoked expires by itself."""
        self._adapter.before = None
        for secret in self._obtained:
            self._adapter.token = secret.reveal()
            try:
                self._adapter.post("/v1/auth/token/revoke-self")
            except VaultError:
                continue  # a batch token, or one that is expired already
        self._obtained.clear()
        self._adapter.token = None

    def _look(self) -> None:
        """How long does the token live that was given to us? One that may not ask that is used as
        it is."""
        reply = self._adapter.ask_once("GET", "auth/token/lookup-self")
        data = (
            (decode(reply) or {}).get("data") if reply is not None and reply.status == 200 else None
        )
        if isinstance(data, dict) and isinstance(data.get("ttl"), int):
            self._adapter.counted = bool(data.get("num_uses"))
            self._plan(data["ttl"], renewable=data.get("renewable") is True)
        elif reply is None or reply.status in TRANSIENT:
            self._due = self._clock() + LOOK_AGAIN_SECONDS
        else:
            self._due = float("inf")

    def _renew(self) -> bool:
        """Renew; False when the token cannot be renewed for at least half of what it was given at
        first."""
        if not self._renewable:
            return False
        life = self._life
        try:
            self._schedule(self._adapter.post("/v1/auth/token/renew-self", json={}))
        except (StatusError, VaultDenied):
            self._renewable = False
            return False
        renewed, self._life = self._life, life
        return renewed >= life / 2

    def _schedule(self, answer: Answer) -> None:
        auth = answer.body.get("auth")
        life = auth.get("lease_duration") if isinstance(auth, dict) else None
        if not isinstance(auth, dict) or not isinstance(life, int):
            raise errors.unusable(answer.where, "it does not say how long the token lives")
        self._plan(life, renewable=auth.get("renewable") is True)

    def _plan(self, life: int, *, renewable: bool) -> None:
        """``life`` in seconds from now; 0: it lives for ever."""
        self._life, self._renewable = float(life), renewable
        self._due = self._clock() + life / 3 if life else float("inf")
        self._ends = self._clock() + life if life else float("inf")


def _login_refused(login: Login, error: VaultError) -> VaultError:
    status = error.status if isinstance(error, StatusError) else 403
    missing = status == 404 or error.code == errors.MOUNT_MISSING
    why = (
        f"no auth method is mounted at auth/{login.mount}"
        if missing
        else "the credential or the role was refused"
    )
    where = getattr(error, "where", None)
    at = f" ({where})" if where is not None else ""
    return TokenInvalid(
        errors.TOKEN_INVALID,
        f"logging in with the method {login.method} at auth/{login.mount}/login failed with status"
        f" {status}: {why}{at}",
        "check vault.auth (method, role, mount), the credential's age, and the role's bound claims"
        " or CIDRs",
    )
