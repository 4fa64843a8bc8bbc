"""The port to a forge: where people discuss a change, and where they keep what is to be done.

A request is a pull request or a merge request; a note is a comment on one. ``github`` and
``gitlab`` implement the port. They read and write single entries and decide nothing: which entry is
ours, and what becomes of it, is said once, in ``threads``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from reconciler.dataclass import dataclass
from reconciler.errors import PlatformError

_DENIED = (401, 403, 404)


class ForgeRefused(PlatformError):
    """A request to a forge that failed after all tries.

    ``status`` 0: no answer, or none of use. ``unclear``: a write may have been done.
    """

    def __init__(
        self,
        code: str,
        message: str,
        remedy: str,
        status: int,
        *,
        unclear: bool = False,
    ) -> None:
        super().__init__(code, message, remedy)
        self.status = status
        self.unclear = unclear

    @property
    def denied(self) -> bool:
        """Whether the token may not do that.

        Of what it may not see a forge says that it does not exist.
        """
        return self.status in _DENIED


@dataclass(frozen=True, slots=True)
class Entry:
    """A note or an issue, as it stands there.

    ``number`` is what it is edited by. ``author`` is None for an account that was deleted.
    """

    number: int
    body: str
    author: str | None


class Forge(Protocol):
    """One project at a forge, as one token sees it. Methods raise ``ForgeRefused``.

    ``limit`` is how many characters an entry may have, ``rest`` the sentence at the end of one that
    was cut.
    """

    limit: int
    rest: str

    def author(self) -> str:
        """Who writes with the token, as ``Entry.author`` names it."""
        ...

    def notes(self, request: int) -> Iterator[Entry]:
        """The notes on a request, the oldest first, whoever wrote them."""
        ...

    def write_note(self, request: int, body: str) -> None: ...

    def edit_note(self, request: int, number: int, body: str) -> None: ...

    def open_issues(self) -> Iterator[Entry]:
        """The issues that are open, the oldest first, whoever wrote them. No request is one."""
        ...

    def write_issue(self, title: str, body: str) -> None: ...

    def edit_issue(self, number: int, title: str, body: str) -> None: ...

    def close_issue(self, number: int, *, done: bool) -> None:
        """``done`` False: there is another one of the same subject."""
        ...
