"""Run documents and the lease as canonical JSON, and back."""

from __future__ import annotations

from reconciler.domain.canonical import dumps, iso, parse_iso
from reconciler.domain.observed import Lease, OpenRun
from reconciler.registry.stored import FORMAT, garbled, parse_stored


def encode_run(run: OpenRun) -> str:
    return dumps(
        {
            "format": FORMAT,
            "run_id": run.run_id,
            "command": run.command,
            "actor": run.actor,
            "started_at": iso(run.started_at),
            "git_commit": run.git_commit,
            "plan_digest": run.plan_digest,
            "planfile": run.planfile,
            "closed": run.closed,
        }
    )


def decode_run(text: str, where: str = "a run") -> OpenRun:
    """``where`` names the document. Raises ``RegistryError`` RC442 or RC443."""
    document = parse_stored(text, where)
    try:
        fields = {key: value for key, value in document.items() if key != "format"}
        return OpenRun(**{**fields, "started_at": parse_iso(fields["started_at"])})
    except (KeyError, TypeError, ValueError):
        raise garbled(where, "it has not the fields of a run") from None


def encode_lease(lease: Lease) -> str:
    return dumps({"format": FORMAT, "holder": lease.holder, "until": iso(lease.until)})


def decode_lease(text: str) -> Lease:
    """Raises ``RegistryError`` RC442 or RC443."""
    document = parse_stored(text, "lease")
    try:
        return Lease(str(document["holder"]), parse_iso(document["until"]))
    except (KeyError, TypeError, ValueError):
        raise garbled("lease", "it has not the fields of a lease") from None
