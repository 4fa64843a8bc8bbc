"""What is kept is read back by this user alone, or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from reconciler.adapters.kept.store import cache_file, read_kept, write_kept


class Form(NamedTuple):
    number: int = 0
    names: dict[str, tuple[str, ...]] = {}  # noqa: RUF012 - nobody changes it


class Other(NamedTuple):
    number: str


VALUE = Form(7, {"a": ("b", "c"), "Zoë": ()})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    kept = tmp_path / "cache/reconciler/plan-1"
    write_kept(kept, VALUE)
    return kept


def test_it_is_read_as_it_was_written(path: Path) -> None:
    assert read_kept(path, Form) == VALUE
    write_kept(path, Form(8))
    assert read_kept(path, Form) == Form(8)
    assert os.listdir(path.parent) == ["plan-1"]  # noqa: PTH208 - nothing else is left


def test_nobody_else_can_read_it(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("value", [Form(1 << 64), Form(-(1 << 64)), Form(1, {"\udcff": ()})])
def test_what_the_format_has_no_room_for_is_not_kept(value: Form, path: Path) -> None:
    write_kept(path, value)
    assert read_kept(path, Form) == VALUE


def test_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert read_kept(tmp_path / "none", Form) is None
    assert read_kept(tmp_path, Form) is None


def test_a_damaged_file_is_nothing(path: Path) -> None:
    """Each byte of it, changed or cut off."""
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert read_kept(path, Form) is None, place
        path.write_bytes(whole[:place])
        assert read_kept(path, Form) is None, place
    path.write_bytes(whole + b"\0")
    assert read_kept(path, Form) is None


def test_another_form_is_nothing(path: Path) -> None:
    assert read_kept(path, Other) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_what_others_can_read_or_write_is_nothing(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert read_kept(path, Form) is None


def test_what_belongs_to_somebody_else_is_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    assert read_kept(path, Form) is None


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    assert read_kept(link, Form) is None
    before = path.read_bytes()
    write_kept(link, Form(9))
    assert path.read_bytes() == before
    assert read_kept(link, Form) == Form(9)


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert read_kept(tmp_path / "pipe", Form) is None


def test_that_it_cannot_be_kept_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    write_kept(tmp_path / "file/reconciler/plan-1", VALUE)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_where(tmp_path: Path) -> None:
    root = tmp_path / "secret-project"
    one = cache_file({"XDG_CACHE_HOME": "/x/cache", "HOME": "/ada"}, root, "production")
    assert one is not None
    assert one.parent == Path("/x/cache/reconciler")
    assert "secret" not in one.name
    assert "production" not in one.name
    home = Path("/ada/.cache/reconciler", one.name)
    for relative in ("", "cache"):
        variables = {"XDG_CACHE_HOME": relative, "HOME": "/ada"}
        assert cache_file(variables, root, "production") == home
    assert cache_file({}, root, "production") is None
    assert cache_file({"HOME": "~"}, root, "production") is None
    ada = {"HOME": "/ada"}
    assert cache_file(ada, root, "staging") != home
    assert cache_file(ada, tmp_path / "other", "production") != home
