"""The history and the pack as they are rendered: golden files, hostile strings, and the page in a
real browser."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page

from reconciler import __version__
from reconciler.cli.output import defuse
from reconciler.domain.declared.desired import Waiver
from reconciler.errors import Source
from reconciler.evidence.history.commits import CommitReview
from reconciler.evidence.history.lives import find_usable, trace_lives
from reconciler.evidence.history.runs import LoggedRun, read_history
from reconciler.report.evidence.controls import CONTROLS
from reconciler.report.evidence.history import history_json, history_markdown, history_text
from reconciler.report.evidence.pack import (
    DeclaredAccess,
    DeclaredNow,
    KnownClient,
    Pack,
    Period,
    Sheet,
)
from reconciler.report.evidence.page import pack_html
from reconciler.report.evidence.readme import pack_readme, read_verifier
from reconciler.report.evidence.sheets import make_sheets
from reconciler.report.evidence.spreadsheet import cell_text, sheet_csv
from reconciler.report.evidence.usable import Moment, usable_json, usable_markdown, usable_text
from reconciler.report.text.html import read_page_file
from tests.kit.evidence.logs import BEGAN, Log
from tests.kit.evidence.told import ENVIRONMENT, make_story
from tests.kit.forges.ci_runner import commands
from tests.kit.programs.chromium import chromium
from tests.kit.texts import structure
from tests.kit.texts.hostile import HOSTILE

Golden = Callable[[str, str], None]
# Bytes of a report are UTF-8, and JSON in it has these as escapes.
ATTACKS = {name: text for name, text in HOSTILE.items() if name != "surrogates"}
VISIBLE = [name for name, text in ATTACKS.items() if text.strip()]
SHOWN_CONTROL = {"Cc", "Cs", "Zl", "Zp"}


@cache
def log_of(words: str | None = None) -> Log:
    return make_story(words)


@cache
def runs_of(words: str | None = None) -> tuple[LoggedRun, ...]:
    log = log_of(words)
    said = CommitReview(("12",), ("Grace Hopper",), ("Ada",))
    if words is not None:
        said = CommitReview((words,), (words,), (words,))
    return tuple(replace(run, review=said) for run in read_history(log.statements, log.files.get))


@cache
def pack_of(words: str | None = None) -> Pack:
    log, runs = log_of(words), runs_of(words)
    clients = {
        client.name: KnownClient(client, run.number)
        for run in runs
        for client in (run.told.clients or () if run.told is not None else ())
    }

    def say(plain: str) -> str:
        return plain if words is None else words

    waiver = Waiver(
        say("freeze"),
        say("acme"),
        say("moves"),
        say("grace"),
        "2026-04-30",
        Source("policy.yaml", 1, 1),
    )
    access = DeclaredAccess(
        say("payments"), (say("acme/security"),), {"settlements": (say("github"), (say("paid"),))}
    )
    return Pack(
        project="shop",
        environment=ENVIRONMENT,
        origin=log.origin,
        size=len(log.entries),
        root="root",
        verifier=log.first_key.text,
        folder=f"audit/{ENVIRONMENT}/log",
        closed=log.statements[-1].closed,
        period=Period(),
        runs=runs,
        lives=trace_lives(runs),
        clients=clients,
        declared=DeclaredNow({"acme": access}, [waiver]),
    )


def moment() -> Moment:
    at = BEGAN.replace(day=12)
    return Moment(ENVIRONMENT, at, at, BEGAN, log_of().statements[-1].closed)


def valid(words: str | None = None) -> list[object]:
    return list(find_usable(trace_lives(runs_of(words)), moment().first, moment().last))


def page_of(words: str | None = None) -> str:
    pack = pack_of(words)
    return pack_html(pack, make_sheets(pack))


def test_golden_history(golden: Golden) -> None:
    golden("history.txt", history_text(ENVIRONMENT, runs_of()))
    golden("history.json", history_json(ENVIRONMENT, runs_of()))
    golden("history.md", history_markdown(ENVIRONMENT, runs_of()))


def test_golden_valid(golden: Golden) -> None:
    found = valid()
    golden("valid.txt", usable_text(moment(), found))  # type: ignore[arg-type]
    golden("valid.json", usable_json(moment(), found))  # type: ignore[arg-type]
    golden("valid.md", usable_markdown(moment(), found))  # type: ignore[arg-type]


def test_golden_pack(golden: Golden) -> None:
    pack = pack_of()
    sheets = make_sheets(pack)
    for sheet in sheets:
        golden(f"pack-{sheet.name}.csv", sheet_csv(sheet).replace("\r\n", "\n"))
    golden("pack.html", pack_html(pack, sheets).replace(__version__, "0.0.0"))
    golden("pack-readme.md", pack_readme(pack, sheets))


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_printed_is_text_without_commands(name: str) -> None:
    runs = runs_of(ATTACKS[name])
    for form, text in (
        ("text", history_text(ENVIRONMENT, runs)),
        ("markdown", history_markdown(ENVIRONMENT, runs)),
        ("json", history_json(ENVIRONMENT, runs)),
        ("text", usable_text(moment(), valid(ATTACKS[name]))),  # type: ignore[arg-type]
    ):
        shown = defuse(text, form)
        shown.encode()
        found = {one for one in set(shown) if unicodedata.category(one) in SHOWN_CONTROL}
        assert found <= {"\n"}
        assert commands(shown) == []


@pytest.mark.parametrize("name", VISIBLE)
def test_markdown_keeps_its_structure(name: str) -> None:
    benign = structure.html_of_markdown(history_markdown(ENVIRONMENT, runs_of("benign words")))
    page = structure.html_of_markdown(history_markdown(ENVIRONMENT, runs_of(ATTACKS[name])))
    assert structure.of_html(page) == structure.of_html(benign)


@pytest.mark.parametrize("name", ATTACKS)
def test_json_says_what_the_reports_say(name: str) -> None:
    found = json.loads(history_json(ENVIRONMENT, runs_of(ATTACKS[name])))
    assert {one["actor"] for one in found["entries"]} == {None, ATTACKS[name]}
    assert {change["why"] for one in found["entries"] for change in one["changes"]} <= {
        "",
        ATTACKS[name],
    }


@pytest.mark.parametrize("name", ATTACKS)
def test_a_sheet_is_read_as_it_was_written_and_has_no_formula(name: str) -> None:
    """As Python's csv reads it: as many rows and cells, and no cell that a spreadsheet computes."""
    for sheet in make_sheets(pack_of(ATTACKS[name])):
        text = sheet_csv(sheet)
        text.encode()
        table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        assert table[0] == list(sheet.head)
        assert len(table) == len(sheet.rows) + 1
        for read, row in zip(table[1:], sheet.rows, strict=True):
            assert read == [cell_text(cell) for cell in row]
            assert not any(re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell) for cell in read)
        assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", text)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("\t=1", "\\t=1"),
        ("\r=1", "\\r=1"),
        ("＝1", "'＝1"),
        ("'=1", "'=1"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_a_formula_becomes_text(text: str, cell: str) -> None:
    assert cell_text(text) == cell


@pytest.mark.parametrize("name", VISIBLE)
def test_the_page_keeps_its_structure(name: str) -> None:
    page = page_of(ATTACKS[name])
    assert page.isascii()
    assert structure.of_html(page) == structure.of_html(page_of("benign words"))


def test_the_control_map_names_every_control_once_and_claims_nothing() -> None:
    """Those of the frameworks that were looked up; none of them is said to be fulfilled."""
    by_framework: dict[str, list[str]] = {}
    for one in CONTROLS:
        by_framework.setdefault(one.framework, []).append(one.number)
    assert {name: sorted(numbers) for name, numbers in by_framework.items()} == {
        "PCI DSS 4.0.1": sorted(
            ["8.6.3", "8.6.2", "7.2.5", "8.2.6", "10.2.1", "10.3.2", "10.3.4", "10.5.1"]
        ),
        "SOC 2": ["CC6.1", "CC6.2", "CC6.3", "CC6.6", "CC7.2", "CC7.3", "CC7.4", "CC8.1"],
        "ISO/IEC 27001:2022": sorted(
            f"A.{number}"
            for number in ["5.15", "5.16", "5.17", "5.18", "5.28", "5.33", "8.15", "8.24", "8.32"]
        ),
        "NIST SP 800-53": sorted(["IA-5", "AU-9(3)", "AU-10", "AU-12", "SC-12", "CM-3"]),
        "OWASP NHI Top 10 (2025)": sorted(f"NHI{number}" for number in range(1, 11)),
    }
    assert {one.relation for one in CONTROLS if "OWASP" not in one.framework} == {"supports"}
    assert {one.relation for one in CONTROLS if "OWASP" in one.framework} == {
        "prevents",
        "detects",
        "leaves to others",
    }
    names = {sheet.name for sheet in make_sheets(pack_of())} | {"log"}
    assert {name for one in CONTROLS for name in one.sheets} <= names
    assert not any(
        re.search("fulfil|complian|certif", f"{one.how} {one.title}") for one in CONTROLS
    )


def test_the_page_is_one_file_of_plain_characters() -> None:
    for name in ("pack.css", "pack.js"):
        text = read_page_file(name)
        assert text.isascii()
        assert "##" not in text
        assert not re.search(r"^\s*::|</|url\(|@import|https?:|innerHTML|eval", text, re.MULTILINE)
    page = page_of()
    assert page.isascii()
    assert "<style>" in page
    assert not re.search(r'(?:src|href)="(?!&#35;)', page)


def test_the_verifier_needs_nothing_but_node() -> None:
    found = re.findall(r'from "([^"]+)"', read_verifier())
    assert found
    assert all(name.startswith("node:") for name in found)


# In a browser.


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """``opened(page)`` is the page from a file. At the end: nothing was asked for but that file, and
    nothing was complained of in the console."""
    asked: list[str] = []
    said: list[str] = []
    contexts = []
    path = tmp_path / "index.html"

    def open_(text: str, **how: object) -> Page:
        path.write_text(text, encoding="utf-8")
        context = browser.new_context(**how)  # type: ignore[arg-type]
        contexts.append(context)
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert {url.partition("#")[0] for url in asked} <= {path.as_uri()}
    assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_anybody_can_read_it(scheme: str, width: int, opened: Callable[..., Page]) -> None:
    """axe-core finds nothing: contrast, names, landmarks, tables, headings."""
    page = opened(page_of(), color_scheme=scheme, viewport={"width": width, "height": 900})
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"[0-9]+", back)[:3])) > 380) is (scheme == "light")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_empty_pack_can_be_read(opened: Callable[..., Page]) -> None:
    pack = replace(
        pack_of(), runs=(), lives=(), clients={}, declared=DeclaredNow(problem="Broken.")
    )
    page = opened(pack_html(pack, make_sheets(pack)))
    assert Axe().run(page).violations_count == 0
    assert page.locator("p.none").count() == 9
    assert page.get_by_text("Broken.").count() == 1


