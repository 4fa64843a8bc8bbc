"""Credentials: where they come from, how they are kept alive, and who revokes them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from reconciler.adapters.vault.auth import VaultSession, connect
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.settings import Login, find_credential, settings_with_environment
from reconciler.domain.declared.desired import AuthSettings, VaultSettings
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import TokenInvalid, VaultDenied, VaultError
from reconciler.registry.requests import ReadDocument, StoredDocument
from tests.kit.programs.loopback import Seen, loopback, reply
from tests.kit.vault.places import HASTY, Place
from tests.kit.vault.proxy import proxying

pytestmark = pytest.mark.openbao

PLAIN = VaultSettings("http://127.0.0.1:1", "a/r", "a/s", "a/t")
CANARY = "hvs.CanaryTokenThatMustNeverShow"


def with_auth(
    settings: VaultSettings, method: str, role: str | None = None, mount: str | None = None
) -> VaultSettings:
    return replace(settings, auth=AuthSettings(method, role, mount))


def own_token(live: Live) -> dict[str, Any]:
    return dict(live.adapter.get("/v1/auth/token/lookup-self").data)


def is_valid(place: Place, token: str) -> bool:
    try:
        place.live_with(token).adapter.get("/v1/auth/token/lookup-self")
    except VaultDenied:
        return False
    return True


def test_the_environment_overrides_the_file_and_bao_wins_over_vault() -> None:
    settings = replace(PLAIN, namespace="file", ca_cert="file.pem")
    environ = {
        "VAULT_ADDR": "http://v:1",
        "BAO_ADDR": "http://b:1",
        "VAULT_NAMESPACE": "v",
        "BAO_CACERT": "b.pem",
        "BAO_NAMESPACE": "",
    }
    assert settings_with_environment(settings, environ) == replace(
        settings, address="http://b:1", namespace="v", ca_cert="b.pem"
    )
    assert settings_with_environment(settings, {}) == settings


def test_a_token_of_the_environment_is_used_whatever_the_method() -> None:
    for method in ("token", "jwt", "approle", "kubernetes"):
        found = find_credential(with_auth(PLAIN, method), {"VAULT_TOKEN": "v", "BAO_TOKEN": "b"})
        assert isinstance(found, Secret)
        assert found.reveal() == "b"


@pytest.mark.parametrize(
    ("declared", "environ", "role"),
    [
        ("declared", {}, "declared"),
        ("declared", {"VAULT_ROLE": "given"}, "given"),
        (None, {"BAO_ROLE": "twin", "VAULT_ROLE": "given"}, "twin"),
        ("declared", {"VAULT_ROLE_PROD_EU": "own", "VAULT_ROLE": "given"}, "own"),
    ],
)
def test_a_job_chooses_its_role(declared: str | None, environ: dict[str, str], role: str) -> None:
    """One reconciler.yaml serves the jobs that plan and those that apply."""
    settings = replace(with_auth(PLAIN, "jwt", declared), environment="prod-eu")
    found = find_credential(settings, {"VAULT_JWT": "x", **environ})
    assert isinstance(found, Login)
    assert found.public == {"role": role}


def test_the_token_file_is_for_the_method_token(tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_text("from-file\n", encoding="ascii")
    environ = {"HOME": str(tmp_path)}
    found = find_credential(PLAIN, environ)
    assert isinstance(found, Secret)
    assert found.reveal() == "from-file"
    with pytest.raises(VaultError) as caught:
        find_credential(with_auth(PLAIN, "approle"), environ)
    assert caught.value.code == "RC407"


@pytest.mark.parametrize(
    ("settings", "environ", "code"),
    [
        (PLAIN, {}, "RC407"),
        (PLAIN, {"HOME": "/nowhere"}, "RC407"),
        (PLAIN, {"VAULT_TOKEN": CANARY + "\r\nX: y"}, "RC406"),
        (with_auth(PLAIN, "approle"), {"VAULT_ROLE_ID": "r"}, "RC407"),
        (
            with_auth(PLAIN, "approle"),
            {"VAULT_ROLE_ID": "r", "VAULT_SECRET_ID": CANARY + "\n"},
            "RC406",
        ),
        (with_auth(PLAIN, "jwt"), {"VAULT_JWT": "x"}, "RC407"),
        (with_auth(PLAIN, "jwt", "r"), {}, "RC407"),
        (with_auth(PLAIN, "jwt", "r"), {"VAULT_JWT_FILE": "/nowhere/jwt"}, "RC407"),
        (with_auth(PLAIN, "kubernetes", "r"), {}, "RC407"),
        (with_auth(PLAIN, "ldap"), {}, "RC416"),
    ],
    ids=str,
)
def test_a_missing_or_malformed_credential_is_told_before_any_request(
    settings: VaultSettings, environ: dict[str, str], code: str
) -> None:
    with pytest.raises(VaultError) as caught, connect(settings, environ):
        pass
    assert caught.value.code == code
    assert caught.value.remedy
    if code == "RC407":  # a person is told first what a person does
        assert caught.value.remedy.startswith("set VAULT_TOKEN")
        assert 'eval "$(reconciler dev --exports)"' in caught.value.remedy
    assert CANARY not in str(caught.value)


def test_a_malformed_token_file_is_not_echoed(tmp_path: Path) -> None:
    for content in (
        CANARY.encode() + b"\x00",
        CANARY.encode() + b" and more",
        b"\xff" + CANARY.encode(),
    ):
        (tmp_path / ".vault-token").write_bytes(content)
        with pytest.raises(VaultError) as caught:
            find_credential(PLAIN, {"HOME": str(tmp_path)})
        assert caught.value.code == "RC406"
        assert CANARY not in str(caught.value)


def test_a_given_token_is_used_and_never_revoked(place: Place) -> None:
    token = place.new_token("planner")
    with connect(place.settings, {"VAULT_TOKEN": token}, run_id="run-1") as live:
        assert isinstance(live.answer(ReadDocument("meta")), StoredDocument)
        assert live.run_id == "run-1"
    assert is_valid(place, token)


def test_a_run_id_that_cannot_be_sent_is_refused(place: Place) -> None:
    with (
        pytest.raises(VaultError) as caught,
        connect(place.settings, {"VAULT_TOKEN": "x"}, run_id="a\r\nX-Evil: 1"),
    ):
        pass
    assert caught.value.code == "RC416"


@pytest.fixture
def approle(place: Place) -> Iterator[tuple[VaultSettings, dict[str, str]]]:
    """An AppRole of the run role: its tokens live for two minutes, at most four."""
    root, mount = place.root.adapter, f"approle-{place.name}"
    root.post(f"/v1/sys/auth/{mount}", json={"type": "approle"})
    policies = [f"integrations-{place.name}-{role}" for role in ("applier", "deliverer")]
    body = {
        "token_policies": policies,
        "token_ttl": "120s",
        "token_max_ttl": "240s",
        "token_no_default_policy": True,
    }
    root.post(f"/v1/auth/{mount}/role/ci", json=body)
    role_id = root.get(f"/v1/auth/{mount}/role/ci/role-id").data["role_id"]
    secret_id = root.post(f"/v1/auth/{mount}/role/ci/secret-id").data["secret_id"]
    environ = {"BAO_ROLE_ID": role_id, "VAULT_SECRET_ID": secret_id}
    yield with_auth(place.settings, "approle", mount=mount), environ
    root.delete(f"/v1/sys/auth/{mount}")


def test_approle_logs_in_and_revokes_its_token_at_the_end(
    place: Place, approle: tuple[VaultSettings, dict[str, str]]
) -> None:
    with connect(*approle, patience=HASTY) as live:
        assert isinstance(live.answer(ReadDocument("meta")), StoredDocument)
        token = live.adapter.token
        assert token is not None
        assert is_valid(place, token)
    assert not is_valid(place, token)


def test_the_token_is_revoked_after_an_error_too(
    place: Place, approle: tuple[VaultSettings, dict[str, str]]
) -> None:
    seen: list[str] = []

    def failing_run() -> None:
        with connect(*approle, patience=HASTY) as live:
            seen.append(str(live.adapter.token))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing_run()
    assert not is_valid(place, seen[0])


def test_a_refused_login_names_the_method_and_not_the_credential(
    place: Place, approle: tuple[VaultSettings, dict[str, str]]
) -> None:
    settings, environ = approle
    wrong = environ | {"VAULT_SECRET_ID": CANARY}
    with (
        pytest.raises(VaultDenied, match="approle") as caught,
        connect(settings, wrong, patience=HASTY),
    ):
        pass
    assert CANARY not in str(caught.value)
    where = f"POST auth/{settings.auth.mount}/login at {place.server.address}"
    assert caught.value.message.endswith(f" ({where})")
    nowhere = with_auth(place.settings, "approle", mount="nowhere")
    with (
        pytest.raises(VaultDenied, match="failed with status"),
        connect(nowhere, environ, patience=HASTY),
    ):
        pass


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def logged_in(
    place: Place, settings: VaultSettings, environ: dict[str, str]
) -> tuple[Live, Clock, VaultSession, Login]:
    """Live state that logged in by itself and keeps its token alive by the clock."""
    login = find_credential(settings, environ)
    assert isinstance(login, Login)
    live, clock = place.live_with(None), Clock()
    session = VaultSession(live.adapter, login, clock)
    session.log_in()
    live.adapter.before = session.keep_alive
    return live, clock, session, login


def test_a_token_is_renewed_at_a_third_of_its_life_and_replaced_when_it_cannot_be(
    place: Place, approle: tuple[VaultSettings, dict[str, str]]
) -> None:
    live, clock, session, _ = logged_in(place, *approle)
    first = live.adapter.token
    assert first is not None
    clock.seconds += 39
    live.now()
    assert "last_renewal" not in own_token(live)
    clock.seconds += 2
    live.now()
    assert own_token(live)["last_renewal"], "renewed"
    assert live.adapter.token == first
    place.root.adapter.post("/v1/auth/token/revoke", json={"token": first})
    clock.seconds += 81
    assert isinstance(live.answer(ReadDocument("meta")), StoredDocument), "logged in anew"
    second = live.adapter.token
    assert second not in (None, first)
    session.close()
    assert second is not None
    assert not is_valid(place, second)


def given(place: Place, **options: Any) -> tuple[Live, Clock, str]:
    """Live state with a token that was given to us, and a clock for its session."""
    token = place.new_token("run", **options)
    live, clock = place.live_with(token), Clock()
    live.adapter.before = VaultSession(live.adapter, None, clock).keep_alive
    return live, clock, token


def test_a_token_that_was_given_to_us_is_renewed_before_half_of_its_life_is_over(
    place: Place,
) -> None:
    live, clock, token = given(place, ttl="120s")
    live.now()
    clock.seconds += 39
    live.now()
    assert "last_renewal" not in own_token(place.live_with(token))
    clock.seconds += 2
    live.now()
    renewed = own_token(place.live_with(token))["last_renewal"]
    assert renewed
    assert live.adapter.token == token
    place.root.adapter.post("/v1/auth/token/revoke", json={"token": token})
    clock.seconds += 41
    with pytest.raises(TokenInvalid, match="expired, revoked or unknown"):
        live.answer(ReadDocument("meta"))


@pytest.mark.parametrize(
    "options", [{"ttl": "120s", "renewable": False}, {"ttl": "0s"}], ids=["not renewable", "long"]
)
def test_a_token_that_need_not_or_cannot_be_renewed_is_used_as_it_is(
    place: Place, options: dict[str, Any]
) -> None:
    live, clock, token = given(place, **options)
    for _ in range(4):
        clock.seconds += 60
        live.now()
    assert not own_token(place.live_with(token)).get("last_renewal")
    assert isinstance(live.answer(ReadDocument("meta")), StoredDocument)


def test_a_token_near_the_end_of_its_longest_life_is_not_renewed_again_and_again(
    place: Place,
) -> None:
    """Renewals then add nothing: the server answers, with a lease that is capped."""
    live, clock, token = given(place, ttl="3600s", explicit_max_ttl="100s")
    with proxying(place.settings.address) as proxy:
        live = place.live_with(token, address=proxy.address)
        live.adapter.before = VaultSession(live.adapter, None, clock).keep_alive
        for _ in range(50):
            clock.seconds += 1
            live.now()
        assert len([one for one in proxy.log if one.path.endswith("renew-self")]) <= 1


def test_a_token_that_may_not_ask_about_itself_is_used_as_it_is(place: Place) -> None:
    live, _, token = given(place, ttl="120s")
    body = {"policy": f'path "{place.settings.registry_mount}/*" {{ capabilities = ["read"] }}'}
    for role in ("applier", "deliverer"):
        place.root.adapter.post(f"/v1/sys/policies/acl/integrations-{place.name}-{role}", json=body)
    assert isinstance(live.answer(ReadDocument("meta")), StoredDocument)
    assert live.adapter.token == token


def test_while_one_thread_logs_in_anew_the_others_go_on_with_the_old_token() -> None:
    """And nobody's request goes out without one, for that would look like a token that is no longer
    valid."""
    logging_in, other_sent = threading.Event(), threading.Event()
    auth = '{"auth":{"client_token":"s.%d","lease_duration":60,"renewable":false}}'

    def script(seen: Seen) -> bytes:
        if seen.target.endswith("/login"):
            if seen.number > 1:
                logging_in.set()
                assert other_sent.wait(10)
            return reply(200, auth % seen.number)
        return reply(204)

    with (
        loopback(script) as served,
        place_less(served.address) as live,
        ThreadPoolExecutor() as pool,
    ):
        clock = Clock()
        session = VaultSession(live.adapter, Login("jwt", "jwt"), clock)
        session.log_in()
        live.adapter.before = session.keep_alive
        clock.seconds += 30
        first = pool.submit(live.delete_document, "runs/a")
        assert logging_in.wait(10)
        live.delete_document("runs/b")
        other_sent.set()
        first.result(10)
    tokens = {
        seen.target.rpartition("/")[2]: seen.headers.get("x-vault-token") for seen in served.seen
    }
    assert tokens == {"login": None, "b": "s.1", "a": "s.2"}


def place_less(address: str) -> Live:
    return Live(replace(PLAIN, address=address), patience=HASTY)


def test_a_renewal_that_fails_is_not_an_error_while_the_token_lives(
    place: Place, approle: tuple[VaultSettings, dict[str, str]]
) -> None:
    live, clock, _, login = logged_in(place, *approle)
    token = live.adapter.token
    body = {"policy": f'path "{place.settings.registry_mount}/*" {{ capabilities = ["read"] }}'}
    for role in ("applier", "deliverer"):
        place.root.adapter.post(f"/v1/sys/policies/acl/integrations-{place.name}-{role}", json=body)
    place.root.adapter.delete(f"/v1/auth/{login.mount}/role/ci")
    clock.seconds += 100
    assert isinstance(live.answer(ReadDocument("meta")), StoredDocument)
    assert live.adapter.token == token


def _jwt(key: ec.EllipticCurvePrivateKey, audience: str) -> str:
    now = datetime.now(UTC)
    claims = {
        "iss": "ci",
        "aud": audience,
        "sub": "job",
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=5)).timestamp()),
    }
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "ES256", "typ": "JWT"}, claims)
    ]
    r, s = decode_dss_signature(key.sign(b".".join(parts), ec.ECDSA(hashes.SHA256())))
    parts.append(
        base64.urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).rstrip(b"=")
    )
    return b".".join(parts).decode()


def test_a_jwt_logs_in_from_the_environment_and_from_a_file(place: Place, tmp_path: Path) -> None:
    root, mount = place.root.adapter, f"jwt-{place.name}"
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    root.post(f"/v1/sys/auth/{mount}", json={"type": "jwt"})
    root.post(f"/v1/auth/{mount}/config", json={"jwt_validation_pubkeys": [public.decode()]})
    policies = [f"integrations-{place.name}-planner"]
    role = {
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_audiences": ["reconciler"],
        "token_policies": policies,
        "token_ttl": "60s",
    }
    root.post(f"/v1/auth/{mount}/role/plan", json=role)
    file = tmp_path / "jwt"
    file.write_text(_jwt(key, "reconciler") + "\n", encoding="ascii")
    settings = with_auth(place.settings, "jwt", "plan", mount)
    for environ in ({"VAULT_JWT": _jwt(key, "reconciler")}, {"BAO_JWT_FILE": str(file)}):
        with connect(settings, environ, patience=HASTY) as live:
            assert isinstance(live.answer(ReadDocument("meta")), StoredDocument)
    wrong = _jwt(key, "somebody else")
    with (
        pytest.raises(VaultDenied) as caught,
        connect(settings, {"VAULT_JWT": wrong}, patience=HASTY),
    ):
        pass
    assert wrong not in str(caught.value)


def test_kubernetes_sends_the_service_account_and_carries_no_token(tmp_path: Path) -> None:
    """Without a cluster here: what would reach the server."""
    file = tmp_path / "token"
    file.write_text("service-account-jwt", encoding="ascii")
    auth = {"auth": {"client_token": "s.new", "lease_duration": 60, "renewable": True}}

    def script(seen: Seen) -> bytes:
        return reply(200, json.dumps(auth)) if seen.target.endswith("/login") else reply(204)

    with loopback(script) as served:
        settings = with_auth(replace(PLAIN, address=served.address), "kubernetes", "reconciler")
        with connect(settings, {"VAULT_JWT_FILE": str(file)}, patience=HASTY) as live:
            live.delete_document("runs/r1")
    login, request, revocation = served.seen
    assert login.target == "/v1/auth/kubernetes/login"
    assert json.loads(login.body) == {"role": "reconciler", "jwt": "service-account-jwt"}
    assert "x-vault-token" not in login.headers
    assert request.headers["x-vault-token"] == "s.new"
    assert revocation.target == "/v1/auth/token/revoke-self"
    assert revocation.headers["x-vault-token"] == "s.new"


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"auth":{}}',
        '{"auth":{"client_token":""}}',
        '{"auth":{"client_token":"a\\nb"}}',
        "[]",
    ],
)
def test_an_answer_to_a_login_that_has_no_usable_token(body: str) -> None:
    with loopback(lambda seen: reply(200, body)) as served:
        settings = with_auth(replace(PLAIN, address=served.address), "jwt", "r")
        with (
            pytest.raises(VaultError) as caught,
            connect(settings, {"VAULT_JWT": "jwt"}, patience=HASTY),
        ):
            pass
    assert caught.value.code in ("RC413", "RC406")
