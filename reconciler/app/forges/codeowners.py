"""A CODEOWNERS file: what is ours between two marks, and what others wrote around it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.errors import ReconcilerError
    from reconciler.planning.review.code_owners import CodeOwners

# Between these two lines the file is ours; the rest is left to whoever wrote it.
BEGIN, END = "# BEGIN reconciler codeowners", "# END reconciler codeowners"
NOTE = (
    "# Lines outside these two marks are kept. The last line that fits a file counts (on GitLab: in"
    " its section)."
)
GITHUB_LIMIT = 3_000_000  # bytes; GitHub does not load a larger file, and then asks nobody


def text_of(
    found: CodeOwners,
    form: str,
    folder: str,
) -> str:
    """What stands between the marks; ``form`` is ``github`` or ``gitlab``, ``folder`` where the
    project lies in its repository."""
    from reconciler.report.forges.code_owners import github_file, gitlab_file

    return (github_file if form == "github" else gitlab_file)(found, folder)


def whole_file(
    text: str,
    path: Path | None,
    form: str,
) -> str:
    """The file that is to be written, with what ``path`` (None: a file of its own) holds outside of
    the marks.

    Raises ``ReconcilerError`` RC039 when the forge would ignore it, ``UsageError`` RC038 as
    ``merged`` does.
    """
    whole = mark_part(text) if path is None else merge_file(path, text)
    if form == "github" and len(whole.encode()) >= GITHUB_LIMIT:
        raise too_large()
    return whole


def notes_about(found: CodeOwners) -> list[str]:
    """Files that nobody answers for, and that nobody approves: leaving them out would look like a
    choice."""
    notes = []
    unowned = [file.path for file in found.files if not file.owners]
    if unowned:
        more = f" and {len(unowned) - 3} more" if len(unowned) > 3 else ""
        notes.append(
            f"no owner is known for {', '.join(unowned[:3])}{more}: give the client an owner whose"
            " team has a handle in spec.teams of policy.yaml, or whose contact is a mail address"
        )
    if not found.approvers:
        notes.append(
            "the policy names no approver: nobody is asked about what jobs execute, such as"
            " .github/"
        )
    return notes


def compare(path: Path, text: str) -> None:
    """Raises ``ReconcilerError`` RC037 when the part of the file between the marks says something
    else than ``text``, or is not there. A file without marks may be ``text`` alone. How git ends
    its lines in this checkout does not matter."""
    from reconciler.errors import ReconcilerError

    wrong = ""
    try:
        there = (
            path.read_bytes()
            .replace(b"\r\n", b"\n")
            .decode("utf-8", "replace")
            .splitlines(keepends=True)
        )
        found = _part(there)
    except OSError as error:
        wrong = f"cannot be read: {error.strerror}"
    except ValueError as error:
        wrong = str(error)
    else:
        wanted, begin, end = (text, 0, len(there)) if found is None else (mark_part(text), *found)
        pairs = enumerate(
            zip_longest(there[begin:end], wanted.splitlines(keepends=True)), start=begin + 1
        )
        wrong = next(
            (_difference(number, *lines) for number, lines in pairs if lines[0] != lines[1]), ""
        )
    if wrong:
        raise ReconcilerError(
            "RC037", f"{path} {wrong}", "write it again: the same command without --check"
        )


def mark_part(text: str) -> str:
    return f"{BEGIN}\n{NOTE}\n{text}{END}\n"


def merge_file(path: Path, text: str) -> str:
    """The whole file: ``text`` between the marks, and what others wrote outside them as it is.

    A file without marks is replaced when it was written by this command, else ``text`` comes after
    what it holds: the last line that fits counts. Raises ``UsageError`` RC038 when it cannot be
    read, or its marks are no pair.
    """
    from reconciler.errors import UsageError
    from reconciler.report.forges.code_owners import HEAD

    if not path.is_file():
        return mark_part(text)
    try:
        whole = path.read_bytes().decode()
        lines = whole.splitlines(keepends=True)
        found = _part(lines)
    except OSError as error:
        raise UsageError(
            "RC038", f"{path} cannot be read: {error.strerror}", "make it readable"
        ) from None
    except UnicodeDecodeError:
        raise UsageError(
            "RC038", f"{path} is not UTF-8", "save it as UTF-8: what others wrote in it is kept"
        ) from None
    except ValueError as error:
        remedy = f"leave one line {BEGIN!r} and after it one line {END!r}, or none of both"
        raise UsageError("RC038", f"{path} {error}", remedy) from None
    if found is not None:
        begin, end = found
        return "".join([*lines[:begin], mark_part(text), *lines[end:]])
    if not whole.strip() or lines[0].rstrip() == HEAD.rstrip():
        return mark_part(text)
    return whole.rstrip("\r\n") + "\n\n" + mark_part(text)


def _part(lines: Sequence[str]) -> tuple[int, int] | None:
    """From the line ``BEGIN`` to behind the line ``END``, None without either.

    Raises ``ValueError``.
    """
    begins, ends = (
        [at for at, line in enumerate(lines) if line.rstrip("\r\n") == mark]
        for mark in (BEGIN, END)
    )
    if not begins and not ends:
        return None
    if len(begins) != 1 or len(ends) != 1 or ends < begins:
        raise ValueError(f"does not have {BEGIN!r} once and {END!r} once after it")
    return begins[0], ends[0] + 1


def _difference(
    number: int,
    found: str | None,
    wanted: str | None,
) -> str:
    if wanted is None:
        told = f"should not be there: {(found or '').rstrip() or '(empty)'}"
    elif found is not None and found == wanted.rstrip("\n"):
        told = "does not end"
    else:
        told = f"should read: {wanted.rstrip() or '(empty)'}"
    return f"is not what the declaration says: line {number} {told}"


def too_large() -> ReconcilerError:
    from reconciler.errors import ReconcilerError

    return ReconcilerError(
        "RC039",
        f"the file would be larger than {GITHUB_LIMIT // 1_000_000} MB, and GitHub would ignore it",
        "declare several clients in one file, or spread them over several repositories",
    )
