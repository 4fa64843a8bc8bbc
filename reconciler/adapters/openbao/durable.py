"""A durable server for ``reconciler dev``: raft storage below ``<project>/.reconciler/openbao``.

It is initialised with one unseal key, which lies beside it with the root token in files that only
their owner may read, in a directory that git ignores: for trying things, never for real secrets.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.adapters.openbao import server as openbao
from reconciler.adapters.openbao.server import (
    NOT_STARTED,
    STORE_UNUSABLE,
    RunningServer,
    ServerError,
)
from reconciler.adapters.system.signals import stopping_on_signals
from reconciler.dataclass import dataclass
from reconciler.domain.secrecy.secret import Secret


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """``state``: ``stopped``, ``sealed`` or ``running``; ``pid`` is None when it is stopped."""

    state: str
    address: str | None
    pid: int | None


class DurableServer:
    """The server of one project directory.

    Methods raise ``ServerError``; one process at a time uses them.
    """

    def __init__(self, project: Path, environ: Mapping[str, str] | None = None) -> None:
        self.directory = project.resolve() / ".reconciler" / "openbao"
        self._environ = os.environ if environ is None else environ
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def token_file(self) -> Path:
        """Where the root token lies once the server was initialised; only its owner may read it."""
        return self._file("root-token")

    def start(self, port: int | None = None) -> RunningServer:
        """Start it, initialise it at the first time, unseal it; does nothing to one that runs
        already.

        ``port`` is the loopback port to listen on; None: the one it had before, else a free one.
        """
        self._prepare()
        status = self.status()
        if status.state == "stopped" or status.address is None or status.pid is None:
            self._launch(port)
            status = self.status()
        if status.address is None or status.pid is None:
            raise ServerError(
                NOT_STARTED,
                "the server ended right after its start",
                f"see its log {self._file('log')}",
            )
        self._initialise(status.address)
        self._unseal(status.address)
        return RunningServer(status.address, self._secret("root-token"), status.pid)

    def status(self) -> ServerStatus:
        """Whether it runs. A pid file of a process that is gone, or is another one, counts as
        stopped."""
        state = self._read_state()
        port, pid = state.get("port"), state.get("pid")
        address = f"http://127.0.0.1:{port}" if isinstance(port, int) else None
        if (
            address is None
            or not isinstance(pid, int)
            or state.get("started") != _read_start(pid)
            or not _alive(pid)
        ):
            return ServerStatus("stopped", address, None)
        health = openbao.health(address)
        running = health is not None and health.get("sealed") is False
        return ServerStatus("running" if running else "sealed", address, pid)

    def stop(self) -> bool:
        """Stop it: SIGTERM to its own pid, SIGKILL after ten seconds.

        False when it does not run.
        """
        status = self.status()
        if self._child is not None:
            openbao.stop_process(self._child)
            self._child = None
        elif status.pid is not None:
            _terminate(status.pid)
        if self.directory.is_dir():
            self._write_state({"port": self._read_state().get("port")})
        return status.pid is not None

    @contextmanager
    def serve(self, port: int | None = None) -> Iterator[RunningServer]:
        """Started inside, stopped at the end, also on SIGINT, SIGTERM and SIGHUP."""
        with stopping_on_signals():
            try:
                yield self.start(port)
            finally:
                self.stop()

    def _file(self, name: str) -> Path:
        return self.directory / name

    def _prepare(self) -> None:
        """Make the directory, closed to other users and invisible to git, before any secret is
        written."""
        try:
            (self.directory / "raft").mkdir(parents=True, exist_ok=True)
            self.directory.chmod(0o700)
            ignore = self.directory.parent / ".gitignore"
            if not ignore.exists() or "*" not in ignore.read_text(encoding="utf-8").split():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise ServerError(
                STORE_UNUSABLE,
                f"{self.directory} cannot be used: {why}",
                "make it writable for this user",
            ) from error

    def _launch(self, wanted: int | None) -> None:
        if self._child is not None:
            openbao.stop_process(self._child)  # it ended by itself: collect it
        binary = openbao.find_binary(self._environ)
        port = self._read_state().get("port") if wanted is None else wanted
        if not isinstance(port, int):
            port = openbao.free_port()
        elif not openbao.can_bind(port):
            before = ", which this server had before," if wanted is None else ""
            raise ServerError(
                NOT_STARTED,
                f"port {port} of 127.0.0.1{before} is taken by another program",
                "stop that program, or choose another port: reconciler dev --port PORT",
            )
        self._write_private("config.json", json.dumps(self._config(port), indent=1))
        # The pid file names the process before it is waited for: a start that is killed leaves no
        # unknown server.
        command = [str(binary), "server", f"-config={self._file('config.json')}"]
        process = openbao.start_process(command, self._file("log"), self.directory, {})
        self._write_state({"port": port, "pid": process.pid, "started": _read_start(process.pid)})
        self._child = process
        try:
            openbao.wait_until_answers(
                process, f"http://127.0.0.1:{port}", self._file("log"), active=False
            )
        except BaseException:
            self.stop()
            raise

    def _config(self, port: int) -> dict[str, Any]:
        return {
            # A single node waits out an election before it is active: 8 s by default, 2 s with
            # multiplier 1 (measured).
            "storage": {
                "raft": {
                    "path": str(self._file("raft")),
                    "node_id": "reconciler-dev",
                    "performance_multiplier": 1,
                }
            },
            "listener": {
                "tcp": {
                    "address": f"127.0.0.1:{port}",
                    "cluster_address": "127.0.0.1:0",
                    "tls_disable": True,
                }
            },
            "api_addr": f"http://127.0.0.1:{port}",
            # A single node: nobody connects to its cluster port.
            "cluster_addr": "http://127.0.0.1:1",
            "disable_mlock": True,
            "ui": False,
        }

    def _initialise(self, address: str) -> None:
        if _ask(address, "GET", "sys/init").get("initialized") is True:
            return
        made = _ask(address, "PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        keys, token = made.get("keys_base64"), made.get("root_token")
        if not isinstance(keys, list) or not keys or not isinstance(token, str):
            raise ServerError(
                NOT_STARTED,
                f"the server at {address} cannot be initialised",
                f"see its log {self._file('log')}",
            )
        self._write_private("unseal-key", str(keys[0]))
        self._write_private("root-token", token)

    def _unseal(self, address: str) -> None:
        deadline = time.monotonic() + openbao.START_WITHIN
        while time.monotonic() < deadline:
            health = openbao.health(address) or {}
            if health.get("sealed") is False and health.get("standby") is False:
                return
            if health.get("sealed"):
                _ask(address, "PUT", "sys/unseal", {"key": self._secret("unseal-key").reveal()})
            time.sleep(0.05)
        raise ServerError(
            STORE_UNUSABLE,
            f"the server at {address} cannot be unsealed with {self._file('unseal-key')}",
            f"stop it and remove {self.directory} to begin anew: everything in it is lost",
        )

    def _secret(self, name: str) -> Secret:
        try:
            return Secret(self._file(name).read_text(encoding="ascii").strip())
        except (OSError, UnicodeError):
            pass
        raise ServerError(
            STORE_UNUSABLE,
            f"the server is initialised, but {self._file(name)} is missing or cannot be read",
            f"put it back, or remove {self.directory} to begin anew: everything in it is lost",
        )

    def _read_state(self) -> dict[str, Any]:
        try:
            state = json.loads(self._file("server.json").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write_state(self, state: Mapping[str, Any]) -> None:
        self._write_private("server.json", json.dumps(state))

    def _write_private(self, name: str, text: str) -> None:
        """Write a file as a whole, readable for its owner only from its first moment on."""
        draft = self._file(name + ".new")
        try:
            draft.unlink(missing_ok=True)
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii"
            ) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._file(name))
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise ServerError(
                STORE_UNUSABLE,
                f"{self._file(name)} cannot be written: {why}",
                "make room, or set its rights",
            ) from error


def _ask(
    address: str,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One request to our own server on loopback, before there is a token.

    Empty when the answer is not JSON.
    """
    connection = http.client.HTTPConnection(
        address.removeprefix("http://"), timeout=openbao.START_WITHIN
    )
    try:
        connection.request(method, f"/v1/{path}", None if body is None else json.dumps(body))
        found = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return found if isinstance(found, dict) else {}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return _stat(pid)[:1] != ["Z"]  # a zombie has ended; its parent has yet to notice


def _read_start(pid: int) -> str | None:
    """Tells a process from a later one with its pid: its start in ticks since boot.

    None where there is no /proc.
    """
    return next(iter(_stat(pid)[19:]), None)


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/<pid>/stat`` from the state on (proc(5)); empty where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (OSError, UnicodeError):
        return []


def _terminate(pid: int) -> None:
    """Stop a server that another process started."""
    started = _read_start(pid)
    for number, patience in (
        (signal.SIGTERM, openbao.STOP_WITHIN),
        (signal.SIGKILL, openbao.STOP_WITHIN),
    ):
        try:
            os.kill(pid, number)
        except OSError:
            return
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not _alive(pid) or _read_start(pid) != started:
                return
            time.sleep(0.05)
