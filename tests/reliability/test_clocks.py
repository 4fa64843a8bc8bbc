"""This machine's clock is wrong, the server's is right: every decision is the one that a right
clock gives.

The whole command runs with a shifted clock, git included: ``libfaketime`` is loaded before anything
else is, by the program that every command is forked from.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.openbao.server import RunningServer
from reconciler.adapters.receiving.receiver import LoopbackReceiver
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values.canonical import iso, parse_iso
from tests.kit.git.checkout import Checkout, Ran, new_checkout
from tests.kit.git.repositories import isolate
from tests.kit.programs.commands import environ
from tests.kit.programs.waiting import until
from tests.kit.programs.zygote import Zygote, forking
from tests.kit.suite.tally import Tally
from tests.kit.vault.places import PROJECT, bootstrapped

pytestmark = pytest.mark.openbao

SHIFTS = {"+2d": timedelta(days=2), "-2d": timedelta(days=-2)}
MORE_SHIFTS = {
    "+0": timedelta(),
    "+70m": timedelta(minutes=70),
    "-70m": timedelta(minutes=-70),
    "+400d": timedelta(days=400),
    "-400d": timedelta(days=-400),
}
DAY = timedelta(days=1)


def library() -> str:
    """The library that shifts a program's clock. (Its Python package is not imported: it would
    shift ours.)"""
    found = importlib.util.find_spec("libfaketime")
    assert found is not None
    assert found.submodule_search_locations
    return str(next(Path(found.submodule_search_locations[0]).rglob("libfaketime.so.1")))


def shifted(shift: str) -> dict[str, str]:
    return {"LD_PRELOAD": library(), "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@dataclass
class Elsewhere:
    """Runs commands where the clock is wrong."""

    checkout: Checkout
    shift: str
    zygote: Zygote

    def run(self, *arguments: str) -> Ran:
        own = {
            "VAULT_TOKEN": self.checkout.place.token("run"),
            "NO_COLOR": "1",
            **shifted(self.shift),
        }
        ended = self.zygote.start(self.checkout.root, arguments, environ(**own)).wait()
        return Ran(ended.code, ended.out, ended.err)

    def apply(self, *arguments: str) -> Ran:
        return self.run(
            "apply", "-e", self.checkout.environment, "--yes", "--format", "json", *arguments
        )

    def actions(self) -> list[tuple[str, str]]:
        """(kind, client) of everything that a plan would do."""
        ran = self.run("plan", "-e", self.checkout.environment, "--format", "json")
        assert ran.code in (0, 3), ran.err
        return sorted(
            (one["kind"], one["client"]) for one in ran.json["actions"] if one["kind"] != "no-op"
        )

    def now(self) -> datetime:
        """By the server."""
        return self.checkout.place.root.now()

    def project(self, plan: Any = None, **spec: Any) -> None:
        """reconciler.yaml with how long plans hold, and settings of the environment."""
        settings = {
            "vault": {"address": self.checkout.place.server.address},
            "allowedNetworks": ["127.0.0.0/8"],
            "lease": {"ttl": "2s"},
            **spec,
        }
        content = {"keyPrefix": "acme", "environments": {self.checkout.environment: settings}}
        self.checkout.document(
            "reconciler.yaml", "Project", PROJECT, content | ({"plan": plan} if plan else {})
        )
        self.checkout.commit("project")

    def client(self, name: str, lifetime: str, renew: str, grace: str) -> None:
        rotation = {"renewBefore": renew, "grace": grace}
        self.checkout.client(
            name, keys=[{"name": "primary", "lifetime": lifetime, "rotation": rotation}]
        )


def registers_with_the_servers_time(where: Elsewhere) -> None:
    """Run id, issue, expiry, and the timestamp that a receiver checks when a webhook proves
    itself."""
    checkout = where.checkout

    def secrets() -> list[Secret]:
        value = checkout.secret("webhooks/hooked.settlements")
        return [Secret(value)] if value else []

    with LoopbackReceiver(secrets) as receiver:
        checkout.hooked("hooked", receiver.url)
        before = where.now()
        document = where.apply().ok().json
        after = where.now()
        assert all(arrival.check.accepted for arrival in receiver.arrivals), "its clock is right"
    stamp = document["run_id"].partition("-")[0]
    assert f"{before:%Y%m%dt%H%M%Sz}" <= stamp <= f"{after:%Y%m%dt%H%M%Sz}"
    client = checkout.status("hooked")
    assert client["status"] == "active"
    [version] = client["keys"][0]["versions"]
    assert before <= parse_iso(version["issued_at"]) <= after
    assert (
        before <= parse_iso(document["started_at"]) <= parse_iso(document["finished_at"]) <= after
    )
    assert where.actions() == []


def rotates_what_is_due_and_nothing_else(where: Elsewhere) -> None:
    where.client("due", "1h", "5m", "1s")
    where.client("not-due", "47h", "1h", "1s")
    where.apply().ok()
    # An hour before its expiry, two hours ahead are declared to be early enough.
    where.client("due", "90d", "2h", "1s")
    assert where.actions() == [("rotate-key", "due"), ("update-client", "due")]
    where.apply().ok()
    assert where.checkout.versions("due") == {1: "retiring", 2: "active"}
    assert where.checkout.versions("not-due") == {1: "active"}


def revokes_when_the_grace_is_over(where: Elsewhere) -> None:
    where.client("short", "90d", "30d", "1s")
    where.client("long", "90d", "30d", "1d")
    where.apply().ok()
    for name in ("short", "long"):
        where.run("rotate", "-e", where.checkout.environment, name, "--reason", "drill").ok()
    [old, _] = where.checkout.status("short")["keys"][0]["versions"]
    until(lambda: where.now() > parse_iso(old["grace_until"]))
    where.apply().ok()
    assert where.checkout.versions("short") == {1: "revoked", 2: "active"}
    assert where.checkout.versions("long") == {1: "retiring", 2: "active"}


def saved(where: Elsewhere, holds: str) -> Path:
    """A plan with something in it, saved on another machine whose clock is right."""
    where.project(plan={"expires": holds})
    where.client(f"planned-{holds}", "90d", "30d", "1h")
    where.checkout.commit("planned")
    file = where.checkout.root.parent / f"plan-{holds}.json"
    where.checkout.run("plan", "-e", where.checkout.environment, "--out", str(file)).ok()
    return file


def lets_a_plan_expire_by_the_servers_time(where: Elsewhere) -> None:
    file = saved(where, "1d")
    where.apply(str(file)).ok()
    file = saved(where, "1s")
    ends = parse_iso(json.loads(file.read_text())["expires_at"])
    until(lambda: where.now() > ends)
    ran = where.apply(str(file))
    assert (ran.code, ran.json["code"]) == (4, "RC392")
    where.project()
    where.apply().ok()


def freezes_on_the_servers_days(where: Elsewhere) -> None:
    """Around today, which is neither two days ago nor two days ahead; and not around today."""
    where.client("frozen", "90d", "30d", "1h")
    today = where.now()
    freeze = {
        "from": f"{today - DAY:%Y-%m-%d}",
        "to": f"{today + DAY:%Y-%m-%d}",
        "reason": "stocktaking",
    }
    where.project(freeze=[freeze])
    ran = where.apply()
    assert (ran.code, ran.json["code"]) == (3, "RC330")
    later = {
        "from": f"{today + 2 * DAY:%Y-%m-%d}",
        "to": f"{today + 500 * DAY:%Y-%m-%d}",
        "reason": "later",
    }
    earlier = {
        "from": f"{today - 500 * DAY:%Y-%m-%d}",
        "to": f"{today - 2 * DAY:%Y-%m-%d}",
        "reason": "earlier",
    }
    where.project(freeze=[later, earlier])
    where.apply().ok()
    where.project()


def respects_a_lease_until_it_ends(where: Elsewhere) -> None:
    def hold(end: datetime) -> None:
        version = where.checkout.vault("GET", "registry/data/lease")["data"]["metadata"]["version"]
        lease = {"format": 1, "holder": "20261123t000000z-somebody", "until": iso(end)}
        body = {"options": {"cas": version}, "data": {"doc": json.dumps(lease)}}
        where.checkout.vault("POST", "registry/data/lease", body)

    where.client("leased", "90d", "30d", "1h")
    hold(where.now() + timedelta(hours=1))
    ran = where.apply("--no-wait")
    assert (ran.code, ran.json["code"]) == (4, "RC398")
    hold(where.now() - timedelta(seconds=1))
    where.apply("--no-wait").ok()


def tells_that_the_clock_is_wrong(where: Elsewhere) -> None:
    ran = where.run("doctor", "-e", where.checkout.environment, "--format", "json")
    [clock] = [one for one in ran.json["checks"] if one["name"] == "clock"]
    assert (clock["result"] == "ok") == (where.shift == "+0")


DECISIONS: tuple[Callable[[Elsewhere], None], ...] = (
    registers_with_the_servers_time,
    rotates_what_is_due_and_nothing_else,
    revokes_when_the_grace_is_over,
    lets_a_plan_expire_by_the_servers_time,
    freezes_on_the_servers_days,
    respects_a_lease_until_it_ends,
    tells_that_the_clock_is_wrong,
)


@pytest.mark.timeout(1800)
def test_the_servers_time_decides(
    openbao: RunningServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    exhaustive: bool,
    tally: Tally,
) -> None:
    isolate(monkeypatch, tmp_path / "home")
    for number, (shift, _) in enumerate((SHIFTS | MORE_SHIFTS if exhaustive else SHIFTS).items()):
        outputs = tmp_path / f"outputs-{number}"
        outputs.mkdir()
        with (
            bootstrapped(openbao, 16) as place,
            forking(outputs, **shifted(shift)) as zygote,
        ):
            checkout = new_checkout(place, tmp_path / f"repository-{number}", 16)
            where = Elsewhere(checkout, shift, zygote)
            where.project()
            decisions = DECISIONS if exhaustive else DECISIONS[number :: len(SHIFTS)]
            for decision in decisions:
                decision(where)
                where.checkout.commit(decision.__name__)
            where.checkout.apply().ok()  # what was applied is committed by now, which is put on record
            where.checkout.assert_quiet()
        tally("decisions with a wrong clock", len(decisions))


@pytest.mark.parametrize(("shift", "wrong"), SHIFTS.items())
def test_the_clock_of_the_commands_above_is_really_wrong(shift: str, wrong: timedelta) -> None:
    """Otherwise nothing was shown."""
    program = (
        "import datetime, time; print(int(time.time()), int(datetime.datetime.now().timestamp()))"
    )
    started = datetime.now().timestamp()  # noqa: DTZ005 - compared with another such reading
    told = subprocess.run(
        [sys.executable, "-c", program],
        env=environ(**shifted(shift)),
        capture_output=True,
        text=True,
        check=True,
    )
    for reading in told.stdout.split():
        assert abs(int(reading) - started - wrong.total_seconds()) < 600
