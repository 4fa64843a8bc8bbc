"""Every way in which Vault can fail: one clear error, nothing unclear taken for certain, no token
in any text."""

from __future__ import annotations

import json
import ssl
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.adapters.openbao.server import throw_away
from reconciler.adapters.vault.http.patience import Patience
from reconciler.adapters.vault.live import Live
from reconciler.domain.declared.desired import VaultSettings
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values.keytext import compose
from reconciler.errors import VaultDenied, VaultError, VaultUnavailable, VaultUnreachable
from reconciler.registry.requests import (
    Conflict,
    DestroyVersions,
    Done,
    PutSecret,
    ReadDocument,
    ReadSubkeys,
    Request,
    StoredDocument,
    Unclear,
    WriteDocument,
    Written,
)
from tests.kit.programs.loopback import Script, Seen, loopback, reply
from tests.kit.vault.places import HASTY, Place, bootstrapped
from tests.kit.webhooks.tls import self_signed

pytestmark = pytest.mark.openbao

CANARY = "hvs.CanaryTokenThatMustNeverShow"
VALUE = "acme_prod_CanaryValueThatMustNeverShow"
DOCUMENT = json.dumps({"data": {"data": {"doc": "text"}, "metadata": {"version": 4}}})
WRITTEN = json.dumps({"data": {"version": 5}})
NOT_ACTIVE = json.dumps({"errors": ["local node not active but active cluster node not found"]})
SEALED = json.dumps({"errors": ["Vault is sealed"]})
READ = ReadDocument("meta")
WRITE = WriteDocument("lease", "text", 4)
PUT = PutSecret("keys/a.b", "id1", Secret(VALUE), 0)


def live_at(address: str, **changes: object) -> Live:
    settings = VaultSettings(address, "i/e/registry", "i/e/secrets", "i/e/transit", **changes)  # type: ignore[arg-type]
    live = Live(settings, patience=HASTY)
    live.adapter.token = CANARY
    return live


def outcome(script: Script, request: Request, **changes: object) -> tuple[object, list[Seen]]:
    """What a request comes to, an error included, and what the server saw.

    No text of it has a secret.
    """
    with loopback(script) as served, live_at(served.address, **changes) as live:
        try:
            result: object = live.answer(request)
        except VaultError as error:
            result = error
    if isinstance(result, VaultError):
        text = (
            "".join(traceback.format_exception(result))
            + repr(result.__context__)
            + repr(vars(result))
        )
        assert served.address in result.message
        assert "i/e/" in result.message
        assert result.remedy
    else:
        text = repr(result)
    assert CANARY not in text
    assert VALUE not in text
    return result, served.seen


def always(answer: bytes) -> Script:
    return lambda seen: answer


def after(failures: int, bad: bytes, good: bytes) -> Script:
    """``bad`` for the first requests, then ``good``."""
    return lambda seen: bad if seen.number <= failures else good


KEY = compose("acme", "production", "Id0123456789", "aB3xY" * 8 + "Qz9")
SPLITS = ["", "\x1b[0m", "\n", "\u200b", "%0A", "&#8203;"]


