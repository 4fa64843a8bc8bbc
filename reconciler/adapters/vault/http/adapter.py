"""Requests to Vault: tries again what may be tried again, and turns every status into an answer or
an error."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any, Never
from urllib.parse import quote, urlencode, urlsplit

from reconciler.adapters.vault.http import errors
from reconciler.adapters.vault.http.answer import (
    Answer,
    accept_answer,
    decode,
    error_texts,
    health_texts,
    is_vaults,
    refuse,
    strangers_answer,
)
from reconciler.adapters.vault.http.consistency import Reached
from reconciler.adapters.vault.http.errors import Where
from reconciler.adapters.vault.http.exchanged import Lost, NotSent, Reply
from reconciler.adapters.vault.http.paths import mount_of, role_for
from reconciler.adapters.vault.http.patience import (
    TRANSIENT,
    WRITE_TRANSIENT,
    Patience,
    is_sealed,
    is_transient,
    lost_its_data,
    read_retry_after,
)
from reconciler.adapters.vault.http.proxies import Proxy
from reconciler.adapters.vault.http.sendable import check_address, check_credential, check_header
from reconciler.adapters.vault.http.wire import Wire
from reconciler.dataclass import dataclass
from reconciler.domain.declared.desired import VaultSettings
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import VaultError

# A bucket is at most 512 KiB; a LIST of detailed metadata has about 600 bytes for each secret.
CAP = 8 << 20
LIST_CAP = 256 << 20
NO_ROUTE = "no handler for route"
# What stands for itself in a path (RFC 3986, 3.3), with a query behind it; hvac has encoded others.
_IN_PATHS = "/%:@!$&'()*+,;=~?"
# Requests outside a tenant's namespace: Vault and OpenBao answer them in the root namespace only.
_ROOT_NAMESPACE = ("sys/health", "sys/init", "sys/seal-status", "sys/unseal", "sys/leader")
# Sending these twice does what sending them once does, although they are POST or PUT.
_REPEATABLE = ("sys/capabilities", "sys/policies/", "auth/token/renew-self", "auth/token/roles/")


@dataclass(frozen=True, slots=True)
class Call:
    """One request in all its tries.

    ``repeatable``: sending it twice does what sending it once does.
    """

    where: Where
    target: str
    body: bytes | None
    wrap_ttl: str | None
    repeatable: bool
    cap: int
    namespace: str | None = None  # instead of the declared one


class VaultAdapter:
    """What every request goes through. Thread-safe. Returns ``Answer``, raises ``VaultError``.

    ``before`` is called ahead of every request (a login keeps its token alive with it); ``run_id``
    is sent as ``X-Run-Id``, which an audit device logs once the header is allowed there.
    """

    def __init__(
        self, settings: VaultSettings, patience: Patience | None = None, proxy: Proxy | None = None
    ) -> None:
        self.settings = settings
        self.base_uri = check_address(settings.address)
        self.namespace = settings.namespace
        self.run_id: str | None = None
        self.before: Callable[[], None] | None = None
        self.patience = patience or Patience(budget=settings.patience.total_seconds())
        self._prefix = urlsplit(self.base_uri).path
        secrets, transit = settings.secrets_mount, settings.transit_mount
        self._repeatable = (
            *_REPEATABLE,
            f"{secrets}/destroy/",
            f"{secrets}/metadata/",
            f"{transit}/sign/",
            f"{transit}/keys/",
        )
        # whether the token is good for a number of requests only (``num_uses``)
        self.counted = False
        self._secret: Secret | None = None
        self.proxy = proxy
        self._wire = Wire(self.base_uri, settings.ca_cert, settings.timeout.total_seconds(), proxy)
        self._reached = Reached()
        self._mounts: set[str] = set()  # that served us
        self._served = False  # whether it answered, and was not given up since
        self._verdict_lock = threading.Lock()
        self._verdict: tuple[float, bool] = (0.0, False)

    @property
    def token(self) -> str | None:
        """The token, plain: it leaves in a header only."""
        return None if self._secret is None else self._secret.reveal()

    @token.setter
    def token(self, value: str | None) -> None:
        self._secret = None if not value else Secret(check_credential(value, "token"))

    @property
    def consistency(self) -> str:
        """How reads see what was just written, in a few words."""
        return self._reached.describe()

    def close(self) -> None:
        self._wire.close()

    def get_login_token(self, response: Answer) -> str:
        """The client token of a login's answer. Raises ``VaultError`` RC413."""
        auth = response.body.get("auth")
        token = auth.get("client_token") if isinstance(auth, dict) else None
        if not isinstance(token, str) or not token:
            raise errors.unusable(response.where, "it has no client token")
        return token

    def get(self, url: str, **kwargs: Any) -> Answer:
        return self.request("GET", url, **kwargs)

    def list(self, url: str, **kwargs: Any) -> Answer:
        return self.request("LIST", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> Answer:
        return self.request("POST", url, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> Answer:
        return self.request("DELETE", url, **kwargs)

    def request(self, method: str, url: str, **kwargs: Any) -> Answer:
        """Send one request to a ``url`` such as ``/v1/sys/health``, tried again where that is safe.
        ``json`` is the body, ``params`` the query, ``wrap_ttl`` asks for a wrapping token.

        Raises ``WriteUnclear`` for a write whose fate is unknown, ``StatusError`` for a status that
        the caller may know a meaning of (400, 404, …), other ``VaultError`` for everything that
        ends here.
        """
        if self.before is not None:
            self.before()
        call = self._call(method.upper(), url, kwargs)
        reply = self._patiently(call)
        if not 200 <= reply.status < 300:
            self._raise_for(call, reply)
        return accept_answer(call.where, reply)

    def _call(self, method: str, url: str, kwargs: dict[str, Any]) -> Call:
        path = url.strip("/").removeprefix("v1/")
        params = dict(kwargs.get("params") or {})
        where = Where(
            self.base_uri,
            method,
            path,
            role_for(self.settings, method, path),
            self.settings.environment,
        )
        if method == "LIST":  # the same request for proxies that know only HTTP's own verbs
            params["list"] = "true"
        target = f"{self._prefix}/v1/{quote(path, _IN_PATHS)}"
        if params:
            target += f"?{urlencode(params)}"
        json_body = kwargs.get("json")
        body = None if json_body is None else json.dumps(json_body, ensure_ascii=False).encode()
        repeatable = method in ("GET", "LIST", "HEAD", "DELETE") or path.startswith(
            self._repeatable
        )
        wrap_ttl = kwargs.get("wrap_ttl")
        cap = LIST_CAP if method == "LIST" else CAP
        return Call(
            where, target, body, None if wrap_ttl is None else str(wrap_ttl), repeatable, cap
        )

    def _headers(self, call: Call) -> dict[str, str]:
        headers = {"X-Vault-Request": "true", "Accept": "application/json"}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        secret = self._secret
        # a login carries no token
        if secret is not None and not re.fullmatch(r"auth/.+/login", call.where.path):
            headers["X-Vault-Token"] = secret.reveal()
        namespace = call.namespace or self.namespace
        if namespace and not call.where.path.startswith(_ROOT_NAMESPACE):
            headers["X-Vault-Namespace"] = check_header(namespace, "vault.namespace")
        if self.run_id:
            headers["X-Run-Id"] = check_header(self.run_id, "the run id")
        if call.wrap_ttl:
            headers["X-Vault-Wrap-TTL"] = check_header(call.wrap_ttl, "the wrapping ttl")
        return headers

    def _patiently(self, call: Call) -> Reply:
        """The first reply that is not transient, or the last one. Raises ``VaultUnreachable``."""
        started, tried = time.monotonic(), 0
        while True:
            tried += 1
            reply: Reply | None = None
            failure: VaultError | None = None
            asked: float | None = None
            try:
                reply = self._send(call)
            except NotSent as error:
                failure, again = (
                    errors.unreachable(call.where, error.why, error.remedy),
                    not error.lasting,
                )
            except Lost as error:
                make = errors.unreachable if call.repeatable else errors.unclear
                failure, again = make(call.where, error.why), call.repeatable and not error.lasting
            else:
                if 200 <= reply.status < 300:
                    self._served = True
                    self._mounts.add(mount_of(self.settings, call.where.path))
                    return reply
                again = is_transient(
                    call.where.path, reply, repeatable=call.repeatable
                ) or self._forgot(call, reply)
                asked = read_retry_after(reply)
            pause = self.patience.pause(tried, asked)
            known = self._served or asked is not None
            if again and self.patience.allows(
                tried, time.monotonic() - started, pause, known=known
            ):
                time.sleep(pause)
                continue
            if again or reply is not None:
                self._served = not again
            if failure is not None:
                raise failure
            assert reply is not None
            return reply

    def _forgot(self, call: Call, reply: Reply) -> bool:
        """Whether a node answers that has just started, or lost its leader: a mount that served us
        is gone, or a server that served us redirects (both measured). Nothing was applied."""
        if reply.status == 404:
            mount = mount_of(self.settings, call.where.path)
            return mount in self._mounts and any(NO_ROUTE in text for text in error_texts(reply))
        return reply.status == 307 and self._served

    def _send(self, call: Call) -> Reply:
        method = "GET" if call.where.method == "LIST" else call.where.method
        while True:
            consistent = self._reached.headers()
            headers = self._headers(call) | consistent
            try:
                reply = self._wire.exchange(method, call.target, headers, call.body, call.cap)
            except Lost as error:
                # Of the server it only tells that it closes connections. Each has served another
                # request before, so this does not go on for ever.
                if not (error.idle and call.repeatable):
                    raise
                continue
            self._reached.note(reply.headers)
            if not self._reached.is_refused(consistent, reply):
                return reply

    def _raise_for(self, call: Call, reply: Reply) -> Never:
        status, texts = reply.status, error_texts(reply) or health_texts(call.where, reply)
        if 300 <= status < 400:
            raise errors.redirected_error(call.where, status)
        if status not in TRANSIENT and not is_vaults(reply):
            raise errors.unusable(call.where, strangers_answer(reply))
        if status == 404 and any(errors.NAMESPACE_MISSING in text for text in texts):
            raise errors.namespace_missing(call.where, self.namespace)
        if status == 403:
            raise self._explain_refusal(call.where)
        if status in (501, 503) and self._is_uninitialised():
            raise errors.uninitialised_error(call.where)
        if status in TRANSIENT and not lost_its_data(reply):
            if call.repeatable or status in WRITE_TRANSIENT or is_sealed(reply):
                vaults = status in WRITE_TRANSIENT or is_vaults(reply)
                raise errors.unavailable(
                    call.where, status, texts, read_retry_after(reply), vaults=vaults
                )
            raise errors.unclear(call.where, f"status {status}")
        if status == 404 and any(NO_ROUTE in text for text in texts):
            raise errors.mount_missing(call.where, mount_of(self.settings, call.where.path))
        if status >= 500 and not call.repeatable:
            raise errors.unclear(call.where, f"status {status}")
        raise refuse(call.where, reply)

    def _explain_refusal(self, where: Where) -> VaultError:
        """Why a request was answered with 403."""
        if not self._token_is_valid():
            return errors.token_invalid(where, counted=self.counted)
        mount = mount_of(self.settings, where.path)
        if mount == where.path or mount in self._mounts or self._sees(mount):
            return errors.denied_error(where)
        return errors.mount_unseen(where, mount)

    def _sees(self, mount: str) -> bool:
        """Whether the token may see such a mount; of one that is not there the server says what it
        says of a mount that the token may not see."""
        reply = self.ask_once("GET", f"sys/internal/ui/mounts/{mount}")
        return reply is None or reply.status != 403

    def _token_is_valid(self) -> bool:
        """403 looks alike for an expired token and for one that lacks a capability (measured): ask
        about the token.

        Judged once for the 403s of one moment, unless each request may be the last one that the
        token is good for.
        """
        with self._verdict_lock:
            judged_at, valid = self._verdict
            if not judged_at or self.counted or time.monotonic() - judged_at > 2:
                # Without an answer it is not known: the plain reading of 403 is the likelier one.
                valid = self._is_let_in("GET", "auth/token/lookup-self") or self._is_let_in(
                    "POST", "sys/capabilities-self", b'{"paths":["sys/capabilities-self"]}'
                )
                self._verdict = (time.monotonic(), valid)
        return valid

    def _is_let_in(self, method: str, path: str, body: bytes | None = None) -> bool:
        reply = self.ask_once(method, path, body)
        return reply is None or reply.status != 403

    def ask_once(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        namespace: str | None = None,
    ) -> Reply | None:
        """One try of a request about ourselves or the server's state; None when there was no
        answer.

        ``namespace`` takes the place of the declared one.
        """
        where = Where(self.base_uri, method, path, "planner")
        target = f"{self._prefix}/v1/{path}"
        call = Call(
            where,
            target,
            body,
            None,
            repeatable=True,
            cap=CAP,
            namespace=namespace,
        )
        try:
            reply = self._send(call)
            if reply.status == 412:  # a node that is behind says nothing of what was asked
                time.sleep(self.patience.pause(1))
                reply = self._send(call)
        except (NotSent, Lost):
            return None
        return reply

    def _is_uninitialised(self) -> bool:
        reply = self.ask_once("GET", "sys/seal-status")
        return reply is not None and (decode(reply) or {}).get("initialized") is False
