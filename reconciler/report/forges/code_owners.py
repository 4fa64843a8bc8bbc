"""Who answers for each file, as a CODEOWNERS file of GitHub or GitLab."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.planning.review.code_owners import CodeOwners

HEAD = (
    "# Written by `reconciler codeowners`: change the declaration or policy.yaml, then write it"
    " again.\n"
)
# What binds every client, with every suffix that it may have; and clients, of which new ones have
# no line yet.
SHARED = (
    "/policy.yaml",
    "/policy.yml",
    "/reconciler.yaml",
    "/reconciler.yml",
    "/scopes.yaml",
    "/scopes.yml",
    "/templates/",
    "/clients/",
)
# What jobs execute, from the top of the repository: workflows, action, component, and what is
# installed.
GITHUB_OWNERS = ("/.github/",)
GITLAB = ("/.gitlab/", "/.gitlab-ci.yml")
# Both forges read patterns as .gitignore has them: a backslash takes the meaning away.
_SPECIAL = re.compile(r"[ #*?\[\]\\]")
# Would end the line. No escape exists, so that the pattern says: any one character.
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")


def github_file(found: CodeOwners, folder: str) -> str:
    """``folder`` is where the project lies in its repository.

    The last line that fits a file counts, and GitHub asks for one approval of anybody in it: where
    the policy names approvers, the owner, who would be enough, is left out.
    """
    lines = _list_shared(found, folder, GITHUB_OWNERS)
    lines += _lines(
        folder, ((f"/{file.path}", file.approvers or file.owners) for file in found.files)
    )
    return _whole([lines])


def gitlab_file(found: CodeOwners, folder: str) -> str:
    """Every section is asked by itself: the owner in the first, and each approver in one of its
    own."""
    owners = _list_shared(found, folder, GITLAB)
    owners += _lines(folder, ((f"/{file.path}", file.owners) for file in found.files))
    sections = [["[Owners]", *owners]] if owners else []
    for approver in found.approvers:
        lines = [
            _pattern(folder, f"/{file.path}") for file in found.files if approver in file.approvers
        ]
        if lines:
            sections.append([f"[Approval of {approver.removeprefix('@')}] {approver}", *lines])
    return _whole(sections)


def _list_shared(found: CodeOwners, folder: str, executed: Iterable[str]) -> list[str]:
    if not found.approvers:
        return []
    own = " ".join(("CODEOWNERS", *found.approvers))  # wherever the forge looks for it
    paths = (*SHARED, *(f"/{path}" for path in found.shared))
    jobs = _lines("", ((path, found.approvers) for path in executed))
    return [own, *jobs, *_lines(folder, ((path, found.approvers) for path in paths))]


def _lines(folder: str, files: Iterable[tuple[str, tuple[str, ...]]]) -> list[str]:
    return [" ".join((_pattern(folder, path), *owners)) for path, owners in files if owners]


def _pattern(folder: str, path: str) -> str:
    whole = f"/{folder}{path}" if folder else path
    return _UNWRITABLE.sub("?", _SPECIAL.sub(r"\\\g<0>", whole))


def _whole(sections: Iterable[list[str]]) -> str:
    return HEAD + "".join("\n" + "\n".join(lines) + "\n" for lines in sections if lines)
