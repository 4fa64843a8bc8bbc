"""Times ``reconciler plan`` with nothing to do against reading the same files with PyYAML's C loader alone.

    python benchmarks/plan.py --clients 1000 --rounds 5

Starts a throw-away OpenBao, declares the clients (one key and one webhook each), applies them once and then takes
turns: baseline, plan, baseline, plan, ... Each is a whole process, from its start to its end. See README.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from reconciler import __version__
from reconciler.adapters.openbao import find_binary, throw_away

RECONCILER = [sys.executable, "-c", "import sys; from reconciler.cli.main import main; sys.exit(main())"]
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
      webhooks: [{{name: settlements, url: "{url}/payouts"}}]
"""


class Accepting(BaseHTTPRequestHandler):
    """A receiver that accepts everything: what is measured here is the sender."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", "0")))
        self.send_response(204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server calls
        """Quiet."""


@contextmanager
def receiver() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Accepting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


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
    """Seconds of wall time. Raises ``CalledProcessError`` with the command's own words on stderr."""
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(clients: int, rounds: int) -> tuple[float, list[float], list[float]]:
    """Seconds of the one apply, and of each round of baseline and plan."""
    with throw_away() as server, receiver() as url, tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        declare(directory, clients, server.address, url)
        environment = {**os.environ, "VAULT_ADDR": server.address, "VAULT_TOKEN": server.token.reveal()}
        command = [*RECONCILER, "--project", name, "--quiet"]
        timed([*command, "bootstrap", "-e", "bench"], environment)
        applied = timed([*command, "apply", "-e", "bench", "--yes", "--no-commit"], environment)
        plan = [*command, "plan", "-e", "bench", "--detailed-exitcode"]  # fails unless there is nothing to do
        baselines, plans = [], []
        for turn in range(rounds + 1):
            pair = timed([*BASELINE, name], environment), timed(plan, environment)
            if turn:  # the first turn only warms the disk cache
                baselines.append(pair[0])
                plans.append(pair[1])
    return applied, baselines, plans


def machine() -> str:
    """What it was measured on: ratios travel, seconds do not."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    server = subprocess.run([find_binary(), "version"], capture_output=True, text=True, check=True).stdout.split(",")[0]
    return f"{os.cpu_count()} x {model}, {platform.system()}, Python {platform.python_version()}, {server.strip()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--clients", type=int, default=1000, help="how many to declare (default: 1000)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each, after one to warm up (default: 5)")
    options = parser.parse_args()
    applied, baselines, plans = measure(options.clients, options.rounds)
    baseline, plan = statistics.median(baselines), statistics.median(plans)
    print(f"reconciler {__version__}; {machine()}")
    print(f"{options.clients} clients with one key and one webhook each, medians of {options.rounds} rounds")
    print(f"baseline, PyYAML C loader alone    {baseline:8.3f} s  ({min(baselines):.3f} to {max(baselines):.3f})")
    print(f"reconciler plan, nothing to do     {plan:8.3f} s  ({min(plans):.3f} to {max(plans):.3f})")
    print(f"ratio plan / baseline              {plan / baseline:8.2f}")
    each = applied / options.clients * 1000
    print(f"reconciler apply, everything new   {applied:8.3f} s  (once, {each:.1f} ms a client)")


if __name__ == "__main__":
    main()
