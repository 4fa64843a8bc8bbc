"""Fixtures for every test. What they are made of is in ``tests/kit``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from reconciler.adapters.openbao.server import RunningServer, throw_away
from reconciler.domain.secrecy.secret import Secret
from tests.kit.git.repositories import isolate
from tests.kit.git.signing import Signer, new_signer
from tests.kit.suite import fast, guarding, limits, spent
from tests.kit.suite.spent import print_spent
from tests.kit.suite.tally import Tally, counting, print_sums
from tests.kit.vault.places import Place, bootstrapped, unbootstrapped

fast.register()
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--exhaustive",
        action="store_true",
        help="try every case of tests/reliability, not a sample",
    )
    parser.addoption(
        "--fast",
        action="store_true",
        help="fewer examples of each law, no server, no program of others",
    )
    parser.addoption(
        "--dearest",
        metavar="COUNT",
        type=int,
        default=0,
        help="print this many tests with the seconds of CPU that each took, the dearest first",
    )
    parser.addoption(
        "--server",
        metavar="ADDRESS",
        help="a development server to use instead of a throw-away OpenBao; its root token is in RECONCILER_TEST_TOKEN",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Another server than OpenBao is not asked for what OpenBao alone has."""
    if config.getoption("--server"):
        skip = pytest.mark.skip(reason="OpenBao alone has that")
        for item in items:
            if item.get_closest_marker("openbao_only"):
                item.add_marker(skip)


@pytest.hookimpl(tryfirst=True)  # pytest-timeout reads the limit when it is configured
def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(limits)
    config.pluginmanager.register(guarding)
    config.pluginmanager.register(spent)
    if config.getoption("--fast"):
        settings.load_profile(fast.PROFILE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    print_sums(terminalreporter)
    print_spent(terminalreporter, terminalreporter.config.getoption("--dearest"))


@pytest.fixture(scope="session")
def exhaustive(pytestconfig: pytest.Config) -> bool:
    """Whether to try every case instead of the sample that fits into CI."""
    return bool(pytestconfig.getoption("--exhaustive"))


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    """Call it with a kind of case and how many were tried; the end of the run prints the sums."""
    return counting(record_property)


@pytest.fixture(scope="session", autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is read from the configuration of whoever runs the tests, and nothing written into
    it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("configuration")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def openbao(pytestconfig: pytest.Config) -> Iterator[RunningServer]:
    """One real server for the whole session, in memory, with its root token."""
    fast.leave_out("OpenBao")
    address = pytestconfig.getoption("--server")
    if address:
        yield RunningServer(str(address), Secret(os.environ["RECONCILER_TEST_TOKEN"]), pid=0)
        return
    with throw_away() as server:
        yield server


@pytest.fixture
def place(openbao: RunningServer) -> Iterator[Place]:
    """A bootstrapped environment of its own, with tokens for every role."""
    with bootstrapped(openbao) as made:
        yield made


@pytest.fixture
def bare_place(openbao: RunningServer) -> Iterator[Place]:
    """An environment of which nothing exists yet."""
    with unbootstrapped(openbao) as made:
        yield made


@pytest.fixture
def ada(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Signer:
    """Somebody whose key signs commits. Git has no other settings than those of the test."""
    isolate(monkeypatch, tmp_path / "home")
    return new_signer(tmp_path / "keys", "ada")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden(name, text)`` compares with ``golden/<name>`` beside the test; UPDATE_GOLDEN=1
    writes the file instead."""

    def compare(name: str, text: str) -> None:
        path = request.path.with_name("golden") / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        assert text == path.read_text(encoding="utf-8"), (
            f"look at {path.name}; if right: UPDATE_GOLDEN=1 make test"
        )

    return compare
