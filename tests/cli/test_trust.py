"""A checkout names a server, and a person decides whether it gets a credential."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.git.repositories import isolate
from tests.kit.programs.commands import COMMAND, environ, reconciler
from tests.kit.programs.loopback import Loopback, loopback, reply
from tests.kit.programs.started import started

PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {{name: acme-integrations}}
spec:
  keyPrefix: acme
  environments:
    staging: {{vault: {{address: "{address}", patience: 1s}}}}
"""
TOKEN = "hvs.somebody-who-cloned-a-repository"
FORBIDDEN = reply(403, '{"errors":["permission denied"]}')


@pytest.fixture
def listener() -> Iterator[Loopback]:
    """Whoever a repository names."""
    with loopback(lambda _seen: FORBIDDEN) as served:
        yield served


@pytest.fixture
def cloned(listener: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of somebody else, with a token lying at home."""
    isolate(monkeypatch, tmp_path / "home")
    (tmp_path / "home/.vault-token").write_text(TOKEN)
    root = tmp_path / "repository"
    root.mkdir()
    (root / "reconciler.yaml").write_text(PROJECT.format(address=listener.address))
    return root


@pytest.mark.parametrize(
    "command", [("status",), ("plan",), ("doctor",), ("bootstrap",), ("revoke", "partner")]
)
def test_nothing_is_sent_to_a_server_that_nobody_accepted(
    cloned: Path, listener: Loopback, command: tuple[str, ...]
) -> None:
    verb, *rest = command
    reason = ("--reason", "test") if verb == "revoke" else ()
    ran = reconciler(cloned, verb, "-e", "staging", *rest, *reason)
    assert ran.returncode == 1
    assert listener.seen == []
    assert "error[RC070]: " in ran.stderr
    assert f"reconciler trust {listener.address}" in ran.stderr


def test_what_was_accepted_is_used_and_can_be_taken_back(cloned: Path, listener: Loopback) -> None:
    empty = reconciler(cloned, "trust")
    assert (empty.stdout, empty.stderr.strip()) == ("", "no server is accepted yet")
    assert "accepted: " in reconciler(cloned, "trust", listener.address).stderr
    assert reconciler(cloned, "trust").stdout == f"{listener.address}\n"
    reconciler(cloned, "status", "-e", "staging")
    assert {one.headers["x-vault-token"] for one in listener.seen} == {TOKEN}
    listener.seen.clear()
    reconciler(cloned, "trust", "--remove", listener.address)
    assert "error[RC070]: " in reconciler(cloned, "status", "-e", "staging").stderr
    assert listener.seen == []


def test_what_is_no_address_is_answered_with_one_to_write(cloned: Path) -> None:
    ran = reconciler(cloned, "trust", "vault.example.com:8200")
    assert ran.returncode == 1
    assert "write for example `reconciler trust https://vault.example.com:8200`" in ran.stderr
    assert "vault.address" not in ran.stderr


def test_a_variable_is_consent_and_in_a_job_it_must_say_the_same(
    cloned: Path, listener: Loopback
) -> None:
    given = {"VAULT_ADDR": listener.address}
    assert "RC070" not in reconciler(cloned, "status", "-e", "staging", **given).stderr
    assert listener.seen
    listener.seen.clear()
    (cloned / "reconciler.yaml").write_text(PROJECT.format(address="https://vault.example.com"))
    ran = reconciler(cloned, "status", "-e", "staging", "--format", "json", CI="true", **given)
    assert json.loads(ran.stdout)["code"] == "RC071"
    assert listener.seen == []


@pytest.mark.parametrize(("answer", "sent"), [("y", True), ("n", False), ("", False)])
def test_at_a_terminal_a_person_is_asked_once(
    cloned: Path, listener: Loopback, answer: str, sent: bool
) -> None:
    said = ask(cloned, answer)
    assert f"reconciler.yaml names {listener.address} for staging" in said
    assert bool(listener.seen) is sent
    assert ("RC023" in said) is not sent
    if sent:
        assert "RC070" not in reconciler(cloned, "status", "-e", "staging").stderr


def ask(root: Path, answer: str) -> str:
    """What ``status`` says on a terminal where somebody types ``answer``."""
    leader, follower = pty.openpty()
    try:
        with started(
            [*COMMAND, "status", "-e", "staging"],
            cwd=root,
            env=environ(),
            stdin=follower,
            stdout=subprocess.DEVNULL,
            stderr=follower,
        ) as child:
            os.write(leader, f"{answer}\n".encode())
            child.wait(timeout=120)
        return os.read(leader, 65536).decode()
    finally:
        os.close(leader)
        os.close(follower)


def test_plain_http_beyond_this_machine_is_an_error_of_the_declaration(cloned: Path) -> None:
    away = "http://vault.example.com:8200"
    (cloned / "reconciler.yaml").write_text(PROJECT.format(address=away))
    ran = reconciler(cloned, "validate")
    assert ran.returncode == 1
    assert "RC163" in ran.stdout + ran.stderr
    text = PROJECT.format(address=away).replace("patience: 1s", "plainHttp: true")
    (cloned / "reconciler.yaml").write_text(text)
    ran = reconciler(cloned, "validate")
    assert "RC163" not in ran.stdout + ran.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_project_of_another_user_is_refused(cloned: Path, listener: Loopback) -> None:
    os.chown(cloned / "reconciler.yaml", 4711, 4711)
    reconciler(cloned.parent, "trust", listener.address)
    ran = reconciler(cloned, "status", "-e", "staging")
    assert "error[RC042]: " in ran.stderr
    assert f"git config --global --add safe.directory {cloned}" in ran.stderr
    assert listener.seen == []
