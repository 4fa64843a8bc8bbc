"""A repository with a project in it, for every test of a whole story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.openbao import RunningServer
from tests.kit.checkout import Checkout, new_checkout
from tests.kit.repositories import git, isolate
from tests.kit.vault import Place, bootstrapped


@pytest.fixture
def checkout(openbao: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkout]:
    """A committed repository whose project has one environment, bootstrapped, and no client.

    Its registry has 16 buckets, so that clients share buckets and a test costs few requests.
    """
    with bootstrapped(openbao, 16) as place:
        isolate(monkeypatch, tmp_path / "home")
        yield new_checkout(place, tmp_path / "repository", 16)


@pytest.fixture
def wide_checkout(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """The same with the 256 buckets that everybody gets."""
    isolate(monkeypatch, tmp_path / "home")
    return new_checkout(place, tmp_path / "repository")


@pytest.fixture
def remote(checkout: Checkout, tmp_path: Path) -> Path:
    """A bare repository that the checkout's branch follows."""
    bare = tmp_path / "remote.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(checkout.root), str(bare))
    git(checkout.root, "remote", "add", "origin", str(bare))
    git(checkout.root, "push", "--quiet", "--set-upstream", "origin", "main")
    return bare
