"""Which versions were valid at an instant, or on a day: text, JSON and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reconciler.dataclass import dataclass
from reconciler.domain.values.canonical import Json, iso, iso_or_none
from reconciler.evidence.history.lives import CredentialLife, VersionLife
from reconciler.report.evidence.history import say_unverified
from reconciler.report.text.document import document
from reconciler.report.text.escape import markdown
from reconciler.report.text.layout import DEFAULT_WIDTH, columns, count_words, wrap_lines

Usable = tuple[CredentialLife, VersionLife]
_HASH_DIGITS = 16
_ENDED = ("revoked", "forgotten")


@dataclass(frozen=True, slots=True)
class Moment:
    """The question: ``[first, last]``, one instant or the seconds of a day, of ``environment``.
    ``known`` is when the newest entry was closed, ``begun`` when the oldest was opened."""

    environment: str
    first: datetime
    last: datetime
    begun: datetime
    known: datetime

    @property
    def text(self) -> str:
        if self.first == self.last:
            return f"at {iso(self.first)}"
        return f"on {iso(self.first)[:10]} (UTC)"

    @property
    def notes(self) -> list[str]:
        """What an answer about that time cannot know."""
        found = []
        if self.last > self.known:
            found.append(f"The log ends at {iso(self.known)}: what came later is not in it.")
        if self.first < self.begun:
            found.append(
                f"The log begins at {iso(self.begun)}: before that, reports alone tell of what was."
            )
        return found


def find_state(moment: Moment, life: VersionLife) -> str:
    """``active`` or ``retiring``: at the end of it, or just before it ended."""
    state = life.state_at(moment.last)
    if state in _ENDED:
        return life.state_at(max(moment.first, life.active_from or moment.first))
    return state


def describe_state(moment: Moment, life: VersionLife) -> str:
    """The same in words: with what ended it meanwhile, or should have before."""
    ended = life.state_at(moment.last)
    if ended in _ENDED:
        return f"{find_state(moment, life)}, then {ended}"
    over = ", its time was over" if life.is_over(moment.first) else ""
    return f"{find_state(moment, life)}{over}"


def usable_json(moment: Moment, found: Sequence[Usable]) -> str:
    """``{format_version, kind: "valid", environment, from, to, versions: [{client, address, …}],
    notes}``"""
    rows = [_row_document(moment, life, version) for life, version in found]
    return document(
        "valid",
        {
            "environment": moment.environment,
            "verified": False,
            "from": iso(moment.first),
            "to": iso(moment.last),
            "versions": rows,
            "notes": moment.notes,
        },
    )


def _row_document(moment: Moment, life: CredentialLife, version: VersionLife) -> dict[str, Json]:
    return {
        "client": life.client,
        "address": life.address,
        "version": version.number,
        "id": version.id or None,
        "sha256": version.sha256 or None,
        "state": find_state(moment, version),
        "over": version.is_over(moment.first),
        "issued_at": iso_or_none(version.issued_at),
        "active_from": iso_or_none(version.active_from),
        "retiring_from": iso_or_none(version.retiring_from),
        "grace_until": iso_or_none(version.grace_until),
        "expires_at": iso_or_none(version.expires_at),
        "revoked_at": iso_or_none(version.revoked_at),
        "forgotten_at": iso_or_none(version.forgotten_at),
        "entry": None if version.entry is None else int(version.entry),
    }


_HEAD = ("ADDRESS", "VERSION", "STATE", "ID", "HASH", "ISSUED", "EXPIRES", "REVOKED", "ENTRY")


def usable_text(moment: Moment, found: Sequence[Usable], *, width: int = DEFAULT_WIDTH) -> str:
    """A line a version; the JSON has hashes whole."""
    rows = [_row(moment, life, version) for life, version in found]
    lines = [*columns([_HEAD, *rows]), ""] if rows else []
    for sentence in _sentences(moment, found):
        lines += wrap_lines(sentence, width)
    return "\n".join(lines) + "\n"


def usable_markdown(moment: Moment, found: Sequence[Usable]) -> str:
    """The same as a table."""
    lines = [f"# Valid in {markdown(moment.environment)} {markdown(moment.text)}", ""]
    if found:
        head = [word.capitalize() for word in _HEAD]
        lines += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        for life, version in found:
            row = _row(moment, life, version)
            lines.append(f"| {' | '.join(map(markdown, row))} |")
        lines.append("")
    for sentence in _sentences(moment, found):
        lines += [markdown(sentence), ""]
    return "\n".join(lines[:-1]) + "\n"


def _sentences(moment: Moment, found: Sequence[Usable]) -> list[str]:
    return [
        f"{count_words(len(found), 'version')} valid in {moment.environment} {moment.text}.",
        *moment.notes,
        say_unverified(moment.environment),
    ]


def _row(moment: Moment, life: CredentialLife, version: VersionLife) -> tuple[str, ...]:
    return (
        str(life.address),
        str(version.number),
        describe_state(moment, version),
        version.id or "not known",
        f"sha256:{version.sha256[:_HASH_DIGITS]}" if version.sha256 else "not known",
        iso_or_none(version.issued_at or version.active_from) or "not known",
        iso_or_none(version.expires_at) or "not known",
        iso_or_none(version.revoked_at) or "",
        "" if version.entry is None else str(version.entry),
    )
