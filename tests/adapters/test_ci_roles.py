"""Logging in with GitHub's tokens: each role by what it admits, and by every claim that is wrong in
one way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from reconciler.adapters.openbao.server import RunningServer
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.setup.ci_platforms import POLICIES, GitHubJobs, default_audience
from reconciler.adapters.vault.setup.ci_roles import login_roles
from reconciler.errors import TokenInvalid, VaultError
from tests.kit.forges.github_tokens import REPOSITORY, REPOSITORY_ID, claims_of, issuing, new_key
from tests.kit.vault.ci_logins import Admitting, administrator, admitting
from tests.kit.vault.places import Place

pytestmark = pytest.mark.openbao

PULL = "refs/pull/7/merge"
WORKFLOWS = f"{REPOSITORY}/.github/workflows"


class Trusted(Admitting):
    """An environment whose server admits the jobs of a repository."""

    metadata: ClassVar = {
        "actor": "ada",
        "repository": REPOSITORY,
        "run_id": "123",
        "sha": "a" * 40,
    }

    def claims(self, job: str) -> dict[str, Any]:
        name, main = self.place.name, "refs/heads/main"
        different: dict[str, dict[str, Any]] = {
            "plan": {"event_name": "pull_request", "ref": PULL, "environment": None,
                     "job_workflow_ref": f"{WORKFLOWS}/reconciler-plan.yml@{PULL}"},
            "apply": {},
            "upkeep": {"event_name": "schedule", "environment": f"{name}-upkeep",
                       "job_workflow_ref": f"{WORKFLOWS}/reconciler-drift.yml@{main}"},
            "revoke": {"event_name": "workflow_dispatch", "environment": f"{name}-revoke",
                       "job_workflow_ref": f"{WORKFLOWS}/reconciler-revoke.yml@{main}"},
        }  # fmt: skip
        return claims_of(self.issuer.address, self.now, name) | different[job]


def github(place: Place, issuer: str) -> GitHubJobs:
    return GitHubJobs(
        REPOSITORY, REPOSITORY_ID, place.name, "main", issuer, default_audience(place.name)
    )


@pytest.fixture(scope="module")
def trusted(openbao: RunningServer) -> Iterator[Trusted]:
    with admitting(openbao, Trusted) as made:
        done = login_roles(
            administrator(made.place), made.place.name, github(made.place, made.issuer.address)
        )
        assert {did for _, did in done} == {"created"}
        yield made


@pytest.mark.parametrize(
    ("job", "changes", "policies"),
    [
        ("plan", {}, ["planner"]),
        ("plan", {"event_name": "workflow_dispatch", "ref": "refs/heads/main"}, ["planner"]),
        (
            "plan",
            {"event_name": "merge_group", "ref": "refs/heads/gh-readonly-queue/main/pr-7-abc"},
            ["planner"],
        ),
        ("apply", {}, ["applier", "deliverer"]),
        ("apply", {"event_name": "workflow_dispatch"}, ["applier", "deliverer"]),
        (
            "apply",
            {"sub": "whatever the repository's settings make of it"},
            ["applier", "deliverer"],
        ),
        ("upkeep", {}, ["applier", "deliverer"]),
        ("revoke", {}, ["applier"]),
    ],
)
def test_a_right_token_gets_exactly_its_policies(
    trusted: Trusted, job: str, changes: dict[str, Any], policies: list[str]
) -> None:
    assert trusted.policies(job, trusted.token(job, changes)) == policies


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("repository_id", {"repository_id": "4712"}),
    ("repository_id as a number", {"repository_id": 4711}),
    ("repository_id missing", {"repository_id": None}),
    ("iss", {"iss": "https://token.actions.githubusercontent.com"}),
    ("aud of GitHub", {"aud": "https://github.com/acme"}),
    ("aud of another environment", {"aud": "integrations-elsewhere"}),
    ("aud missing", {"aud": None}),
    ("event", {"event_name": "pull_request_target"}),
    ("event of a fork's workflow", {"event_name": "workflow_run"}),
    ("event missing", {"event_name": None}),
    ("repository_id in a list", {"repository_id": [REPOSITORY_ID]}),
    ("event in a list", {"event_name": ["{event}", "pull_request_target"]}),
    ("expired", {"exp": -600, "iat": -1200, "nbf": -1200}),
    ("not yet valid", {"nbf": 600, "iat": 600, "exp": 1200}),
]
WRONG_ON_MAIN: list[tuple[str, dict[str, Any]]] = [
    ("environment", {"environment": "elsewhere"}),
    ("environment missing", {"environment": None}),
    ("environment that begins alike", {"environment": "{environment}2"}),
    ("ref", {"ref": "refs/heads/other"}),
    ("branch that nothing protects", {"ref_protected": "false"}),
    ("ref of a tag", {"ref": "refs/tags/main"}),
    ("ref of a pull request", {"ref": PULL}),
    ("workflow", {"job_workflow_ref": f"{WORKFLOWS}/mine.yml@refs/heads/main"}),
    ("workflow at another commit", {"job_workflow_ref": f"{WORKFLOWS}/reconciler-apply.yml@refs/heads/other"}),
    ("workflow of a fork", {"job_workflow_ref": f"{WORKFLOWS}/reconciler-apply.yml@refs/heads/main".replace("acme", "eve")}),  # noqa: E501
    ("ref in a list", {"ref": ["refs/heads/main", "refs/heads/other"]}),
    ("ref alone in a list", {"ref": ["refs/heads/main"]}),
    ("environment in a list", {"environment": ["elsewhere", "{environment}"]}),
    ("protection in a list", {"ref_protected": ["false", "true"]}),
    ("event of a merge queue", {"event_name": "merge_group"}),
    ("workflow missing", {"job_workflow_ref": None}),
    ("event of a pull request", {"event_name": "pull_request"}),
]  # fmt: skip
CASES = [(job, *case) for job in POLICIES for case in WRONG] + [
    (job, *case) for job in ("apply", "upkeep", "revoke") for case in WRONG_ON_MAIN
]


@pytest.mark.parametrize(
    ("job", "what", "changes"), CASES, ids=[f"{job}: {what}" for job, what, _ in CASES]
)
def test_a_token_that_is_wrong_in_one_claim_is_refused(
    trusted: Trusted, job: str, what: str, changes: dict[str, Any]
) -> None:
    trusted.expect_refused(job, changes)


def test_no_job_gets_what_is_another_job_s(trusted: Trusted) -> None:
    trusted.expect_each_job_its_own()


def test_a_token_that_the_issuer_did_not_sign_is_refused(trusted: Trusted) -> None:
    claims = trusted.claims("apply")
    forged = [
        trusted.issuer.token(claims, new_key()),
        trusted.issuer.token(claims, alg="none"),
        trusted.issuer.token(claims, alg="HS256"),
        trusted.issuer.token(claims)[:-4],
        trusted.issuer.token(claims) + "x",
    ]
    for token in forged:
        with pytest.raises(TokenInvalid):
            trusted.policies("apply", token)


def test_making_the_roles_again_changes_nothing_and_puts_right_what_was_changed(
    trusted: Trusted,
) -> None:
    place, live = trusted.place, administrator(trusted.place)
    wanted = github(place, trusted.issuer.address)
    assert {did for _, did in login_roles(live, place.name, wanted)} == {"unchanged"}
    path = f"/v1/auth/jwt-{place.name}/role/integrations-{place.name}-plan"
    live.adapter.post(
        path, json={"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["x"]}
    )
    changed = [what for what, did in login_roles(live, place.name, wanted) if did == "updated"]
    assert changed == [f"login role jwt-{place.name}/role/integrations-{place.name}-plan"]
    elsewhere = replace(wanted, branch="release", environment="prod")
    assert [did for _, did in login_roles(live, place.name, elsewhere)][2:] == [
        "unchanged",
        *["updated"] * 3,
    ]
    with pytest.raises(TokenInvalid):
        trusted.policies("apply", trusted.token("apply"))
    login_roles(live, place.name, wanted)
    assert trusted.policies("apply", trusted.token("apply")) == ["applier", "deliverer"]


@pytest.mark.parametrize("use", ["another issuer", "keys of its own", "another type"])
def test_a_mount_that_serves_somebody_else_is_left_alone(
    trusted: Trusted, bare_place: Place, use: str
) -> None:
    live, mount = administrator(bare_place), f"jwt-{bare_place.name}"
    live.adapter.post(
        f"/v1/sys/auth/{mount}", json={"type": "approle" if use == "another type" else "jwt"}
    )
    with issuing(trusted.now) as other:
        if use == "another issuer":
            live.adapter.post(
                f"/v1/auth/{mount}/config", json={"oidc_discovery_url": other.address}
            )
        elif use == "keys of its own":
            live.adapter.post(
                f"/v1/auth/{mount}/config", json={"jwks_url": f"{other.address}/keys"}
            )
        with pytest.raises(VaultError) as caught:
            login_roles(live, bare_place.name, github(bare_place, trusted.issuer.address))
        if use != "another type":
            with pytest.raises(StatusError, match="404"):  # there is none
                live.adapter.request("LIST", f"/v1/auth/{mount}/role")
    assert caught.value.code == "RC425"
    assert mount in caught.value.message
