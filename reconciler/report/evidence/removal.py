"""What was erased, and what was archived."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.domain.values.canonical import Json
from reconciler.engine.removal import Removed
from reconciler.report.text.document import document
from reconciler.report.text.layout import DEFAULT_WIDTH, count_words, list_words, wrap_lines

_MOST = 20  # files that are listed


def erasure_json(environment: str, removed: Removed, *, dry_run: bool) -> str:
    """``files`` are those that left the branch, with ``dry_run`` those that would."""
    runs: list[Json] = [
        {
            "run_id": run,
            "erased_before": removed.before.get(run),
            "archived": removed.archived.get(run),
            "named": run in removed.named,
        }
        for run in removed.runs
    ]
    return document(
        "audit-erase", {**_describe(environment, removed, dry_run=dry_run), "runs": runs}
    )


def archive_json(environment: str, removed: Removed, out: str, *, dry_run: bool) -> str:
    """``archive`` is the folder, null where nothing was to be archived."""
    archive = out if removed.files and not dry_run else None
    described = _describe(environment, removed, dry_run=dry_run)
    return document("audit-archive", {**described, "runs": list(removed.runs), "archive": archive})


def _describe(environment: str, removed: Removed, *, dry_run: bool) -> dict[str, Json]:
    problem = removed.problem
    return {
        "environment": environment,
        "dry_run": dry_run,
        "files": list(removed.files),
        "entries": list(removed.entries),
        "run_id": removed.run_id,
        "commit": removed.commit,
        "problem": None
        if problem is None
        else {"code": problem.code, "message": problem.message, "remedy": problem.remedy},
    }


def erasure_text(
    environment: str,
    removed: Removed,
    *,
    dry_run: bool,
    width: int = DEFAULT_WIDTH,
) -> str:
    """What went, what had gone before, and where it may still be."""
    return _lay_out([*_tell_erasure(environment, removed, dry_run=dry_run)], width)


def _tell_erasure(environment: str, removed: Removed, *, dry_run: bool) -> Iterator[str]:
    for run, number in removed.before.items():
        yield f"The report of {run} is erased already, as entry {number} says."
    if removed.files or removed.entries:
        yield _tell_files(environment, removed, "erase", dry_run=dry_run)
        yield from _list_files(removed)
    elif not removed.before:
        yield "Nothing is left to erase."
    for run, number in removed.archived.items():
        yield f"{run} lies in an archive, too (entry {number}): erase it there."
    for run in removed.named:
        yield (
            f"The registry's document runs/{run} still names a person: it stays until its plan file"
            " has expired. Run this again then."
        )
    yield from _tell_problem(removed)
    if removed.files and not dry_run:
        yield (
            "The history of git still has what was committed: it goes when the history is rewritten"
            " and every clone is replaced."
        )


def archive_text(
    environment: str,
    removed: Removed,
    out: str,
    *,
    dry_run: bool,
    width: int = DEFAULT_WIDTH,
) -> str:
    """What went, and how to verify where it is."""
    if not removed.files and not removed.entries:
        return _lay_out(
            ["Nothing to archive: no report in HEAD is of an entry before that."], width
        )
    sentences = [
        _tell_files(environment, removed, "archive", dry_run=dry_run),
        *_list_files(removed),
    ]
    sentences += _tell_problem(removed)
    if not dry_run:
        sentences.append(
            f"{out} holds them: `reconciler audit verify -e {environment} --in {out}` verifies it."
            " Keep it where it is not lost."
        )
    return _lay_out(sentences, width)


def _tell_files(environment: str, removed: Removed, verb: str, *, dry_run: bool) -> str:
    files = count_words(len(removed.files), "report file")
    if dry_run:
        return f"Would {verb} {files} of {environment}:"
    done = f"{verb.capitalize()}d {files} of {environment}"
    numbers = list_words([str(number) for number in removed.entries])
    said = f" under {'entry' if len(removed.entries) == 1 else 'entries'} {numbers}"
    commit = f" (commit {removed.commit[:12]})" if removed.commit else ""
    return f"{done}{said if removed.entries else ''}{commit}:"


def _list_files(removed: Removed) -> Iterator[str]:
    yield from (f"  {name}" for name in removed.files[:_MOST])
    if len(removed.files) > _MOST:
        yield f"  and {len(removed.files) - _MOST} more"


def _tell_problem(removed: Removed) -> Iterator[str]:
    if removed.problem is not None:
        yield (
            f"It is not complete ({removed.problem.code}): {removed.problem.message}. Run the same"
            " command again."
        )


def _lay_out(sentences: list[str], width: int) -> str:
    lines = [line for one in sentences for line in wrap_lines(one, width)]
    return "\n".join(lines) + "\n"
