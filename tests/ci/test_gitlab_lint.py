"""What ``init --ci gitlab`` writes, before GitLab's own schema and our own rules."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters.forges.reviewed import PLAN_FILE
from reconciler.adapters.vault.setup.ci_platforms import GitLabJobs
from reconciler.app.start.scaffold import starter_files
from reconciler.app.start.witness import witness_files
from tests.kit.forges.workflow_lint import schema_errors
from tests.kit.git.repositories import clone_pair, commit_file, git, isolate, new_repository

LOGS_IN = {"plan staging", "plan anew staging", "apply staging", "drift staging", "revoke staging"}
COMMITS = {"apply staging": "", "drift staging": "-upkeep", "revoke staging": "-revoke"}
TYPED = ("RECONCILER_CLIENT", "RECONCILER_KEY", "RECONCILER_REASON", "RECONCILER_INCIDENT")


class _Loader(yaml.SafeLoader):
    """YAML as GitLab reads it: ``!reference`` is a list."""


def _reference(loader: _Loader, node: yaml.SequenceNode) -> list[Any]:
    return loader.construct_sequence(node)


_Loader.add_constructor("!reference", _reference)
FILES = starter_files("acme", "gitlab")
HEADER, BODY = FILES[".gitlab/reconciler.yml"].split("\n---\n")
INPUTS: dict[str, Any] = yaml.safe_load(HEADER)["spec"]["inputs"]


def expanded(text: str = BODY, **given: str) -> str:
    """The component as GitLab reads it once inputs are put in."""
    values = {
        name: given.get(name, str(one.get("default", "staging"))) for name, one in INPUTS.items()
    }
    return re.sub(r"\$\[\[ inputs\.([a-z]+) \]\]", lambda match: values[match[1]], text)


ADDRESS = "https://git.example.com/acme/integrations.git"
WITNESS = witness_files(ADDRESS, ["production", "staging"], "gitlab")[".gitlab-ci.yml"]
JOBS: dict[str, Any] = yaml.load(expanded(), _Loader)


def scripts(job: str) -> str:
    content = JOBS[job]
    lines = [*content.get("before_script", ()), *content.get("script", ())]
    return "\n".join(line for line in lines if isinstance(line, str))


def test_gitlab_s_schema_holds(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(expanded())
    (tmp_path / "root.yml").write_text(FILES[".gitlab-ci.yml"])
    (tmp_path / "bad.yml").write_text(expanded().replace("when: manual", "when: sometimes"))
    assert "sometimes" in schema_errors("gitlab-ci", [tmp_path / "bad.yml"])
    (tmp_path / "witness.yml").write_text(WITNESS)
    good = [tmp_path / f"{name}.yml" for name in ("good", "root", "witness")]
    assert schema_errors("gitlab-ci", good) == ""


def test_it_is_yaml_before_inputs_are_put_in_too() -> None:
    assert len(yaml.load(BODY, _Loader)) == len(JOBS)


def test_every_input_is_described_bounded_and_used() -> None:
    for name, one in INPUTS.items():
        assert one["description"], name
        assert "regex" in one or "options" in one or name == "image", name
        assert f"$[[ inputs.{name} ]]" in BODY, name
        if "regex" in one and "default" in one:
            assert re.fullmatch(one["regex"].strip("^$"), one["default"]), name
    assert set(re.findall(r"inputs\.([a-z]+)", BODY)) == set(INPUTS)


@pytest.mark.parametrize(
    "hostile", ["a'; touch x; '", "$(touch x)", "a b", "-e", "a\nb", "../..", "A"]
)
def test_no_environment_can_end_a_quotation(hostile: str) -> None:
    assert not re.fullmatch(INPUTS["environment"]["regex"], hostile)
    for name in ("branch", "project", "install"):
        pattern = INPUTS[name]["regex"].replace("\\/", "/")
        assert not re.fullmatch(pattern, hostile) or not re.search(r"['$`\s]", hostile), name


def test_only_jobs_that_log_in_get_an_identity_for_that_environment_alone() -> None:
    assert {name for name, job in JOBS.items() if "id_tokens" in job} == LOGS_IN
    for name in LOGS_IN:
        assert JOBS[name]["id_tokens"] == {"VAULT_JWT": {"aud": "integrations-staging"}}
        assert scripts(name).startswith("export VAULT_ROLE='integrations-staging-"), name
    assert "secrets" not in BODY


def test_only_jobs_that_commit_have_an_environment_and_none_is_interrupted() -> None:
    assert {
        name: job["environment"]["name"] for name, job in JOBS.items() if "environment" in job
    } == {name: f"staging{suffix}" for name, suffix in COMMITS.items()}
    groups = {job["resource_group"] for job in JOBS.values() if "resource_group" in job}
    assert groups == {f"reconciler-{name}-staging" for name in ("apply", "drift", "revoke")}
    assert {name for name, job in JOBS.items() if job.get("interruptible")} == {
        "validate",
        "plan staging",
    }
    assert {name for name, job in JOBS.items() if "commits" in str(job.get("extends"))} == set(
        COMMITS
    )


def test_a_merge_request_of_a_fork_is_only_validated() -> None:
    conditions = {
        name: [one["if"] for one in job["rules"]] for name, job in JOBS.items() if "rules" in job
    }
    of_requests = {
        name
        for name, some in conditions.items()
        if any("merge_request_event" in one for one in some)
    }
    assert of_requests == {"validate", "plan staging"}
    assert conditions["plan staging"] == [
        (
            '$CI_PIPELINE_SOURCE == "merge_request_event" && '
            "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID && "
            "$CI_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID"
        )
    ]
    for name, some in conditions.items():
        assert name in of_requests or all('$CI_COMMIT_BRANCH == "main"' in one for one in some), (
            name
        )


def test_the_roles_are_bound_to_the_pipelines_that_have_the_jobs() -> None:
    sorts = {"plan staging": "plan", "plan anew staging": "plan", "apply staging": "apply", "drift staging": "upkeep",
             "revoke staging": "revoke"}  # fmt: skip
    found: dict[str, set[str]] = {}
    for name, sort in sorts.items():
        assert f"integrations-staging-{sort}'" in scripts(name)
        sources = re.findall(
            r'\$CI_PIPELINE_SOURCE == "(\w+)"', " ".join(one["if"] for one in JOBS[name]["rules"])
        )
        found.setdefault(sort, set()).update(sources)
    assert found == {sort: set(sources) for sort, sources in GitLabJobs.sources.items()}


def test_what_is_kept_is_what_is_looked_for() -> None:
    assert JOBS["plan staging"]["artifacts"]["paths"] == ["/".join(PLAN_FILE)]
    kept = {
        tuple(JOBS[name]["artifacts"]["paths"])
        for name in ("reviewed staging", "plan anew staging")
    }
    folder = ".reconciler/reviewed-staging-$CI_PIPELINE_ID"
    assert kept == {(folder,)}
    assert all(
        folder in scripts(name)
        for name in ("reviewed staging", "plan anew staging", "apply staging")
    )
    assert ".reconciler/\n" in FILES[".gitignore"]


def test_what_somebody_typed_is_only_ever_a_quoted_variable() -> None:
    for name in JOBS:
        for line in scripts(name).splitlines():
            for variable in TYPED:
                for match in re.finditer(rf"\$\{{?{variable}\b", line):
                    before = line[: match.start()]
                    assert before.count('"') % 2 == 1 or before.strip() == "target=", line
    assert "eval" not in BODY
    assert not any(
        variable in json_of(job.get("rules", "")) for job in JOBS.values() for variable in TYPED
    )


def json_of(value: Any) -> str:
    return yaml.safe_dump(value)


def test_a_push_to_the_branch_is_never_cancelled_by_the_next_one() -> None:
    workflow = yaml.safe_load(FILES[".gitlab-ci.yml"])["workflow"]
    assert workflow["auto_cancel"] == {"on_new_commit": "interruptible"}


def test_every_script_is_a_shell_s() -> None:
    for name in JOBS:
        subprocess.run(["sh", "-n"], input=scripts(name), text=True, check=True)


def test_one_environment_is_applied_after_another() -> None:
    jobs = yaml.load(expanded(environment="production", after="staging"), _Loader)
    assert jobs["apply production"]["needs"][-1] == {
        "job": "apply staging",
        "artifacts": False,
        "optional": True,
    }
    assert not set(jobs) & set(JOBS) - {
        "validate"
    }  # a second include takes nothing of the first one's away


def test_the_environment_that_is_commented_out_is_right_too() -> None:
    root = yaml.safe_load(re.sub(r"(?m)^  # ", "  ", FILES[".gitlab-ci.yml"]))
    assert [one["inputs"] for one in root["include"]] == [
        {"environment": "staging"}, {"environment": "production", "after": "staging"},
    ]  # fmt: skip
    assert {one["local"].lstrip("/") for one in root["include"]} == {".gitlab/reconciler.yml"}
    assert all(set(one["inputs"]) <= set(INPUTS) for one in root["include"])


def shell(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, **variables},
    )  # fmt: skip


PYTHON = """\
#!/bin/sh
[ "$3" = venv ] && mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && exit
echo "$*" >> calls
printf '#!/bin/sh\\necho "reconciler, version 9.9.9"\\n' > "$(dirname "$0")/reconciler"
chmod +x "$(dirname "$0")/reconciler"
"""


def test_exactly_what_is_pinned_is_installed(tmp_path: Path) -> None:
    """A python3 of ours notes how pip is called; that pip then refuses what has no hash is shown
    for the action."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").write_text(PYTHON)
    (tmp_path / "bin/python3").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    script = scripts(".reconciler staging")
    absent = shell(script, tmp_path, PATH=path)
    assert (
        absent.returncode,
        "there is no file .gitlab/reconciler/requirements.txt" in absent.stderr,
    ) == (1, True)
    (tmp_path / ".gitlab/reconciler").mkdir(parents=True)
    (tmp_path / ".gitlab/reconciler/requirements.txt").write_text("")
    (tmp_path / ".reconciler/venv/bin").mkdir(parents=True)
    (tmp_path / ".reconciler/venv/bin/left").write_text(
        "by the job before, on a runner that keeps its directory"
    )
    done = shell(f"{script}\ncommand -v reconciler", tmp_path, PATH=path)
    assert done.stdout.splitlines() == [
        "reconciler, version 9.9.9", str(tmp_path / ".reconciler/venv/bin/reconciler"),
    ]  # fmt: skip
    assert (tmp_path / "calls").read_text() == (
        "-I -m pip --disable-pip-version-check --no-input install --quiet --require-hashes --requirement "
        ".gitlab/reconciler/requirements.txt\n"
    )
    assert not (tmp_path / ".reconciler/venv/bin/left").exists()


