"""The comment keeps below its limit: the least risky goes first, and what is left out is told."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Action, Approval, Permissions, Plan, Risk
from reconciler.errors import Address
from reconciler.report.plan.markdown import COMMENT_LIMIT, SMALLEST_LIMIT, marker, plan_markdown
from reconciler.report.text.comment import Piece, Section, fit_sections
from tests.kit.texts.hostile import HOSTILE, everywhere
from tests.report.samples import BLOCK, every_kind, make_plan, review_plan

GITHUB = 65_536  # characters, by the message with which it refuses more


def large_plan(each: int = 120, message: str = "the client is declared and not registered") -> Plan:
    """So many changes of each risk, each with details."""
    actions = tuple(
        Action(
            ActionKind.UPDATE_CLIENT, Address.read(f"client/c{risk.value}-{number:04}"), "DeclarationChanged",
            message, risk,
            f"c{risk.value}-{number:04}", before={"scopes": ["a:read"]}, after={"scopes": ["a:*"]},
            risk_reasons=(f"a:* is a wildcard, number {number}",), permissions=Permissions({"a:write": risk}),
        )
        for number in range(each)
        for risk in Risk
    )  # fmt: skip
    return make_plan(actions, (BLOCK,))


def shown(text: str) -> dict[str, int]:
    rows = re.findall(r"^\| (?:🟥|🟧|🟨|⬜) \**(\w+)\** \| `~`", text, re.MULTILINE)
    return {risk.value: rows.count(risk.value) for risk in Risk}


@pytest.mark.parametrize("limit", [SMALLEST_LIMIT, COMMENT_LIMIT, 150_000, 1_000_000])
def test_the_least_risky_is_left_out_first_and_counted(limit: int) -> None:
    plan = large_plan()
    text = plan_markdown(plan, limit=limit, link="https://ci.example.com/runs/7")
    assert len(text.encode()) <= limit
    rows = shown(text)
    cut = [risk for risk in Risk if rows[risk.value] < 120]
    assert cut == list(Risk)[: len(cut)]
    assert [rows[risk.value] for risk in cut[:-1]] == [0] * len(
        cut[:-1]
    )  # whoever is below one that is cut is gone
    for risk in Risk:
        left = 120 - rows[risk.value]
        assert (
            f"{left} {risk.value} change{'s' if left > 1 else ''}" in text.split("Left out")[-1]
        ) is (left > 0)
    details = text.count("<details><summary>🟥") + text.count("<details><summary>🟧")
    details += text.count("<details><summary>🟨") + text.count("<details><summary>⬜")
    assert details == 480 or f"{480 - details} details" in text
    assert (
        details == 480 or "[The whole plan](https://ci.example.com/runs/7) shows everything" in text
    )
    assert "RC310" in text
    assert text.endswith("</sub>\n")


def test_it_uses_the_room_there_is() -> None:
    assert (
        COMMENT_LIMIT - 1_000 < len(plan_markdown(large_plan()).encode()) <= COMMENT_LIMIT < GITHUB
    )


def test_what_fits_is_whole() -> None:
    text = plan_markdown(review_plan())
    assert "Left out" not in text
    assert text.startswith(f"{marker('production')}\n")
    assert sum(shown(plan_markdown(large_plan(10))).values()) == 40


def test_without_an_address_the_reader_is_told_the_command() -> None:
    assert "`reconciler show` of the plan file shows everything" in plan_markdown(large_plan())


def test_wide_characters_are_counted_as_bytes() -> None:
    text = plan_markdown(large_plan(100, "契約が変わりました" * 10))
    assert len(text) < len(text.encode()) <= COMMENT_LIMIT


def test_what_blocks_and_who_approves_outlasts_everything_else() -> None:
    plan = replace(
        large_plan(), findings=(BLOCK,) * 3, approvals=(Approval("@acme/security", ("why",),
        (Address.read("client/a"),)),) * 3,
        unfinished=every_kind() * 50,
    )  # fmt: skip
    text = plan_markdown(plan, limit=SMALLEST_LIMIT)
    assert text.count("| RC310 |") == 3
    assert text.count("| <b>@&#8203;acme/security</b> |") == 3
    assert f"{len(plan.unfinished)} unfinished items" in text


def test_nobody_hides_the_rest_behind_one_huge_change() -> None:
    """A change whose details alone would fill a quarter of the comment loses them, and nobody else
    does."""
    huge = everywhere(review_plan(), HOSTILE["invisible"] * 50)
    grown = tuple(
        replace(action, risk=Risk.CRITICAL, risk_reasons=action.risk_reasons * 9)
        for action in huge.actions
    )
    text = plan_markdown(make_plan((*grown[:2], *review_plan().actions), ()))
    assert len(text.encode()) <= COMMENT_LIMIT
    assert text.count("quickbooks-sales") >= 4


@pytest.mark.parametrize("text", ["", "x" * 300, "\U000e0041" * 300, "&" * 300])
def test_the_smallest_limit_holds_what_is_always_shown(text: str) -> None:
    plan = everywhere(large_plan(5), text)
    link = "https://ci.example.com/" + "x" * 500
    assert len(plan_markdown(plan, limit=SMALLEST_LIMIT, link=link).encode()) <= SMALLEST_LIMIT


def test_a_link_cannot_leave_its_place() -> None:
    text = plan_markdown(review_plan(), link='https://ci.example.com/a)<b>[x](y) ü%20?a=b&c#d"|')
    assert (
        "[The whole plan](https://ci.example.com/a%29%3Cb%3E%5Bx%5D%28y%29%20%C3%BC%20?a=b&c#d%22%7C)."
        in text
    )


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ("production", "<!-- reconciler:plan:production -->"),
        ("eu-west-1", "<!-- reconciler:plan:eu-west-1 -->"),
        ("--><b>", "<!-- reconciler:plan:--__b_ -->"),
        ("x" * 100, f"<!-- reconciler:plan:{'x' * 63} -->"),
    ],
)
def test_the_first_line_is_the_marker(environment: str, line: str) -> None:
    assert plan_markdown(replace(review_plan(), environment=environment)).splitlines()[0] == line


def test_pieces_stay_in_their_place_whatever_is_left_out() -> None:
    six, one = "12345\n", "1"
    sections = [
        Section("a\n", (Piece(six, 2, "later"), Piece(six, 0, "first")), "b\n"),
        Section("c\n", (Piece(six, 1, "second"), Piece(one, 3, "small"))),
        Section("d\n"),
    ]
    assert fit_sections(sections, 1000)[0] == [f"a\n{six}{six}b\n", f"c\n{six}{one}", "d\n"]
    texts, left = fit_sections(sections, 24)
    assert (texts, dict(left)) == ([f"a\n{six}b\n", f"c\n{six}", "d\n"], {"later": 1, "small": 1})


def test_a_huge_piece_gets_what_the_others_leave() -> None:
    huge, small = "x" * 30 + "\n", "1234567\n"
    sections = [
        Section("", (Piece(huge, 0, "huge"), *(Piece(small, rank, "small") for rank in (1, 2))))
    ]
    assert fit_sections(sections, 47) == ([huge + small + small], {})
    assert fit_sections(sections, 46) == ([small + small], {"huge": 1})
