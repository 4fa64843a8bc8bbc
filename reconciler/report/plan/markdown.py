"""A plan for a pull request: the verdict first, one table by risk, who must approve, details
folded, provenance last.

Every string of a person or a server goes through ``escape.markdown`` (in a fence through
``escape.terminal``); what is written literally here is fixed text, and no line begins with a
foreign string.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from reconciler import __version__
from reconciler.domain.plan.plan import Action, Approval, Plan, Risk
from reconciler.domain.plan.unfinished import Unfinished
from reconciler.domain.values.canonical import iso, iso_or_none
from reconciler.errors import Finding, Level
from reconciler.report.plan.changed import find_changed_fields
from reconciler.report.plan.words import (
    by_level,
    by_risk,
    counts,
    headline,
    highest_risk,
    permission_changes,
    place_of,
    risk_counts,
    sign_of,
    target,
    verdict,
)
from reconciler.report.text.comment import Piece, Section, fit_sections, size
from reconciler.report.text.escape import clip, escape_commands, markdown, terminal
from reconciler.report.text.layout import count_words, list_words

# GitHub stores 262,144 bytes of a comment and refuses 65,537 characters of a pull request's body;
# its message speaks of 65,536 characters everywhere. In UTF-8 bytes this limit is safe by every way
# of counting. GitLab takes 1,000,000.
COMMENT_LIMIT = 65_000
SMALLEST_LIMIT = 10_000  # what is always shown fits, whatever the names are
_SQUARES = {Risk.CRITICAL: "🟥", Risk.HIGH: "🟧", Risk.MEDIUM: "🟨", Risk.LOW: "⬜"}
_REASONS_IN_ROW, _REASONS, _FIELDS, _SCOPES, _ADDRESSES, _NAMES = 3, 10, 20, 60, 5, 5
# What stays longest has the lowest number. So many errors and approvers go before everything else.
_FIRST = 20
_ROWS = {Risk.CRITICAL: 2, Risk.HIGH: 3, Risk.MEDIUM: 8, Risk.LOW: 10}
_DETAILS = {Risk.CRITICAL: 4, Risk.HIGH: 5, Risk.MEDIUM: 9, Risk.LOW: 11}
_FINDINGS = {Level.ERROR: 6, Level.WARNING: 7, Level.NOTE: 12}
_APPROVALS, _UNFINISHED = 6, 13
_HANDLE = re.compile(r"@?([A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)*)")
_EVERYBODY = frozenset({"all", "everyone", "here", "channel"})  # nobody's handle


def plan_markdown(
    plan: Plan,
    *,
    mention: bool = False,
    link: str | None = None,
    limit: int = COMMENT_LIMIT,
) -> str:
    """At most ``limit`` bytes of UTF-8. ``mention``: approvers are called, not only named.
    ``link``: an http(s) address where the whole plan is; what had to be left out refers to it."""
    actions = by_risk(plan.actions)
    findings = by_level(plan.findings)
    blocking = [finding for finding in findings if finding.level is Level.ERROR]
    others = [finding for finding in findings if finding.level is not Level.ERROR]
    sections = [
        Section(_opening(plan)),
        _section("What blocks it", _FINDING_HEAD, _findings(blocking)),
        _section("Changes", _CHANGE_HEAD, map(_row, actions)),
        _section("Who must approve", _APPROVAL_HEAD, _approvals(plan.approvals, mention=mention)),
        _section("Details", "", (piece for action in actions for piece in _detail(action))),
        _fold_section(count_words(len(others), "other finding"), _FINDING_HEAD, _findings(others)),
        _fold_section(
            f"Unfinished ({count_words(len(plan.unfinished), 'item')})",
            _UNFINISHED_HEAD,
            map(_render_unfinished, plan.unfinished),
        ),
        Section(_provenance(plan, link)),
    ]
    everything = Counter(piece.what for section in sections for piece in section.pieces)
    texts, left = fit_sections(sections, limit - size(_describe_left_out(everything, link)))
    texts.insert(3, _describe_left_out(left, link))  # below the table of changes
    return "".join(texts)


def marker(environment: str) -> str:
    """The first line, by which CI finds its own comment again."""
    return _marker("plan", environment)


def drift_marker(environment: str) -> str:
    """The first line of the issue about an environment, by which CI finds it again."""
    return _marker("drift", environment)


def _marker(subject: str, environment: str) -> str:
    return f"<!-- reconciler:{subject}:{re.sub(r'[^a-z0-9-]', '_', environment)[:63]} -->"


def _opening(plan: Plan) -> str:
    risky = highest_risk(plan) in (Risk.HIGH, Risk.CRITICAL)
    kind = "CAUTION" if plan.blocked else "WARNING" if risky else "NOTE"
    told = [f"**{verdict(plan)}**"]
    if plan.changes:
        told.append(
            " · ".join(
                f"{_SQUARES[risk]} {number} {risk.value}"
                for risk, number in risk_counts(plan).items()
            )
        )
    if plan.approvals:
        names = [f"<b>{_show(one.approver, 80)}</b>" for one in plan.approvals[:_NAMES]]
        more = len(plan.approvals) - len(names)
        told.append(
            f"Must be approved by {list_words([*names, f'{more} more'] if more else names)}."
        )
    quoted = "\n>\n".join(f"> {sentence}" for sentence in told)
    environment = _show(plan.environment, 80)
    numbers = f"{counts(plan)}.\n\n" if plan.changes else ""
    title = f"## Plan for <code>{environment}</code>: {headline(plan)}"
    return f"{marker(plan.environment)}\n{title}\n\n> [!{kind}]\n{quoted}\n\n{numbers}"


def _show(text: str, length: int) -> str:
    return markdown(clip(text, length))


def _head(*titles: str) -> str:
    return f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}\n"


_FINDING_HEAD = _head("Level", "Code", "Where", "What", "Remedy")
_CHANGE_HEAD = _head("Risk", "Action", "On", "Why")
_APPROVAL_HEAD = _head("Approver", "Why", "For")
_UNFINISHED_HEAD = _head("Kind", "What", "Since", "How it stands", "Then")
_FIELD_HEAD = _head("Field", "Before", "After")
_UNFOLD = "\n</details>\n\n"


def _section(title: str, head: str, pieces: Iterable[Piece]) -> Section:
    found = tuple(pieces)
    return Section(f"### {title}\n\n{head}", found, "\n") if found else Section("")


def _fold_section(title: str, head: str, pieces: Iterable[Piece]) -> Section:
    found = tuple(pieces)
    return Section(f"{_fold(f'<b>{title}</b>')}{head}", found, _UNFOLD) if found else Section("")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _fold(summary: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n"


def _findings(findings: Sequence[Finding]) -> Iterable[Piece]:
    for number, one in enumerate(findings):
        place, what, remedy = (
            _show(place_of(one), 200),
            _show(one.message, 400),
            _show(one.remedy, 300),
        )
        text = _line((one.level.value, _show(one.code, 40), place, what, remedy))
        first = one.level is Level.ERROR and number < _FIRST
        yield Piece(text, 0 if first else _FINDINGS[one.level], "finding")


def _row(action: Action) -> Piece:
    risk, risky = action.risk.value, action.risk in (Risk.HIGH, Risk.CRITICAL)
    why = [_show(action.message, 400)]
    why += [f"• {_show(reason, 200)}" for reason in action.risk_reasons[:_REASONS_IN_ROW] if risky]
    name = f"**{risk}**" if risky else risk
    cells = (
        f"{_SQUARES[action.risk]} {name}",
        f"`{sign_of(action)}` {action.kind.value}",
        f"<b>{_show(action.client, 100)}</b> {_show(target(action), 200)}".rstrip(),
        "<br>".join(why),
    )
    return Piece(_line(cells), _ROWS[action.risk], f"{risk} change")


def _approvals(approvals: Sequence[Approval], *, mention: bool) -> Iterable[Piece]:
    for number, one in enumerate(approvals):
        addresses = [_show(address, 200) for address in one.addresses[:_ADDRESSES]]
        more = len(one.addresses) - len(addresses)
        why = "<br>".join(_show(reason, 200) for reason in one.reasons[:_REASONS])
        cells = (
            f"<b>{_approver(one.approver, mention=mention)}</b>",
            why,
            "<br>".join([*addresses, f"and {more} more"] if more else addresses),
        )
        yield Piece(_line(cells), 1 if number < _FIRST else _APPROVALS, "approval")


def _approver(handle: str, *, mention: bool) -> str:
    """``@handle`` when somebody is to be called and this can be somebody's handle."""
    found = _HANDLE.fullmatch(handle)
    if mention and found is not None and len(handle) <= 100 and found[1].lower() not in _EVERYBODY:
        return f"@{found[1]}"
    return _show(handle, 100)


