"""Very many mistakes in one file: what is told stays short, and what it costs grows with the file
alone."""

from __future__ import annotations

from collections import Counter

import pytest

from reconciler.declare import load, validate
from reconciler.declare.findings.collector import TEXT_SHOWN, Collector
from reconciler.declare.findings.nodes import Map, Seq
from reconciler.declare.schema.explain import explain
from reconciler.declare.yaml.text import parse
from reconciler.errors import DeclarationError, Finding, Level
from tests.declare.conftest import CLIENT, PROJECT, MakeProject, client

C = "clients/payouts.yaml"
T = "templates/paystack.yaml"


def of_file(found: list[Finding], file: str = C) -> list[Finding]:
    return [finding for finding in found if finding.source and finding.source.file == file]


def test_of_very_many_errors_the_first_are_shown_and_the_rest_is_counted(
    make_project: MakeProject,
) -> None:
    root = make_project(
        {C: client(spec="\n".join(f"  nonsense{number}: 1" for number in range(TEXT_SHOWN + 7)))}
    )
    found = of_file(validate(root))
    assert Counter(finding.code for finding in found) == {"RC123": TEXT_SHOWN, "RC117": 1}
    assert (found[-1].code, found[-1].level) == ("RC117", Level.ERROR)
    assert found[-1].message.startswith("and 7 more errors")
    assert [finding.source.line for finding in found[:-1] if finding.source] == list(
        range(7, TEXT_SHOWN + 7)
    )


def test_exactly_as_many_as_are_shown_leave_nothing_out(make_project: MakeProject) -> None:
    root = make_project(
        {C: client(spec="\n".join(f"  nonsense{number}: 1" for number in range(TEXT_SHOWN)))}
    )
    assert {finding.code for finding in of_file(validate(root))} == {"RC123"}


def test_warnings_never_crowd_out_an_error(make_project: MakeProject) -> None:
    hooks = "".join(
        f'\n    - {{name: w{number}, events: [a.b], url: "http://hooks.example.com/{number}"}}'
        for number in range(60)
    )
    documents = [client(f"c{number}", spec=f"  webhooks:{hooks}") for number in range(3)]
    allowing = PROJECT.replace(
        "    production:", "      allowedNetworks: [10.0.0.0/8]\n    production:"
    )
    files = {
        "reconciler.yaml": allowing,
        C: "---\n".join([*documents, client("last", spec="  nonsense: 1")]),
    }
    root = make_project(files)
    found = of_file(validate(root))
    assert Counter(finding.code for finding in found) == {
        "RC156": TEXT_SHOWN,
        "RC123": 1,
        "RC117": 1,
    }
    assert found[-1].level is Level.WARNING
    assert found[-1].message.startswith("and 80 more warnings")
    with pytest.raises(DeclarationError):
        load(root, "staging")


def test_a_template_s_mistakes_are_counted_once_though_many_clients_show_them(
    make_project: MakeProject,
) -> None:
    scopes = "[" + ", ".join(f"nobody:knows{number}" for number in range(TEXT_SHOWN + 3)) + "]"
    template = (
        "apiVersion: reconciler/v1\nkind: IntegrationTemplate\nmetadata: {name: paystack}\n"
        f"spec:\n  scopes: {scopes}\n  keys: [{{name: primary}}]\n"
    )
    clients = "---\n".join(client(f"c{number}", spec="  template: paystack") for number in range(4))
    found = of_file(validate(make_project({T: template, C: clients})), T)
    assert len(found) == TEXT_SHOWN + 1
    assert found[-1].message.startswith("and 3 more errors")


def test_a_list_that_is_too_long_is_one_finding(make_project: MakeProject) -> None:
    root = make_project({C: client(spec="  scopes:\n" + "    - 'not a scope'\n" * 20_000)})
    found = of_file(validate(root))
    assert [(finding.code, finding.message.split(" ")[0]) for finding in found] == [
        ("RC128", "spec.scopes"),
        ("RC131", "spec.scopes"),
    ]


class Watched(str):
    """A text that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Watched.compared += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("strange", [[], [7], [True, 1, "1", None]])
def test_looking_for_repeated_items_compares_no_item_with_each_other(strange: list[object]) -> None:
    """Also where the items cannot be sorted, which is when jsonschema compares each with each."""
    (document,) = parse(CLIENT, C, Collector())
    items: list[object] = [Watched(f"a:b{number}") for number in range(400)] + [
        Watched("a:b0"),
        *strange,
    ]
    scopes = Seq(document.mark)
    for item in items:
        scopes.append(item)
        scopes.marks.append(document.mark)
    assert isinstance(document.value, Map)
    document.value.sub("spec")["scopes"] = scopes
    Watched.compared = 0
    found = Collector()
    explain("IntegrationClient", document.value, found)
    told = [finding.message for finding in found.findings() if finding.code == "RC131"]
    assert told == ["spec.scopes lists `a:b0` more than once"]
    assert Watched.compared < 10 * len(items)


@pytest.mark.parametrize(
    "directive", ["%YAML 1.1", "%YAML 1.2", "%TAG ! tag:example.com,2000:", "%TAG !! x:"]
)
def test_a_directive_is_refused_where_it_stands(make_project: MakeProject, directive: str) -> None:
    for before, line in (("", 1), ("# first\n", 2), (client("other") + "...\n", 8)):
        root = make_project({C: f"{before}{directive}\n---\n{CLIENT}"})
        [finding] = of_file(validate(root))
        assert (finding.code, finding.source and (finding.source.line, finding.source.column)) == (
            "RC108",
            (line, 1),
        )
        assert directive.split(" ", maxsplit=1)[0] in finding.message
        assert finding.remedy == "remove it"


def test_an_unknown_directive_is_told_as_such(make_project: MakeProject) -> None:
    [finding] = of_file(validate(make_project({C: f"%NONSENSE\n---\n{CLIENT}"})))
    assert finding.code == "RC106"
    assert "directive" in finding.remedy


def test_a_directive_in_the_project_file_is_refused_too(make_project: MakeProject) -> None:
    root = make_project({"reconciler.yaml": f"%YAML 1.1\n---\n{PROJECT}"})
    assert [finding.code for finding in of_file(validate(root), "reconciler.yaml")] == ["RC108"]
