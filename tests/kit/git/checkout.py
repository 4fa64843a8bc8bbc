"""A user's repository in a scratch directory, and the command line run in it against a real
server."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from reconciler.adapters.vault import consent
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.cli.main import main
from reconciler.domain.declared.proof import DEFAULT_DEMANDS
from reconciler.domain.values.names import bucket_of
from tests.kit.git.repositories import git
from tests.kit.vault.places import PROJECT, Place

NOT_FOUND = 404
NO_PROBES = dict.fromkeys(DEFAULT_DEMANDS, "off")
WRITTEN = (
    "registry/metadata/buckets",
    "registry/metadata/runs",
    "secrets/metadata/keys",
    "secrets/metadata/webhooks",
)


@dataclass(frozen=True)
class Ran:
    """What a command did: its exit code and everything it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def ok(self) -> Ran:
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        return self


def _without_times(ran: Ran) -> tuple[int, Any, str]:
    """What a plan came to, but for when it was made."""
    try:
        document = ran.json
    except ValueError:
        return ran.code, ran.out, ran.err
    for name in ("created_at", "expires_at", "file_digest"):
        document.pop(name, None)
    return ran.code, document, ran.err


@dataclass
class Checkout:
    """``place`` is the environment on the server, whose address is accepted; ``role`` whose token
    commands run with."""

    root: Path
    place: Place
    role: str = "run"
    buckets: int = 256
    printed: list[str] = field(default_factory=list)  # everything that any command printed

    def __post_init__(self) -> None:
        consent.accept(self.place.server.address, os.environ)

    @property
    def environment(self) -> str:
        return self.place.name

    def project(self, **spec: Any) -> None:
        """Write reconciler.yaml; ``spec`` goes over the environment's settings."""
        settings = {
            "vault": {"address": self.place.server.address},
            "allowedNetworks": ["127.0.0.0/8"],
            **spec,
        }
        self.document(
            "reconciler.yaml",
            "Project",
            PROJECT,
            {
                "keyPrefix": "acme",
                "audit": {"path": "audit"},
                "environments": {self.environment: settings},
            },
        )

    def document(self, path: str, kind: str, name: str, spec: Any, **metadata: Any) -> None:
        content = {
            "apiVersion": "reconciler/v1",
            "kind": kind,
            "metadata": {"name": name, **metadata},
            "spec": spec,
        }
        self.write(path, yaml.safe_dump(content, sort_keys=False))

    def client(self, name: str, *, metadata: dict[str, Any] | None = None, **spec: Any) -> None:
        """Declare a client with one key, ``spec`` over the defaults.

        A value of None leaves a default out.
        """
        given = {
            "owner": {"team": "payments", "contact": "payments@example.com"},
            "justification": "PAY-1421 nightly settlement",
            "scopes": ["payouts:write"],
            "keys": [{"name": "primary"}],
            "environments": {self.environment: None},
            **spec,
        }
        present = {key: value for key, value in given.items() if value is not None}
        self.document(
            f"clients/{name}.yaml", "IntegrationClient", name, present, **(metadata or {})
        )

    def hooked(self, name: str, url: str, **spec: Any) -> None:
        """Declare a client with one key and one webhook: one delivery, tried once, and no probe
        unless ``webhook`` says so, because most receivers of tests accept everything."""
        plain = {
            "events": ["payout.settled"],
            "probes": NO_PROBES,
            "delivery": {"attempts": 1},
        }
        webhook = {"name": "settlements", "url": url, **plain, **spec.pop("webhook", {})}
        self.client(name, webhooks=[webhook], **spec)

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def remove(self, name: str) -> None:
        """Remove the declaration of a client, from HEAD too if that has it: only a commit removes
        anybody."""
        path = f"clients/{name}.yaml"
        if git(self.root, "ls-tree", "HEAD", "--", path):
            git(self.root, "rm", "--quiet", "--force", "--", path)
            git(self.root, "commit", "--quiet", "-m", f"remove {name}", "--", path)
        else:
            (self.root / path).unlink()

    def commit(self, message: str = "change") -> str:
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--allow-empty", "-m", message)
        return git(self.root, "rev-parse", "HEAD")

    def run(
        self, *arguments: str, role: str | None = None, token: str | None = None, **variables: str
    ) -> Ran:
        """Run the command line in this process, in the checkout's directory."""
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VAULT_", "BAO_", "CI"))
        }
        environ |= {
            "VAULT_TOKEN": token or self.place.token(role or self.role),
            "NO_COLOR": "1",
            **variables,
        }
        out, err = io.StringIO(), io.StringIO()
        before = Path.cwd()
        os.chdir(self.root)
        try:
            with (
                patch.dict(os.environ, environ, clear=True),
                patch.object(sys, "stdin", io.StringIO()),
                redirect_stdout(out),
                redirect_stderr(err),
            ):
                code = main(list(arguments))
        finally:
            os.chdir(before)
        self.printed += [out.getvalue(), err.getvalue()]
        return Ran(code, out.getvalue(), err.getvalue())

    def plan(self, *arguments: str, **how: Any) -> Ran:
        """A plan. One of everything is made with and without what was kept, and is the same."""
        command = ("plan", "-e", self.environment, "--format", "json", *arguments)
        ran = self.run(*command, **how)
        if set(arguments) - {"--detailed-exitcode"}:
            return ran
        other = self.run(*command, "--no-cache", **how)
        if _without_times(ran) != _without_times(other):  # something may fall due between the two
            ran = self.run(*command, **how)
        assert _without_times(ran) == _without_times(other)
        return ran

    def apply(self, *arguments: str, **how: Any) -> Ran:
        return self.run(
            "apply", "-e", self.environment, "--yes", "--format", "json", *arguments, **how
        )

    def actions(self, *arguments: str) -> list[tuple[str, str, str]]:
        """(kind, address, reason) of everything that a plan would do."""
        plan = self.plan(*arguments).json
        return [
            (a["kind"], a["address"], a["reason"]) for a in plan["actions"] if a["kind"] != "no-op"
        ]

    def assert_quiet(self) -> None:
        """The environment is as declared, and an apply writes nothing at all."""
        ran = self.plan("--detailed-exitcode")
        assert ran.code == 0, ran.out + ran.err
        before = self.everything_written()
        self.apply().ok()
        assert self.everything_written() == before

    def verify(self, *arguments: str) -> Ran:
        """``audit verify``, as JSON."""
        return self.run("audit", "verify", "-e", self.environment, "--format", "json", *arguments)

    def status(self, client: str) -> Any:
        ran = self.run("status", "-e", self.environment, client, "--format", "json").ok()
        return ran.json["clients"][0]

    def versions(self, client: str, key: str = "primary") -> dict[int, str]:
        """State by version number of a client's key, from ``status``."""
        keys = {one["name"]: one for one in self.status(client)["keys"]}
        return {version["version"]: version["state"] for version in keys[key]["versions"]}

    # What an administrator sees in Vault, past the reconciler.

    def vault(self, method: str, path: str, body: Any = None) -> Any:
        """One request as root below ``integrations/<env>/``; None for 404."""
        try:
            answer = self.place.root.adapter.request(
                method, f"/v1/integrations/{self.environment}/{path}", json=body
            )
        except StatusError as error:
            if error.status != NOT_FOUND:
                raise
            return None
        return answer.body

    def bucket(self, client: str) -> str:
        """Where the registry keeps the record of a client."""
        return f"buckets/{bucket_of(client, self.buckets)}"

    def secret(self, path: str, version: int | None = None) -> str | None:
        """The value stored at ``keys/<client>.<key>`` or ``webhooks/…``."""
        suffix = f"?version={version}" if version else ""
        answer = self.vault("GET", f"secrets/data/{path}{suffix}")
        return (
            None
            if answer is None or answer["data"]["data"] is None
            else str(answer["data"]["data"]["value"])
        )

    def hash(self, path: str, version: int | None = None) -> str:
        value = self.secret(path, version)
        assert value is not None, f"nothing at {path}"
        return hashlib.sha256(value.encode()).hexdigest()

    def everything_written(self) -> dict[str, int]:
        """The newest version of every document and secret: what Vault itself counts."""
        found = {}
        for folder in WRITTEN:
            listing = self.vault("LIST", f"{folder}/")
            for name in listing["data"]["keys"] if listing else ():
                found[f"{folder}/{name}"] = self.vault("GET", f"{folder}/{name}")["data"][
                    "current_version"
                ]
        log = self.vault("LIST", "registry/metadata/log/")
        for folder in log["data"]["keys"] if log else ():
            claim = f"registry/metadata/log/{folder}claim"
            found[claim] = self.vault("GET", claim)["data"]["current_version"]
        for name in ("meta", "lease", "applied", "ledger"):
            document = self.vault("GET", f"registry/metadata/{name}")
            found[name] = document["data"]["current_version"] if document else 0
        return found


def new_checkout(place: Place, root: Path, buckets: int = 256) -> Checkout:
    """A committed repository whose project has the one environment of ``place``, and no client."""
    root.mkdir()
    git(root, "init", "--quiet")
    made = Checkout(root, place, buckets=buckets)
    made.project()
    made.commit("project")
    return made
