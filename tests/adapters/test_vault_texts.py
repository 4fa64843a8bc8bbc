"""What is written to Vault, and whom an error names, as tables: no server is asked."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from reconciler.adapters.vault.http.errors import NO_CREDENTIAL, SETTINGS_UNUSABLE
from reconciler.adapters.vault.http.paths import check_mounts, mount_of, role_for
from reconciler.adapters.vault.setup.ci_platforms import (
    GITHUB_ISSUER,
    GITLAB_ISSUER,
    POLICIES,
    GitHubJobs,
    GitLabJobs,
    Platform,
)
from reconciler.adapters.vault.setup.policies import normalise_policy, policy_texts
from reconciler.domain.declared.desired import VaultSettings
from reconciler.errors import VaultError

SETTINGS = VaultSettings("https://vault.example", "r", "s", "t", required_registry="before/r")
Golden = Callable[[str, str], None]


def test_policies_are_what_a_reviewer_has_read(golden: Golden) -> None:
    """Who may do what is decided here, so that a change of it is a change of a file."""
    for name, text in policy_texts("prod", SETTINGS).items():
        golden(f"{name}.hcl", text)


def test_nothing_but_layout_and_comments_is_left_out_of_a_comparison() -> None:
    text = policy_texts("prod", SETTINGS)["integrations-prod-deliverer"]
    assert normalise_policy("# by hand\n\n" + text.replace("  ", "\t ")) == normalise_policy(text)
    assert normalise_policy(text.replace('"read"', '"list"')) != normalise_policy(text)
    assert "# " not in normalise_policy(text)


@pytest.mark.parametrize(
    "platform",
    [
        GitHubJobs("acme/integrations", "4711", "prod", "main", GITHUB_ISSUER, "integrations-prod"),
        GitLabJobs("acme/integrations", "4711", "prod", "main", GITLAB_ISSUER, "integrations-prod"),
        GitLabJobs(
            "acme/integrations", "4711", "free", "main", GITLAB_ISSUER, "integrations-prod", False
        ),
    ],
    ids=["github", "gitlab", "gitlab-unprotected"],
)
def test_what_a_job_must_be_is_what_a_reviewer_has_read(
    platform: Platform, golden: Golden, request: pytest.FixtureRequest
) -> None:
    bound = {job: {"policies": POLICIES[job], **platform.bind_claims(job)} for job in POLICIES}
    audit = {"user_claim": platform.user_claim, "metadata": platform.metadata}
    text = json.dumps({**bound, **audit}, indent=2, sort_keys=True) + "\n"
    golden(f"ci-{request.node.callspec.id}.json", text)


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", "s/data/keys/acme.primary", "consumer"),
        ("HEAD", "s/data/keys/acme.primary", "consumer"),
        ("LIST", "s/data/keys/acme.primary", "consumer"),
        ("GET", "s/data/webhooks/acme.orders", "deliverer"),
        ("POST", "s/data/webhooks/acme.orders", "applier"),
        ("POST", "s/data/keys/acme.primary", "applier"),
        ("POST", "s/destroy/keys/acme.primary", "applier"),
        ("LIST", "s/metadata/keys", "planner"),
        ("LIST", "s/detailed-metadata/keys", "planner"),
        ("GET", "s/config", "planner"),
        ("POST", "s/config", "administrator"),
        ("GET", "r/data/meta", "planner"),
        ("POST", "r/data/meta", "administrator"),
        ("GET", "r/data/buckets/00", "planner"),
        ("POST", "r/data/buckets/00", "applier"),
        ("DELETE", "r/metadata/runs/one", "applier"),
        ("POST", "t/sign/ledger", "applier"),
        ("POST", "t/sign/webhook.acme.orders.1", "deliverer"),
        ("POST", "t/keys/webhook.acme.orders.1", "applier"),
        ("GET", "t/keys/ledger", "planner"),
        ("POST", "t/keys/ledger", "administrator"),
        ("GET", "sys/policies/acl/integrations-prod-planner", "planner"),
        ("POST", "sys/policies/acl/integrations-prod-planner", "administrator"),
        ("GET", "sys/mounts/r", "administrator"),
        ("GET", "auth/token/lookup-self", "planner"),
        ("POST", "auth/token/renew-self", "planner"),
        ("POST", "sys/capabilities-self", "planner"),
        ("GET", "sys/health", "planner"),
        ("POST", "auth/token/create/run", "administrator"),
        ("GET", "rr/data/meta", "administrator"),
    ],
)
def test_a_denied_request_names_the_role_that_allows_it(method: str, path: str, role: str) -> None:
    assert role_for(SETTINGS, method, path) == role


@pytest.mark.parametrize(
    ("path", "mount"),
    [("r/data/meta", "r"), ("s/metadata/x", "s"), ("t/keys/x", "t"), ("rr/data", "rr/data"), ("r", "r")],
)  # fmt: skip
def test_a_path_lies_in_a_mount_of_ours_or_in_none(path: str, mount: str) -> None:
    assert mount_of(SETTINGS, path) == mount


@pytest.mark.parametrize("names", [("a", "a", "t"), ("r", "b", "/b/"), ("c", "s", "c/")])
def test_one_mount_for_two_things_is_refused(names: tuple[str, str, str]) -> None:
    with pytest.raises(VaultError) as caught:
        check_mounts(VaultSettings("https://vault.example", *names))
    assert caught.value.code == SETTINGS_UNUSABLE == "RC416"


def test_mounts_are_spelled_one_way() -> None:
    checked = check_mounts(VaultSettings("https://vault.example", "/a/r/", "a/s", "a/t/"))
    assert (checked.registry_mount, checked.secrets_mount, checked.transit_mount) == (
        "a/r",
        "a/s",
        "a/t",
    )


def test_the_code_of_a_missing_credential_is_a_contract() -> None:
    assert NO_CREDENTIAL == "RC407"
