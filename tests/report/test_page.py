"""The page of a plan in a real browser: what it shows, what it obeys, and that nothing leaves
it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, Route

from reconciler.domain.plan.plan import Plan, Risk
from reconciler.errors import Address
from reconciler.report.plan.html import plan_html
from reconciler.report.plan.words import by_risk
from reconciler.report.text.html import read_page_file
from tests.kit.programs.chromium import chromium
from tests.kit.texts.hostile import HOSTILE, everywhere
from tests.report.samples import every_kind, make_plan, review_plan, small_plan

KEY = "client/tax-filing/key/primary"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of this module."""
    with chromium() as started:
        yield started


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """``opened(plan, anchor)`` is its page, from a file. At the end: nothing was asked for but that
    file, and nothing was complained of in the console."""
    asked: list[str] = []
    said: list[str] = []
    contexts = []
    path = tmp_path / "plan.html"

    def route(one: Route) -> None:
        asked.append(one.request.url)
        one.continue_()

    def open_(plan: Plan, anchor: str = "", **how: object) -> Page:
        path.write_text(plan_html(plan), encoding="utf-8")
        context = browser.new_context(**how)  # type: ignore[arg-type]
        contexts.append(context)
        context.route("**/*", route)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(f"a dialog: {dialog.message}"))
        page.goto(f"{path.as_uri()}{anchor}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert {url.partition("#")[0] for url in asked} <= {path.as_uri()}
    assert said == []


def addresses(page: Page) -> list[str]:
    return page.locator(".rows > tbody > tr:visible > th").all_inner_texts()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_anybody_can_read_it(scheme: str, opened: Callable[..., Page]) -> None:
    """axe-core finds nothing: contrast, names, landmarks, tables, headings; with everything
    unfolded."""
    page = opened(replace(review_plan(), unfinished=every_kind()), color_scheme=scheme)
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"[0-9]+", back)[:3])) > 380) is (scheme == "light")
    page.get_by_role("button", name="Unfold all").click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize(("width", "height"), [(1240, 800), (390, 1300)])
def test_all_that_is_dangerous_is_on_the_first_screen(
    width: int, height: int, opened: Callable[..., Page]
) -> None:
    """Each change of high or critical risk by name, the riskiest first, with what makes it
    dangerous."""
    page = opened(review_plan(), viewport={"width": width, "height": height})
    dangers = page.locator(".dangers li")
    risky = [
        one for one in by_risk(review_plan().actions) if one.risk in (Risk.HIGH, Risk.CRITICAL)
    ]
    assert dangers.count() == len(risky) == 5
    for index, action in enumerate(risky):
        box = dangers.nth(index).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
        words = dangers.nth(index).inner_text()
        assert words.startswith(action.risk.value)
        assert action.risk_reasons[0] in words
    dangers.nth(1).get_by_role("link").click()
    assert page.url.endswith("#client/storefront-orders/webhook/orders")


def test_of_many_dangerous_changes_the_first_screen_counts_the_rest(
    opened: Callable[..., Page],
) -> None:
    high = next(one for one in review_plan().actions if one.risk is Risk.HIGH)
    actions = tuple(
        replace(high, client=f"c{number}", address=Address.read(f"client/c{number}"))
        for number in range(9)
    )
    rows = opened(make_plan(actions, ())).locator(".dangers li").all_inner_texts()
    assert (len(rows), rows[-1]) == (7, "and 3 more of high or critical risk, below")


def test_a_plan_without_changes_and_one_without_script_can_be_read(
    opened: Callable[..., Page],
) -> None:
    assert Axe().run(opened(make_plan((), ()))).violations_count == 0
    page = opened(review_plan(), f"#{KEY}", java_script_enabled=False)
    assert page.get_by_role("searchbox").count() == 0  # what would not work is not there
    assert page.get_by_role("button").count() == 0
    assert len(addresses(page)) == len(review_plan().actions)
    assert page.locator(".diff").first.is_visible()  # dangerous: open from the start
    assert page.locator(f"[id='{KEY}']").is_visible()  # the link opens what it points at


def test_the_dangerous_comes_first_and_is_open(opened: Callable[..., Page]) -> None:
    page = opened(review_plan(), viewport={"width": 1280, "height": 800})
    assert page.title() == "Plan for production: blocked"
    assert page.locator(".said").inner_text().startswith("Blocked by 2 findings")
    risks = page.locator(".rows > tbody > tr > td:first-child").all_inner_texts()
    assert risks == ["critical"] * 2 + ["high"] * 3 + ["medium"] + ["low"] * 4
    opened_rows = page.locator(".rows > tbody > tr:has(details[open])").count()
    assert opened_rows == 5
    first = page.get_by_text("gains 1 scope of critical risk").first.bounding_box()
    assert first is not None
    assert first["y"] < 800  # without scrolling


def test_it_sorts_by_keyboard_and_says_so(opened: Callable[..., Page]) -> None:
    page = opened(review_plan())
    risk, address = (page.get_by_role("columnheader", name=name) for name in ("Risk", "Address"))
    assert [risk.get_attribute("aria-sort"), address.get_attribute("aria-sort")] == [
        "descending",
        None,
    ]
    address.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert [risk.get_attribute("aria-sort"), address.get_attribute("aria-sort")] == [
        None,
        "ascending",
    ]
    assert addresses(page) == sorted(addresses(page))
    page.keyboard.press("Space")
    assert address.get_attribute("aria-sort") == "descending"
    assert addresses(page) == sorted(addresses(page), reverse=True)
    risk.get_by_role("button").click()
    assert addresses(page)[0] == "client/paystack-payouts"


