"""``audit verify --in``: a pack or an archive verifies by itself, where no project is."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import main
from tests.kit.evidence.logs import Log
from tests.kit.evidence.told import make_story, write_log, write_project

ERASED = "audit/staging/20260305t120000z-bbbb.json"


@pytest.fixture
def log() -> Log:
    return make_story()


@pytest.fixture
def pack(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pack of the story, seen from a folder that is no project."""
    root, out = tmp_path / "project", tmp_path / "pack"
    write_project(root)
    write_log(root, log)
    (root / ERASED).write_text("left by a command that was killed")
    given = ("--project", str(root), "audit", "export", "-e", "staging", "--out", str(out))
    assert run(*given)[0] == 0
    shutil.rmtree(root)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    return out


def run(*arguments: str) -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(arguments))
    return code, out.getvalue()


def verify(folder: Path, *arguments: str, environment: str = "staging") -> tuple[int, Any]:
    given = ("audit", "verify", "-e", environment, "--in", str(folder), *arguments)
    code, said = run(*given, "--format", "json")
    return code, json.loads(said)


def test_a_pack_verifies_with_a_pinned_key_and_no_project(pack: Path, log: Log) -> None:
    key = log.first_key.text
    code, found = verify(pack, "--key", key)
    assert (code, found["log"]["entries"]) == (0, 10)
    code, said = run("audit", "verify", "-e", "staging", "--in", str(pack), "--key", key)
    assert code == 0
    assert said.startswith("The log of staging holds: 10 entries")
    code, found = verify(pack)
    assert (code, found["unanchored"]) == (1, True)


def test_what_was_erased_is_in_no_pack(pack: Path) -> None:
    """Not even where the file is still there."""
    assert not (pack / ERASED).exists()


@pytest.mark.parametrize("name", ["audit/staging/20260303t120000z-bbbb.json", "audit/staging/x.md"])
def test_a_pack_that_was_changed_does_not_hold(pack: Path, log: Log, name: str) -> None:
    (pack / name).write_text("other")
    code, found = verify(pack, "--key", log.first_key.text)
    assert code == 1
    assert found["fault"]["file"] == name


def test_what_lies_in_the_pack_is_no_anchor(pack: Path) -> None:
    for option, name in (("--key", "keys"), ("--since", "checkpoint")):
        code, found = verify(pack, option, str(pack / "audit/staging/log" / name))
        assert (code, found["code"]) == (64, "RC035")


def test_another_environment_is_not_there(pack: Path, tmp_path: Path) -> None:
    for folder, environment in ((pack, "production"), (tmp_path / "none", "staging")):
        code, found = verify(folder, environment=environment)
        assert (code, found["code"]) == (1, "RC681"), found
        assert found["message"].startswith(f"there is no evidence log of {environment} in ")


def test_a_log_under_the_name_of_another_environment_is_refused(pack: Path, log: Log) -> None:
    (pack / "audit/staging").rename(pack / "audit/production")
    code, found = verify(pack, "--key", log.first_key.text, environment="production")
    assert (code, found["fault"]["code"]) == (1, "RC652")


def test_two_logs_of_one_environment_are_one_too_many(pack: Path) -> None:
    shutil.copytree(pack / "audit", pack / "more" / "audit")
    code, found = verify(pack)
    assert (code, found["code"]) == (1, "RC681"), found
    assert "2 folders hold a log of staging" in found["message"]


def test_vault_is_not_asked_about_a_pack(pack: Path) -> None:
    code, found = verify(pack, "--live")
    assert (code, found["code"]) == (64, "RC021")
