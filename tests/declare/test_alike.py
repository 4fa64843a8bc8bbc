"""A text that differs from another in words alone is what the parser makes of it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from reconciler.declare import repository
from reconciler.declare.clients import reader
from reconciler.declare.files.alike import Models
from reconciler.declare.files.documents import Document, parse_documents
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map, Seq
from reconciler.domain.declared.desired import Desired
from reconciler.errors import DeclarationError, Finding
from tests.declare.conftest import FILES, POLICY
from tests.kit.suite.laws import hold
from tests.kit.suite.tally import Tally

TEXT = """\
apiVersion: reconciler/v1
kind: IntegrationClient
# settled every night
metadata:
  name: payouts-one # the first
  labels: {team: payments, tier: critical}
spec:
  template: paystack
  owner: {team: payments, contact: payments@example.com}
  justification: nightly settlement of merchant payouts for payouts-one
  scopes: [payouts:write, ledger:read]
  allowedCidrs: [203.0.113.0/24]
  keys:
  - name: second
    lifetime: 90d
    rotation: {renewBefore: 30d, grace: 72h, window: "Mon-Fri 09:00-16:00 Europe/London"}
  webhooks:
    - name: refunds
      url: "https://hooks.example.com/refunds"
      events: [payout.refunded]
      headers: {X-Tenant: tenant-one, X-Place: 'here'}
      payloads: {payout.refunded: {example: {id: one, of: [two, three], more: {kind: four}}}}
  environments:
    staging:
      webhooks: [{name: settlements, url: "https://hooks.staging.example.com/p"}]
    production:
      justification: two lines
        of words
      webhooks: [{name: settlements, url: "https://hooks.example.com/p"}]
"""
_SPANS = [match.span() for match in re.finditer(r"[A-Za-z0-9:/._@-]+|[\"'{}\[\],#]", TEXT)]
_KEY = "AKIAIOSFODNN7EXAMPLE"
_TOKENS = f"""
    payouts-two a null true false no yes ~ 1 1e3 0x1 - ? a:b a#b x--y -a a- a/ ... --- << q'q q"q
    {_KEY} {_KEY[:10]} {_KEY[10:]} hvs.{"a1" * 16} ghp_{"a1B2" * 9} Zoë %41 &amp; a\\u0041
    user:pw@host https://a.example.com/x http://u:p@a.example.com a\u200bb
