"""Characters that are drawn as nothing, so that two names that differ look the same."""

from __future__ import annotations

# Default_Ignorable_Code_Point of Unicode 16.0 (DerivedCoreProperties.txt), which has those of all
# versions before: soft hyphen, joiners, fillers, direction, variation selectors, shorthand and
# musical format characters, tags.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# What has a width and no ink: braille blank, the filler of Khitan, a note without a head.
_BLANK = "\u2800\U00016fe4\U0001d159"
# For a character class of a regular expression.
INVISIBLE = _IGNORABLE + _BLANK
# A character of these may be drawn as an emoji, which the selector U+FE0F after it asks for. Digits
# are none: to a digit the selector does nothing, unless the keycap U+20E3 follows.
EMOJI_BASES = (
    "\u00a9\u00ae\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
