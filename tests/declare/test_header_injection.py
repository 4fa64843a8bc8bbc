"""Nothing that is declared gets a line end, a NUL, or anything else but printable ASCII into a
header."""

from __future__ import annotations

import pytest

from reconciler.declare import validate
from reconciler.errors import Level
from reconciler.report.findings import findings_text
from tests.declare.conftest import MakeProject, client
from tests.kit.suite.tally import Tally

# As they stand in YAML, between double quotes.
EVIL = {
    "CR LF and a header": r"\r\nX-Injected: 1",
    "CR": r"\r",
    "LF": r"\n",
    "NUL": r"\0",
    "tab": r"\t",
    "escape": r"\e",
    "DEL": r"\x7F",
    "next line": r"\N",
    "line separator": r"\L",
    "no-break space": r"\_",
    "not ASCII": "é",
    "a full-width colon": "：",
    "LF of a careless encoder": r"\u010a",
    "CR of a careless encoder": r"\u560d",
    "direction": r"\u202e",
}
SCHEME = (
    'scheme: custom, custom: {{header: "X-Signature{header}", signed: [id, timestamp, body], tag: "v1={tag}", '
    'separator: ",{separator}", idHeader: "X-Id{idHeader}", timestampTag: "t={timestampTag}"}}'
)
TIMED = (
    "scheme: custom, custom: {{header: X-Signature, signed: [timestamp, body], "
    'timestampHeader: "X-Time{timestampHeader}"}}'
)
FIELDS = {
    **dict.fromkeys(("header", "tag", "separator", "idHeader", "timestampTag"), SCHEME),
    "timestampHeader": TIMED,
}
HOOK = '  webhooks: [{{name: a, url: "https://a.example{url}/", events: [a.b], signature: {{{signature}}}}}]'


def declared(field: str, evil: str) -> str:
    values = dict.fromkeys(
        ("header", "tag", "separator", "idHeader", "timestampTag", "timestampHeader"), ""
    )
    scheme = FIELDS.get(field, SCHEME).format(**{**values, field: evil})
    return client(spec=HOOK.format(url=evil if field == "url" else "", signature=scheme))


def test_without_any_of_it_the_declaration_is_valid(make_project: MakeProject) -> None:
    for field in FIELDS:
        root = make_project({"clients/payouts.yaml": declared(field, "")})
        assert [finding for finding in validate(root) if finding.level is Level.ERROR] == []


@pytest.mark.parametrize("field", [*FIELDS, "url"])
def test_what_would_inject_a_header_is_refused(
    field: str, make_project: MakeProject, tally: Tally
) -> None:
    for name, evil in EVIL.items():
        if field == "url" and evil in {"é", r"\u010a", r"\u560d"}:
            continue  # letters of an international name, which goes out as punycode
        root = make_project({"clients/payouts.yaml": declared(field, evil)})
        errors = [finding for finding in validate(root) if finding.level is Level.ERROR]
        assert errors, (field, name)
        assert all(finding.source and finding.source.line == 7 for finding in errors)
        shown = findings_text(errors, colour=False)
        assert shown.replace("\n", "").isprintable() or "\xa0" in shown
        assert "\nX-Injected" not in shown
        tally("header injections refused at validate", 1)
