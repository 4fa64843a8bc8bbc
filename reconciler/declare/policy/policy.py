"""A document of kind GuardrailPolicy → ``domain.declared.desired.GuardrailPolicy``."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from reconciler.dataclass import dataclass
from reconciler.declare.clients.catalogue import Catalogue
from reconciler.declare.files.audit_folder import lies_in_audit
from reconciler.declare.files.documents import Document
from reconciler.declare.files.files import is_inside, name_file, plain_path
from reconciler.declare.findings.collector import Collector, source_of
from reconciler.declare.findings.nodes import Map
from reconciler.declare.findings.suggest import did_you_mean
from reconciler.declare.policy.rules import build_custom_rules, build_rules, environments_of
from reconciler.declare.project.project import read_checked
from reconciler.declare.schema.schemas import acceptor
from reconciler.declare.webhooks.values import calendar_day
from reconciler.declare.yaml.text import parse
from reconciler.domain.declared.checkout import Committed
from reconciler.domain.declared.desired import (
    ApplyDemands,
    ApproverRule,
    Budget,
    DistinctApprover,
    GuardrailPolicy,
    Waiver,
)
from reconciler.domain.declared.proof import Demand
from reconciler.planning.guards.guards import WORDS
from reconciler.planning.rules.built_in import RULES_BY_NAME

# These let a client go whose file may be gone already, so its name need not be declared any more.
_ABOUT_REMOVAL = frozenset({"protect", "budget-removals", "remove-all"})
_LIMITS = frozenset({"keyMax", "secretMax", "min"})  # of the rule lifetime, which sets at least one


def build_policy(document: Document, found: Collector) -> GuardrailPolicy:
    """What is not said keeps its defaults; a rule or waiver with a wrong value is reported and left
    out.

    Where something of the policy was not understood, all rules are: one that lacks a value finds
    what it was never meant to.
    """
    spec = document.spec
    budgets, demands = spec.sub("budgets"), spec.sub("apply")
    written = (_waiver(item, document.sound, found) for item, _ in spec.items_at("waivers"))
    built = GuardrailPolicy(
        removals=_budget(budgets.sub("removals")),
        changes=_budget(budgets.sub("changes")),
        waivers=tuple(waiver for waiver in written if waiver is not None),
        probes={name: Demand(demand) for name, demand in spec.sub("probes").items()},
        rules=build_rules(spec, found),
        custom_rules=build_custom_rules(spec),
        approvers=tuple(
            _approver(item) for item, _ in spec.items_at("approvers") if "approver" in item
        ),
        teams={team: _handle(handle) for team, handle in spec.sub("teams").items()},
        apply=_demands(demands, found),
    )
    return built if document.sound else replace(built, rules=(), custom_rules=())


def _demands(spec: Map, found: Collector) -> ApplyDemands:
    return ApplyDemands(
        _read_allowed_signers(spec.sub("signedCommits"), found),
        DistinctApprover(spec.get("distinctApprover", DistinctApprover.OFF)),
        Committed(spec["committed"]) if "committed" in spec else None,
    )


def demands_in(text: str) -> ApplyDemands:
    """What a policy of another time asks of ``apply``; nothing when it is none that could have been
    applied."""
    found = Collector()
    for parsed in parse(text, "policy.yaml", found):
        value = parsed.value
        if (
            isinstance(value, Map)
            and value.get("kind") == "GuardrailPolicy"
            and acceptor("GuardrailPolicy")(value)
        ):
            return build_policy(
                Document("GuardrailPolicy", "policy.yaml", value, sound=True), found
            ).apply
    return ApplyDemands()


def _budget(spec: Map) -> Budget:
    default = Budget()
    return Budget(spec.get("percent", default.percent), spec.get("atLeast", default.at_least))


def _waiver(item: Map, sound: bool, found: Collector) -> Waiver | None:  # noqa: FBT001
    until = read_checked(item, "until", calendar_day, "RC201", found, "")
    named = [item[field] for field in ("guard", "rule") if field in item]
    if len(named) != 1:
        if sound:  # else the word may be in what was not understood
            what = "both a guard and a rule" if named else "neither a guard nor a rule"
            found.add("RC207", item.mark, f"the waiver names {what}")
        return None
    if not until or not {"client", "reason", "approver"} <= item.keys():
        return None
    return Waiver(
        named[0],
        item["client"],
        item["reason"],
        item["approver"],
        until,
        source_of(item.mark),
        environments_of(item),
    )


def _approver(item: Map) -> ApproverRule:
    when = item.sub("when")
    scopes = tuple(scope for scope, _ in when.items_at("scopes"))
    return ApproverRule(
        _handle(item["approver"]),
        when.get("risk"),
        scopes,
        dict(when.sub("labels")),
        environments_of(when),
    )


def _handle(text: str) -> str:
    """A handle may be written with the @ that platforms put before it."""
    return text.removeprefix("@")


def _read_allowed_signers(spec: Map, found: Collector) -> str | None:
    path = spec.get("allowedSigners")
    if path is not None and not is_inside(path):
        found.add(
            "RC160", spec.marks["allowedSigners"], f"the allowed signers cannot be kept in `{path}`"
        )
        return None
    if path is None:
        return None
    name_file(path, spec.marks["allowedSigners"], found)
    return plain_path(path)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a policy refers to.

    ``clients`` None: not all of them could be read. ``audit``: where reports are kept.
    """

    clients: Collection[str] | None
    environments: Collection[str]
    catalogue: Catalogue
    audit: str | None


