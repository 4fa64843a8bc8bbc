"""One note on a request, one issue of an environment: found by marker and author, edited, never
doubled.

Whoever writes a note can put our marker into it. So the marker counts only in what the account
wrote that the token belongs to; what somebody else wrote is neither edited nor taken for ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from reconciler.adapters.forges.forge import Entry, Forge, ForgeRefused
from reconciler.domain.secrecy import mask_secrets

_LOOKS = 3


class Thread:
    """Where we write at a forge. Methods return in a word what was done.

    They raise ``ForgeRefused``.
    """

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    def note(self, request: int, marker: str, text: str) -> str:
        """Make ``text`` the one note with ``marker`` on a request."""
        body = self._bound_text(marker, text)
        return _settle(lambda: self._note(request, marker, body))

    def _note(self, request: int, marker: str, body: str) -> str:
        ours = next(self._ours(self._forge.notes(request), marker), None)
        if ours is None:
            self._forge.write_note(request, body)
            return "written"
        if ours.body.rstrip() == body.rstrip():  # a forge may keep no white space at the end
            return "unchanged"
        self._forge.edit_note(request, ours.number, body)
        return "updated"

    def issue(self, marker: str, title: str, text: str) -> str:
        """Make ``text`` the one open issue with ``marker``. Others of ours with it are closed."""
        body = self._bound_text(marker, text)
        return _settle(lambda: self._issue(marker, title, body))

    def _issue(self, marker: str, title: str, body: str) -> str:
        ours = list(self._ours(self._forge.open_issues(), marker))
        for doubled in ours[1:]:
            self._forge.close_issue(doubled.number, done=False)
        if not ours:
            self._forge.write_issue(title, body)
            return "opened"
        self._forge.edit_issue(ours[0].number, title, body)
        return "updated"

    def close(self, marker: str) -> str:
        """Close the open issues with ``marker``."""
        found = list(self._ours(self._forge.open_issues(), marker))
        for one in found:
            self._forge.close_issue(one.number, done=True)
        return "closed" if found else "none is open"

    def _ours(self, entries: Iterable[Entry], marker: str) -> Iterator[Entry]:
        for entry in entries:
            marked = (entry.body.splitlines() or [""])[0] == marker
            if marked and entry.author is not None and entry.author == self._forge.author():
                yield entry

    def _bound_text(self, marker: str, text: str) -> str:
        """``text`` without secrets and with ``marker`` as its first line, cut where the forge
        would refuse it."""
        text = mask_secrets(text)
        body = text if text.startswith(f"{marker}\n") else f"{marker}\n{text}"
        limit, rest = self._forge.limit, self._forge.rest
        return body if len(body) <= limit else body[: limit - len(rest)] + rest


def _settle(attempt: Callable[[], str]) -> str:
    """A POST whose answer was lost may have been done: look again before another one is sent."""
    for _ in range(_LOOKS - 1):
        try:
            return attempt()
        except ForgeRefused as error:
            if not error.unclear:
                raise
    return attempt()
