"""What a registry lacked of the log, and what was done about it."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.domain.values.canonical import Json
from reconciler.engine.repair import Damage, Repaired
from reconciler.report.text.document import document
from reconciler.report.text.escape import terminal
from reconciler.report.text.layout import DEFAULT_WIDTH, count_words, wrap_lines


def repair_json(environment: str, repaired: Repaired, *, dry_run: bool) -> str:
    """``repaired`` is false when there was nothing to repair, with ``dry_run``, and when it could
    not be committed (``problem``)."""
    result, problem = repaired.result, repaired.problem
    return document(
        "audit-repair",
        {
            "environment": environment,
            "dry_run": dry_run,
            "repaired": result is not None and problem is None,
            "damage": _describe(repaired.damage),
            "run_id": None if result is None else result.run_id,
            "commit": None if result is None else result.audit_commit,
            "former_logs": list(repaired.former),
            "verifier": repaired.verifier,
            "problem": None
            if problem is None
            else {"code": problem.code, "message": problem.message, "remedy": problem.remedy},
        },
    )


def _describe(damage: Damage) -> dict[str, Json]:
    return {
        "registry_entries": damage.known,
        "log_entries": damage.logged,
        "common_entries": damage.common,
        "revocations": [
            {"client": one.client, "item": one.key, "kind": one.kind.word if one.kind else None}
            for one in damage.revocations
        ],
        "forgotten_versions": [
            {"address": one.address, "version": one.version, "at": one.at.isoformat()}
            for one in damage.issues
        ],
        "histories": [{"record": record, "after": last} for record, last in damage.resets],
        "lost_entries": list(damage.gone),
        "log_ended": damage.ended,
        "unfinished": damage.unfinished,
    }


def repair_text(
    environment: str,
    repaired: Repaired,
    *,
    dry_run: bool,
    width: int = DEFAULT_WIDTH,
) -> str:
    """What was missing, then what was done."""
    damage = repaired.damage
    if not damage.present:
        entries = count_words(damage.logged, "entry", "entries")
        return f"Nothing to repair: {terminal(environment)} knows the log in HEAD ({entries}).\n"
    sentences = [_explain(environment, damage), *_tell(damage, dry_run=dry_run)]
    lines = [line for sentence in sentences for line in wrap_lines(sentence, width)]
    lines += ["", *wrap_lines(_conclude(repaired, dry_run=dry_run), width)]
    if repaired.verifier is not None:
        lines += ["", "Pin the key of the new log:", f"  {terminal(repaired.verifier)}"]
    return "\n".join(lines) + "\n"


def _explain(environment: str, damage: Damage) -> str:
    if damage.unfinished:
        return "A repair was begun before and did not finish: it goes on from there."
    if damage.ended is not None:
        return terminal(f"The log of {environment} cannot go on: {damage.ended}.")
    return (
        f"The registry of {terminal(environment)} knows {damage.known} entries of the log, HEAD has"
        f" {damage.logged}; {damage.common} are the same."
    )


def _tell(damage: Damage, *, dry_run: bool) -> Iterator[str]:
    verb = "is to be revoked" if dry_run else "was revoked"
    for request in damage.revocations:
        what = terminal(f"{request.client}/{request.key}")
        yield f"  {what} {verb} again: the registry had forgotten that it was revoked."
    for event in damage.issues:
        yield terminal(
            f"  {event.address} version {event.version} was issued and is forgotten: whoever holds"
            " it holds a key that nothing knows. Rotate it, and hand the new one over."
        )
    for number in damage.gone:
        yield (
            f"  entry {number} of the registry alone is lost: its bytes are not there any more, and"
            " git has another one."
        )


def _conclude(repaired: Repaired, *, dry_run: bool) -> str:
    if dry_run:
        return "Nothing was changed."
    if repaired.problem is not None:
        return (
            f"The registry was moved, and the entry is not committed yet ({repaired.problem.code}):"
            f" {repaired.problem.message}. The next apply commits it."
        )
    commit = repaired.result.audit_commit if repaired.result else None
    where = f"commit {commit[:12]}" if commit else "not committed"
    if repaired.verifier is not None:
        folders = terminal(", ".join(repaired.former))
        kept = f" What was there is kept as it is in {folders}." if repaired.former else ""
        return f"A new log was begun ({where}).{kept} Run apply next."
    return f"Repaired: the log says so in an entry of its own ({where}). Run apply next."