def test_rows_are_filtered_and_without_script_all_is_there(opened: Callable[..., Page]) -> None:
    page = opened(page_of())
    everything = page.locator(".rows > tbody > tr").count()
    page.get_by_role("searchbox", name="Filter the rows").fill("ACME/security payments")
    assert page.locator(".rows > tbody > tr:visible").count() == 1
    assert page.locator("output").inner_text() == f"1 of {everything} rows shown"
    plain = opened(page_of(), java_script_enabled=False)
    assert plain.get_by_role("searchbox").count() == 0
    assert plain.locator(".rows > tbody > tr:visible").count() == everything


def test_a_link_leads_to_each_sheet(opened: Callable[..., Page]) -> None:
    page = opened(page_of())
    sheets = make_sheets(pack_of())
    links = page.locator("nav a")
    assert links.count() == len(sheets)
    for index, sheet in enumerate(sheets):
        assert links.nth(index).get_attribute("href") == f"#{sheet.name}"
        assert page.locator(f"h2[id='{sheet.name}']").inner_text() == sheet.title
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


def test_on_paper_nothing_is_cut_off(opened: Callable[..., Page]) -> None:
    page = opened(page_of(), viewport={"width": 1046, "height": 700})  # A4, landscape
    page.emulate_media(media="print")
    assert not page.locator(".tools").is_visible()
    wide = page.evaluate(
        "Array.from(document.querySelectorAll('.scroll'), (one) => one.scrollWidth - one.clientWidth)"
    )
    assert max(wide) <= 1, wide


