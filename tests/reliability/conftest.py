"""Fixtures of the tests that break things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.openbao.server import RunningServer
from tests.kit.blows.stage import Stage
from tests.kit.git.repositories import isolate
from tests.kit.programs.zygote import Zygote, forking
from tests.kit.vault.places import bootstrapped
from tests.kit.vault.proxy import proxying
from tests.kit.webhooks.receivers import answers, receiving
from tests.kit.worlds.memory import BUCKETS
from tests.kit.worlds.real import RealWorld


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Starts whole commands as processes of their own."""
    with forking(tmp_path_factory.mktemp("outputs")) as waiting:
        yield waiting


@pytest.fixture
def stage(
    openbao: RunningServer, zygote: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """The real server behind a proxy, and a place for repositories."""
    isolate(monkeypatch, tmp_path / "home")
    with proxying(openbao.address) as proxy:
        yield Stage(openbao, zygote, proxy, tmp_path)


@pytest.fixture(scope="module")
def world(openbao: RunningServer) -> Iterator[RealWorld]:
    """The real server as a world for scenarios."""
    with receiving(answers(204)) as receiver, bootstrapped(openbao, BUCKETS) as place:
        yield RealWorld(place, receiver.url)
