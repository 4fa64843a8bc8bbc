"""A run that is stopped or killed: what is done is on record, and the same command goes on from
there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.kit.programs.commands import PYTHON_PATH
from tests.kit.programs.started import IN_BACKGROUND, ignored, started

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = [
    sys.executable,
    "-c",
    "import sys; from reconciler.cli.main import main; sys.exit(main())",
]
CLIENTS = 150


@contextmanager
def applying(checkout: Checkout, *before: str) -> Iterator[subprocess.Popen[str]]:
    environ = {**os.environ, "VAULT_TOKEN": checkout.place.token("run"), "PYTHONPATH": PYTHON_PATH}
    command = [*before, *COMMAND, "apply", "-e", checkout.environment, "--yes", "--format", "json"]
    with started(command, cwd=checkout.root, env=environ, stderr=subprocess.PIPE) as process:
        yield process


@pytest.fixture
def many(wide_checkout: Checkout) -> Checkout:
    """More buckets with work than are worked on at a time: a stop always finds some that were not
    begun."""
    checkout = wide_checkout
    for number in range(CLIENTS):
        checkout.client(f"partner-{number:03}")
    checkout.commit()
    # The lease of a killed run must not keep the test waiting.
    checkout.project(lease={"ttl": "2s"})
    return checkout


def converged(checkout: Checkout) -> None:
    """One more run finishes the work; every key has exactly one version whose hash is on record."""
    checkout.apply().ok()
    checkout.assert_quiet()
    status = checkout.run("status", "-e", checkout.environment, "--format", "json").ok().json
    assert len(status["clients"]) == CLIENTS
    for client in status["clients"]:
        for key in client["keys"]:
            [active] = [version for version in key["versions"] if version["state"] == "active"]
            assert active["sha256"] == checkout.hash(key["path"], active["version"])
    assert status["open_runs"] == []


@pytest.mark.parametrize(
    ("number", "before"),
    [(signal.SIGINT, ()), (signal.SIGTERM, ()), (signal.SIGTERM, IN_BACKGROUND)],
)
def test_a_stopped_run_finishes_what_is_begun_and_says_how_to_go_on(
    many: Checkout, number: int, before: tuple[str, ...]
) -> None:
    with applying(many, *before) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "done" in line:
                break
        assert ignored(process.pid) == ({signal.SIGINT, signal.SIGHUP} if before else set())
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    result = json.loads(out)
    assert process.returncode == 5, err
    assert result["summary"]["skipped"] > 0
    assert "run the same command again" in err
    assert result["audit"]["commit"] == git(many.root, "rev-parse", "HEAD")
    plan = many.plan().json
    assert plan["summary"]["abandon"] == plan["summary"]["adopt"] == 0
    converged(many)


def test_a_killed_run_is_finished_and_reported_by_the_next(many: Checkout) -> None:
    with applying(many) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "done" in line:
                break
        process.kill()
        process.communicate(timeout=60)
    [run] = many.run("status", "-e", many.environment, "--format", "json").ok().json["open_runs"]
    converged(many)
    report = json.loads((many.root / f"audit/{many.environment}/{run['run_id']}.json").read_text())
    assert report["recovered_by"]
    assert report["outcomes"]
    assert f"{run['run_id']}.json" in git(many.root, "show", "--name-only", "--format=", "HEAD")
