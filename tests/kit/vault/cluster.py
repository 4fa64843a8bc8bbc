"""Three real servers on loopback that form one raft cluster, and what befalls them."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.adapters.openbao.server import can_bind, find_binary, start_process, stop_process
from reconciler.domain.secrecy.secret import Secret
from tests.kit.programs.waiting import until

# A load balancer looks this often which node is the active one, and gives up a node that says
# nothing for so long.
CHECK_SECONDS = 0.2
SILENCE_SECONDS = 0.5
# Nodes know each other by their ports, which must be free whenever they start anew: below those
# that systems hand out, and another part of them for each of the processes that run tests at the
# same time.
FIRST_PORT, PORTS_OF_A_WORKER = 20_000, 500


def ask(
    address: str, method: str, path: str, body: Any = None, token: str = "", timeout: float = 10.0
) -> Any:
    """One request to one node; None when there is no usable answer."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=timeout)
    try:
        headers = {"X-Vault-Token": token} if token else {}
        connection.request(
            method, f"/v1/{path}", None if body is None else json.dumps(body), headers
        )
        return json.loads(connection.getresponse().read() or b"{}")
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


@dataclass
class Node:
    """One server. ``process`` is None while it is dead."""

    name: str
    directory: Path
    port: int
    cluster_port: int
    process: subprocess.Popen[bytes] | None = None
    frozen: bool = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def health(self, timeout: float = SILENCE_SECONDS) -> dict[str, Any]:
        """What it says of itself; empty when it is dead or frozen."""
        if self.process is None or self.frozen:
            return {}
        return ask(self.address, "GET", "sys/health", timeout=timeout) or {}

    @property
    def saved(self) -> Path:
        return self.directory.with_name(f"{self.name}.saved")

    @property
    def active(self) -> bool:
        found = self.health()
        return found.get("sealed") is False and found.get("standby") is False

    def start(self, join: tuple[str, ...]) -> None:
        config = self.directory / "config.json"
        raft: dict[str, Any] = {
            "path": str(self.directory / "raft"),
            "node_id": self.name,
            "performance_multiplier": 1,  # an election in two seconds instead of ten
            "autopilot_update_interval": "200ms",
            "autopilot_reconcile_interval": "500ms",  # a node that is well gets its vote at once, not after ten seconds
        }
        if join:
            raft["retry_join"] = [{"leader_api_addr": address} for address in join]
        tcp = {
            "address": f"127.0.0.1:{self.port}",
            "cluster_address": f"127.0.0.1:{self.cluster_port}",
            "tls_disable": True,
        }
        (self.directory / "raft").mkdir(parents=True, exist_ok=True)
        config.write_text(
            json.dumps(
                {
                    "storage": {"raft": raft},
                    "listener": {"tcp": tcp},
                    "api_addr": self.address,
                    "cluster_addr": f"https://127.0.0.1:{self.cluster_port}",
                    "disable_mlock": True,
                    "ui": False,
                }
            )
        )
        command = [str(find_binary()), "server", f"-config={config}"]
        self.process = start_process(command, self.directory / "log", self.directory, {})


