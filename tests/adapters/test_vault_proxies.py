"""A proxy on the way to Vault: honoured as in HashiCorp's client, and never shown a token nor its
own password."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.adapters.vault.auth import connect
from reconciler.adapters.vault.http.proxies import Proxy, proxy_for
from reconciler.adapters.vault.setup.meta import read_meta
from reconciler.domain.declared.desired import VaultSettings
from reconciler.errors import VaultError
from reconciler.registry.requests import ReadDocument, StoredDocument, WriteDocument, Written
from tests.kit.git.checkout import new_checkout
from tests.kit.git.repositories import isolate
from tests.kit.vault.places import HASTY, PROJECT, Place
from tests.kit.vault.proxy import proxying
from tests.kit.webhooks.authority import Authority
from tests.kit.webhooks.tunnel import Tunnel, tunnelling

pytestmark = pytest.mark.openbao

HOST = "vault.corp.example"  # no name server knows it: only a proxy can lead there
CREDENTIALS = "ada:pass word@1"
IN_URL = "ada:pass%20word%401"


@pytest.fixture
def far(place: Place, tmp_path: Path) -> Iterator[tuple[VaultSettings, tuple[str, int]]]:
    """The settings of a server that only a proxy reaches, and where it is."""
    authority = Authority(tmp_path)
    with proxying(place.server.address, tls=authority.server_context(HOST)) as front:
        port = urlsplit(front.address).port or 0
        address, ca = f"https://{HOST}:{port}", str(authority.ca_file)
        yield (
            replace(place.settings, address=address, ca_cert=ca, environment=place.name),
            ("127.0.0.1", port),
        )


@pytest.fixture
def tunnel(far: tuple[VaultSettings, tuple[str, int]]) -> Iterator[Tunnel]:
    with tunnelling(far[1], CREDENTIALS) as made:
        yield made


@pytest.mark.parametrize(
    "name", ["VAULT_PROXY_ADDR", "BAO_PROXY_ADDR", "HTTPS_PROXY", "https_proxy"]
)
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_tls_goes_through_a_tunnel(
    place: Place, far: tuple[VaultSettings, tuple[str, int]], tunnel: Tunnel, name: str, scheme: str
) -> None:
    settings, _ = far
    environ = {"VAULT_TOKEN": place.token("run"), name: f"{scheme}{IN_URL}@{tunnel.address}"}
    with connect(settings, environ, patience=HASTY) as live:
        assert read_meta(live, PROJECT, place.name).buckets == 256
        live.answer_all([])
    asked = {first.rpartition(" ")[0] for first, _ in tunnel.asked}
    assert asked == {f"CONNECT {urlsplit(settings.address).netloc}"}
    assert place.token("run") not in str(tunnel.asked)


@pytest.fixture
def private(
    far: tuple[VaultSettings, tuple[str, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Tunnel]:
    """A proxy that speaks TLS itself, by an authority that the system trusts."""
    (tmp_path / "proxy").mkdir()
    authority = Authority(tmp_path / "proxy", "another authority")
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    with tunnelling(far[1], CREDENTIALS, authority.server_context()) as made:
        yield made


def test_tls_goes_through_tls_to_the_proxy(
    place: Place, far: tuple[VaultSettings, tuple[str, int]], private: Tunnel
) -> None:
    """Many requests on few connections, some of them larger than a record of TLS."""
    settings, _ = far
    proxy = f"https://{IN_URL}@{private.address}"
    environ = {"VAULT_TOKEN": place.token("run"), "HTTPS_PROXY": proxy}
    large = "x" * 200_000
    with connect(settings, environ, patience=HASTY) as live:
        assert isinstance(live.answer(WriteDocument("lease", large, 0)), Written)
        for found in live.answer_all([ReadDocument("lease")] * 40):
            assert isinstance(found, StoredDocument)
            assert found.text == large
    assert len(private.asked) <= 17
    assert {first for first, _ in private.asked} == {
        f"CONNECT {urlsplit(settings.address).netloc} HTTP/1.1"
    }
    assert place.token("run") not in str(private.asked)


def test_both_certificates_are_verified(
    far: tuple[VaultSettings, tuple[str, int]],
    private: Tunnel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = {"HTTPS_PROXY": f"https://{IN_URL}@{private.address}"}
    of_vault = refused(replace(far[0], ca_cert=None), variables)
    assert "TLS: the server's certificate is not trusted" in of_vault.message
    monkeypatch.setenv("SSL_CERT_FILE", str(far[0].ca_cert))
    of_proxy = refused(far[0], variables)
    assert "cannot be reached, or is no proxy" in of_proxy.message
    assert private.asked
    assert all("hvs.x" not in str(one) for one in private.asked)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_one_deadline_is_over_the_tunnel_too(
    far: tuple[VaultSettings, tuple[str, int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    tls: bool,
) -> None:
    """Behind the proxy a record of TLS drips and never comes to its end."""
    (tmp_path / "proxy").mkdir()
    authority = Authority(tmp_path / "proxy", "another authority")
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)

    context = authority.server_context() if tls else None
    with dripping() as nobody, tunnelling(nobody, None, context) as made:
        scheme = "https" if tls else "http"
        short = replace(far[0], timeout=timedelta(seconds=0.5))
        failed = refused(short, {"HTTPS_PROXY": f"{scheme}://{made.address}"})
    assert "no connection within 0.5 s" in failed.message


@contextmanager
def dripping() -> Iterator[tuple[str, int]]:
    """Where each connection gets the beginning of a record, and then a byte now and then."""
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.recv(65536)  # the beginning of the handshake
            connection.sendall(b"\x16\x03\x03\x40\x00")
            while not ended.wait(0.05):
                connection.sendall(b"\x02")

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(20) as threads:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threads.submit(drip, listener.accept()[0])

        threads.submit(accept)
        yield listener.getsockname()
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)


def refused(settings: VaultSettings, environ: dict[str, str]) -> VaultError:
    with (
        pytest.raises(VaultError) as caught,
        connect(settings, {"VAULT_TOKEN": "hvs.x", **environ}, patience=HASTY) as live,
    ):
        live.now()
    return caught.value


def test_a_proxy_that_refuses_is_named_without_its_password(
    far: tuple[VaultSettings, tuple[str, int]], tunnel: Tunnel
) -> None:
    wrong = refused(far[0], {"HTTPS_PROXY": f"http://ada:wrong-word@{tunnel.address}"})
    assert (
        f"the proxy http://{tunnel.address} that HTTPS_PROXY names refuses (status 407)"
        in wrong.message
    )
    assert "wrong-word" not in str(wrong.message) + wrong.remedy
    assert len(tunnel.asked) == 2, (
        "each request asked once: how long the token lives, and the health"
    )
    tunnel.refuses = 403
    assert (
        "refuses (status 403)"
        in refused(far[0], {"HTTPS_PROXY": f"{IN_URL}@{tunnel.address}"}).message
    )
    tunnel.refuses = 502
    assert (
        "refuses (status 502)"
        in refused(far[0], {"HTTPS_PROXY": f"{IN_URL}@{tunnel.address}"}).message
    )
    nobody = refused(far[0], {"VAULT_PROXY_ADDR": f"{IN_URL}@127.0.0.1:1"})
    assert (
        "the proxy http://127.0.0.1:1 that VAULT_PROXY_ADDR names cannot be reached"
        in nobody.message
    )
    assert "pass" not in nobody.message


ADDRESS = "https://vault.example.com:8200"


@pytest.mark.parametrize(
    ("exceptions", "direct"),
    [
        ("*", True), ("vault.example.com", True), ("example.com", True), (".example.com", True),
        ("*.example.com", True), ("VAULT.example.com", True), ("other.example, example.com", True),
        ("vault.example.com:8200", True), ("vault.example.com:443", False), ("ample.com", False),
        ("", False), ("vault", False), (".vault.example.com", False), ("10.0.0.0/8", False),
    ],
)  # fmt: skip
def test_hosts_that_no_proxy_names_are_asked_directly(exceptions: str, direct: bool) -> None:
    environ = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": exceptions}
    assert (proxy_for(ADDRESS, environ) is None) is direct
    lower = {"https_proxy": "http://proxy:3128", "no_proxy": exceptions}
    assert (proxy_for(ADDRESS, lower) is None) is direct
    own = {"VAULT_PROXY_ADDR": "http://proxy:3128", "NO_PROXY": exceptions}
    assert proxy_for(ADDRESS, own) is not None, "as in HashiCorp's client"


@pytest.mark.parametrize(
    ("address", "exceptions", "direct"),
    [
        ("https://10.1.2.3:8200", "10.0.0.0/8", True), ("https://10.1.2.3:8200", "10.1.2.3", True),
        ("https://11.1.2.3", "10.0.0.0/8", False), ("https://[fd00::1]:8200", "fd00::/8", True),
        ("https://[fd00::1]:8200", "[fd00::1]:8200", True), ("https://[fd00::1]:8200", "[fd00::1]:443", False),
    ],
)  # fmt: skip
def test_addresses_and_networks_of_no_proxy(address: str, exceptions: str, direct: bool) -> None:
    environ = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": exceptions}
    assert (proxy_for(address, environ) is None) is direct


def test_what_counts_first() -> None:
    environ = {
        "HTTPS_PROXY": "http://second",
        "VAULT_PROXY_ADDR": "https://first",
        "HTTP_PROXY": "http://never",
    }
    assert proxy_for(ADDRESS, environ) == Proxy("VAULT_PROXY_ADDR", "https://first:443")
    assert proxy_for(ADDRESS, {"HTTP_PROXY": "http://never"}) is None
    assert proxy_for("https://127.0.0.1:8200", environ) is None, "this machine is asked directly"
    assert proxy_for("http://localhost:8200", environ) is None


@pytest.mark.parametrize(
    ("address", "name", "value", "says"),
    [
        (ADDRESS, "HTTPS_PROXY", "socks5://ada:hunter2@proxy:1080", "only http:// and https://"),
        (ADDRESS, "VAULT_PROXY_ADDR", "http://ada:hunter2@proxy:99999", "not a URL"),
        (ADDRESS, "HTTPS_PROXY", "http://ada:hunter2@", "not a URL"),
        (ADDRESS, "HTTPS_PROXY", "http://ada:hunter2@pro\nxy", "not a URL"),
        (
            "http://vault.example.com:8200",
            "HTTP_PROXY",
            "http://ada:hunter2@proxy:3128",
            "plain http",
        ),
        (
            "http://vault.example.com:8200",
            "VAULT_PROXY_ADDR",
            "http://ada:hunter2@proxy:3128",
            "plain http",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_name_of_the_variable(
    address: str, name: str, value: str, says: str
) -> None:
    with pytest.raises(VaultError) as caught:
        proxy_for(address, {name: value})
    assert name in caught.value.message
    assert says in caught.value.message
    assert "hunter2" not in caught.value.message + caught.value.remedy + repr(caught.value)


def test_no_output_of_a_command_holds_the_password(
    place: Place, far: tuple[VaultSettings, tuple[str, int]], tunnel: Tunnel, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    isolate(monkeypatch, tmp_path / "home")
    checkout = new_checkout(place, tmp_path / "repository")
    variables = {"VAULT_ADDR": far[0].address, "VAULT_CACERT": str(far[0].ca_cert)}
    for given, code in ((IN_URL, 0), ("ada:pass-phrase", 1)):
        ran = checkout.run(
            "doctor", "-e", place.name, **variables, HTTPS_PROXY=f"http://{given}@{tunnel.address}"
        )
        assert ran.code == code, ran.out + ran.err
        assert "pass" not in (ran.out + ran.err).replace("passes", "")
