"""What ``init`` writes for GitHub, and this repository's own workflow, before three judges and our
own rules."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.app.start.scaffold import starter_files
from reconciler.app.start.witness import witness_files
from tests.kit.forges.action import ACTION, ROOT
from tests.kit.forges.workflow_lint import actionlint, schema_errors, zizmor

NAMES = ("apply", "drift", "plan", "revoke")
# GitHub added it in May 2026, after actionlint 1.7.7: a group keeps all that wait, instead of the
# newest alone.
YOUNGER = 'unexpected key "queue" for "concurrency" section. expected one of "cancel-in-progress", "group"'
PLANNING = {("plan", "plan"), ("apply", "anew"), ("apply", "apply"), ("drift", "drift")}
LOGS_IN = {
    ("plan", "plan"),
    ("apply", "anew"),
    ("apply", "apply"),
    ("drift", "drift"),
    ("revoke", "revoke"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as ``init`` writes it."""
    root = tmp_path_factory.mktemp("written")
    for name, text in starter_files("acme").items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of a witness."""
    root = tmp_path_factory.mktemp("watching")
    address = "https://git.example.com/acme/integrations.git"
    for name, text in witness_files(address, ["production", "staging"], "github").items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def workflows(root: Path) -> list[Path]:
    return sorted((root / ".github/workflows").glob("*.yml"))


def parsed(root: Path) -> dict[str, Any]:
    return {
        path.stem.removeprefix("reconciler-"): yaml.load(path.read_text(), yaml.BaseLoader)
        for path in workflows(root)
    }


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workflow in which every judge has to find something."""
    path = tmp_path_factory.mktemp("bad") / ".github/workflows/bad.yml"
    path.parent.mkdir(parents=True)
    path.write_text(
        "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-latest\n    stepz: []\n    steps:\n"
        "      - run: echo ${{ github.event.pull_request.title }}\n      - uses: actions/checkout@v4\n"
    )
    return path


def test_actionlint_finds_nothing_but_what_it_is_too_old_for(
    written: Path, watching: Path, bad: Path
) -> None:
    found = actionlint([*workflows(written), *workflows(watching), *workflows(ROOT), bad])
    assert any("stepz" in one for one in found)
    assert [one.partition(": ")[2] for one in found if not one.startswith("bad.yml:")] == [
        YOUNGER,
        YOUNGER,
    ]


def test_zizmor_finds_nothing(written: Path, watching: Path, bad: Path) -> None:
    assert {one.partition(":")[0] for one in zizmor(bad)} >= {
        "dangerous-triggers",
        "template-injection",
    }
    assert zizmor(written / ".github") == []
    assert zizmor(watching / ".github") == []
    assert zizmor(ROOT / ".github") == []


def test_the_schemas_of_workflows_and_actions_hold(
    written: Path, watching: Path, bad: Path
) -> None:
    assert "stepz" in schema_errors("github-workflows", [bad])
    good = [*workflows(written), *workflows(watching), *workflows(ROOT)]
    assert schema_errors("github-workflows", good) == ""
    assert schema_errors("github-actions", [ACTION / "action.yml"]) == ""


def test_the_action_of_a_new_repository_is_this_repository_s(written: Path) -> None:
    theirs = {
        path.name: path.read_bytes() for path in (written / ".github/actions/reconciler").iterdir()
    }
    assert theirs == {path.name: path.read_bytes() for path in ACTION.iterdir() if path.is_file()}


def test_there_are_four_workflows_that_may_nothing_by_default(written: Path) -> None:
    found = parsed(written)
    assert tuple(sorted(found)) == NAMES
    assert {name: one["permissions"] for name, one in found.items()} == {name: {} for name in NAMES}
    for name, workflow in found.items():
        for job, content in workflow["jobs"].items():
            assert "permissions" in content, (name, job)
            assert int(content["timeout-minutes"]) <= 55, (name, job)


def test_only_jobs_that_log_in_get_an_identity_and_only_those_that_commit_may_write(
    written: Path,
) -> None:
    jobs = {
        (name, job): content
        for name, one in parsed(written).items()
        for job, content in one["jobs"].items()
    }
    writers = {("apply", "apply"), ("drift", "drift"), ("revoke", "revoke")}
    assert {key for key, job in jobs.items() if "id-token" in job["permissions"]} == LOGS_IN
    assert {
        key for key, job in jobs.items() if job["permissions"].get("contents") == "write"
    } == writers
    assert {key for key, job in jobs.items() if "environment" in job} == writers
    assert jobs["plan", "validate"]["permissions"] == {"contents": "read"}
    for key, job in jobs.items():
        [checkout] = [
            one["with"] for one in job["steps"] if one["uses"].startswith("actions/checkout@")
        ]
        # What is applied is what the branch holds now, not what it held when the run was queued.
        wanted = {"ref": "${{ github.ref }}", "persist-credentials": "true"} if key in writers else {
            "persist-credentials": "false"}  # fmt: skip
        # Whoever plans or applies must see whether HEAD builds on what was applied last.
        assert checkout == wanted | ({"fetch-depth": "0"} if key in PLANNING else {}), key


