"""What the identity tokens of a CI platform say of a job, and which of it each sort of job is bound
to.

Never bound is ``sub``: its text follows from settings of the repository that others may change, and
is the same for different jobs. Claims of GitHub: "OpenID Connect reference" of its documentation;
of GitLab: "OpenID Connect (OIDC) authentication using ID tokens".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

from reconciler.dataclass import dataclass

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GITLAB_ISSUER = "https://gitlab.com"
# Name of a claim → what it must be, or one of what it must be.
Claims = Mapping[str, str | Sequence[str]]
# What each sort of job may do; the role's name is integrations-<env>-<sort>.
POLICIES: Mapping[str, tuple[str, ...]] = {
    "plan": ("planner",),
    "apply": ("applier", "deliverer"),
    "upkeep": ("applier", "deliverer"),
    "revoke": ("applier",),
}
# Of the platform's environment: that of upkeep asks nobody, that of revoke asks others.
_SUFFIXES = {"apply": "", "upkeep": "-upkeep", "revoke": "-revoke"}


def default_audience(environment: str) -> str:
    """A token that was made for one environment's Vault is refused by every other role and every
    other server."""
    return f"integrations-{environment}"


@dataclass(frozen=True, slots=True)
class Platform(ABC):
    """Whose jobs log in. ``repository_id`` is the number of ``repository``, which no other one ever
    has. ``environment`` is the protected environment of an apply at the platform, ``branch`` the
    one that is applied.

    ``metadata`` are claims that go into the audit log of the server: who, in which run, for which
    commit.
    """

    user_claim: ClassVar[str]
    metadata: ClassVar[tuple[str, ...]]

    repository: str
    repository_id: str
    environment: str
    branch: str
    issuer: str
    audience: str

    @abstractmethod
    def bind_claims(self, job: str) -> Claims:
        """The claims of a sort of job, each exactly."""


@dataclass(frozen=True, slots=True)
class GitHubJobs(Platform):
    """A repository on GitHub: ``repository`` is OWNER/REPO."""

    user_claim: ClassVar[str] = "repository_id"
    metadata: ClassVar[tuple[str, ...]] = ("actor", "repository", "run_id", "sha")
    # Sort of job → its events and its workflow. A plan's may be any file at any commit: a pull
    # request may change it.
    jobs: ClassVar[Mapping[str, tuple[tuple[str, ...], str]]] = {
        "plan": (("merge_group", "pull_request", "workflow_dispatch"), ""),
        "apply": (("push", "workflow_dispatch"), "reconciler-apply.yml"),
        "upkeep": (("schedule", "workflow_dispatch"), "reconciler-drift.yml"),
        "revoke": (("workflow_dispatch",), "reconciler-revoke.yml"),
    }

    def bind_claims(self, job: str) -> Claims:
        events, workflow = self.jobs[job]
        claims: dict[str, str | Sequence[str]] = {
            "repository_id": self.repository_id,
            "event_name": sorted(events),
        }
        if workflow:
            ref = f"refs/heads/{self.branch}"
            claims |= {
                "environment": self.environment + _SUFFIXES[job],
                "ref": ref,
                "ref_protected": "true",
                "job_workflow_ref": f"{self.repository}/.github/workflows/{workflow}@{ref}",
            }
        return claims


@dataclass(frozen=True, slots=True)
class GitLabJobs(Platform):
    """A project on GitLab: ``repository`` is GROUP/…/PROJECT. ``protected``: whether environments
    can be protected there, which GitLab's free tier does not do."""

    user_claim: ClassVar[str] = "project_id"
    metadata: ClassVar[tuple[str, ...]] = (
        "user_login",
        "project_path",
        "pipeline_id",
        "job_id",
        "sha",
    )
    # Sort of job → how its pipeline was started. A schedule that is run by hand is a schedule, too.
    sources: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "plan": ("merge_request_event", "web"),
        "apply": ("push", "web"),
        "upkeep": ("schedule",),
        "revoke": ("web",),
    }

    protected: bool = True

    def bind_claims(self, job: str) -> Claims:
        claims: dict[str, str | Sequence[str]] = {
            "project_id": self.repository_id,
            "pipeline_source": sorted(self.sources[job]),
            "ref_type": "branch",
        }
        if job != "plan":
            host = urlsplit(self.issuer).netloc
            claims |= {
                "environment": self.environment + _SUFFIXES[job],
                # Any other action names the same environment and is no deployment: such a job waits
                # for no approval.
                "environment_action": "start",
                "ref": self.branch,
                "ref_protected": "true",
                "ci_config_ref_uri": (
                    f"{host}/{self.repository}//.gitlab-ci.yml@refs/heads/{self.branch}"
                ),
            }
            if self.protected:
                claims["environment_protected"] = "true"
        return claims
