"""Files of the evidence log that its entries decide, where two branches have different ones: those
of the larger log are right, and nobody has to be asked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.errors import audit_error
from reconciler.errors import EvidenceError
from reconciler.evidence.checkpoint import parse_checkpoint
from reconciler.evidence.notes import parse_note

_PLACE = re.compile(r"(?:.*/)?log/(checkpoint|keys|[0-9]{8,}\.json)")


def settle_derived(git: GitCommand, index: Mapping[str, str]) -> None:
    """Settle the checkpoints and the lists of keys that a merge into the index of the variables
    ``index`` left open. What else is open stays so.

    Raises ``AuditError`` RC685 for an entry that is another one on each side.
    """
    listed = git.must("ls-files", "--unmerged", "-z", environment=index)
    sides: dict[str, dict[int, tuple[str, str]]] = defaultdict(dict)
    for line in filter(None, listed.split("\0")):
        head, _, path = line.partition("\t")
        mode, blob, stage = head.split(" ")
        sides[path][int(stage)] = mode, blob
    settled = ""
    for path, stages in sides.items():
        found = _PLACE.fullmatch(path)
        ours, theirs = stages.get(3), stages.get(2)
        if found is None or ours is None or theirs is None:
            continue
        if found[1] not in _MEASURES:
            raise audit_error("RC685", path)
        measure = _MEASURES[found[1]]
        larger = max(theirs, ours, key=lambda side: measure(git.whole("cat-file", "blob", side[1])))
        settled += f"0 {'0' * len(ours[1])}\t{path}\n{larger[0]} {larger[1]} 0\t{path}\n"
    if settled:
        git.must("update-index", "--index-info", stdin=settled, environment=index)


def _measure_checkpoint(text: str) -> int:
    """The size that a checkpoint tells; of what is none, less than any."""
    try:
        return parse_checkpoint(parse_note(text.encode("utf-8", "surrogateescape"))).size
    except EvidenceError:
        return -1


def _measure_keys(text: str) -> int:
    return len(text.splitlines())


_MEASURES: Mapping[str, Callable[[str], int]] = {
    "checkpoint": _measure_checkpoint,
    "keys": _measure_keys,
}
