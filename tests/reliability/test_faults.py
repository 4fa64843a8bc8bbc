"""Every fault at every request of every scenario, on a real server with the tokens of the
least-privilege roles.

The faults happen between our HTTP transport and the server, so the adapter's own retries are part
of what is tried.
"""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from email.utils import formatdate
from typing import Any

import pytest

from reconciler.adapters.vault.http.exchanged import Lost, Reply
from reconciler.domain.plan.plan import OutcomeStatus
from tests.kit.suite.tally import Tally
from tests.kit.worlds.faults import Crash
from tests.kit.worlds.judge import outline
from tests.kit.worlds.real import RealRunner, RealWorld, Send, WireFault
from tests.kit.worlds.scenarios import SCENARIOS

# Of the cases, CI takes one in so many; which ones is fixed, and no two faults of a scenario share
# them. Each scenario meets every other fault there, and each fault every other scenario.
SAMPLE = 12
SAMPLE_OF_PAIRS = 160


def crash_before(send: Send) -> Reply:
    raise Crash


def crash_after(send: Send) -> Reply:
    send()
    raise Crash


def response_lost(send: Send) -> Reply:
    send()
    raise Lost("the answer was cut")


def sealed_once(send: Send) -> Reply:
    """The server itself says that it is not ready: nothing was applied."""
    return refusal(503, {"errors": ["Vault is sealed"]})


def unavailable_once(send: Send) -> Reply:
    """Something in front of the server says so, and nobody knows what the server did; it did
    nothing."""
    return refusal(503, "try later")


def late_though_applied(send: Send) -> Reply:
    """A gateway gave up waiting, and the server went on."""
    send()
    return refusal(504, "gateway timeout")


def duplicated(send: Send) -> Reply:
    """The request arrives twice, and the second answer is the one that counts."""
    send()
    return send()


def repeated(send: Send) -> Reply:
    """The request arrives again after it was answered."""
    reply = send()
    send()
    return reply


def refusal(status: int, body: Any) -> Reply:
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(status, {"date": formatdate(usegmt=True)}, text.encode())


CRASHES: dict[str, WireFault] = {"crash before": crash_before, "crash after": crash_after}
FAULTS: dict[str, WireFault] = {
    **CRASHES,
    "response lost": response_lost,
    "sealed, then not": sealed_once,
    "503, then success": unavailable_once,
    "504 though applied": late_though_applied,
    "duplicated": duplicated,
    "repeated": repeated,
}


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, tuple[int, Any]]:
    """How many requests a scenario takes, and where it ends."""
    return {}


def fresh(world: RealWorld, name: str) -> RealRunner:
    world.wipe()
    runner = RealRunner(world)
    SCENARIOS[name].prepare(runner)
    world.disturbance.calm()
    return runner


def measured(world: RealWorld, name: str, known: dict[str, tuple[int, Any]]) -> tuple[int, Any]:
    if name not in known:
        runner = fresh(world, name)
        outcomes = SCENARIOS[name].act(runner)
        count = world.disturbance.count
        assert outcomes
        assert all(outcome.status is OutcomeStatus.DONE for outcome in outcomes), outcomes
        known[name] = count, outline(world)
        SCENARIOS[name].converge(runner)
    return known[name]


def chosen(count: int, what: str, exhaustive: bool) -> list[int]:
    """The requests to disturb: at least one."""
    first = zlib.crc32(what.encode()) % min(SAMPLE, count)
    return list(range(count)) if exhaustive else list(range(first, count, SAMPLE))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if not {"name", "fault"} <= set(metafunc.fixturenames):
        return
    exhaustive = metafunc.config.getoption("exhaustive")
    cases = [
        (name, fault)
        for number, name in enumerate(SCENARIOS)
        for other, fault in enumerate(FAULTS)
        if exhaustive or (number + other) % 2 == 0
    ]
    metafunc.parametrize(("name", "fault"), cases)


def test_every_request(
    name: str,
    fault: str,
    world: RealWorld,
    undisturbed: dict[str, tuple[int, Any]],
    exhaustive: bool,
    tally: Tally,
) -> None:
    scenario = SCENARIOS[name]
    count, end = measured(world, name, undisturbed)
    tried = chosen(count, name + fault, exhaustive)
    for at in tried:
        runner = fresh(world, name)
        world.disturbance.expect(at, FAULTS[fault])
        outcomes = None
        with suppress(Crash):
            outcomes = scenario.act(runner)
        assert world.disturbance.hit is not None
        assert (outcomes is None) == (fault in CRASHES)
        if (
            outcomes is not None
        ):  # I11: with a single writer, what the network does to one request shows nowhere
            assert all(outcome.status is OutcomeStatus.DONE for outcome in outcomes), outcomes
        world.disturbance.calm()
        scenario.judge(runner)
        scenario.converge(runner)
        if not scenario.rotated:  # what a person asked for is asked for again, or not
            assert outline(world) == end, f"it ends elsewhere after {fault} at request {at}"
    tally("faults, each at one request, on a real server", len(tried))


@pytest.mark.parametrize("first", CRASHES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_recovery_crashes_too(
    name: str,
    first: str,
    world: RealWorld,
    undisturbed: dict[str, tuple[int, Any]],
    exhaustive: bool,
    tally: Tally,
) -> None:
    scenario = SCENARIOS[name]
    count, end = measured(world, name, undisturbed)
    tried = 0
    for at in range(count):
        for second in range(count + 2):
            if (
                not exhaustive
                and zlib.crc32(f"{name}{first}{at}.{second}".encode()) % SAMPLE_OF_PAIRS
            ):
                continue
            runner = fresh(world, name)
            for number, fault in ((at, CRASHES[first]), (second, crash_after)):
                world.disturbance.expect(number, fault)
                with suppress(Crash):
                    scenario.act(runner)
            hit = world.disturbance.hit
            world.disturbance.calm()
            if hit is None and exhaustive:
                break
            scenario.judge(runner)
            scenario.converge(runner)
            if not scenario.rotated:
                assert outline(world) == end, (
                    f"it ends elsewhere after crashes at requests {at} and {second}"
                )
            tried += hit is not None
    tally("double crashes on a real server", tried)
