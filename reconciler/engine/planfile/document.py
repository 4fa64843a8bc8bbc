"""A plan as canonical JSON, and back: the plan file and ``--format json`` are one format."""

from __future__ import annotations

import json
from collections.abc import Mapping

from reconciler.domain.plan.plan import FORMAT_VERSION, Action, Approval, Permissions, Plan
from reconciler.domain.plan.unfinished import Unfinished
from reconciler.domain.secrecy import mask_json
from reconciler.domain.values.canonical import Json, digest, escape_json, iso, iso_or_none
from reconciler.errors import Finding, Source


def plan_json(plan: Plan) -> str:
    """One line of JSON in canonical order and in ASCII: what a terminal or a CI system would act on
    is escaped. ``load_plan`` is its inverse."""
    return (
        escape_json(json.dumps(plan_document(plan), sort_keys=True, separators=(",", ":"))) + "\n"
    )


def plan_document(plan: Plan) -> dict[str, Json]:
    """The contract of the plan file. No secret is part of a plan, and what looks like one in the
    words of others is masked."""
    document: dict[str, Json] = {
        "format_version": FORMAT_VERSION,
        "kind": "plan",
        "digest": plan.digest,
        "environment": plan.environment,
        "project": plan.project,
        "git_commit": plan.git_commit,
        "created_at": iso(plan.created_at),
        "expires_at": iso(plan.expires_at),
        "blocked": plan.blocked,
        "summary": plan.summary(),
        "unchanged": plan.unchanged,
        "revisions": dict(plan.revisions),
        "desired_digests": dict(plan.desired_digests),
        "actions": [_action(action) for action in plan.actions],
        "approvals": [_approval(one) for one in plan.approvals],
        "findings": [finding_document(finding) for finding in plan.findings],
        "unfinished": [unfinished_document(one) for one in plan.unfinished],
        "sources": {name: _source(one) for name, one in plan.sources.items()},
        "dirty": list(plan.dirty),
        "rollback_from": plan.rollback_from,
    }
    if plan.yes_remove is not None:
        document["yes_remove"] = plan.yes_remove
    document = mask_json(document)
    return document | {"file_digest": file_digest(document)}


def file_digest(document: Mapping[str, Json]) -> str:
    """Digest of a plan file: of the canonical JSON of everything in it but this digest.

    It tells that a file was changed since it was written, by whoever does not know how it is made;
    it is no signature. What would be done is covered by ``digest``, which is compared with a fresh
    plan.
    """
    return digest({name: value for name, value in document.items() if name != "file_digest"})


def _action(action: Action) -> dict[str, Json]:
    return {
        "address": action.address,
        "kind": action.kind.value,
        "reason": action.reason,
        "message": action.message,
        "risk": action.risk.value,
        "risk_reasons": list(action.risk_reasons),
        "permissions": None if action.permissions is None else _permissions(action.permissions),
        "before": action.before,
        "after": action.after,
        "client": action.client,
        "item": action.item,
        "version": action.version,
    }


def _permissions(permissions: Permissions) -> dict[str, Json]:
    return {
        "granted": {scope: risk.value for scope, risk in permissions.granted.items()},
        "withdrawn": {scope: risk.value for scope, risk in permissions.withdrawn.items()},
    }


def _approval(approval: Approval) -> dict[str, Json]:
    return {
        "approver": approval.approver,
        "reasons": list(approval.reasons),
        "addresses": list(approval.addresses),
    }


def _source(source: Source) -> dict[str, Json]:
    return {"file": source.file, "line": source.line, "column": source.column}


def finding_document(finding: Finding) -> dict[str, Json]:
    """``file``, ``line`` and ``column`` are null together, when no file is to blame."""
    source = finding.source
    return {
        "code": finding.code,
        "level": finding.level.value,
        "address": finding.address,
        "message": finding.message,
        "remedy": finding.remedy,
        "file": source.file if source else None,
        "line": source.line if source else None,
        "column": source.column if source else None,
        "excerpt": finding.excerpt,
    }


def unfinished_document(one: Unfinished) -> dict[str, Json]:
    return {
        "kind": one.kind.value,
        "address": one.address,
        "run_id": one.run_id,
        "path": one.path,
        "since": iso_or_none(one.since),
        "message": one.message,
        "next": one.next,
    }
