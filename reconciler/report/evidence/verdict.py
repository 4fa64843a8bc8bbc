"""What a verification of the log came to."""

from __future__ import annotations

from reconciler.domain.values.canonical import Json, iso
from reconciler.evidence.notes import encode_base64
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import VerifiedLog
from reconciler.report.text.document import document
from reconciler.report.text.escape import terminal
from reconciler.report.text.layout import DEFAULT_WIDTH, count_words, wrap_lines
from reconciler.report.text.paint import Paint

UNANCHORED = "RC670"
_NO_ANCHOR = (
    "unanchored: everything fits, but whoever may push could have replaced log, keys and checkpoint"
    " together."
)
_WHAT_TO_DO = (
    "Give --key with what `reconciler audit key` printed, --since with a checkpoint that you kept,"
    " --policy for witnesses, or --live to ask Vault."
)


def verdict_json(environment: str, found: VerifiedLog | Fault) -> str:
    """``verified`` is true when everything holds and something outside says that it is the right
    log; ``fault`` is the first thing that does not hold."""
    fault = found if isinstance(found, Fault) else None
    log = found if isinstance(found, VerifiedLog) else None
    return document(
        "audit-verify",
        {
            "environment": environment,
            "verified": log is not None and not log.unanchored,
            "unanchored": log is not None and log.unanchored,
            "fault": None if fault is None else _describe_fault(fault),
            "log": None if log is None else _describe_log(log),
        },
    )


def _describe_fault(fault: Fault) -> dict[str, Json]:
    return {
        "code": fault.code,
        "message": fault.message,
        "remedy": fault.remedy,
        "entry": fault.entry,
        "file": fault.file,
    }


def _describe_log(log: VerifiedLog) -> dict[str, Json]:
    return {
        "origin": log.origin,
        "entries": log.size,
        "root": encode_base64(log.root),
        "keys": [{"version": key.version, "verifier": key.verifier} for key in log.keys],
        "began": iso(log.began),
        "ended": iso(log.ended),
        "events": log.events,
        "open_runs": list(log.open),
        "anchors": list(log.anchors),
        "former_logs": [
            {"folder": one.folder, "origin": one.origin, "entries": one.size} for one in log.former
        ],
        "gone_later": log.gone_later,
    }


def verdict_text(
    environment: str,
    found: VerifiedLog | Fault,
    *,
    width: int = DEFAULT_WIDTH,
    colour: bool = False,
) -> str:
    """The verdict is the first line."""
    paint = Paint(colour)
    lines = (
        _tell_fault(environment, found, width, paint)
        if isinstance(found, Fault)
        else _tell_log(environment, found, width, paint)
    )
    return "\n".join(lines) + "\n"


def _tell_fault(environment: str, fault: Fault, width: int, paint: Paint) -> list[str]:
    where = fault.file or (f"entry {fault.entry}" if fault.entry else "")
    return [
        paint("alarm", f"The log of {terminal(environment)} does not hold."),
        *wrap_lines(terminal(f"{fault.code}: {fault.message}."), width),
        *([f"  at {terminal(where)}"] if where else []),
        *wrap_lines(terminal(f"{fault.remedy}."), width, "  "),
    ]


def _tell_log(environment: str, log: VerifiedLog, width: int, paint: Paint) -> list[str]:
    counts = f"{count_words(log.size, 'entry', 'entries')}, {count_words(log.events, 'event')}"
    title = f"The log of {terminal(environment)} holds: {counts}, {iso(log.began)} to"
    lines = [paint("alarm" if log.unanchored else "good", f"{title} {iso(log.ended)}.")]
    lines += [f"  origin  {terminal(log.origin)}", f"  root    {encode_base64(log.root)}"]
    lines += [f"  by      {terminal(anchor)}" for anchor in log.anchors]
    for one in log.former:
        entries = count_words(one.size, "entry", "entries")
        lines.append(f"  after   {terminal(one.folder)}, which holds, too ({entries})")
    if log.gone_later:
        gone = count_words(log.gone_later, "report file is gone", "report files are gone")
        lines += wrap_lines(
            f"{gone}, as entries of a later log say: verify that one, too.", width, "  "
        )
    for run in log.open:
        lines += wrap_lines(terminal(f"Run {run} is still open: it has no entry yet."), width)
    if log.unanchored:
        lines += wrap_lines(f"{UNANCHORED}: {_NO_ANCHOR} {_WHAT_TO_DO}", width)
    return lines
