"""A document of kind GuardrailPolicy → ``domain.desired.GuardrailPolicy``."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.declare.catalogue import Catalogue
from reconciler.declare.collector import Collector, source_of
from reconciler.declare.documents import Document
from reconciler.declare.nodes import Map
from reconciler.declare.project import checked
from reconciler.declare.suggest import did_you_mean
from reconciler.declare.values import calendar_day
from reconciler.domain.desired import ApproverRule, Budget, GuardrailPolicy, Waiver
from reconciler.domain.proof import Demand

# These let a client go whose file may be gone already, so its name need not be declared any more.
_ABOUT_REMOVAL = frozenset({"protect", "budget-removals", "remove-all"})


def build_policy(document: Document, found: Collector) -> GuardrailPolicy:
    """Budgets not said keep their defaults; a waiver with a wrong date is reported and left out."""
    budgets = document.spec.sub("budgets")
    waivers = tuple(waiver for item, _ in document.spec.items_at("waivers") if (waiver := _waiver(item, found)))
    probes = {name: Demand(demand) for name, demand in document.spec.sub("probes").items()}
    return GuardrailPolicy(
        removals=_budget(budgets.sub("removals")),
        changes=_budget(budgets.sub("changes")),
        waivers=waivers,
        probes=probes,
        approvers=tuple(_approver(item) for item, _ in document.spec.items_at("approvers") if "approver" in item),
        teams={team: _handle(handle) for team, handle in document.spec.sub("teams").items()},
    )


def _budget(spec: Map) -> Budget:
    default = Budget()
    return Budget(spec.get("percent", default.percent), spec.get("atLeast", default.at_least))


def _waiver(item: Map, found: Collector) -> Waiver | None:
    until = checked(item, "until", calendar_day, "RC201", found, "")
    if not until or not {"guard", "client", "reason", "approver"} <= item.keys():
        return None
    source = source_of(item.mark)
    return Waiver(item["guard"], item["client"], item["reason"], item["approver"], until, source)


def _approver(item: Map) -> ApproverRule:
    when = item.sub("when")
    scopes, environments = (tuple(name for name, _ in when.items_at(field)) for field in ("scopes", "environments"))
    return ApproverRule(_handle(item["approver"]), when.get("risk"), scopes, dict(when.sub("labels")), environments)


def _handle(text: str) -> str:
    """A handle may be written with the @ that platforms put before it."""
    return text.removeprefix("@")


def check_approvers(document: Document, environments: Collection[str], catalogue: Catalogue, found: Collector) -> None:
    """Scopes and environments that approvers are asked about and that do not exist."""
    for item, _ in document.spec.items_at("approvers"):
        when = item.sub("when")
        for name, mark in when.items_at("environments"):
            if environments and name not in environments:
                hint = did_you_mean(name, environments)
                found.add("RC133", mark, f"the environment `{name}` does not exist", hint=hint)
        for scope, mark in when.items_at("scopes"):
            fault = catalogue.fault(scope)
            if fault:
                code, message, hint = fault
                found.add(code, mark, message, hint=hint)


def check_waivers(document: Document, clients: Collection[str], found: Collector) -> None:
    """Waivers that name a client which is not declared, as far as that is a slip and not their very purpose."""
    for item, _ in document.spec.items_at("waivers"):
        name = item.get("client", "*")
        if name == "*" or name in clients:
            continue
        hint = did_you_mean(name, clients)
        if hint or item.get("guard") not in _ABOUT_REMOVAL:
            found.add("RC202", item.marks["client"], f"the waiver names `{name}`, which is not declared", hint=hint)
