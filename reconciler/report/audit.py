"""The audit report of one run: who did what when and why, and what is out there afterwards.

It holds identifiers, hashes and dates, never a secret, and is the same for the same run and records,
so a run that reports an earlier one writes what that one would have written of its history.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from reconciler.domain.canonical import Json, iso
from reconciler.domain.plan import Outcome
from reconciler.domain.record import ClientRecord
from reconciler.domain.run import RunResult
from reconciler.errors import AuditError
from reconciler.report.audit_markdown import audit_markdown
from reconciler.report.client_document import client_documents
from reconciler.report.document import document
from reconciler.report.outcomes import deliveries, revocations
from reconciler.report.run_report import outcome_document

_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


def audit_files(root: str, result: RunResult, records: Mapping[str, ClientRecord]) -> dict[PurePosixPath, str]:
    """``<root>/<environment>/<run id>.json`` and ``.md`` with their texts; ``root`` is the project's audit path.

    Raises ``AuditError`` RC620 for an environment or run id that must not become part of a path: the id of
    an earlier run is read from Vault, where somebody may have written it by hand.
    """
    for part in (result.environment, result.run_id):
        if not part or len(part) > 128 or not _ID_CHARACTERS.issuperset(part):
            raise AuditError(
                "RC620",
                f"{part[:128]!r} cannot name an audit report",
                "remove the document of that run from the folder runs of the registry mount: no run of ours made it",
            )
    folder = PurePosixPath(root) / result.environment
    return {
        folder / f"{result.run_id}.json": audit_json(result, records),
        folder / f"{result.run_id}.md": audit_markdown(result, records),
    }


def audit_json(result: RunResult, records: Mapping[str, ClientRecord]) -> str:
    """``records``: every client of the environment after the run."""
    return document(
        "audit",
        {
            "run_id": result.run_id,
            "environment": result.environment,
            "project": result.project,
            "command": result.command,
            "actor": result.actor,
            "git_commit": result.git_commit,
            "plan_digest": result.plan_digest,
            "started_at": iso(result.started_at),
            "finished_at": iso(result.finished_at),
            "interrupted": result.interrupted,
            "recovered_by": result.recovered_by,
            "summary": result.summary(),
            "outcomes": [outcome_document(outcome) for outcome in result.outcomes],
            "deliveries": [_delivery(outcome) for outcome in deliveries(result)],
            "revocations": [_revocation(outcome) for outcome in revocations(result)],
            "clients": client_documents(records),
        },
    )


def _delivery(outcome: Outcome) -> dict[str, Json]:
    return {"address": outcome.action.address, **outcome.detail}


def _revocation(outcome: Outcome) -> dict[str, Json]:
    shown = outcome_document(outcome)
    return {name: shown[name] for name in ("address", "kind", "version", "reason", "why")} | {
        "id": outcome.detail.get("id"),
        "sha256": outcome.detail.get("sha256"),
    }
