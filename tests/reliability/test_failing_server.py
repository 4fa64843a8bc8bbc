"""A server that fails in the middle of a run: the run finishes or stops cleanly, and the next one
converges."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest

from reconciler.adapters.openbao.server import RunningServer
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.errors import VaultDenied, VaultError
from reconciler.registry.requests import ReadDocument, StoredDocument, WriteDocument, Written
from tests.kit.blows.failing import Blow, Stand, standing
from tests.kit.blows.witness import Witness
from tests.kit.git.repositories import isolate
from tests.kit.programs.waiting import until
from tests.kit.suite.tally import Tally
from tests.kit.vault.cluster import Cluster, Node, clustered
from tests.kit.vault.proxy import CUT, PASS, RESET_AFTER, RESET_BEFORE, Action, answering

pytestmark = pytest.mark.openbao

ALL, FEW = 200, 12
SEALED = '{"errors":["Vault is sealed"]}'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    isolate(monkeypatch, tmp_path / "home")
    return tmp_path / "repository"


class Stands(Protocol):
    def __call__(self, clients: int, **vault: Any) -> AbstractContextManager[Stand]: ...


@pytest.fixture
def stands(openbao: RunningServer, folder: Path) -> Stands:
    """Environments on the one server of the session."""
    numbers = itertools.count()

    def stand(clients: int, **vault: Any) -> AbstractContextManager[Stand]:
        where = folder.with_name(f"r{next(numbers)}")
        return standing(openbao.address, openbao.token, where, clients, **vault)

    return stand


@pytest.fixture(scope="module")
def saved_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with clustered(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def cluster(saved_cluster: Cluster) -> Iterator[Cluster]:
    """For each test as it was at first: after many elections OpenBao's standbys may dial a leader
    of the past for minutes."""
    saved_cluster.restore()
    yield saved_cluster
    saved_cluster.stop()


def shares(exhaustive: bool) -> tuple[float, ...]:
    """After what share of its writes a run is struck."""
    return (0.0, 0.1, 0.33, 0.5, 0.67, 0.9, 0.99) if exhaustive else (0.5,)


# Failures that pass


def asked_to_wait_until(stand: Stand) -> Action:
    """One second from now, by the clock of the server and of nobody else."""
    now = stand.checkout.place.root.now()
    dates = (
        f"Date: {format_datetime(now, True)}",
        f"Retry-After: {format_datetime(now + timedelta(seconds=1), True)}",
    )
    return answering(429, "", *dates)


PASSING: dict[str, tuple[int, Callable[[Stand], Action]]] = {
    "429 without Retry-After": (20, lambda stand: answering(429)),
    "429 with Retry-After: 1": (20, lambda stand: answering(429, "", "Retry-After: 1")),
    "429 with Retry-After as a date": (5, asked_to_wait_until),
    "500": (20, lambda stand: answering(500)),
    "502": (20, lambda stand: answering(502, "<html>bad gateway</html>")),
    "503": (20, lambda stand: answering(503, "<html>overloaded</html>", "Retry-After: 0")),
    "503 sealed": (20, lambda stand: answering(503, SEALED)),
    "504": (20, lambda stand: answering(504)),
    "reset before": (20, lambda stand: RESET_BEFORE),
    "reset after": (5, lambda stand: RESET_AFTER),
    "cut": (5, lambda stand: CUT),
}


def test_a_failure_that_passes_is_waited_out(
    stands: Stands, exhaustive: bool, tally: Tally
) -> None:
    """The run does all that it was to do."""
    for fault in (
        PASSING if exhaustive else ("429 with Retry-After as a date", "502", "reset after", "cut")
    ):
        span, strike = PASSING[fault]
        for share in shares(exhaustive):
            with stands(ALL if exhaustive else FEW) as stand:
                witness = Witness(stand.checkout)
                # At the beginning and at the end few requests share the blows, and none is tried
                # twenty times in 30 s.
                blow = Blow(
                    stand.write(share), partial(strike, stand), span if 0.1 <= share < 0.9 else 5
                )
                ran = stand.apply(blow)
                assert blow.struck
                assert ran.code == 0, f"{fault}: {ran.out}{ran.err}"
                stand.converge(witness)
            tally("failures of the server in the middle of a run", 1)


# Failures that do not pass

LASTING: dict[str, tuple[Action, str]] = {
    "429 with Retry-After: 3600": (
        answering(429, "", "Retry-After: 3600"),
        "it asks to wait 3600 s",
    ),
    "429": (answering(429), "limits the rate of requests"),
    "500": (answering(500), "the server or a proxy before it fails"),
    "502": (answering(502), "the server or a proxy before it fails"),
    "503 sealed": (answering(503, SEALED), "the server is sealed"),
    "reset before": (RESET_BEFORE, "was cut"),
    "reset after": (RESET_AFTER, "was cut"),
    "cut": (CUT, "was cut"),
}


def test_a_failure_that_lasts_stops_the_run(stands: Stands, exhaustive: bool, tally: Tally) -> None:
    for fault in LASTING if exhaustive else ("429 with Retry-After: 3600", "reset after"):
        action, advice = LASTING[fault]
        for share in shares(exhaustive):
            with stands(ALL if exhaustive else FEW, patience="1s") as stand:
                witness = Witness(stand.checkout)
                ran = stand.apply(
                    Blow(stand.write(share), partial(strike_with, action), span=1 << 30)
                )
                assert ran.code in (1, 5), f"{fault}: {ran.out}{ran.err}"
                assert (
                    "stopping: " in ran.err or ran.json["kind"] == "error"
                )  # that it did not begin
                assert advice in ran.err
                stand.converge(witness)
            tally("failures of the server in the middle of a run", 1)


def strike_with(action: Action) -> Action:
    return action


class LostCommit:
    """The commit of one bucket is made and its answer is lost; the bucket is out of reach until, at
    the end of the run, an empty one is looked at."""

    def __init__(self, bucket: str, empty: str) -> None:
        self._bucket, self._empty = f"/data/{bucket}", f"/data/{empty}"
        self._writes = 0
        self.over = False

    def __call__(self, _number: int, method: str, path: str) -> Action:
        if self._writes == 2 and path.endswith(self._empty):
            self.over = True
        if self.over or not path.endswith(self._bucket):
            return PASS
        self._writes += method == "POST"
        if self._writes < 2:
            return PASS
        return RESET_AFTER if method == "POST" else RESET_BEFORE


def test_what_was_done_all_the_same_is_reported_as_done(stands: Stands, tally: Tally) -> None:
    with stands(FEW, patience="1s") as stand:
        witness = Witness(stand.checkout)
        used = {stand.checkout.bucket(f"partner-{number:03}") for number in range(FEW)}
        empty = next(name for name in (f"buckets/{one:x}" for one in range(16)) if name not in used)
        lost = LostCommit(stand.checkout.bucket("partner-000"), empty)
        ran = stand.apply(lost)
        assert lost.over
        assert "stopping: " in ran.err
        told = {
            one["kind"]: one["status"]
            for one in ran.json["outcomes"]
            if one["client"] == "partner-000"
        }
        assert set(told.values()) == {"done"}
        stand.converge(witness)
    tally("failures of the server in the middle of a run", 1)


# A cluster


def striking(cluster: Cluster, strike: Callable[[Node], None], at: int) -> Blow:
    def hit() -> Action:
        strike(cluster.leader())
        return PASS

    return Blow(at, hit)


def befall(
    cluster: Cluster,
    folder: Path,
    clients: int,
    strike: Callable[[Node], None],
    share: float = 0.5,
    **vault: Any,
) -> int:
    """An apply whose cluster is struck after a share of its writes; its exit code once everything
    was judged."""
    with standing(
        cluster.active_address, cluster.token, folder, clients, cluster.heal, **vault
    ) as stand:
        witness = Witness(stand.checkout)
        blow = striking(cluster, strike, stand.write(share))
        ran = stand.apply(blow)
        assert blow.struck == 1
        stand.converge(witness)
        return ran.code


def test_the_leader_is_killed_in_the_middle_of_two_hundred_clients(
    cluster: Cluster, folder: Path, exhaustive: bool, tally: Tally
) -> None:
    """The others elect a new one within the patience of a request: the run finishes."""
    for number, share in enumerate(shares(exhaustive)):
        assert befall(cluster, folder.with_name(f"r{number}"), ALL, cluster.kill, share) == 0
        tally("members of a cluster struck in the middle of a run", 1)


def restarting(cluster: Cluster) -> Callable[[Node], None]:
    """Killed and started again at once, as by systemd."""

    def strike(node: Node) -> None:
        cluster.kill(node)
        cluster.restart(node)

    return strike


def thawing(cluster: Cluster) -> Callable[[Node], None]:
    """Frozen until the others have elected a new leader: it wakes up with the old one's requests in
    its hands."""

    def strike(node: Node) -> None:
        cluster.freeze(node)

        def wake() -> None:
            until(lambda: any(one.active for one in cluster.nodes))
            cluster.thaw(node)

        threading.Thread(target=wake, name="wake").start()

    return strike


STRIKES: dict[str, Callable[[Cluster], Callable[[Node], None]]] = {
    "sealed": lambda cluster: cluster.seal,
    "restarted": restarting,
    "frozen": lambda cluster: cluster.freeze,
    "frozen and thawed": thawing,
}


@pytest.mark.parametrize("name", STRIKES)
def test_the_leader_is_struck(
    name: str, cluster: Cluster, folder: Path, exhaustive: bool, tally: Tally
) -> None:
    for number, share in enumerate(shares(exhaustive)):
        clients, where = ALL if exhaustive else FEW, folder.with_name(f"r{number}")
        assert befall(cluster, where, clients, STRIKES[name](cluster), share, timeout="2s") == 0
        tally("members of a cluster struck in the middle of a run", 1)


def test_a_follower_is_frozen(
    cluster: Cluster, folder: Path, exhaustive: bool, tally: Tally
) -> None:
    clients = ALL if exhaustive else FEW
    assert befall(cluster, folder, clients, lambda leader: cluster.freeze(cluster.follower())) == 0
    tally("members of a cluster struck in the middle of a run", 1)


def test_a_cluster_without_a_majority_stops_the_run(
    cluster: Cluster, folder: Path, tally: Tally
) -> None:
    """Two of three are gone: nothing can be committed, nothing that was is lost."""

    def strike(leader: Node) -> None:
        cluster.kill(cluster.follower())
        cluster.kill(leader)

    assert befall(cluster, folder, FEW, strike, patience="1s", timeout="2s") in (1, 5)
    tally("members of a cluster struck in the middle of a run", 1)


def test_runs_through_any_node_of_a_cluster(
    cluster: Cluster, folder: Path, exhaustive: bool, tally: Tally
) -> None:
    """A balancer without health checks: standbys forward writes and answer reads themselves, from
    what they have."""
    cluster.heal()
    nodes = itertools.cycle([node.address for node in cluster.nodes])
    standby = cluster.follower().address
    for number, upstream in enumerate((lambda: next(nodes), lambda: standby)):
        clients, where = ALL if exhaustive else FEW, folder.with_name(f"r{number}")
        with standing(cluster.active_address, cluster.token, where, clients) as stand:
            stand.proxy.upstream = upstream
            witness = Witness(stand.checkout)
            assert stand.apply().code == 0
            for one in range(clients // 4):
                stand.checkout.client(f"partner-{one:03}", scopes=["ledger:read"])
            stand.checkout.commit("other scopes")
            assert stand.apply().code in (0, 5), (
                "what it looked at first may be older than what the first run wrote"
            )
            stand.converge(witness)
        tally("runs through standbys", 2)


def test_a_standby_tells_what_was_just_written_through_it(
    cluster: Cluster, folder: Path, tally: Tally
) -> None:
    """By itself it does not: it answers with the state before the write that it has forwarded."""
    cluster.heal()
    with standing(cluster.active_address, cluster.token, folder, 1) as stand:
        live = stand.checkout.place.live_with(
            cluster.token.reveal(), address=cluster.follower().address
        )

        def mounted() -> bool:
            try:
                return isinstance(live.answer(ReadDocument("meta")), StoredDocument)
            except VaultError:  # a standby hears of a new mount a little later
                return False

        until(mounted)
        for number in range(50):
            written = live.answer(WriteDocument("lease", f"text {number}", number))
            assert isinstance(written, Written)
            found = live.answer(ReadDocument("lease"))
            assert isinstance(found, StoredDocument)
            assert (found.text, found.version) == (f"text {number}", number + 1)
    tally("reads through a standby", 50)


# The token


def is_valid(stand: Stand, token: str) -> bool:
    try:
        stand.checkout.place.root.adapter.post("/v1/auth/token/lookup", json={"token": token})
    except (StatusError, VaultDenied):
        return False
    return True


def test_a_token_that_expires_stops_the_run(stands: Stands, exhaustive: bool, tally: Tally) -> None:
    for clients in (FEW, ALL) if exhaustive else (FEW,):
        for share in shares(exhaustive):
            with stands(clients) as stand:
                witness = Witness(stand.checkout)
                token = stand.checkout.place.new_token("run", ttl="4s", renewable=False)

                def held(stand: Stand = stand, token: str = token) -> Action:
                    until(lambda: not is_valid(stand, token))
                    return PASS

                # Every thread of the run is held: without that a small run would be over before its
                # token is.
                ran = stand.apply(Blow(stand.write(share), held, span=1 << 30), token)
                refused(ran.code, ran.err, token)
                stand.converge(witness)
            tally("tokens that ended in the middle of a run", 1)


def refused(code: int, err: str, token: str) -> None:
    assert code in (1, 5), err
    assert "the token is expired, revoked or unknown" in err
    assert "run the same command again" in err or "log in again" in err
    assert token not in err


def test_a_token_that_is_revoked_stops_the_run(
    stands: Stands, exhaustive: bool, tally: Tally
) -> None:
    for share in shares(exhaustive):
        with stands(FEW) as stand:
            witness = Witness(stand.checkout)
            token = stand.checkout.place.new_token("run")

            def revoke(stand: Stand = stand, token: str = token) -> Action:
                stand.checkout.place.root.adapter.post(
                    "/v1/auth/token/revoke", json={"token": token}
                )
                return PASS

            ran = stand.apply(Blow(stand.write(share), revoke), token)
            refused(ran.code, ran.err, token)
            stand.converge(witness)
        tally("tokens that ended in the middle of a run", 1)


def test_a_token_that_may_be_renewed_outlives_its_ttl(stands: Stands, tally: Tally) -> None:
    """Held in the middle until its first life is over: only a renewal lets the run finish."""
    with stands(FEW) as stand:
        witness = Witness(stand.checkout)
        root = stand.checkout.place.root
        token = stand.checkout.place.new_token("run", ttl="6s")
        ends = root.adapter.post("/v1/auth/token/lookup", json={"token": token}).data["expire_time"]

        def held() -> Action:
            until(lambda: f"{root.now():%Y-%m-%dT%H:%M:%S}" > ends[:19])
            return PASS

        ran = stand.apply(Blow(stand.write(0.5), held), token)
        assert ran.code == 0, ran.out + ran.err
        assert any(one.path.endswith("/renew-self") for one in stand.proxy.log)
        stand.converge(witness)
    tally("tokens that were renewed in the middle of a run", 1)
