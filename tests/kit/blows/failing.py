"""A user's checkout before a server that fails in the middle of a run, and what must hold
afterwards."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.adapters.openbao.server import RunningServer
from reconciler.domain.kinds import credentials
from reconciler.domain.secrecy.secret import Secret
from tests.kit.blows.stories import time_goes_by
from tests.kit.blows.witness import Witness
from tests.kit.git.checkout import Checkout, Ran, new_checkout
from tests.kit.programs.commands import reconciler
from tests.kit.programs.waiting import until
from tests.kit.vault.places import bootstrapped
from tests.kit.vault.proxy import PASS, Action, Proxy, passing, proxying


class Blow:
    """A rule of the proxy: at the ``at``-th write to the environment, and at the ``span - 1``
    requests of any kind that follow it, ``strike`` decides."""

    def __init__(self, at: int, strike: Callable[[], Action], span: int = 1) -> None:
        self._at, self._span, self._strike = at, span, strike
        self._writes = 0
        self._lock = threading.Lock()
        self.struck = 0

    def __call__(self, _number: int, method: str, path: str) -> Action:
        with self._lock:
            self._writes += method == "POST" and "/data/" in path
            if self._writes < self._at or self.struck >= self._span:
                return PASS
            self.struck += 1
        return self._strike()


@dataclass
class Stand:
    """``clients`` is how many are declared. ``heal`` makes the server whole again."""

    checkout: Checkout
    proxy: Proxy
    heal: Callable[[], None]
    clients: int
    began: dict[str, int] = field(default_factory=dict)

    def write(self, share: float) -> int:
        """The number of the write after that share of the first apply: claims, secrets, commits."""
        buckets = {self.checkout.bucket(f"partner-{number:03}") for number in range(self.clients)}
        return max(1, int((self.clients + 2 * len(buckets)) * share))

    def apply(
        self, rule: Callable[[int, str, str], Action] = passing, token: str | None = None
    ) -> Ran:
        """``apply`` as a process of its own, with the least that it needs to be allowed.

        ``rule`` counts from here.
        """
        self.began = self.checkout.everything_written()
        seen = self.proxy.count
        self.proxy.rule = rule
        own = {
            "VAULT_ADDR": self.proxy.address,
            "VAULT_TOKEN": token or self.checkout.place.token("run"),
        }
        try:
            arguments = ("apply", "-e", self.checkout.environment, "--yes", "--format", "json")
            ended = reconciler(self.checkout.root, *arguments, NO_COLOR="1", **own)
        finally:
            self.proxy.rule = passing
        self.checkout.printed += [ended.stdout, ended.stderr]
        ran = Ran(ended.returncode, ended.stdout, ended.stderr)
        self.heal()
        until(lambda: not self.proxy.open, 0.01)  # nothing of it is on its way any more
        self._acknowledged(seen)
        self._told(ran)
        return ran

    def _acknowledged(self, since: int) -> None:
        """I10: every write whose success was told to the run is there:

        KV v2 counts one version for each.
        """
        prefix = f"/v1/integrations/{self.checkout.environment}/"
        told = Counter(
            one.path.removeprefix(prefix).replace("/data/", "/metadata/", 1)
            for one in self.proxy.log[since:]
            if one.method == "POST" and "/data/" in one.path and one.status == 200
        )
        there = self.checkout.everything_written()
        for path, count in told.items():
            if path.startswith("registry/metadata/runs/") or "/part-" in path:
                continue  # ends with its run, or once git has the entry
            short = (
                path.removeprefix("registry/metadata/")
                if path.endswith(("/lease", "/meta", "/applied", "/ledger"))
                else path
            )
            assert there[short] >= self.began.get(short, 0) + count, (
                f"I10: {path} lost an acknowledged write"
            )

    def _told(self, ran: Ran) -> None:
        """The exit code says what the report says, and the last words what to do."""
        assert ran.code in (0, 1, 5), ran.out + ran.err
        document = ran.json
        if ran.code == 0:
            assert {one["status"] for one in document["outcomes"]} <= {"done"}
            return
        last = ran.err.strip().splitlines()[-2:]
        assert any("run the same command again" in line or "remedy:" in line for line in last), (
            ran.err
        )
        if document["kind"] == "error":
            assert (ran.code, bool(document["code"]), bool(document["remedy"])) == (1, True, True)
            return
        done = sum(one["status"] == "done" for one in document["outcomes"])
        assert ran.code == (5 if done else 1), ran.err
        versions = {
            name: record.series[credentials.KEY, "primary"]
            for name, record in Witness(self.checkout).records().items()
        }
        for one in document["outcomes"]:  # I10: what was said to be done is done
            if one["status"] == "done" and one["kind"] == "issue-key":
                assert versions[one["client"]].version(one["version"]) is not None

    def converge(self, witness: Witness) -> None:
        """After whatever happened: what must hold at once; one more run ends it, the next one does
        nothing."""
        witness.collect()
        witness.look()
        time_goes_by(self.checkout)
        self.checkout.apply().ok()
        witness.look()
        self.checkout.assert_quiet()
        witness.collect()
        witness.look()
        witness.complete()
        witness.clean()
        witness.canary()
        assert len(witness.records()) == self.clients
        assert (
            self.checkout.run("status", "-e", self.checkout.environment, "--format", "json").json[
                "open_runs"
            ]
            == []
        )


@contextmanager
def standing(
    upstream: str | Callable[[], str | None], token: Secret, folder: Path, clients: int,
    heal: Callable[[], None] = lambda: None, **vault: Any,
) -> Iterator[Stand]:  # fmt: skip
    """A fresh environment, with ``clients`` declared that have one key each, and none registered.

    The run that fails has a proxy of its own; an administrator and the runs afterwards come another
    way.
    """
    buckets = 256 if clients > 100 else 16
    with (
        proxying(upstream) as proxy,
        proxying(upstream) as aside,
        bootstrapped(RunningServer(aside.address, token, 0), buckets) as place,
    ):
        checkout = new_checkout(place, folder, buckets)
        checkout.project(
            vault={"address": aside.address, "timeout": "5s", **vault}, lease={"ttl": "3s"}
        )
        for number in range(clients):
            checkout.client(f"partner-{number:03}")
        checkout.commit("clients")
        yield Stand(checkout, proxy, heal, clients)
