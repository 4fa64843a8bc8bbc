"""A client made again of what was kept of it is the client that was resolved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.declare.clients.kept_client import keep_client, outline_client, resolve_kept
from reconciler.declare.clients.read_client import ReadClient
from reconciler.declare.findings.collector import Collector
from reconciler.declare.repository import load_all
from reconciler.declare.webhooks.payloads import Payloads
from reconciler.declare.webhooks.webhook import Webhooks
from reconciler.domain.declared.desired import ClientOutline, Desired
from tests.declare.conftest import POLICY, MakeProject, client
from tests.kit.programs.commands import ROOT

_POLICY = POLICY + "  probes: {replayed: warn, future: 'off'}\n"
CLIENTS = {
    "keys": client(
        "keys",
        spec="""\
  protect: true
  state: suspended
  scopes: [payouts:write, ledger:read]
  owner: {team: payments, contact: payments@example.com}
  justification: "Zahlungen an Zoë: \\"nightly\\""
  allowedCidrs: [203.0.113.0/24, "2001:DB8::/32"]""",
    ).replace(
        "keys: [{name: primary}]",
        "keys:\n    - {name: second, lifetime: 12h, rotation: {renewBefore: 1h, grace: 0s}}\n"
        "    - {name: a-first, lifetime: 90d, reissueAfter: 3,"
        " rotation: {renewBefore: 30d, grace: 72h, window: Sat 22:00-04:00 Europe/London}}",
    ),
    "retired": client("retired", spec="  state: retired"),
    "labels": client("labels", ", labels: {tier: gold, team: a}"),
    "webhooks": client(
        "webhooks",
        spec="""\
  webhooks:
    - name: second
      url: https://hooks.example.com/b?x=1
      events: [b.b, a.a]
      secret: {lifetime: 30d, renewBefore: 3d, grace: 12h, window: daily 01:00-03:00}
      delivery: {timeout: 3s, attempts: 2, retryFor: 5s}
      headers: {X-Tenant: acme, Accept-Language: en}
      probes: {tampered: warn, future: require, unsigned: "off"}
      payloads: {a.a: {example: {amount: 1, items: [{x: null}, true]}}}
      expect: {status: [204, 202], json: {path: "$.ok", equals: [1, {a: b}]}}
    - name: a-first
      url: https://hooks.example.com/a
      events: [a.a]
      signature: {algorithm: ed25519}
      secret: {lifetime: 30d, reissueAfter: 2}
    - name: github
      url: https://hooks.example.com/g
      events: [a.a]
      signature: {scheme: github}
    - name: own
      url: https://hooks.example.com/o
      events: [a.a]
      signature:
        scheme: custom
        algorithm: hmac-sha512
        custom: {header: X-Sign, signed: [timestamp, body], tag: "v1=", separator: ",", timestampTag: "t="}
      expect: {status: 200}""",
    ),
}


def again(desired: Desired, root: Path) -> dict[str, object]:
    """What is made of what is kept of each client."""
    webhooks = Webhooks(Payloads(root, Collector()), tuple(desired.policy.probes.items()))
    made: dict[str, object] = {}
    for name, one in desired.clients.items():
        read = ReadClient(
            name,
            (one.source.file, one.source.line, one.source.column),
            None if one.renamed_from is None else (one.renamed_from, (one.source.file, 7, 3)),
            ("payments", (one.source.file, 9, 4)),
            sound=True,
            resolved={"here": one},
            violations={},
        )
        kept = keep_client(read, "here")
        outlined = outline_client(kept, one.source.file, "here")
        outline = outlined.resolved["here"]
        assert isinstance(outline, ClientOutline)
        assert replace(outlined, resolved={}) == replace(read, resolved={})
        made[name] = resolve_kept(outline, kept.spec, webhooks)
    return made


def test_of_the_example() -> None:
    root = ROOT / "examples/acme-integrations"
    loaded = load_all(root)
    assert sum(len(desired.clients) for desired in loaded) >= 10
    for desired in loaded:
        assert again(desired, root) == desired.clients


@pytest.mark.parametrize("name", CLIENTS)
def test_of_whatever_can_be_declared(name: str, make_project: MakeProject) -> None:
    root = make_project({"policy.yaml": _POLICY, f"clients/{name}.yaml": CLIENTS[name]})
    (desired,) = (one for one in load_all(root) if one.environment.name == "staging")
    assert name in desired.clients
    assert again(desired, root) == desired.clients
