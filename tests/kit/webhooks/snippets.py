"""Runs the receivers of ``docs/webhooks.md`` in their languages: one interpreter start for all
cases of a snippet."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kit.suite.fast import leave_out

SECONDS = 60


@dataclass(frozen=True)
class Language:
    """``fence`` is the info of its blocks; ``package`` what Debian calls it; ``before`` makes a
    file of a snippet."""

    fence: str
    command: tuple[str, ...]
    package: str
    suffix: str
    driver: str
    before: str = ""


# A driver reads [[secrets, headers, body in base64, …], …] and prints for each true, false, or what
# was thrown.
LANGUAGES = {
    "js": Language(
        "js", ("node",), "nodejs", ".mjs",
        """
import { readFileSync } from "node:fs";
import { genuine } from "./snippet.mjs";
const ask = ([secrets, headers, body, ...rest]) => genuine(secrets, headers, Buffer.from(body, "base64"), ...rest);
const answer = (one) => { try { return ask(one); } catch (error) { return String(error); } };
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(answer)));
""",
    ),
    "php": Language(
        "php", ("php",), "php-cli", ".php",
        """<?php
error_reporting(E_ALL);
set_error_handler(function ($level, $message) { throw new ErrorException($message); });
require __DIR__ . '/snippet.php';
$answers = [];
foreach (json_decode(file_get_contents('php://stdin'), true) as $one) {
    [$secrets, $headers, $body] = $one;
    try {
        $answers[] = genuine($secrets, $headers, base64_decode($body), ...array_slice($one, 3));
    } catch (Throwable $error) {
        $answers[] = $error->getMessage();
    }
}
echo json_encode($answers);
""",
        "<?php\n",
    ),
    "ruby": Language(
        "ruby", ("ruby", "--disable-gems"), "ruby", ".rb",
        """
require "json"
require_relative "snippet"
answers = JSON.parse($stdin.read).map do |secrets, headers, body, *rest|
  genuine(secrets, headers, body.unpack1("m"), *rest)
rescue StandardError => error
  error.message
end
print JSON.generate(answers)
""",
    ),
}  # fmt: skip


def ask(language: Language, snippet: str, questions: Sequence[Sequence[Any]]) -> list[object]:
    """What ``genuine`` of ``snippet`` returns for each of ``questions``: secrets, headers, body as
    bytes, and more."""
    _require(language)
    told = json.dumps(
        [[one[0], one[1], base64.b64encode(one[2]).decode(), *one[3:]] for one in questions]
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"snippet{language.suffix}").write_text(language.before + snippet)
        driver = Path(folder, f"driver{language.suffix}")
        driver.write_text(language.driver)
        done = subprocess.run(
            [*language.command, str(driver)], cwd=folder, input=told, capture_output=True, text=True, timeout=SECONDS,
            check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr + done.stdout
    answers: list[object] = json.loads(done.stdout)
    assert len(answers) == len(questions)
    return answers


def _require(language: Language) -> None:
    """Have the interpreter, from Debian where ``CI`` is set; else the test is skipped without
    it."""
    program = language.command[0]
    leave_out(program)
    if shutil.which(program) is not None:
        return
    if not os.environ.get("CI"):
        pytest.skip(
            f"{program} is not installed: its snippets of docs/webhooks.md run where CI is set"
        )
    with Path(tempfile.gettempdir(), "reconciler-tests-packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be at it
        if shutil.which(program) is None:
            _install()
    assert shutil.which(program) is not None, f"{program} must be installed where CI is set"


def _install() -> None:
    """All of them at once: looking for packages takes longer than installing them."""
    packages = [one.package for one in LANGUAGES.values() if shutil.which(one.command[0]) is None]
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environ: Mapping[str, str] = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            [*as_root, "apt-get", "-q", *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"apt-get {arguments[0]} failed: {done.stderr[-500:]}"
