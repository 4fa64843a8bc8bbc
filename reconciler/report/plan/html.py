"""A plan as one page that needs nothing else, for a screen or paper.

``page/`` holds its style and its script.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, count
from urllib.parse import quote

from reconciler import __version__
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import Action, Approval, Plan, Risk
from reconciler.domain.plan.unfinished import Unfinished
from reconciler.domain.values.canonical import iso, iso_or_none
from reconciler.errors import Finding, Level
from reconciler.report.plan.changed import ChangedField, find_changed_fields
from reconciler.report.plan.words import (
    RISKS,
    by_level,
    by_risk,
    counts,
    highest_risk,
    permission_changes,
    place_of,
    risk_counts,
    sign_of,
    subject,
    verdict,
)
from reconciler.report.text.escape import terminal
from reconciler.report.text.html import (
    NOTHING,
    Html,
    code,
    element,
    html_document,
    read_page_file,
    tag,
    text,
)
from reconciler.report.text.layout import count_words

_SPOKEN = {"+": "comes to be", "~": "changes", "-": "ends", "!": "drift", "=": "stays"}
# they stand in the verdict, and their details are open when the page is
_OPEN = (Risk.HIGH, Risk.CRITICAL)
# So many of them stand in the verdict, each with so many reasons: what fits on the first screen.
_TOP, _TOP_REASONS = 6, 3


def plan_html(plan: Plan) -> str:
    """One page of ASCII. An action is at ``#<its address>``; a second one at that address at
    ``#<address>:<kind>``."""
    findings = by_level(plan.findings)
    errors = [finding for finding in findings if finding.level is Level.ERROR]
    others = [finding for finding in findings if finding.level is not Level.ERROR]
    main = element(
        "main",
        {"id": "main"},
        tag(
            "div",
            _section("blocks", "What blocks it", [_finding(one) for one in errors]),
            _section("approvals", "Who must approve", map(_approval, plan.approvals)),
            kind="overview",
        ),
        _changes(plan),
        _section("findings", "Other findings", [_finding(one) for one in others]),
        _section("unfinished", "Unfinished", map(_render_unfinished, plan.unfinished)),
    )
    skip = element("a", {"class": "skip", "href": "#main"}, text("Skip to the content"))
    body = Html("\n".join([skip, _header(plan), main, _footer(plan)]))
    state = (
        "blocked"
        if plan.blocked
        else ", ".join(f"{number} {risk.value}" for risk, number in _risks(plan))
    )
    title = f"Plan for {plan.environment}: {state or 'no changes'}"
    return html_document(
        title,
        f"reconciler {__version__}",
        body,
        read_page_file("plan.css"),
        read_page_file("plan.js"),
    )


def _risks(plan: Plan) -> list[tuple[Risk, int]]:
    return list(risk_counts(plan).items())


def _header(plan: Plan) -> Html:
    commit = f" at commit {plan.git_commit[:12]}" if plan.git_commit else ""
    kind = "blocked" if plan.blocked else highest_risk(plan).value if plan.changes else "good"
    return tag(
        "header",
        tag("p", text(f"{plan.project}{commit}, {iso(plan.created_at)}"), kind="from"),
        tag("h1", text(f"Plan for {plan.environment}")),
        tag("div", *_verdict(plan), kind=f"verdict {kind}"),
    )


def _verdict(plan: Plan) -> Iterator[Html]:
    yield tag("p", text(verdict(plan)), kind="said")
    if plan.changes:
        yield tag("p", text(f"{counts(plan)}."), kind="counts")
        yield tag("ul", *(_tally(risk, number) for risk, number in _risks(plan)), kind="tally")
        yield _bar(_risks(plan))
        yield _dangers(plan)


def _dangers(plan: Plan) -> Html:
    """What a reader must see without scrolling: each change of high or critical risk, why, and
    where it is told."""
    changing = [
        (one, anchor) for one, anchor in _anchor_actions(plan) if one.kind is not ActionKind.NO_OP
    ]
    found = [(one, anchor) for one, anchor in changing if one.risk in _OPEN]
    rows = [_danger(one, anchor) for one, anchor in found[:_TOP]]
    if len(found) > _TOP:
        rows.append(
            tag("li", text(f"and {len(found) - _TOP} more of high or critical risk, below"))
        )
    return tag("ul", *rows, kind="dangers") if rows else NOTHING


def _danger(action: Action, anchor: str) -> Html:
    name = f"{action.kind.value} {subject(action).removeprefix('client/')}"
    why = "; ".join(action.risk_reasons[:_TOP_REASONS]) or action.message
    link = element("a", {"href": f"#{anchor}"}, text(name))
    return tag("li", _pill(action.risk.value, action.risk.value), tag("p", link, text(f": {why}")))


