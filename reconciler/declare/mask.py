"""Texts that look like secrets: found, and masked wherever a line or a value is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

# What may never be in a declaration, by the name people know it by.
_PATTERNS = {
    "an issued key": r"\b[a-z][a-z0-9]{1,15}_[a-z0-9]{1,63}_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b",
    "a webhook signing secret": r"\bwhs(?:ec|k)_[A-Za-z0-9+/=_-]{16,}",
    "a Vault token": r"\b(?:hv[sbr]|[sbr])\.[A-Za-z0-9_-]{24,}",
    "a private key": r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----",
    "a payment provider's secret key": r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{16,}",
    "a GitHub token": r"\bgh[pousr]_[0-9A-Za-z]{36}",
    "an AWS access key": r"\bAKIA[0-9A-Z]{16}\b",
    "the URL of a Slack webhook": r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{8,}",
}
_SECRET = re.compile("|".join(f"({pattern})" for pattern in _PATTERNS.values()))
_NAMES = tuple(_PATTERNS)
# A cheap look first: every pattern above holds one of these.
_HINT = re.compile(
    r"_[0-9A-Za-z]{12}_|whs|hv[sbr]\.|\b[sbr]\.|PRIVATE KEY|k_live_|k_test_|gh[pousr]_|AKIA|hooks\.slack"
)
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)", re.DOTALL)

_USERINFO = re.compile(r"(?<=://)[^/?#\s\"']*@")
# `token: abc`, `"password": "abc"`, `?token=abc`; not `secret: {lifetime: 180d}`, nor what a probe is set to.
_LABELLED = re.compile(
    r"(?i)((?:secret|token|passw(?:or)?d|passphrase|credential|api_?key|private_?key|value)[\w-]*[\"']?\s*[:=]\s*[\"']?)"
    r"((?!(?:require|warn|off)(?:[\s,}\]]|$))[^\s\"'{}\[\],&#]{3,})"
)
_RANDOM = re.compile(r"[A-Za-z0-9+/_=-]{20,}")


def secrets_in(text: str) -> Iterator[tuple[str, int]]:
    """What each suspicious text in ``text`` looks like, and the offset where it begins."""
    if _HINT.search(text) is None:
        return
    for match in _SECRET.finditer(text):
        yield _NAMES[(match.lastindex or 1) - 1], match.start()


def mask_message(text: str) -> str:
    """``text`` with everything that may be a secret replaced by ``***``."""
    return _RANDOM.sub(_mask_random, _USERINFO.sub("***@", _SECRET.sub("***", text)))


def lines_without_key_material(text: str) -> list[str]:
    """The lines of ``text``; those of a private key consist of stars."""
    if "PRIVATE KEY" in text:
        text = _PEM.sub(_stars, text)
    return [line.rstrip("\r") for line in text.split("\n")]


def mask_line(line: str) -> str:
    """What may be secret is masked character by character, so that columns stay."""
    result = _USERINFO.sub(_stars, _SECRET.sub(_stars, line))
    result = _LABELLED.sub(lambda match: match[1] + "*" * len(match[2]), result)
    return _RANDOM.sub(lambda match: "*" * len(match[0]) if _is_random(match[0]) else match[0], result)


def _stars(match: re.Match[str]) -> str:
    return re.sub(r"[^\n\r]", "*", match[0])


def _mask_random(match: re.Match[str]) -> str:
    return "***" if _is_random(match[0]) else match[0]


def _is_random(word: str) -> bool:
    """Long, with digits and both cases mixed: no name that people give looks like that."""
    kinds = (str.isdigit, str.isupper, str.islower)
    return all(sum(map(kind, word)) >= 2 for kind in kinds)