@pytest.mark.parametrize("what", ["file", "link"])
def test_a_plan_that_somebody_committed_is_not_taken_for_the_reviewed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    isolate(monkeypatch, tmp_path / "home")
    root = new_repository(tmp_path / "ours")
    if what == "link":
        (root / ".reconciler").symlink_to("clients")
        git(root, "add", "--force", ".reconciler")
        git(root, "commit", "--quiet", "-m", "x")
    else:
        commit_file(root, ".reconciler/reviewed/001-7.json", "{}")
    done = shell(scripts(".reconciler staging"), root)
    assert (done.returncode, ".reconciler is in the repository" in done.stderr) == (1, True)


def test_when_git_does_not_say_what_is_committed_the_job_fails(tmp_path: Path) -> None:
    for name in ("git", "reconciler"):
        (tmp_path / name).write_text(
            f"#!/bin/sh\necho {name} ran; exit {128 if name == 'git' else 0}\n"
        )
        (tmp_path / name).chmod(0o755)
    script = scripts(".reconciler staging").replace(INPUTS["install"]["default"], "path")
    done = shell(script, tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (done.returncode, done.stdout) == (128, "")


def test_what_another_pipeline_left_is_not_applied(tmp_path: Path) -> None:
    """A runner may keep its directory: what is there is neither this pipeline's nor this
    environment's."""
    for name in ("reviewed", "reviewed-staging-41", "reviewed-production-42"):
        (tmp_path / ".reconciler" / name).mkdir(parents=True)
        (tmp_path / ".reconciler" / name / "001-7.json").write_text("{}")
    (tmp_path / "reconciler").write_text('#!/bin/sh\necho "$@" >> calls\n')
    (tmp_path / "reconciler").chmod(0o755)
    given = {"CI_PIPELINE_ID": "42", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    apply = "\n".join(JOBS["apply staging"]["script"])
    done = shell(apply, tmp_path, **given)
    assert (done.returncode, "nothing is applied" in done.stdout) == (0, True)
    assert not (tmp_path / "calls").exists()
    folder = tmp_path / ".reconciler/reviewed-staging-42"
    folder.mkdir()
    (folder / "001-7.json").write_text("{}")
    assert shell(apply, tmp_path, **given).returncode == 0
    planned, applied = (tmp_path / "calls").read_text().splitlines()
    assert "--reviewed .reconciler/reviewed-staging-42/001-7.json" in planned
    assert " apply -e staging .reconciler/apply.json" in applied
    for name in ("reviewed staging", "plan anew staging"):
        (folder / "forged.json").write_text("{}")
        script = "\n".join(JOBS[name]["script"]).replace('rm "$agreed/anew.json"', ":")
        assert shell(script, tmp_path, **given).returncode == 0, name
        assert not (folder / "forged.json").exists(), name
        folder.mkdir(exist_ok=True)


def test_a_plan_that_was_left_is_not_taken_for_the_new_one(tmp_path: Path) -> None:
    (tmp_path / ".reconciler").mkdir()
    for name in ("plan.json", "codequality.json", "junit.xml"):
        (tmp_path / ".reconciler" / name).write_text("{}")
    (tmp_path / "reconciler").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "reconciler").chmod(0o755)
    script = "\n".join(JOBS["plan staging"]["script"])
    assert shell(script, tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}").returncode == 1
    assert list((tmp_path / ".reconciler").iterdir()) == []


@pytest.mark.parametrize(
    "job", ["plan staging", "plan anew staging", ".reconciler commits staging"]
)
def test_whoever_plans_or_applies_has_the_whole_history(job: str) -> None:
    """Whether HEAD builds on what was applied last is asked of it."""
    assert JOBS[job]["variables"] == {"GIT_DEPTH": "0"}


def test_the_form_offers_what_is_included() -> None:
    """Commented out as much as the include is."""
    uncommented = re.sub(r"(?m)^(  +)# (?=  |- )", r"\1", FILES[".gitlab-ci.yml"])
    for text, names in (
        (FILES[".gitlab-ci.yml"], ["staging"]),
        (uncommented, ["staging", "production"]),
    ):
        root = yaml.safe_load(text)
        assert [one["inputs"]["environment"] for one in root["include"]] == names
        assert root["variables"]["RECONCILER_ENVIRONMENT"]["options"] == names


def test_a_token_of_its_own_pushes_and_lies_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path / "home")
    bare, ours, _ = clone_pair(tmp_path)
    git(ours, "checkout", "--quiet", "--detach")
    branch, _, who = scripts(".reconciler commits staging").partition("export GIT_AUTHOR_NAME")
    given = {"CI_SERVER_URL": "https://gitlab.example.com", "CI_PROJECT_PATH": "acme/x"}
    ask = "printf 'protocol=https\\nhost=gitlab.example.com\\n\\n' | git credential fill"
    token = "glpat-OfThePush"
    done = shell(f"{branch}\n{ask}", ours, RECONCILER_PUSH_TOKEN=token, **given)
    assert done.returncode == 0, done.stderr
    assert {"username=reconciler", f"password={token}"} <= set(done.stdout.splitlines())
    for other in (
        "https|evil.example.com",
        "http|gitlab.example.com",
        "https|gitlab.example.com.evil.example.com",
    ):
        protocol, _, host = other.partition("|")
        asked = shell(f"printf 'protocol={protocol}\\nhost={host}\\n\\n' | git credential fill", ours,
                      RECONCILER_PUSH_TOKEN=token, GIT_TERMINAL_PROMPT="0", GIT_ASKPASS="", SSH_ASKPASS="")  # fmt: skip
        assert (asked.returncode != 0, token in asked.stdout + asked.stderr) == (True, False), other
    assert git(ours, "config", "http.followRedirects") == "false"
    assert (
        git(ours, "remote", "get-url", "--push", "origin")
        == "https://gitlab.example.com/acme/x.git"
    )
    assert git(ours, "remote", "get-url", "origin") == str(bare)
    assert token not in (ours / ".git/config").read_text()
    assert git(ours, "config", "push.pushOption") == "ci.skip"
    assert git(ours, "symbolic-ref", "HEAD") == "refs/heads/main"
    told = shell(f"export GIT_AUTHOR_NAME{who}\nenv | grep ^GIT_", ours, CI_SERVER_HOST="gitlab.example.com",
                 GIT_AUTHOR_NAME="Ada")  # fmt: skip
    assert {
        "GIT_AUTHOR_NAME=Ada",
        "GIT_COMMITTER_NAME=Ada",
        "GIT_COMMITTER_EMAIL=reconciler@gitlab.example.com",
    } <= set(told.stdout.splitlines())