def test_it_is_filtered_by_words_and_by_risk(opened: Callable[..., Page]) -> None:
    page = opened(review_plan())
    page.get_by_role("searchbox", name="Filter the changes").fill("KEY nobody")
    assert addresses(page) == []
    page.get_by_role("searchbox").fill("legacy declared")
    assert addresses(page) == ["client/legacy-erp", "client/legacy-erp/key/primary"]
    assert page.locator("output").inner_text() == "2 of 10 shown"
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="low", exact=True).press("Enter")
    assert len(addresses(page)) == 6
    assert (
        page.get_by_role("button", name="low", exact=True).get_attribute("aria-pressed") == "false"
    )


def test_a_link_opens_what_it_points_at(opened: Callable[..., Page]) -> None:
    page = opened(review_plan(), f"#{KEY}", viewport={"width": 1280, "height": 500})
    row = page.locator(".rows > tbody > tr", has=page.locator(f"[id='{KEY}']"))
    assert row.locator("details").get_attribute("open") is not None
    place = row.bounding_box()
    assert place is not None
    assert 0 <= place["y"] < 500
    page.get_by_role(
        "button", name="critical", exact=True
    ).click()  # a link also shows what is filtered out
    page.locator("#approvals + .cards a").first.click()
    # the page is told of another address after the click
    page.locator("[id='client/paystack-payouts']").wait_for(state="visible")
    assert (
        page.locator("[id='client/quickbooks-sales:activate-client']").count() == 1
    )  # the second at one address


def test_the_first_key_skips_to_the_content(opened: Callable[..., Page]) -> None:
    page = opened(review_plan())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    box = page.locator(".skip").bounding_box()
    assert box is not None
    assert box["x"] >= 0


def test_on_paper_everything_is_open(opened: Callable[..., Page]) -> None:
    for script in (True, False):
        page = opened(review_plan(), java_script_enabled=script)
        page.emulate_media(media="print")
        inside = page.locator(".rows .inside")
        assert inside.count() == len(review_plan().actions)
        assert all(inside.nth(index).is_visible() for index in range(inside.count()))
        assert not page.locator(".tools").is_visible()


def test_nothing_else_runs_or_loads(browser: Browser, tmp_path: Path) -> None:
    """The policy of the page holds even against one who could write into it."""
    path = tmp_path / "plan.html"
    path.write_text(plan_html(review_plan()), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    tried = page.evaluate(
        """async () => {
          const broken = [];
          const last = new Promise((done) => addEventListener("securitypolicyviolation", (event) => {
            broken.push(event.effectiveDirective);
            if (broken.length === 6) done();
          }));
          const add = (name, values) => document.body.append(Object.assign(document.createElement(name), values));
          add("script", { textContent: "window.taken = 1" });
          add("img", { src: "https://evil.example/x.png" });
          add("div", { innerHTML: "<b onclick='window.taken = 1' style='color: red'>x</b>" });
          document.querySelector("b[onclick]").click();
          await fetch("https://evil.example/").catch(() => {});
          add("form", { action: "https://evil.example/", id: "sent" });
          document.getElementById("sent").submit();
          await Promise.race([last, new Promise((done) => setTimeout(done, 5000))]);  // less than six: it fails
          return { broken: broken.sort(), taken: "taken" in window };
        }"""
    )
    page.close()
    assert tried == {
        "broken": [
            "connect-src",
            "form-action",
            "img-src",
            "script-src-attr",
            "script-src-elem",
            "style-src-attr",
        ],
        "taken": False,
    }


# Of each section of the page: its elements with the names of their attributes.
_OUTLINES = """(pages) => pages.map((page) =>
  Array.from(new DOMParser().parseFromString(page, "text/html").querySelectorAll("*:not(wbr)"), (one) =>
    `${one.tagName} ${one.getAttributeNames().join(" ")}`).join("\\n"))"""


def test_no_text_becomes_a_part_of_the_page(opened: Callable[..., Page]) -> None:
    """The browser builds the same elements, whatever the texts are; and runs none of them."""
    attacks = {
        name: everywhere(small_plan(), text) for name, text in HOSTILE.items() if text.strip()
    }
    plans = list(attacks.values())
    page = opened(
        replace(
            review_plan(),
            actions=tuple(
                plan.actions[index % len(plan.actions)] for index, plan in enumerate(plans)
            ),
            findings=tuple(plan.findings[0] for plan in plans),
            approvals=tuple(plan.approvals[0] for plan in plans),
            unfinished=tuple(plan.unfinished[0] for plan in plans),
        )
    )
    assert page.evaluate("'taken' in window") is False
    assert page.locator(".rows > tbody > tr").count() == len(attacks)
    benign = everywhere(small_plan(), "benign words")
    expected, *outlines = page.evaluate(_OUTLINES, [plan_html(plan) for plan in (benign, *plans)])
    assert [
        name for name, outline in zip(attacks, outlines, strict=True) if outline != expected
    ] == []


def test_the_page_is_one_file_of_plain_characters() -> None:
    for name in ("plan.css", "plan.js"):
        text = read_page_file(name)
        assert text.isascii()
        assert "##" not in text
        assert not re.search(r"^\s*::|</|url\(|@import|https?:|innerHTML|eval", text, re.MULTILINE)
    page = plan_html(review_plan())
    assert page.isascii()
    assert (
        re.findall(
            r"https?://[^<&]*",
            re.sub(r"<(?:code|p|summary)[^>]*>.*?</(?:code|p|summary)>", "", page),
        )
        == []
    )
