"""A receiver for many webhooks at once: it accepts what verifies with the secret of any of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from reconciler.domain.declared.schemes import SCHEMES, Scheme
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.verification import verify
from tests.kit.git.checkout import Checkout
from tests.kit.webhooks.receivers import Behaviour, Handler


def real_time() -> datetime:
    return datetime.now(UTC)


def careful(
    checkouts: Sequence[Checkout],
    schemes: Sequence[Scheme] = (),
    now: Callable[[], datetime] = real_time,
) -> Behaviour:
    """Looks up the signing secrets of the environments at every delivery; answers 204 or 401.

    ``now``: its clock.
    """

    def receive(handler: Handler) -> None:
        seen = handler.arrived
        secrets = [secret for checkout in checkouts for secret in signing_secrets(checkout)]
        instant = now()
        rows = (*SCHEMES.values(), *schemes)
        genuine = any(
            verify(row, [one], seen.headers, seen.body, instant).accepted
            for row in rows
            if row.header in seen.headers
            for one in secrets
        )
        handler.reply(204 if genuine else 401)

    return receive


def signing_secrets(checkout: Checkout) -> list[Secret]:
    listing = checkout.vault("LIST", "secrets/metadata/webhooks/")
    names = listing["data"]["keys"] if listing else []
    values = [checkout.secret(f"webhooks/{name}") for name in names]
    return [Secret(value) for value in values if value]