@pytest.mark.parametrize("split", SPLITS)
def test_an_error_of_vault_shows_no_part_of_a_key_wherever_it_is_cut(split: str) -> None:
    """300 characters of it are shown: whatever of a key they would hold is masked before."""
    quoted = KEY[:40] + split + KEY[40:]
    for padding in range(200, 300, 17):
        body = json.dumps(
            {"errors": ["x " * (padding // 2) + quoted + f" {CANARY[:9]}{split}{CANARY[9:]}"]}
        )
        result, _ = outcome(always(reply(418, body)), READ)
        assert isinstance(result, VaultError)
        assert not any(KEY[at : at + 10] in str(result) for at in range(len(KEY) - 10))
        assert "Canary" not in str(result)


@pytest.mark.parametrize("status", [412, 429, 472, 473, 500, 502, 503, 504])
def test_a_read_survives_a_server_that_is_not_ready_for_a_moment(status: int) -> None:
    result, seen = outcome(after(3, reply(status, date=None), reply(200, DOCUMENT)), READ)
    assert isinstance(result, StoredDocument)
    assert (result.text, result.version) == ("text", 4)
    assert result.at == datetime(2026, 11, 23, 22, 44, 58, tzinfo=UTC)
    assert len(seen) == 4


@pytest.mark.parametrize(
    "bad",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b"\x00garbage\r\n\r\n"],
    ids=repr,
)
def test_a_read_survives_answers_that_are_cut(bad: bytes) -> None:
    result, seen = outcome(after(2, bad, reply(200, DOCUMENT)), READ)
    assert isinstance(result, StoredDocument)
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("answer", "kind", "code", "says"),
    [
        (reply(429), VaultUnavailable, "RC402", "rate"),
        (reply(503, SEALED), VaultUnavailable, "RC402", "sealed"),
        (reply(473, ""), VaultUnavailable, "RC402", "standby"),
        (reply(500, NOT_ACTIVE), VaultUnavailable, "RC402", "active"),
        (reply(502, "<html>"), VaultUnavailable, "RC402", "502"),
        (reply(307, headers=("Location: http://evil.example/",)), VaultError, "RC412", "redirect"),
        (reply(301, headers=("Location: /elsewhere",)), VaultError, "RC412", "redirect"),
        (reply(200, "<html>a login page</html>"), VaultError, "RC413", "not JSON"),
        (reply(200, "[1]"), VaultError, "RC413", "not JSON"),
        (reply(200, b"\xff\xfe\x00"), VaultError, "RC413", "not JSON"),
        (reply(200, "[" * 100000), VaultError, "RC413", "not JSON"),
        (reply(200, "{}"), VaultError, "RC413", "no data"),
        (reply(200, '{"data":{"data":{"doc":"x"},"metadata":{"version":"4"}}}'), VaultError, "RC413", "version"),
        (reply(200, DOCUMENT, date=None), VaultError, "RC413", "Date"),
        (reply(200, DOCUMENT, date="yesterday"), VaultError, "RC413", "Date"),
        (reply(404, '{"errors":[]}', date=None), VaultError, "RC413", "Date"),
        (reply(404, '{"errors":["no handler for route \\"x\\""]}'), VaultError, "RC408", "mounted at i/e/registry/"),
        (reply(418, '{"errors":["a teapot"]}'), VaultError, "RC414", "a teapot"),
        (reply(405, '{"errors":[]}'), VaultError, "RC414", "405"),
        (reply(501, '{"errors":[]}'), VaultError, "RC414", "501"),
        (b"", VaultUnreachable, "RC401", "cut"),
    ],
    ids=lambda value: value[:60].decode("latin-1") if isinstance(value, bytes) else None,
)  # fmt: skip
def test_a_read_that_fails_for_good_is_one_clear_error(
    answer: bytes, kind: type[VaultError], code: str, says: str
) -> None:
    result, _ = outcome(always(answer), READ)
    assert isinstance(result, kind)
    assert result.code == code
    assert says in result.message


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        reply(500),
        reply(502),
        reply(504),
        reply(503, "<html>overloaded</html>"),
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ],
    ids=repr,
)
@pytest.mark.parametrize("request_", [WRITE, PUT], ids=["document", "secret"])
def test_a_write_without_a_certain_answer_is_unclear_and_not_sent_again(
    bad: bytes, request_: Request
) -> None:
    result, seen = outcome(always(bad), request_)
    assert isinstance(result, Unclear)
    assert [request.method for request in seen if "/data/" in request.target] == ["POST"]


@pytest.mark.parametrize(
    "answer",
    [reply(200, "<html>"), reply(200, WRITTEN, date=None), reply(204), reply(200, '{"data":{}}')],
)
def test_a_write_whose_answer_proves_nothing_is_unclear(answer: bytes) -> None:
    result, seen = outcome(always(answer), WRITE)
    assert isinstance(result, Unclear)
    assert len(seen) == 1


@pytest.mark.parametrize("bad", [reply(429), reply(412), reply(473), reply(503, SEALED)], ids=repr)
def test_a_write_that_was_certainly_not_applied_is_sent_again(bad: bytes) -> None:
    result, seen = outcome(after(3, bad, reply(200, WRITTEN)), WRITE)
    assert isinstance(result, Written)
    assert result.version == 5
    assert len(seen) == 4
    failed, _ = outcome(always(bad), WRITE)
    assert isinstance(failed, VaultUnavailable)


def test_a_conflict_is_told_from_other_bad_requests() -> None:
    conflict = reply(
        400, '{"errors":["check-and-set parameter did not match the current version"]}'
    )
    assert isinstance(outcome(always(conflict), WRITE)[0], Conflict)
    other, _ = outcome(always(reply(400, f'{{"errors":["bad data {VALUE}"]}}')), PUT)
    assert isinstance(other, VaultError)
    assert other.code == "RC414"


