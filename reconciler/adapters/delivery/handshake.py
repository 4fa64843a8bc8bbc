"""TLS of deliveries: whom we trust, what we show of ourselves, and what a failed handshake
means."""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

from reconciler.adapters.delivery.watch import DeliveryStopped
from reconciler.adapters.system.tls import trusting
from reconciler.domain.declared.desired import DeliverySettings
from reconciler.errors import DeliveryError
from reconciler.errors.codes import CODES

_READABLE_BY_OTHERS = stat.S_IROTH | stat.S_IWOTH


class _Encrypted(Exception):
    """The key asks for a passphrase."""


def settings_with_variables(
    settings: DeliverySettings, environment: str, environ: Mapping[str, str]
) -> DeliverySettings:
    """``settings`` with RECONCILER_CLIENT_CERT and RECONCILER_CLIENT_KEY applied, which name files.
    With the environment at its end (``…_STAGING``) a variable counts for that one alone and comes
    first; empty is not set."""
    place = environment.upper().replace("-", "_")

    def variable(name: str) -> str | None:
        return environ.get(f"{name}_{place}") or environ.get(name) or None

    return replace(
        settings,
        client_cert=variable("RECONCILER_CLIENT_CERT") or settings.client_cert,
        client_key=variable("RECONCILER_CLIENT_KEY") or settings.client_key,
    )


def tls_context(settings: DeliverySettings) -> ssl.SSLContext:
    """Verifies every receiver and its name. Raises ``DeliveryError`` (RC520)."""
    if settings.ca_cert is not None:
        _check_readable(settings.ca_cert, "CA file")
    try:
        context = trusting(settings.ca_cert)
    except ssl.SSLError:
        raise _unusable(
            f"the CA file {settings.ca_cert} holds no certificate in PEM form"
        ) from None
    context.set_alpn_protocols(["http/1.1"])
    _load_client(context, settings)
    return context


def _load_client(context: ssl.SSLContext, settings: DeliverySettings) -> None:
    cert, key = settings.client_cert, settings.client_key
    if cert is None and key is None:
        return
    if cert is None:
        raise _unusable(
            "there is a client key and no client certificate: set clientCert or"
            " RECONCILER_CLIENT_CERT"
        )
    if key is None:
        raise _unusable(
            "there is a client certificate and no key to it: set clientKey or RECONCILER_CLIENT_KEY"
        )
    _check_readable(cert, "client certificate")
    mode = _check_readable(key, "client key")
    if mode & _READABLE_BY_OTHERS:
        detail = (
            f"the client key {key} may be read or written by everybody (mode"
            f" {stat.S_IMODE(mode):04o})"
        )
        raise _unusable(f"{detail}: run `chmod o= {key}`")
    try:
        context.load_cert_chain(cert, key, password=_refuse_passphrase)
    except _Encrypted:
        raise _unusable(
            f"the client key {key} is encrypted: a run has nobody to ask for its passphrase"
        ) from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise _unusable(
                f"the client key {key} does not belong to the client certificate {cert}"
            ) from None
        raise _unusable(
            f"{cert} and {key} are not a certificate and its private key in PEM form"
        ) from None


def _refuse_passphrase() -> NoReturn:
    """OpenSSL's own would ask on the terminal and wait."""
    raise _Encrypted


def _check_readable(path: str, what: str) -> int:
    """The mode of a regular file that can be read; OpenSSL's own words name neither file nor
    reason."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would block
        try:
            mode = os.fstat(descriptor).st_mode
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a name of a file"
        raise _unusable(f"the {what} {path} cannot be read: {reason}") from None
    if not stat.S_ISREG(mode):
        raise _unusable(f"the {what} {path} is not a regular file")
    return mode


def _unusable(detail: str) -> DeliveryError:
    return DeliveryError("RC520", detail, CODES["RC520"].remedy)


# X509_V_ERR_… of OpenSSL's x509_vfy.h
_VERIFY_CODES: Mapping[int, tuple[str, str]] = {
    2: ("RC508", "is not signed by an authority trusted here"),
    9: ("RC507", "is not valid yet"),
    10: ("RC507", "has expired"),
    18: ("RC508", "is signed by itself and not trusted here"),
    19: ("RC508", "is not signed by an authority trusted here"),
    20: ("RC508", "is not signed by an authority trusted here"),
    21: ("RC508", "is not signed by an authority trusted here"),
}
_WRONG_NAME = frozenset({62, 64})  # of a host, of an address

# Reasons of OpenSSL, among them the alerts (RFC 8446 6.2) that a receiver sends.
_REASONS: Mapping[str, str] = {
    "WRONG_VERSION_NUMBER": "{host} does not speak TLS at this port",
    "HTTP_REQUEST": "{host} does not speak TLS at this port",
    "UNSUPPORTED_PROTOCOL": "{host} speaks only a version of TLS that is too old",
    "TLSV1_ALERT_PROTOCOL_VERSION": "{host} speaks only a version of TLS that is too old",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "{host} asks for a client certificate, and none was shown",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": (
        "{host} refuses the TLS handshake: no common cipher, or it asks for a client certificate"
    ),
    **dict.fromkeys(
        (
            "TLSV1_ALERT_UNKNOWN_CA",
            "SSLV3_ALERT_BAD_CERTIFICATE",
            "SSLV3_ALERT_CERTIFICATE_EXPIRED",
            "SSLV3_ALERT_CERTIFICATE_REVOKED",
            "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
            "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
            "TLSV1_ALERT_ACCESS_DENIED",
            "TLSV1_ALERT_DECRYPT_ERROR",
        ),
        "{host} refuses the client certificate",
    ),
}


def tls_failure(error: OSError | ValueError, host: str) -> DeliveryStopped:
    """What stopped the handshake, or came right after it, in our own words.

    ``host`` was the name to verify.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _WRONG_NAME:
            return DeliveryStopped("RC506", f"the certificate is not for {host}")
        code, fault = _VERIFY_CODES.get(
            error.verify_code, ("RC508", f"is refused ({error.verify_message})")
        )
        return DeliveryStopped(code, f"the certificate of {host} {fault}")
    reason = (error.reason or "") if isinstance(error, ssl.SSLError) else ""
    if reason in _REASONS:
        return DeliveryStopped("RC509", _REASONS[reason].format(host=host))
    if isinstance(error, ssl.SSLEOFError | ConnectionError):
        return DeliveryStopped("RC509", f"{host} broke off the TLS handshake")
    return DeliveryStopped("RC509", f"the TLS handshake with {host} failed")