def test_no_text_becomes_a_part_of_the_page(opened: Callable[..., Page]) -> None:
    """A browser builds the same elements, whatever the texts are, and runs none of them."""
    outline = """(pages) => pages.map((page) => Array.from(
      new DOMParser().parseFromString(page, "text/html").querySelectorAll("*:not(wbr)"),
      (one) => `${one.tagName} ${one.getAttributeNames().join(" ")}`).join("\\n"))"""
    packs = [pack_of(ATTACKS[name]) for name in VISIBLE]
    everything = replace(
        packs[0],
        runs=[run for pack in packs for run in pack.runs],
        lives=[life for pack in packs for life in pack.lives],
        declared=DeclaredNow({}, [one for pack in packs for one in pack.declared.waivers]),
    )
    page = opened(pack_html(everything, make_sheets(everything)))
    assert page.evaluate("'taken' in window") is False
    expected, *found = page.evaluate(
        outline, [page_of(words) for words in ("benign words", *map(ATTACKS.get, VISIBLE))]
    )
    assert [name for name, one in zip(VISIBLE, found, strict=True) if one != expected] == []


def test_the_policy_of_the_page_lets_nothing_else_run(opened: Callable[..., Page]) -> None:
    page = page_of()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy[1]


def test_a_sheet_has_as_many_cells_as_columns() -> None:
    for sheet in make_sheets(pack_of()):
        assert isinstance(sheet, Sheet)
        assert {len(row) for row in sheet.rows} <= {len(sheet.head)}
