"""Bootstrap through the command line, and spreading the registry over another number of buckets."""

from __future__ import annotations

import pytest

from reconciler.adapters.vault.http.errors import StatusError
from tests.kit.forges.github_tokens import REPOSITORY, REPOSITORY_ID, claims_of, issuing
from tests.kit.git.checkout import Checkout


def bootstrap(checkout: Checkout, *arguments: str) -> list[str]:
    ran = checkout.run(
        "bootstrap", "-e", checkout.environment, "--format", "json", *arguments, role="root"
    ).ok()
    return [step["did"] for step in ran.json["steps"]]


def test_bootstrap_again_changes_nothing(checkout: Checkout) -> None:
    assert set(bootstrap(checkout)) == {"unchanged"}


def test_the_registry_is_spread_anew_and_nothing_else_changes(checkout: Checkout) -> None:
    for name in ("partner", "other", "third"):
        checkout.client(name)
    checkout.commit()
    checkout.apply().ok()
    keys = {name: checkout.status(name)["keys"] for name in ("partner", "other", "third")}
    assert bootstrap(checkout, "--buckets", "256")[-1] == "updated"
    assert {name: checkout.status(name)["keys"] for name in keys} == keys
    checkout.assert_quiet()
    assert set(bootstrap(checkout, "--buckets", "256")) == {"unchanged"}
    checkout.remove("other")
    checkout.client("renamed", metadata={"renamedFrom": "other"})  # leaves an empty bucket behind
    checkout.client("fourth")
    checkout.apply().ok()
    assert bootstrap(checkout, "--buckets", "16")[-1] == "updated"  # and back, over the markers
    checkout.assert_quiet()
    assert checkout.versions("fourth") == {1: "active"}


def test_the_jobs_of_a_repository_are_let_in_and_again_changes_nothing(checkout: Checkout) -> None:
    name, mount = checkout.environment, f"jwt-{checkout.environment}"
    vault = {"address": checkout.place.server.address, "auth": {"method": "jwt", "mount": mount}}
    checkout.project(vault=vault)
    with issuing(int(checkout.place.root.now().timestamp())) as issuer:
        options = ("--ci", "github", "--repository", REPOSITORY, "--repository-id", REPOSITORY_ID)
        command = ("bootstrap", "-e", name, *options, "--issuer", issuer.address)
        first, second = (
            checkout.run(*command, role="root").ok(),
            checkout.run(*command, role="root").ok(),
        )
        roles = [
            f"login role {mount}/role/integrations-{name}-{job}"
            for job in ("plan", "apply", "upkeep", "revoke")
        ]
        made = [f"auth mount {mount}/ (jwt)", f"trust of {mount}/ in {issuer.address}", *roles]
        assert first.out.splitlines()[-6:] == [f"created   {what}" for what in made]
        assert second.out.splitlines()[-6:] == [f"unchanged {what}" for what in made]
        assert "vault.auth" not in first.err
        token = issuer.token(
            claims_of(issuer.address, int(checkout.place.root.now().timestamp()), name)
        )
        checkout.client("one")
        ran = checkout.run(
            "apply",
            "-e",
            name,
            "--yes",
            VAULT_TOKEN="",
            VAULT_JWT=token,
            VAULT_ROLE=f"integrations-{name}-apply",
        )
        assert "logs in" not in ran.ok().err
    assert checkout.versions("one") == {1: "active"}


def test_an_issuer_that_the_server_does_not_reach(checkout: Checkout) -> None:
    """What was done is told, nobody is let in, and the next run goes on."""
    name, mount = checkout.environment, f"jwt-{checkout.environment}"
    vault = {"address": checkout.place.server.address, "auth": {"method": "jwt", "mount": mount}}
    checkout.project(vault=vault)
    command = (
        "bootstrap",
        "-e",
        name,
        "--ci",
        "github",
        "--repository",
        REPOSITORY,
        "--repository-id",
        REPOSITORY_ID,
    )
    away = "http://127.0.0.1:1"  # nothing listens on port 1
    ran = checkout.run(*command, "--issuer", away, role="root")
    assert (ran.code, ran.out) == (1, "")
    assert "done before it failed:\nunchanged mount " in ran.err
    assert (
        f"error[RC426]: the server at {vault['address']} cannot fetch {away}/.well-known/openid"
        in ran.err
    )
    assert (
        f"let the server itself (not only this machine) reach {away}, or correct --issuer"
        in ran.err
    )
    with pytest.raises(StatusError, match="404"):  # there is no role
        checkout.place.root.adapter.request("LIST", f"/v1/auth/{mount}/role")
    with issuing(int(checkout.place.root.now().timestamp())) as issuer:
        again = (
            checkout.run(*command, "--issuer", issuer.address, role="root")
            .ok()
            .out.splitlines()[-6:]
        )
    assert [line.split()[0] for line in again] == ["unchanged", *["created"] * 5]


def test_a_project_that_does_not_log_in_with_a_jwt_is_told_what_to_declare(
    checkout: Checkout,
) -> None:
    with issuing(int(checkout.place.root.now().timestamp())) as issuer:
        ran = checkout.run(
            "bootstrap", "-e", checkout.environment, "--ci", "github", "--repository", REPOSITORY, "--repository-id",
            REPOSITORY_ID, "--issuer", issuer.address, role="root",
        )  # fmt: skip
        path = "/v1/sys/auth/jwt"  # the default mount, which no other test uses
        checkout.place.root.adapter.delete(path)
    assert f"{{method: jwt, role: integrations-{checkout.environment}-plan}}" in ran.ok().err
