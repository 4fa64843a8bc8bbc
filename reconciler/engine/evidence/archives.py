"""Former logs, which could not go on: each lies in a folder of its own beside the present one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import PurePosixPath

from reconciler.dataclass import dataclass
from reconciler.domain.live.log import LogHead
from reconciler.engine.drive import Driver
from reconciler.engine.evidence.places import LogPlaces
from reconciler.engine.ports import LiveState, StoredFiles
from reconciler.errors import EvidenceError
from reconciler.evidence.checkpoint import parse_checkpoint
from reconciler.evidence.envelope import decode_envelope
from reconciler.evidence.notes import parse_note
from reconciler.evidence.statement import decode_statement
from reconciler.registry.codec.log_codec import name_folder
from reconciler.registry.protocol.log import read_entry
from reconciler.registry.protocol.log_repair import put_head


@dataclass(frozen=True, slots=True)
class Filed:
    """``files`` are to be committed: what HEAD lacks of the log. ``removed`` are the files that it
    has and should not have. ``missing`` are the entries, each as the path of its file, whose bytes
    neither HEAD nor the registry has."""

    files: Mapping[PurePosixPath, str] = field(default_factory=dict)
    removed: tuple[PurePosixPath, ...] = ()
    missing: tuple[PurePosixPath, ...] = ()


def is_archived(former: LogHead, stored: StoredFiles, where: LogPlaces) -> bool:
    """Whether ``stored`` has the end of a former log, or a later one of it: the registry may have
    been restored from a backup before that."""
    archive = where.archive(former.origin)
    keys, checkpoint = stored.read([archive.keys, archive.checkpoint])
    return keys is not None and _read_size(checkpoint) >= former.size


def has_archives(head: LogHead, stored: StoredFiles, where: LogPlaces) -> bool:
    """Whether every former log of ``head`` lies in its folder, and no file of one beside the
    entries of the present log."""
    kept = all(is_archived(former, stored, where) for former in head.former)
    return kept and next(_list_left(head, stored, where), None) is None


def file_archives(driver: Driver, head: LogHead, stored: StoredFiles, where: LogPlaces) -> Filed:
    """What ``stored``, the files of HEAD, lack of the former logs.

    An entry whose bytes the registry has is taken from there, the others are moved. Raises
    ``RegistryError``, ``VaultError``.
    """
    files: dict[PurePosixPath, str] = {}
    missing: list[PurePosixPath] = []
    for former in head.former:
        if is_archived(former, stored, where):
            continue
        archive = where.archive(former.origin)
        for number in range(1, former.size + 1):
            found = _find_entry(driver, former, number, stored, where)
            files |= found
            if not found and stored.read([archive.entry(number)])[0] is None:
                missing.append(archive.entry(number))
        files |= archive.derive(former)
    return Filed(files, tuple(_list_left(head, stored, where)), tuple(missing))


def release_archives(
    driver: Driver,
    live: LiveState,
    head: LogHead,
    pushed: StoredFiles,
    where: LogPlaces,
) -> LogHead:
    """Remove the bytes of former logs from the registry that ``pushed``, the files of the upstream,
    holds; the head as it is then.

    Raises ``AuditError`` RC686 when another run moves the head meanwhile, ``VaultError``.
    """
    former = list(head.former)
    for place, one in enumerate(former):
        if one.kept <= one.size and is_archived(one, pushed, where):
            for number in range(one.kept, one.size + 1):
                remove_parts(live, one.prefix, number)
            former[place] = replace(one, kept=one.size + 1)
    if tuple(former) == head.former:
        return head
    return driver.run(put_head(replace(head, former=tuple(former))))


def remove_parts(live: LiveState, prefix: str, number: int) -> None:
    """Remove the bytes of an entry from the registry. Its claim stays. Raises ``VaultError``."""
    folder = name_folder(prefix, number)
    for name in live.list_documents(folder):
        if name.startswith("part-"):
            live.delete_document(f"{folder}/{name}")


def _read_size(checkpoint: bytes | None) -> int:
    try:
        return parse_checkpoint(parse_note(checkpoint or b"")).size
    except EvidenceError:
        return -1


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
        number = name.removesuffix(".json")
        if number.isdecimal() and name != number and int(number) > head.size:
            content = stored.read([where.folder / name])[0]
            if content is not None and read_origin(content) in origins:
                yield where.folder / name


def read_origin(content: bytes) -> str | None:
    """The log that an entry says to be of; None where it is no entry."""
    try:
        return decode_statement(decode_envelope(content).payload).origin
    except EvidenceError:
        return None
