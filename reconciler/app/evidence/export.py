"""``audit export``: the pack for an auditor."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from reconciler.app.evidence.history import open_log, parse_day, read_reviews
from reconciler.app.project import load_desired, load_environment
from reconciler.errors import AuditError, DeclarationError, EvidenceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.app.evidence.history import WorkTreeLog
    from reconciler.app.workplace import Workplace
    from reconciler.domain.declared.desired import Desired, DesiredClient
    from reconciler.evidence.checkpoint import Checkpoint
    from reconciler.evidence.history.runs import LoggedRun
    from reconciler.report.evidence.pack import (
        DeclaredAccess,
        DeclaredNow,
        KnownClient,
        Pack,
        Period,
    )


def export_pack(
    workplace: Workplace,
    environment: str,
    out: Path,
    *,
    since: str | None = None,
    until: str | None = None,
) -> int:
    """Write the pack of ``environment`` to the folder ``out``; how many files it has.

    Raises ``UsageError`` RC675 for a date that is none, RC677 where ``out`` cannot be made,
    ``AuditError`` RC681 where there is no log, ``EvidenceError``, ``DeclarationError``.
    """
    from reconciler.adapters.system.new_folders import write_folder

    period = _read_period(since, until)
    log = open_log(workplace, environment)
    _refuse_taken(workplace, log, out)
    files = render_pack(make_pack(workplace, log, period)) | copy_log(log)
    try:
        write_folder(out, files)
    except OSError as error:
        raise _folder_error(out, str(error.strerror)) from None
    return len(files)


def make_pack(workplace: Workplace, log: WorkTreeLog, period: Period) -> Pack:
    """What the sheets show.

    Raises ``AuditError``, ``EvidenceError`` where the checkpoint is none.
    """
    from reconciler.evidence.history.lives import trace_lives
    from reconciler.evidence.notes import encode_base64
    from reconciler.report.evidence.pack import Pack

    checkpoint = _read_checkpoint(log)
    project, _ = load_environment(workplace.root, log.environment)
    commits = read_reviews(workplace, log)
    runs = [run for run in log.runs(commits) if not period.is_after(run.closed)]
    return Pack(
        project=project.name,
        environment=log.environment,
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=encode_base64(checkpoint.root),
        verifier=_read_first_key(log),
        folder=str(log.folder),
        former=[str(log.folder.with_name(name)) for name in log.former.values()],
        closed=log.last.closed,
        period=period,
        runs=[run for run in runs if period.holds(run.closed)],
        lives=trace_lives(runs),
        clients=_find_clients(runs),
        declared=_read_declared(workplace.root, log.environment),
    )


def render_pack(pack: Pack) -> dict[PurePosixPath, bytes]:
    """The files that this program makes, by name: sheets, page, README, verifier. What looks like a
    secret leaves none of them."""
    from reconciler.domain.secrecy import mask_secrets
    from reconciler.report.evidence.page import pack_html
    from reconciler.report.evidence.readme import VERIFIER, pack_readme, read_verifier
    from reconciler.report.evidence.sheets import make_sheets
    from reconciler.report.evidence.spreadsheet import sheet_csv

    sheets = make_sheets(pack)
    texts = {f"{sheet.name}.csv": sheet_csv(sheet) for sheet in sheets}
    texts |= {"index.html": pack_html(pack, sheets), "README.md": pack_readme(pack, sheets)}
    made = {PurePosixPath(name): mask_secrets(text).encode() for name, text in texts.items()}
    return made | {PurePosixPath(VERIFIER): read_verifier().encode()}


def copy_log(log: WorkTreeLog) -> dict[PurePosixPath, bytes]:
    """The log and the files that its entries name, byte for byte, where they lie in the project.
    What was erased, or is not there, is not there either."""
    from reconciler.evidence.history.reports import trace_removals
    from reconciler.evidence.statement import ERASED

    reports = log.folder.parent
    names = {str(path) for path in log.list_files()}
    named = (PurePosixPath(one.name) for entry in log.statements for one in entry.subjects)
    erased = {name for name, one in trace_removals(log.statements).items() if one.kind == ERASED}
    names |= {str(path) for path in named if path.parent == reports} - erased
    contents = {PurePosixPath(name): log.read(name) for name in sorted(names)}
    return {path: content for path, content in contents.items() if content is not None}


def _read_checkpoint(log: WorkTreeLog) -> Checkpoint:
    """Raises ``EvidenceError`` with the file's name."""
    from reconciler.evidence.checkpoint import parse_checkpoint
    from reconciler.evidence.notes import parse_note

    path = f"{log.folder}/checkpoint"
    try:
        return parse_checkpoint(parse_note(log.read(path) or b""))
    except EvidenceError as error:
        raise EvidenceError(error.code, f"{path}: {error.message}", error.remedy) from None


