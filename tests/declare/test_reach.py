"""Which URLs are refused at validate because their deliveries would be refused: environment, URL,
what is said."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.declare import load_project
from reconciler.declare.webhooks.reach import Reach
from reconciler.declare.webhooks.urls import parse_url
from reconciler.domain.declared.desired import DeliverySettings, Environment, VaultSettings
from reconciler.webhooks.wire.http import HttpFailure
from tests.declare.conftest import PROJECT, MakeProject
from tests.kit.webhooks.addresses import HOSTILE, PUBLIC
from tests.kit.webhooks.sending import post, resolver

LOOPBACK, PRIVATE = ("127.0.0.0/8",), ("10.0.0.0/8", "fd12::/16")


def reach(networks: tuple[str, ...], *ports: int) -> Reach:
    settings = DeliverySettings(ports=ports) if ports else DeliverySettings()
    vault = VaultSettings("https://vault.example.com", "r", "s", "t")
    return Reach(Environment("staging", vault, allowed_networks=networks, deliveries=settings))


PORT = "RC183: port {} may not be reached in `staging`, only {}"
PLAIN = "RC183: plain http is never used in `staging` outside allowedNetworks"
UNENCRYPTED = "RC156: the URL is http: deliveries are not encrypted"

CASES: list[tuple[tuple[str, ...], tuple[int, ...], str, str]] = [
    ((), (), "https://a.example/x", ""),
    ((), (), "https://a.example:443", ""),
    ((), (), "https://a.example:8443/", ""),
    ((), (), "https://a.example:9443/", PORT.format(9443, "443, 8443")),
    ((), (9443,), "https://a.example:9443/", ""),
    ((), (9443,), "https://a.example/", PORT.format(443, "9443")),
    ((), (), "http://a.example/", PLAIN),
    ((), (), "http://a.example:8443/", PLAIN),
    (PRIVATE, (), "http://a.example/", UNENCRYPTED),
    (PRIVATE, (), "https://a.example:9443/", ""),  # the name may lead into the network
    (PRIVATE, (), "https://93.184.216.34:9443/", PORT.format(9443, "443, 8443")),
    (PRIVATE, (), "http://93.184.216.34/", PLAIN),
    (PRIVATE, (), "http://10.0.0.1:9000/", UNENCRYPTED),
    (PRIVATE, (), "https://10.0.0.1:9000/", ""),
    (PRIVATE, (), "https://[fd12::1]:9000/", ""),
    (LOOPBACK, (), "http://127.0.0.1:9000/", ""),
    (LOOPBACK, (), "http://localhost:9000/", ""),
    ((), (), "http://127.0.0.1:9000/", "RC183: 127.0.0.1 is never reached in `staging`: loopback"),
    ((), (), "https://localhost/", "RC183: localhost is never reached in `staging`: loopback"),
    ((), (), "https://hooks.localhost/", "RC183: hooks.localhost is never reached in `staging`: loopback"),
    (PRIVATE, (), "https://[::1]/", "RC183: ::1 is never reached in `staging`: loopback"),
    ((), (), "https://169.254.42.42/", "RC183: 169.254.42.42 is never reached in `staging`: a cloud metadata service"),
    ((), (), "https://127.1/", ""),  # no URL: RC155
    ((), (), "nonsense", ""),
]  # fmt: skip


@pytest.mark.parametrize(("networks", "ports", "url", "sentence"), CASES)
def test_what_could_never_be_sent(
    networks: tuple[str, ...], ports: tuple[int, ...], url: str, sentence: str
) -> None:
    fault = reach(networks, *ports).fault(url)
    assert (f"{fault[0]}: {fault[1]}" if fault else "") == sentence


def test_the_remedy_fits() -> None:
    private, metadata, plain, port = (
        reach(()).fault(f"{url}/")
        for url in (
            "https://10.0.0.1",
            "https://169.254.169.254",
            "http://a.example",
            "https://a.example:1",
        )
    )
    assert private and metadata and plain and port  # noqa: PT018 - for the type checker
    assert (
        private[2]
        == "a receiver in a private network needs it in allowedNetworks of the environment"
    )
    assert metadata[2] == "no network of a receiver has such an address"
    assert (
        plain[2] == "use https, or add the receiver's network to allowedNetworks of the environment"
    )
    assert port[2] == "let the receiver listen at such a port, or add 1 to deliveries.ports"


HOSTS = [f"[{text}]" if ":" in text else text for text, _ in HOSTILE if "%" not in text] + [
    f"[{text}]" if ":" in text else text for text in PUBLIC
]
NETWORKS = [(), LOOPBACK, PRIVATE, ("0.0.0.0/0", "::/0")]


@cache  # each reads the machine's trust store
def sender_to(networks: tuple[str, ...], answer: str) -> WebhookSender:
    return WebhookSender(networks, resolve=resolver(answer))


@given(
    st.sampled_from(["http", "https"]), st.sampled_from([*HOSTS, "a.example"]),
    st.sampled_from(["", ":443", ":8443", ":9443", ":80"]), st.sampled_from(NETWORKS),
)  # fmt: skip
def test_what_validate_refuses_the_sender_refuses(
    scheme: str, host: str, port: str, networks: tuple[str, ...]
) -> None:
    """The law that keeps the two apart from drifting: an error here is a refusal there, whatever a
    name leads to."""
    url = f"{scheme}://{host}{port}/"
    fault = reach(networks).fault(url)
    if fault is None or fault[0] != "RC183":
        return
    for answer in ("93.184.216.34", "127.0.0.1", "10.0.0.1"):
        sent = sender_to(networks, answer).send(post(parse_url(url)))
        assert isinstance(sent, HttpFailure)
        assert sent.code in {"RC503", "RC504", "RC521"}


def test_the_declaration_of_deliveries(make_project: MakeProject) -> None:
    text = (
        "{caCert: certs/ca.pem, clientCert: certs/client.crt, clientKey: /run/secrets/client.key, "
        "ports: [9443, 443], concurrency: 64, perHost: 2}"
    )
    root = make_project(
        {"reconciler.yaml": PROJECT.replace("    prod", f"      deliveries: {text}\n    prod")}
    )
    project, found, _ = load_project(root)
    assert project is not None, found
    assert project.environments["staging"].deliveries == DeliverySettings(
        str(root / "certs/ca.pem"),
        str(root / "certs/client.crt"),
        "/run/secrets/client.key",
        (443, 9443),
        64,
        2,
    )
    assert project.environments["production"].deliveries == DeliverySettings()


def test_a_certificate_may_await_its_key(make_project: MakeProject) -> None:
    """A pipeline names the key by RECONCILER_CLIENT_KEY."""
    text = "      deliveries: {clientCert: client.crt}\n    prod"
    project, _, _ = load_project(
        make_project({"reconciler.yaml": PROJECT.replace("    prod", text)})
    )
    assert project is not None
    assert project.environments["staging"].deliveries.client_key is None
