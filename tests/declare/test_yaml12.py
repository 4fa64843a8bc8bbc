"""The loader held against a parser that conforms to YAML 1.2: what the two read differently is
refused."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator

import pytest

from reconciler.declare.findings.collector import Collector
from reconciler.declare.yaml.text import parse
from tests.declare.conftest import FILES
from tests.kit.texts.yaml_judge import Tree, YamlJudge, yaml_judge

PLAIN: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
# What a random text is made of, and what is put into those of the suite.
PIECES = [
    "a", "b", "foo", "a b", "-", "- ", "?", "? ", "?x", ":", ": ", "a: ", "b: ", '"c"', "'d'", '"e: f"', "{", "}",
    "[", "]", ",", ", ", "\n", "\n", "\n ", "\n  ", "\n   ", "\n    ", "\t", " ", "#", " # c", "|", "|+", "|-", ">",
    ">-", "|2", "\n\n", "---\n", "--- ", "...\n", "%", "@", "1", "-1", "~", "null", "true", "''", '""', "\\", "\r\n",
    "&", "*", "!", "é", "x#y", ":x", "-x", "'it''s'", '"\\n"', '"l\n  m"', "'n\n o'", "<<", "=", "",
]  # fmt: skip


@pytest.fixture(scope="module")
def judge() -> YamlJudge:
    return yaml_judge()


def ours(text: str) -> list[object] | None:
    """The documents of ``text`` as the loader reads them; None when it refuses it."""
    found = Collector()
    documents = parse(text, "f.yaml", found)
    return [document.value for document in documents] if len(found) == 0 else None


def meant(tree: Tree) -> object:
    """What the loader makes of such a tree."""
    if "map" in tree:
        return {meant(key): meant(value) for key, value in tree["map"]}
    if "seq" in tree:
        return [meant(item) for item in tree["seq"]]
    text = tree.get("plain", tree.get("text"))
    if "plain" not in tree or not isinstance(text, str):
        return text
    return PLAIN[text] if text in PLAIN else int(text) if WHOLE.match(text) else text


def read_differently(
    texts: Iterable[str], judge: YamlJudge
) -> Iterator[tuple[str, object, object]]:
    accepted = {text: value for text in texts if (value := ours(text)) is not None}
    assert len(accepted) > 50
    for (text, value), documents in zip(accepted.items(), judge.read(list(accepted)), strict=True):
        theirs = [meant(tree) for tree in documents] if documents is not None else ["not YAML 1.2"]
        if [one for one in theirs if one is not None] != value:
            yield text, value, theirs


def random_texts(seed: int, number: int, sources: list[str]) -> Iterator[str]:
    drawn = random.Random(seed)
    for _ in range(number):
        if drawn.random() < 0.5:
            yield "".join(drawn.choice(PIECES) for _ in range(drawn.randint(1, 12)))
            continue
        text = drawn.choice(sources)
        for _ in range(drawn.randint(1, 3)):
            start = drawn.randint(0, len(text))
            text = (
                text[:start]
                + drawn.choice(PIECES)
                + text[start + drawn.choice([0, 0, 1, 1, 2, 4]) :]
            )
        yield text


def test_the_texts_of_the_suite(judge: YamlJudge) -> None:
    texts = judge.suite()
    assert len(texts) > 400
    assert list(read_differently(texts, judge)) == []


def test_random_texts(judge: YamlJudge) -> None:
    """Two hundred thousand more were drawn when this was written."""
    sources = [*judge.suite(), *FILES.values()]
    assert list(read_differently(random_texts(20261130, 12_000, sources), judge)) == []


REFUSED = {
    "question mark in braces": ("{ ?foo: bar }", 3),
    "question mark in brackets": ("[?x]", 2),
    "comment after a quote": ('a: "value"# text', 11),
    "comment after a bracket": ("a: [b]# text", 7),
    "comment after a comma": ("a: [b,# text\n  c]", 7),
    "comment after an indicator": ("a: >#text\n  b\n", 4),
    "dash": ("a: [-]", 5),
    "dashes": ("a: [-, 1]", 5),
    "brackets not indented": ("a: [b,\nc]", 1),
    "braces not indented": ("a:\n  b: {c: 1,\n  d: 2}", 3),
    "quoted text not indented": ('a: "b\nc"', 1),
    "tab in brackets": ("- [\n\tb,\n c]", 1),
    "tab in quotes": ('a: "b\n\tc"', 1),
    "text at the end of the file": ("a: |\n  b", 4),
    "indented empty lines": ("a: >\n \n  \n", 4),
    "empty lines with spaces at the end": ("a: |2\n   b\n   \n", 4),
    "value left of its field": ("a:\n>-\n", 1),
    "empty line after a backslash": ('a: "b\\\n\n  c"', 6),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_read_in_two_ways_is_refused(name: str, judge: YamlJudge) -> None:
    """At its place, and with words that help."""
    text, column = REFUSED[name]
    found = Collector()
    parse(text, "f.yaml", found)
    (finding,) = found.findings()
    assert (finding.code, finding.source and finding.source.column) == ("RC129", column)
    assert finding.message
    assert finding.remedy


CUSTOMARY = """\
# A comment, with a #hash and a 'quote'
url: https://a.example/?a=b#c   # what is after a space is one
list: [a, "b", 'c', {d: [1, -2]}]
lines: [
  a,   # one
# two
  b
]
braces: {
  a: 1,
  b: 2 }
quoted: "one
  two"
plain: one
  two
block: |
  # no comment
  text [ { ?

  more
folded: >-   # a comment
  text
indented: |2
    text
nested:
- - a
  - "b
    c"
- d: ?e
empty:
"""


def test_what_is_customary_is_read(judge: YamlJudge) -> None:
    value = ours(CUSTOMARY)
    (theirs,) = judge.read([CUSTOMARY])
    assert theirs is not None
    assert value == [meant(tree) for tree in theirs]
    assert ours(CUSTOMARY.replace("\n", "\r\n")) == value
