"""One pull request adds a client, widens a scope to a wildcard, moves a webhook to another host,
lets a rotation fall due and removes a client: whoever reads its plan sees at once what is
dangerous, and ``apply`` does that plan or stops.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Signed

from reconciler.adapters.openbao.server import RunningServer
from reconciler.domain.plan.plan import Approval, Risk
from reconciler.domain.plan.unfinished import Unfinished, UnfinishedKind
from reconciler.domain.values.canonical import digest
from reconciler.engine.planfile.document import plan_json
from reconciler.engine.planfile.load import load_plan
from reconciler.errors import Address, Finding, Level
from reconciler.planning.planner import plan_digest
from tests.kit.git.repositories import git, isolate
from tests.kit.texts.documents import plain
from tests.kit.texts.pictures import PLAN
from tests.kit.texts.pull_request import (
    BRANCH,
    CATALOGUE,
    DUE,
    GONE,
    MOVED,
    NEW,
    NEW_HOST,
    OLD_HOST,
    OTHER,
    WIDER,
    PullRequest,
    pull_request,
)  # fmt: skip
from tests.kit.vault.places import bootstrapped

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
def opened(
    openbao: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PullRequest]:
    """The pull request with its plan in plan.json. Nobody may change what is live here."""
    with pytest.MonkeyPatch.context() as variables:
        yield from _planned(openbao, tmp_path_factory.mktemp("story"), variables)


@pytest.fixture
def own(
    openbao: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PullRequest]:
    """The same for one test alone."""
    yield from _planned(openbao, tmp_path, monkeypatch)


def _planned(
    server: RunningServer, folder: Path, variables: pytest.MonkeyPatch
) -> Iterator[PullRequest]:
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
    rows = re.findall(
        r"^\| \S+ \**(\w+)\** \| `.` ([\w-]+) \| <b>(\S+)</b> ?([^|\s]*)", text, re.MULTILINE
    )
    return [
        (risk, kind, f"client/{client}/{target}".rstrip("/")) for risk, kind, client, target in rows
    ]


def of_html(text: str) -> list[Fact]:
    row = r'<tr class="\w+" data-risk="(\w+)">.*?class="what" data-key="([^"]+)".*?scope="row" data-key="([^"]+)"'
    return re.findall(row, text, re.DOTALL)


def of_sarif(text: str) -> list[Fact]:
    results = json.loads(text)["runs"][0]["results"]
    return [
        (one["ruleId"].partition("/")[2], *sentence(one["message"]["text"]))
        for one in results
        if "/" in one["ruleId"]
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
    kind, address = text.split(": ", maxsplit=1)[0].split(" ")
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
    assert [
        address for _, kind, address in DANGEROUS + HARMLESS if f"{kind} {address}" not in printed
    ] == []


def test_every_format_that_names_the_plan_names_the_same(opened: PullRequest) -> None:
    plan = json.loads(saved(opened).read_text())
    for form in ("markdown", "html", "json", "junit", "sarif"):
        assert plan["digest"] in shown(opened, form), form
    assert plan["git_commit"] == git(opened.checkout.root, "rev-parse", BRANCH)
    assert not plan["blocked"]


def test_what_the_plan_says_is_what_the_pull_request_does(opened: PullRequest) -> None:
    plan = json.loads(saved(opened).read_text())
    actions = {(one["kind"], one["address"]): one for one in plan["actions"]}
    wider = actions["update-client", f"client/{WIDER}"]
    assert wider["permissions"] == {
        "granted": {scope: CATALOGUE[scope] for scope in REACHED},
        "withdrawn": {},
    }
    assert "gains 1 scope of critical risk: payouts:approve" in wider["risk_reasons"]
    moved = actions["update-webhook", f"client/{MOVED}/webhook/orders"]
    assert (
        f"webhook orders delivers to another host: {OLD_HOST} → {NEW_HOST}" in moved["risk_reasons"]
    )
    assert (moved["before"]["url"], moved["after"]["url"]) == (
        f"https://{OLD_HOST}/orders",
        f"https://{NEW_HOST}/hook",
    )
    [why] = actions["revoke-key", f"client/{GONE}/key/primary"]["risk_reasons"]
    assert re.fullmatch(
        r"version 1 of key primary is in use \(active, valid until \S+\), and no usable key is left",
        why,
    )
    assert actions["rotate-key", f"client/{DUE}/key/primary"]["reason"] == "RenewalDue"
    asked = {one["approver"]: one["addresses"] for one in plan["approvals"]}
    assert asked["acme/security"] == sorted(address for _, _, address in DANGEROUS)
    assert asked["acme/finance-leads"] == [f"client/{WIDER}", f"client/{NEW}"]
    gone = actions["retire-client", f"client/{GONE}"]["permissions"]
    assert gone == {"granted": {}, "withdrawn": {"inventory:read": "low", "orders:write": "high"}}


def test_ten_seconds_of_the_comment(opened: PullRequest) -> None:
    """Its first 24 lines: the verdict, how many of which risk, who must agree, and every dangerous
    change by name."""
    top = "\n".join(shown(opened, "markdown").splitlines()[:24])
    assert "**11 changes on 5 clients; highest risk critical.**" in top
    assert "🟥 2 critical · 🟧 3 high" in top
    assert "Must be approved by <b>acme/finance-leads</b> and <b>acme/security</b>." in top
    assert of_markdown(top)[: len(DANGEROUS)] == DANGEROUS
    for words in (
        *REACHED,
        "in use",
        "no usable key is left",
        f"{OLD_HOST} → {NEW_HOST}",
        "invoices:write",
    ):
        assert words in top, words


def test_ten_seconds_of_the_page(opened: PullRequest) -> None:
    """What stands above the details: the same."""
    head = shown(opened, "html").partition("<header>")[2].partition("</header>")[0]
    top = unescape(re.sub(r"<[^>]+>", "", head))
    assert "11 changes on 5 clients; highest risk critical." in top
    places = [
        top.index(f"{kind} {address.removeprefix('client/')}") for _, kind, address in DANGEROUS
    ]
    assert places == sorted(places)
    for words in (
        "payouts:approve",
        "no usable key is left",
        f"{OLD_HOST} → {NEW_HOST}",
        "invoices:write",
    ):
        assert words in top, words


def test_the_pictures_are_of_this_plan(opened: PullRequest) -> None:
    """docs/pictures/plan.json, from which they are taken, is the plan of this story but for times,
    ids and digests."""

    def content(text: str, environment: str) -> str:
        plan = json.loads(text)
        parts = {
            name: plan[name]
            for name in ("actions", "findings", "approvals", "summary", "unchanged")
        }
        return plain(json.dumps(parts, indent=1).replace(environment, "production"))

    fresh = content(saved(opened).read_text(), opened.checkout.environment)
    assert fresh == content(PLAN.read_text(), "production"), "run `make pictures`, and look"


# What may happen between the review and the apply, for the length of a ``with`` block. Nothing of
# it is live state.


def nothing(story: PullRequest) -> AbstractContextManager[None]:
    return nullcontext()


@contextmanager
def another_declaration(story: PullRequest) -> Iterator[None]:
    """One more scope for the new client."""
    path = story.checkout.root / f"clients/{NEW}.yaml"
    before = path.read_text()
    path.write_text(before.replace("customers:read", "payouts:approve"))
    try:
        yield
    finally:
        path.write_text(before)


def edited(change: Callable[[str], str]) -> Callable[[PullRequest], AbstractContextManager[None]]:
    @contextmanager
    def edit(story: PullRequest) -> Iterator[None]:
        before = saved(story).read_text()
        saved(story).write_text(change(before))
        assert saved(story).read_text() != before
        try:
            yield
        finally:
            saved(story).write_text(before)

    return edit


def one_byte(text: str) -> str:
    return text.replace("payouts:*", "payouts:?", 1)


def calmer(text: str) -> str:
    """The risk is played down, and the digest over the whole file made anew."""
    return sealed(json.loads(text.replace('"risk":"critical"', '"risk":"low"', 1)))


def reassuring(text: str) -> str:
    """Nothing that is done is changed, only what is said of it, by somebody who knows how the
    digests are made."""
    plan = load_plan(text)
    lie = "only renamed: the client had it already, security approved it"
    actions = [
        replace(one, risk_reasons=(lie,)) if one.address == f"client/{WIDER}" else one
        for one in plan.actions
    ]
    parts = (
        plan.environment,
        plan.project,
        plan.git_commit,
        actions,
        plan.revisions,
        plan.desired_digests,
    )
    return plan_json(replace(plan, actions=tuple(actions), digest=plan_digest(*parts)))


def approved(text: str) -> str:
    """A file that claims findings, approvals, a commit, and what is unfinished."""
    plan = load_plan(text)
    made_up = replace(
        plan, git_commit="0" * 40, findings=(Finding("RC204", Level.NOTE, "MADE-UP: security approved this plan"),),
        approvals=(*plan.approvals, Approval("ada", ("MADE-UP: she agreed",), (Address.read("client/a"),)),),
        unfinished=(Unfinished(UnfinishedKind.OPEN_RUN, "MADE-UP", "nothing"),),
    )  # fmt: skip
    parts = (
        plan.environment,
        plan.project,
        made_up.git_commit,
        plan.actions,
        plan.revisions,
        plan.desired_digests,
    )
    return plan_json(replace(made_up, digest=plan_digest(*parts)))


def wider_still(text: str) -> str:
    """Every digest is made anew, so that the file holds together: only the declaration does not say
    so."""
    plan = load_plan(text)
    actions = [
        replace(one, after={"scopes": ["*"]}) if one.address == f"client/{WIDER}" else one
        for one in plan.actions
    ]
    parts = (
        plan.environment,
        plan.project,
        plan.git_commit,
        actions,
        plan.revisions,
        plan.desired_digests,
    )
    return plan_json(replace(plan, actions=tuple(actions), digest=plan_digest(*parts)))


def sealed(plan: dict[str, Any]) -> str:
    plan["file_digest"] = digest(
        {name: value for name, value in plan.items() if name != "file_digest"}
    )
    return json.dumps(plan)


def four_days_later(story: PullRequest) -> AbstractContextManager[None]:
    return story.clock.moved(timedelta(days=4))


def world(story: PullRequest) -> dict[str, Any]:
    """All there is to change: every version of every path in Vault, the commits and files of the
    repository, and how much the receivers heard."""
    checkout = story.checkout
    found: dict[str, Any] = {"written": checkout.everything_written()}
    for path in found["written"]:
        where = path if "/" in path else f"registry/metadata/{path}"
        found[path] = (checkout.vault("GET", where) or {}).get("data")
    found["heard"] = (len(story.old.seen), len(story.new.seen))
    found["git"] = git(checkout.root, "log", "--all", "--format=%H %D")
    found["files"] = git(checkout.root, "status", "--porcelain")
    return found


def stopped(story: PullRequest, code: str, *arguments: str) -> None:
    """The command ends with ``code`` and exit 4, and nothing in the world is other than before."""
    before = world(story)
    ran = story.checkout.run(*arguments, "--format", "json")
    assert (ran.code, ran.json["code"]) == (4, code), ran.out
    assert ran.json["remedy"]
    assert world(story) == before


def applying(story: PullRequest, environment: str = "") -> tuple[str, ...]:
    return ("apply", "-e", environment or story.checkout.environment, "../plan.json")


def in_ci(story: PullRequest, environment: str = "") -> tuple[str, ...]:
    names = ("--reviewed", "../plan.json", "--out", "now.json")
    return ("plan", "-e", environment or story.checkout.environment, *names)


@pytest.mark.parametrize(
    ("what", "environment", "apply", "reviewed"),
    [
        (another_declaration, "", "RC394", "RC389"),
        (edited(one_byte), "", "RC399", "RC399"),
        (edited(calmer), "", "RC399", "RC399"),
        (edited(wider_still), "", "RC394", "RC389"),
        (edited(reassuring), "", "RC394", "RC389"),
        (four_days_later, "", "RC392", "RC389"),
        (nothing, OTHER, "RC391", "RC391"),
    ],
    ids=["declaration", "one byte", "calmer", "wider still", "reassuring", "expired", "elsewhere"],
)
def test_whatever_comes_between_stops_it_and_nothing_is_changed(
    opened: PullRequest,
    what: Callable[[PullRequest], AbstractContextManager[None]],
    environment: str,
    apply: str,
    reviewed: str,
) -> None:
    with what(opened):
        stopped(opened, apply, *applying(opened, environment))
        stopped(opened, reviewed, *in_ci(opened, environment))
    assert not (opened.checkout.root / "now.json").exists()


@pytest.mark.parametrize("form", ["text", "markdown", "html", "sarif", "junit"])
def test_what_a_file_alone_claims_is_not_shown_to_whoever_approves(
    opened: PullRequest, form: str
) -> None:
    """The plan that is made anew is the same, so nothing stops it: but nothing that was made up is
    in what is read."""
    with edited(approved)(opened):
        assert "MADE-UP" in shown(opened, form)
        compared = (
            opened.checkout.run("show", "../plan.json", "--format", form, "--compared").ok().out
        )
        assert "MADE-UP" not in compared
        assert "0" * 40 not in compared
        assert [
            words for words in (*REACHED, OLD_HOST, NEW_HOST, "in use") if words not in compared
        ] == []
        again = opened.checkout.plan("--reviewed", "../plan.json").ok()
    assert "MADE-UP" not in again.out


def test_somebody_else_was_faster(own: PullRequest) -> None:
    """What the plan would end was revoked in an emergency since it was made."""
    revoke = (
        "revoke",
        "-e",
        own.checkout.environment,
        GONE,
        "--reason",
        "compromise",
        "--incident",
        "INC-7",
    )
    own.checkout.run(*revoke).ok()
    own.merge()
    stopped(own, "RC394", *applying(own))
    stopped(own, "RC389", *in_ci(own))


def test_the_merged_plan_is_what_is_done(own: PullRequest) -> None:
    plan = json.loads(saved(own).read_text())
    own.merge()
    done_is_planned(own, plan, plan["git_commit"])
    world_is_as_planned(own)
    own.checkout.assert_quiet()
    stopped(own, "RC393", *applying(own))


def test_the_reviewed_plan_is_what_ci_does(own: PullRequest) -> None:
    """A key of one of its clients was rotated since: the plan is made anew and held against the one
    of the review."""
    plan = json.loads(saved(own).read_text())
    own.merge()
    own.checkout.run("rotate", "-e", own.checkout.environment, WIDER, "--reason", "test").ok()
    stopped(own, "RC394", *applying(own))
    own.checkout.run(*in_ci(own)).ok()
    (own.checkout.root / "now.json").replace(saved(own))
    done_is_planned(own, plan, git(own.checkout.root, "rev-parse", "HEAD"))
    world_is_as_planned(own)
    own.checkout.assert_quiet()
    stopped(own, "RC389", *in_ci(own))


def test_what_falls_due_after_the_review_is_left_to_the_next_apply(own: PullRequest) -> None:
    """Time alone stales no saved plan, and adds nothing to it; CI, which plans anew, stops and
    shows what is new."""
    plan = json.loads(saved(own).read_text())
    own.merge()
    with own.clock.moved(
        timedelta(days=1, hours=1)
    ):  # a key of storefront-orders falls due after 40 days and 23.5 h
        stopped(own, "RC389", *in_ci(own))
        done_is_planned(own, plan, plan["git_commit"])
        assert own.checkout.actions() == [
            ("rotate-key", f"client/{MOVED}/key/primary", "RenewalDue")
        ]


def done_is_planned(story: PullRequest, plan: Any, commit: str) -> None:
    """Apply. The outcomes are the actions of ``plan``, one for one; the report that was committed
    says so, too. The old host hears nothing any more."""
    heard = len(story.old.seen)
    run = story.checkout.run(*applying(story), "--format", "json").ok().json
    assert len(story.old.seen) == heard
    planned = [(one["kind"], one["address"], one["reason"]) for one in plan["actions"]]
    outcomes = [(one["kind"], one["address"], one["reason"]) for one in run["outcomes"]]
    assert outcomes == planned
    assert {one["status"] for one in run["outcomes"]} == {"done"}
    assert (run["summary"]["done"], run["git_commit"]) == (len(planned), commit)
    report = json.loads((story.checkout.root / run["audit"]["path"]).read_text())
    assert git(story.checkout.root, "rev-parse", "HEAD") == run["audit"]["commit"]
    assert sorted(
        (one["kind"], one["address"], one["reason"]) for one in report["outcomes"]
    ) == sorted(planned)
    assert report["plan_digest"] == load_plan(saved(story).read_text()).digest


def world_is_as_planned(story: PullRequest) -> None:
    """Five changes, each seen in Vault or by who is concerned."""
    checkout = story.checkout
    [issued] = checkout.status(NEW)["keys"][0]["versions"]
    assert (checkout.status(NEW)["status"], issued["sha256"]) == (
        "active",
        checkout.hash(f"keys/{NEW}.primary"),
    )
    assert checkout.status(WIDER)["scopes"] == ["ledger:read", "payouts:*"]
    delivery = next(seen for seen in story.new.seen if seen.headers["host"] == NEW_HOST)
    Signed(checkout.secret(f"webhooks/{MOVED}.orders") or "").verify(
        delivery.body, delivery.headers
    )
    assert len(story.new.seen) == 6  # the delivery, and five that it must refuse
    assert checkout.status(MOVED)["webhooks"][0]["url"] == f"https://{NEW_HOST}/hook"
    assert checkout.versions(DUE) == {1: "retiring", 2: "active"}
    assert checkout.secret(f"keys/{DUE}.primary", 1) == story.keys[DUE]
    assert checkout.secret(f"keys/{DUE}.primary", 2) not in (None, story.keys[DUE])
    assert checkout.status(GONE)["status"] == "retired"
    assert checkout.versions(GONE) == {1: "revoked"}
    gone = checkout.vault("GET", f"secrets/metadata/keys/{GONE}.primary")
    assert [one["destroyed"] for one in gone["data"]["versions"].values()] == [True]
    assert checkout.secret(f"keys/{GONE}.primary", 1) is None
