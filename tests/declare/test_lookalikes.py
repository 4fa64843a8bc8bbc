"""Hosts that are not what they look like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.declare.webhooks.lookalikes import suspicions

CASES: list[tuple[str, list[str]]] = [
    ("hooks.example.com", []),
    (
        "münchen.example",
        [
            "RC180: the host `münchen.example` is, for DNS and for deliveries, `xn--mnchen-3ya.example`"
        ],
    ),
    (
        "m7.123.münchen.example",
        [
            "RC180: the host `m7.123.münchen.example` is, for DNS and for deliveries, `m7.123.xn--mnchen-3ya.example`"
        ],
    ),
    (
        "xn--mnchen-3ya.example",
        ["RC180: the host `xn--mnchen-3ya.example` reads `münchen.example`"],
    ),
    (
        "例え.example",
        ["RC180: the host `例え.example` is, for DNS and for deliveries, `xn--r8jz45g.example`"],
    ),
    (
        "東京tower.example",
        [
            "RC180: the host `東京tower.example` is, for DNS and for deliveries, `xn--tower-w91hq39l.example`"
        ],
    ),
    (
        "почта.example",
        ["RC180: the host `почта.example` is, for DNS and for deliveries, `xn--80a1acny.example`"],
    ),
    (
        "p\u0430ypal.com",
        [
            "RC180: the host `p\u0430ypal.com` is, for DNS and for deliveries, `xn--pypal-4ve.com`",
            "RC181: `p\u0430ypal` mixes Cyrillic and Latin letters, and is `xn--pypal-4ve` for DNS",
        ],
    ),
    (
        "xn--pypal-4ve.com",
        [
            "RC180: the host `xn--pypal-4ve.com` reads `p\u0430ypal.com`",
            "RC181: `p\u0430ypal` mixes Cyrillic and Latin letters, and is `xn--pypal-4ve` for DNS",
        ],
    ),
    (
        "\u0430\u0440\u0440\u04cf\u0435.com",
        [
            "RC180: the host `\u0430\u0440\u0440\u04cf\u0435.com` is, for DNS and for deliveries, `xn--80ak6aa92e.com`",
            "RC181: `\u0430\u0440\u0440\u04cf\u0435` looks like `apple`, and is `xn--80ak6aa92e` for DNS",
        ],
    ),
    (
        "g\u03bf\u03bfgle.com",
        [
            "RC180: the host `g\u03bf\u03bfgle.com` is, for DNS and for deliveries, `xn--ggle-0nda.com`",
            "RC181: `g\u03bf\u03bfgle` mixes Greek and Latin letters, and is `xn--ggle-0nda` for DNS",
        ],
    ),
]


@pytest.mark.parametrize(("host", "told"), CASES)
def test_what_is_told_of_a_host(host: str, told: list[str]) -> None:
    assert [f"{code}: {message}" for code, message in suspicions(host)] == told


@given(st.text(max_size=30))
def test_any_text_is_judged(host: str) -> None:
    assert all(code in {"RC180", "RC181"} for code, _ in suspicions(host.lower()))


@given(st.from_regex(r"[a-z0-9.-]{0,30}", fullmatch=True))
def test_plain_names_are_not_suspicious(host: str) -> None:
    assert "xn--" in host or list(suspicions(host)) == []
