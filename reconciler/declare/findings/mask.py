"""Lines and values of a declaration made fit to show: without secrets, and without what may be
one."""

from __future__ import annotations

import re

from reconciler.domain.secrecy import mask_secrets, secrets_in

# `token: abc`, `"password": "abc"`, `?token=abc`; not `secret: {lifetime: 180d}`, nor what a probe
# is set to.
_LABELLED = re.compile(
    r"(?i)((?:secret|token|passw(?:or)?d|passphrase|credential|api_?key|private_?key|value)[\w-]*[\"']?\s*[:=]\s*[\"']?)"
    r"((?!(?:require|warn|off)(?:[\s,}\]]|$))[^\s\"'{}\[\],&#]{3,})"
)
_RANDOM = re.compile(r"[A-Za-z0-9+/_=-]{20,}")


def mask_message(text: str) -> str:
    """``text`` with everything that may be a secret replaced by ``***``."""
    return _RANDOM.sub(_mask_random, mask_secrets(text))


def lines_without_key_material(text: str) -> list[str]:
    """The lines of ``text``; those of a private key consist of stars."""
    if "PRIVATE KEY" in text:
        text = _star_out(text)
    return [line.rstrip("\r") for line in text.split("\n")]


def mask_line(line: str) -> str:
    """What may be secret is masked character by character, so that columns stay."""
    result = _LABELLED.sub(lambda match: match[1] + "*" * len(match[2]), _star_out(line))
    return _RANDOM.sub(
        lambda match: "*" * len(match[0]) if _is_random(match[0]) else match[0], result
    )


def _star_out(text: str) -> str:
    for found in secrets_in(text):
        stars = re.sub(r"[^\n\r]", "*", text[found.begin : found.end])
        text = text[: found.begin] + stars + text[found.end :]
    return text


def _mask_random(match: re.Match[str]) -> str:
    return "***" if _is_random(match[0]) else match[0]


def _is_random(word: str) -> bool:
    """Long, with digits and both cases mixed: no name that people give looks like that."""
    kinds = (str.isdigit, str.isupper, str.islower)
    return all(sum(map(kind, word)) >= 2 for kind in kinds)
