"""Times ``reconciler plan`` with nothing to do against reading the same files with PyYAML's C
loader alone.

    python benchmarks/plan.py --clients 1000 --rounds 5

Starts a throw-away OpenBao, declares the clients (one key and one webhook each), applies them once
and then takes turns: baseline, plan, baseline, plan, ... Each is a whole process, from its start to
its end. See README.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.printing import Rounds, print_ratio
from benchmarks.receiver import careful_receiver
from reconciler.adapters.openbao.server import find_binary, throw_away

RECONCILER = [
    sys.executable,
    "-c",
    "import sys; from reconciler.cli.main import main; sys.exit(main())",
]
READ_ALL = """
import sys, yaml
from pathlib import Path
for path in sorted(Path(sys.argv[1]).rglob("*.yaml")):
    with path.open("rb") as file:
        list(yaml.load_all(file, yaml.CSafeLoader))
"""
BASELINE = [sys.executable, "-c", READ_ALL]
PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {{name: benchmark}}
spec:
  keyPrefix: bench
  environments:
    bench:
      vault: {{address: "{address}"}}
      allowedNetworks: [127.0.0.0/8]
"""
SCOPES = """\
apiVersion: reconciler/v1
kind: ScopeCatalog
metadata: {name: scopes}
spec:
  scopes:
    - {name: "payouts:write", risk: high}
    - {name: "ledger:read", risk: low}
"""
CLIENT = """\
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
  webhooks:
    - name: settlements
      events: [payout.settled, payout.failed]
      secret: {{lifetime: 180d, grace: 24h}}
      delivery: {{timeout: 10s, attempts: 5}}
  environments:
    bench:
      webhooks: [{{name: settlements, url: "{url}/payouts/{name}"}}]
"""


def declare(directory: Path, clients: int, address: str, url: str) -> None:
    """One file a client, a hundred in a folder."""
    (directory / "reconciler.yaml").write_text(PROJECT.format(address=address), encoding="utf-8")
    (directory / "scopes.yaml").write_text(SCOPES, encoding="utf-8")
    for number in range(clients):
        name = f"client-{number:06}"
        folder = directory / "clients" / f"{number // 100:04}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.yaml").write_text(CLIENT.format(name=name, url=url), encoding="utf-8")


def timed(command: list[str], environment: dict[str, str]) -> float:
    """Seconds of wall time.

    Raises ``CalledProcessError`` with the command's own words on stderr.
    """
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(clients: int, rounds: int) -> tuple[float, list[float], list[float]]:
    """Seconds of the one apply, and of each round of baseline and plan."""
    with throw_away() as server, tempfile.TemporaryDirectory() as name:
        token = server.token.reveal()
        environment = {**os.environ, "VAULT_ADDR": server.address, "VAULT_TOKEN": token}
        command = [*RECONCILER, "--project", name, "--quiet"]
        with careful_receiver("bench", environment) as url:
            declare(Path(name), clients, server.address, url)
            timed([*command, "bootstrap", "-e", "bench"], environment)
            applied = timed([*command, "apply", "-e", "bench", "--yes", "--no-commit"], environment)
        plan = [*command, "plan", "-e", "bench", "--detailed-exitcode"]  # 0: nothing to do
        baselines, plans = [], []
        for turn in range(rounds + 1):
            pair = timed([*BASELINE, name], environment), timed(plan, environment)
            if turn:  # the first turn only warms the disk cache
                baselines.append(pair[0])
                plans.append(pair[1])
    return applied, baselines, plans


def server_version() -> str:
    command = [str(find_binary()), "version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return said.split(",")[0].strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--clients", type=int, default=1000, help="how many to declare (default: 1000)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="turns of each, after one to warm up (default: 5)"
    )
    options = parser.parse_args()
    applied, baselines, plans = measure(options.clients, options.rounds)
    what = f"{options.clients} clients with one key and one webhook each"
    baseline = Rounds("PyYAML's C loader alone", baselines)
    print_ratio(baseline, Rounds("reconciler plan, nothing to do", plans), what, server_version())
    each = applied / options.clients * 1000
    print(
        f"          reconciler apply, everything new   {applied:8.3f} s  (once, {each:.1f} ms a client)"
    )


if __name__ == "__main__":
    main()
