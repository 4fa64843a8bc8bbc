"""A repository with a project in it, for every test of a whole story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.openbao.server import RunningServer
from reconciler.declare.clients import kept_files
from tests.kit.git.checkout import Checkout, new_checkout
from tests.kit.git.repositories import git, isolate
from tests.kit.vault.habits import VaultHabits, vault_like
from tests.kit.vault.places import Place, bootstrapped

# Stories that are told twice: on OpenBao, and through a proxy with the habits of HashiCorp Vault.
# Where what is refused, deleted, destroyed or signed is the matter, all of a module.
TOLD_TWICE = frozenset({"test_bootstrap", "test_key_pairs", "test_names_only", "test_roles"})
# Elsewhere these of a module, and all of it with ``--exhaustive``.
TOLD_TWICE_IN_PART = {
    "test_canary": {"test_no_output_report_or_git_object_holds_a_secret"},
    "test_main_job": {
        "test_twenty_clients_are_applied_and_then_nothing_is_written",
        "test_a_refused_delivery_leaves_the_client_pending_until_it_passes",
    },
    "test_revoke": {
        "test_a_revoked_key_is_gone_and_not_issued_again_until_it_is_declared",
        "test_revoking_a_client_ends_keys_and_signing_secrets_and_suspends_it",
        "test_revoking_twice_changes_nothing_more",
    },
    "test_rotation": {
        "test_a_key_rotates_when_due_and_both_versions_work_through_the_grace",
        "test_a_webhook_is_signed_with_both_secrets_in_a_rotation",
    },
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "habits" not in metafunc.fixturenames:
        return
    module = metafunc.module.__name__.rpartition(".")[2]
    in_part = TOLD_TWICE_IN_PART.get(module, set())
    exhaustive = bool(metafunc.config.getoption("exhaustive")) and bool(in_part)
    if module in TOLD_TWICE or metafunc.function.__name__ in in_part or exhaustive:
        metafunc.parametrize("habits", ["openbao", "vault"], indirect=True)


@pytest.fixture
def seen(openbao: RunningServer) -> Iterator[tuple[RunningServer, VaultHabits]]:
    """The server as Vault, and its habits."""
    with vault_like(openbao) as made:
        yield made


@pytest.fixture
def habits(request: pytest.FixtureRequest) -> VaultHabits | None:
    """Those of HashiCorp Vault, None for OpenBao's own."""
    if getattr(request, "param", "openbao") == "openbao":
        return None
    pair: tuple[RunningServer, VaultHabits] = request.getfixturevalue("seen")
    return pair[1]


@pytest.fixture(autouse=True)
def keep_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan keeps what it found of the fewest clients too."""
    monkeypatch.setattr(kept_files, "LEAST", 0)


@pytest.fixture
def checkout(
    request: pytest.FixtureRequest,
    openbao: RunningServer,
    habits: VaultHabits | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Checkout]:
    """A committed repository whose project has one environment, bootstrapped, and no client.

    Its registry has 16 buckets, so that clients share buckets and a test costs few requests.
    """
    server = openbao if habits is None else request.getfixturevalue("seen")[0]
    with bootstrapped(server, 16, openbao) as place:
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
