"""Files that look like a part of the declaration and are not read: what they declare does not
exist.

A policy in ``policy.YAML`` or ``policy/main.yaml`` rules nothing.
A client in a ``.txt`` file is no client.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path, PurePosixPath

from reconciler.declare.files.documents import PLACES
from reconciler.declare.files.files import (
    FOLDERS,
    PROJECT_FILE,
    SUFFIXES,
    TOP_FILES,
    declares,
    read_regular,
    show_path,
)
from reconciler.declare.findings.collector import Collector
from reconciler.declare.schema.schemas import API_VERSION

_LARGEST = 1 << 20  # bytes
_TOP = 8 * 1024  # bytes of a file that are looked at
_PROJECT_FILES = frozenset(f"{PROJECT_FILE}{suffix}" for suffix in SUFFIXES)
_STEMS = (PROJECT_FILE, *TOP_FILES)
# Endings that somebody gives to YAML; `policy.md` may well be a page about the policy.
_COPY = r"\.(?:txt|bak|old|orig)"
_DATA = re.compile(rf"(?:\.(?:ya?ml|yam|jsonc?|json5|toml)(?:{_COPY})?|{_COPY})\Z")

_OURS = re.compile(
    rf"""(?:^|[{{,]) \s* ["']?apiVersion["']? \s*:\s* ["']?{API_VERSION}["']? \s* (?:[,}}#]|\Z)""",
    re.VERBOSE,
)
_KIND = re.compile(r"""^[\s{,]*["']?kind["']?\s*:\s*["']?([A-Za-z]+)""", re.MULTILINE)
# What may stand above: a comment, a marker of YAML or of a conflict, another field, a part of one.
_ABOVE = re.compile(
    r"""\s*\Z | \s*[#{}\[\]] | --- | \.\.\. | % | [<=>|]{7} | \s*["']?[\w.-]+["']?\s*: | \s+\S | -\s""",
    re.VERBOSE,
)


def report_strays(
    root: Path,
    read: AbstractSet[str],
    audit: str,
    found: Collector,
) -> frozenset[str]:
    """Report RC118 for each file that should have been read, RC119 when no file is a client's.

    Returns the paths of all files that were, or should have been, read, as they are shown.
    ``read`` are the paths that were read, relative to ``root``; ``audit`` is the reports' folder.
    Names that begin with a dot, and other projects below this one, are left alone.
    """
    base = Path(os.path.realpath(root))
    others = (path for path in _files(base, audit) if path not in read and not declares(path))
    suspects = {path: _judge_name(path) or _judge_content(base / path) for path in others}
    strays = {path: message for path, message in suspects.items() if message}
    # A file may be read through a link. Only a suspect is worth resolving ten thousand others.
    through = {os.path.realpath(base / path) for path in read} if strays else set()
    for path, message in strays.items():
        if os.path.realpath(base / path) not in through:
            found.add("RC118", (show_path(path), 1, 1), message)
    if not any(path.startswith("clients/") for path in (*read, *strays)):
        found.add("RC119", None, "no client is declared: there is no file below clients/")
    return frozenset(map(show_path, (*read, *strays)))


def _files(
    base: Path,
    audit: str,
    below: str = "",
) -> Iterator[str]:
    """Paths of the files that may be ours, in order.

    Links to folders are not followed: what they lead to is met where it lies."""
    try:
        with os.scandir(base / below) as entries:
            here = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    elsewhere = below.partition("/")[0] not in ("", *FOLDERS)
    if elsewhere and any(entry.name in _PROJECT_FILES for entry in here):
        return
    for entry in here:
        path = f"{below}{entry.name}"
        if entry.name.startswith(".") or path == audit:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(base, audit, f"{path}/")
        else:
            yield path


def _judge_name(path: str) -> str:
    """What is wrong with the name of a file; empty when it resembles no name of ours."""
    pure = PurePosixPath(path)
    if len(pure.parts) == 1:
        for stem in _STEMS:
            ending = pure.name[len(stem) :]
            if pure.name[: len(stem)].lower() == stem and _DATA.match(ending.lower()):
                return f"this file is not read: its name is not {stem}.yaml"
        return ""
    folder = pure.parts[0].lower()
    if folder in FOLDERS and pure.suffix.lower() in SUFFIXES:
        if pure.suffix not in SUFFIXES:
            right = pure.suffix.lower()
            return f"this file is not read: its name ends in {pure.suffix}, not in {right}"
        if pure.parts[0] != folder:
            return f"this file is not read: its folder is not named {folder}/"
    return ""


def _judge_content(path: Path) -> str:
    """What a file holds that should have been read; empty when it is none of ours."""
    with suppress(OSError):
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size >= _LARGEST:
            return ""
        text = _decode(read_regular(path, _TOP) or b"")
        if _is_ours(text):
            kind = _KIND.search(text)
            place = PLACES.get(kind[1], "") if kind else ""
            if not kind or not place:
                return "this file holds a document of the declaration and is not read"
            return (
                f"this file holds a document of kind {kind[1]} and is not read: its place is"
                f" {place}"
            )
    return ""


def _decode(data: bytes) -> str:
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return data.decode("utf-8-sig", "replace")


def _is_ours(text: str) -> bool:
    """Whether the apiVersion is ours, below nothing but what YAML or JSON may have above it."""
    for line in text.splitlines():
        if _OURS.search(line):
            return True
        if not _ABOVE.match(line):
            return False
    return False
