"""What ``dev`` does with the durable server of a project."""

from __future__ import annotations

import os
import shlex
import time
from contextlib import suppress
from pathlib import Path

from reconciler.adapters.openbao.durable import DurableServer
from reconciler.adapters.openbao.server import can_bind
from reconciler.adapters.system.signals import heeds_interrupts
from reconciler.cli.output import Settings, emit, say
from reconciler.errors import ReconcilerError, UsageError

# Vault's own port, which a new project names for staging.
_USUAL_PORT = 8200
# These would win over the two variables that are exported.
_STRONGER = ("BAO_ADDR", "BAO_TOKEN", "BAO_NAMESPACE", "VAULT_NAMESPACE")


def run_in_foreground(settings: Settings, root: Path, port: int | None) -> int:
    """Serve until Ctrl-C or SIGTERM. A server that runs already is left running."""
    server = DurableServer(root)
    if server.status().pid is not None:
        return run_detached(settings, root, port)
    with (
        suppress(KeyboardInterrupt, SystemExit),
        server.serve(_choose_port(server, port)) as running,
    ):
        emit(exports(server, running.address), "file")
        say(
            settings,
            f"OpenBao answers at {running.address}; its data is kept in {_show(server, root)}",
        )
        ending = "press Ctrl-C here" if heeds_interrupts() else "run reconciler dev --stop"
        say(settings, f"run these lines in another terminal; {ending} to stop it")
        while server.status().pid == running.pid:
            time.sleep(1)
        say(settings, "the server ended: another command stopped it, or its log says why")
    say(settings, "stopped; its data is kept")
    return 0


def run_detached(settings: Settings, root: Path, port: int | None) -> int:
    """Start it, if it does not run, and leave it running."""
    server = DurableServer(root)
    status = server.status()
    if status.pid is not None and port is not None and status.address != f"http://127.0.0.1:{port}":
        raise UsageError(
            "RC017",
            f"the server runs already, at {status.address}",
            "stop it first: reconciler dev --stop",
        )
    running = server.start(None if status.pid is not None else _choose_port(server, port))
    emit(exports(server, running.address), "file")
    found = "answers already" if status.pid is not None else "answers"
    say(
        settings,
        f"OpenBao {found} at {running.address}; its data is kept in {_show(server, root)}",
    )
    say(
        settings,
        'use it with: eval "$(reconciler dev --exports)", end it with: reconciler dev --stop',
    )
    return 0


def stop(settings: Settings, root: Path) -> int:
    """End it; that it does not run is no error."""
    say(settings, "stopped; its data is kept" if DurableServer(root).stop() else "it does not run")
    return 0


def show_status(root: Path) -> int:
    """One line; exit 1 when it cannot be used."""
    status = DurableServer(root).status()
    where = f" at {status.address}, pid {status.pid}" if status.pid is not None else ""
    emit(f"{status.state}{where}")
    return 0 if status.state == "running" else 1


def show_exports(root: Path) -> int:
    """Lines for ``eval``. Raises ``ReconcilerError`` RC018 when there is nothing to use."""
    server = DurableServer(root)
    status = server.status()
    if status.state != "running" or status.address is None:
        raise ReconcilerError(
            "RC018", "the server of this project does not run", "start it: reconciler dev --detach"
        )
    emit(exports(server, status.address), "file")
    return 0


def exports(server: DurableServer, address: str) -> str:
    """Shell lines that make our commands, ``bao`` and ``vault`` use this server. The root token is
    not in them: the shell reads it from its file, so that it gets into no scrollback and no log."""
    lines = [f"unset {name}" for name in _STRONGER if os.environ.get(name)]
    lines.append(f"export VAULT_ADDR={shlex.quote(address)}")
    lines.append(f'export VAULT_TOKEN="$(cat {shlex.quote(str(server.token_file))})"')
    return "\n".join(lines)


def _choose_port(server: DurableServer, port: int | None) -> int | None:
    """The port that was asked for, the one it had before (None), or at the first time the usual one
    if free."""
    if port is not None or server.status().address is not None:
        return port
    return _USUAL_PORT if can_bind(_USUAL_PORT) else None


def _show(server: DurableServer, root: Path) -> str:
    return str(server.directory.relative_to(root.resolve()))
