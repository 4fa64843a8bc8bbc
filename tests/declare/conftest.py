"""A small valid project, and a way to say what differs from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {name: acme}
spec:
  keyPrefix: acme
  environments:
    staging:
      vault: {address: "http://127.0.0.1:8200"}
    production:
      vault: {address: "https://vault.example.com"}
      requires: staging
"""
SCOPES = """\
apiVersion: reconciler/v1
kind: ScopeCatalog
spec:
  scopes:
    - {name: payouts:write, risk: high}
    - {name: payouts:read, risk: low}
    - {name: ledger:read, risk: low}
"""
POLICY = """\
apiVersion: reconciler/v1
kind: GuardrailPolicy
spec:
  budgets:
    removals: {percent: 30, atLeast: 10}
"""
TEMPLATE = """\
apiVersion: reconciler/v1
kind: IntegrationTemplate
metadata: {name: paystack}
spec:
  keys:
    - {name: primary, lifetime: 90d, rotation: {renewBefore: 30d, grace: 72h}}
  webhooks:
    - {name: settlements, events: [payout.settled], secret: {lifetime: 180d}}
"""
CLIENT = """\
apiVersion: reconciler/v1
kind: IntegrationClient
metadata:
  name: payouts
spec:
  template: paystack
  owner: {team: payments}
  scopes: [payouts:write]
  environments:
    staging:
      webhooks: [{name: settlements, url: "https://hooks.staging.example.com/p"}]
    production:
      webhooks: [{name: settlements, url: "https://hooks.example.com/p"}]
"""
FILES = {
    "reconciler.yaml": PROJECT,
    "scopes.yaml": SCOPES,
    "policy.yaml": POLICY,
    "templates/paystack.yaml": TEMPLATE,
    "clients/payouts.yaml": CLIENT,
}

MakeProject = Callable[[Mapping[str, str | bytes | None]], Path]


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """Write the valid project with some files replaced, added or (None) left out; returns its
    folder."""

    def make(changes: Mapping[str, str | bytes | None]) -> Path:
        for name, content in (FILES | dict(changes)).items():
            if content is None:
                continue
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else dedent(content).encode())
        return tmp_path

    return make


def client(name: str = "payouts", metadata: str = "", spec: str = "") -> str:
    """A valid client with one key in staging; ``spec`` is more of its spec, indented by two."""
    more = f"\n{spec}" if spec else ""
    return (
        f"apiVersion: reconciler/v1\nkind: IntegrationClient\nmetadata: {{name: {name}{metadata}}}\n"
        f"spec:\n  environments: {{staging: }}\n  keys: [{{name: primary}}]{more}\n"
    )
