"""What the action makes of each answer of the reconciler: outputs, report, verdict; and what it
hands on to it.

The whole way, with the real one, is in ``test_workflows.py``. Here a script answers what is rare.
"""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kit.forges.action import script
from tests.kit.forges.github_api import TOKEN, GitHub
from tests.kit.forges.github_tokens import REPOSITORY_ID, REQUEST_TOKEN, issuing
from tests.kit.git.repositories import clone_pair, commit_file, git, isolate
from tests.kit.programs.loopback import Seen, loopback, reply
from tests.kit.programs.wheels import wheel

ERROR = {
    "kind": "error",
    "code": "RC401",
    "message": "no ``` answer",
    "remedy": "check the network",
}
PLAN = {"kind": "plan", "digest": "sha256:1", "blocked": False, "actions": [{"kind": "issue-key"}]}
QUIET = {**PLAN, "actions": [{"kind": "no-op"}]}
BLOCKED = {
    **PLAN,
    "blocked": True,
    "findings": [{"code": "RC340", "level": "error"}, {"code": "RC330", "level": "error"}],
}
WAITING = {
    **PLAN,
    "blocked": True,
    "findings": [{"code": "RC340", "level": "error"}, {"code": "RC351", "level": "note"}],
}
RUN: dict[str, Any] = {
    "kind": "run",
    "outcomes": [{}],
    "audit": {"path": "audit/a.json"},
    "problem": None,
}
UNPUSHED = {
    **RUN,
    "audit": {"path": None},
    "problem": {"code": "RC615", "message": "the remote refuses"},
}


STUB = """\
#!/bin/sh
cd {folder}
printf '%s\\n' "$*" >> calls
env >> environment
[ "$1" = show ] && {{ echo "shown $2"; exit 0; }}
shift 2
command=$1 out=
for word; do
  [ "$out" = next ] && out=$word
  [ "$word" = --out ] && out=next
  [ "$word" = --upkeep ] && command=$1-upkeep
done
read -r code < "code-$command"
[ -n "$out" ] && [ "$code" != 1 ] && echo plan > "$out"
cat "answer-$command"
exit "$code"
"""


