"""The repository that is measured: one file a client, a hundred in a folder.

Each client has a key of the usual kind and, where ``webhooks`` are wanted, a webhook of two events.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

ENVIRONMENT = "bench"
EVENTS = ("payout.settled", "payout.failed")

_PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {{name: benchmark}}
spec:
  keyPrefix: bench
  environments:
    {environment}:
      vault: {{address: "{address}"}}
      allowedNetworks: [127.0.0.0/8]
"""
_SCOPES = """\
apiVersion: reconciler/v1
kind: ScopeCatalog
metadata: {name: scopes}
spec:
  scopes:
    - {name: "payouts:write", risk: high}
    - {name: "ledger:read", risk: low}
"""
_NO_PROBES = """\
apiVersion: reconciler/v1
kind: GuardrailPolicy
metadata: {name: policy}
spec:
  probes: {tampered: "off", wrongSecret: "off", replayed: "off", future: "off", unsigned: "off"}
"""
_CLIENT = """\
apiVersion: reconciler/v1
kind: IntegrationClient
metadata:
  name: {name}
  labels: {{team: payments, tier: critical}}
spec:
  owner: {{team: payments, contact: payments@example.com}}
  justification: nightly settlement of merchant payouts for {name}
  scopes: [payouts:write, ledger:read]
  allowedCidrs: [203.0.113.0/24]
  keys:
    - name: primary
      lifetime: 90d
      rotation: {{renewBefore: 30d, grace: 72h, window: "Mon-Fri 09:00-16:00 Europe/London"}}
"""
_WEBHOOK = """\
  webhooks:
    - name: settlements
      events: [{events}]
      secret: {{lifetime: 180d, grace: 24h}}
      delivery: {{timeout: 10s, attempts: 5}}
"""
_EVERYWHERE = """\
  environments:
    {environment}: {{}}
"""
_WITH_URL = """\
  environments:
    {environment}:
      webhooks: [{{name: settlements, url: "{url}/payouts/{name}"}}]
"""


def declare(
    directory: Path,
    clients: int,
    address: str,
    urls: Sequence[str] = (),
    *,
    probes: bool = False,
) -> None:
    """Write the project into ``directory``. ``address``: of Vault. Without ``urls`` no client has a
    webhook; else their webhooks go to these in turns. ``probes``: whether webhooks must refuse what
    is not genuine."""
    project = _PROJECT.format(environment=ENVIRONMENT, address=address)
    (directory / "reconciler.yaml").write_text(project, encoding="utf-8")
    (directory / "scopes.yaml").write_text(_SCOPES, encoding="utf-8")
    if not probes:
        (directory / "policy.yaml").write_text(_NO_PROBES, encoding="utf-8")
    template = _CLIENT + (_WEBHOOK + _WITH_URL if urls else _EVERYWHERE)
    for number in range(clients):
        name = f"client-{number:06}"
        folder = directory / "clients" / f"{number // 100:04}"
        folder.mkdir(parents=True, exist_ok=True)
        text = template.format(
            name=name,
            events=", ".join(EVENTS),
            environment=ENVIRONMENT,
            url=urls[number % len(urls)] if urls else "",
        )
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
