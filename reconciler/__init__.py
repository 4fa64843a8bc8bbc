"""Declares, issues, rotates, revokes and proves the credentials of integration clients.

The library in one breath (``docs/library.md`` has the rest)::

    import reconciler

    with reconciler.open("path/to/repository", "staging") as session:
        plan = session.plan()
        if plan.changes and not plan.blocked:
            run = session.apply(plan)

Importing this package is cheap: what a name needs is imported when the name is used.
"""

from __future__ import annotations

# Checkers take it for true. Importing typing would cost more than this whole package.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from reconciler import errors
    from reconciler.app.session import Session
    from reconciler.app.session import open_session as open  # noqa: A004 - reconciler.open(…)
    from reconciler.app.values import Findings, Plan, Proofs, Run, Status
    from reconciler.domain.plan.plan import Action, Outcome
    from reconciler.engine.testing import Tested
    from reconciler.errors import Finding, ReconcilerError

__version__ = "0.1.0"

__all__ = [
    "Action",
    "Finding",
    "Findings",
    "Outcome",
    "Plan",
    "Proofs",
    "ReconcilerError",
    "Run",
    "Session",
    "Status",
    "Tested",
    "errors",
    "open",
]

# Where each name lives.
_HOMES = {
    "Action": "reconciler.domain.plan.plan:Action",
    "Finding": "reconciler.errors:Finding",
    "Findings": "reconciler.app.values:Findings",
    "Outcome": "reconciler.domain.plan.plan:Outcome",
    "Plan": "reconciler.app.values:Plan",
    "Proofs": "reconciler.app.values:Proofs",
    "ReconcilerError": "reconciler.errors:ReconcilerError",
    "Run": "reconciler.app.values:Run",
    "Session": "reconciler.app.session:Session",
    "Status": "reconciler.app.values:Status",
    "Tested": "reconciler.engine.testing:Tested",
    "open": "reconciler.app.session:open_session",
}

if not TYPE_CHECKING:  # a checker reads the imports above, and knows no other name

    def __getattr__(name: str) -> object:
        """Import a public name when it is used (PEP 562)."""
        from importlib import import_module  # noqa: PLC0415 - for whoever uses the library only

        if name == "errors":  # ``except reconciler.errors.BlockedError`` without another import
            return import_module("reconciler.errors")
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, inside = home.partition(":")
        value = getattr(import_module(module), inside)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
