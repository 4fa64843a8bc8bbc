"""Where a part of a declaration holds that may name environments: waivers, rules, approvers,
channels of alerts."""

from __future__ import annotations

from collections.abc import Collection


def holds_in(environments: Collection[str], environment: str) -> bool:
    """Whether what names ``environments`` holds in this one. Without any name it holds in all."""
    return not environments or environment in environments
