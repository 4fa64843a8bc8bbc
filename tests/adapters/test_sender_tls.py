"""TLS of deliveries: whom the sender trusts, what it shows of itself, and how each failure
reads."""

from __future__ import annotations

import os
import ssl
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.adapters.delivery.handshake import settings_with_variables
from reconciler.adapters.delivery.sender import WebhookSender
from reconciler.domain.declared.desired import DeliverySettings
from reconciler.errors import DeliveryError
from reconciler.webhooks.wire.http import HttpFailure
from tests.kit.suite.tally import Tally
from tests.kit.webhooks.authority import Authority
from tests.kit.webhooks.receivers import answers, cuts_body, cuts_connection, listening, receiving
from tests.kit.webhooks.sending import BRIEF, LOOPBACK, bounded, post, resolver, said
from tests.kit.webhooks.tls import self_signed

_HOUR = timedelta(hours=1)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def trusting(authority: Authority, *client: str) -> WebhookSender:
    """A sender that trusts ``authority`` alone, and shows the certificate and key of ``client``."""
    cert, key = client or (None, None)
    settings = DeliverySettings(ca_cert=authority.ca_file, client_cert=cert, client_key=key)
    return WebhookSender(LOOPBACK, settings, resolve=resolver("127.0.0.1"))


def answered(context: ssl.SSLContext, sender: WebhookSender, host: str = "127.0.0.1") -> str:
    """What comes of one request to a receiver with ``context``; refused, the receiver has seen
    none."""
    with receiving(answers(204), context) as receiver:
        answer = bounded(post(f"https://{host}:{receiver.port}/"), sender)
        assert isinstance(answer, HttpFailure) is (receiver.seen == [])
    return said(answer)


def test_the_right_certificate(authority: Authority) -> None:
    named, addressed = (
        authority.server_context("hooks.example.com"),
        authority.server_context("127.0.0.1"),
    )
    assert answered(named, trusting(authority), "hooks.example.com") == "204"
    assert answered(named, trusting(authority), "hooks.example.com.") == "204"
    assert (
        answered(
            authority.server_context("*.example.com"), trusting(authority), "hooks.example.com"
        )
        == "204"
    )
    assert answered(addressed, trusting(authority)) == "204"


@pytest.mark.parametrize("name", ["hooks.example.com", "*.example.com", "127.0.0.1"])
def test_a_common_name_is_no_name(name: str, authority: Authority, tally: Tally) -> None:
    """A certificate without alternative names is for nobody, whatever its subject is called."""
    host = "127.0.0.1" if name == "127.0.0.1" else "hooks.example.com"
    context = authority.server_context(name, alternative=False)
    assert (
        answered(context, trusting(authority), host) == f"RC506: the certificate is not for {host}"
    )
    tally("receivers with a wrong TLS stopped", 1)


def test_the_certificate_is_checked_against_the_name_not_the_address(
    authority: Authority, tally: Tally
) -> None:
    context = authority.server_context("127.0.0.1")
    refusal = "RC506: the certificate is not for hooks.example.com"
    assert answered(context, trusting(authority), "hooks.example.com") == refusal
    tally("receivers with a wrong TLS stopped", 1)


# Name, begin and end of the certificate in hours from now -> what is said.
CERTIFICATES = [
    ("other.example.com", -1, 1, "RC506: the certificate is not for 127.0.0.1"),
    ("127.0.0.2", -1, 1, "RC506: the certificate is not for 127.0.0.1"),
    ("127.0.0.1", -3, -2, "RC507: the certificate of 127.0.0.1 has expired"),
    ("127.0.0.1", 2, 3, "RC507: the certificate of 127.0.0.1 is not valid yet"),
]


