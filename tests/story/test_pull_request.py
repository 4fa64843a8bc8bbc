"""One pull request adds a client, widens a scope to a wildcard, moves a webhook to another host, lets a rotation fall
due and removes a client: whoever reads its plan sees at once what is dangerous, and ``apply`` does that plan or stops.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from reconciler.adapters.openbao import RunningServer
from reconciler.domain.canonical import digest
from reconciler.domain.plan import Risk
from reconciler.planning.planner import plan_digest
from reconciler.report.plan_load import load_plan
from tests.kit.checkout import Checkout, Ran
from tests.kit.documents import plain
from tests.kit.pictures import PLAN
from tests.kit.pull_request import (
    BRANCH, CATALOGUE, DUE, GONE, MOVED, NEW, NEW_HOST, OLD_HOST, WIDER, PullRequest, pull_request,
)  # fmt: skip
from tests.kit.repositories import git, isolate
from tests.kit.vault import bootstrapped

REACHED = ("payouts:approve", "payouts:refund", "payouts:write")  # by payouts:*, and not before
DANGEROUS = [
    ("critical", "revoke-key", f"client/{GONE}/key/primary"),
    ("critical", "update-client", f"client/{WIDER}"),
    ("high", "retire-client", f"client/{GONE}"),
    ("high", "register-client", f"client/{NEW}"),
    ("high", "update-webhook", f"client/{MOVED}/webhook/orders"),
]
HARMLESS = [
    ("low", "activate-client", f"client/{NEW}"),
    ("low", "issue-key", f"client/{NEW}/key/primary"),
    ("low", "activate-client", f"client/{MOVED}"),
    ("low", "verify-webhook", f"client/{MOVED}/webhook/orders"),
    ("low", "update-client", f"client/{DUE}"),
    ("low", "rotate-key", f"client/{DUE}/key/primary"),
]
Fact = tuple[str, str, str]  # risk, kind, address


@pytest.fixture(scope="module")
def opened(openbao: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PullRequest]:
    """The pull request with its plan in plan.json. Nobody may change what is live here."""
    with pytest.MonkeyPatch.context() as variables:
        yield from _planned(openbao, tmp_path_factory.mktemp("story"), variables)


@pytest.fixture
def own(openbao: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PullRequest]:
    """The same for one test alone."""
    yield from _planned(openbao, tmp_path, monkeypatch)


def _planned(server: RunningServer, folder: Path, variables: pytest.MonkeyPatch) -> Iterator[PullRequest]:
    isolate(variables, folder / "home")
    with bootstrapped(server, 16) as place, pull_request(place, folder) as story:
        story.checkout.plan("--out", "../plan.json", role="planner").ok()
        yield story


def saved(story: PullRequest) -> Path:
    return story.checkout.root.parent / "plan.json"


def shown(story: PullRequest, form: str) -> str:
    return story.checkout.run("show", "../plan.json", "--format", form).ok().out


def of_json(text: str) -> list[Fact]:
    plan = json.loads(text)
    order = list(reversed([risk.value for risk in Risk]))
    facts = [(one["risk"], one["kind"], one["address"]) for one in plan["actions"]]
    return sorted(facts, key=lambda fact: (order.index(fact[0]), fact[2]))


def of_markdown(text: str) -> list[Fact]:
    rows = re.findall(r"^\| \S+ \**(\w+)\** \| `.` ([\w-]+) \| <b>(\S+)</b> ?(\S*)", text, re.MULTILINE)
    return [(risk, kind, f"client/{client}/{target}".rstrip("/")) for risk, kind, client, target in rows]


def of_html(text: str) -> list[Fact]:
    row = r'<tr class="\w+" data-risk="(\w+)">.*?class="what" data-key="([^"]+)".*?scope="row" data-key="([^"]+)"'
    return re.findall(row, text, re.DOTALL)


def of_sarif(text: str) -> list[Fact]:
    results = json.loads(text)["runs"][0]["results"]
    return [
        (one["ruleId"].partition("/")[2], *sentence(one["message"]["text"])) for one in results if "/" in one["ruleId"]
    ]


def of_annotations(text: str) -> list[Fact]:
    return [
        ("", *sentence(line.split("::", 2)[2]))
        for line in text.splitlines()
        if re.search(r"::\w+-\w+ client/", line)
    ]


def of_code_quality(text: str) -> list[Fact]:
    risks = {"critical": "critical", "major": "high"}
    found = [(risks.get(one["severity"], ""), one["description"]) for one in json.loads(text)]
    return [(risk, *sentence(words)) for risk, words in found if risk]


def sentence(text: str) -> tuple[str, str]:
    """The kind and address with which it begins."""
    kind, address = text.split(": ")[0].split(" ")
    return kind, address


@pytest.mark.parametrize(
    ("form", "read", "expected"),
    [
        ("json", of_json, DANGEROUS + HARMLESS),
        ("markdown", of_markdown, DANGEROUS + HARMLESS),
        ("html", of_html, DANGEROUS + HARMLESS),
        ("sarif", of_sarif, DANGEROUS),
        ("gitlab", of_code_quality, DANGEROUS),
        ("github", of_annotations, [("", *fact[1:]) for fact in DANGEROUS]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_format_tells_the_same_actions_the_dangerous_ones_first(
    opened: PullRequest, form: str, read: Callable[[str], list[Fact]], expected: list[Fact]
) -> None:
    text = shown(opened, form)
    assert read(text) == expected
    for scope in REACHED:
        assert scope in text
    assert all(host in text for host in (OLD_HOST, NEW_HOST))
    assert "RC210" in text  # the policy's warning about the wildcard


def test_junit_holds_every_client_and_every_action(opened: PullRequest) -> None:
    suite = ET.fromstring(shown(opened, "junit"))
    printed = "\n".join(one.text or "" for one in suite.iter("system-out"))
    assert [address for _, kind, address in DANGEROUS + HARMLESS if f"{kind} {address}" not in printed] == []


def test_every_format_that_names_the_plan_names_the_same(opened: PullRequest) -> None:
    plan = json.loads(saved(opened).read_text())
    for form in ("markdown", "html", "json"):
        assert plan["digest"] in shown(opened, form), form
    assert plan["git_commit"] == git(opened.checkout.root, "rev-parse", BRANCH)
    assert not plan["blocked"]


def test_what_the_plan_says_is_what_the_pull_request_does(opened: PullRequest) -> None:
    actions = {(one["kind"], one["address"]): one for one in json.loads(saved(opened).read_text())["actions"]}
    wider = actions["update-client", f"client/{WIDER}"]
    assert wider["permissions"] == {"granted": {scope: CATALOGUE[scope] for scope in REACHED}, "withdrawn": {}}
    assert "gains 1 scope of critical risk: payouts:approve" in wider["risk_reasons"]
    moved = actions["update-webhook", f"client/{MOVED}/webhook/orders"]
    assert f"webhook orders delivers to another host: {OLD_HOST} → {NEW_HOST}" in moved["risk_reasons"]
    assert (moved["before"]["url"], moved["after"]["url"]) == (f"https://{OLD_HOST}/orders", f"https://{NEW_HOST}/hook")
    [why] = actions["revoke-key", f"client/{GONE}/key/primary"]["risk_reasons"]
    assert re.fullmatch(
        r"version 1 of key primary is in use \(active, valid until \S+\), and no usable key is left", why
    )
    assert actions["rotate-key", f"client/{DUE}/key/primary"]["reason"] == "RenewalDue"
    gone = actions["retire-client", f"client/{GONE}"]["permissions"]
    assert gone == {"granted": {}, "withdrawn": {"inventory:read": "low", "orders:write": "high"}}


def test_ten_seconds_of_the_comment(opened: PullRequest) -> None:
    """Its first 24 lines: the verdict, how many of which risk, who must agree, and every dangerous change by name."""
    top = "\n".join(shown(opened, "markdown").splitlines()[:24])
    assert "**11 changes on 5 clients; highest risk critical.**" in top
    assert "🟥 2 critical · 🟧 3 high" in top
    assert "Must be approved by <b>acme/finance-leads</b> and <b>acme/security</b>." in top
    assert of_markdown(top)[: len(DANGEROUS)] == DANGEROUS
    for words in (*REACHED, "in use", "no usable key is left", f"{OLD_HOST} → {NEW_HOST}", "invoices:write"):
        assert words in top, words


def test_ten_seconds_of_the_page(opened: PullRequest) -> None:
    """What stands above the details: the same."""
    top = re.sub(r"<[^>]+>", "", shown(opened, "html").partition("<header>")[2].partition("</header>")[0])
    assert "11 changes on 5 clients; highest risk critical." in top
    places = [top.index(f"{kind} {address.removeprefix('client/')}") for _, kind, address in DANGEROUS]
    assert places == sorted(places)
    for words in ("payouts:approve", "no usable key is left", f"{OLD_HOST} → {NEW_HOST}", "invoices:write"):
        assert words in top, words


def test_the_pictures_are_of_this_plan(opened: PullRequest) -> None:
    """docs/pictures/plan.json, from which they are taken, is the plan of this story but for times, ids and digests."""

    def content(text: str, environment: str) -> str:
        plan = json.loads(text)
        parts = {name: plan[name] for name in ("actions", "findings", "approvals", "summary", "unchanged")}
        return plain(json.dumps(parts, indent=1).replace(environment, "production"))

    fresh = content(saved(opened).read_text(), opened.checkout.environment)
    assert fresh == content(PLAN.read_text(), "production"), "run `make pictures`, and look"


# What may happen between the review and the apply. Each changes something, and gives back what undoes it.


def nothing(story: PullRequest) -> AbstractContextManager[None]:
    return nullcontext()


def another_declaration(story: PullRequest) -> AbstractContextManager[None]:
    path = story.checkout.root / f"clients/{NEW}.yaml"
    path.write_text(path.read_text().replace("customers:read", "payouts:approve"))
    return nullcontext()


def edited(change: Callable[[dict[str, Any]], None]) -> Callable[[PullRequest], AbstractContextManager[None]]:
    def edit(story: PullRequest) -> AbstractContextManager[None]:
        plan = json.loads(saved(story).read_text())
        change(plan)
        saved(story).write_text(json.dumps(plan))
        return nullcontext()

    return edit


def one_byte(story: PullRequest) -> AbstractContextManager[None]:
    saved(story).write_bytes(saved(story).read_bytes().replace(b"payouts:*", b"payouts:?", 1))
    return nullcontext()


def calmer(plan: dict[str, Any]) -> None:
    """The risk of the wildcard is played down, and the digest of the file made anew."""
    next(one for one in plan["actions"] if one["risk"] == "critical")["risk"] = "low"
    seal(plan)


def wider_still(plan: dict[str, Any]) -> None:
    """Every digest is made anew: what is left is that the declaration does not say so."""
    widened = next(one for one in plan["actions"] if one["address"] == f"client/{WIDER}")
    widened["after"]["scopes"] = ["*"]
    parts = load_parts(plan)
    plan["digest"] = plan_digest(*parts)
    seal(plan)


def seal(plan: dict[str, Any]) -> None:
    plan["file_digest"] = digest({name: value for name, value in plan.items() if name != "file_digest"})
