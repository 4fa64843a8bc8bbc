"""Run documents and the lease as canonical JSON, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
from reconciler.registry.codec.shapes import OUTCOME, RUN, require
from reconciler.registry.codec.stored import FORMAT, garbled_error, parse_stored

# A run document is one entry of the server's log: it stays far below the smallest limit of those.
MAX_UNRECORDED = 128 * 1024
MAX_SENTENCE = 500
# What a finish adds: a run that did not come to its end may lack it.
UNFINISHED: dict[str, Json] = {
    "finished_at": None,
    "interrupted": False,
    "unrecorded": [],
    "omitted": 0,
    "reports": {},
}
# What few runs have: it is written where it is so, and documents of former versions lack it.
RARE: dict[str, Json] = {"dirty": [], "rollback_from": None}


def encode_run(run: OpenRun) -> str:
    """The document of a run.

    Names and sentences come from outside: what looks like a secret is not in it.
    """
    rare = {"dirty": list(run.dirty), "rollback_from": run.rollback_from}
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


def _decode(raw: Json) -> Outcome:
    require(raw, OUTCOME)
    kind, version = ActionKind(raw["kind"]), raw["version"]
    action = action_on_record(
        kind, Address.read(raw["address"]), raw["reason"], raw["why"], version
    )
    return Outcome(action, OutcomeStatus(raw["status"]), raw["message"], dict(raw["detail"]))


def decode_run(text: str, where: str = "a run") -> OpenRun:
    """``where`` names the document; one of a run that did not finish may lack what a finish adds.

    Raises ``RegistryError`` RC442 or RC443.
    """
    document = parse_stored(text, where)
    try:
        fields = {
            **UNFINISHED,
            **RARE,
            **{key: value for key, value in document.items() if key != "format"},
        }
        require(fields, RUN)
        fields["started_at"] = parse_iso(fields["started_at"])
        fields["dirty"] = tuple(map(str, fields["dirty"]))
        fields["finished_at"] = parse_iso_or_none(fields["finished_at"])
        fields["reports"] = {
            str(ending): str(digest) for ending, digest in fields["reports"].items()
        }
        fields["unrecorded"] = tuple(_decode(raw) for raw in fields["unrecorded"])
        return OpenRun(**fields)
    except (TypeError, ValueError):
        raise garbled_error(where, "it has not the fields of a run") from None


def encode_lease(lease: Lease) -> str:
    return dumps({"format": FORMAT, "holder": lease.holder, "until": iso(lease.until)})


def decode_lease(text: str) -> Lease:
    """Raises ``RegistryError`` RC442 or RC443."""
    document = parse_stored(text, "lease")
    try:
        return Lease(str(document["holder"]), parse_iso(document["until"]))
    except (KeyError, TypeError, ValueError):
        raise garbled_error("lease", "it has not the fields of a lease") from None
