"""What is kept of the clients of a file, and the clients made of it again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from reconciler.declare.clients.read_client import ReadClient
from reconciler.declare.findings.nodes import Map, Mark, Seq
from reconciler.declare.webhooks.lifecycles import entry_lifecycle
from reconciler.declare.webhooks.webhook import Webhooks
from reconciler.domain.declared.desired import (
    ClientOutline,
    ClientState,
    DesiredClient,
    DesiredCredential,
)
from reconciler.domain.kinds.credentials import SIGNING_SECRET, list_kinds
from reconciler.errors import Source

_NOWHERE: Mark = ("", 1, 1)
_ROTATION = ("renewBefore", "grace", "window")


class KeptText(NamedTuple):
    """A text of a client's file and where it stands."""

    text: str
    line: int
    column: int


class KeptClient(NamedTuple):
    """A client with nothing wrong. ``spec`` is empty where it is not declared for the environment
    that it was resolved for; else the specification as JSON, in the order in which it is declared,
    which decides in what order things are done."""

    name: KeptText
    former: KeptText | None
    team: KeptText | None
    spec: str = ""
    digest: str = ""
    base_digest: str = ""
    state: str = ""


def keep_client(client: ReadClient, environment: str) -> KeptClient:
    """What is kept of ``client``, which was resolved for ``environment``."""
    kept = KeptClient(
        _keep_text(client.name, client.name_mark),
        None if client.former is None else _keep_text(*client.former),
        None if client.team is None else _keep_text(*client.team),
    )
    resolved = client.resolved.get(environment)
    if resolved is None:
        return kept
    if isinstance(resolved, ClientOutline):
        raise TypeError("what was not resolved anew is kept already")
    return kept._replace(
        spec=json.dumps(resolved.spec, separators=(",", ":"), ensure_ascii=False),
        digest=resolved.digest,
        base_digest=resolved.base_digest,
        state=resolved.state.value,
    )


def outline_client(
    kept: KeptClient,
    file: str,
    environment: str,
) -> ReadClient:
    """What the rest of a declaration needs to know of a kept client of ``file``."""
    outline = ClientOutline(
        kept.name.text,
        ClientState(kept.state or ClientState.ACTIVE),
        kept.digest,
        kept.base_digest,
        Source(file, kept.name.line, kept.name.column),
        kept.former and kept.former.text,
    )
    return ReadClient(
        name=kept.name.text,
        name_mark=_mark(kept.name, file),
        former=kept.former and (kept.former.text, _mark(kept.former, file)),
        team=kept.team and (kept.team.text, _mark(kept.team, file)),
        sound=True,
        resolved={environment: outline} if kept.spec else {},
        violations={},
    )


def resolve_kept(
    outline: ClientOutline,
    spec_text: str,
    webhooks: Webhooks,
) -> DesiredClient:
    """The client that was kept. ``webhooks`` resolves with the same policy."""
    spec = json.loads(spec_text)
    return DesiredClient(
        name=outline.name,
        state=outline.state,
        protect=spec["protect"],
        spec=spec,
        digest=outline.digest,
        base_digest=outline.base_digest,
        credentials=tuple(_list_credentials(spec)),
        webhooks=tuple(
            webhooks.resolve(_webhook(item, webhook))
            for item, webhook in spec[SIGNING_SECRET.section].items()
        ),
        source=outline.source,
        renamed_from=outline.renamed_from,
    )


def _keep_text(text: str, mark: Mark) -> KeptText:
    return KeptText(text, mark[1], mark[2])


def _mark(kept: KeptText, file: str) -> Mark:
    return file, kept.line, kept.column


def _list_credentials(spec: Mapping[str, Any]) -> Iterator[DesiredCredential]:
    for kind in list_kinds():
        for item, life in kind.lives(spec).items() if not kind.part else ():
            yield DesiredCredential(kind, item, entry_lifecycle(_as_declared(life), kind))


def _as_declared(life: Mapping[str, Any]) -> Map:
    """A life cycle as a client's file has it."""
    rotation = {field: life[field] for field in _ROTATION if field in life}
    rest = {field: value for field, value in life.items() if field not in _ROTATION}
    made: Map = _set_marks({**rest, "rotation": rotation})
    return made


def _webhook(name: str, spec: Mapping[str, Any]) -> Map:
    examples = {event: {"example": data} for event, data in spec.get("payloads", {}).items()}
    made: Map = _set_marks({**spec, "name": name, "payloads": examples})
    return made


def _set_marks(value: Any) -> Any:
    """``value`` as if it were written somewhere."""
    if isinstance(value, dict):
        made = Map(_NOWHERE)
        for key, inner in value.items():
            made[key] = _set_marks(inner)
            made.marks[key] = made.key_marks[key] = _NOWHERE
        return made
    if isinstance(value, list):
        items = Seq(_NOWHERE)
        for inner in value:
            items.add(_set_marks(inner), _NOWHERE)
        return items
    return value