def _detail(action: Action) -> Iterable[Piece]:
    parts = [part for part in (_reasons(action), _permissions(action), _fields(action)) if part]
    if not parts:
        return
    summary = f"{_SQUARES[action.risk]} <b>{_show(action.address, 200)}</b> {action.kind.value}"
    inside = "\n".join(parts)
    yield Piece(
        f"{_fold(f'{summary} ({_show(action.reason, 60)})')}{inside}{_UNFOLD}",
        _DETAILS[action.risk],
        "detail",
    )


def _reasons(action: Action) -> str:
    # The entity keeps a reason that begins with a dash or a number from being a list of its own.
    return "".join(f"- &#8203;{_show(reason, 300)}\n" for reason in action.risk_reasons[:_REASONS])


def _permissions(action: Action) -> str:
    """A fence of lines that begin with a sign: whatever a scope is called, none of them can end
    it."""
    changed = permission_changes(action)
    if not changed:
        return ""
    width = max(len(terminal(clip(scope, 100))) for _, scope, _ in changed[:_SCOPES])
    lines = [
        escape_commands(f"{sign} {terminal(clip(scope, 100)).ljust(width)}  {risk.value}\n")
        for sign, scope, risk in changed[:_SCOPES]
    ]
    lines += [f"  and {len(changed) - _SCOPES} more\n"] if len(changed) > _SCOPES else []
    return f"Effective permissions, after wildcards:\n\n```diff\n{''.join(lines)}```\n"


