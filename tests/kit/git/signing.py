"""ssh keys that sign commits, and the file of those that are allowed to."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.kit.git.repositories import git


@dataclass(frozen=True)
class Signer:
    """A person's key. ``line`` is their line in a file of allowed signers."""

    key: Path
    line: str

    def commit(self, repository: Path, message: str = "change") -> str:
        """Commit everything in ``repository``, signed; the commit."""
        git(repository, "add", "--all")
        options = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={self.key}")
        git(repository, *options, "commit", "--quiet", "--allow-empty", "-S", "-m", message)
        return git(repository, "rev-parse", "HEAD")


def new_signer(folder: Path, name: str) -> Signer:
    """``folder`` lies outside of any repository: it holds a private key."""
    folder.mkdir(exist_ok=True)
    key = folder / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    public = key.with_suffix(".pub").read_text().split()
    return Signer(key, f"{name}@example.com {public[0]} {public[1]}\n")