def test_the_job_of_a_witness_runs_alone_and_when_it_is_due() -> None:
    content = yaml.safe_load(WITNESS)
    job = content["witness"]
    assert set(content) == {"workflow", "witness"}
    assert job["resource_group"] == "witness"
    assert job["interruptible"] is False
    assert job["rules"] == content["workflow"]["rules"]
    assert [one["if"] for one in job["rules"]] == [
        f'$CI_PIPELINE_SOURCE == "{source}" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH'
        for source in ("schedule", "web")
    ]
    wanted = {"LOG_REPOSITORY": ADDRESS, "PROJECT": ".", "ENVIRONMENTS": "production staging"}
    assert job["variables"] == wanted


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("https|git.example.com", True),
        ("https|evil.example.com", False),
        ("http|git.example.com", False),
        ("https|git.example.com.evil.example.com", False),
    ],
)
def test_a_witness_gives_its_token_to_the_server_of_the_project_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, given: bool
) -> None:
    """Whatever asks for one: a file of the project may name the server of its large files."""
    isolate(monkeypatch, tmp_path / "home")
    script = witness_files(ADDRESS, ["production"], "none")["witness.sh"]
    clone = 'clone --quiet --depth 1 -- "$LOG_REPOSITORY" "$scratch/project"'
    assert script.count(clone) == 1
    protocol, _, host = asked.partition("|")
    ask = f"credential fill <<.\nprotocol={protocol}\nhost={host}\n\n.\n"
    head = script.replace(clone, ask).partition("unset LOG_TOKEN")[0]
    variables = {"LOG_REPOSITORY": ADDRESS, "LOG_TOKEN": "glpat-OfTheLog", "WITNESS_KEY": "key"}
    done = shell(head, tmp_path, GIT_ASKPASS="", SSH_ASKPASS="", **variables)
    assert ("password=glpat-OfTheLog" in done.stdout.splitlines()) == given, done.stderr
    assert ("glpat" in done.stdout + done.stderr) == given
