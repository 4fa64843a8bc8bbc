"""Live state as JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from reconciler.domain.live.observed import Observed
from reconciler.domain.live.record import ClientRecord, VersionState
from reconciler.domain.plan.unfinished import Unfinished
from reconciler.domain.values.canonical import Json, iso, iso_or_none
from reconciler.engine.planfile.document import unfinished_document
from reconciler.report.status.client_document import client_document
from reconciler.report.status.unfinished import pick_unfinished
from reconciler.report.text.document import document


def status_json(
    environment: str,
    observed: Observed,
    unfinished: Sequence[Unfinished] = (),
    *,
    only: Collection[str] = (),
) -> str:
    """The status contract. ``only`` (empty: all) narrows what is told of clients to some of
    them."""
    records = choose_clients(observed, only)
    lease = observed.lease
    return document(
        "status",
        {
            "environment": environment,
            "at": iso(observed.now),
            "clients": map(client_document, records),
            "unmanaged": list(observed.unmanaged),
            "foreign": dict(sorted(observed.foreign.items())),
            "open_runs": [
                {
                    "run_id": run.run_id,
                    "command": run.command,
                    "actor": run.actor,
                    "started_at": iso(run.started_at),
                    "git_commit": run.git_commit,
                }
                for run in observed.open_runs
                if not run.closed
            ],
            "stale_claims": (claim for record in records for claim in _claims(record, observed)),
            "unfinished": [unfinished_document(one) for one in pick_unfinished(unfinished, only)],
            "lease": {"holder": lease.holder, "until": iso_or_none(lease.until)} if lease else None,
            "policies_edited": list(observed.policies_edited),
        },
    )


def choose_clients(observed: Observed, only: Collection[str]) -> list[ClientRecord]:
    """The records to show, by name."""
    return [observed.records[name] for name in sorted(observed.records) if not only or name in only]


def _claims(record: ClientRecord, observed: Observed) -> Iterator[dict[str, Json]]:
    """Every pending version: it belongs to a run that is at work or was cut short."""
    for kind, name, series in record.all_series():
        for version in series.in_state(VersionState.PENDING):
            found = observed.claims.get(record.secret_path(kind, name))
            yield {
                "address": kind.address(record.name, name),
                "version": version.number,
                "id": version.id,
                "run": version.run,
                "claimed_at": iso(version.issued_at),
                "written": None if found is None else version.id in found,
            }
