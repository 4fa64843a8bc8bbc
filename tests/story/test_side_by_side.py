"""Two people, or two jobs, apply at the same time."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine import apply as engine_apply
from reconciler.engine import lease
from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.kit.programs.commands import COMMAND, environ
from tests.kit.programs.started import started

CLIENTS = tuple(f"partner-{number}" for number in range(8))


def cloned(checkout: Checkout, folder: Path) -> Checkout:
    git(folder.parent, "clone", "--quiet", str(checkout.root), str(folder))
    return Checkout(folder, checkout.place, buckets=checkout.buckets)


@contextmanager
def before_the_lease(
    monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]
) -> Iterator[None]:
    """Something happens between the plan of the next run and its lease, as if that had to wait."""
    held_lease = lease.hold_lease
    left = [happens]

    def late(*given: Any, **named: Any) -> Any:
        if left:
            left.pop()()
        return held_lease(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(engine_apply, "hold_lease", late)
        yield
    assert not left


def test_a_run_that_waited_plans_again(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.client("first")
    checkout.client("second")
    checkout.commit()
    other = cloned(checkout, tmp_path / "other")

    with before_the_lease(monkeypatch, lambda: other.apply("--only", "first").ok()):
        ran = checkout.apply().ok()

    assert "planning again" in ran.err
    done = [(one["kind"], one["address"].split("/")[1]) for one in ran.json["outcomes"]]
    assert ("register-client", "second") in done
    assert not [kind for kind, name in done if name == "first"], (
        "what the other run did is not done again"
    )
    assert checkout.versions("first") == checkout.versions("second") == {1: "active"}
    checkout.assert_quiet()


def test_a_run_that_finds_everything_done_does_nothing(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.client("first")
    checkout.commit()
    other = cloned(checkout, tmp_path / "other")
    with before_the_lease(monkeypatch, lambda: other.apply().ok()):
        assert checkout.apply().ok().json["outcomes"] == []
    checkout.assert_quiet()


def test_a_plan_made_again_is_judged_again(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was allowed when it was planned first need not be allowed now."""
    checkout.client("first")
    checkout.commit()

    def taken() -> None:
        body = {"options": {"cas": 0}, "data": {"value": "by hand"}}
        checkout.vault("POST", "secrets/data/keys/first.primary", body)

    with before_the_lease(monkeypatch, taken):
        ran = checkout.apply()
    assert (ran.code, ran.json["code"]) == (3, "RC302")
    assert checkout.secret("keys/first.primary") == "by hand"


def test_a_rotation_that_waited_is_planned_again(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.client("first")
    checkout.apply().ok()
    checkout.client("first", scopes=["ledger:read"])
    checkout.commit()
    other = cloned(checkout, tmp_path / "other")
    with before_the_lease(monkeypatch, lambda: other.apply().ok()):
        checkout.run("rotate", "-e", checkout.environment, "first", "--reason", "asked").ok()
    assert checkout.versions("first") == {1: "retiring", 2: "active"}


def test_two_first_runs_at_the_same_time_both_end_well(checkout: Checkout, tmp_path: Path) -> None:
    for name in CLIENTS:
        checkout.client(name)
    checkout.commit()
    places = [checkout, cloned(checkout, tmp_path / "other")]
    token = checkout.place.token(checkout.role)
    command = [*COMMAND, "apply", "-e", checkout.environment, "--yes", "--format", "json"]
    variables = environ(VAULT_TOKEN=token)
    with ExitStack() as stack:
        runs = [
            stack.enter_context(
                started(command, cwd=one.root, env=variables, stderr=subprocess.PIPE)
            )
            for one in places
        ]
        for run in runs:
            out, err = run.communicate(timeout=240)
            assert run.returncode == 0, out + err
    for name in CLIENTS:
        assert checkout.versions(name) == {1: "active"}
    checkout.assert_quiet()


def test_a_run_whose_id_is_taken_changes_nothing(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs of one plan in one second that draw the same four digits."""
    monkeypatch.setattr(
        engine_apply, "new_run_id", lambda now, digest: "20261123t224500z-0123456789ab-0000"
    )
    checkout.client("first")
    checkout.apply("--no-commit").ok()
    checkout.client("second")
    before = checkout.everything_written()
    ran = checkout.apply()
    assert (ran.code, ran.json["code"]) == (4, "RC398")
    assert "already has the id" in ran.json["message"]
    after = checkout.everything_written()
    assert {name: after[name] for name in after if name != "lease"} == {
        name: before[name] for name in before if name != "lease"
    }