@pytest.mark.parametrize(("name", "begins", "ends", "sentence"), CERTIFICATES)
def test_certificates_that_are_refused(
    authority: Authority, name: str, begins: int, ends: int, sentence: str, tally: Tally
) -> None:
    context = authority.server_context(name, begins=begins * _HOUR, ends=ends * _HOUR)
    assert answered(context, trusting(authority)) == sentence
    tally("receivers with a wrong TLS stopped", 1)


def test_an_untrusted_certificate(authority: Authority, tmp_path: Path, tally: Tally) -> None:
    """Neither another authority's, nor one that this machine's own trust store does not know, nor
    its own."""
    stranger = Authority(tmp_path, "another authority")
    untrusted = "RC508: the certificate of 127.0.0.1 is not signed by an authority trusted here"
    for sender in (trusting(stranger), WebhookSender(LOOPBACK)):
        assert answered(authority.server_context(), sender) == untrusted
    alone = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    alone.load_cert_chain(self_signed(tmp_path))
    by_itself = "RC508: the certificate of 127.0.0.1 is signed by itself and not trusted here"
    assert answered(alone, trusting(authority)) == by_itself
    tally("receivers with a wrong TLS stopped", 3)


def test_an_old_version_of_tls(authority: Authority, tally: Tally) -> None:
    context = authority.server_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")
    sentence = "RC509: 127.0.0.1 speaks only a version of TLS that is too old"
    assert answered(context, trusting(authority)) == sentence
    alert = bytes.fromhex("15 0301 0002 02 46")  # a TLS 1.0 record: fatal alert protocol_version
    with listening(alert, cut=True) as port:
        assert said(bounded(post(f"https://127.0.0.1:{port}/"), trusting(authority))) == sentence
    tally("receivers with a wrong TLS stopped", 2)


def test_a_port_that_does_not_speak_tls(authority: Authority, tally: Tally) -> None:
    sender, no_tls = trusting(authority), "RC509: 127.0.0.1 does not speak TLS at this port"
    with receiving(answers(200)) as receiver:
        assert said(bounded(post(receiver.url.replace("http:", "https:")), sender)) == no_tls
    with listening(b"220 mail.example.com ESMTP\r\n", cut=True) as port:
        assert said(bounded(post(f"https://127.0.0.1:{port}/"), sender)) == no_tls
    broken = "RC509: 127.0.0.1 broke off the TLS handshake"
    for reset in (False, True):
        with listening(cut=True, reset=reset) as port:
            assert said(bounded(post(f"https://127.0.0.1:{port}/"), sender)) == broken
    with listening() as port:
        stalled = said(bounded(post(f"https://127.0.0.1:{port}/", deadline=BRIEF), sender))
    assert stalled == "RC510: the deadline passed while negotiating TLS"
    tally("receivers with a wrong TLS stopped", 5)


def test_who_hangs_up_without_a_word_of_tls(authority: Authority, tally: Tally) -> None:
    """Many receivers do: it is told as it is over plain http."""
    sender, context = trusting(authority), authority.server_context()
    for behaviour, sentence in (
        (cuts_connection, "RC511: the receiver closed the connection without an answer"),
        (cuts_body, "RC511: the receiver broke off, or does not speak HTTP/1.1"),
    ):
        with receiving(behaviour, context) as receiver:
            assert said(bounded(post(receiver.url), sender)) == sentence
    tally("receivers with a wrong TLS stopped", 2)


# Mutual TLS


