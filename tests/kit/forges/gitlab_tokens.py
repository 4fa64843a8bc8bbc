"""What the ID tokens of GitLab's jobs say.

They are signed as those of GitHub in these tests (``github_tokens``).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tests.kit.forges.gitlab_api import PROJECT, PROJECT_ID


def claims_of(issuer: str, now: int, environment: str, job: str = "apply") -> dict[str, Any]:
    """All claims of a sort of job, as GitLab's documentation shows them ("OpenID Connect (OIDC)
    authentication using ID tokens"). A merge request's pipeline names its source branch."""
    sources = {
        "plan": "merge_request_event",
        "apply": "push",
        "upkeep": "schedule",
        "revoke": "web",
    }
    suffixes = {"apply": "", "upkeep": "-upkeep", "revoke": "-revoke"}
    ref = "partner" if job == "plan" else "main"
    claims = {
        "namespace_id": "72", "namespace_path": "acme/platform", "project_id": PROJECT_ID, "project_path": PROJECT,
        "user_id": "1", "user_login": "ada", "user_email": "ada@example.com", "user_access_level": "developer",
        "pipeline_id": "574", "pipeline_source": sources[job], "job_id": "302", "ref": ref, "ref_type": "branch",
        "ref_path": f"refs/heads/{ref}", "ref_protected": "false" if job == "plan" else "true", "runner_id": 1,
        "runner_environment": "self-hosted", "sha": "a" * 40, "project_visibility": "private",
        "ci_config_ref_uri": f"{urlsplit(issuer).netloc}/{PROJECT}//.gitlab-ci.yml@refs/heads/{ref}",
        "ci_config_sha": "a" * 40, "jti": "example-id", "iss": issuer, "iat": now, "nbf": now - 5, "exp": now + 600,
        "sub": f"project_path:{PROJECT}:ref_type:branch:ref:{ref}", "aud": f"integrations-{environment}",
    }  # fmt: skip
    if job != "plan":
        tier = {
            "environment_protected": "true",
            "deployment_tier": "staging",
            "environment_action": "start",
        }
        claims |= {"environment": environment + suffixes[job], **tier}
    return claims
