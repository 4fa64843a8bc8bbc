"""Former logs, which could not go on: each lies in a folder of its own beside the present one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import PurePosixPath

from reconciler.dataclass import dataclass
from reconciler.domain.live.log import LogHead
from reconciler.engine.drive import Driver
from reconciler.engine.evidence.places import LogPlaces
from reconciler.engine.ports import LiveState, StoredFiles
from reconciler.errors import EvidenceError
from reconciler.evidence.envelope import decode_envelope
from reconciler.evidence.statement import decode_statement
from reconciler.evidence.verification.walk import CHECKPOINT, KEYS, name_entry
from reconciler.registry.codec.log_codec import name_folder
from reconciler.registry.protocol.log import read_claim, read_entry
from reconciler.registry.protocol.log_repair import put_head


@dataclass(frozen=True, slots=True)
class Filed:
    """``files`` are to be committed: what HEAD lacks of the log. ``removed`` are the files that it
    has and should not have. ``missing`` are the entries, each as the path of its file, whose bytes
    neither HEAD nor the registry has."""

    files: Mapping[PurePosixPath, str] = field(default_factory=dict)
    removed: tuple[PurePosixPath, ...] = ()
    missing: tuple[PurePosixPath, ...] = ()


def is_ended(former: LogHead, stored: StoredFiles, where: LogPlaces) -> bool:
    """Whether ``stored`` has keys and checkpoint of a former log as the registry has them."""
    derived = where.archive(former.origin).derive(former)
    return stored.read(list(derived)) == [text.encode() for text in derived.values()]


def has_archives(head: LogHead, stored: StoredFiles, where: LogPlaces) -> bool:
    """Whether every former log of ``head`` lies in its folder with all entries, and no file of one
    beside the entries of the present log."""
    for former in head.former:
        names = stored.names(where.archive(former.origin).folder)
        entries = {name_entry(number) for number in range(1, former.size + 1)}
        if names - {KEYS, CHECKPOINT} != entries or not is_ended(former, stored, where):
            return False
    return next(_list_left(head, stored, where), None) is None


def file_archives(driver: Driver, head: LogHead, stored: StoredFiles, where: LogPlaces) -> Filed:
    """What ``stored``, the files of HEAD, lack of the former logs.

    An entry whose bytes the registry has is taken from there, the others are moved. Whoever may
    push can put other files there, so that only what the registry knows of a file counts. Raises
    ``RegistryError``, ``VaultError``.
    """
    files: dict[PurePosixPath, str] = {}
    removed = list(_list_left(head, stored, where))
    missing: list[PurePosixPath] = []
    for former in head.former:
        archive = where.archive(former.origin)
        names = stored.names(archive.folder)
        for number in range(1, former.size + 1):
            there = name_entry(number) in names
            if there and (number < former.kept or is_held(driver, former, number, stored, archive)):
                continue
            found = _find_entry(driver, former, number, stored, where)
            files |= found
            if not found and not there:
                missing.append(archive.entry(number))
        files |= archive.derive(former)
        removed += (archive.folder / name for name in sorted(names) if _is_past(name, former))
    return Filed(files, tuple(removed), tuple(missing))


def _is_past(name: str, former: LogHead) -> bool:
    number = name.removesuffix(".json")
    return number.isdecimal() and name != number and int(number) > former.size


def is_held(
    driver: Driver,
    head: LogHead,
    number: int,
    stored: StoredFiles,
    where: LogPlaces,
) -> bool:
    """Whether an entry of the log ``head`` is there with the report files that it is about, as it
    was signed. Raises ``RegistryError``, ``VaultError``."""
    claim = driver.run(read_claim(head, number))
    if claim is None:
        return False
    wanted = {where.entry(number): claim.entry} | {
        PurePosixPath(name): digest for name, digest in claim.files.items()
    }
    return all(
        content is not None and hashlib.sha256(content).hexdigest() == digest
        for content, digest in zip(stored.read(list(wanted)), wanted.values(), strict=True)
    )


def release_archives(
    driver: Driver,
    live: LiveState,
    head: LogHead,
    pushed: StoredFiles,
    where: LogPlaces,
) -> LogHead:
    """Remove the bytes of former logs from the registry, entry by entry, as far as ``pushed``, the
    files of the upstream, holds them; the head as it is then.

    Raises ``AuditError`` RC686 when another run moves the head meanwhile, ``RegistryError``,
    ``VaultError``.
    """
    former = list(head.former)
    for place, one in enumerate(former):
        archive, kept = where.archive(one.origin), one.kept
        if kept > one.size or not is_ended(one, pushed, where):
            continue
        while kept <= one.size and is_held(driver, one, kept, pushed, archive):
            remove_parts(live, one.prefix, kept)
            kept += 1
        former[place] = replace(one, kept=kept)
    if tuple(former) == head.former:
        return head
    return driver.run(put_head(replace(head, former=tuple(former))))


def remove_parts(live: LiveState, prefix: str, number: int) -> None:
    """Remove the bytes of an entry from the registry. Its claim stays. Raises ``VaultError``."""
    folder = name_folder(prefix, number)
    for name in live.list_documents(folder):
        if name.startswith("part-"):
            live.delete_document(f"{folder}/{name}")


def _find_entry(
    driver: Driver,
    former: LogHead,
    number: int,
    stored: StoredFiles,
    where: LogPlaces,
) -> dict[PurePosixPath, str]:
    """The files of an entry of a former log; none where nobody has it."""
    archive = where.archive(former.origin)
    if number >= former.kept:
        entry = driver.run(read_entry(former, number))
        if entry is not None:
            return archive.files_of(entry)
    content = stored.read([where.entry(number)])[0]
    if content is None or read_origin(content) != former.origin:
        return {}
    return {archive.entry(number): content.decode()}


def _list_left(head: LogHead, stored: StoredFiles, where: LogPlaces) -> Iterator[PurePosixPath]:
    """The files of former logs among the entries of the present one, past its end."""
    origins = {former.origin for former in head.former}
    for name in sorted(stored.names(where.folder)) if origins else ():
        if _is_past(name, head):
            content = stored.read([where.folder / name])[0]
            if content is not None and read_origin(content) in origins:
                yield where.folder / name


def read_origin(content: bytes) -> str | None:
    """The log that an entry says to be of; None where it is no entry."""
    try:
        return decode_statement(decode_envelope(content).payload).origin
    except EvidenceError:
        return None
