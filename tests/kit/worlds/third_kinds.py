"""Kinds of credentials that exist in tests only: a new kind is a row, and everything else follows.

``GRANT`` belongs to the client itself and ends through its grace, as a key does. ``LOGIN`` is a part
of something else and ends with it, at once, as a signing secret does. The credentials that the
scenarios make bear the name of the client's webhook: whoever still takes one for the other fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from reconciler.declare.webhooks.lifecycles import lifecycle_spec
from reconciler.domain.declared.desired import DesiredClient, DesiredCredential, Lifecycle
from reconciler.domain.kinds.credentials import (
    CREDENTIAL_KINDS,
    KEY,
    SIGNING_SECRET,
    CredentialKind,
)
from reconciler.domain.values.canonical import digest
from reconciler.planning.actions.reasons import RevocationRequest
from tests.kit.worlds.declared import client, desired, lifecycle, webhook
from tests.kit.worlds.faults import crash_after, crash_before
from tests.kit.worlds.scenarios import Scenario

GRANT = replace(
    KEY,
    word="grant",
    section="grants",
    folder="grants",
    place="grant {}",
    title="grant {}",
    limit="grant",
    lifetime=timedelta(days=30),
    grace=timedelta(hours=48),
    needed=False,
)
LOGIN = replace(
    SIGNING_SECRET,
    word="account",
    section="accounts",
    folder="logins",
    part="login",
    place="the login of account {}",
    title="the login of account {}",
    limit="login",
    lifetime=timedelta(days=60),
    grace=timedelta(hours=12),
)
THIRD = (GRANT, LOGIN)
ITEM = "settlements"  # the name of the webhook of these clients, too
SHORT = lifecycle("30d", "10d", "48h")


@contextmanager
def registered(*kinds: CredentialKind) -> Iterator[None]:
    """For as long as this lasts ``kinds`` are rows of the table."""
    table = cast("dict[str, CredentialKind]", CREDENTIAL_KINDS)
    table |= {kind.word: kind for kind in kinds}
    try:
        yield
    finally:
        for kind in kinds:
            del table[kind.word]


def holding(
    one: DesiredClient, kind: CredentialKind, name: str = ITEM, life: Lifecycle = SHORT
) -> DesiredClient:
    """``one`` with a credential of ``kind`` in its declaration."""
    entry: Any = lifecycle_spec(life)
    section = {name: {kind.part: entry} if kind.part else entry}
    spec = {**one.spec, kind.section: {**one.spec.get(kind.section, {}), **section}}
    return replace(
        one,
        spec=spec,
        digest=digest(spec),
        base_digest=digest({**spec, "base": True}),
        credentials=(*one.credentials, DesiredCredential(kind, name, life)),
    )


def scenarios(kind: CredentialKind) -> dict[str, Scenario]:
    """The life of a credential of ``kind``, beside a key and a webhook. None of it needs the kind to
    be registered before it begins."""
    hooked = client(webhooks=[webhook()])
    with_one = desired(holding(hooked, kind))
    alone = desired(holding(client(keys={}), kind))
    path = kind.path("payouts", ITEM)
    days = timedelta(days=21)
    one = RevocationRequest("payouts", ITEM, "compromise", kind=kind)
    found = {
        "issue": Scenario((), with_one),
        "issue, alone": Scenario((), alone),
        "added": Scenario((desired(hooked),), with_one, live=True),
        "rotate with grace": Scenario((with_one, days), with_one, live=True),
        "grace over": Scenario((with_one, days, with_one, timedelta(days=3)), with_one, live=True),
        "expired": Scenario((with_one, timedelta(days=31)), with_one, live=True),
        "revoke": Scenario((with_one,), with_one, live=True, revoked=one),
        "revoke all": Scenario(
            (with_one,), with_one, revoked=RevocationRequest("payouts", None, "compromise")
        ),
        "removed": Scenario((with_one,), desired(hooked), live=True),
        "client removed": Scenario(
            (desired(holding(hooked, kind), client("other")),), desired(client("other"))
        ),
        "renamed": Scenario(
            (with_one,),
            desired(
                holding(client("payouts-2", webhooks=[webhook()], renamed_from="payouts"), kind)
            ),
            live=True,
        ),
        "adopt a claim": Scenario((), with_one, cut=crash_after),
        "abandon a claim": Scenario((), with_one, cut=crash_before),
        "destroyed by hand": Scenario(
            (with_one,), with_one, by_hand=lambda world: world.destroy_by_hand(path), live=True
        ),
        "overwritten by hand": Scenario(
            (with_one,), with_one, by_hand=lambda world: world.put_by_hand(path), live=True
        ),
        "record edited": Scenario(
            (with_one,),
            with_one,
            by_hand=lambda world: world.edit_by_hand('"reason":"NotIssued"', '"reason":"Renewal"'),
        ),
    }
    if kind.retire is not None:  # else nothing is left after it was removed
        gone = (with_one, desired(hooked), timedelta(days=3))
        found["removed, grace over"] = Scenario(gone, desired(hooked), live=True)
    return found