@dataclass
class Stage:
    """A step whose ``reconciler`` is a shell script that answers as told and notes how it was
    called."""

    folder: Path
    patch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def answers(self, command: str, code: int, document: Any, *, call: str = "") -> None:
        """``call`` distinguishes two calls of one command by a word in their arguments."""
        (self.folder / f"answer-{command}{call}").write_text(json.dumps(document))
        (self.folder / f"code-{command}{call}").write_text(f"{code}\n")

    def run(self, command: str, **inputs: str) -> dict[str, str]:
        """The outputs. The scripts themselves always end with 0."""
        stub = self.folder / "reconciler"
        stub.write_text(STUB.format(folder=self.folder))
        stub.chmod(0o755)
        given = {
            "RECONCILER": str(stub),
            "INPUT_COMMAND": command,
            "INPUT_ENVIRONMENT": "staging",
            "VAULT_TOKEN": "t",
        }
        for name, value in (given | inputs).items():
            self.patch.setenv(name, value)
        for name in ("output", "summary.md", "calls", "environment"):
            (self.folder / name).unlink(missing_ok=True)
        assert script("run").main() == 0
        text = (self.folder / "output").read_text()
        return dict(
            re.findall(r"^([a-z-]+)<<(?:end-\w+)\n(.*?)\nend-\w+$", text, re.MULTILINE | re.DOTALL)
        )

    def file(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""


@pytest.fixture
def stage(step: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Stage:
    return Stage(step, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("code", "document", "changes", "blocked", "verdict", "told"),
    [
        (0, QUIET, "false", "false", "0", "shown"),
        (2, PLAN, "true", "false", "0", "shown"),
        (3, BLOCKED, "true", "true", "3", "shown"),
        (3, WAITING, "true", "true", "0", "shown"),
        (
            1,
            ERROR,
            "false",
            "false",
            "1",
            "````text\nRC401: no ``` answer\nremedy: check the network\n````",
        ),
        (64, {**ERROR, "code": "RC002"}, "false", "false", "64", "RC002"),
    ],
    ids=["quiet", "changes", "blocked", "waiting for staging", "error", "usage"],
)
def test_a_plan(
    stage: Stage, code: int, document: Any, changes: str, blocked: str, verdict: str, told: str
) -> None:
    stage.answers("plan", code, document)
    found = stage.run("plan")
    names = ("changes", "blocked", "verdict", "exit-code")
    assert [found[name] for name in names] == [changes, blocked, verdict, str(code)]
    assert told in stage.file("summary.md") == Path(found["report"]).read_text() + "\n"
    assert bool(found["plan-file"]) == (document["kind"] == "plan")
    wanted = [
        {"environment": "staging", "run": os.environ.get("GITHUB_RUN_ID", ""), "digest": "sha256:1"}
    ]
    assert json.loads(found["plans"]) == (wanted if code == 2 else [])


@pytest.fixture
def shallow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of the newest of two commits alone.

    It is asked for before ``stage``, whose variables stay.
    """
    isolate(monkeypatch, tmp_path / "home")
    bare, ours, _ = clone_pair(tmp_path)
    commit_file(ours, "notes", "x")
    git(ours, "push", "--quiet")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{bare}", "shallow")
    return tmp_path / "shallow"


def test_a_history_that_is_cut_off_is_fetched_before_a_plan(shallow: Path, stage: Stage) -> None:
    """Whether HEAD builds on what was applied last is asked of it."""
    stage.answers("plan", 0, QUIET)
    stage.run("plan", GITHUB_WORKSPACE=str(shallow), INPUT_PROJECT=".")
    assert git(shallow, "rev-list", "--count", "HEAD") == "2"


def test_a_history_that_cannot_be_fetched_is_said(shallow: Path, stage: Stage) -> None:
    git(shallow, "remote", "set-url", "origin", f"file://{shallow}-gone")
    stage.answers("plan", 0, QUIET)
    found = stage.run(
        "plan", GITHUB_WORKSPACE=str(shallow), INPUT_PROJECT=".", INPUT_TOKEN="ghs_secret"
    )
    assert found["verdict"] == "0"
    printed = stage.capsys.readouterr().out
    assert "::warning::The history is cut off" in printed
    assert "ghs_secret" not in printed


def test_the_keys_that_may_sign_come_from_outside_of_the_repository(stage: Stage) -> None:
    stage.answers("plan", 2, PLAN, call="-upkeep")
    stage.answers("plan", 0, QUIET)
    stage.answers("apply", 0, {**RUN, "outcomes": []})
    stage.run(
        "drift",
        INPUT_PROJECT=str(stage.folder),
        INPUT_ALLOWED_SIGNERS="ada@example.com ssh-ed25519 AAAA",
    )
    [given] = set(
        re.findall(r"^RECONCILER_ALLOWED_SIGNERS=(.*)$", stage.file("environment"), re.MULTILINE)
    )
    assert Path(given).read_text() == "ada@example.com ssh-ed25519 AAAA\n"
    stage.run("drift", INPUT_PROJECT=str(stage.folder), INPUT_ALLOWED_SIGNERS="")
    assert "RECONCILER_ALLOWED_SIGNERS" not in stage.file("environment")


def test_of_a_reviewed_plan_only_what_is_compared_is_shown(stage: Stage, github: GitHub) -> None:
    """Whoever approves reads this summary, and anybody who may push a branch writes that file."""
    head, merge = "b" * 40, "c" * 40
    github.merged(7, head, merge)
    github.run(31, head)
    github.keep(31, "reconciler-plan-staging", json.dumps(PLAN).encode())
    event = {"after": merge, "commits": [{"id": merge}], "repository": {"id": int(REPOSITORY_ID)}}
    (stage.folder / "event.json").write_text(json.dumps(event))
    found = stage.run("reviewed", INPUT_ENVIRONMENTS="staging", GITHUB_REF_NAME="main")
    assert json.loads(found["plans"]) == [
        {"environment": "staging", "run": "31", "digest": "sha256:1"}
    ]
    (call,) = stage.file("calls").splitlines()
    assert re.fullmatch(r"show \S+/reviewed-7-staging\.json --format markdown --compared", call)
    assert "in pull request #7, as far as the apply compares it" in stage.file("summary.md")


def test_a_plan_that_cannot_be_read_fails_the_job(stage: Stage) -> None:
    stage.answers("plan", 0, None)
    (stage.folder / "answer-plan").write_text("Traceback")
    found = stage.run("plan")
    assert found["verdict"] == "1"
    assert "::error::the reconciler ended with 0 and no result" in stage.capsys.readouterr().out


@pytest.mark.parametrize(
    ("upkeep", "applied", "left", "verdict", "clean", "told"),
    [
        ((0, QUIET), None, (0, QUIET), "0", "true", "is as declared"),
        ((2, PLAN), (0, RUN), (0, QUIET), "0", "true", "the audit"),
        ((2, PLAN), (0, RUN), (2, PLAN), "0", "false", "What is left"),
        ((0, QUIET), None, (3, BLOCKED), "0", "false", "is not as declared"),
        ((3, BLOCKED), None, (3, BLOCKED), "0", "false", "is not as declared"),
        ((2, PLAN), (5, RUN), (2, PLAN), "5", "false", "is not as declared"),
        ((2, PLAN), (1, UNPUSHED), (0, QUIET), "1", "false", "RC615: the remote refuses"),
        ((2, PLAN), (4, ERROR), (2, PLAN), "4", "false", "Nothing was done"),
        ((1, ERROR), None, (1, ERROR), "1", "false", "RC401"),
    ],
    ids=[
        "well",
        "repaired",
        "left",
        "blocked",
        "upkeep blocked",
        "in part",
        "not pushed",
        "lease",
        "unreachable",
    ],
)
def test_drift(
    stage: Stage, upkeep: Any, applied: Any, left: Any, verdict: str, clean: str, told: str
) -> None:
    (stage.folder / "audit").mkdir()
    (stage.folder / "audit/a.md").write_text("the audit report\n")
    stage.answers("plan", *upkeep, call="-upkeep")
    stage.answers("plan", *left)
    stage.answers("apply", *(applied or (99, ERROR)))
    found = stage.run("drift", INPUT_PROJECT=str(stage.folder))
    assert (found["verdict"], found["clean"]) == (verdict, clean)
    assert told in Path(found["report"]).read_text()
    assert ("apply" in stage.file("calls")) == (applied is not None)


@pytest.mark.parametrize(
    ("code", "document", "verdict"), [(0, RUN, "0"), (5, RUN, "5"), (1, ERROR, "1")]
)
def test_a_revocation(stage: Stage, code: int, document: Any, verdict: str) -> None:
    stage.answers("revoke", code, document)
    found = stage.run(
        "revoke",
        INPUT_CLIENT="partner",
        INPUT_REASON="--push-it $(x)\nreally",
        INPUT_INCIDENT="INC-1",
    )
    assert found["verdict"] == verdict
    assert (
        "revoke -e staging partner --reason=--push-it $(x)\nreally --incident=INC-1 --push"
        in stage.file("calls")
    )


@pytest.mark.parametrize(
    ("command", "inputs", "told"),
    [
        ("deploy", {}, "the input command is 'deploy'"),
        ("", {}, "It is one of validate, plan, reviewed, apply, drift, revoke"),
        ("plan", {"INPUT_ENVIRONMENT": "../etc"}, "the input environment is '../etc'"),
        ("drift", {"INPUT_ENVIRONMENT": ""}, "Name an environment"),
        ("reviewed", {"INPUT_ENVIRONMENTS": ""}, "the input environments is ''"),
        ("reviewed", {"INPUT_ENVIRONMENTS": "staging Production"}, "the input environments is"),
        ("revoke", {"INPUT_CLIENT": ""}, "the input client is ''"),
        ("revoke", {"INPUT_CLIENT": "-e"}, "the input client is '-e'"),
        ("revoke", {"INPUT_CLIENT": "a", "INPUT_KEY": "b/c"}, "the input key is 'b/c'"),
        ("apply", {"INPUT_RUN": "", "INPUT_DIGEST": ""}, "the input run is not the number"),
        ("plan", {"VAULT_TOKEN": ""}, "permissions: id-token: write"),
    ],
    ids=lambda one: str(one)[:30],
)
def test_what_a_workflow_says_wrongly_is_told(
    stage: Stage, command: str, inputs: dict[str, str], told: str
) -> None:
    for name in ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
        stage.patch.delenv(name, raising=False)
    found = stage.run(command, **inputs)
    assert (found["verdict"], found["exit-code"]) == ("1", "1")
    assert told in stage.file("summary.md")
    assert "::error::" in stage.capsys.readouterr().out
    assert stage.file("calls") == ""


def test_a_job_logs_in_with_a_token_of_its_own_and_hands_on_nothing_else(
    stage: Stage, github: GitHub
) -> None:
    with issuing(1_700_000_000) as issuer:
        stage.answers("plan", 0, QUIET)
        found = stage.run(
            "plan", VAULT_TOKEN="", ACTIONS_ID_TOKEN_REQUEST_URL=issuer.request_url,
            ACTIONS_ID_TOKEN_REQUEST_TOKEN=REQUEST_TOKEN, INPUT_REQUIRES="pre-prod", GITHUB_TOKEN=TOKEN,
        )  # fmt: skip
    assert found["verdict"] == "0"
    own, first = issuer.issued
    lines = stage.file("environment").splitlines()
    assert {f"VAULT_JWT={own}", "VAULT_ROLE=integrations-staging-plan"} <= set(lines)
    assert {f"VAULT_JWT_PRE_PROD={first}", "VAULT_ROLE_PRE_PROD=integrations-pre-prod-plan"} <= set(
        lines
    )
    assert [audience(token) for token in (own, first)] == [
        "integrations-staging",
        "integrations-pre-prod",
    ]
    assert [line for line in lines if line.startswith(("INPUT_", "ACTIONS_", "GITHUB_TOKEN"))] == []
    printed = stage.capsys.readouterr().out.splitlines()
    assert [line for line in printed if own in line or first in line] == [
        f"::add-mask::{own}",
        f"::add-mask::{first}",
    ]
    outputs = stage.file("output") + stage.file("summary.md") + stage.file("calls")
    assert not any(secret in outputs for secret in (own, first, TOKEN, REQUEST_TOKEN))


def test_an_audience_and_a_token_of_the_workflow_come_first(stage: Stage, github: GitHub) -> None:
    with issuing(1_700_000_000) as issuer:
        variables = {
            "ACTIONS_ID_TOKEN_REQUEST_URL": issuer.request_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
        }
        stage.answers("plan", 0, QUIET)
        stage.run("plan", VAULT_TOKEN="", INPUT_AUDIENCE="ours", **variables)
        assert [audience(token) for token in issuer.issued] == ["ours"]
        stage.run("plan", VAULT_TOKEN="given", **variables)
        assert len(issuer.issued) == 1
        refused = stage.run(
            "plan", VAULT_TOKEN="", **{**variables, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "wrong"}
        )
    assert refused["verdict"] == "1"
    assert "no identity token was given (status 404)" in stage.file("summary.md")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_that_asks_for_a_token_follows_no_redirect(stage: Stage, status: int) -> None:
    """Not even to a place that would give one."""
    asked: list[str] = []

    def elsewhere(seen: Seen) -> bytes:
        asked.append(seen.target)
        return reply(200, '{"value": "jwt"}')

    def moved(seen: Seen) -> bytes:
        return reply(status, headers=(f"Location: {other.address}{seen.target}",))

    with loopback(elsewhere) as other, loopback(moved) as runner:
        found = stage.run(
            "plan", VAULT_TOKEN="", ACTIONS_ID_TOKEN_REQUEST_URL=f"{runner.address}/idtoken",
            ACTIONS_ID_TOKEN_REQUEST_TOKEN=REQUEST_TOKEN,
        )  # fmt: skip
    assert found["verdict"] == "1"
    assert f"no identity token was given (status {status})" in stage.file("summary.md")
    assert asked == []


def audience(token: str) -> str:
    part = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["aud"])


def test_no_value_can_set_another_output(stage: Stage) -> None:
    stage.answers("plan", 2, {**PLAN, "digest": "x\nend\nverdict<<end\n0\nend"})
    found = stage.run("plan")
    assert found["digest"] == "x\nend\nverdict<<end\n0\nend"
    assert found["verdict"] == "0"
    assert stage.run("nonsense\n::add-mask::x")["verdict"] == "1"
    assert "\n::add-mask::" not in stage.capsys.readouterr().out


@pytest.mark.slow
def test_exactly_what_is_pinned_is_installed(
    step: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    install = script("install")
    name, digest = wheel(step)
    for variable, value in {"GITHUB_WORKSPACE": str(step), "PIP_NO_INDEX": "1", "INPUT_INSTALL": "pins.txt",
                            "INPUT_VERSION": "9.9.9"}.items():  # fmt: skip
        monkeypatch.setenv(variable, value)
    (step / "pins.txt").write_text(f"./{name} --hash=sha256:{digest}\n")
    assert install.main() == 0
    assert re.search(r"reconciler<<\S+\n.*/venv/bin/reconciler\n", (step / "output").read_text())
    monkeypatch.setattr(install.venv, "create", lambda *_, **__: None)  # once is enough
    with pytest.raises(script("runner").Refused, match=r"version 9\.9\.9, not 9\.9\.8"):
        install.version_of(step / "temp/reconciler/venv/bin/reconciler", "9.9.8")
    (step / "pins.txt").write_text(f"./{name}\n")
    assert install.main() == 1
    assert "::error::pip cannot install pins.txt" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("nowhere.txt", "there is no file nowhere.txt"),
        ("path", "there is no reconciler on PATH"),
        ("", "there is no file"),
        ("action", "is not that of the reconciler"),
    ],
)
def test_where_there_is_nothing_to_install_it_is_told(
    step: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    source: str,
    told: str,
) -> None:
    install = script("install")
    monkeypatch.setattr(install, "ACTION", step / "a/b/c")
    for variable, value in {
        "GITHUB_WORKSPACE": str(step),
        "PATH": str(step),
        "INPUT_INSTALL": source,
    }.items():
        monkeypatch.setenv(variable, value)
    assert install.main() == 1
    assert told in capsys.readouterr().out


def test_from_the_action_s_own_repository_its_pinned_requirements_are_installed(
    step: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install = script("install")
    root = step / "theirs"
    (root / "reconciler/cli").mkdir(parents=True)
    (root / "reconciler/__main__.py").write_text("")
    (root / "reconciler/cli/main.py").write_text(
        "def main():\n    print('reconciler, version 0.0.1')\n"
    )
    seen = []

    def environment(requirements: Path, directory: Path) -> Path:
        seen.append((requirements, directory))
        (step / "bin").mkdir()
        (step / "bin/python").symlink_to(Path(install.sys.executable))
        return step

    monkeypatch.setattr(install, "_environment", environment)
    monkeypatch.setattr(install, "ACTION", root / ".github/actions/reconciler")
    monkeypatch.setenv("INPUT_INSTALL", "action")
    assert install.main() == 0
    assert seen == [(root / "requirements.txt", root)]
    assert "reconciler 0.0.1" in capsys.readouterr().out
