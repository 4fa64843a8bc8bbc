"""The declaration under the policy's rules, as far as that needs no Vault."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime

from reconciler.declare.clients.read_client import ReadClient
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Mark
from reconciler.declare.findings.places import inside
from reconciler.domain.declared.desired import (
    CustomRule,
    DesiredClient,
    GuardrailPolicy,
    RuleLevel,
    Violation,
    Waiver,
)
from reconciler.domain.plan.judgement import Judge, RuleJudgement
from reconciler.domain.plan.scopes import ScopeTable
from reconciler.domain.values.names import client_address
from reconciler.errors import Finding, Level, Source
from reconciler.planning.guards.waivers import date_findings, find_waiver, waive
from reconciler.planning.rules.built_in import RULES_BY_NAME
from reconciler.planning.rules.custom_rules import (
    DECLARED_ONLY,
    LIVE,
    collect_declared_facts,
    find_answers,
    find_blamed,
    is_ending,
    write_remedy,
)

_LEVELS = {RuleLevel.DENY: Level.ERROR, RuleLevel.WARN: Level.WARNING}
# Before any date that a waiver can name: without a clock every waiver holds.
_NO_CLOCK = datetime(1, 1, 1, tzinfo=UTC)


def violations_in(clients: Iterable[ReadClient], environment: str) -> Iterator[Violation]:
    """What breaks a built-in rule in ``environment``."""
    for client in clients:
        yield from client.violations.get(environment, ())


class Review:
    """Reports what breaks the rules of a policy in any environment.

    A client that could not be understood is not judged. ``now`` None: waivers are not judged by
    dates.
    """

    def __init__(
        self,
        policy: GuardrailPolicy,
        found: Collector,
        now: datetime | None,
        judge: Judge | None,
    ) -> None:
        self._policy = policy
        self._found = found
        self._now = now
        self._judge = judge
        self._used: set[Waiver] = set()

    def report(
        self,
        clients: Collection[ReadClient],
        environments: Collection[str],
        table: ScopeTable,
    ) -> None:
        """``clients`` in the order of their names."""
        whole = not self._found.errors
        judged = set(RULES_BY_NAME)
        for environment in environments:
            for one in violations_in(clients, environment):
                self._tell(
                    Finding(
                        one.code,
                        _LEVELS[one.level],
                        one.message,
                        one.address,
                        one.remedy,
                        one.source,
                    ),
                    one.rule,
                    one.client,
                    environment,
                )
        if self._judge is not None and self._policy.custom_rules:
            judged |= self._custom(clients, environments, table, self._judge)
        if self._now is not None:
            for finding in date_findings(self._policy.waivers, self._now):
                self._add(finding)
        if whole:
            self._report_unused(judged, clients)

    def _tell(
        self,
        finding: Finding,
        rule: str,
        client: str,
        environment: str,
    ) -> None:
        waiver = find_waiver(
            self._policy.waivers, rule, client, environment, self._now or _NO_CLOCK
        )
        if waiver is not None:
            self._used.add(waiver)
            finding = waive(finding, waiver)
        self._add(finding)

    def _add(self, finding: Finding) -> None:
        self._found.add(
            finding.code,
            _mark(finding.source),
            finding.message,
            remedy=finding.remedy,
            address=finding.address,
            level=finding.level,
        )

    def _custom(
        self,
        clients: Collection[ReadClient],
        environments: Collection[str],
        table: ScopeTable,
        judge: Judge,
    ) -> set[str]:
        """Rules of one's own; the names of those that could be judged by the declaration alone."""
        judged = {
            (environment, client.name): one
            for environment in environments
            for client in clients
            if client.sound and isinstance(one := client.resolved.get(environment), DesiredClient)
        }
        rows = [
            collect_declared_facts(client, environment, table)
            for (environment, _), client in judged.items()
            if not is_ending(client)
        ]
        rules = self._policy.custom_rules
        complete = set()
        for rule, judgement in zip(
            rules, judge([rule.when for rule in rules], rows, DECLARED_ONLY), strict=True
        ):
            self._faults(rule, judgement)
            if rule.level is RuleLevel.OFF or judgement.faults or judgement.needs & LIVE:
                continue
            complete.add(rule.name)
            for row, code, sentence in find_answers(rule, judgement, rows):
                environment, name = str(row["environment"]), str(row["client"])
                source = find_blamed(rule, code, judged[environment, name].source)
                self._tell(
                    Finding(
                        code,
                        _LEVELS[rule.level],
                        sentence,
                        client_address(name),
                        write_remedy(rule, code),
                        source,
                    ),
                    rule.name,
                    name,
                    environment,
                )
        return complete

    def _faults(
        self,
        rule: CustomRule,
        judgement: RuleJudgement,
    ) -> None:
        mark = _mark(rule.source)
        for fault in judgement.faults:
            place = inside(mark, rule.when, fault.offset, self._found.texts.get(mark[0], ""))
            self._found.add("RC232", place, fault.message)

    def _report_unused(
        self,
        judged: set[str],
        clients: Collection[ReadClient],
    ) -> None:
        """Waivers of rules that nobody breaks any more: what they excuse could be broken anew
        without a word."""
        declared = {client.name for client in clients if client.resolved}
        for waiver in self._policy.waivers:
            void = self._now is not None and waiver.until <= self._now.date().isoformat()
            known = waiver.client == "*" or waiver.client in declared
            if waiver.guard in judged and known and not void and waiver not in self._used:
                whom = "no client" if waiver.client == "*" else f"{waiver.client} no longer"
                self._found.add(
                    "RC206",
                    _mark(waiver.source),
                    f"the waiver covers nothing: {whom} breaks {waiver.guard}",
                )


def _mark(source: Source | None) -> Mark:
    assert source is not None  # every finding of a review is about a file
    return source.file, source.line, source.column
