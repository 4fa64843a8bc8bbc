"""A credential goes only to an address that a person accepted, and a project of somebody else
decides nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.git.project_owner import is_foreign
from reconciler.adapters.vault import consent
from reconciler.errors import VaultError
from tests.kit.git.repositories import git, isolate
from tests.kit.vault.places import settings_for

SERVER = "https://vault.example.com"
DECLARED = replace(settings_for(SERVER, "staging"), environment="staging")


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """That of a person who accepted nothing."""
    isolate(monkeypatch, tmp_path / "home")
    return {"HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"]}


def refused(environ: dict[str, str], address: str = SERVER) -> str:
    with pytest.raises(VaultError) as caught:
        consent.find_unaccepted(settings_for(address, "staging"), environ)
    return caught.value.code


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://Vault.Example.com./", "https://vault.example.com:443"),
        ("https://vault.example.com:443/proxied", "https://vault.example.com:443"),
        ("http://[::1]", "http://[::1]:80"),
        ("http://127.0.0.1:8200", "http://127.0.0.1:8200"),
    ],
)
def test_scheme_host_and_port_count(address: str, shown: str) -> None:
    assert consent.origin(address) == shown


def test_nothing_is_accepted_until_somebody_does(environ: dict[str, str]) -> None:
    assert consent.find_unaccepted(DECLARED, environ) == f"{SERVER}:443"
    assert consent.accept(SERVER, environ)
    assert not consent.accept(f"{SERVER}/", environ), "it is there already"
    assert consent.find_unaccepted(DECLARED, environ) is None
    for other in ("https://vault.example.com:8200", "https://vault.example.org"):
        assert consent.find_unaccepted(settings_for(other, "staging"), environ) == consent.origin(
            other
        )
    assert consent.forget(SERVER, environ)
    assert not consent.forget(SERVER, environ)
    assert consent.find_unaccepted(DECLARED, environ) == f"{SERVER}:443"


def test_the_list_is_the_users_alone(environ: dict[str, str]) -> None:
    consent.accept(SERVER, environ)
    file = consent.consent_file(environ)
    assert file == Path(environ["HOME"]) / ".config/reconciler/addresses"
    assert file.stat().st_mode & 0o777 == 0o600
    for mode in (0o644, 0o620, 0o606):
        file.chmod(mode)
        assert refused(environ) == "RC072"
    file.chmod(0o600)
    file.write_bytes(b"\xff\xfe")
    assert refused(environ) == "RC072"


def test_the_users_configuration_may_lie_elsewhere(environ: dict[str, str], tmp_path: Path) -> None:
    elsewhere = {**environ, "XDG_CONFIG_HOME": str(tmp_path / "elsewhere")}
    consent.accept(SERVER, elsewhere)
    assert (tmp_path / "elsewhere/reconciler/addresses").exists()
    assert consent.find_unaccepted(DECLARED, environ) is not None
    assert consent.consent_file({**environ, "XDG_CONFIG_HOME": "relative"}) == consent.consent_file(
        environ
    )


@pytest.mark.parametrize("name", ["VAULT_ADDR", "BAO_ADDR", "VAULT_ADDR_STAGING"])
def test_an_address_in_the_environment_is_consent(environ: dict[str, str], name: str) -> None:
    assert (
        consent.find_unaccepted(DECLARED, {**environ, name: "https://elsewhere.example.com"})
        is None
    )
    assert consent.find_unaccepted(DECLARED, {**environ, name: ""}) is not None, (
        "an empty one counts as not set"
    )
    other = {**environ, "VAULT_ADDR_PRODUCTION": SERVER}
    assert consent.find_unaccepted(DECLARED, other) is not None, "it is of another environment"


@pytest.mark.parametrize("ci", ["true", "1"])
def test_in_a_job_the_variable_must_be_what_is_declared(environ: dict[str, str], ci: str) -> None:
    job = {**environ, "CI": ci}
    assert consent.find_unaccepted(DECLARED, job) is not None, (
        "a job has nobody's consent by itself"
    )
    assert consent.find_unaccepted(DECLARED, {**job, "VAULT_ADDR": f"{SERVER}/"}) is None
    assert refused({**job, "VAULT_ADDR": "https://elsewhere.example.com"}) == "RC071"
    assert refused({**job, "VAULT_ADDR": f"{SERVER}:8200"}) == "RC071"


def test_plain_http_stays_on_this_machine(environ: dict[str, str]) -> None:
    for address in ("http://127.0.0.1:8200", "http://localhost:8200", "http://[::1]:8200"):
        consent.accept(address, environ)
        assert consent.find_unaccepted(settings_for(address, "staging"), environ) is None
    assert refused(environ, "http://vault.example.com:8200") == "RC073"
    assert refused({**environ, "VAULT_ADDR": "http://192.0.2.7:8200"}) == "RC073"


def test_a_project_of_another_user_is_refused_as_git_does(
    environ: dict[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "repository" / "sub"
    root.mkdir(parents=True)
    file = root / "reconciler.yaml"
    file.touch()
    somebody = os.geteuid() + 4711
    assert not is_foreign(root, [file], environ)
    assert is_foreign(root, [file], environ, somebody)
    for value, foreign in [
        ("*", False), (str(root), False), (str(root.parent), False), (f"{root.parent}/*", False),
        (f"{root}/*", True), ("sub", True), (str(tmp_path / "other"), True),
    ]:  # fmt: skip
        given = {
            **environ,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": value,
        }
        assert is_foreign(root, [file], given, somebody) is foreign, value
    git(tmp_path, "config", "--global", "--add", "safe.directory", str(root.parent))
    assert not is_foreign(root, [file], environ, somebody)
    git(tmp_path, "config", "--global", "--add", "safe.directory", "")
    assert is_foreign(root, [file], environ, somebody), (
        "an empty value takes back what stood before it"
    )


def test_no_setting_of_a_repository_makes_it_trusted(
    environ: dict[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "--quiet")
    git(root, "config", "safe.directory", "*")
    assert is_foreign(root, [], environ, os.geteuid() + 4711)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_under_sudo_root_and_who_asked_count(environ: dict[str, str], tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    file = root / "reconciler.yaml"
    file.touch()
    os.chown(file, 4711, 4711)
    assert is_foreign(root, [file], environ), "the file alone is enough"
    assert not is_foreign(root, [file], {**environ, "SUDO_UID": "4711"})
    assert is_foreign(root, [file], {**environ, "SUDO_UID": "4712"})


OWNER = os.geteuid()


@pytest.mark.parametrize(
    ("user", "asked", "accepted"),
    [
        (OWNER, None, True),
        (OWNER, str(OWNER + 1), True),
        (0, str(OWNER), True),  # root, and who asked for it by sudo
        (OWNER + 4711, None, False),
        (OWNER + 4711, str(OWNER), False),  # who is not root says so for nothing
        (OWNER + 4711, "", False),
    ],
)
def test_whose_list_counts(
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    user: int,
    asked: str | None,
    accepted: bool,
) -> None:
    consent.accept("https://vault.example.com", environ)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    given = environ if asked is None else {**environ, "SUDO_UID": asked}
    if accepted:
        assert consent.read_accepted(given) == {"https://vault.example.com:443"}
    else:
        with pytest.raises(VaultError, match="belongs to somebody else") as caught:
            consent.read_accepted(given)
        assert caught.value.code == "RC072"
