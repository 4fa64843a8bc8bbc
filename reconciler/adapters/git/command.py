"""Runs git: a list of arguments, no shell, no prompt, no pager, no tty, bounded time, in a
repository that is named."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path

from reconciler.adapters.git.errors import audit_error
from reconciler.adapters.git.programs import Programs, options_for, safe_directories, variables_for
from reconciler.adapters.git.repository import EMBEDDED, NO_REPOSITORY, Repository, refuse_embedded
from reconciler.adapters.system.programs import find_program
from reconciler.dataclass import dataclass
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
# Of a partial clone, whose missing objects nobody fetches for a question.
_PARTIAL = "from promisor remote"
# A commit that cannot be signed "fails to be written", too, with all the room in the world.
_UNSIGNED = "failed to sign the data"

# What somebody replaced or grafted here (git replace, .git/info/grafts) is not what others see.
# A file that cannot be: git gives advice on one that is there.
_AS_STORED = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": f"{os.devnull}/none"}
# The commit graph is a copy of parents and dates; the rest changes what git prints.
_STORED_SETTINGS = (
    "core.commitGraph=false",
    "trailer.separators=:",
    "i18n.logOutputEncoding=UTF-8",
)
# Settings that define a filter driver.
_FILTER = r"^filter\..*\.(clean|smudge|process)$"
_FIXED = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": ":",
    "GIT_SEQUENCE_EDITOR": ":",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True, slots=True)
class _Given:
    """What one run of git gets.

    ``variables`` are added to those that it inherits; without them it looks around.
    """

    stdin: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    seconds: float = LOCAL_SECONDS
    programs: Programs = Programs.NONE
    filters: tuple[str, ...] = ()


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

    Make one for a directory and hand it on: where the repository is, is asked once.
    """

    def __init__(self, directory: Path | str, pause: Callable[[float], None] = time.sleep) -> None:
        self.directory = Path(directory)
        self._pause = pause
        self._options: tuple[str, ...] = ()
        self._fixed = _FIXED
        self._stored: StoredGit | None = None
        self._repository: Repository | None = None

    @property
    def stored(self) -> StoredGit:
        """The same git for questions of trust: no replaced object, no graft and no setting in the
        environment counts."""
        if self._stored is None:
            self._stored = StoredGit(self, self._pause)
        return self._stored

    @property
    def repository(self) -> Repository:
        """The repository with a work tree that the directory lies in, found once.

        Raises ``AuditError`` RC601, RC602, RC610, and RC630 for one that is not reached by
        ``.git``.
        """
        # Before Python 3.12 ``cached_property`` has one lock for all instances: a git that hangs
        # in one repository would hold up the threads that work in others.
        if self._repository is None:
            self._repository = self._find_repository()
        return self._repository

    def _find_repository(self) -> Repository:
        folder, prefix, work_tree = self.stored.places()
        refuse_embedded(self.directory, Path(folder))
        found = Repository(Path(folder), Path(work_tree), prefix)
        drivers = ("config", "--null", "--name-only", "--get-regexp", _FILTER)
        names = self._once(drivers, _Given(variables=found.variables)).out.split("\0")
        filters = {name.split(".", 1)[1].rsplit(".", 1)[0] for name in names if name}
        return replace(found, filters=tuple(sorted(filters)))

    def run(
        self,
        *arguments: str,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
        seconds: float = LOCAL_SECONDS,
        programs: Programs = Programs.NONE,
    ) -> GitAnswer:
        """Run ``git <arguments>`` whatever its exit code.

        Raises ``AuditError`` RC601, RC602, RC608, RC610, RC611, RC630.
        A lock that another git holds is waited for, a few times.
        """
        repository = self.repository
        variables = {**repository.variables, **(environment or {})}
        given = _Given(stdin, variables, seconds, programs, repository.filters)
        return self._settle(lambda: self._once(arguments, given))

    def must(
        self,
        *arguments: str,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
        seconds: float = LOCAL_SECONDS,
        programs: Programs = Programs.NONE,
    ) -> str:
        """The output of a git command that has to succeed, without its last line end.

        Raises ``AuditError``.
        """
        answer = self.run(
            *arguments, stdin=stdin, environment=environment, seconds=seconds, programs=programs
        )
        if answer.code != 0:
            raise command_failed(arguments, answer)
        return answer.line

    def make(self) -> None:
        """Make the directory a repository with the branch ``main``. Raises ``AuditError``."""
        arguments = ("init", "--quiet", "--initial-branch=main")
        answer = self._once(arguments, _Given())
        if answer.code != 0:
            raise command_failed(arguments, answer)

    def settings(self, pattern: str) -> dict[str, str]:
        """The settings whose names match ``pattern``, of the repository, or of the user where there
        is none. Names are as git writes them: section and key in lower case.

        Raises ``AuditError``, not for a directory that lies in no repository.
        """
        arguments = ("config", "--null", "--get-regexp", pattern)
        try:
            answer = self.run(*arguments)
        except AuditError as error:
            if error.code != "RC602":
                raise
            answer = self._once(arguments, _Given(variables=NO_REPOSITORY))
        found = (line.partition("\n") for line in answer.out.split("\0") if line)
        return {name: value for name, _, value in found}  # the last one counts

    def whole(
        self, *arguments: str, stdin: str = "", environment: Mapping[str, str] | None = None
    ) -> str:
        """The output of a git command that has to succeed, with every line end.

        Raises ``AuditError``.
        """
        answer = self.run(*arguments, stdin=stdin, environment=environment)
        if answer.code != 0:
            raise command_failed(arguments, answer)
        return answer.out

    def is_shallow(self) -> bool:
        """Whether the history is cut off in this clone."""
        return self.must("rev-parse", "--is-shallow-repository") == "true"

    def wait(self, tried: int) -> None:
        """Back off after the ``tried``-th failure (from 0): 0.2 s, doubled each time, with
        jitter."""
        self._pause(0.2 * 2**tried * _JITTER.uniform(0.5, 1.5))

    def _settle(self, attempt: Callable[[], GitAnswer]) -> GitAnswer:
        """The answer of git, once no lock is in its way. Raises for what is no answer."""
        answer = attempt()
        for tried in range(_WAITS):
            if not _is_locked(answer):
                break
            self.wait(tried)
            answer = attempt()
        if _is_locked(answer):
            raise audit_error("RC608", "", answer.err)
        if answer.code == 128:
            _refuse(answer)
        return answer

    def _once(self, arguments: tuple[str, ...], given: _Given) -> GitAnswer:
        program = find_program("git", os.environ)
        if program is None:
            raise self._not_started()
        options = (*options_for(given.programs, given.filters), *self._options)
        try:
            # A session of its own: Ctrl-C reaches us and not git in the middle of a commit, and no
            # ssh or gpg can sit waiting for an answer at a terminal.
            process = subprocess.Popen(
                [program, "--no-pager", *options, *arguments],
                cwd=self.directory,
                env={**self._variables(given.programs), **self._fixed, **given.variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise self._not_started() from None
        except OSError as error:
            raise audit_error(
                "RC600", f"git cannot be started: {os.strerror(error.errno or 0)}"
            ) from None
        try:
            out, err = process.communicate(
                given.stdin.encode("utf-8", "surrogateescape"), timeout=given.seconds
            )
        except subprocess.TimeoutExpired:
            _end(process)
            raise audit_error(
                "RC611", f"git {arguments[0]} did not end within {given.seconds:.0f} s"
            ) from None
        except BaseException:
            _let_end(process)
            raise
        return GitAnswer(process.returncode, _text(out), _text(err))

    def _variables(self, programs: Programs) -> dict[str, str]:
        """What git inherits."""
        return variables_for(programs, os.environ)

    def _not_started(self) -> AuditError:
        if not self.directory.is_dir():
            return audit_error("RC602", "the project's directory does not exist")
        return audit_error("RC601")


class StoredGit(GitCommand):
    """See ``GitCommand.stored``. The repository is that which ``git`` found."""

    def __init__(self, git: GitCommand, pause: Callable[[float], None]) -> None:
        super().__init__(git.directory, pause)
        settings = (*_STORED_SETTINGS, *safe_directories(os.environ))
        self._options = tuple(part for one in settings for part in ("-c", one))
        self._fixed = _FIXED | _AS_STORED
        self._git = git
        self._answers: dict[tuple[str, ...], str] = {}

    @property
    def stored(self) -> StoredGit:
        return self

    @property
    def repository(self) -> Repository:
        return self._git.repository

    def must_once(self, *arguments: str) -> str:
        """As ``must``, for questions that name commits by their ids alone: the answer stays what it
        is, and git is asked once."""
        if arguments not in self._answers:
            self._answers[arguments] = self.must(*arguments)
        return self._answers[arguments]

    def places(self) -> tuple[str, str, str]:
        """git's folder, the path of the directory below the work tree, the work tree: asked
        anew."""
        questions = ("--absolute-git-dir", "--show-prefix", "--show-toplevel")
        match self._place(*questions).split("\n"):
            case [folder, prefix, work_tree]:
                return folder, prefix, work_tree
        # the name of a folder has a line end
        folder, prefix, work_tree = map(self._place, questions)
        return folder, prefix, work_tree

    def _place(self, *questions: str) -> str:
        asked = ("rev-parse", *questions)
        answer = self._settle(lambda: self._once(asked, _Given()))
        if answer.code != 0:
            raise command_failed(asked, answer)
        return answer.out.removesuffix("\n")

    def _variables(self, programs: Programs) -> dict[str, str]:
        return variables_for(programs, os.environ, as_stored=True)


def _refuse(answer: GitAnswer) -> None:
    """Raise what git's answer says of the place, if it says anything of it."""
    if EMBEDDED in answer.err:
        raise audit_error("RC630", "", answer.err)
    if "dubious ownership" in answer.err:
        raise audit_error("RC610", "", answer.err)
    if "not a git repository" in answer.err or "must be run in a work tree" in answer.err:
        raise audit_error("RC602")


def command_failed(arguments: tuple[str, ...], answer: GitAnswer) -> AuditError:
    """RC600 with git's own words, or RC609 where they are that it may not write or has no room
    to."""
    verb = next((word for word in arguments if not word.startswith("-") and "=" not in word), "")
    refused = _REFUSED_WRITE.search(answer.err) and _UNSIGNED not in answer.err
    code = "RC622" if _PARTIAL in answer.err else "RC609" if refused else "RC600"
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


def _is_locked(answer: GitAnswer) -> bool:
    return answer.code != 0 and ".lock': File exists" in answer.err


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
