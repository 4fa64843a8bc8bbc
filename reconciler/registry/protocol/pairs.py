"""Signing secrets that are key pairs: the private half is made in the transit engine and never
leaves it.

A pair's transit key is named after the path and the number of the version, so a run that was cut
short between making it and claiming the version leaves nothing behind: the next run that claims the
number finds it and takes it up. Its public half was given to nobody until then.
"""

from __future__ import annotations

from contextlib import suppress

from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.live.record import SeriesKind, transit_key
from reconciler.domain.live.transitions import TransitionError
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import ReconcilerError
from reconciler.registry.protocol.bucket import Bucket, Change
from reconciler.registry.protocol.work import Claim, ClientRun
from reconciler.registry.requests import MakeTransitKey, PublicKey, RemoveTransitKey
from reconciler.registry.steps import Steps, expect


def is_asymmetric(desired: DesiredClient | None, kind: SeriesKind, item: str) -> bool:
    """Whether a new version of a series is to be a key pair.

    Only what is declared gets new versions.
    """
    webhooks = desired.webhooks if desired is not None and kind is SeriesKind.WEBHOOK else ()
    return any(webhook.secret.asymmetric for webhook in webhooks if webhook.name == item)


def make_key_pairs(client: ClientRun, bucket: Bucket, change: Change) -> Steps[None]:
    """The key pair of every claim that needs one, for the number that ``change`` is about to claim.

    ``change`` is tried on the record as it is: should somebody else change the record before it is
    committed, the commit loses, and the client is given up.
    """
    claims = [one for one in client.claims if one.asymmetric and not one.written]
    if not claims or client.stopped is not None:
        return
    before = {id(one): transit_key(one.path, one.number) for one in claims if one.number}
    with suppress(TransitionError):  # the commit will say so
        change(bucket.records.get(client.name), bucket.at)
    try:
        for one in claims:
            yield from _make_pair(one, before.get(id(one)))
    except ReconcilerError as error:
        client.fail(error)


def _make_pair(claim: Claim, former: str | None) -> Steps[None]:
    """``former``: the key made for a number that somebody else took; nobody was ever given its
    public half."""
    name = transit_key(claim.path, claim.number)
    claim.secret = Secret(expect((yield MakeTransitKey(name)), PublicKey).text)
    if former not in (None, name):
        yield RemoveTransitKey(str(former))
