"""No secret anywhere but in the secrets mount: every output of a whole life is searched for every
value."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.kit.programs.commands import PYTHON_PATH
from tests.kit.webhooks.receivers import Receiver, answers, receiving

REPOSITORY = Path(__file__).resolve().parents[2]


def whole_life(checkout: Checkout, receiver: Receiver) -> list[str]:
    """Issue, deliver, rotate, break, repair, revoke; every secret there ever was."""
    values: set[str] = set()

    def collect() -> None:
        for path in ("keys/partner.primary", "webhooks/partner.settlements"):
            for version in range(1, 6):
                values.add(checkout.secret(path, version) or "")

    checkout.hooked("partner", receiver.url)
    checkout.client("other")
    checkout.commit()
    checkout.plan("--out", "plan.json", "--format", "markdown")
    checkout.run("-v", "apply", "-e", checkout.environment, "plan.json").ok()
    collect()
    checkout.run("-v", "rotate", "-e", checkout.environment, "partner", "--reason", "test").ok()
    collect()
    checkout.vault("DELETE", "secrets/metadata/keys/partner.primary")
    for form in ("text", "markdown", "json", "sarif"):
        checkout.plan("--format", form)
    checkout.apply().ok()
    collect()
    checkout.run("status", "-e", checkout.environment).ok()
    checkout.run("doctor", "-e", checkout.environment)
    checkout.run("revoke", "-e", checkout.environment, "partner", "--reason", "compromise").ok()
    checkout.run("plan", "-e", checkout.environment, token="hvs.wrong-token-canary")
    values.add(checkout.place.token("run"))
    return sorted(values - {""})


def test_no_output_report_or_git_object_holds_a_secret(checkout: Checkout) -> None:
    with receiving(answers(204)) as receiver:
        values = whole_life(checkout, receiver)
        sent = b"".join(seen.body + repr(seen.headers).encode() for seen in receiver.seen).decode()
    assert len(values) >= 5
    objects = git(checkout.root, "cat-file", "--batch-all-objects", "--batch", "--unordered")
    found = [
        path for path in checkout.root.rglob("*") if path.is_file() and ".git" not in path.parts
    ]
    files = "".join(path.read_text(errors="replace") for path in found)
    registry = "".join(
        str(checkout.vault("GET", path.replace("/metadata/", "/data/", 1)))
        for path in checkout.everything_written()
        if path.startswith("registry/")
    )
    places = {
        "printed": "".join(checkout.printed),
        "git": objects,
        "files": files,
        "registry": registry,
        "delivery": sent,
    }
    for where, text in places.items():
        assert "partner" in text, f"nothing was searched in {where}"
    for value in [
        *values,
        *(value.rsplit("_", 1)[-1] for value in values),
        "hvs.wrong-token-canary",
    ]:
        for where, text in places.items():
            assert value not in text, f"a secret is in {where}"


def test_the_process_list_shows_no_secret(checkout: Checkout) -> None:
    checkout.client("partner")
    seen: list[bytes] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.append(entry.read_bytes())
                except OSError:  # it ended meanwhile
                    continue

    token = checkout.place.token("run")
    environ = {**os.environ, "VAULT_TOKEN": token, "PYTHONPATH": PYTHON_PATH}
    watcher = threading.Thread(target=watch)
    watcher.start()
    command = [
        sys.executable,
        "-c",
        "import sys; from reconciler.cli.main import main; sys.exit(main())",
    ]
    command += ["apply", "-e", checkout.environment, "--yes"]
    done = subprocess.run(
        command, cwd=checkout.root, env=environ, capture_output=True, text=True, check=False
    )
    ended.set()
    watcher.join()
    assert done.returncode == 0, done.stderr
    everything = b"".join(set(seen))
    assert checkout.environment.encode() in everything  # the command itself was seen
    assert token.encode() not in everything
    assert (checkout.secret("keys/partner.primary") or "?").encode() not in everything
