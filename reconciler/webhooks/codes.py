"""The RC5xx codes: what a delivery can fail with. ``docs/errors.md`` is made from this table."""

from __future__ import annotations

from collections.abc import Mapping

# code -> (meaning, what to check)
CODES: Mapping[str, tuple[str, str]] = {
    "RC500": (
        "the signing secrets cannot be used",
        (
            "issue a new signing secret: `reconciler apply` does when the declared version is"
            " revoked or missing"
        ),
    ),
    "RC501": (
        "the URL cannot be used",
        "declare an absolute https:// URL without user name, password or fragment",
    ),
    "RC502": (
        "the host name does not resolve",
        "check the spelling of the host in the declared URL and that this machine can resolve it",
    ),
    "RC503": (
        "the address may not be reached",
        (
            "a receiver in a private network needs it in allowedNetworks; metadata and multicast"
            " are never reached"
        ),
    ),
    "RC504": (
        "plain http outside allowedNetworks",
        "use https, or add the receiver's network to allowedNetworks of the environment",
    ),
    "RC505": (
        "no connection",
        "check that the receiver is running, listens on that port and is not behind a firewall",
    ),
    "RC506": (
        "the certificate is for another name",
        "install a certificate that covers the declared host name",
    ),
    "RC507": (
        "the certificate is out of its validity period",
        "renew the receiver's certificate and check the clocks of both machines",
    ),
    "RC508": (
        "the certificate is not trusted",
        (
            "install the whole chain at the receiver, or name its CA file in deliveries.caCert of"
            " the environment"
        ),
    ),
    "RC509": (
        "the TLS handshake failed",
        (
            "check that the port speaks TLS 1.2 or newer; a client certificate is declared in"
            " deliveries.clientCert"
        ),
    ),
    "RC510": (
        "the deadline passed",
        "make the receiver answer before it processes the event, or raise delivery.timeout",
    ),
    "RC511": (
        "the connection broke, or the answer is not HTTP",
        "check the receiver's log and any proxy in front of it",
    ),
    "RC512": (
        "the answer is too large",
        "answer with few headers and an empty or short body",
    ),
    "RC513": (
        "redirected",
        "redirects are never followed: declare the final URL",
    ),
    "RC514": (
        "410: the endpoint is gone",
        "the receiver asks not to be called any more: declare the new URL or remove the webhook",
    ),
    "RC515": (
        "401 or 403: the receiver refuses us",
        (
            "check that the receiver holds the current signing secret, verifies the raw body and"
            " asks for no login"
        ),
    ),
    "RC516": (
        "4xx: the receiver refuses the request",
        (
            "check path, method (POST), content type (application/json) and that test events are"
            " accepted"
        ),
    ),
    "RC517": (
        "5xx: the receiver failed",
        "check the receiver's log: the request reached it, or the proxy in front of it",
    ),
    "RC518": (
        "a status that is no final answer",
        "answer with a 2xx status",
    ),
    "RC519": (
        "the declared signature cannot be made",
        "run `reconciler validate`: it says where the signature is declared wrongly",
    ),
    "RC520": (
        "the sender's own settings cannot be used",
        (
            "check allowedNetworks and deliveries of the environment, and the files that deliveries"
            " names"
        ),
    ),
    "RC521": (
        "the port may not be reached",
        (
            "let the receiver listen at a port that is allowed, or add its port to deliveries.ports"
            " of the environment"
        ),
    ),
    "RC522": (
        "429: too many requests",
        "let the receiver take a handful of test deliveries in a row, or raise delivery.retryFor",
    ),
    "RC525": (
        "404: there is nothing at this path",
        "check the path of the declared URL, and that the receiver's route for POST is deployed",
    ),
    "RC530": (
        "it accepts a body that was changed after it was signed",
        (
            "compute the signature over the raw body, before anything parses it, and answer 401"
            " when it differs"
        ),
    ),
    "RC531": (
        "it accepts a signature by a secret that was never issued",
        (
            "compare the signature, in constant time, with one made with the secret from Vault;"
            " answer 401 if they differ"
        ),
    ),
    "RC532": (
        "it accepts an old delivery, so anybody can send one again",
        "refuse a signed timestamp that is older than the tolerance with 401",
    ),
    "RC533": (
        "it accepts a delivery from the future, which stays good for a replay for long",
        "refuse a signed timestamp that is further ahead than the tolerance with 401",
    ),
    "RC534": (
        "it accepts a delivery without a signature",
        "answer 401 when the signature's header is missing",
    ),
    "RC535": (
        "it gives no clear answer to what it must refuse",
        (
            "answer 401, or any other 4xx, to what does not verify: an error page, a redirect or"
            " silence is no refusal"
        ),
    ),
    "RC536": (
        "it does not know one of the two secrets of a rotation",
        (
            "let the receiver read the new secret from Vault, and accept either until the grace is"
            " over"
        ),
    ),
    "RC537": (
        "Vault did not sign",
        (
            "check the deliverer role of this token (reconciler doctor), and that nobody removed"
            " the transit key"
        ),
    ),
    "RC523": (
        "another 2xx than the declared status",
        "answer with a status that expect.status names, or declare the one that is right",
    ),
    "RC524": (
        "the body of the answer is not what was declared",
        (
            "answer with JSON in which expect.json.path selects what expect.json.equals says, or"
            " declare what is right"
        ),
    ),
}


def sentence(code: str, detail: str) -> str:
    """``RC503: <detail>; <what to check>``.

    ``detail`` holds no secret and no text of the receiver.
    """
    return f"{code}: {detail}; {CODES[code][1]}"
