"""One bench a forge: what is said there, and the command that says it, behind the same words.

A note is a comment on pull request 7 of GitHub, or a note on merge request 7 of GitLab.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from reconciler.adapters.forges.forge import Forge
from reconciler.adapters.forges.github import GitHub as GitHubForge
from reconciler.adapters.forges.github import GitHubRepository
from reconciler.adapters.forges.gitlab import GitLab as GitLabForge
from reconciler.adapters.forges.gitlab import GitLabProject
from reconciler.cli.main import main
from reconciler.domain.plan.plan import Plan
from reconciler.domain.secrecy.secret import Secret
from reconciler.engine.planfile.document import plan_json
from reconciler.planning.planner import plan_digest
from reconciler.report.plan.markdown import plan_markdown
from tests.kit.forges import github_api, gitlab_api
from tests.kit.forges.github_tokens import REPOSITORY
from tests.kit.forges.gitlab_job import Job
from tests.kit.programs.loopback import reply
from tests.report.samples import make_plan

QUIET = make_plan((), ())
NO_REQUEST = json.dumps({"pull_request": None})


def for_environment(plan: Plan, environment: str) -> Plan:
    parts = (
        environment,
        plan.project,
        plan.git_commit,
        plan.actions,
        plan.revisions,
        plan.desired_digests,
    )
    return replace(plan, environment=environment, digest=plan_digest(*parts))


class Bench(Protocol):
    """``said`` is what the last command printed, on both streams, ``waits`` the seconds that any
    was patient for. ``ours`` is the account that we write as, ``eve`` somebody else."""

    name: str
    said: str
    waits: list[float]
    ours: Any
    eve: Any

    def note(self, plan: Plan, environment: str = "production") -> int:
        """Make a plan the note about an environment."""
        ...

    def drift(self, left: Plan) -> int:
        """Make what is left the issue about production; ``QUIET``: all is as declared."""
        ...

    def forge(self) -> Forge: ...

    def without_request(self) -> None:
        """The job is about no pull or merge request any more."""
        ...

    # What is there.

    def write(self, body: str, author: Any) -> dict[str, Any]:
        """A note on the request."""
        ...

    def open(self, title: str, body: str | None, author: Any) -> dict[str, Any]:
        """An issue."""
        ...

    def notes(self) -> list[str]: ...

    def issues(self, state: str = "open") -> list[tuple[str, str | None]]:
        """Title and text of those that are ``open`` or ``closed``."""
        ...

    def all_issues(self) -> list[dict[str, Any]]: ...

    # What the server does.

    def answers(self, *mishaps: bytes | None, reads: int = 0) -> None:
        """What is answered to the next requests for notes, after ``reads`` that find none; None:
        nothing at all."""
        ...

    def loses(self, writes: int) -> None:
        """That many writes are done, and answered with 502."""
        ...

    def asked(self) -> int: ...

    def writes(self) -> list[str]: ...


@dataclass
class AtGitHub:
    """The steps of the action, in this process."""

    server: github_api.GitHub
    folder: Path
    capsys: pytest.CaptureFixture[str]
    waits: list[float] = field(default_factory=list)
    out: str = ""
    err: str = ""
    name: str = "GitHub"
    ours: Any = github_api.BOT
    eve: Any = "eve"

    @property
    def said(self) -> str:
        return self.out + self.err

    def __call__(self, *arguments: str | Path) -> int:
        code = main(["github", *map(str, arguments)])
        self.out, self.err = self.capsys.readouterr()
        assert github_api.TOKEN not in self.said + self.summary()
        assert "RC000" not in self.err, self.err
        return code

    def tell(self, text: str, *options: str, command: str = "note") -> int:
        """Make ``text`` the comment, or with ``command`` the issue, about production."""
        (self.folder / "report.md").write_text(text)
        return self(command, "-e", "production", self.folder / "report.md", *options)

    def summary(self) -> str:
        path = self.folder / "summary.md"
        return path.read_text() if path.exists() else ""

    def note(self, plan: Plan, environment: str = "production") -> int:
        (self.folder / "report.md").write_text(plan_markdown(for_environment(plan, environment)))
        return self("note", "-e", environment, self.folder / "report.md")

    def drift(self, left: Plan) -> int:
        return self.tell(
            plan_markdown(left), *(["--clean"] if left == QUIET else []), command="issue"
        )

    def forge(self) -> Forge:
        owner, _, name = REPOSITORY.partition("/")
        repository = GitHubRepository(self.server.address, owner, name)
        return GitHubForge(repository, Secret(github_api.TOKEN), self.ours, self.waits.append)

    def without_request(self) -> None:
        (self.folder / "event.json").write_text(NO_REQUEST)

    def write(self, body: str, author: Any) -> dict[str, Any]:
        made = self.server.comment(body, author or "ghost")
        if author is None:
            made["user"] = None  # an account that was deleted
        return made

    def open(self, title: str, body: str | None, author: Any) -> dict[str, Any]:
        return self.server.issue(title, body, author)

    def notes(self) -> list[str]:
        return [one["body"] for one in self.server.comments]

    def issues(self, state: str = "open") -> list[tuple[str, str | None]]:
        return [(one["title"], one["body"]) for one in self.server.issues if one["state"] == state]

    def all_issues(self) -> list[dict[str, Any]]:
        return self.server.issues

    def answers(self, *mishaps: bytes | None, reads: int = 0) -> None:
        self.server.mishaps = [*[reply(200, "[]")] * reads, *mishaps]

    def loses(self, writes: int) -> None:
        self.server.lost = writes

    def asked(self) -> int:
        return len(self.server.seen)

    def writes(self) -> list[str]:
        return self.server.writes()


@dataclass
class AtGitLab:
    """The jobs of the component, in this process."""

    server: gitlab_api.GitLab
    job: Job
    patch: pytest.MonkeyPatch
    name: str = "GitLab"
    ours: Any = gitlab_api.BOT
    eve: Any = gitlab_api.EVE

    @property
    def said(self) -> str:
        return self.job.out + self.job.err

    @property
    def waits(self) -> list[float]:
        return self.job.waits

    def note(self, plan: Plan, environment: str = "production") -> int:
        return self.job("note", "-e", environment, self._saved(for_environment(plan, environment)))

    def drift(self, left: Plan) -> int:
        return self.job("issue", "-e", "production", self._saved(left))

    def _saved(self, plan: Plan) -> Path:
        (self.job.folder / "plan.json").write_text(plan_json(plan))
        return self.job.folder / "plan.json"

    def forge(self) -> Forge:
        project = GitLabProject(self.server.address, int(gitlab_api.PROJECT_ID))
        return GitLabForge(project, Secret(gitlab_api.TOKEN), self.waits.append)

    def without_request(self) -> None:
        self.patch.delenv("CI_MERGE_REQUEST_IID")

    def write(self, body: str, author: Any) -> dict[str, Any]:
        return self.server.note(body, author)

    def open(self, title: str, body: str | None, author: Any) -> dict[str, Any]:
        return self.server.issue(title, body, author)

    def notes(self) -> list[str]:
        return [one["body"] for one in self.server.notes]

    def issues(self, state: str = "open") -> list[tuple[str, str | None]]:
        wanted = "opened" if state == "open" else state
        return [
            (one["title"], one["description"])
            for one in self.server.issues
            if one["state"] == wanted
        ]

    def all_issues(self) -> list[dict[str, Any]]:
        return self.server.issues

    def answers(self, *mishaps: bytes | None, reads: int = 0) -> None:
        request = reply(200, json.dumps({"sha": gitlab_api.HEAD}))  # is asked for before the notes
        self.server.mishaps = [request, *[reply(200, "[]")] * reads, *mishaps]

    def loses(self, writes: int) -> None:
        self.server.lost = writes

    def asked(self) -> int:
        return len(self.server.seen)

    def writes(self) -> list[str]:
        return self.server.writes()