def _bar(risks: list[tuple[Risk, int]]) -> Html:
    """A picture of what the list above it says; its widths are attributes, because the policy
    allows no style."""
    whole = sum(number for _, number in risks)
    rectangles, left = [], 0.0
    for risk, number in risks:
        width = 100 * number / whole
        place = {
            "x": f"{left:.2f}%",
            "y": "0",
            "width": f"{width:.2f}%",
            "height": "10",
            "class": risk.value,
        }
        rectangles.append(element("rect", place))
        left += width
    return element(
        "svg", {"class": "bar", "aria-hidden": "true", "focusable": "false"}, *rectangles
    )


def _tally(risk: Risk, number: int) -> Html:
    dot = element("span", {"class": f"dot {risk.value}", "aria-hidden": "true"})
    return tag("li", dot, tag("b", text(str(number))), text(risk.value))


def _section(anchor: str, title: str, cards: Iterable[Html]) -> Html:
    found = list(cards)
    if not found:
        return NOTHING
    heading = element("h2", {"id": anchor}, text(title))
    return Html(
        f"\n{element('section', {'aria-labelledby': anchor}, heading, tag('div', *found, kind='cards'))}"
    )


def _finding(finding: Finding) -> Html:
    error = finding.level is Level.ERROR
    pill = _pill(
        "critical" if error else "medium" if finding.level is Level.WARNING else "low",
        finding.level.value,
    )
    place = place_of(finding)
    return tag(
        "div",
        tag("h3", pill, text(" "), code(finding.code)),
        tag("p", text(finding.message)),
        tag("p", code(place), kind="dim") if place else NOTHING,
        tag("p", text(f"Remedy: {finding.remedy}"), kind="dim") if finding.remedy else NOTHING,
        kind="card block" if error else "card",
    )


def _approval(approval: Approval) -> Html:
    links = (
        tag("li", element("a", {"href": f"#{_anchor(one)}"}, code(one)))
        for one in approval.addresses
    )
    return tag(
        "div",
        tag("h3", text(approval.approver)),
        tag("ul", *links, kind="plain") if approval.addresses else NOTHING,
        (
            tag("ul", *(tag("li", text(reason)) for reason in approval.reasons), kind="dim")
            if approval.reasons
            else NOTHING
        ),
        kind="card",
    )


def _render_unfinished(one: Unfinished) -> Html:
    since = iso_or_none(one.since)
    return tag(
        "div",
        tag("h3", text(f"{one.kind.value} "), code(one.subject, "dim")),
        tag("p", text(f"{one.message}{f' (since {since})' if since else ''}")),
        tag("p", text(f"Then: {one.next}"), kind="dim"),
        kind="card",
    )


def _changes(plan: Plan) -> Html:
    heading = element("h2", {"id": "changes"}, text("Changes"))
    if not plan.actions:
        none = tag("p", text("There is nothing to do."), kind="card none")
        return Html(f"\n{element('section', {'aria-labelledby': 'changes'}, heading, none)}")
    titles = [("Risk", "number"), ("Action", "text"), ("Address", "text"), ("Why", "")]
    heads = [element("th", _mark_sorted(title, kind), text(title)) for title, kind in titles]
    caption = element("caption", {"class": "unseen"}, text("Changes, the riskiest first"))
    rows = [Html(f"\n{_row(action, anchor)}") for action, anchor in _anchor_actions(plan)]
    table = tag("table", caption, tag("thead", tag("tr", *heads)), tag("tbody", *rows), kind="rows")
    region = {
        "class": "scroll",
        "role": "region",
        "aria-label": "Table of changes",
        "tabindex": "0",
    }
    tools = _tools(sorted({action.risk for action in plan.actions}, key=RISKS.index, reverse=True))
    return Html(
        f"\n{element('section', {'aria-labelledby': 'changes'}, heading, tools, element('div', region, table))}"
    )


def _mark_sorted(title: str, kind: str) -> dict[str, str]:
    sort = {"data-sort": kind} if kind else {}
    return {"scope": "col", **sort, **({"aria-sort": "descending"} if title == "Risk" else {})}


def _tools(risks: list[Risk]) -> Html:
    """Hidden until the script makes them work."""
    label = element("label", {"for": "filter", "class": "unseen"}, text("Filter the changes"))
    field = Html(
        '<input id="filter" type="search" placeholder="Filter: payouts rotate" autocomplete="off">'
    )
    toggles = [
        element(
            "button",
            {"type": "button", "data-risk": risk.value, "aria-pressed": "true"},
            text(risk.value),
        )
        for risk in risks
    ]
    unfold = element("button", {"type": "button", "data-unfold": ""}, text("Unfold all"))
    shown = element("output", {"for": "filter"})
    return element("div", {"class": "tools", "hidden": ""}, label, field, *toggles, unfold, shown)


