"""A repository with a project in it, for every test of a whole story."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.checkout import Checkout
from tests.kit.repositories import git, isolate
from tests.kit.vault import Place


@pytest.fixture
def checkout(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A committed repository whose project has one environment, bootstrapped, and no client."""
    isolate(monkeypatch, tmp_path / "home")
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "--quiet")
    made = Checkout(root, place)
    made.project()
    made.commit("project")
    return made