def test_a_client_certificate_is_shown_to_who_asks(authority: Authority, tmp_path: Path) -> None:
    ours = Authority(tmp_path, "our authority")
    client = ours.issue("sender.example.com")
    assert answered(authority.server_context(clients=ours), trusting(authority, *client)) == "204"
    assert answered(authority.server_context(), trusting(authority, *client)) == "204", (
        "nobody asked"
    )
    both = tmp_path / "both.pem"
    both.touch(0o600)
    both.write_bytes(b"".join(Path(file).read_bytes() for file in client))
    assert (
        answered(authority.server_context(clients=ours), trusting(authority, str(both), str(both)))
        == "204"
    )


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_that_is_missing_or_wrong(
    authority: Authority, tmp_path: Path, version: ssl.TLSVersion, tally: Tally
) -> None:
    ours, theirs = Authority(tmp_path, "our authority"), Authority(tmp_path, "their authority")
    context = authority.server_context(clients=ours)
    context.minimum_version = context.maximum_version = version
    absent = {
        ssl.TLSVersion.TLSv1_2: "RC509: 127.0.0.1 refuses the TLS handshake: "
        "no common cipher, or it asks for a client certificate",
        ssl.TLSVersion.TLSv1_3: "RC509: 127.0.0.1 asks for a client certificate, and none was shown",
    }
    assert answered(context, trusting(authority)) == absent[version]
    refused = "RC509: 127.0.0.1 refuses the client certificate"
    assert answered(context, trusting(authority, *theirs.issue("sender.example.com"))) == refused
    expired = ours.issue("sender.example.com", begins=-3 * _HOUR, ends=-2 * _HOUR)
    assert answered(context, trusting(authority, *expired)) == refused
    tally("receivers with a wrong TLS stopped", 3)


Unusable = Callable[[Authority, Path], DeliverySettings]


def _file(folder: Path, name: str, text: str = "", mode: int = 0o600) -> str:
    path = folder / name
    path.touch(mode)
    path.write_text(text)
    return str(path)


def _pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe")
    return str(folder / "pipe")


def _open_key(authority: Authority) -> DeliverySettings:
    cert, key = authority.issue("a.example")
    Path(key).chmod(0o644)
    return DeliverySettings(client_cert=cert, client_key=key)


def _of(authority: Authority, cert: int, key: int) -> DeliverySettings:
    pairs = [authority.issue("a.example"), authority.issue("b.example")]
    return DeliverySettings(client_cert=pairs[cert][0], client_key=pairs[key][1])


def _locked(authority: Authority) -> DeliverySettings:
    cert, key = authority.issue("a.example", passphrase=b"hunter2")
    return DeliverySettings(client_cert=cert, client_key=key)


