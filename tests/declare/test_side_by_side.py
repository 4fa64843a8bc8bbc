"""Files that several processes read are read as one process reads them."""

from __future__ import annotations

import os
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing import active_children
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from reconciler.declare import repository
from reconciler.declare.clients import side_by_side
from reconciler.declare.clients.read_client import ClientFile
from reconciler.declare.clients.reader import ClientReader
from reconciler.domain.declared.desired import Desired
from reconciler.errors import DeclarationError, Finding
from tests.declare.conftest import POLICY, MakeProject, client

_RULES = POLICY + "  rules:\n    owner: {level: warn, require: [contact]}\n"
_SCHEMA = '{"type": "object", "required": ["amount"]}'
_WITH_SCHEMA = client(
    "ledger",
    spec="""\
  webhooks:
    - name: booked
      url: https://hooks.example.com/l
      events: [entry.booked]
      payloads: {entry.booked: {schemaFile: payloads/entry.json, example: {amount: 1}}}""",
)
_FILES: dict[str, str | bytes | None] = {
    "policy.yaml": _RULES,
    "payloads/entry.json": _SCHEMA,
    "clients/zz-ledger.yaml": _WITH_SCHEMA,
    **{f"clients/many/c{number}.yaml": client(f"c-{number}") for number in range(7)},
    "clients/two.yaml": f"{client('one')}---\n{client('two')}",
    "clients/new-name.yaml": client("new-name", ", renamedFrom: old-name"),
}
_WRONG: dict[str, str | bytes | None] = {
    **_FILES,
    "clients/again.yaml": client("two"),  # RC130, with an excerpt of a file that is clean
    "clients/renamed.yaml": client("other", ", renamedFrom: old-name"),  # RC136
    "clients/scope.yaml": client("scoped", spec="  scopes: [nothing:here]"),
    "clients/broken.yaml": "apiVersion: [",
    "clients/latin.yaml": b"name: \xe9",
    "clients/team-a.yaml": client("team-a", spec="  owner: {team: paymnets}"),
    "clients/team-b.yaml": client("team-b", spec="  owner: {team: payments}"),
}

Reading = Callable[[ClientReader, list[str]], list[ClientFile]]


def reading(processes: int) -> Reading:
    return lambda reader, paths: side_by_side.read_files(reader, paths, processes)


def load(root: Path, monkeypatch: pytest.MonkeyPatch, processes: int) -> tuple[Desired, ...]:
    monkeypatch.setattr(repository, "read_files", reading(processes))
    return repository.load_all(root)


def validate(root: Path, monkeypatch: pytest.MonkeyPatch, processes: int) -> list[Finding]:
    monkeypatch.setattr(repository, "read_files", reading(processes))
    return repository.validate(root)


@pytest.mark.parametrize("processes", [2, 3, 50])
def test_the_desired_state_is_the_same(
    processes: int, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(_FILES)
    alone = load(root, monkeypatch, 1)
    assert load(root, monkeypatch, processes) == alone
    assert [list(one.clients) for one in alone] == [sorted(one.clients) for one in alone]
    staging = next(one for one in alone if one.environment.name == "staging")
    assert len(staging.clients) == 12
    assert {one.client for one in staging.violations} == {*staging.clients}
    assert staging.named == {"payloads/entry.json": frozenset({"clients/zz-ledger.yaml"})}
    assert {"payloads/entry.json", "clients/many/c3.yaml"} <= staging.files.keys()


@pytest.mark.parametrize("processes", [2, 3, 50])
def test_what_is_wrong_is_the_same(
    processes: int, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(_WRONG)
    alone = validate(root, monkeypatch, 1)
    assert {one.code for one in alone} >= {"RC104", "RC106", "RC130", "RC134", "RC136", "RC138"}
    assert next(one for one in alone if one.code == "RC130").excerpt
    assert validate(root, monkeypatch, processes) == alone
    with pytest.raises(DeclarationError) as raised:
        load(root, monkeypatch, processes)
    assert {one.code for one in raised.value.findings} >= {"RC130", "RC134"}


def test_a_warning_about_what_another_process_read_shows_its_line(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(_FILES)
    found = [one for one in validate(root, monkeypatch, 50) if one.code == "RC218"]
    assert len(found) == 12
    assert all(one.excerpt for one in found)
    assert found == [one for one in validate(root, monkeypatch, 1) if one.code == "RC218"]


def test_the_files_of_a_process_that_dies_are_read_all_the_same(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root = make_project(_FILES)
    alone = load(root, monkeypatch, 1)
    here = os.getpid()
    read = ClientReader.read

    def die(reader: ClientReader, paths: list[str]) -> object:
        if os.getpid() != here:
            os._exit(9)
        return read(reader, paths)

    def fail(reader: ClientReader, paths: list[str]) -> object:
        if os.getpid() != here:
            raise MemoryError("of the other process")
        return read(reader, paths)

    for way in (die, fail):
        monkeypatch.setattr(ClientReader, "read", way)
        assert load(root, monkeypatch, 3) == alone
    assert capfd.readouterr().err == ""


def test_the_files_of_a_process_that_dies_while_it_answers_are_read_all_the_same(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(_FILES)
    alone = load(root, monkeypatch, 1)

    def send_a_part(end: Connection, data: bytes) -> None:
        os.write(end.fileno(), struct.pack("!i", len(data)) + data[:9])
        os._exit(9)

    monkeypatch.setattr(Connection, "send_bytes", send_a_part)
    assert load(root, monkeypatch, 3) == alone


def test_where_no_more_processes_are_to_be_had_one_reads_the_rest(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(_FILES)
    alone = load(root, monkeypatch, 1)
    fork, left = os.fork, [0]

    def refuse() -> int:
        if not left[0]:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        left[0] -= 1
        return fork()

    monkeypatch.setattr(os, "fork", refuse)
    for number in (0, 1, 2):
        left[0] = number
        assert load(root, monkeypatch, 5) == alone
        assert left == [0]


def test_no_process_is_left_when_reading_fails_here(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(_FILES)
    here, read = os.getpid(), ClientReader.read

    def fail(reader: ClientReader, paths: list[str]) -> object:
        if os.getpid() == here:
            raise KeyboardInterrupt
        threading.Event().wait()
        return read(reader, paths)

    monkeypatch.setattr(ClientReader, "read", fail)
    with pytest.raises(KeyboardInterrupt):
        load(root, monkeypatch, 3)
    assert active_children() == []


def test_how_many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there are cores and work for; one where a copy would be none, or not safe."""
    cores: Mapping[str, set[int]] = {"few": {0, 1}, "many": set(range(64))}
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(sys, "platform", "linux")
    counted = {}
    for name, here in cores.items():
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, here=here: here, raising=False)
        counted[name] = [
            side_by_side._count_processes(files) for files in (0, 20, 599, 600, 10_000)
        ]
    assert counted == {"few": [1, 1, 1, 2, 2], "many": [1, 1, 1, 2, 8]}
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert side_by_side._count_processes(10_000) == 1
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert side_by_side._count_processes(10_000) == 1
