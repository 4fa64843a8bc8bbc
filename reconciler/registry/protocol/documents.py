"""The lease and the open runs: documents that one run writes for others to see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.domain.live.observed import Lease, OpenRun
from reconciler.domain.plan.plan import Outcome
from reconciler.errors import RegistryError, VaultUnreachable
from reconciler.registry.codec.run_codec import (
    decode_lease,
    decode_run,
    encode_lease,
    encode_run,
    fit_outcomes,
)
from reconciler.registry.requests import (
    Conflict,
    ReadDocument,
    StoredDocument,
    WriteDocument,
    Written,
)
from reconciler.registry.steps import Steps, expect

MAX_TRIES = 10


def put_document(name: str, text: str, cas: int) -> Steps[bool]:
    """Check-and-set write; whether ``text`` stands there now because of us.

    A doubt is settled by reading.
    """
    for _ in range(MAX_TRIES):
        response = yield WriteDocument(name, text, cas)
        if isinstance(response, Written):
            return True
        document = expect((yield ReadDocument(name)), StoredDocument)
        if document.text == text and document.version == cas + 1:
            return True
        if isinstance(response, Conflict) or document.version != cas:
            return False
    raise VaultUnreachable(
        "RC401",
        f"{name} could not be written after {MAX_TRIES} tries",
        "see that Vault is healthy (reconciler doctor), then run the same command again",
    )


def read_standing_lease(document: StoredDocument) -> Lease | None:
    """The lease on record, None when there is none or nobody can read it: it only saves work, and
    one that somebody spoilt must not keep every run from starting. Raises ``RegistryError`` RC442
    for a format of the future."""
    try:
        return None if document.text is None else decode_lease(document.text)
    except RegistryError as error:
        if error.code != "RC443":
            raise
        return None


def take_lease(holder: str, ttl: timedelta) -> Steps[Lease]:
    """Take or renew the lease; the lease as it stands afterwards: ours, or somebody else's that
    still runs.

    Server time decides whether a lease has ended.
    """
    while True:
        document = expect((yield ReadDocument("lease")), StoredDocument)
        lease = read_standing_lease(document)
        if lease is not None and lease.holder != holder and lease.until > document.at:
            return lease
        mine = Lease(holder, document.at + ttl)
        if (yield from put_document("lease", encode_lease(mine), document.version)):
            return mine


def release_lease(holder: str) -> Steps[None]:
    """Give the lease back, if it is still ours."""
    document = expect((yield ReadDocument("lease")), StoredDocument)
    lease = read_standing_lease(document)
    if lease is None or lease.holder != holder:
        return
    yield from put_document("lease", encode_lease(Lease(holder, document.at)), document.version)


def open_run(run: OpenRun) -> Steps[bool]:
    """Put a run on record before it does anything. False: its id is taken."""
    return (yield from put_document(f"runs/{run.run_id}", encode_run(run), 0))


def finish_run(
    run_id: str,
    finished_at: datetime,
    unrecorded: Sequence[Outcome],
    *,
    interrupted: bool,
    reports: Mapping[str, str] | None = None,
) -> Steps[None]:
    """Put on record that a run came to its end, with what became of actions of which no history
    tells: whoever reports it then, in whatever checkout, tells the same. ``reports``: the SHA-256
    of its report, by which that is known again, by the ending of each file."""
    kept = fit_outcomes(unrecorded)
    omitted = len(unrecorded) - len(kept)
    yield from change_run(
        run_id,
        lambda run: replace(
            run,
            finished_at=finished_at,
            interrupted=interrupted,
            unrecorded=kept,
            omitted=omitted,
            reports=reports or {},
        ),
    )


def close_run(run_id: str) -> Steps[None]:
    """Mark a run as reported: everything of it is in the ledger."""
    yield from change_run(
        run_id,
        lambda run: replace(
            run,
            closed=True,
            unrecorded=(),
            omitted=0,
            reports={},
        ),
    )


def is_closed(run_id: str) -> Steps[bool]:
    """Whether a run was reported: its document says so, or was removed after it did."""
    name = f"runs/{run_id}"
    document = expect((yield ReadDocument(name)), StoredDocument)
    return document.text is None or decode_run(document.text, name).closed


def change_run(run_id: str, change: Callable[[OpenRun], OpenRun]) -> Steps[None]:
    """Rewrite a run document that is still there and not closed."""
    name = f"runs/{run_id}"
    for _ in range(MAX_TRIES):
        document = expect((yield ReadDocument(name)), StoredDocument)
        if document.text is None:
            return
        run = decode_run(document.text, name)
        if run.closed or (yield from put_document(name, encode_run(change(run)), document.version)):
            return
