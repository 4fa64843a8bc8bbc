"""The receivers of ``docs/webhooks.md`` are run, in every language: they accept what is genuine and
nothing else."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.declared.schemes import SCHEMES, Scheme
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.signature.signing import sign
from tests.kit.suite.tally import Tally
from tests.kit.texts.documents import blocks
from tests.kit.webhooks.snippets import LANGUAGES, ask
from tests.webhooks.test_interoperability import BODY, ID, NEW, OLD, WRONG, cases

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()
VERIFYING = PAGE.split("\n## Verifying in a receiver\n")[1].split("\n## ")[0]
SECTIONS = {
    part.partition("\n")[0]: part for part in re.split(r"^### ", VERIFYING, flags=re.MULTILINE)[1:]
}
# (heading, language) -> the snippet
SNIPPETS = {(title, one.info): one.text for title, part in SECTIONS.items() for one in blocks(part)}
# What a snippet for several schemes is told.
WHICH = {
    "standard-webhooks": ("webhook",), "svix": ("svix",), "stripe": (), "github": ("github",),
    "paystack": ("paystack",), "intuit": ("intuit",), "shopify": ("shopify",),
}  # fmt: skip
# What compares in constant time; which no case can show.
CONSTANT_TIME = {"python": "hmac.compare_digest(", "js": "timingSafeEqual(", "php": "hash_equals(",
                 "ruby": "OpenSSL.secure_compare("}  # fmt: skip
# Name, what the receiver holds, headers, body, whether it is genuine.
Row = tuple[str, list[str], dict[str, str], bytes, bool]


def rows(scheme: Scheme) -> list[Row]:
    """The deliveries that the libraries judge, too, and those that try a receiver of several
    secrets."""
    found: list[Row] = [
        (
            one.name,
            [one.delivery.secret],
            dict(one.delivery.headers),
            one.delivery.body.encode(),
            one.good,
        )
        for one in cases(scheme)
    ]
    now, body = int(time.time()), BODY.encode()

    def signed(*secrets: str, at: int = now, content: bytes = body) -> dict[str, str]:
        return dict(sign(scheme, [Secret(one) for one in secrets], ID, at, content))

    genuine = signed(NEW)
    found += [
        ("holds both, signed with the new one", [OLD, NEW], genuine, body, True),
        ("holds both, signed with the old one", [NEW, OLD], signed(OLD), body, True),
        ("holds both, signed with both", [NEW, OLD], signed(NEW, OLD), body, True),
        ("holds two, signed with a third", [NEW, OLD], signed(WRONG), body, False),
        ("holds none", [], genuine, body, False),
        ("bytes that are no text", [NEW], signed(NEW, content=b"\xff\x00\xfe"), b"\xff\x00\xfe", True),
        ("no body", [NEW], signed(NEW, content=b""), b"", True),
        ("a body for none", [NEW], signed(NEW, content=b""), b"x", False),
        ("no header at all", [NEW], {}, body, False),
        ("a signature that is no ASCII", [NEW], {**genuine, scheme.header: "v1,grüße 你好"}, body, False),
        ("the tag alone", [NEW], {**genuine, scheme.header: scheme.tag}, body, False),
        ("a signature and more", [NEW], {**genuine, scheme.header: f"{genuine[scheme.header]}0"}, body, False),
        *((f"without {name}", [NEW], {key: value for key, value in genuine.items() if key != name}, body, False)
          for name in genuine),
    ]  # fmt: skip
    if scheme.timed:
        found += timed_rows(scheme, genuine, now)
        found += [
            ("ten minutes ahead", [NEW], signed(NEW, at=now + 600), body, False),
            ("four minutes old", [NEW], signed(NEW, at=now - 240), body, True),
            ("four minutes ahead", [NEW], signed(NEW, at=now + 240), body, True),
        ]
    return found


def timed_rows(scheme: Scheme, genuine: dict[str, str], now: int) -> list[Row]:
    """Timestamps that are none."""
    header = scheme.timestamp_header or scheme.header
    texts = (
        "",
        "x",
        "-1",
        f"{now}.0",
        f"{now}\n",
        "9" * 5000,
        "١٢٣",
        f"{now}{scheme.timestamp_tag}{now + 1}",
    )
    found: list[Row] = [
        (f"timestamp {text[:12]!r}", [NEW], {**genuine, header: genuine[header].replace(str(now), text)},
         BODY.encode(), False)
        for text in texts
    ]  # fmt: skip
    if scheme.timestamp_tag:
        twice = f"{scheme.timestamp_tag}{now}{scheme.separator}{genuine[header]}"
        found.append(("two timestamps", [NEW], {**genuine, header: twice}, BODY.encode(), False))
    return found


def asked(title: str) -> list[tuple[str, tuple[Any, ...], bool]]:
    """Every case of every scheme of a section: its name, what ``genuine`` is asked, and the right
    answer."""
    return [
        (f"{name}: {what}", (held, headers, body, *WHICH[name]), good)
        for name in title.split(", ")
        for what, held, headers, body, good in rows(SCHEMES[name])
    ]


def agree(
    title: str,
    language: str,
    tried: list[tuple[str, tuple[Any, ...], bool]],
    said: list[Any],
    to: Tally,
) -> None:
    wrong = {
        name: answer
        for (name, _, good), answer in zip(tried, said, strict=True)
        if answer is not good
    }
    assert wrong == {}
    to(
        f"scheme {title} × the {language} receiver of docs/webhooks.md: our deliveries judged",
        len(tried),
    )


def test_every_scheme_has_a_receiver_in_every_language_and_a_row() -> None:
    assert [name for title in SECTIONS for name in title.split(", ")] == [*SCHEMES]
    assert {*SNIPPETS} == {
        (title, language) for title in SECTIONS for language in ("python", *LANGUAGES)
    }
    schemes = PAGE.split("\n## A scheme of your own\n")[0]
    assert set(re.findall(r"^\| `([a-z-]+)`", schemes, re.MULTILINE)) == {
        *SCHEMES,
        "custom",
        "scheme",
    }


@pytest.mark.parametrize(("title", "language"), SNIPPETS)
def test_a_receiver_compares_in_constant_time(title: str, language: str) -> None:
    assert CONSTANT_TIME[language] in SNIPPETS[title, language]


@pytest.mark.parametrize("title", SECTIONS)
def test_the_python_receiver_is_right(title: str, tally: Tally) -> None:
    names: dict[str, Any] = {}
    exec(SNIPPETS[title, "python"], names)
    tried = asked(title)
    agree(title, "python", tried, [names["genuine"](*question) for _, question, _ in tried], tally)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("title", SECTIONS)
def test_the_receiver_in_another_language_is_right(title: str, language: str, tally: Tally) -> None:
    tried = asked(title)
    answers = ask(
        LANGUAGES[language], SNIPPETS[title, language], [question for _, question, _ in tried]
    )
    agree(title, language, tried, answers, tally)


def test_the_endpoint_of_the_page_verifies_as_the_snippet_does() -> None:
    snippet = SNIPPETS["standard-webhooks, svix", "python"]
    endpoint = next(one.text for one in blocks(PAGE) if one.text.startswith("# endpoint.py\n"))
    assert snippet[snippet.index("def genuine") :] in endpoint


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))
def test_the_table_says_what_the_rows_are(scheme: Any) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{scheme.name}`"))
    header, several = row.split(" | ")[1], row.rstrip(" |").split(" | ")[-1]
    assert header == f"`{scheme.header}`"
    assert several.startswith("yes") is scheme.several
