"""Where whole commands are killed: a fresh environment and repository for every case, and what must
hold afterwards."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.openbao.server import RunningServer
from tests.kit.blows.stories import Story, time_goes_by
from tests.kit.blows.strike import Strike
from tests.kit.blows.witness import Witness
from tests.kit.git.checkout import Checkout, new_checkout
from tests.kit.programs.commands import environ
from tests.kit.programs.waiting import until
from tests.kit.programs.zygote import Child, Ended, Zygote
from tests.kit.vault.places import bootstrapped
from tests.kit.vault.proxy import Action, Proxy
from tests.kit.webhooks.receivers import Handler, receiving

BUCKETS = 16


@dataclass
class Case:
    """One environment on its way through one story."""

    stage: Stage
    story: Story
    checkout: Checkout
    witness: Witness
    printed: list[str] = field(default_factory=list)

    def start(self, *arguments: str, before: str = "", **variables: str) -> Child:
        """The story's command as a process of its own, its requests through the proxy."""
        checkout = self.checkout
        own = {
            "VAULT_TOKEN": checkout.place.token("run"),
            "VAULT_ADDR": self.stage.proxy.address,
            "NO_COLOR": "1",
        }
        own["TMPDIR"] = str(self.stage.temporary)
        given = arguments or self.story.arguments(checkout)
        return self.stage.zygote.start(checkout.root, given, environ(**own, **variables), before)

    def ended(self, child: Child) -> Ended:
        """Its end, after which nothing of it is on its way to the server any more."""
        ended = child.wait()
        until(lambda: not self.stage.proxy.open, 0.002)
        self.printed += [ended.out, ended.err]
        return ended

    def run(self, *arguments: str, before: str = "", **variables: str) -> Ended:
        return self.ended(self.start(*arguments, before=before, **variables))

    def run_struck(self, strike: Strike, number: int = signal.SIGKILL) -> Ended:
        """Run, and send the signal ``number`` at ``strike``."""
        started: list[Child] = []

        def blow() -> None:
            until(lambda: bool(started))
            started[0].signal(number)

        strike.blow = blow
        self.stage.strike = strike
        started.append(self.start())
        try:
            return self.ended(started[0])
        finally:
            self.stage.strike = Strike()

    def finish(self) -> None:
        """After whatever happened: what must hold at once; one more run ends it, the next one does
        nothing."""
        self.witness.collect()
        self.witness.look()
        if self.story.command[0] == "revoke":  # an emergency waits for nothing
            self.checkout.run(*self.story.arguments(self.checkout)).ok()
        time_goes_by(self.checkout)
        self.checkout.apply().ok()
        self.witness.look()
        self.checkout.assert_quiet()
        self.witness.collect()
        self.witness.look()
        self.witness.complete()
        self.witness.clean()
        self.witness.canary(command="".join(self.printed))
        assert list(self.stage.temporary.iterdir()) == []
        assert (
            self.checkout.run("status", "-e", self.checkout.environment, "--format", "json").json[
                "open_runs"
            ]
            == []
        )


@dataclass
class Stage:
    """What all cases of a test share."""

    server: RunningServer
    zygote: Zygote
    proxy: Proxy
    folder: Path
    strike: Strike = field(default_factory=Strike)
    cases: int = 0

    def __post_init__(self) -> None:
        self.temporary.mkdir()
        self.proxy.rule = self.rule

    def rule(self, number: int, method: str, path: str) -> Action:
        """The proxy's: whatever the strike of the moment does."""
        return self.strike.rule(number, method, path)

    def receive(self, handler: Handler) -> None:
        """The receiver's, likewise."""
        self.strike.receive(handler)

    @property
    def temporary(self) -> Path:
        """Where the commands would leave temporary files."""
        return self.folder / "temporary"

    @contextmanager
    def case(self, story: Story, folder: Path | None = None) -> Iterator[Case]:
        """A fresh environment, at the point where the story's command begins.

        ``folder``: where its repository is.
        """
        self.cases += 1
        with receiving(self.receive) as receiver, bootstrapped(self.server, BUCKETS) as place:
            checkout = new_checkout(
                place, (folder or self.folder) / f"repository-{self.cases}", BUCKETS
            )
            story.prepare(checkout, receiver.url)
            yield Case(self, story, checkout, Witness(checkout, story.live))


def spread(total: int, wanted: int, index: int) -> list[int]:
    """``wanted`` numbers of 1 to ``total``, evenly apart; another ``index`` shifts them (by the
    golden section)."""
    shift = (index * 0.618) % 1.0
    return sorted({int((number + shift) * total / wanted) % total + 1 for number in range(wanted)})
