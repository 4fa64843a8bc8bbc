"""Logging in with GitLab's tokens: each role by what it admits, and by every claim that is wrong in
one way.

That a mount of somebody else is left alone, and that making the roles again puts right what was
changed, is the same code for every platform: ``test_ci_roles.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from reconciler.adapters.openbao.server import RunningServer
from reconciler.adapters.vault.setup.ci_platforms import POLICIES, GitLabJobs, default_audience
from reconciler.adapters.vault.setup.ci_roles import login_roles
from reconciler.errors import TokenInvalid
from tests.kit.forges.github_tokens import new_key
from tests.kit.forges.gitlab_api import PROJECT, PROJECT_ID
from tests.kit.forges.gitlab_tokens import claims_of
from tests.kit.vault.ci_logins import Admitting, administrator, admitting

pytestmark = pytest.mark.openbao


class Trusted(Admitting):
    """An environment whose server admits the jobs of a project."""

    metadata: ClassVar = {
        "user_login": "ada", "project_path": PROJECT, "pipeline_id": "574", "job_id": "302", "sha": "a" * 40,
    }  # fmt: skip

    def admit(self, *, protected: bool = True) -> set[str]:
        """Make the roles; what was done."""
        name = self.place.name
        wanted = GitLabJobs(
            PROJECT,
            PROJECT_ID,
            name,
            "main",
            self.issuer.address,
            default_audience(name),
            protected,
        )
        return {did for _, did in login_roles(administrator(self.place), name, wanted)}

    def claims(self, job: str) -> dict[str, Any]:
        return claims_of(self.issuer.address, self.now, self.place.name, job)


@pytest.fixture(scope="module")
def trusted(openbao: RunningServer) -> Iterator[Trusted]:
    with admitting(openbao, Trusted) as made:
        assert made.admit() == {"created"}
        yield made


@pytest.mark.parametrize(
    ("job", "changes", "policies"),
    [
        ("plan", {}, ["planner"]),
        ("plan", {"pipeline_source": "web", "ref": "main"}, ["planner"]),
        ("apply", {}, ["applier", "deliverer"]),
        ("apply", {"pipeline_source": "web"}, ["applier", "deliverer"]),
        ("apply", {"sub": "whatever the project's settings make of it"}, ["applier", "deliverer"]),
        ("upkeep", {}, ["applier", "deliverer"]),
        ("revoke", {}, ["applier"]),
    ],
)
def test_a_right_token_gets_exactly_its_policies(
    trusted: Trusted, job: str, changes: dict[str, Any], policies: list[str]
) -> None:
    assert trusted.policies(job, trusted.token(job, changes)) == policies


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("project", {"project_id": "4712"}),
    (
        "project of a fork that runs in the parent",
        {"project_id": "666", "job_project_id": PROJECT_ID},
    ),
    ("project as a number", {"project_id": 4711}),
    ("project missing", {"project_id": None}),
    ("iss", {"iss": "https://gitlab.com"}),
    ("aud of another environment", {"aud": "integrations-elsewhere"}),
    ("aud missing", {"aud": None}),
    ("source", {"pipeline_source": "trigger"}),
    ("source of the API", {"pipeline_source": "api"}),
    ("source of a parent pipeline", {"pipeline_source": "parent_pipeline"}),
    ("source missing", {"pipeline_source": None}),
    ("source in a list", {"pipeline_source": ["{event}", "trigger"]}),
    ("tag", {"ref_type": "tag"}),
    ("expired", {"exp": -600, "iat": -1200, "nbf": -1200}),
    ("not yet valid", {"nbf": 600, "iat": 600, "exp": 1200}),
]
WRONG_ON_MAIN: list[tuple[str, dict[str, Any]]] = [
    ("environment", {"environment": "elsewhere"}),
    ("environment missing", {"environment": None}),
    ("environment that begins alike", {"environment": "{environment}2"}),
    ("action that no approval is asked for", {"environment_action": "access"}),
    ("action that only prepares", {"environment_action": "prepare"}),
    ("action missing", {"environment_action": None}),
    ("environment that nothing protects", {"environment_protected": "false"}),
    ("ref", {"ref": "other"}),
    ("ref in a list", {"ref": ["main", "other"]}),
    ("environment in a list", {"environment": ["elsewhere", "{environment}"]}),
    ("ref written as GitHub does", {"ref": "refs/heads/main"}),
    ("branch that nothing protects", {"ref_protected": "false"}),
    ("configuration", {"ci_config_ref_uri": "{host}/" + f"{PROJECT}//mine.yml@refs/heads/main"}),
    (
        "configuration of another branch",
        {"ci_config_ref_uri": "{host}/" + f"{PROJECT}//.gitlab-ci.yml@refs/heads/x"},
    ),
    (
        "configuration of another project",
        {"ci_config_ref_uri": "{host}/eve/x//.gitlab-ci.yml@refs/heads/main"},
    ),
    ("configuration missing", {"ci_config_ref_uri": None}),
    ("source of a merge request", {"pipeline_source": "merge_request_event"}),
]
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
    for token in (
        trusted.issuer.token(claims, new_key()),
        trusted.issuer.token(claims, alg="none"),
    ):
        with pytest.raises(TokenInvalid):
            trusted.policies("apply", token)


def test_where_no_environment_can_be_protected_the_others_still_count(trusted: Trusted) -> None:
    unprotected = {"environment_protected": "false"}
    try:
        assert trusted.admit(protected=False) == {"unchanged", "updated"}
        assert trusted.policies("apply", trusted.token("apply", unprotected)) == [
            "applier",
            "deliverer",
        ]
        with pytest.raises(TokenInvalid):
            trusted.policies(
                "apply", trusted.token("apply", unprotected | {"ref_protected": "false"})
            )
    finally:
        trusted.admit()
    with pytest.raises(TokenInvalid):
        trusted.policies("apply", trusted.token("apply", unprotected))
