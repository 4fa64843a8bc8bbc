"""The strict YAML reader: what is resolved, where things are, and that no bytes make it fail."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from reconciler.declare import load, load_project, validate
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map, Seq
from reconciler.declare.yaml.text import TextLimits, parse
from reconciler.errors import DeclarationError
from tests.declare.conftest import CLIENT, FILES, PROJECT, SCOPES, TEMPLATE
from tests.kit.suite.laws import examples
from tests.kit.texts.invisible import IGNORABLE, NO_INK, characters


def only(text: str) -> Map:
    found = Collector()
    (document,) = parse(text, "f.yaml", found)
    assert len(found) == 0
    assert isinstance(document.value, Map)
    return document.value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("null", None), ("~", None), ("", None), ("true", True), ("false", False), ("0", 0), ("-7", -7), ("42", 42),
        ("NO", "NO"), ("on", "on"), ("True", "True"), ("12:30", "12:30"), ("1.10", "1.10"), ("0777", "0777"),
        ("1_000", "1_000"), ("0x1f", "0x1f"), ("2026-12-24", "2026-12-24"), (".inf", ".inf"), ("<<", "<<"),
        ('"true"', "true"), ("'7'", "7"), ("9" * 19, 9999999999999999999), ("+1", "+1"), ("=", "="),
        ("7615917337495251231", 7615917337495251231),
        ("-9223372036854775808", -(1 << 63)), ("18446744073709551615", (1 << 64) - 1),
    ],
)  # fmt: skip
def test_resolution(written: str, value: object) -> None:
    """Only null, true, false and plain whole numbers; the rest is text."""
    result = only(f"a: {written}\n")["a"]
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "number", ["18446744073709551616", "-9223372036854775809", "9" * 60, "-" + "1" * 5000]
)
def test_a_number_beyond_64_bits_is_refused(number: str) -> None:
    """It never becomes a text, and never another number."""
    found = Collector()
    (document,) = parse(f"a: {number}\nb: '{number}'\n", "f.yaml", found)
    assert [(f.code, f.source.line if f.source else 0) for f in found.findings()] == [("RC128", 1)]
    assert not document.whole
    assert only(f"b: '{number}'\n")["b"] == number


def test_everything_knows_its_place() -> None:
    value = only("\ufeff"[:0] + "a:\n  - b: é c\n    d: [1, ∑]\n".replace("é", "ü"))
    assert value.mark == ("f.yaml", 1, 1)
    assert value.key_marks["a"] == ("f.yaml", 1, 1)
    items = value["a"]
    assert isinstance(items, Seq)
    assert items.marks == [("f.yaml", 2, 5)]
    assert items[0].marks["b"] == ("f.yaml", 2, 8)
    assert items[0]["d"].marks == [("f.yaml", 3, 9), ("f.yaml", 3, 12)]


def refused(text: str) -> bool:
    found = Collector()
    parse(text, "f.yaml", found)
    return len(found) > 0


def test_what_is_drawn_as_nothing_is_refused() -> None:
    """Written as it is, and as an escape of YAML."""
    for character in sorted(characters(IGNORABLE + NO_INK)):
        assert refused(f"a: examp{character}le"), hex(ord(character))
        assert refused(f'a: "examp\\U{ord(character):08x}le"'), hex(ord(character))


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("⚠\ufe0f careful", True), ("❤\ufe0f", True), ("🛡\ufe0f", True), ("1\ufe0f\u20e3", True),
        ("😀", True), ("#\ufe0f\u20e3", True), ("1\ufe0f", False), ("a\ufe0f", False), ("é\ufe0f", False),
        ("\ufe0f", False), ("日\ufe0f", False), ("⚠\ufe0f\ufe0f", False), ("⚠\ufe0e", False),
        ("a\ufe0f\u20e3", False), ("⚠\u200d", False),
    ],
)  # fmt: skip
def test_an_emoji_may_be_one(text: str, allowed: bool) -> None:
    assert refused(f"a: '{text}'  # {text}") is not allowed


def test_documents_of_one_file() -> None:
    """Empty ones are left out; after a syntax error those before it stay."""
    found = Collector()
    documents = parse(
        "---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n---\nc: [\n", "f.yaml", found
    )
    assert [document.value for document in documents] == [{"a": 1}, {"b": 2}]
    assert [finding.code for finding in found.findings()] == ["RC106"]


def test_the_first_of_two_equal_fields_stays() -> None:
    """A second `scopes: []` must not hide a `write:*` from the checks that still run."""
    found = Collector()
    (document,) = parse("a: 1\nb: 2\n'a': 3\n", "f.yaml", found)
    assert document.value == {"a": 1, "b": 2}
    (finding,) = found.findings()
    assert "line 1, column 1" in finding.message


def test_foreign_files_may_do_what_is_customary() -> None:
    """OpenAPI: numbers as field names, anchors; an alias is never a copy, so nothing expands."""
    found = Collector()
    bomb = "a: &a [x, x]\n" + "".join(
        f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )
    (document,) = parse(
        bomb * 1 + "200: {description: ok}\n", "f.yaml", found, TextLimits(foreign=True, depth=100)
    )
    assert len(found) == 0
    assert document.value["200"] == {"description": "ok"}
    assert document.value["i"][0] is document.value["i"][1]


@given(
    st.text(alphabet=st.sampled_from("ab:-[]{},&*!|>'\"%@`#?~ \n\t\\\r\x00é\u202e0"), max_size=60)
)
def test_agrees_with_pyyaml_on_what_is_accepted(text: str) -> None:
    """What passes here without a finding has the structure that PyYAML sees."""
    found = Collector()
    documents = parse(text, "f.yaml", found)
    if len(found) == 0:
        assert [d.value for d in documents] == [
            v for v in map(_plain, yaml.compose_all(text, yaml.CSafeLoader)) if v is not None
        ]


def _plain(node: yaml.Node | None) -> object:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    style = getattr(node, "style", None)
    if node is None or not style:
        text = node.value if node else ""
        known = {"": None, "~": None, "null": None, "true": True, "false": False}
        return known[text] if text in known else int(text) if text in ("0", "-0") else text
    return node.value


SEEDS = [content.encode() for content in FILES.values()]


def mutated(data: st.DataObject) -> bytes:
    """A valid file with some bytes exchanged: gets further than noise."""
    seed = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(seed) - 1))
        seed[at : at + data.draw(st.integers(0, 12))] = data.draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from([b": ", b"- ", b"[", b"{", b"~", b"0", b"\n", b"*a", b"null"]),
            )
        )
    return bytes(seed)


@examples(120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_give_findings_never_a_traceback(tmp_path: Path, data: st.DataObject) -> None:
    """In any of the files, noise or a mutated valid file; what has no errors loads, what has errors
    does not."""
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    victim = data.draw(st.sampled_from(sorted(FILES)))
    noise = data.draw(st.one_of(st.binary(max_size=80), st.builds(lambda: mutated(data))))
    (tmp_path / victim).write_bytes(noise)
    findings = validate(tmp_path)
    for finding in findings:
        assert finding.message
        if finding.source:
            assert finding.source.line >= 1
            assert finding.source.column >= 1
    failed = any(finding.level == "error" for finding in findings)
    project, _, _ = load_project(tmp_path)
    if failed:
        with pytest.raises(DeclarationError):
            load_all(tmp_path)
    else:
        assert project is not None
        load_all(tmp_path)


def load_all(root: Path) -> None:
    project, _, _ = load_project(root)
    for environment in project.environments if project else ("staging",):
        load(root, environment)


_LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 40),
    st.sampled_from(["a", "90d", "1s", "0s", "*", "paystack", "staging", "https://a.example", "10.0.0.1/8", "x\n", ""]),
)  # fmt: skip
_NAMES = st.sampled_from(
    ["name", "spec", "metadata", "keys", "webhooks", "url", "secret", "lifetime", "rotation", "renewBefore", "grace",
     "window", "scopes", "events", "environments", "staging", "owner", "team", "template", "labels", "probes", "x",
     "waivers", "budgets", "vault", "address", "mounts", "requires", "freeze", "from", "to", "allowedCidrs", "openapi"]
)  # fmt: skip
_VALUES = st.recursive(
    _LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=4)
    ),
    max_leaves=12,
)


@examples(150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_structure_gives_findings_never_a_traceback(
    tmp_path: Path, data: st.DataObject
) -> None:
    """Documents of the right kind in which some values are anything."""
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        document = yaml.safe_load(content)
        for _ in range(data.draw(st.integers(0, 2))):
            _replace_somewhere(document, data)
        path.write_text(yaml.safe_dump(document))
    findings = validate(tmp_path)
    if not any(finding.level == "error" for finding in findings):
        load(tmp_path, "staging")


def _replace_somewhere(document: object, data: st.DataObject) -> None:
    """Walk down at random and put any value there, or take the field away."""
    here = document
    while isinstance(here, dict | list) and here:
        at = data.draw(
            st.sampled_from(list(here) if isinstance(here, dict) else list(range(len(here))))
        )
        if data.draw(st.integers(0, 3)) == 0 or not isinstance(here[at], dict | list):
            if data.draw(st.booleans()):
                here[at] = data.draw(_VALUES)
            else:
                del here[at]
            return
        here = here[at]


def test_seeds_are_what_they_seem() -> None:
    assert {PROJECT, SCOPES, TEMPLATE, CLIENT} <= set(FILES.values())
