"""What the engine needs from outside.

``reconciler.adapters`` implements these; tests use the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol, TypeVar

from reconciler.domain.declared.checkout import Loaded
from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.live.observed import SecretInfo
from reconciler.domain.live.record import ClientRecord
from reconciler.domain.plan.run import RunResult
from reconciler.domain.secrecy.secret import Secret
from reconciler.registry.requests import Minted, Request, Response
from reconciler.webhooks.wire.http import HttpFailure, HttpRequest, HttpResponse

_T = TypeVar("_T")


class LiveState(Protocol):
    """Vault or OpenBao for one environment. Thread-safe. Methods raise ``VaultError``.

    ``run_id`` goes along with every request as ``X-Run-Id``, for the server's audit device.
    """

    run_id: str | None

    def now(self) -> datetime:
        """The server's time, from the ``Date`` header of one request."""
        ...

    def answer(self, request: Request) -> Response:
        """Answer one protocol request about documents and secrets (not ``Mint``, ``Deliver``,
        ``Batch``)."""
        ...

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        """Answer independent requests concurrently, in order.

        After an error no further one is begun.
        """
        ...

    def at_once(self, calls: Sequence[Callable[[], _T]]) -> list[_T]:
        """What these calls of other methods return, in order. They are independent of each other,
        and may be made at the same time. After an error no further one is begun."""
        ...

    def list_documents(self, folder: str) -> tuple[str, ...]:
        """Names below a folder of the registry mount, such as ``runs``."""
        ...

    def delete_document(self, name: str) -> None:
        """Remove a document with all its versions (only closed runs are ever removed)."""
        ...

    def list_secrets(
        self,
        folder: str,
        *,
        deep: bool,
    ) -> tuple[Mapping[str, SecretInfo], bool]:
        """Paths (``keys/…``) of a folder of the secrets mount, and whether versions are known.

        One LIST of ``detailed-metadata`` where the server has it (OpenBao), else one LIST of names;
        with ``deep`` and names only, one metadata read per secret.
        """
        ...

    def list_folders(self) -> tuple[str, ...]:
        """Names at the top of the secrets mount, folders with a slash at their end; none where a
        policy forbids it."""
        ...

    def read_secret(
        self,
        path: str,
        version: int,
    ) -> Secret | None:
        """A webhook's signing secret (needs the deliverer role); None when that version is gone."""
        ...

    def sign(
        self,
        key: str,
        content: bytes,
    ) -> bytes:
        """The 64 bytes of an ed25519 signature by a transit key (needs the deliverer role)."""
        ...


class Minter(Protocol):
    """Makes new keys and signing secrets from a cryptographic random source."""

    def mint(self, kind: CredentialKind) -> Minted: ...


class Sender(Protocol):
    """Speaks HTTP(S) to receivers. Thread-safe."""

    def send(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        """One exchange. A failure of any sort is an answer, never an exception."""
        ...


class StoredFiles(Protocol):
    """The files that a commit holds, or a folder where there is no git. ``commit`` is its id, empty
    for a folder. Paths are relative to the project. Methods raise ``AuditError``."""

    commit: str

    def names(self, directory: PurePosixPath) -> frozenset[str]:
        """The names of the files in a folder."""
        ...

    def read(self, paths: Sequence[PurePosixPath]) -> list[bytes | None]:
        """The contents of files, in order; None where there is no such file."""
        ...


class Ledger(Protocol):
    """The git repository that holds the declaration and the audit reports.

    ``notes`` are sentences for the user about what was committed or pushed in an unusual place.
    """

    notes: list[str]

    def head(self) -> str | None:
        """The commit of HEAD, None outside a repository or before the first commit.

        Raises ``AuditError``.
        """
        ...

    def differing(self, loaded: Loaded) -> tuple[str, ...]:
        """The paths of what was loaded whose content HEAD does not have, sorted.

        Raises ``AuditError``.
        """
        ...

    def actor(self) -> str:
        """Who runs this: the CI platform's actor, else git's user.name and user.email, else the
        login name."""
        ...

    def write(self, files: Mapping[PurePosixPath, str]) -> None:
        """Write report files, atomically each, relative to the project. Raises ``AuditError``."""
        ...

    def remove(self, paths: Collection[PurePosixPath]) -> None:
        """Remove files from the disk, those that are there. Raises ``AuditError``."""
        ...

    def commit(
        self,
        directory: PurePosixPath,
        message: str,
        files: Mapping[PurePosixPath, str],
        removed: Collection[PurePosixPath] = (),
    ) -> str | None:
        """Commit ``files``, all below ``directory``, with exactly these texts, that those of
        ``removed`` are gone, and nothing else; the new commit, or None when there is nothing to
        commit. Raises ``AuditError``."""
        ...

    def refuse_unready(
        self,
        directory: PurePosixPath,
        *,
        push: bool,
    ) -> None:
        """Raise the ``AuditError`` that a commit below ``directory`` and, with ``push``, a push
        would meet, as far as that can be known before there is anything to commit."""
        ...

    def texts(self, path: PurePosixPath) -> tuple[str, ...]:
        """What a report file holds: as committed in HEAD, then as on disk; nothing where there is
        no such text."""
        ...

    def reports(self, directory: PurePosixPath) -> Iterator[str]:
        """The texts of the JSON reports on disk below ``directory``, one at a time.

        Raises ``AuditError``.
        """
        ...

    def find_files(self, *, pushed: bool = False) -> StoredFiles:
        """What HEAD holds. ``pushed``: what the upstream of the branch is known to hold; without
        an upstream what a remote is known to hold of HEAD, which may be nothing; what HEAD holds
        where there is no remote."""
        ...

    def find_uncommitted(self, directory: PurePosixPath) -> Mapping[PurePosixPath, str]:
        """Files below ``directory`` that differ from HEAD: ``new``, ``changed`` or ``removed``.
        None outside a repository."""
        ...

    def count_unpushed(self, directory: PurePosixPath) -> int | None:
        """How many commits below ``directory`` the upstream does not have; None when that is not
        known."""
        ...

    def push(self) -> None:
        """Push the current branch; on a moved branch rebase the audit commit and retry.

        Raises ``AuditError``.
        """
        ...


class Reporter(Protocol):
    """Renders runs into report files, and knows them again."""

    def files(
        self,
        result: RunResult,
        records: Mapping[str, ClientRecord] | None,
    ) -> Mapping[PurePosixPath, str]:
        """Path below the project -> text. ``records``: all of the environment after the run, None:
        not known. Raises ``AuditError`` RC620."""
        ...

    def is_report(
        self,
        text: str,
        anew: str,
    ) -> bool:
        """Whether ``text`` is a JSON report that is ``anew``, but for when and how its run ended,
        which nobody put on record, and for the states of clients where it does not know them."""
        ...

    def tells_otherwise(
        self,
        text: str,
        anew: str,
        *,
        original: bool,
    ) -> bool:
        """Whether ``text`` is no JSON report of the same history as ``anew``. Which run wrote it,
        and the states of clients after that, do not count; with ``original`` they do for one that
        claims to be the run's own."""
        ...
