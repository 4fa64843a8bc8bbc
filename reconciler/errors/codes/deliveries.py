"""RC5xx: what a delivery, or an alert, can fail with."""

from __future__ import annotations

from reconciler.errors.codes.code import Code

# An attempt that did not arrive, or was not answered as it should be.
ATTEMPT_CODES: tuple[Code, ...] = (
    Code(
        "RC500",
        "the signing secrets cannot be used",
        "issue a new signing secret: `reconciler apply` does when the declared version is"
        " revoked or missing",
        exit=5,
    ),
    Code(
        "RC501",
        "the URL cannot be used",
        "declare an absolute https:// URL without user name, password or fragment",
        exit=5,
    ),
    Code(
        "RC502",
        "the host name does not resolve",
        "check the spelling of the host in the declared URL and that this machine can resolve it",
        exit=5,
    ),
    Code(
        "RC503",
        "the address may not be reached",
        "a receiver in a private network needs it in allowedNetworks; metadata and multicast"
        " are never reached",
        exit=5,
    ),
    Code(
        "RC504",
        "plain http outside allowedNetworks",
        "use https, or add the receiver's network to allowedNetworks of the environment",
        exit=5,
    ),
    Code(
        "RC505",
        "no connection",
        "check that the receiver is running, listens on that port and is not behind a firewall",
        exit=5,
    ),
    Code(
        "RC506",
        "the certificate is for another name",
        "install a certificate that covers the declared host name",
        exit=5,
    ),
    Code(
        "RC507",
        "the certificate is out of its validity period",
        "renew the receiver's certificate and check the clocks of both machines",
        exit=5,
    ),
    Code(
        "RC508",
        "the certificate is not trusted",
        "install the whole chain at the receiver, or name its CA file in deliveries.caCert of"
        " the environment",
        exit=5,
    ),
    Code(
        "RC509",
        "the TLS handshake failed",
        "check that the port speaks TLS 1.2 or newer; a client certificate is declared in"
        " deliveries.clientCert",
        exit=5,
    ),
    Code(
        "RC510",
        "the deadline passed",
        "make the receiver answer before it processes the event, or raise delivery.timeout",
        exit=5,
    ),
    Code(
        "RC511",
        "the connection broke, or the answer is not HTTP",
        "check the receiver's log and any proxy in front of it",
        exit=5,
    ),
    Code(
        "RC512",
        "the answer is too large",
        "answer with few headers and an empty or short body",
        exit=5,
    ),
    Code("RC513", "redirected", "redirects are never followed: declare the final URL", exit=5),
    Code(
        "RC514",
        "410: the endpoint is gone",
        "the receiver asks not to be called any more: declare the new URL or remove the webhook",
        exit=5,
    ),
    Code(
        "RC515",
        "401 or 403: the receiver refuses us",
        "check that the receiver holds the current signing secret, verifies the raw body and"
        " asks for no login",
        exit=5,
    ),
    Code(
        "RC516",
        "4xx: the receiver refuses the request",
        "check path, method (POST), content type (application/json) and that test events are"
        " accepted",
        exit=5,
    ),
    Code(
        "RC517",
        "5xx: the receiver failed",
        "check the receiver's log: the request reached it, or the proxy in front of it",
        exit=5,
    ),
    Code("RC518", "a status that is no final answer", "answer with a 2xx status", exit=5),
    Code(
        "RC519",
        "the declared signature cannot be made",
        "run `reconciler validate`: it says where the signature is declared wrongly",
        exit=5,
    ),
    Code(
        "RC520",
        "the sender's own settings cannot be used: a file of `deliveries` is missing, cannot be"
        " read, does not fit the other, is encrypted, may be read by everybody, or is a private"
        " key that git tracks",
        "check allowedNetworks and deliveries of the environment, and the files that deliveries"
        " names",
    ),
    Code(
        "RC521",
        "the port may not be reached",
        "let the receiver listen at a port that is allowed, or add its port to deliveries.ports"
        " of the environment",
        exit=5,
    ),
    Code(
        "RC522",
        "429: too many requests",
        "let the receiver take a handful of test deliveries in a row, or raise delivery.retryFor",
        exit=5,
    ),
    Code(
        "RC523",
        "another 2xx than the declared status",
        "answer with a status that expect.status names, or declare the one that is right",
        exit=5,
    ),
    Code(
        "RC524",
        "the body of the answer is not what was declared",
        "answer with JSON in which expect.json.path selects what expect.json.equals says, or"
        " declare what is right",
        exit=5,
    ),
    Code(
        "RC525",
        "404: there is nothing at this path",
        "check the path of the declared URL, and that the receiver's route for POST is deployed",
        exit=5,
    ),
)

# What a receiver does wrong with a delivery.
PROBE_CODES: tuple[Code, ...] = (
    Code(
        "RC530",
        "it accepts a body that was changed after it was signed",
        "compute the signature over the raw body, before anything parses it, and answer 401"
        " when it differs",
        exit=5,
    ),
    Code(
        "RC531",
        "it accepts a signature by a secret that was never issued",
        "compare the signature, in constant time, with one made with the secret from Vault;"
        " answer 401 if they differ",
        exit=5,
    ),
    Code(
        "RC532",
        "it accepts an old delivery, so anybody can send one again",
        "refuse a signed timestamp that is older than the tolerance with 401",
        exit=5,
    ),
    Code(
        "RC533",
        "it accepts a delivery from the future, which stays good for a replay for long",
        "refuse a signed timestamp that is further ahead than the tolerance with 401",
        exit=5,
    ),
    Code(
        "RC534",
        "it accepts a delivery without a signature",
        "answer 401 when the signature's header is missing",
        exit=5,
    ),
    Code(
        "RC535",
        "it gives no clear answer to what it must refuse",
        "answer 401, or any other 4xx, to what does not verify: an error page, a redirect or"
        " silence is no refusal",
        exit=5,
    ),
    Code(
        "RC536",
        "it does not know one of the two secrets of a rotation",
        "let the receiver read the new secret from Vault, and accept either until the grace is"
        " over",
        exit=5,
    ),
    Code(
        "RC537",
        "Vault did not sign",
        "check the deliverer role of this token (reconciler doctor), and that nobody removed"
        " the transit key",
        exit=5,
    ),
)

# An alert that fails never fails the run.
ALERT_CODES: tuple[Code, ...] = (
    Code(
        "RC540",
        "the secret of a channel is not there, or cannot be used",
        "set the variable, or `<variable>_FILE`, where `apply` runs; `doctor` checks it",
        exit=None,
    ),
    Code(
        "RC541",
        "the receiver of an alert did not answer 2xx",
        "check its address, its signing secret and its log",
        exit=None,
    ),
    Code(
        "RC542",
        "an unexpected error: a fault of this program. Its text is not shown, it could quote a"
        " secret",
        "report it with the class that is named",
        exit=None,
    ),
    Code(
        "RC543",
        "an alert was not sent in time",
        "check the receiver; what was not sent is in the audit report",
        exit=None,
    ),
    Code(
        "RC544",
        "Ctrl-C while alerts were sent",
        "what was not sent is in the audit report",
        exit=None,
    ),
    Code(
        "RC545",
        "a mail server cannot be reached, may not be reached, or refused the mail; or an owner"
        " has no mail address",
        "check `smtp` and `to` of the channel, `owner.contact` of the clients, and the server's"
        " log",
        exit=None,
    ),
)
