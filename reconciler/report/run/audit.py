"""The audit report of one run: who did what when and why, and what is out there afterwards.

It holds identifiers, hashes and dates, never a secret, and is the same for the same run and
records, so a run that reports an earlier one writes what that one would have written of its
history.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from reconciler.domain.live.record import ClientRecord
from reconciler.domain.plan.plan import Outcome
from reconciler.domain.plan.run import RunResult
from reconciler.domain.secrecy import beginning
from reconciler.domain.values.canonical import Json, digest_list, iso, parse_iso
from reconciler.errors import AuditError
from reconciler.report.run.audit_markdown import audit_markdown
from reconciler.report.run.outcomes import pick_deliveries, pick_touched, revocations
from reconciler.report.run.report import outcome_document, run_head
from reconciler.report.status.client_document import client_document
from reconciler.report.text.document import document

KIND = "audit"
_STATES = ("clients", "registry")
_END = ("finished_at", "interrupted")
_CHANGING = frozenset({*_STATES, *_END, "recovered_by"})
_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


def audit_files(
    root: str, result: RunResult, records: Mapping[str, ClientRecord] | None
) -> Iterator[tuple[PurePosixPath, str]]:
    """``<root>/<environment>/<run id>.md`` and ``.json`` with their texts; ``root`` is the
    project's audit path. Each is made when it is asked for, so that it can be searched alone.

    The JSON is last: where it is, the report is whole.

    Raises ``AuditError`` RC620 for an environment or run id that must not become part of a path:
    the id of an earlier run is read from Vault, where somebody may have written it by hand.
    """
    for part in (result.environment, result.run_id):
        if not part or len(part) > 128 or not _ID_CHARACTERS.issuperset(part):
            raise AuditError(
                "RC620",
                f"{beginning(part, 128)!r} cannot name an audit report",
                "remove the document of that run from the folder runs of the registry mount: no run"
                " of ours made it",
            )
    folder = PurePosixPath(root) / result.environment
    yield folder / f"{result.run_id}.md", audit_markdown(result, records)
    yield folder / f"{result.run_id}.json", audit_json(result, records)


def is_report(text: str, anew: str) -> bool:
    """Whether ``text`` is the JSON report ``anew``, byte for byte, but for what its run may have
    known better: when and how it ended, and by whom it is told. It may not know the states of
    clients."""
    found, wanted = _parse(text), _parse(anew)
    if found is None or wanted is None or not isinstance(found.get("interrupted"), bool):
        return False
    if not _is_time(found.get("finished_at")) or found.get("recovered_by") is not None:
        return False
    better = {name: found[name] for name in (*_END, "recovered_by")}
    if found.get("clients") is None and found.get("registry") is None:
        better |= dict.fromkeys(_STATES)
    content = {
        name: value
        for name, value in {**wanted, **better}.items()
        if name not in ("format_version", "kind")
    }
    return document(KIND, content) == text


def tells_otherwise(text: str, anew: str, *, original: bool) -> bool:
    """Whether ``text`` is no JSON report of the same history as ``anew``. Which run wrote it, how
    that run ended and the states of clients after it do not count, unless, with ``original``, it
    claims to be the run's own."""
    found, wanted = _parse(text), _parse(anew)
    if found is None or wanted is None or (original and found.get("recovered_by") is None):
        return True
    return _history(found) != _history(wanted)


def _history(report: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name not in _CHANGING}


def _parse(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and iso(parse_iso(value)) == value
    except ValueError:
        return False


def audit_json(result: RunResult, records: Mapping[str, ClientRecord] | None) -> str:
    """``records``: every client of the environment after the run, None when that is not known. The
    clients that the run touched are told in full, all of them together by their number and a
    digest."""
    return document(
        KIND,
        {
            **run_head(result),
            "actor_salt": result.actor_salt,
            "recovered_by": result.recovered_by,
            "summary": result.summary(),
            "omitted": result.omitted,
            "outcomes": map(outcome_document, result.outcomes),
            "deliveries": map(_describe_delivery, pick_deliveries(result)),
            "revocations": map(_describe_revocation, revocations(result)),
            "clients": None if records is None else _describe_touched(result, records),
            "registry": None if records is None else registry_document(records),
        },
    )


def _describe_touched(
    result: RunResult, records: Mapping[str, ClientRecord]
) -> Iterator[dict[str, Json]]:
    touched = pick_touched(result, records)
    return (client_document(touched[name]) for name in sorted(touched))


def registry_document(records: Mapping[str, ClientRecord]) -> dict[str, Json]:
    """``digest``: of the canonical JSON of the list ``clients`` that ``status --format json``
    shows."""
    documents = (client_document(records[name]) for name in sorted(records))
    return {"clients": len(records), "digest": digest_list(documents)}


def _describe_delivery(outcome: Outcome) -> dict[str, Json]:
    return {"address": outcome.action.address, **outcome.detail}


def _describe_revocation(outcome: Outcome) -> dict[str, Json]:
    shown = outcome_document(outcome)
    return {name: shown[name] for name in ("address", "kind", "version", "reason", "why")} | {
        "id": outcome.detail.get("id"),
        "sha256": outcome.detail.get("sha256"),
    }