def _read_first_key(log: WorkTreeLog) -> str:
    """The first line of the keys. Raises ``EvidenceError`` with the file's name."""
    from reconciler.evidence.notes import VerifierKey

    path = f"{log.folder}/keys"
    line = (log.read(path) or b"").partition(b"\n")[0]
    try:
        return VerifierKey.parse(line.decode("utf-8", "replace")).text
    except EvidenceError as error:
        raise EvidenceError(error.code, f"{path}: {error.message}", error.remedy) from None


def _read_period(since: str | None, until: str | None) -> Period:
    from reconciler.report.evidence.pack import Period

    first = None if since is None else parse_day(since, "--since")[0]
    last = None if until is None else parse_day(until, "--until")[1]
    if first is not None and last is not None and last < first:
        raise UsageError(
            "RC675", "--until is before --since", "write the first day and the last day of a period"
        )
    return Period(first, last)


def _refuse_taken(workplace: Workplace, log: WorkTreeLog, out: Path) -> None:
    """Raises ``UsageError`` RC677."""
    from reconciler.adapters.system.new_folders import is_free

    try:
        free = is_free(out)
    except OSError as error:
        raise _folder_error(out, str(error.strerror)) from None
    if not free:
        raise _folder_error(out, "it is not empty, or it is a link")
    audit = (workplace.root / log.folder.parts[0]).resolve()
    if out.resolve().is_relative_to(audit):
        raise _folder_error(out, "it lies among the audit reports, which are committed as a whole")


def _folder_error(out: Path, why: str) -> UsageError:
    return UsageError(
        "RC677",
        f"the pack cannot be written to {out}: {why}",
        "name a folder that does not exist yet, outside of the audit reports",
    )


def _find_clients(runs: Iterable[LoggedRun]) -> dict[str, KnownClient]:
    """Each client as the newest report has it. A client that was renamed is there once, by the path
    of its secrets."""
    from reconciler.report.evidence.pack import KnownClient

    found: dict[str, KnownClient] = {}
    names: dict[str, str] = {}
    for run in runs:
        for client in (run.told.clients or ()) if run.told is not None else ():
            paths = [one.path for every in client.credentials.values() for one in every]
            for path in paths:
                former = names.get(path, client.name)
                if former != client.name:
                    found.pop(former, None)
                names[path] = client.name
            found[client.name] = KnownClient(client, run.number)
    return found


def _read_declared(root: Path, environment: str) -> DeclaredNow:
    from reconciler.domain.declared.placed import holds_in
    from reconciler.report.evidence.pack import DeclaredNow

    try:
        desired = load_desired(root, environment)
    except (DeclarationError, AuditError) as error:
        return DeclaredNow(
            problem="The declaration of this work tree is not valid, so that owners, approvers and"
            f" exceptions are not shown ({error.code}): run reconciler validate."
        )
    waivers = [one for one in desired.policy.waivers if holds_in(one.environments, environment)]
    clients = {name: _describe_access(desired, one) for name, one in desired.clients.items()}
    return DeclaredNow(clients, waivers)


def _describe_access(desired: Desired, client: DesiredClient) -> DeclaredAccess:
    from reconciler.domain.declared.owners import describe_owner
    from reconciler.planning.review.approvals import list_approvers
    from reconciler.report.evidence.pack import DeclaredAccess

    webhooks: Mapping[str, tuple[str, tuple[str, ...]]] = {
        one.name: (one.scheme.name, one.events) for one in client.webhooks
    }
    approvers = list_approvers(
        desired.policy.approvers, client.spec, desired.scopes, desired.environment.name
    )
    return DeclaredAccess(describe_owner(client.spec), approvers, webhooks)
