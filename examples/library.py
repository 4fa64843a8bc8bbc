"""Brings an environment up to date, from Python: ``python examples/library.py REPOSITORY ENV``.

The token is taken from VAULT_TOKEN and passed on explicitly. Exit code 3: a guard blocks the plan.
"""

from __future__ import annotations

import os
import sys

import reconciler
from reconciler.errors import BlockedError


def bring_up_to_date(repository: str, environment: str, token: str) -> int:
    """Validate, plan, apply; what is done is printed as it would be reviewed."""
    with reconciler.open(repository, environment, token=token, notes=print) as session:
        findings = session.validate()
        for finding in findings:
            print(f"{finding.level}[{finding.code}] {finding.message}")
        if not findings.valid:
            return 1
        plan = session.plan()
        for action in plan.changes:
            print(f"{action.risk}: {action.kind} {action.address} ({action.reason})")
        if not plan.changes:
            return 0
        try:
            run = session.apply(plan)
        except BlockedError as error:
            print(error)
            return 3
        for outcome in run.outcomes:
            print(f"{outcome.status}: {outcome.action.address}")
        return report(session.status(), run)


def report(status: reconciler.Status, run: reconciler.Run) -> int:
    """What is there now, and where the evidence lies."""
    print(f"{len(status.clients)} clients at {status.at:%H:%M:%S}; report {run.report}")
    return 0 if run.complete and run.problem is None else 1


if __name__ == "__main__":
    sys.exit(bring_up_to_date(sys.argv[1], sys.argv[2], os.environ["VAULT_TOKEN"]))
