"""Where ``demo`` takes place: a scratch directory, a throw-away server, a receiver; all gone at the
end."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reconciler.adapters.openbao.server import find_binary, throw_away
from reconciler.adapters.receiving.receiver import LoopbackReceiver
from reconciler.adapters.system.signals import stopping_on_signals
from reconciler.adapters.vault.live import Live
from reconciler.cli.demo.eyes import Eyes
from reconciler.cli.demo.story import PAYOUTS, PROJECT, Story
from reconciler.cli.demo.tour import Tour
from reconciler.cli.output import Settings, emit, say
from reconciler.domain.declared.desired import VaultSettings
from reconciler.errors import UsageError


def run_demo(settings: Settings, keep: Path | None) -> None:
    """Set the stage, tell the story, leave nothing behind.

    Raises ``ReconcilerError`` when something is not as told.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(stopping_on_signals())
        directory = stack.enter_context(_scratch(keep))
        say(settings, f"starting {find_binary().name} in memory, on loopback …")
        server = stack.enter_context(throw_away())
        registry, secrets, transit = (
            f"integrations/staging/{name}" for name in ("registry", "secrets", "transit")
        )
        live = stack.enter_context(Live(VaultSettings(server.address, registry, secrets, transit)))
        live.adapter.token = server.token.reveal()
        eyes = Eyes(live, PROJECT, "staging")
        receiver = stack.enter_context(
            LoopbackReceiver(lambda: eyes.signing_secrets(PAYOUTS, "settlements"))
        )
        tour = Tour(directory, os.environ, width=settings.width, colour=settings.colour)
        tour.address, tour.tokens["root"] = server.address, server.token
        Story(tour, eyes, receiver).tell()
        where = (
            f"; the repository is kept in {tour.directory}"
            if keep
            else "; everything is gone again"
        )
        emit(f"\nAll as told, in {time.monotonic() - started:.0f} s{where}.")


@contextmanager
def _scratch(keep: Path | None) -> Iterator[Path]:
    """An empty directory. Raises ``UsageError`` RC020 when ``keep`` is not one."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as made:
            yield Path(made)
        return
    around = next(
        (folder for folder in keep.absolute().parents if (folder / ".git").exists()), None
    )
    if around is not None:  # the story is told with a repository of its own
        raise UsageError(
            "RC020", f"{keep} lies in the git repository {around}", "name a directory outside of it"
        )
    try:
        keep.mkdir(parents=True, exist_ok=True)
        empty = not any(keep.iterdir())
    except OSError as error:
        raise UsageError(
            "RC020", f"{keep} cannot be used: {error.strerror}", "name a new directory"
        ) from None
    if not empty:
        raise UsageError("RC020", f"{keep} is not empty", "name a new directory")
    yield keep.absolute()
