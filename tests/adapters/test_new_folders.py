"""A folder that is made whole or not at all."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from reconciler.adapters.system import new_folders
from reconciler.adapters.system.new_folders import is_free, write_folder

FILES = {PurePosixPath("a.txt"): b"a", PurePosixPath("below/deep/b.txt"): b"b"}


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "x" / "y", FILES)
    assert names(tmp_path / "x" / "y") == ["a.txt", "below", "below/deep", "below/deep/b.txt"]
    assert names(tmp_path / "x") == ["y", *(f"y/{one}" for one in names(tmp_path / "x" / "y"))]


def test_what_fails_halfway_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []

    def fail_at_second(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 2:
            raise OSError(28, "no room left")
        path.write_bytes(content)

    monkeypatch.setattr(new_folders, "write_new", fail_at_second)
    with pytest.raises(OSError, match="no room"):
        write_folder(tmp_path / "pack", FILES)
    assert len(written) == 2
    assert names(tmp_path) == []


def test_a_folder_that_was_filled_meanwhile_is_left_alone(tmp_path: Path) -> None:
    taken = tmp_path / "pack"
    taken.mkdir()
    (taken / "mine").write_text("mine")
    with pytest.raises(OSError, match=r"not empty|exists"):
        write_folder(taken, FILES)
    assert names(tmp_path) == ["pack", "pack/mine"]


def test_what_is_free(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("empty")
    (tmp_path / "nowhere").symlink_to("gone")
    found = {
        name: is_free(tmp_path / name) for name in ("absent", "empty", "file", "link", "nowhere")
    }
    assert found == {
        "absent": True,
        "empty": True,
        "file": False,
        "link": False,
        "nowhere": False,
    }
    assert not is_free(tmp_path)