UNUSABLE: dict[str, tuple[Unusable, str]] = {
    "no CA file": (lambda _, t: DeliverySettings(str(t / "x.pem")), r"the CA file .*x\.pem cannot be read: No such"),
    "CA is a folder": (lambda _, t: DeliverySettings(str(t)), "the CA file .* is not a regular file"),
    "CA is a pipe": (lambda _, t: DeliverySettings(_pipe(t)), "the CA file .* is not a regular file"),
    "CA has a NUL": (lambda _, t: DeliverySettings("a\0b"), "cannot be read: not a name of a file"),
    "CA is empty": (lambda _, t: DeliverySettings(_file(t, "ca.pem")), "holds no certificate in PEM form"),
    "CA is none": (lambda _, t: DeliverySettings(_file(t, "ca.pem", "nonsense")), "holds no certificate in PEM form"),
    "a key alone": (
        lambda a, _: DeliverySettings(client_key=a.issue("a.example")[1]),
        "a client key and no client certificate: set clientCert or RECONCILER_CLIENT_CERT",
    ),
    "a certificate alone": (
        lambda a, _: DeliverySettings(client_cert=a.issue("a.example")[0]),
        "a client certificate and no key to it: set clientKey or RECONCILER_CLIENT_KEY",
    ),
    "no certificate": (
        lambda a, t: DeliverySettings(client_cert=str(t / "x.crt"), client_key=a.issue("a.example")[1]),
        "the client certificate .*x.crt cannot be read: No such file",
    ),
    "no key": (
        lambda a, t: DeliverySettings(client_cert=a.issue("a.example")[0], client_key=str(t / "x.key")),
        "the client key .*x.key cannot be read: No such file",
    ),
    "another's key": (lambda a, _: _of(a, 0, 1), "the client key .* does not belong to the client certificate"),
    "an encrypted key": (lambda a, _: _locked(a), "is encrypted: a run has nobody to ask for its passphrase"),
    "everybody's key": (lambda a, _: _open_key(a), r"by everybody \(mode 0644\): run `chmod o= "),
    "nonsense for a key": (
        lambda a, t: DeliverySettings(client_cert=a.issue("a.example")[0], client_key=_file(t, "x.key", "nonsense")),
        "are not a certificate and its private key in PEM form",
    ),
    "nonsense for a certificate": (
        lambda a, t: DeliverySettings(client_cert=_file(t, "x.crt", "nonsense"), client_key=a.issue("a.example")[1]),
        "are not a certificate and its private key in PEM form",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSABLE)
def test_settings_that_cannot_be_used(
    name: str, authority: Authority, tmp_path: Path, tally: Tally
) -> None:
    """Said before anything is begun, and by each delivery that is tried all the same."""
    make, words = UNUSABLE[name]
    sender = WebhookSender(LOOPBACK, make(authority, tmp_path))
    with pytest.raises(DeliveryError, match=words) as caught:
        sender.check()
    assert caught.value.code == "RC520"
    assert "hunter2" not in str(caught.value)
    with receiving(answers(200), authority.server_context()) as receiver:
        assert said(bounded(post(receiver.url), sender)) == f"RC520: {caught.value.message}"
        assert receiver.seen == []
    tally("unusable settings of deliveries refused", 1)


def test_plain_http_needs_none_of_these_files(tmp_path: Path) -> None:
    sender = WebhookSender(LOOPBACK, DeliverySettings(str(tmp_path / "none.pem")))
    with receiving(answers(204)) as receiver:
        assert said(bounded(post(receiver.url), sender)) == "204"


def test_a_network_that_is_none() -> None:
    with pytest.raises(DeliveryError, match=r"'10\.0\.0\.0/99' is not a network") as caught:
        WebhookSender(("10.0.0.0/99",))
    assert caught.value.code == "RC520"


# The environment of the command


def test_ssl_cert_file_is_the_trust_store_unless_a_ca_is_declared(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Authority(tmp_path, "another authority")
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    assert answered(authority.server_context(), WebhookSender(LOOPBACK)) == "204"
    assert answered(authority.server_context(), trusting(stranger)).startswith("RC508: ")


def test_other_variables_about_certificates_are_not_used(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    """Least of all the one that has the keys of every connection written to a file."""
    keys = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    names = (
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "VAULT_CACERT",
        "BAO_CACERT",
    )
    for name in names:
        monkeypatch.setenv(name, authority.ca_file)
    assert answered(authority.server_context(), WebhookSender(LOOPBACK)).startswith("RC508: ")
    assert answered(authority.server_context(), trusting(authority)) == "204"
    assert not keys.exists()
    tally("variables of the environment about TLS, ignored", 1 + len(names))


@pytest.mark.parametrize(
    ("environ", "cert", "key"),
    [
        ({}, "declared.crt", "declared.key"),
        ({"RECONCILER_CLIENT_KEY": "k"}, "declared.crt", "k"),
        ({"RECONCILER_CLIENT_KEY": ""}, "declared.crt", "declared.key"),
        ({"RECONCILER_CLIENT_CERT": "c", "RECONCILER_CLIENT_KEY": "k"}, "c", "k"),
        (
            {"RECONCILER_CLIENT_KEY": "k", "RECONCILER_CLIENT_KEY_EU_WEST": "own"},
            "declared.crt",
            "own",
        ),
        ({"RECONCILER_CLIENT_KEY_STAGING": "other"}, "declared.crt", "declared.key"),
    ],
)
def test_variables_name_the_files(environ: dict[str, str], cert: str, key: str) -> None:
    declared = DeliverySettings(client_cert="declared.crt", client_key="declared.key")
    settings = settings_with_variables(declared, "eu-west", environ)
    assert (settings.client_cert, settings.client_key) == (cert, key)