@dataclass
class Cluster:
    """``token``: its root token.

    Every method returns when the servers themselves say that it is so.
    """

    nodes: list[Node]
    token: Secret = field(default_factory=lambda: Secret("none yet"))
    key: str = field(default="", repr=False)
    _seen: tuple[float, Node | None] = (0.0, None)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        first, *others = self.nodes
        first.start(())
        until(lambda: "initialized" in first.health())
        made = ask(first.address, "PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.key, self.token = made["keys_base64"][0], Secret(made["root_token"])
        self.unseal(first)
        self.leader()
        path = "sys/storage/raft/autopilot/configuration"  # a new node votes after ten seconds otherwise
        ask(first.address, "POST", path, {"server_stabilization_time": "1s"}, self.token.reveal())
        for node in others:
            node.start((first.address,))
        for node in others:
            until(lambda node=node: node.health().get("initialized") is True)  # type: ignore[misc]
            self.unseal(node)
        until(lambda: len(self.voters()) == len(self.nodes))

    def save(self) -> None:
        """Keep what the nodes have on their disks, to start from that again. They end."""
        self.stop()
        for node in self.nodes:
            shutil.copytree(node.directory, node.saved)

    def restore(self) -> None:
        """As it was when it was saved, whatever befell it since."""
        self.stop()
        for node in self.nodes:
            shutil.rmtree(node.directory)
            shutil.copytree(node.saved, node.directory)
            node.start(())
        self.heal()

    def voters(self) -> list[str]:
        """The nodes that the leader counts."""
        path = "sys/storage/raft/configuration"
        found = ask(self.leader().address, "GET", path, token=self.token.reveal()) or {}
        servers = found.get("data", {}).get("config", {}).get("servers", [])
        return [server["node_id"] for server in servers if server["voter"]]

    def leader(self) -> Node:
        """The active node, once there is one."""
        found: list[Node] = []

        def elected() -> bool:
            found[:] = [node for node in self.nodes if node.active]
            return bool(found)

        until(elected)
        return found[0]

    def follower(self) -> Node:
        leader = self.leader()
        return next(node for node in self.nodes if node is not leader and node.health())

    def kill(self, node: Node) -> None:
        """As when the machine goes away: SIGKILL."""
        assert node.process is not None
        node.process.kill()
        node.process.wait()
        node.process = None

    def restart(self, node: Node) -> None:
        """Start a dead node on what it has on its disk, and unseal it."""
        node.start(())
        until(lambda: "initialized" in node.health())
        self.unseal(node)

    def freeze(self, node: Node) -> None:
        """It holds its connections and says nothing any more."""
        assert node.process is not None
        node.frozen = True
        os.kill(node.process.pid, signal.SIGSTOP)

    def thaw(self, node: Node) -> None:
        assert node.process is not None
        os.kill(node.process.pid, signal.SIGCONT)
        node.frozen = False

    def seal(self, node: Node) -> None:
        """A standby refuses to be sealed; it is the active node that a person seals."""
        ask(node.address, "PUT", "sys/seal", token=self.token.reveal())
        until(lambda: node.health().get("sealed") is True)

    def unseal(self, node: Node) -> None:
        def unsealed() -> bool:
            found = node.health()
            if found.get("sealed"):
                ask(node.address, "PUT", "sys/unseal", {"key": self.key})
            return node.health().get("sealed") is False

        until(unsealed)

    def heal(self) -> None:
        """Everything runs again, and there is a leader."""
        for node in self.nodes:
            if node.frozen:
                self.thaw(node)
            if node.process is None:
                self.restart(node)
            self.unseal(node)
        leader = self.leader()
        for node in self.nodes:  # a standby forwards writes once it has found the new leader
            until(lambda node=node: self._takes_writes(node))  # type: ignore[misc]
        with self._lock:
            self._seen = (time.monotonic(), leader)

    def _takes_writes(self, node: Node) -> bool:
        return bool(
            ask(node.address, "POST", "cubbyhole/probe", {"a": "b"}, self.token.reveal()) == {}
        )

    def active_address(self) -> str | None:
        """Where a load balancer sends a request: the node that its last look found to be active."""
        with self._lock:
            looked, node = self._seen
            if time.monotonic() - looked > CHECK_SECONDS:
                if node is None or not node.active:
                    node = next((one for one in self.nodes if one.active), None)
                self._seen = (time.monotonic(), node)
            return None if node is None else node.address

    def stop(self) -> None:
        for node in self.nodes:
            if node.process is not None:
                with suppress(ProcessLookupError):
                    os.kill(node.process.pid, signal.SIGCONT)
                stop_process(node.process)
                node.process, node.frozen = None, False


def ports() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST_PORT + worker * PORTS_OF_A_WORKER
    return filter(can_bind, range(first, first + PORTS_OF_A_WORKER))


@contextmanager
def clustered(directory: Path) -> Iterator[Cluster]:
    """A cluster of three that was saved: each user restores it. Gone at the end."""
    free = ports()
    cluster = Cluster(
        [Node(f"node{n}", directory / f"node{n}", next(free), next(free)) for n in range(3)]
    )
    try:
        cluster.start()
        cluster.save()
        yield cluster
    finally:
        cluster.stop()
