"""Signing secrets that are key pairs: the private half is made in the transit engine and never
leaves it.

A pair's transit key is named after the path and the number of the version, so a run that was cut
short between making it and claiming the version leaves nothing behind: the next run that claims the
number finds it and takes it up. Its public half was given to nobody until then.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.live.record import transit_key
from reconciler.domain.live.transitions import TransitionError
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import ReconcilerError
from reconciler.registry.protocol.bucket import Bucket, Change
from reconciler.registry.protocol.changes import number_claim
from reconciler.registry.protocol.work import Claim, ClientRun
from reconciler.registry.requests import MakeTransitKey, PublicKey, RemoveTransitKey
from reconciler.registry.steps import Steps, expect


def is_asymmetric(desired: DesiredClient | None, kind: CredentialKind, item: str) -> bool:
    """Whether a new version of a series is to be a key pair.

    Only what is declared gets new versions.
    """
    lives = desired.lives() if desired is not None else ()
    return any(life.asymmetric for one, name, life in lives if one is kind and name == item)


def make_key_pairs(client: ClientRun, bucket: Bucket, change: Change) -> Steps[None]:
    """The key pair of every claim that needs one, for the number that ``change`` is about to claim.

    ``change`` is tried on the record as it is: should somebody else change the record before it is
    committed, the commit loses, and the client is given up.
    """
    if client.stopped is not None or not any(_needs_pair(one) for one in client.claims):
        return
    try:
        record = change(bucket.records.get(client.name), bucket.at)
    except TransitionError:  # the commit will say so
        return
    claims = list(client.claims)
    try:
        for index, one in enumerate(claims):
            if record is not None and _needs_pair(one):
                claims[index] = yield from _make_pair(one, number_claim(record, one))
    except ReconcilerError as error:
        client.fail(error)
    client.claims = tuple(claims)


def _needs_pair(claim: Claim) -> bool:
    return claim.asymmetric and not claim.written


def _make_pair(former: Claim, claim: Claim) -> Steps[Claim]:
    """``former`` with the public half of the pair for the number that ``claim`` has. The key of a
    number that somebody else took is removed: nobody was ever given its public half."""
    name = transit_key(claim.path, claim.number)
    secret = Secret(expect((yield MakeTransitKey(name)), PublicKey).text)
    before = transit_key(former.path, former.number)
    if former.number and before != name:
        yield RemoveTransitKey(before)
    return replace(former, secret=secret)
