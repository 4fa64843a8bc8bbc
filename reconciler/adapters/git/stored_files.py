"""The files of a commit, or of a folder where there is no git: ``StoredFiles`` of the ports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from reconciler.adapters.git.command import GitCommand
from reconciler.adapters.git.report_files import check_path, names_in, read_bytes

_SMALL = 16 * 1024
_OBJECTS = (b"blob", b"tree", b"commit", b"tag")


class CommittedFiles:
    """The files of ``commit``, an id; empty: there is no commit, and no file. What is small is read
    once. Paths are relative to the project. Methods raise ``AuditError``."""

    def __init__(self, git: GitCommand, commit: str) -> None:
        self.commit = commit
        self._git = git
        # by folder: name -> the id of a blob, empty for what is no file
        self._folders: dict[PurePosixPath, dict[str, str]] = {}
        self._contents: dict[PurePosixPath, bytes | None] = {}

    def names(self, directory: PurePosixPath) -> frozenset[str]:
        """The names of the files in a folder."""
        check_path(directory)
        if directory not in self._folders and self.commit:
            answer = self._git.run("ls-tree", "-z", f"{self.commit}:./{directory}")
            found = answer.out.split("\0") if answer.code == 0 else []
            self._folders[directory] = dict(map(_cut_entry, filter(None, found)))
        return frozenset(self._folders.get(directory, {}))

    def read(self, paths: Sequence[PurePosixPath]) -> list[bytes | None]:
        """The contents of files, in order; None where there is no such file."""
        for path in paths:
            check_path(path)
        unknown = [path for path in paths if path not in self._contents]
        read = dict(zip(unknown, self._read(unknown), strict=True)) if unknown else {}
        self._contents |= {
            path: content
            for path, content in read.items()
            if content is None or len(content) <= _SMALL
        }
        return [read[path] if path in read else self._contents[path] for path in paths]

    def _read(self, paths: Sequence[PurePosixPath]) -> list[bytes | None]:
        if not self.commit:
            return [None] * len(paths)
        objects = [self._name_object(path) for path in paths]
        asked = "".join(f"{one}\n" for one in objects if one)
        text = self._git.whole("cat-file", "--batch", stdin=asked) if asked else ""
        contents = _cut(text.encode("utf-8", "surrogateescape"), sum(map(bool, objects)))
        return [next(contents) if one else None for one in objects]

    def _name_object(self, path: PurePosixPath) -> str:
        """What git is asked for; empty: it is known not to be there. The id of a file in a folder
        that was listed: looking for a name in a large folder costs git a millisecond each."""
        known = self._folders.get(path.parent)
        return f"{self.commit}:./{path}" if known is None else known.get(path.name, "")


def _cut_entry(line: str) -> tuple[str, str]:
    """The name and the id of ``<mode> blob <id>\\t<name>``; no id for another type."""
    about, _, name = line.partition("\t")
    _, kind, identity = about.split(" ")
    return name, identity if kind == "blob" else ""


def _cut(answers: bytes, count: int) -> Iterator[bytes | None]:
    """The blobs among the answers of ``cat-file --batch``: a line that ends with the size, then the
    content and a line end; or a line alone."""
    start = 0
    for _ in range(count):
        end = answers.index(b"\n", start)
        words = answers[start:end].split(b" ")
        start = end + 1
        if len(words) != 3 or words[1] not in _OBJECTS:
            yield None
            continue
        size = int(words[2])
        yield answers[start : start + size] if words[1] == b"blob" else None
        start += size + 1


class FolderFiles:
    """What lies on the disk below ``root``. Methods raise ``AuditError``."""

    def __init__(self, root: Path) -> None:
        self.commit = ""
        self._root = root

    def names(self, directory: PurePosixPath) -> frozenset[str]:
        """The names of the files in a folder."""
        return frozenset(names_in(self._root, directory))

    def read(self, paths: Sequence[PurePosixPath]) -> list[bytes | None]:
        """The contents of files, in order; None where there is no such file."""
        return [read_bytes(self._root, path) for path in paths]