"""
_LONGER = ["two words", "a: b", "a #b", "", " ", "a\nb", "a\n  b", "two  spaces", "end ", "{a: b}"]
_PIECES = st.one_of(
    st.sampled_from([*_TOKENS.split(), *_LONGER, "a:\tb"]),
    st.text("ab1 -_./@:#?,[]{}\"'\\%&|>!*=+", max_size=8),
    st.text("abcXYZ019-", min_size=1, max_size=12),
)
# Where a text stands that may be replaced, and words that may replace it: half of what is tried.
_VALUES = [
    number
    for number, (begin, end) in enumerate(_SPANS)
    if TEXT[begin:end]
    in [
        "payouts-one",
        "payments",
        "critical",
        "paystack",
        "nightly",
        "tenant-one",
        "one",
        "four",
        "refunds",
    ]
]
_WORDS = st.sampled_from(
    ["two", "payouts-of-two", "ledger", "a.b", "x/y", "a@b.example.com", "x", "two", "words"]
)
_MILD = st.lists(st.tuples(st.sampled_from(_VALUES), _WORDS), max_size=3)
_EDITS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(_VALUES), _WORDS),
        st.tuples(st.sampled_from(_VALUES), _WORDS),
        st.tuples(st.sampled_from(_VALUES), _PIECES),
        st.tuples(st.integers(0, len(_SPANS) - 1), _PIECES),
    ),
    max_size=4,
)


def edit(edits: list[tuple[int, str]]) -> str:
    text = TEXT
    for at, piece in sorted(dict(edits).items(), reverse=True):
        begin, end = _SPANS[at]
        text = text[:begin] + piece + text[end:]
    return text


def parse(text: str, file: str) -> tuple[list[Document], bool, list[Finding]]:
    found = Collector()
    documents, whole = parse_documents(text, file, "IntegrationClient", found)
    return documents, whole, found.findings()


def models() -> Models:
    kept = Models()
    (document,), _, findings = parse(TEXT, "clients/one.yaml")
    assert findings == []
    kept.keep(TEXT, document)
    return kept


def places(container: Any, document: Document) -> Iterator[tuple[str, object, object]]:
    """Every value with its type and place."""
    fields: Any = container if isinstance(container, Map) else range(len(container))
    for field in fields:
        value = container[field]
        yield str(field), type(value), document.place(container.marks[field])
        if isinstance(container, Map):
            yield str(field), "name", document.place(container.key_marks[field])
        if isinstance(value, Map | Seq):
            yield str(field), "itself", document.place(value.mark)
            yield from places(value, document)


def check(text: str, kept: Models) -> bool:
    """Whether ``text`` is alike; then it is what the parser makes of it."""
    alike = kept.find(text, "clients/two.yaml")
    if alike is None:
        return False
    documents, whole, findings = parse(text, "clients/two.yaml")
    assert (findings, whole, len(documents)) == ([], True, 1), text
    (parsed,) = documents
    assert alike.value == parsed.value
    assert (alike.name, alike.kind, alike.file, alike.sound, alike.address) == (
        parsed.name,
        parsed.kind,
        parsed.file,
        parsed.sound,
        parsed.address,
    )
    assert alike.name_mark == parsed.name_mark
    assert [*places(alike.value, alike)] == [*places(parsed.value, parsed)]
    return True


def test_what_is_alike_is_what_the_parser_makes_of_it(exhaustive: bool, tally: Tally) -> None:
    kept, alike = models(), 0

    def law(edits: list[tuple[int, str]]) -> None:
        nonlocal alike
        alike += check(edit(edits), kept)

    tried = hold(law, _EDITS, examples=2000, exhaustive=exhaustive)
    assert alike > tried // 50
    tally("examples of laws", tried)
    tally("texts that were like another one", alike)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("payouts-one", "payouts-two"),
        ("payouts-one", "another-longer-name"),
        ("team: payments, contact", "team: ledger, contact"),
        ("tier: critical", "tier: low"),
        ('refunds"', 'refunds/of-two"'),
        ("tenant-one", "tenant-twenty"),
        ("id: one", "id: eleven"),
        ("template: paystack", "template: other"),
    ],
)
def test_other_words_are_alike(old: str, new: str) -> None:
    assert old in TEXT
    assert check(TEXT.replace(old, new), models())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("payouts-one", "Payouts-One"),  # not a name
        ("payouts-one", "null"),
        ("payouts-one", f"{_KEY}"),
        ("critical", f"a-{_KEY}"),
        ("payouts-one\n", "payouts-one # new\n"),
        ("merchant payouts", "merchant: payouts"),
        ("merchant payouts", "merchant  payouts"),
        ("merchant payouts", "merchant payouts,"),
        ("critical", "critical, more: one"),
        ("critical", "90"),
        ("'here'", "'there'"),  # single quotes are left to the parser
        ("two lines", "three lines"),  # and what goes on in the next line
        ("payouts:write", "payouts:read"),  # and lists of texts
        ("name: second", "name: 2nd"),
        ('refunds"', 'refunds?of=two"'),
        ("https://hooks.example.com/refunds", "https://u:p@hooks.example.com/refunds"),
        ("tier", "rank"),  # a field
    ],
)
def test_what_may_mean_something_else_is_parsed(old: str, new: str) -> None:
    assert old in TEXT
    kept = models()
    text = TEXT.replace(old, new)
    if kept.find(text, "clients/two.yaml") is not None:
        assert "u:p@" in text  # what is wrong with a URL is found where it is read
        return
    assert not check(text, kept)


def test_a_secret_of_two_lines_is_found() -> None:
    """Words of two lines are one where nothing divides them."""
    before = TEXT.replace("  template: paystack\n", "  template: AKIAIOSF\n")
    kept = Models()
    (document,), _, _ = parse(before, "clients/one.yaml")
    kept.keep(before, document)
    text = before.replace("AKIAIOSF", "xoxb-1234567")
    assert "  owner" in text
    if kept.find(text, "clients/two.yaml") is None:
        assert parse(text, "clients/two.yaml")[2]
    else:
        assert not parse(text, "clients/two.yaml")[2]


def outcome(root: Path) -> tuple[tuple[Desired, ...], list[Finding]]:
    findings = repository.validate(root)
    try:
        return repository.load_all(root), findings
    except DeclarationError as error:
        return (), [*findings, *error.findings]


def _without_template(text: str) -> str:
    """The same client without one: then more is shared."""
    return text.replace("  template: paystack\n", "").replace("name: settlements", "name: refunds")


_RULES = POLICY + "  rules:\n    owner: {level: warn, require: [contact]}\n"


def test_a_declaration_is_the_same_with_texts_that_are_alike_and_without(
    exhaustive: bool, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    """Whatever is wrong in one of them, too: it is said in the same words, of the same places."""
    monkeypatch.setattr(reader, "_TOGETHER", 2)
    whole = Models.find
    found: list[bool] = []
    valid: list[bool] = []

    def find(self: Models, text: str, file: str) -> Document | None:
        document = whole(self, text, file)
        found.append(document is not None)
        return document

    def law(rules: bool, alone: bool, many: list[tuple[str, list[tuple[int, str]]]]) -> None:
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            files = {**FILES, "policy.yaml": _RULES if rules else POLICY}
            del files["clients/payouts.yaml"]
            files["clients/a.yaml"] = TEXT
            files["clients/b.yaml"] = TEXT.replace("payouts-one", "payouts-b")
            for number, (tenant, edits) in enumerate(many):
                text = edit(edits).replace("payouts-one", f"c{number}-words")
                files[f"clients/c{number}.yaml"] = text.replace("tenant-one", tenant)
            for path, text in files.items():
                if alone and path.startswith("clients/"):
                    text = _without_template(text)  # noqa: PLW2901
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            monkeypatch.setattr(Models, "find", find)
            alike = outcome(root)
            monkeypatch.setattr(Models, "find", lambda self, text, file: None)
            assert alike == outcome(root)
            valid.append(bool(alike[0]))

    tenant = st.sampled_from(["tenant-one", "tenant-two", "tenant-three", "x y", "a\u200bb"])
    tried = hold(
        law,
        st.booleans(),
        st.booleans(),
        st.lists(st.tuples(tenant, st.one_of(_MILD, _MILD, _EDITS)), min_size=1, max_size=4),
        examples=60,
        exhaustive=exhaustive,
    )
    assert sum(found) > tried
    assert sum(valid) > tried // 4
    tally("examples of laws", tried)
    tally("texts that were like another one", sum(found))


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("payouts-one # the first", "words # the first"),
        ("merchant payouts for", "all payouts of"),
        ("team: payments, tier", "team: ledger, tier"),
        ("team: payments, contact", "team: ledger, contact"),
        ("payments@example.com", "ledger@example.com"),
        ("com/refunds", "com/refunds/two"),
        ("tenant-one", "tenant-two"),
        ("id: one", "id: two"),
        ("staging.example.com/p", "staging.example.com/q"),
        ('hooks.example.com/p"', 'hooks.example.com/q"'),
    ],
)
def test_one_other_word_makes_another_client(
    old: str, new: str, alone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is shared is equal, and what is not equal is not shared."""
    monkeypatch.setattr(reader, "_TOGETHER", 1)
    assert old in TEXT
    files = {**FILES, "clients/a.yaml": TEXT, "clients/b.yaml": TEXT.replace(old, new)}
    del files["clients/payouts.yaml"]
    files["clients/b.yaml"] = files["clients/b.yaml"].replace("name: payouts-one", "name: b")
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shown = _without_template(text) if alone and path.startswith("clients/") else text
        (tmp_path / path).write_text(shown, encoding="utf-8")
    whole, found = Models.find, []

    def find(self: Models, text: str, file: str) -> Document | None:
        document = whole(self, text, file)
        found.append(document is not None)
        return document

    monkeypatch.setattr(Models, "find", find)
    alike, findings = outcome(tmp_path)
    assert found == [False, True] * 2
    monkeypatch.setattr(Models, "find", lambda self, text, file: None)
    assert (alike, findings) == outcome(tmp_path)
    assert alike
    for one in alike:
        assert len(one.clients) == 2
