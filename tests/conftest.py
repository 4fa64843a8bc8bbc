"""Fixtures for every test. What they are made of is in ``tests/kit``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.adapters.openbao import RunningServer, throw_away
from tests.kit.vault import Place, bootstrapped, unbootstrapped


@pytest.fixture(scope="session")
def openbao() -> Iterator[RunningServer]:
    """One real server for the whole session, in memory, with its root token."""
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
