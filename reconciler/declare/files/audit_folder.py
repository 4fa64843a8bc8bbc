"""The folder of the audit reports: it declares nothing and decides nothing.

Commits that change it alone are passed over where commits must be signed, and it is staged and
committed as a whole. So nothing that is part of the declaration may lie in it, be it by another
spelling of a name: file systems may take `Clients` for `clients`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from reconciler.declare.files.files import FOLDERS, PROJECT_FILE, TOP_FILES, is_inside
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map
from reconciler.domain.values.invisible import INVISIBLE

DEFAULT = "audit"
# What a name of the declaration begins with, up to its first dot; some are taken for what is to
# come.
_TAKEN = frozenset(
    {
        PROJECT_FILE,
        *TOP_FILES,
        *FOLDERS,
        "codeowners",
        "gate",
        "objectives",
        "policies",
        "records",
        "schemas",
        "scope",
    }
)
# Whole paths: forges look for CODEOWNERS in docs as well.
_TAKEN_WHOLE = (("docs",),)
_UNSEEN = re.compile(f"[{INVISIBLE}]")


def build_audit_path(audit: Map, found: Collector) -> str:
    """The path as git writes it.

    Reports RC160 for one that is not inside the project, or is taken.
    """
    path = audit.get("path", DEFAULT)
    if not is_inside(path) or _is_taken(path):
        found.add("RC160", audit.marks["path"], f"the audit report cannot be kept in `{path}`")
        return DEFAULT
    return "/".join(part for part in str(path).split("/") if part not in ("", "."))


def lies_in_audit(path: str, audit: str) -> bool:
    """Whether ``path`` is the folder ``audit`` or in it, for a file system that takes names
    loosely."""
    folder = tuple(_fold_parts(audit))
    return tuple(_fold_parts(path))[: len(folder)] == folder


def refuse_named(audit: str, found: Collector) -> None:
    """Report RC160 for what the declaration names, or reads through a link, and that lies among the
    reports."""
    for path, sources in sorted(found.named.items()):
        if lies_in_audit(path, audit):
            for source in sorted(sources):
                message = (
                    f"it leads to `{path}`, which lies in `{audit}`, the folder of the audit"
                    " reports"
                )
                found.add("RC160", (source, 1, 1), message)


def _is_taken(path: str) -> bool:
    parts = tuple(_fold_parts(path))
    if not parts or ".git" in parts or parts[0].startswith(".") or parts in _TAKEN_WHOLE:
        return True
    return parts[0].partition(".")[0] in _TAKEN


def _fold_parts(path: str) -> Iterator[str]:
    """The parts of a path as the most generous file system compares them: case, compatibility
    forms, invisible characters, dots and spaces at the end."""
    for part in path.split("/"):
        plain = unicodedata.normalize("NFKC", _UNSEEN.sub("", part)).casefold().rstrip(". ")
        if plain:
            yield unicodedata.normalize("NFKC", plain)