def test_a_pull_request_of_a_fork_is_only_validated(written: Path) -> None:
    found = parsed(written)
    assert found["plan"]["on"] == {"pull_request": "", "merge_group": ""}
    ours = "github.event.pull_request.head.repo.full_name == github.repository"
    assert found["plan"]["jobs"]["plan"]["if"] == f"github.event_name == 'merge_group' || {ours}"
    assert set(found["apply"]["on"]) == {"push", "workflow_dispatch"}
    assert set(found["drift"]["on"]) == {"schedule", "workflow_dispatch"}
    assert set(found["revoke"]["on"]) == {"workflow_dispatch"}
    text = "".join(path.read_text() for path in workflows(written))
    assert "pull_request_target" not in text
    assert "workflow_run" not in text
    assert "secrets." not in text


def test_an_apply_is_never_cancelled_and_a_revocation_waits_for_none(written: Path) -> None:
    jobs = {
        name: parsed(written)[name]["jobs"][name]["concurrency"]
        for name in ("apply", "drift", "revoke")
    }
    groups = {
        name: re.sub(r"\$\{\{ \w+\.environment \}\}", "ENV", one["group"])
        for name, one in jobs.items()
    }
    assert groups == {name: f"reconciler-{name}-ENV" for name in jobs}
    assert {one["cancel-in-progress"] for one in jobs.values()} == {"false"}
    assert {name for name, one in jobs.items() if one.get("queue") == "max"} == {"apply", "revoke"}
    environments = [
        parsed(written)[name]["jobs"][name]["environment"] for name in ("apply", "drift", "revoke")
    ]
    assert environments == [
        "${{ matrix.environment }}", "${{ matrix.environment }}-upkeep", "${{ inputs.environment }}-revoke",
    ]  # fmt: skip


@pytest.mark.parametrize("where", ["written", "watching", "here"])
def test_every_action_of_somebody_else_is_pinned_by_its_commit(
    written: Path, watching: Path, where: str
) -> None:
    root = {"written": written, "watching": watching, "here": ROOT}[where]
    lines = [
        line
        for path in (root / ".github").rglob("*.yml")
        for line in path.read_text().splitlines()
        if re.search(r"\buses:", line) and "./" not in line
    ]
    assert lines
    assert [
        one for one in lines if not re.search(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", one)
    ] == []


def test_no_expression_is_pasted_into_a_script(written: Path, watching: Path) -> None:
    scripts = []

    def look(node: Any) -> None:
        if isinstance(node, dict):
            scripts.extend(
                [node["run"]] if isinstance(node.get("run"), str) and "command" not in node else []
            )
            for inner in node.values():
                look(inner)
        elif isinstance(node, list):
            for inner in node:
                look(inner)

    for path in (*(written / ".github").rglob("*.yml"), *workflows(watching)):
        look(yaml.safe_load(path.read_text()))
    assert len(scripts) == 6
    assert [one for one in scripts if "${{" in one] == []


def test_every_input_of_the_action_is_used_and_every_output_is_made() -> None:
    action = yaml.safe_load((ACTION / "action.yml").read_text())
    steps = json.dumps(action["runs"]["steps"])
    assert [name for name in action["inputs"] if f"inputs.{name} " not in steps] == []
    made = (ACTION / "run.py").read_text()
    used = re.findall(r"steps\.run\.outputs\.([a-z-]+)", steps + json.dumps(action["outputs"]))
    assert [name for name in used if f'"{name}"' not in made] == []
    assert {"changes", "blocked", "digest", "exit-code"} <= set(action["outputs"])


def test_the_job_of_a_witness_may_write_what_it_saw_and_runs_alone(watching: Path) -> None:
    workflow = parsed(watching)["witness"]
    assert workflow["permissions"] == {}
    assert workflow["concurrency"] == {"group": "witness", "cancel-in-progress": "false"}
    assert set(workflow["on"]) == {"schedule", "workflow_dispatch"}
    [job] = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "write"}
    assert job["environment"] == "witness"
    secrets = [one for step in job["steps"] for one in step.get("env", {}).values() if "${{" in one]
    assert secrets == ["${{ secrets.WITNESS_KEY }}", "${{ secrets.LOG_TOKEN }}"]
    assert list(job["steps"][-1]["env"].values())[:3] == [
        "https://git.example.com/acme/integrations.git",
        ".",
        "production staging",
    ]
