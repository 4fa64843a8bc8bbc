"""The files that an environment's deliveries need, on the command line: who needs them, and keys
that git has."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.vault import consent
from reconciler.cli.main import main
from tests.kit.git.repositories import git, isolate
from tests.kit.webhooks.authority import Authority

PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {name: acme-integrations}
spec:
  keyPrefix: acme
  environments:
    staging:
      vault: {address: "http://127.0.0.1:1", patience: 1s}
      deliveries: {clientCert: certs/client.crt, clientKey: certs/client.key}
"""
CLIENT = """\
apiVersion: reconciler/v1
kind: IntegrationClient
metadata: {name: partner}
spec:
  keys: [{name: primary}]
  environments: {staging: }
"""
SCOPES = "apiVersion: reconciler/v1\nkind: ScopeCatalog\nspec: {scopes: []}\n"
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose key is in its place and ignored by git. Its server does not answer."""
    isolate(monkeypatch, tmp_path / "home")
    consent.accept("http://127.0.0.1:1", os.environ)
    for name in ("VAULT_ADDR", "BAO_ADDR", "RECONCILER_CLIENT_CERT", "RECONCILER_CLIENT_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAULT_TOKEN", "hvs.somebody")
    root = tmp_path / "project"
    for folder in ("clients", "certs"):
        (root / folder).mkdir(parents=True)
    files = {
        "reconciler.yaml": PROJECT,
        "clients/partner.yaml": CLIENT,
        "scopes.yaml": SCOPES,
        ".gitignore": "*.key\n",
    }
    for name, text in files.items():
        (root / name).write_text(text)
    cert, key = Authority(tmp_path).issue("sender.example.com")
    Path(cert).rename(root / "certs/client.crt")
    Path(key).rename(root / "certs/client.key")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "Declare a partner")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def run(project: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, and what stdout and stderr said."""

    def command(*arguments: str) -> tuple[int, str]:
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return command


@pytest.mark.parametrize(
    ("field", "text", "what", "code"),
    [
        ("caCert", "certs/none.pem", "cannot be read: No such file", 1),
        ("clientCert", "certs/none.crt", "cannot be read: No such file", 1),
        ("clientCert", "certs", "it is not a regular file", 1),
        ("caCert", ".gitignore", "holds no certificate in PEM form", 1),
        ("clientKey", "certs/none.key", "no such file on this machine", 0),
        ("caCert", "/nowhere/ca.pem", "cannot be read: No such file", 0),
    ],
)
def test_a_file_that_cannot_be_used(
    field: str, text: str, what: str, code: int, project: Path, run: Run
) -> None:  # fmt: skip
    """An error where it must be in the repository, a warning where it may be on another machine."""
    files = {"clientCert": "certs/client.crt", "clientKey": "certs/client.key", field: text}
    written = ", ".join(f"{name}: {path}" for name, path in files.items())
    (project / "reconciler.yaml").write_text(
        PROJECT.replace(PROJECT.split("deliveries: ")[1], f"{{{written}}}\n")
    )
    answered, printed = run("validate")
    assert answered == code
    assert f"{'error' if code else 'warning'}[RC167]" in printed
    assert what in printed
    assert "reconciler.yaml:9:" in printed


def test_an_authority_of_the_server_or_of_a_mail_server_must_be_there(
    project: Path, run: Run
) -> None:
    text = PROJECT.replace("patience: 1s", "patience: 1s, caCert: ca.pem").replace(
        "  keyPrefix",
        "  alerts: [{name: a, type: email, to: [owner], smtp: {host: m.example, from: a@b.example, caCert: b.pem}}]\n"
        "  keyPrefix",
    )
    (project / "reconciler.yaml").write_text(text)
    code, printed = run("validate")
    assert (code, printed.count("error[RC167]")) == (1, 2)


def test_a_key_that_git_ignores_is_in_order(run: Run) -> None:
    assert run("validate") == (0, "the declaration is valid\n")
    code, text = run("apply", "-e", "staging", "--yes")
    assert (code, "RC401" in text) == (1, True), "it went on to look for the server"


def test_a_key_that_git_tracks_is_found_by_validate(project: Path, run: Run) -> None:
    git(project, "add", "--force", "certs/client.key")
    code, text = run("validate")
    assert code == 1
    assert "error[RC184] reconciler.yaml:9:61" in text
    assert "git tracks the private key `certs/client.key`" in text
    assert "git rm --cached" in text
    code, text = run("validate", "--format", "json")
    assert [finding["code"] for finding in json.loads(text)["findings"]] == ["RC184"]
    git(project, "rm", "--quiet", "--cached", "certs/client.key")
    assert run("validate")[0] == 0


@pytest.mark.parametrize(
    "named", ["certs/client.key", "certs/../certs/client.key", "ABSOLUTE", "elsewhere.key"]
)
def test_a_key_that_git_tracks_is_never_used(
    named: str, project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is spelt, through a link too, and also when a variable names it."""
    git(project, "add", "--force", "certs/client.key")
    (project / "elsewhere.key").symlink_to("certs/client.key")
    path = named.replace("ABSOLUTE", str(project / "certs/client.key"))
    monkeypatch.setenv("RECONCILER_CLIENT_KEY_STAGING", path)
    for arguments in (
        ("apply", "-e", "staging", "--yes"),
        ("rotate", "-e", "staging", "partner", "--reason", "x"),
    ):
        code, text = run(*arguments)
        assert code == 1
        assert (
            f"error[RC520]: git tracks the client key {path}: everybody who reads the repository has it"
            in text
        )
    assert "RC401" in run("plan", "-e", "staging")[1]


def test_who_does_not_deliver_needs_no_key(project: Path, run: Run) -> None:
    """A plan has none, and an emergency revocation waits for none."""
    (project / "certs/client.key").unlink()
    assert run("validate")[0] == 0
    for arguments in (
        ("plan", "-e", "staging"),
        ("status", "-e", "staging"),
        ("revoke", "-e", "staging", "partner", "--reason", "compromise"),
    ):
        assert "RC401" in run(*arguments)[1], arguments
    code, text = run("apply", "-e", "staging", "--yes")
    assert code == 1
    assert (
        f"error[RC520]: the client key {project}/certs/client.key cannot be read: No such file or directory"
        in text
    )


def test_a_variable_brings_the_key(
    project: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "certs/client.key").rename(tmp_path / "runner.key")
    monkeypatch.setenv("RECONCILER_CLIENT_KEY", str(tmp_path / "runner.key"))
    assert "RC401" in run("apply", "-e", "staging", "--yes")[1]


def test_without_a_repository_nothing_is_tracked(project: Path, run: Run) -> None:
    (project / ".git").rename(project / "no.git")
    assert run("validate")[0] == 0
    assert "RC401" in run("apply", "-e", "staging", "--yes")[1]
