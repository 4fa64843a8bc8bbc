"""The library: the same as the command line, in one process with whoever calls it, and silent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest

import reconciler
from reconciler import errors
from reconciler.adapters.receiving.receiver import LoopbackReceiver
from reconciler.adapters.vault.http import answer
from reconciler.domain.secrecy.secret import Secret
from tests.kit.git.checkout import Checkout
from tests.kit.programs.commands import PYTHON_PATH

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, 22, 45, tzinfo=UTC)


def opened(checkout: Checkout) -> reconciler.Session:
    token = checkout.place.token("run")
    return reconciler.open(checkout.root, checkout.environment, token=token)


@contextmanager
def one_clock() -> Iterator[None]:
    """Every answer of the server is given at the same second."""
    with patch.object(answer, "server_time", lambda _date: NOW):
        yield


@contextmanager
def proving(checkout: Checkout, name: str = "partner") -> Iterator[None]:
    """A client with a key and a webhook, whose receiver refuses what is not genuine."""

    def held() -> list[Secret]:
        return [Secret(checkout.secret(f"webhooks/{name}.settlements") or "")]

    with LoopbackReceiver(held) as receiver:
        checkout.hooked(name, receiver.url, webhook={"probes": {}})
        checkout.commit()
        yield


def test_a_plan_of_the_library_and_one_of_the_command_line_are_the_same_bytes(
    checkout: Checkout, tmp_path: Path
) -> None:
    checkout.client("partner")
    checkout.client("other", scopes=["payouts:read"])
    checkout.commit()
    with one_clock(), opened(checkout) as session:
        plan = session.plan()
        one = session.plan(only=["partner"])
        printed = checkout.plan()
        narrowed = checkout.plan("partner", "--out", str(tmp_path / "plan.json"))
    assert plan.changes
    assert plan.created_at == NOW
    assert plan.to_json() == printed.out
    assert plan.to_json() != one.to_json() == narrowed.out
    assert one.to_json().encode() == (tmp_path / "plan.json").read_bytes()
    assert reconciler.Plan.from_json(plan.to_json()) == plan


def test_what_else_the_library_returns_is_what_commands_print(checkout: Checkout) -> None:
    def same(document: str, *arguments: str) -> None:
        ran = checkout.run(*arguments, "--format", "json")
        assert json.loads(document) == ran.json
        assert document == ran.out

    checkout.client("partner", colour="red")
    with opened(checkout) as session:
        findings = session.validate()
        assert not findings.valid
        assert "client/partner" in {one.address for one in findings}
        same(findings.to_json(), "validate")
        with proving(checkout):
            session.apply()
            proofs = session.prove("partner/settlements")
            assert proofs.passed
            assert [one.webhook for one in proofs.tested] == ["settlements"]
            assert set(json.loads(proofs.to_json())) == set(
                checkout.run("test", "-e", checkout.environment, "--format", "json").json
            )
            with one_clock():
                same(session.status().to_json(), "status", "-e", checkout.environment)


def test_a_life_through_the_library(checkout: Checkout) -> None:
    with proving(checkout), opened(checkout) as session:
        plan = session.plan()
        run = session.apply(plan)
        assert run.complete
        assert run.problem is None
        assert json.loads(run.to_json())["run_id"] == run.run_id
        assert (checkout.root / str(run.report)).is_file()
        assert not session.plan().changes
        assert session.status().clients == ("partner",)
        with pytest.raises(errors.StalePlanError) as used:
            session.apply(plan)
        assert used.value.exit_code == 4
        assert session.rotate("partner/primary", reason="laptop lost").complete
        assert checkout.versions("partner") == {1: "retiring", 2: "active"}
        ended = session.revoke("partner/primary", reason="compromise", incident="INC-1")
        assert [one.action.reason for one in ended.outcomes] == ["RevocationRequested"] * 2
        assert checkout.versions("partner") == {1: "revoked", 2: "revoked"}


def test_a_plan_that_is_blocked_is_returned_and_refused(checkout: Checkout) -> None:
    for name in ("one", "two", "three"):
        checkout.client(name)
    checkout.commit()
    with opened(checkout) as session:
        session.apply()
        for name in ("one", "two"):
            checkout.remove(name)
        plan = session.plan()
        assert plan.blocked
        with pytest.raises(errors.BlockedError) as blocked:
            session.apply(plan)
        assert blocked.value.code in {finding.code for finding in plan.findings}
        assert session.plan(yes_remove=2).changes


def test_errors_are_those_of_the_command_line(checkout: Checkout) -> None:
    shown = checkout.run("status", "-e", checkout.environment, "nobody", "--format", "json").json
    with opened(checkout) as session, pytest.raises(reconciler.ReconcilerError) as raised:
        session.status("nobody")
    error = raised.value
    assert (error.code, error.message, error.remedy, error.exit_code) == tuple(
        shown[name] for name in ("code", "message", "remedy", "exit_code")
    )
    with pytest.raises(errors.UsageError, match="RC080"):
        session.plan()
    with pytest.raises(errors.UsageError, match="RC002"):
        reconciler.open(checkout.root, "nowhere")
    with pytest.raises(errors.UsageError, match="RC001"):
        reconciler.open(checkout.root / "clients", checkout.environment)


def test_credentials_are_those_that_were_passed(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, planner = checkout.place.token("run"), checkout.place.token("planner")
    address = checkout.place.server.address
    monkeypatch.setenv("VAULT_TOKEN", "hvs.not-a-token-of-anybody")
    monkeypatch.setenv(f"VAULT_TOKEN_{checkout.environment.upper()}", "hvs.not-either")
    with opened(checkout) as session:
        assert session.status().clients == ()
        assert run not in repr(session) + repr(vars(session))
    with (
        reconciler.open(checkout.root, checkout.environment) as session,
        pytest.raises(errors.TokenInvalid),
    ):
        session.status()
    variables = {"VAULT_TOKEN": planner, "VAULT_ADDR": address}
    with reconciler.open(checkout.root, checkout.environment, environ=variables) as session:
        variables.clear()  # it was copied
        assert session.status().clients == ()
    with (
        reconciler.open(
            checkout.root, checkout.environment, environ={}, address=address
        ) as session,
        pytest.raises(errors.VaultError, match="RC407"),
    ):
        session.status()
    with pytest.raises(errors.UsageError, match="RC081"):
        reconciler.open(checkout.root, checkout.environment, token="")
    stranger = {"HOME": str(tmp_path / "nobody")}
    with (
        reconciler.open(
            checkout.root, checkout.environment, environ=stranger, token=run
        ) as session,
        pytest.raises(errors.VaultError, match="RC070"),  # nobody accepted the address
    ):
        session.status()


USER = """
import os, signal, sys
import reconciler

