"""The guard under the suite bites: whatever opens a socket reaches loopback and nothing else."""

from __future__ import annotations

import errno
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.git.repositories import isolate
from tests.kit.suite.guard.loopback_only import LOG, is_here
from tests.kit.webhooks.receivers import answers, receiving
from tests.test_suite import PLUGIN, run

# Documentation's addresses, and a name of documentation's domain.
FOUR, SIX, NAME = "192.0.2.1", "2001:db8::1", "host.example.com"
GUARDED = PLUGIN.replace("limits", "guarding")


@pytest.fixture(autouse=True)
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests try to leave on purpose."""
    monkeypatch.delenv(LOG)


def stream(family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    made = socket.socket(family)
    made.settimeout(5)
    return made


def refused(leave: Callable[[], object]) -> OSError:
    with pytest.raises(OSError, match="the tests ") as caught:
        leave()
    return caught.value


def test_no_connection_and_no_datagram_leaves() -> None:
    with (
        stream() as four,
        stream(socket.AF_INET6) as six,
        socket.socket(type=socket.SOCK_DGRAM) as sender,
    ):
        for leave in (
            lambda: four.connect((FOUR, 443)),
            lambda: four.connect_ex((FOUR, 443)),
            lambda: six.connect((SIX, 443)),
            lambda: sender.sendto(b"x", (FOUR, 53)),
            lambda: sender.sendto(b"x", 0, (FOUR, 53)),
            lambda: sender.sendmsg([b"x"], [], 0, (FOUR, 53)),
            lambda: http.client.HTTPConnection(FOUR, timeout=5).connect(),
        ):
            assert refused(leave).errno == errno.ENETUNREACH


def test_no_name_is_asked_for() -> None:
    with stream() as sending, socket.socket(type=socket.SOCK_DGRAM) as sender:
        for ask in (
            lambda: socket.getaddrinfo(NAME, 443),
            lambda: socket.gethostbyname(NAME),
            lambda: socket.gethostbyaddr(FOUR.replace("192", "x")),
            lambda: sending.connect((NAME, 443)),
            lambda: sender.sendto(b"x", (NAME, 53)),
            lambda: http.client.HTTPConnection(NAME, timeout=5).connect(),
        ):
            assert isinstance(refused(ask), socket.gaierror)


def test_loopback_and_sockets_of_the_file_system_are_reached(tmp_path: Path) -> None:
    with receiving(answers(204)) as receiver:
        for host in ("127.0.0.1", "localhost"):
            connection = http.client.HTTPConnection(host, receiver.port, timeout=20)
            connection.request("POST", "/")
            assert connection.getresponse().status == 204
            connection.close()
    for written in (FOUR, SIX, "127.1", "0x7f000001"):
        assert socket.getaddrinfo(written, 443)  # reading an address asks nobody
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        client.connect(str(tmp_path / "s"))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost", ""]
)
def test_what_is_here(host: str) -> None:
    assert is_here(host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1.example.com", "10.0.0.1", "::2", "127.example.com", "localhost.example.com"]
)
def test_what_is_not_here(host: str) -> None:
    assert not is_here(host)


def test_a_python_that_a_test_starts_is_under_it() -> None:
    code = f"import socket\ntry:\n socket.create_connection(({FOUR!r}, 443), 5)\nexcept OSError as e:\n print(e)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "the tests reach loopback only" in done.stdout


NODE = f"""
const net = require("node:net"), dns = require("node:dns");
const said = {{}};
net.connect(443, "{FOUR}").on("error", (error) => {{ said.connect = error.code; }});
fetch("http://{FOUR}/").catch((error) => {{ said.fetch = error.cause.code; }});
dns.lookup("{NAME}", (error) => {{ said.lookup = error.code; }});
dns.promises.resolve4("{NAME}").catch((error) => {{ said.resolve = error.code; }});
fetch(process.argv[1]).then((answer) => {{ said.here = answer.status; }});
process.on("exit", () => console.log(JSON.stringify(said)));
"""


@pytest.mark.skipif(
    shutil.which("node") is None and not os.environ.get("CI"), reason="node is not installed"
)
def test_a_node_that_a_test_starts_is_under_it() -> None:
    with receiving(answers(204)) as receiver:
        done = subprocess.run(
            ["node", "-e", NODE, receiver.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert json.loads(done.stdout) == {
        "connect": "ENETUNREACH", "fetch": "ENETUNREACH", "lookup": "ENOTFOUND", "resolve": "ENOTFOUND", "here": 204,
    }  # fmt: skip


@pytest.mark.parametrize(
    "url", [f"https://{FOUR}/x.git", f"git://{FOUR}/x.git", f"ssh://{FOUR}/x.git", f"{FOUR}:x.git"]
)
def test_git_may_use_paths_only(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        done = subprocess.run(
            ["git", "ls-remote", url],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 128
        assert "not allowed" in done.stderr
        isolate(monkeypatch, tmp_path / "home")


SWALLOWED = f"""
import socket

def test_swallows():
    try:
        socket.create_connection(("{FOUR}", 443), 5)
    except OSError:
        pass

def test_goes_on():
    pass
"""


def test_a_test_that_tried_fails_also_when_nobody_noticed(tmp_path: Path) -> None:
    ran = run(tmp_path, SWALLOWED, plugin=GUARDED)
    assert "1 failed, 1 passed" in ran.stdout, ran.stdout + ran.stderr
    assert f"a connection to {FOUR} port 443" in ran.stdout
