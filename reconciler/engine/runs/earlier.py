"""The report of an earlier run that is not in the ledger yet: as it is there if it is what the
history says.

Whoever may write to the checkout may write reports. So a text is believed only when its run put its
digest on record as it finished, or when it tells just what the history tells. Else the report is
made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath

from reconciler.dataclass import dataclass
from reconciler.domain.live.observed import OpenRun
from reconciler.engine.ports import Ledger, Reporter

_AT_ONCE = 1 << 20  # characters
Files = Mapping[PurePosixPath, str]


@dataclass(frozen=True, slots=True)
class EarlierReport:
    """What is to be committed of an earlier run.

    ``differed``: something else was there under its name.
    """

    files: Files
    differed: bool


def digest_files(files: Files) -> dict[str, str]:
    """The SHA-256 of each file of one report, by its ending without the dot."""
    return {path.suffix[1:]: _digest(text) for path, text in files.items()}


def choose_earlier_report(
    run: OpenRun,
    anew: Files,
    ledger: Ledger,
    reporter: Reporter,
) -> EarlierReport:
    """``anew``: the report as the history of ``run`` makes it. Raises ``AuditError``."""
    present = {path: ledger.texts(path) for path in anew}
    kept: dict[PurePosixPath, str] = {}
    for path, texts in present.items():
        right = [text for text in texts if _is_right(run, path, text, anew, reporter)]
        kept |= {path: right[0]} if right else {}
    files = {**anew, **kept}
    differed = any(
        _differs(run, path, text, files, anew, reporter) for path in files for text in present[path]
    )
    return EarlierReport(files, differed)


def _is_right(
    run: OpenRun,
    path: PurePosixPath,
    text: str,
    anew: Files,
    reporter: Reporter,
) -> bool:
    if run.reports:
        return _digest(text) == run.reports.get(path.suffix[1:])
    return reporter.is_report(text, anew[path])


def _differs(
    run: OpenRun,
    path: PurePosixPath,
    text: str,
    files: Files,
    anew: Files,
    reporter: Reporter,
) -> bool:
    """Whether a text that was there says something else.

    What another run made of the same history says the same.
    """
    if text in (files[path], anew[path]):
        return False
    if path.suffix != ".json":
        return _digest(files[path]) == run.reports.get(path.suffix[1:])
    return reporter.tells_otherwise(text, anew[path], original=bool(run.reports))


def _digest(text: str) -> str:
    """Of its bytes, which are never there all at once."""
    digest = hashlib.sha256()
    for at in range(0, len(text), _AT_ONCE):
        digest.update(text[at : at + _AT_ONCE].encode())
    return digest.hexdigest()
