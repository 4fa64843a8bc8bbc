"""What a use case returns: values that know their JSON, which is that of ``--format json``.

Each wraps what the inner packages made (``content``, ``result``, ``observed``, ``tested``) and adds
nothing to it. The library hands them out as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, overload

import reconciler.domain.plan.plan as plans
from reconciler.dataclass import dataclass
from reconciler.domain.live.observed import Observed
from reconciler.domain.plan.run import RunResult
from reconciler.domain.plan.unfinished import Unfinished
from reconciler.domain.secrecy import mask_document
from reconciler.domain.values.canonical import escape_json
from reconciler.errors import AuditError, Finding, Level

if TYPE_CHECKING:
    from reconciler.engine.testing import Tested


@dataclass(frozen=True, slots=True)
class Findings(Sequence[Finding]):
    """All that is wrong, or worth knowing, of a declaration, in the order of its files.

    >>> found = Findings((Finding("RC134", Level.ERROR, "unknown field lifetme"),))
    >>> found.valid, len(found), found[0].code
    (False, 1, 'RC134')
    """

    found: tuple[Finding, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether none of them is an error."""
        return not any(finding.level is Level.ERROR for finding in self.found)

    def to_json(self) -> str:
        """The document of ``reconciler validate --format json``."""
        from reconciler.report.findings import findings_json

        return _printable(findings_json(self.found))

    @overload
    def __getitem__(self, index: int) -> Finding: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Finding]: ...

    def __getitem__(self, index: int | slice) -> Finding | Sequence[Finding]:
        return self.found[index]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


@dataclass(frozen=True, slots=True)
class Plan:
    """What apply would do to an environment, in order, and why.

    Equal to another plan that says the same. ``content`` is the plan as the planner made it.
    """

    content: plans.Plan

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The inverse of ``to_json``: reads a plan file.

        Raises ``ReconcilerError`` RC396 (not a plan) or RC397 (a format of another version), and
        ``StalePlanError`` RC399 (edited since it was written).
        """
        from reconciler.engine.planfile.load import load_plan

        return cls(load_plan(text))

    @property
    def environment(self) -> str:
        return self.content.environment

    @property
    def digest(self) -> str:
        """``sha256:…`` of all that would be done: equal plans have equal digests."""
        return self.content.digest

    @property
    def created_at(self) -> datetime:
        """By the server's clock, UTC."""
        return self.content.created_at

    @property
    def expires_at(self) -> datetime:
        """From then on ``apply`` refuses the plan."""
        return self.content.expires_at

    @property
    def actions(self) -> tuple[plans.Action, ...]:
        """Every step in order, with explicit no-ops."""
        return self.content.actions

    @property
    def changes(self) -> tuple[plans.Action, ...]:
        """The actions that change something; none: all is as declared."""
        return self.content.changes

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What somebody should know or decide; an error among them blocks the plan."""
        return self.content.findings

    @property
    def blocked(self) -> bool:
        """Whether ``apply`` would refuse the plan."""
        return self.content.blocked

    def to_json(self) -> str:
        """The plan file, byte for byte as ``plan --out`` writes it in UTF-8, and as
        ``plan --format json`` prints it."""
        from reconciler.engine.planfile.document import plan_json

        return _printable(plan_json(self.content))


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did. ``problem`` is why its report is not where it belongs, None when it is there.

    ``saved``: the plan was there before.
    """

    result: RunResult
    problem: AuditError | None = None
    saved: bool = False

    @property
    def run_id(self) -> str:
        return self.result.run_id

    @property
    def outcomes(self) -> tuple[plans.Outcome, ...]:
        """What became of each action, in the order in which they ended."""
        return self.result.outcomes

    @property
    def complete(self) -> bool:
        """Whether nothing failed and nothing was left out. Otherwise the same call goes on where
        this one stopped."""
        return self.result.complete

    @property
    def report(self) -> str | None:
        """The JSON audit report, below the project; None when nothing was written."""
        return self.result.audit_path

    @property
    def commit(self) -> str | None:
        """The commit that holds the report; None when it was not committed."""
        return self.result.audit_commit

    def to_json(self) -> str:
        """The document of ``reconciler apply --format json``."""
        from reconciler.report.run.report import run_json

        return _printable(run_json(self.result, self.problem))


@dataclass(frozen=True, slots=True)
class Status:
    """What Vault holds for an environment. ``only``: the client that was asked about, none: all."""

    environment: str
    observed: Observed
    unfinished: tuple[Unfinished, ...]
    only: tuple[str, ...] = ()

    @property
    def at(self) -> datetime:
        """When it was so, by the server's clock, UTC."""
        return self.observed.now

    @property
    def clients(self) -> tuple[str, ...]:
        """The names of the registered clients that were asked about, sorted."""
        return self.only or tuple(sorted(self.observed.records))

    def to_json(self) -> str:
        """The document of ``reconciler status --format json``."""
        from reconciler.report.status.json import status_json

        return _printable(
            status_json(self.environment, self.observed, self.unfinished, only=self.only)
        )


@dataclass(frozen=True, slots=True)
class Proofs:
    """Whether webhooks accept what is genuine and refuse what is not: one ``Tested`` each."""

    environment: str
    at: datetime
    tested: tuple[Tested, ...]

    @property
    def passed(self) -> bool:
        """Whether every webhook was tested and proved itself."""
        return not any(one.delivery is None or one.failed for one in self.tested)

    def to_json(self) -> str:
        """The document of ``reconciler test --format json``."""
        from reconciler.report.webhooks.tested import proofs_json

        return _printable(proofs_json(self.environment, self.at, self.tested))


def _printable(text: str) -> str:
    """As a command prints it: no secret, and nothing that a terminal or CI system acts on."""
    return escape_json(mask_document(text))
