"""``demo``: the whole story, told by real commands; and that it does not tell what is not so."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from reconciler.cli.demo.tour import NotAsTold, Tour
from reconciler.domain.secrecy import holds_secret
from reconciler.domain.values.keytext import compose
from tests.kit.git.repositories import git
from tests.kit.programs.commands import COMMAND, environ, living_in, reconciler
from tests.kit.programs.started import IN_BACKGROUND, ignored, started


def bare_environment(tmp_path: Path) -> dict[str, str]:
    """No HOME, no identity, a Vault that must not be used, and a temporary directory of our own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    kept = {
        name: value
        for name, value in environ().items()
        if name != "HOME" and not name.startswith("GIT_")
    }
    return {
        **kept,
        "TMPDIR": str(folder),
        "VAULT_ADDR": "http://127.0.0.1:1",
        "VAULT_TOKEN": "wrong",
    }


@pytest.mark.openbao
@pytest.mark.slow
def test_the_whole_story_is_as_told(tmp_path: Path) -> None:
    command = [*COMMAND, "--no-color", "demo", "--keep", str(tmp_path / "kept")]
    done = subprocess.run(
        command, cwd=tmp_path, env=bare_environment(tmp_path),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    text = done.stdout
    assert done.returncode == 0, text + done.stderr
    for line in (
        "$ reconciler validate",
        "remedy: did you mean `lifetime`?",
        "$ reconciler plan -e staging --out plan.json   # with the planner's token",
        "✓ and five more that nobody may accept: changed after it was signed, signed by",
        "v2 active, v1 retiring",
        "✓ version 1 is destroyed in Vault",
        "✓ a gateway accepts no version of it any more",
        "✓ it says what was revoked, and why",
        "The log of staging holds: 6 entries",
        "(exit code 1)",
        "No changes: 2 clients as declared.",
    ):
        assert line in text
    for reason in (
        "SecretDestroyed",
        "RotationRequested",
        "GraceOver",
        "RevocationHeld",
        "ReissueDeclared",
    ):
        assert reason in text
    assert "\x1b" not in text
    assert not holds_secret(text + done.stderr)
    repository = tmp_path / "kept/acme-integrations"
    assert git(repository, "status", "--porcelain") == ""
    assert len(git(repository, "log", "--grep=^audit(staging)", "--format=%h").split()) == 6
    assert list((tmp_path / "tmp").iterdir()) == []
    assert living_in(tmp_path) == []


@pytest.mark.openbao
@pytest.mark.parametrize(
    ("number", "before"),
    [(signal.SIGINT, ()), (signal.SIGTERM, ()), (signal.SIGTERM, IN_BACKGROUND)],
)
def test_ended_in_the_middle_it_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals, before: tuple[str, ...]
) -> None:
    command = [*before, *COMMAND, "demo"]
    with started(
        command, cwd=tmp_path, env=bare_environment(tmp_path), stderr=subprocess.DEVNULL
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith("$ reconciler bootstrap"):
                break
        assert ignored(running.pid) == ({signal.SIGINT, signal.SIGHUP} if before else set())
        running.send_signal(number)
        assert running.wait(60) not in (0, 1)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert living_in(tmp_path) == []


def test_a_directory_with_something_in_it_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    refused = reconciler(tmp_path, "demo", "--keep", str(tmp_path))
    assert refused.returncode == 64
    assert "RC020" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_story_is_not_told_inside_somebody_s_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    refused = reconciler(tmp_path, "demo", "--keep", str(tmp_path / "below/kept"))
    assert (refused.returncode, refused.stdout) == (64, "")
    assert "RC020" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == [".git"]


@pytest.fixture
def tour(tmp_path: Path) -> Tour:
    return Tour(tmp_path, environ(), width=80, colour=False)


def test_another_exit_code_than_told_ends_the_tour(
    tour: Tour, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "ScopeCatalog" in tour.run("schema", shows=("Project",))
    with pytest.raises(NotAsTold, match="ended with 64, not 0"):
        tour.run("validate")
    assert "RC001" in capsys.readouterr().out  # what the command said is there to be read
    with pytest.raises(NotAsTold, match="'Unheard'"):
        tour.run("schema", shows=("Unheard",))


def test_what_does_not_hold_is_never_told(tour: Tour, capsys: pytest.CaptureFixture[str]) -> None:
    tour.check(True, "so it is")
    with pytest.raises(NotAsTold, match="so it is not"):
        tour.check(False, "so it is not")
    assert capsys.readouterr().out == "✓ so it is\n"


def test_a_secret_is_never_printed(tour: Tour, capsys: pytest.CaptureFixture[str]) -> None:
    key = compose("acme", "staging", "a" * 12, "b" * 43)
    for print_it in (tour.say, tour.show, tour.command):
        with pytest.raises(NotAsTold) as caught:
            print_it(f"look: {key}")
        assert key not in str(caught.value)
    assert key not in capsys.readouterr().out