def test_a_new_mount_is_waited_for() -> None:
    upgrading = reply(
        400,
        '{"errors":["Upgrading from non-versioned to versioned data. This backend will be unavailable"]}',
    )
    assert isinstance(outcome(after(2, upgrading, reply(200, DOCUMENT)), READ)[0], StoredDocument)
    assert isinstance(outcome(after(2, upgrading, reply(200, WRITTEN)), WRITE)[0], Written)


def test_destroying_twice_does_what_once_does_so_it_is_repeated() -> None:
    result, seen = outcome(after(2, b"", reply(204)), DestroyVersions("keys/a.b", (1,)))
    assert isinstance(result, Done)
    assert [json.loads(request.body) for request in seen] == [{"versions": [1]}] * 3


def test_a_refused_connection_and_an_unknown_name() -> None:
    for address, why in (
        ("http://127.0.0.1:1", "refused"),
        ("http://nowhere.invalid:8200", "resolved"),
    ):
        with live_at(address) as live:
            for request in (READ, WRITE):
                with pytest.raises(VaultUnreachable, match=why) as caught:
                    live.answer(request)
                assert (caught.value.code, address in caught.value.message) == ("RC401", True)


def _dripping(first: bytes) -> Script:
    """An answer that never ends and never pauses for longer than a socket's time-out."""

    def drip(seen: Seen) -> Iterator[bytes]:
        yield first
        while True:
            yield b"a"
            _pause()

    return drip


def _pause() -> None:
    threading.Event().wait(0.05)


@pytest.mark.parametrize(
    "first",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n{"],
    ids=["headers", "body"],
)
def test_one_deadline_bounds_headers_and_body(first: bytes) -> None:
    """A socket's own time-out starts anew with every byte; ours does not, or this test would never
    end."""
    short = {"timeout": timedelta(seconds=0.3)}
    with loopback(_dripping(first)) as served, live_at(served.address, **short) as live:
        live.adapter.patience = Patience(tries=1)
        with pytest.raises(VaultUnreachable, match=r"no complete answer within 0\.3 s"):
            live.answer(READ)
        assert isinstance(live.answer(WRITE), Unclear)


def test_an_answer_of_unlimited_size_is_not_read() -> None:
    def endless(seen: Seen) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nDate: x\r\n\r\n"
        while True:
            yield b" " * 65536

    result, seen = outcome(endless, READ)
    assert isinstance(result, VaultUnreachable)
    assert "larger than" in result.message
    assert len(seen) == 1


def test_a_token_is_not_sent_along_with_a_redirect() -> None:
    with loopback(always(reply(200, DOCUMENT))) as other:
        answer = reply(307, headers=(f"Location: {other.address}/v1/x",))
        result, _ = outcome(always(answer), READ)
        assert isinstance(result, VaultError)
        assert other.seen == []


def test_what_is_sent_along_with_a_request() -> None:
    with (
        loopback(always(reply(200, DOCUMENT))) as served,
        live_at(served.address + "/prefix/", namespace="team/a") as live,
    ):
        live.run_id = "20261123-abc"
        live.answer(READ)
        live.now()
    first, second = served.seen
    assert first.target == "/prefix/v1/i/e/registry/data/meta"
    assert first.headers["x-vault-token"] == CANARY
    assert first.headers["x-vault-namespace"] == "team/a"
    assert first.headers["x-run-id"] == "20261123-abc"
    assert first.headers["x-vault-request"] == "true"
    assert "x-vault-namespace" not in second.headers, "sys/health is refused within a namespace"


@pytest.mark.parametrize(
    "token", [f"{CANARY}\r\nX-Evil: 1", f"{CANARY}\n", f" {CANARY}", f"{CANARY}\x00", f"{CANARY}é"]
)
def test_a_malformed_token_is_refused_unsent_and_unechoed(token: str) -> None:
    with live_at("http://127.0.0.1:1") as live:
        with pytest.raises(VaultError) as caught:
            live.adapter.token = token
        assert caught.value.code == "RC406"
        assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1:8200",
        "ftp://h",
        "http://",
        f"http://{CANARY}@h:1",
        "http://h:99999",
        "http://h/?x",
        "http://h\r\n",
        "http://h#a",
    ],
)
def test_an_unusable_address_is_refused_and_not_echoed(address: str) -> None:
    with pytest.raises(VaultError) as caught:
        Live(VaultSettings(address, "a/r", "a/s", "a/t"))
    assert caught.value.code == "RC416"
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "mounts",
    [
        ("a", "a", "b"),
        ("../x", "b", "c"),
        ("a b", "b", "c"),
        ("", "b", "c"),
        ("a/%2e", "b", "c"),
        ("a//b", "b", "c"),
    ],
)
def test_unusable_mounts_are_refused(mounts: tuple[str, str, str]) -> None:
    with pytest.raises(VaultError) as caught:
        Live(VaultSettings("http://127.0.0.1:1", *mounts))
    assert caught.value.code == "RC416"


