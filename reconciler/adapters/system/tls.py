"""Whom we trust in a TLS connection.

One way to make a context, for Vault, mail servers, receivers and forges.
"""

from __future__ import annotations

import ssl


def trusting(ca_cert: str | None = None) -> ssl.SSLContext:
    """Verifies the other side and its name, TLS 1.2 or newer; ``ca_cert`` replaces the system's
    authorities.

    ``ssl.create_default_context`` would also write the keys of every connection to the file that
    SSLKEYLOGFILE names. Without a CA file of its own OpenSSL's trust store counts, which
    SSL_CERT_FILE and SSL_CERT_DIR replace.

    Raises ``OSError`` for a file that cannot be read, which ``ssl.SSLError`` is as well: it is not
    PEM.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False  # RFC 9110, 4.3.4: the alternative names only
    if ca_cert is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile=ca_cert)
    return context