def _fields(action: Action) -> str:
    fields = find_changed_fields(action)
    if not fields:
        return ""
    rows = [
        _line(_show(cell, 300) for cell in (one.path, one.before, one.after))
        for one in fields[:_FIELDS]
    ]
    more = (
        f"\nAnd {count_words(len(fields) - _FIELDS, 'more field')}.\n"
        if len(fields) > _FIELDS
        else ""
    )
    return f"{_FIELD_HEAD}{''.join(rows)}{more}"


def _render_unfinished(one: Unfinished) -> Piece:
    cells = (one.kind.value, one.subject, iso_or_none(one.since) or "", one.message, one.next)
    return Piece(_line(_show(cell, 300) for cell in cells), _UNFINISHED, "unfinished item")


def _describe_left_out(left: Counter[str], link: str | None) -> str:
    """``Left out to fit into a comment: 96 low changes and 12 details.``"""
    if not left:
        return ""
    where = f"[The whole plan]({_address(link)})" if link else "`reconciler show` of the plan file"
    named = list_words([count_words(number, what) for what, number in left.items()])
    return f"**Left out to fit into a comment: {named}.** {where} shows everything.\n\n"


def _address(link: str) -> str:
    """``link`` as the target of a Markdown link: what could end it is percent-encoded."""
    return re.sub(
        r"[^A-Za-z0-9:/?#=&%.,;~_@+-]",
        lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()),
        link,
    )


def _provenance(plan: Plan, link: str | None) -> str:
    commit = f"commit <code>{_show(plan.git_commit, 64)}</code>" if plan.git_commit else "no commit"
    whole = f" [The whole plan]({_address(link)})." if link else ""
    return (
        f"---\n<sub>Plan of {_show(plan.project, 80)} at {commit}, made {iso(plan.created_at)}, "
        f"void after {iso(plan.expires_at)}. Digest <code>{_show(plan.digest, 80)}</code>.{whole} "
        f"reconciler {__version__}</sub>\n"
    )