def test_the_first_403_is_not_taken_for_a_lost_capability_when_the_token_is_gone(
    place: Place,
) -> None:
    """Expired, revoked and unknown tokens look like a lacking capability; the error says which it
    is."""
    token = place.new_token("run")
    live = place.live_with(token)
    live.answer(READ)
    place.root.adapter.post("/v1/auth/token/revoke", json={"token": token})
    for request in (READ, WRITE, PUT):
        with pytest.raises(VaultDenied) as caught:
            live.answer(request)
        assert caught.value.code == "RC405"
        assert "expired" in caught.value.message
        assert token not in str(caught.value)
    unknown = place.live_with(CANARY)
    with pytest.raises(VaultDenied) as caught:
        unknown.list_secrets("keys", deep=False)
    assert caught.value.code == "RC405"


def test_a_sealed_server(tmp_path: Path) -> None:
    with throw_away() as server, bootstrapped(server) as place:
        place.root.adapter.post("/v1/sys/seal")
        for request in (READ, WRITE, PUT, ReadSubkeys("keys/a.b")):
            with pytest.raises(VaultUnavailable, match="sealed") as caught:
                place.root.answer(request)
            assert "unseal" in caught.value.remedy
        with pytest.raises(VaultUnavailable, match="sealed"):
            place.root.now()
        with pytest.raises(VaultUnavailable, match="sealed"):
            place.root.list_secrets("keys", deep=False)


def test_a_server_that_stops_in_between() -> None:
    with throw_away() as server, bootstrapped(server) as other:
        live = other.live("run")
        live.answer(READ)
        address = server.address
    with live_at(address) as gone, pytest.raises(VaultUnreachable, match="refused"):
        gone.answer(READ)


def test_a_kv_v1_mount_takes_a_write_without_a_version(bare_place: Place) -> None:
    """KV v1 answers 204 to what was meant for KV v2: never taken for written."""
    mount = bare_place.settings.registry_mount
    bare_place.root.adapter.post(f"/v1/sys/mounts/{mount}", json={"type": "kv"})
    result = bare_place.root.answer(WriteDocument("lease", "x", 0))
    assert isinstance(result, Unclear)
    assert "KV v2" in result.message


def test_a_mount_that_is_missing(bare_place: Place) -> None:
    for call in (
        lambda: bare_place.root.answer(READ),
        lambda: bare_place.root.list_secrets("keys", deep=False),
    ):
        with pytest.raises(VaultError) as caught:
            call()
        assert caught.value.code == "RC408"
        assert "integrations/" in caught.value.message


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_tls_is_verified(certificate: Path, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with loopback(always(reply(200, DOCUMENT)), context) as served:
        with live_at(served.address, ca_cert=str(certificate)) as live:
            assert isinstance(live.answer(READ), StoredDocument)
        with (
            live_at(served.address) as live,
            pytest.raises(VaultUnreachable, match="certificate is not trusted") as caught,
        ):
            live.answer(READ)
        assert "VAULT_CACERT" in caught.value.remedy
        assert len(served.seen) == 1, "nothing is sent to a server that is not trusted"
    with loopback(always(reply(200, DOCUMENT))) as plain:
        address = plain.address.replace("http:", "https:")
        with (
            live_at(address, ca_cert=str(certificate)) as live,
            pytest.raises(VaultUnreachable, match="TLS"),
        ):
            live.answer(READ)
    for unusable in ("/nowhere/ca.pem", str(_garbage(tmp_path))):
        with pytest.raises(VaultError) as failed:
            live_at("https://127.0.0.1:1", ca_cert=unusable)
        assert failed.value.code == "RC416"


def _garbage(directory: Path) -> Path:
    file = directory / "ca.pem"
    file.write_text("not a certificate", encoding="ascii")
    return file