before = dict(os.environ), os.getcwd(), signal.getsignal(signal.SIGINT), list(sys.path)
root, environment, token = sys.argv[1:]
with reconciler.open(root, environment, token=token) as session:
    assert session.validate().valid
    plan = session.plan()
    assert plan.changes and session.apply(plan).complete
    assert session.prove("partner/settlements").passed
    assert session.rotate("partner/primary", reason="laptop lost").complete
    assert session.revoke("partner", reason="compromise").complete
    assert session.status("partner").clients == ("partner",)
    session.plan().to_json()
after = dict(os.environ), os.getcwd(), signal.getsignal(signal.SIGINT), list(sys.path)
assert before == after
assert not [name for name in sys.modules if name.split(".")[0] == "click"]
assert not [name for name in sys.modules if name.startswith("reconciler.cli")]
"""


def test_nothing_is_printed_no_click_is_imported_and_the_caller_s_things_are_left_alone(
    checkout: Checkout,
) -> None:
    with proving(checkout):
        given = [str(checkout.root), checkout.environment, checkout.place.token("run")]
        ran = subprocess.run(
            [sys.executable, "-c", USER, *given],
            env={**os.environ, "PYTHONPATH": PYTHON_PATH},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_notes_reach_whoever_asked_for_them(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.commit()
    notes: list[str] = []
    token = checkout.place.token("run")
    with reconciler.open(
        checkout.root, checkout.environment, token=token, notes=notes.append, stopping=lambda: True
    ) as session:
        run = session.apply()
        assert run.result.interrupted
        assert not run.complete
    with opened(checkout) as session:
        session.apply()
        session.revoke("partner", reason="compromise")
    with reconciler.open(
        checkout.root, checkout.environment, token=token, notes=notes.append
    ) as session:
        assert session.revoke("partner", reason="compromise").outcomes == ()
    assert any("there is nothing to revoke" in note for note in notes)


def test_many_threads_share_a_session(checkout: Checkout) -> None:
    names = [f"client-{number}" for number in range(4)]
    for name in names:
        checkout.client(name)
    checkout.commit()
    with opened(checkout) as session, ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda name: session.apply(only=[name]), names))
        plans = list(pool.map(lambda _: session.plan(), names))
        statuses = list(pool.map(session.status, names))
    assert all(run.complete for run in runs)
    assert len({run.run_id for run in runs}) == 4
    assert [status.clients for status in statuses] == [(name,) for name in names]
    assert not any(plan.changes for plan in plans)


def test_the_example_runs(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.commit()
    ran = subprocess.run(
        [sys.executable, "examples/library.py", str(checkout.root), checkout.environment],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": PYTHON_PATH, "VAULT_TOKEN": checkout.place.token("run")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "high: register-client client/partner (NewClient)" in ran.stdout
    assert "done: client/partner/key/primary" in ran.stdout
    assert "1 clients at " in ran.stdout
