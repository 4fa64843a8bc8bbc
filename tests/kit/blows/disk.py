"""A blow at one operation on the files of the audit, inside the command's own process; called
before it begins."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Self

from reconciler.adapters.git import report_files as git_files
from reconciler.adapters.git.ledger import GitLedger
from reconciler.adapters.system import new_files

OPERATIONS = frozenset({"open", "mkdir", "rename", "unlink", "fsync", "close"})
NEEDING_ROOM = frozenset({"open", "mkdir", "write", "fsync"})
# What the interpreter itself tells of, whoever calls: nothing that changes a file escapes the
# counting.
CHANGING = {"os.mkdir": "mkdir", "os.rename": "rename", "os.remove": "unlink"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def strike(order: dict[str, Any]) -> None:
    """``at``: at which operation (from 1). ``how``: ``before`` or ``after`` it the process dies,
    ``half``: a write writes half of it first; or the name of an error that the operation ends with
    from then on, such as ``ENOSPC``. ``log``: a file that gets a line for each operation,
    ``audited``: one that gets what the interpreter tells."""
    log = Path(order["log"]).open("ab", buffering=0)  # noqa: SIM115 - open until the process ends
    if order.get("audited"):
        audited = Path(order["audited"]).open("ab", buffering=0)  # noqa: SIM115 - likewise
        sys.addaudithook(partial(_audit, audited))
    struck = _Struck(int(order["at"]), str(order["how"]), log)
    for module in (git_files, new_files):
        setattr(module, "os", struck)  # noqa: B010 - no name of its own


def limit(order: dict[str, int]) -> None:
    """While the audit is written, no file grows past ``bytes``, in this process and in every git
    that it starts: the kernel answers EFBIG, and ends a git."""
    without = resource.getrlimit(resource.RLIMIT_FSIZE)

    def enter() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["bytes"], without[1]))

    _around_the_audit(enter, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, without))


def unprivileged(order: dict[str, int]) -> None:
    """While the audit is written, be the user with the number ``user``, whom permissions bind."""
    if os.getuid() == 0:
        user = order["user"]
        _around_the_audit(lambda: os.setresuid(user, user, 0), lambda: os.setresuid(0, 0, 0))


def _around_the_audit(enter: Callable[[], None], leave: Callable[[], None]) -> None:
    def within(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*values: Any) -> Any:
            enter()
            try:
                return call(*values)
            finally:
                leave()

        return called

    for name in ("write", "commit"):
        setattr(GitLedger, name, within(getattr(GitLedger, name)))


def _audit(log: BinaryIO, event: str, values: tuple[Any, ...]) -> None:
    what = CHANGING.get(event, "")
    if (
        event == "open"
        and isinstance(values[0], str)
        and values[2] & WRITING
        and values[0] != os.devnull
    ):
        what = "open"
    if what:
        log.write(f"{what}\n".encode())


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """``folder`` as a file system of its own, of four megabytes.

    Raises ``OSError`` for who may not mount one.
    """
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,mode=755", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise OSError(errno.EPERM, "mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def may_mount() -> bool:
    try:
        with TemporaryDirectory() as folder, small_disk(Path(folder) / "disk"):
            return True
    except OSError:
        return False


def fill(folder: Path, pages: int) -> Path:
    """Leave room for so many pages on the disk of ``folder``; the file that takes all other
    room."""
    filler = folder / "filler"
    page = os.statvfs(folder).f_bsize
    with filler.open("wb", buffering=0) as file:
        while os.statvfs(folder).f_bfree > pages:
            file.write(b"x" * page)
    return filler


class _Struck:
    """``os`` as the audit's files see it."""

    def __init__(self, at: int, how: str, log: BinaryIO) -> None:
        self._at, self._how, self._log, self._count = at, how, log, 0

    def __getattr__(self, name: str) -> Any:
        value = getattr(os, name)
        return partial(self.operate, name, value) if name in OPERATIONS else value

    def fdopen(self, number: int, mode: str) -> _File:
        return _File(os.fdopen(number, mode, buffering=0), self)

    def operate(
        self, name: str, call: Callable[..., Any], *values: Any, half: Any = None, **named: Any
    ) -> Any:
        self._count += 1
        changing = bool(values[1] & WRITING) if name == "open" else name != "read"
        self._log.write(f"{name}{'' if changing else ' to read'}\n".encode())
        if self._count == self._at and self._how in ("before", "half"):
            if half is not None and self._how == "half":
                half()
            os.kill(os.getpid(), signal.SIGKILL)
        if (
            changing
            and name in NEEDING_ROOM
            and self._count >= self._at > 0
            and hasattr(errno, self._how)
        ):
            raise OSError(getattr(errno, self._how), self._how)
        dying = self._count == self._at and self._how == "after"
        try:
            return call(*values, **named)
        finally:
            if dying:
                os.kill(os.getpid(), signal.SIGKILL)


class _File:
    def __init__(self, file: Any, struck: _Struck) -> None:
        self._file, self._struck = file, struck

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._struck.operate("close", self._file.close)

    def write(self, content: bytes) -> None:
        half = partial(self._file.write, content[: len(content) // 2])
        self._struck.operate("write", self._file.write, content, half=half)

    def read(self) -> bytes:
        return bytes(self._struck.operate("read", self._file.read))

    def flush(self) -> None:
        self._file.flush()

    def fileno(self) -> int:
        return int(self._file.fileno())
