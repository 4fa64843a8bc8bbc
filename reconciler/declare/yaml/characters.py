"""Characters that no declaration holds, and secrets: both are found in the text as it is
written."""

from __future__ import annotations

import re
import unicodedata
from itertools import islice

from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Mark
from reconciler.domain.secrecy import Found, secrets_in
from reconciler.domain.secrecy.shapes import CREDENTIALS_IN_URL
from reconciler.domain.values.invisible import EMOJI_BASES, INVISIBLE

_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_FORBIDDEN_ASCII = re.compile(f"[{_CONTROL}]|\r(?!\n)")
# C1 controls, line separators, what is drawn as nothing, what is no character: they hide or redraw
# the rest. The selector U+FE0F may stand where it makes an emoji.
_EMOJI = f"(?<![{EMOJI_BASES}]\ufe0f)(?<![0-9#*]\ufe0f(?=\u20e3))"
FORBIDDEN = re.compile(
    f"[{_CONTROL}\x80-\x9f\u2028\u2029{INVISIBLE}\ufff9-\uffff]{_EMOJI}|\r(?!\n)"
)
_SHOWN = 20  # forbidden characters, and secrets, that are listed for one file


def characters_allowed(text: str, file: str, found: Collector) -> bool:
    """Also looks for secrets, comments included; these are reported but do not stop the reading."""
    for secret in reported(text)[:_SHOWN]:
        found.add("RC112", _mark_at(text, secret.begin, file), f"this looks like {secret.name}")
    pattern = _FORBIDDEN_ASCII if text.isascii() else FORBIDDEN
    allowed = True
    for match in islice(pattern.finditer(text), _SHOWN):
        allowed = False
        found.add(
            "RC105",
            _mark_at(text, match.start(), file),
            f"the character {named(match[0])} is not allowed",
        )
    return allowed


def reported(text: str) -> list[Found]:
    """A URL with a password in it is reported where a URL is read."""
    return [secret for secret in secrets_in(text) if secret.name != CREDENTIALS_IN_URL]


def _mark_at(text: str, offset: int, file: str) -> Mark:
    return file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def named(character: str) -> str:
    name = unicodedata.name(character, "a control character")
    return f"U+{ord(character):04X} ({name})"
