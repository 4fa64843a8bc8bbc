"""``dev``: a real server that keeps its data, stops when told, and never prints its token."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.openbao.durable import DurableServer
from reconciler.cli.start.dev_server import exports
from reconciler.cli.start.start import NEXT_STEPS
from tests.kit.git.repositories import git, isolate
from tests.kit.programs.commands import COMMAND, environ, reconciler
from tests.kit.programs.started import IN_BACKGROUND, ignored, started

pytestmark = pytest.mark.openbao


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project of ``init``; its server is stopped at the end, whatever happened."""
    isolate(monkeypatch, tmp_path / "home")
    assert reconciler(tmp_path, "init", "acme").returncode == 0
    yield tmp_path / "acme"
    DurableServer(tmp_path / "acme").stop()


def state(project: Path) -> str:
    return DurableServer(project).status().state


def test_the_next_steps_of_init_work_as_printed_and_the_data_survive_a_restart(
    project: Path,
) -> None:
    (project / ".gitignore").write_text("")  # .reconciler/ is ignored whatever this file says
    shim = project.parent / "bin/reconciler"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
    shim.chmod(0o755)
    variables = environ(PATH=f"{shim.parent}:{environ()['PATH']}")
    steps = NEXT_STEPS.removeprefix("Next steps:\n").format(go="") + " --yes\n"
    done = subprocess.run(
        ["sh", "-eux", "-c", steps],
        cwd=project,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first = _status(project)
    assert [client["name"] for client in first["clients"]] == ["example-partner"]
    assert git(project, "status", "--porcelain") == ""

    assert reconciler(project, "dev", "--stop").returncode == 0
    assert state(project) == "stopped"
    again = reconciler(project, "dev", "--detach")
    assert again.returncode == 0, again.stderr
    assert _status(project)["clients"] == first["clients"]

    exported = reconciler(project, "dev", "--exports")
    assert exported.stdout == again.stdout  # the same port
    token = DurableServer(project).token_file.read_text()
    for text in (done.stdout, again.stdout, again.stderr, exported.stdout):
        assert token not in text
    assert (project / ".reconciler/openbao").stat().st_mode & 0o077 == 0


def _status(project: Path) -> dict[str, list[dict[str, object]]]:
    exports = reconciler(project, "dev", "--exports").stdout
    script = exports + " ".join([*COMMAND, "status", "-e", "staging", "--format", "json"])
    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=project,
        env=environ(),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    return found


def test_in_the_foreground_it_serves_until_a_signal_and_stops_cleanly(project: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with started(
            [*COMMAND, "dev"], cwd=project, env=environ(), stderr=subprocess.PIPE
        ) as running:
            assert running.stdout is not None
            assert running.stdout.readline().startswith("export VAULT_ADDR=http://127.0.0.1:")
            assert "root-token" in running.stdout.readline()
            assert state(project) == "running"
            second = reconciler(project, "dev")  # does not take it over, and does not end it
            assert (second.returncode, state(project)) == (0, "running")
            assert reconciler(project, "dev", "--status").stdout.startswith(
                "running at http://127.0.0.1:"
            )
            running.send_signal(number)
            assert running.wait(30) == 0
        assert state(project) == "stopped"


def test_in_the_background_only_sigterm_ends_it(project: Path) -> None:
    with started(
        [*IN_BACKGROUND, *COMMAND, "dev"], cwd=project, env=environ(), stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("export VAULT_ADDR=")
        assert ignored(running.pid) == {signal.SIGINT, signal.SIGHUP}
        for number in (signal.SIGINT, signal.SIGHUP):
            running.send_signal(number)
        assert reconciler(project, "dev", "--status").stdout.startswith("running at ")
        running.terminate()
        err = running.communicate(timeout=30)[1]
    assert (running.returncode, state(project)) == (0, "stopped")
    assert "Ctrl-C" not in err
    assert "reconciler dev --stop" in err


def test_exports_of_a_server_that_does_not_run_are_an_error_and_print_nothing(
    project: Path,
) -> None:
    asked = reconciler(project, "dev", "--exports")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "RC018" in asked.stderr
    assert reconciler(project, "dev", "--status").returncode == 1
    assert reconciler(project, "dev", "--stop").returncode == 0
    assert not (project / ".reconciler").exists()


def test_a_taken_port_is_told(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = reconciler(project, "dev", "--port", str(port))
    assert refused.returncode == 1
    assert "RC421" in refused.stderr
    assert "--port" in refused.stderr


def test_it_needs_a_project_and_one_thing_to_do(tmp_path: Path, project: Path) -> None:
    assert "RC001" in reconciler(tmp_path, "dev").stderr
    for arguments in (("--stop", "--detach"), ("--port", "8201", "--status")):
        assert reconciler(project, "dev", *arguments).returncode == 64


def test_variables_that_would_win_are_unset_by_the_exports(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAO_ADDR", "http://127.0.0.1:1")
    assert (
        exports(DurableServer(project), "http://127.0.0.1:8200").splitlines()[0] == "unset BAO_ADDR"
    )
