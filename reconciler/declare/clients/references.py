"""What documents say about each other: names declared twice, templates, environments, renames,
owners."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations
from typing import TypeVar

from reconciler.declare.clients.read_client import ReadClient
from reconciler.declare.files.documents import Document
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.suggest import did_you_mean, edit_distance

_SLIP = 2  # letters by which a misspelt team differs
_SEVERAL = 2  # clients of a team that make it the known one
_NAME_FOR_CHECK = 4  # shorter teams (ops, ios) differ by two letters from everything


_Named = TypeVar("_Named", Document, ReadClient)


def index(
    declared: Iterable[_Named],
    what: str,
    found: Collector,
) -> dict[str, _Named]:
    """What is declared by name; the first one stays when two have the same."""
    by_name: dict[str, _Named] = {}
    for one in declared:
        if not one.name:
            continue
        first = by_name.setdefault(one.name, one)
        if first is not one:
            file, line, _ = first.name_mark
            message = f"the {what} `{one.name}` is already declared in {file}:{line}"
            found.add("RC130", one.name_mark, message, address=one.address)
    return by_name


def only_one(documents: list[Document], found: Collector) -> Document | None:
    """The first of the documents of a kind that there can be only one of."""
    for document in documents[1:]:
        first = documents[0]
        message = f"a {document.kind} is already declared in {first.file}:{first.value.mark[1]}"
        found.add("RC130", document.value.marks["kind"], message)
    return documents[0] if documents else None


def check_template(
    client: Document,
    templates: Mapping[str, Document],
    *,
    complete: bool,
    found: Collector,
) -> None:
    name = client.spec.get("template")
    if name is not None and name not in templates and complete:
        hint = did_you_mean(name, templates)
        message = f"the template `{name}` does not exist"
        found.add(
            "RC132", client.spec.marks["template"], message, hint=hint, address=client.address
        )


def check_environments(
    client: Document,
    requires: Mapping[str, str | None],
    found: Collector,
) -> None:
    """``requires`` maps every environment of the project to the one that it requires."""
    written = client.spec.sub("environments")
    for name in written:
        if name not in requires:
            hint = did_you_mean(name, [other for other in requires if other not in written])
            message = f"the environment `{name}` does not exist"
            found.add("RC133", written.key_marks[name], message, hint=hint, address=client.address)
            continue
        first = requires[name]
        if first is not None and first in requires and first not in written:
            message = (
                f"`{client.name}` is in `{name}`, which requires `{first}`, but not in `{first}`"
            )
            found.add("RC142", written.key_marks[name], message, address=client.address)


def check_renames(clients: Mapping[str, ReadClient], found: Collector) -> None:
    """A former name belongs to nobody now, and to one client only."""
    heirs: dict[str, ReadClient] = {}
    for client in clients.values():
        if client.former is None:
            continue
        former, mark = client.former
        first = heirs.setdefault(former, client)
        message = ""
        if former == client.name:
            message = f"`{former}` cannot be renamed from itself"
        elif former in clients:
            file, line, _ = clients[former].name_mark
            message = f"`{former}` is still declared in {file}:{line}"
        elif first is not client:
            message = f"`{first.name}` is renamed from `{former}` too"
        if message:
            found.add("RC136", mark, message, address=client.address)


def check_owners(clients: Collection[ReadClient], found: Collector) -> None:
    """A team that owns one client and is spelt nearly like one that owns several."""
    teams = Counter(client.team[0] for client in clients if client.team is not None)
    known: dict[str, set[str]] = defaultdict(set)
    for team, count in teams.items():
        if count >= _SEVERAL and len(team) >= _NAME_FOR_CHECK:
            for shorter in _shorten(team.lower()):
                known[shorter].add(team)
    for client in clients:
        team, mark = client.team or ("", client.name_mark)
        if teams[team] != 1 or len(team) < _NAME_FOR_CHECK:
            continue
        near = sorted(_near(team, known))
        if near:
            best = min(
                near, key=lambda other: (edit_distance(team.lower(), other.lower()), -teams[other])
            )
            message = f"the team `{team}` owns only this client; `{best}` owns {teams[best]}"
            found.add(
                "RC138",
                mark,
                message,
                hint=f"did you mean `{best}`?",
                address=client.address,
            )


def _near(team: str, known: Mapping[str, set[str]]) -> Iterator[str]:
    """Teams at most two slips away.

    Teams that differ in digits only (team-1, team-2) are two teams.
    """
    lowered = team.lower()
    for other in {other for shorter in _shorten(lowered) for other in known.get(shorter, ())}:
        slips = edit_distance(lowered, other.lower())
        allowed = _SLIP if min(len(team), len(other)) > 2 * _NAME_FOR_CHECK - 2 else 1
        if slips == 0 or (slips <= allowed and _letters(lowered) != _letters(other.lower())):
            yield other


def _letters(team: str) -> str:
    return "".join(character for character in team if not character.isdigit())


def _shorten(word: str) -> set[str]:
    """``word`` with up to two letters left out: two words two slips apart share one of these."""
    word = word[:40]
    return {
        "".join(letter for place, letter in enumerate(word) if place not in gone)
        for count in range(_SLIP + 1)
        for gone in combinations(range(len(word)), count)
    }
