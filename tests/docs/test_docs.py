"""The documentation says what the program does: commands, codes, reasons, fields, links, transcripts."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.openbao import throw_away
from tests.kit.documents import matches, perform, plain, steps

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment variables of a reader: an empty home, our commands on PATH, a server with its root token."""
    home, commands = tmp_path / "home", tmp_path / "bin"
    home.mkdir()
    commands.mkdir()
    (home / ".gitconfig").write_text("[init]\n\tdefaultBranch = main\n[user]\n\tname = Ada Auditor\n\temail = ada@example.com\n")
    start = "import sys; from reconciler.cli.main import main; sys.exit(main())"
    script = commands / "reconciler"
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{start}' \"$@\"\n")
    script.chmod(0o755)
    found = shutil.which("bao", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert found is not None, "the extra server brings the command bao"
    (commands / "bao").symlink_to(found)
    with throw_away() as server:  # of its own: the page begins with an empty one
        yield {
            "HOME": str(home),
            "PATH": f"{commands}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "100",
            "VAULT_ADDR": server.address,
            "VAULT_TOKEN": server.token.reveal(),
        }


@pytest.mark.openbao
@pytest.mark.parametrize("page", ["README.md", "docs/walkthrough.md"])
def test_a_page_that_shows_commands_is_what_happens(page: str, reader: dict[str, str], tmp_path: Path) -> None:
    """Every console block is run, in order, in a scratch directory; every command exits 0 and prints what is shown."""
    directory = tmp_path / "scratch"
    directory.mkdir()
    todo = steps((ROOT / page).read_text().replace("18787", str(free_port())))
    answers = perform(todo, directory, reader)
    wrong = []
    for step, answer in zip(todo, answers, strict=False):
        if answer.code != 0 or not matches(step.printed, answer.printed):
            wrong.append(f"{page}:{step.line}: exit {answer.code}\n$ {step.command[:200]}\n{plain(answer.printed)}")
    assert not wrong, "\n\n".join(wrong)
    assert len(answers) == len(todo), f"{page}: the session ended after {len(answers)} of {len(todo)} steps"
