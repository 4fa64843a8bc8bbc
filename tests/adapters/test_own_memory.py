"""What the program holds in memory stays there."""

from __future__ import annotations

import os
import platform
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.alerts.mail import _trust
from reconciler.adapters.delivery.handshake import tls_context
from reconciler.adapters.system.tls import trusting
from reconciler.adapters.vault.http.wire import Wire
from reconciler.domain.declared.alert import MailTarget, SmtpTls
from reconciler.domain.declared.desired import DeliverySettings
from tests.kit.webhooks.receivers import answers, receiving
from tests.kit.webhooks.tls import self_signed

LOOK = """
import ctypes, os, resource, subprocess, sys
from reconciler.cli.main import main
assert main(["schema"]) == 0
dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)  # PR_GET_DUMPABLE
child = subprocess.run(["sh", "-c", "ulimit -H -c; echo ${SSLKEYLOGFILE-unset}"], capture_output=True, text=True)
print(dumpable, resource.getrlimit(resource.RLIMIT_CORE), child.stdout.split(), file=sys.stderr)
"""

# How many places there are from which threads take memory, in the words of glibc.
PLACES = """
import ctypes, os, tempfile
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from reconciler.cli.main import main
assert main(["schema"]) == 0
together, libc = Barrier(8), ctypes.CDLL(None)
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: (bytes(100_000), together.wait()), range(8)))
libc.fdopen.restype = ctypes.c_void_p
with tempfile.TemporaryFile() as told:
    stream = ctypes.c_void_p(libc.fdopen(os.dup(told.fileno()), b"w"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    told.seek(0)
    print("places:", told.read().count(b"<heap nr="))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_threads_keep_no_memory_of_their_own() -> None:
    command = [sys.executable, "-c", PLACES]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.splitlines()[-1] == "places: 1"


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_DUMPABLE is Linux's")
def test_a_command_leaves_no_core_and_no_log_of_tls_keys(tmp_path: Path) -> None:
    """Nor do the programs that it starts."""
    environ = {**os.environ, "SSLKEYLOGFILE": str(tmp_path / "keys")}
    command = [sys.executable, "-c", LOOK]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, env=environ)
    assert done.stderr.strip() == "0 (0, 0) ['0', 'unset']"


def _of_mail() -> ssl.SSLContext:
    return _trust(MailTarget("mail.example.com", 25, SmtpTls.STARTTLS, "a@example.com", ()))


@pytest.mark.parametrize("made", [lambda: tls_context(DeliverySettings()), _of_mail, trusting])
def test_no_connection_is_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Callable[[], ssl.SSLContext]
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context = made()
    recorded: str | None = context.keylog_filename
    assert recorded is None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_connection_to_vault_is_not_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with receiving(answers(200), context) as server:
        wire = Wire(f"https://127.0.0.1:{server.port}", str(certificate), 20.0)
        assert wire.exchange("POST", "/v1/x", {}, b"{}", 1000).status == 200
        wire.close()
    assert not (tmp_path / "keys").exists()
