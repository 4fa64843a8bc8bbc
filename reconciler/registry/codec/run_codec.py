"""Run documents and the lease as canonical JSON, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from msgspec.json import Decoder

from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import Lease, OpenRun
from reconciler.domain.plan.plan import Outcome, OutcomeStatus
from reconciler.domain.plan.run import action_on_record
from reconciler.domain.secrecy import beginning, mask_json
from reconciler.domain.values.canonical import (
    Json,
    dumps,
    iso,
    iso_or_none,
    parse_iso,
    parse_iso_or_none,
)
from reconciler.errors import Address
from reconciler.registry.codec.shapes import LeaseShape, OutcomeShape, RunShape
from reconciler.registry.codec.stored import FORMAT, decode_stored, garbled_error

# A run document is one entry of the server's log: it stays far below the smallest limit of those.
MAX_UNRECORDED = 128 * 1024
MAX_SENTENCE = 500
_RUN, _LEASE = Decoder(RunShape), Decoder(LeaseShape)
# What few runs have: it is written where it is so, and documents of former versions lack it.
RARE: dict[str, Json] = {"dirty": [], "rollback_from": None, "actor_salt": ""}


def encode_run(run: OpenRun) -> str:
    """The document of a run.

    Names and sentences come from outside: what looks like a secret is not in it.
    """
    rare = {
        "dirty": list(run.dirty),
        "rollback_from": run.rollback_from,
        "actor_salt": run.actor_salt,
    }
    document: dict[str, Json] = {
        name: value for name, value in rare.items() if value != RARE[name]
    } | {
        "format": FORMAT,
        "run_id": run.run_id,
        "command": run.command,
        "actor": run.actor,
        "started_at": iso(run.started_at),
        "git_commit": run.git_commit,
        "plan_digest": run.plan_digest,
        "planfile": run.planfile,
        "closed": run.closed,
        "finished_at": iso_or_none(run.finished_at),
        "interrupted": run.interrupted,
        "unrecorded": [_outcome(outcome) for outcome in run.unrecorded],
        "omitted": run.omitted,
        "reports": dict(run.reports),
    }
    return dumps(mask_json(document))


def fit_outcomes(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """As many of them as a run document holds: what failed before what was skipped, sentences
    shortened."""
    room = MAX_UNRECORDED
    kept = []
    for outcome in sorted(outcomes, key=lambda one: one.status is OutcomeStatus.SKIPPED):
        long = len(outcome.message) > MAX_SENTENCE
        short = (
            replace(outcome, message=f"{beginning(outcome.message, MAX_SENTENCE)}…")
            if long
            else outcome
        )
        room -= len(dumps(_outcome(short)).encode())
        if room < 0:
            break
        kept.append(short)
    return tuple(kept)


def _outcome(outcome: Outcome) -> dict[str, Json]:
    action = outcome.action
    return {
        "address": action.address,
        "kind": action.kind.value,
        "reason": action.reason,
        "why": action.message,
        "version": action.version,
        "status": outcome.status.value,
        "message": outcome.message,
        "detail": dict(outcome.detail),
    }


def _decode_outcome(shape: OutcomeShape) -> Outcome:
    action = action_on_record(
        ActionKind(shape.kind), Address.read(shape.address), shape.reason, shape.why, shape.version
    )
    return Outcome(action, OutcomeStatus(shape.status), shape.message, shape.detail)


def decode_run(text: str, where: str = "a run") -> OpenRun:
    """``where`` names the document; one of a run that did not finish may lack what a finish adds.

    Raises ``RegistryError`` RC442 or RC443.
    """
    shape = decode_stored(text, where, _RUN, "a run")
    try:
        return OpenRun(
            run_id=shape.run_id,
            command=shape.command,
            actor=shape.actor,
            started_at=parse_iso(shape.started_at),
            git_commit=shape.git_commit,
            plan_digest=shape.plan_digest,
            planfile=shape.planfile,
            closed=shape.closed,
            finished_at=parse_iso_or_none(shape.finished_at),
            interrupted=shape.interrupted,
            unrecorded=tuple(_decode_outcome(one) for one in shape.unrecorded),
            omitted=shape.omitted,
            reports=shape.reports,
            dirty=tuple(shape.dirty),
            rollback_from=shape.rollback_from,
            actor_salt=shape.actor_salt,
        )
    except ValueError:
        raise garbled_error(where, "it has not the fields of a run") from None


def encode_lease(lease: Lease) -> str:
    return dumps({"format": FORMAT, "holder": lease.holder, "until": iso(lease.until)})


def decode_lease(text: str) -> Lease:
    """Raises ``RegistryError`` RC442 or RC443."""
    shape = decode_stored(text, "lease", _LEASE, "a lease")
    try:
        return Lease(shape.holder, parse_iso(shape.until))
    except ValueError:
        raise garbled_error("lease", "it has not the fields of a lease") from None
