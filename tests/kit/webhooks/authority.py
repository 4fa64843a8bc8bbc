"""Certificates for receivers and for senders, good and bad, made as a test needs them."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_PEM = serialization.Encoding.PEM
_HOUR = timedelta(hours=1)


class Authority:
    """A certificate authority that lives as long as a test. ``ca_file`` is what its peers trust."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        now = datetime.now(UTC)
        builder = _builder(
            self._name, self._name, self._key, now - timedelta(days=1), now + timedelta(days=1)
        )
        certificate = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        ).sign(self._key, hashes.SHA256())
        path = folder / f"{name.replace(' ', '-')}.pem"
        path.write_bytes(certificate.public_bytes(_PEM))
        self.ca_file = str(path)

    def server_context(
        self,
        name: str = "127.0.0.1",
        *,
        begins: timedelta = -_HOUR,
        ends: timedelta = _HOUR,
        clients: Authority | None = None,
        alternative: bool = True,
    ) -> ssl.SSLContext:
        """A server's TLS context with a certificate for ``name`` (a host name or an address). With
        ``clients`` it asks for a certificate of that authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(
            *self.issue(name, begins=begins, ends=ends, alternative=alternative)
        )
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients.ca_file)
        return context

    def issue(
        self, name: str, *, begins: timedelta = -_HOUR, ends: timedelta = _HOUR, passphrase: bytes | None = None,
        alternative: bool = True,
    ) -> tuple[str, str]:  # fmt: skip
        """The files of a certificate for ``name`` and of its key, which only the owner may read.
        Without ``alternative`` names it is named by its Common Name alone."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        builder = _builder(_named(name), self._name, key, now + begins, now + ends)
        if alternative:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(name)]), critical=False
            )
        certificate = builder.sign(self._key, hashes.SHA256())
        encryption = (
            serialization.BestAvailableEncryption(passphrase)
            if passphrase
            else serialization.NoEncryption()
        )
        cert_file = self._folder / f"{certificate.serial_number:x}.crt"
        key_file = self._folder / f"{certificate.serial_number:x}.key"
        cert_file.write_bytes(certificate.public_bytes(_PEM))
        key_file.touch(0o600)
        key_file.write_bytes(key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, encryption))
        return str(cert_file), str(key_file)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begins: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
