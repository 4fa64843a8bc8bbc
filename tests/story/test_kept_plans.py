"""A plan at a person's desk skips what did not change, and is the plan that is made without that."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from reconciler.adapters.kept.store import read_kept
from reconciler.app.plan.keeping import KeptPlan
from reconciler.declare.clients import kept_files
from tests.kit.git.checkout import Checkout

NAMES = [f"client-{number}" for number in range(6)]


@pytest.fixture
def applied(checkout: Checkout) -> Checkout:
    for name in NAMES:
        checkout.client(name)
    hour_ago = time.time() - 3600
    for path in checkout.root.rglob("*.yaml"):
        os.utime(path, (hour_ago, hour_ago))
    checkout.commit()
    checkout.apply().ok()
    return checkout


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # Else the second plan of a quick machine learns what the first one could not rely on yet.
    monkeypatch.setattr(kept_files, "_STEP", 0)
    return tmp_path / "cache"


def kept(cache: Path) -> KeptPlan:
    (path,) = (cache / "reconciler").iterdir()
    found = read_kept(path, KeptPlan)
    assert found is not None
    return found


def test_whoever_is_as_declared_is_kept_until_something_changes(
    applied: Checkout, cache: Path
) -> None:
    applied.plan().ok()
    assert kept(cache).verdicts.keys() == {*NAMES}
    (path,) = (cache / "reconciler").iterdir()
    before = path.stat()
    applied.plan().ok()
    assert path.stat() == before  # nothing was found that was not known

    applied.client("client-0", scopes=["ledger:read"])
    applied.commit()
    assert len(applied.plan().ok().json["actions"]) == 1
    assert kept(cache).verdicts.keys() == {*NAMES[1:]}

    applied.run("rotate", "-e", applied.environment, "client-1", "--reason", "a test").ok()
    plan = applied.plan().ok()
    assert [one["kind"] for one in plan.json["unfinished"]] == ["retiring-version"]
    assert kept(cache).verdicts.keys() == {*NAMES[2:]}

    applied.vault("DELETE", "secrets/metadata/keys/client-2.primary")
    assert "RC351" in {one["code"] for one in applied.plan().json["findings"]}
    applied.vault(
        "POST",
        "secrets/data/keys/client-3.primary",
        {"data": {"value": "x"}, "options": {"cas": 1}},
    )
    assert "RC352" in {one["code"] for one in applied.plan().json["findings"]}
    applied.remove("client-4")
    removed = {one["client"] for one in applied.plan().json["actions"]}
    assert removed == {"client-0", "client-2", "client-3", "client-4"}
    applied.apply("--yes-remove", "1").ok()
    applied.plan().ok()
    assert kept(cache).verdicts.keys() == {"client-0", "client-5"}


def test_nobody_else_uses_it(applied: Checkout, cache: Path) -> None:
    """``apply``, saved plans, plans of a part and CI."""
    environment = ("-e", applied.environment)
    applied.apply().ok()
    applied.run("plan", *environment, "--out", "plan.json").ok()
    applied.run("plan", *environment, "--no-cache").ok()
    applied.run("plan", *environment, "client-1").ok()
    applied.run("plan", *environment, "--upkeep").ok()
    applied.run("plan", *environment, "--deep").ok()
    applied.run("plan", *environment, "--at", "2099-01-01T00:00:00Z").ok()
    applied.run("plan", *environment, CI="true", VAULT_ADDR=applied.place.server.address).ok()
    applied.run("status", *environment).ok()
    assert not cache.exists()


def test_it_holds_no_secret_and_is_this_user_s_alone(applied: Checkout, cache: Path) -> None:
    applied.plan().ok()
    (path,) = (cache / "reconciler").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    secrets = [applied.secret(f"keys/{name}.primary") for name in NAMES]
    assert all(secrets)
    for secret in (*secrets, applied.place.token("run")):
        assert secret is not None
        assert secret.encode() not in content
        assert secret[-20:].encode() not in content


@pytest.mark.parametrize("damage", ["emptied", "cut", "another program's", "deleted", "a folder"])
def test_a_file_that_is_no_use_is_thrown_away(damage: str, applied: Checkout, cache: Path) -> None:
    applied.plan().ok()
    (path,) = (cache / "reconciler").iterdir()
    whole = path.read_bytes()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage != "deleted":
        path.write_bytes(
            {"emptied": b"", "cut": whole[:-1], "another program's": b"x" * 99}[damage]
        )
        path.chmod(0o600)
    plan = applied.plan().ok()
    assert plan.json["summary"]["no_op"] == 6
    if damage != "a folder":
        assert kept(cache).verdicts.keys() == {*NAMES}


def test_nothing_is_believed_of_another_server(applied: Checkout, cache: Path) -> None:
    """What was kept of one registry says nothing of what another one holds by the same names."""
    applied.plan().ok()
    assert kept(cache).verdicts
    for bucket in range(16):
        applied.vault("DELETE", f"registry/metadata/buckets/{bucket:x}")
    assert {one["kind"] for one in applied.plan().json["actions"]} >= {"register-client"}
    assert not kept(cache).verdicts
