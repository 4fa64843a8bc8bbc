"""The audit report of one run: who did what when and why, and what is out there afterwards.

It holds identifiers, hashes and dates, never a secret, and is the same for the same run and records,
so a run that reports an earlier one writes what that one would have written of its history.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath

from reconciler.domain.canonical import Json, digest
from reconciler.domain.plan import Outcome
from reconciler.domain.record import ClientRecord
from reconciler.domain.run import RunResult
from reconciler.errors import AuditError
from reconciler.report.audit_markdown import audit_markdown
from reconciler.report.client_document import client_documents
from reconciler.report.document import FORMAT_VERSION, document
from reconciler.report.outcomes import deliveries, revocations, touched
from reconciler.report.run_report import outcome_document, run_head

KIND = "audit"
_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


def audit_files(root: str, result: RunResult, records: Mapping[str, ClientRecord] | None) -> dict[PurePosixPath, str]:
    """``<root>/<environment>/<run id>.md`` and ``.json`` with their texts; ``root`` is the project's audit path.

    The JSON is last: where it is, the report is whole.

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
        folder / f"{result.run_id}.md": audit_markdown(result, records),
        folder / f"{result.run_id}.json": audit_json(result, records),
    }


def is_audit_of(text: str, environment: str, run_id: str) -> bool:
    """Whether ``text`` is the whole JSON report of that run, as far as can be told."""
    try:
        found = json.loads(text)
        told = found["format_version"], found["kind"], found["environment"], found["run_id"]
        return told == (FORMAT_VERSION, KIND, environment, run_id) and isinstance(found["outcomes"], list)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def audit_json(result: RunResult, records: Mapping[str, ClientRecord] | None) -> str:
    """``records``: every client of the environment after the run, None when that is not known. The clients
    that the run touched are told in full, all of them together by their number and a digest."""
    return document(
        KIND,
        {
            **run_head(result),
            "recovered_by": result.recovered_by,
            "summary": result.summary(),
            "omitted": result.omitted,
            "outcomes": [outcome_document(outcome) for outcome in result.outcomes],
            "deliveries": [_delivery(outcome) for outcome in deliveries(result)],
            "revocations": [_revocation(outcome) for outcome in revocations(result)],
            "clients": None if records is None else client_documents(touched(result, records)),
            "registry": None if records is None else registry_document(records),
        },
    )


def registry_document(records: Mapping[str, ClientRecord]) -> dict[str, Json]:
    """``digest``: of the canonical JSON of the list ``clients`` that ``status --format json`` shows."""
    return {"clients": len(records), "digest": digest(client_documents(records))}


def _delivery(outcome: Outcome) -> dict[str, Json]:
    return {"address": outcome.action.address, **outcome.detail}


def _revocation(outcome: Outcome) -> dict[str, Json]:
    shown = outcome_document(outcome)
    return {name: shown[name] for name in ("address", "kind", "version", "reason", "why")} | {
        "id": outcome.detail.get("id"),
        "sha256": outcome.detail.get("sha256"),
    }
