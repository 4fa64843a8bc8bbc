"""Hosts that are not what they look like: international names as DNS knows them, scripts mixed to
deceive."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

# The scripts that one label may mix (UTS 39 5.2, "highly restrictive"): those of Japanese, Chinese
# and Korean, which are written with Latin letters among them. The first word of a character's name
# in Unicode tells its script.
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
# Letters that most fonts draw as a Latin one (UTS 39, confusables.txt: those of Cyrillic, Greek and
# Armenian that are lower case, which is all that is left of a host). A name of nothing else is read
# as a Latin one.
_DRAWN_ALIKE = dict(
    zip(
        "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u0501\u051b\u051d\u04cf\u04bb\u0475"
        "\u03bf\u03b1\u03bd\u03c1\u03b9\u0585\u057d\u0578\u0570",
        "aeopcyxsijdqwlhvoavpiounh",
        strict=True,
    )
)


def suspicions(host: str) -> Iterator[tuple[str, str]]:
    """``host`` as it is written, in lower case: (code, message) for each thing that a reader should
    know of it."""
    try:
        shown = host if not host.isascii() else host.encode("ascii").decode("idna")
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return
    if shown == ascii_host:
        return
    written = "reads" if host.isascii() else "is, for DNS and for deliveries,"
    yield "RC180", f"the host `{host}` {written} `{shown if host.isascii() else ascii_host}`"
    for label in shown.split("."):
        scripts = _scripts(label)
        if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
            named = " and ".join(sorted(script.capitalize() for script in scripts))
            yield "RC181", f"`{label}` mixes {named} letters, and is `{_dns(label)}` for DNS"
        elif not label.isascii() and "LATIN" not in scripts and (latin := _latin(label)):
            yield "RC181", f"`{label}` looks like `{latin}`, and is `{_dns(label)}` for DNS"


def _scripts(label: str) -> frozenset[str]:
    return frozenset(
        unicodedata.name(character, "UNKNOWN").split(" ")[0].split("-")[0]
        for character in label
        if unicodedata.category(character).startswith("L")
    )


def _latin(label: str) -> str:
    """What ``label`` looks like when all its letters are drawn as Latin ones, else nothing."""
    letters = [
        _DRAWN_ALIKE.get(character, character if character.isascii() else "") for character in label
    ]
    return "".join(letters) if all(letters) else ""


def _dns(label: str) -> str:
    return label.encode("idna").decode("ascii")
