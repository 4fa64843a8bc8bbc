"""Runs git: a list of arguments, no shell, no prompt, no pager, no tty, bounded time."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git_errors import audit_error
from reconciler.errors import AuditError

LOCAL_SECONDS = 120.0
# Hooks run test suites, remotes are slow.
PATIENT_SECONDS = 900.0
_WAITS = 4
_END_SECONDS = 5.0
_JITTER = random.SystemRandom()

# The system's words (strerror in the C locale), and git's own where it leaves those out.
_REFUSED_WRITE = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|Read-only file system"
    r"|insufficient permission for adding an object|Unable to create '[^']*': Permission denied"
    r"|(?:unable|failed) to write|could(?:n't| not) write|write error"
)
# A commit that cannot be signed "fails to be written", too, with all the room in the world.
_UNSIGNED = "failed to sign the data"

# Where a hook or an alias that calls us would lead git: the project's directory alone decides.
_DROPPED = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_EXTERNAL_DIFF",
    "GIT_TRACE",
)
# Settings, grafts and attributes by way of the environment, which a question of trust does not hear.
_SAID = re.compile(
    r"GIT_CONFIG(_PARAMETERS|_COUNT|_(KEY|VALUE)_\d+)?|GIT_(GRAFT|SHALLOW)_FILE|GIT_REPLACE_REF_BASE|GIT_ATTR_SOURCE"
)
# What somebody replaced or grafted here (git replace, .git/info/grafts) is not what others see.
# A file that cannot be: git gives advice on one that is there.
_AS_STORED = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": f"{os.devnull}/none"}
# The commit graph is a copy of parents and dates; the rest changes what git prints.
_STORED_SETTINGS = (
    "core.commitGraph=false",
    "trailer.separators=:",
    "i18n.logOutputEncoding=UTF-8",
)
_SETTINGS = 100  # in the environment, that are looked at
_FIXED = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": ":",
    "GIT_SEQUENCE_EDITOR": ":",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """``out`` and ``err`` are text: bytes that are not UTF-8 are kept as surrogates."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        return self.out.strip("\n")


class GitCommand:
    """git in one directory. ``pause`` waits the given seconds between tries.

    ``as_stored``: for questions of trust. No replaced object, no graft and no setting in the environment counts.
    """

    def __init__(
        self, directory: Path, pause: Callable[[float], None] = time.sleep, *, as_stored: bool = False
    ) -> None:
        self._directory = directory
        self._pause = pause
        settings = (*_STORED_SETTINGS, *_safe_directories(os.environ)) if as_stored else ()
        self._options = tuple(part for one in settings for part in ("-c", one))
        self._fixed = _FIXED | _AS_STORED if as_stored else _FIXED
        self._as_stored = as_stored

    def run(
        self,
        *arguments: str,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
        seconds: float = LOCAL_SECONDS,
    ) -> GitAnswer:
        """Run ``git <arguments>`` whatever its exit code. Raises ``AuditError`` RC601, RC602, RC608, RC610, RC611.

        A lock that another git holds is waited for, a few times.
        """
        answer = self._once(arguments, stdin, environment or {}, seconds)
        for tried in range(_WAITS):
            if not _locked(answer):
                break
            self.wait(tried)
            answer = self._once(arguments, stdin, environment or {}, seconds)
        if _locked(answer):
            raise audit_error("RC608", "", answer.err)
        if answer.code == 128 and "dubious ownership" in answer.err:
            raise audit_error("RC610", "", answer.err)
        if answer.code == 128 and ("not a git repository" in answer.err or "must be run in a work tree" in answer.err):
            raise audit_error("RC602")
        return answer

    def must(
        self,
        *arguments: str,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
        seconds: float = LOCAL_SECONDS,
    ) -> str:
        """The output of a git command that has to succeed, without its last line end. Raises ``AuditError``."""
        answer = self.run(*arguments, stdin=stdin, environment=environment, seconds=seconds)
        if answer.code != 0:
            raise failed(arguments, answer)
        return answer.line

    def is_shallow(self) -> bool:
        """Whether the history is cut off in this clone."""
        return self.run("rev-parse", "--is-shallow-repository").line == "true"

    def wait(self, tried: int) -> None:
        """Back off after the ``tried``-th failure (from 0): 0.2 s, doubled each time, with jitter."""
        self._pause(0.2 * 2**tried * _JITTER.uniform(0.5, 1.5))

    def _once(
        self, arguments: tuple[str, ...], stdin: str, environment: Mapping[str, str], seconds: float
    ) -> GitAnswer:
        inherited = {name: value for name, value in os.environ.items() if not self._drops(name)}
        try:
            # A session of its own: Ctrl-C reaches us and not git in the middle of a commit, and no ssh or gpg
            # can sit waiting for an answer at a terminal.
            process = subprocess.Popen(
                ["git", "--no-pager", *self._options, *arguments],
                cwd=self._directory,
                env={**inherited, **self._fixed, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise self._not_started() from None
        except OSError as error:
            raise audit_error("RC600", f"git cannot be started: {os.strerror(error.errno or 0)}") from None
        try:
            out, err = process.communicate(stdin.encode("utf-8", "surrogateescape"), timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            raise audit_error("RC611", f"git {arguments[0]} did not end within {seconds:.0f} s") from None
        except BaseException:
            _let_end(process)
            raise
        return GitAnswer(process.returncode, _text(out), _text(err))

    def _drops(self, name: str) -> bool:
        return name in _DROPPED or (self._as_stored and _SAID.fullmatch(name) is not None)

    def _not_started(self) -> AuditError:
        if not self._directory.is_dir():
            return audit_error("RC602", "the project's directory does not exist")
        return audit_error("RC601")


def _safe_directories(environ: Mapping[str, str]) -> Iterator[str]:
    """What the environment says of whose repository git may read: how containers say it. It changes no answer."""
    count = environ.get("GIT_CONFIG_COUNT", "")
    for number in range(min(int(count), _SETTINGS) if count.isascii() and count.isdigit() else 0):
        if environ.get(f"GIT_CONFIG_KEY_{number}", "").lower() == "safe.directory":
            yield f"safe.directory={environ.get(f'GIT_CONFIG_VALUE_{number}', '')}"


def failed(arguments: tuple[str, ...], answer: GitAnswer) -> AuditError:
    """RC600 with git's own words, or RC609 where they are that it may not write or has no room to."""
    verb = next((word for word in arguments if not word.startswith("-") and "=" not in word), "")
    refused = _REFUSED_WRITE.search(answer.err) and _UNSIGNED not in answer.err
    code = "RC609" if refused else "RC600"
    return audit_error(code, f"git {verb} ended with {answer.code}", answer.err or answer.out)


def _let_end(process: subprocess.Popen[bytes]) -> None:
    """Interrupted: git may finish what it is at, for a while."""
    try:
        process.communicate(timeout=_END_SECONDS)
    except BaseException:
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and everything it started: a hook that lives on would hold the pipes open.

    git removes its lock files on SIGTERM, which is why it comes first.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _locked(answer: GitAnswer) -> bool:
    return answer.code != 0 and ".lock': File exists" in answer.err


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