def _anchor(address: str) -> str:
    """``address`` as an id that is the same in a link: no white space, nothing that a browser would
    encode."""
    return quote(terminal(address), safe="/:")


def _anchor_actions(plan: Plan) -> list[tuple[Action, str]]:
    """The actions as they are listed, each with its id on the page."""
    taken: set[str] = set()
    return [(action, _free(action, taken)) for action in by_risk(plan.actions)]


def _free(action: Action, taken: set[str]) -> str:
    """An id for an action that no action before it has."""
    wanted = [_anchor(action.address), _anchor(f"{action.address}:{action.kind.value}")]
    numbered = (f"{wanted[1]}:{number}" for number in count(2))
    chosen = next(name for name in chain(wanted, numbered) if name not in taken)
    taken.add(chosen)
    return chosen


def _pill(kind: str, words: str) -> Html:
    return tag("span", text(words), kind=f"pill {kind}")


def _row(action: Action, anchor: str) -> Html:
    risk = action.risk
    mark = element("span", {"class": "sign", "aria-hidden": "true"}, text(sign_of(action)))
    spoken = tag("span", text(f" ({_SPOKEN[sign_of(action)]})"), kind="unseen")
    link = element("a", {"href": f"#{anchor}"}, code(action.address))
    opened = {"open": ""} if risk in _OPEN else {}
    summary = tag("summary", text(action.message))
    inside = element("div", {"class": "inside", "id": anchor}, *_inside(action))
    return element(
        "tr",
        {"class": risk.value, "data-risk": risk.value},
        element("td", {"data-key": str(RISKS.index(risk))}, _pill(risk.value, risk.value)),
        element(
            "td",
            {"class": "what", "data-key": action.kind.value},
            mark,
            text(action.kind.value),
            spoken,
        ),
        element("th", {"class": "where", "scope": "row", "data-key": action.address}, link),
        tag("td", element("details", opened, summary, inside)),
    )


def _inside(action: Action) -> Iterator[Html]:
    """What is in the details; an id in there makes a browser open them for a link, also without the
    script."""
    if action.risk_reasons:
        yield tag(
            "ul", *(tag("li", text(reason)) for reason in action.risk_reasons), kind="reasons"
        )
    changed = permission_changes(action)
    if changed:
        label = tag("p", text("Effective permissions, after wildcards"), kind="label")
        yield tag("div", label, tag("ul", *(_permission(*one) for one in changed), kind="diff"))
    fields = find_changed_fields(action)
    if fields:
        heads = (
            element("th", {"scope": "col"}, text(title)) for title in ("Field", "Before", "After")
        )
        yield tag(
            "table",
            tag("thead", tag("tr", *heads)),
            tag("tbody", *map(_field, fields)),
            kind="fields",
        )
    yield tag("dl", *_facts(_name_parts(action)), kind="facts")


def _name_parts(action: Action) -> Iterator[tuple[str, str]]:
    yield "Reason", action.reason
    yield "Client", action.client
    if action.item is not None:
        yield "Item", action.item
    if action.version is not None:
        yield "Version", str(action.version)


def _permission(change: str, scope: str, risk: Risk) -> Html:
    granted = change == "+"
    spoken = tag("span", text("granted " if granted else "withdrawn "), kind="unseen")
    mark = element("span", {"aria-hidden": "true"}, text("+" if granted else "\N{MINUS SIGN}"))
    return tag(
        "li",
        mark,
        tag("code", spoken, text(scope)),
        _pill(risk.value, risk.value),
        kind="plus" if granted else "minus",
    )


def _field(field: ChangedField) -> Html:
    cells = (
        tag("td", tag("del", code(field.before))),
        tag("td", tag("ins", code(field.after))),
    )
    return tag("tr", element("th", {"scope": "row"}, code(field.path)), *cells)


def _facts(facts: Iterable[tuple[str, str]]) -> Iterator[Html]:
    for name, value in facts:
        yield tag("div", tag("dt", text(name)), tag("dd", code(value)))


def _footer(plan: Plan) -> Html:
    facts = [
        ("Digest", plan.digest),
        ("Commit", plan.git_commit or "none"),
        ("Project", plan.project),
        ("Made", iso(plan.created_at)),
        ("Void after", iso(plan.expires_at)),
        ("Unchanged", count_words(plan.summary()["no_op"], "client")),
        ("By", f"reconciler {__version__}"),
    ]
    return Html(f"\n{tag('footer', tag('dl', *_facts(facts), kind='facts'))}")
