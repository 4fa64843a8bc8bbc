"""What becomes of one HTTP exchange: a reply, or that there is none."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class NotSent(Exception):
    """The request never left this machine. ``lasting``: trying again will not help. ``remedy``:
    what will, if that is known."""

    def __init__(self, why: str, remedy: str = "", *, lasting: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy
        self.lasting = lasting


class Lost(Exception):
    """The request was sent, or may have been, and there is no usable answer.

    ``idle``: not one byte of an answer came on a connection that had served others before. The
    server may have closed it while it was idle, which says nothing of whether the server is well.
    """

    def __init__(self, why: str, *, lasting: bool = False, idle: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.lasting = lasting
        self.idle = idle