def check_policy(
    document: Document,
    around: Surroundings,
    found: Collector,
) -> None:
    """Everything that a policy names and that does not exist."""
    spec = document.spec
    custom = _check_names(spec, found)
    limits = spec.sub("rules").sub("lifetime")
    if "level" in limits and document.sound and not _LIMITS & limits.keys():
        found.add(
            "RC208", limits.mark, "rules.lifetime says no limit: it has no keyMax, secretMax or min"
        )
    _check_signers(spec.sub("apply").sub("signedCommits"), around.audit, found)
    for item, _ in spec.items_at("waivers"):
        _check_waiver(item, {*RULES_BY_NAME, *custom}, around, found)
    for where in _with_environments(spec):
        for name, mark in where.items_at("environments"):
            if around.environments and name not in around.environments:
                hint = did_you_mean(name, around.environments)
                found.add("RC133", mark, f"the environment `{name}` does not exist", hint=hint)
    patterns = [spec.sub("rules").sub("wildcard-scopes").items_at("allow")]
    patterns += [item.sub("when").items_at("scopes") for item, _ in spec.items_at("approvers")]
    for scope, mark in (pair for pairs in patterns for pair in pairs):
        fault = around.catalogue.fault(scope)
        if fault:
            code, message, hint = fault
            found.add(code, mark, message, hint=hint)


def _check_signers(
    spec: Map,
    audit: str | None,
    found: Collector,
) -> None:
    """Commits of reports are not verified: nothing that is trusted may be among them."""
    path = str(spec.get("allowedSigners", ""))
    if audit is not None and lies_in_audit(path, audit):
        found.named.pop(plain_path(path), None)  # told here, where it is written
        message = (
            f"the allowed signers cannot be kept in `{audit}`, the folder of the audit reports"
        )
        found.add("RC160", spec.marks["allowedSigners"], message)


def _with_environments(spec: Map) -> Iterator[Map]:
    """Every part of a policy that may be limited to some environments."""
    rules = spec.sub("rules")
    yield from (rules.sub(name) for name in rules)
    for section in ("customRules", "waivers"):
        yield from (item for item, _ in spec.items_at(section))
    yield from (item.sub("when") for item, _ in spec.items_at("approvers"))


def _check_names(spec: Map, found: Collector) -> set[str]:
    """The names of the rules of one's own; each has one meaning, in waivers too."""
    seen: dict[str, int] = {}
    for item in spec.list_named("customRules"):
        name, mark = item["name"], item.marks["name"]
        if name in seen:
            found.add(
                "RC233", mark, f"`{name}` is already the name of the rule in line {seen[name]}"
            )
        elif name in RULES_BY_NAME or name in WORDS:
            what = "a built-in rule" if name in RULES_BY_NAME else "a guard"
            found.add("RC233", mark, f"`{name}` is the name of {what}")
        seen.setdefault(name, mark[1])
    return set(seen)


def _check_waiver(
    item: Map,
    rules: Collection[str],
    around: Surroundings,
    found: Collector,
) -> None:
    """A waiver names a client that is not declared only where that is its very purpose."""
    rule, name = item.get("rule"), item.get("client", "*")
    if rule is not None and rule not in rules:
        hint = did_you_mean(rule, rules)
        if rule in WORDS:
            hint = f"`{rule}` is a guard: write guard: {rule}"
        found.add("RC203", item.marks["rule"], f"the policy has no rule `{rule}`", hint=hint)
    if name == "*" or around.clients is None or name in around.clients:
        return
    hint = did_you_mean(name, around.clients)
    if hint or item.get("guard") not in _ABOUT_REMOVAL:
        found.add(
            "RC202",
            item.marks["client"],
            f"the waiver names `{name}`, which is not declared",
            hint=hint,
        )
