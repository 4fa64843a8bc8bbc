"""What a code is: one row of the table."""

from __future__ import annotations

from reconciler.dataclass import dataclass
from reconciler.errors.finding import Level


@dataclass(frozen=True, slots=True)
class Code:
    """One thing that can be wrong. Its ``id`` does not change its meaning from release to release.

    ``meaning`` says what is wrong, ``remedy`` what to do. Both have the form of a message, without
    a capital and a full stop; the page of codes makes sentences of them. An error may carry a
    remedy of its own, which knows more. ``more`` is for the page alone.

    ``title`` is what a forge calls it, in a few words; without one it is named by ``family``.
    ``level`` is that of its finding where nothing else decides. ``exit`` is the exit code of a
    command that ends with it, None for a finding that ends none.

    >>> Code("RC001", "there is no project", "make one with `reconciler init`", exit=64).name
    'Finding (RC001)'
    """

    id: str
    meaning: str
    remedy: str
    title: str = ""
    family: str = "Finding"
    level: Level = Level.ERROR
    exit: int | None = 1
    more: str = ""

    @property
    def name(self) -> str:
        return self.title or f"{self.family} ({self.id})"

    def sentence(self, detail: str) -> str:
        """``RC503: <detail>; <remedy>``. ``detail`` holds no secret and no text of the
        receiver."""
        return f"{self.id}: {detail}; {self.remedy}"
