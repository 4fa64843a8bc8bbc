"""What ``init`` wrote, at a CI platform: a remote with branch main, a checkout, an issuer that the
server admits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.openbao.server import RunningServer
from reconciler.cli.main import main
from tests.kit.forges.github_tokens import Issuer, issuing
from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.kit.vault.places import Place, unbootstrapped


@dataclass
class Upstream:
    """``now``: seconds since 1970, by the server."""

    checkout: Checkout
    remote: Path
    issuer: Issuer
    now: int

    def push(self, message: str) -> str:
        """Commit everything and push it; the commit."""
        commit = self.checkout.commit(message)
        git(self.checkout.root, "push", "--quiet", "origin", "HEAD")
        return commit

    def follow(self) -> None:
        git(self.checkout.root, "pull", "--quiet", "--rebase", "origin", "main")

    def head(self, ref: str = "HEAD") -> str:
        return git(self.checkout.root, "rev-parse", ref)


@contextmanager
def hosting(
    server: RunningServer,
    folder: Path,
    ci: str,
    repository: tuple[str, str],
    adapt: Callable[[Path, Place], None],
) -> Iterator[Upstream]:
    """A project of the platform ``ci``, whose ``repository`` is (name, number). The starter's
    staging is an environment of ``server`` that nobody else uses; ``adapt`` does the same to the
    files of the platform."""
    root, remote = folder / "acme", folder / "remote.git"
    with unbootstrapped(server) as place:
        assert main(["-q", "init", str(root), "--ci", ci]) == 0
        adapt(root, place)
        _settle_in(root, place)
        checkout = Checkout(root, place, buckets=16)
        checkout.commit("start")
        git(folder, "clone", "--quiet", "--bare", str(root), str(remote))
        git(root, "remote", "add", "origin", str(remote))
        git(root, "push", "--quiet", "--set-upstream", "origin", "main")
        now = int(place.root.now().timestamp())
        with issuing(now) as issuer:
            checkout.run(
                "bootstrap", "-e", place.name, "--buckets", "16", "--ci", ci, "--repository", repository[0],
                "--repository-id", repository[1], "--issuer", issuer.address, role="root",
            ).ok()  # fmt: skip
            yield Upstream(checkout, remote, issuer, now)


def _settle_in(root: Path, place: Place) -> None:
    for path in [root / "reconciler.yaml", *(root / "clients").iterdir()]:
        text = (
            path.read_text()
            .replace("http://127.0.0.1:8200", place.server.address)
            .replace("staging", place.name)
        )
        path.write_text(text.replace("{method: jwt,", f"{{method: jwt, mount: jwt-{place.name},"))
