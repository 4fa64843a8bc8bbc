"""What a person with too many rights does to the registry's documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.kit.git.checkout import Checkout
from tests.kit.worlds.stored import seal


def stored(checkout: Checkout, name: str) -> tuple[str | None, int]:
    """The text of a document of the registry, and its newest version (0: never written)."""
    answer = checkout.vault("GET", f"registry/data/{name}")
    if answer is None:
        return None, 0
    return answer["data"]["data"]["doc"], answer["data"]["metadata"]["version"]


def overwrite(checkout: Checkout, name: str, text: str) -> None:
    """Put any text in the place of a document of the registry."""
    body = {"options": {"cas": stored(checkout, name)[1]}, "data": {"doc": text}}
    checkout.vault("POST", f"registry/data/{name}", body)


def edit_bucket(checkout: Checkout, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the records of one bucket."""
    text, _ = stored(checkout, name)
    document: dict[str, Any] = json.loads(text or '{"format": 1, "clients": {}}')
    change(document["clients"])
    overwrite(checkout, name, json.dumps(document))


def edit_record(checkout: Checkout, client: str, **fields: Any) -> None:
    edit_bucket(checkout, checkout.bucket(client), lambda clients: clients[client].update(fields))


def copy_record(
    checkout: Checkout, source: str, target: str, *, sealed: bool = False, **fields: Any
) -> None:
    """Register ``target`` with what is on record for ``source``; ``sealed``: with a checksum that
    is right."""
    text, _ = stored(checkout, checkout.bucket(source))
    assert text is not None
    record = {**json.loads(text)["clients"][source], "name": target, **fields}
    if sealed:
        record["sum"] = seal(record)
    edit_bucket(checkout, checkout.bucket(target), lambda clients: clients.update({target: record}))


def move_record(checkout: Checkout, client: str, bucket: str, *, keep: bool = False) -> None:
    """Put a record into a bucket where nothing looks for it."""
    text, _ = stored(checkout, checkout.bucket(client))
    assert text is not None
    record = json.loads(text)["clients"][client]
    if not keep:
        edit_bucket(checkout, checkout.bucket(client), lambda clients: clients.pop(client))
    edit_bucket(checkout, bucket, lambda clients: clients.update({client: record}))


def other_bucket(checkout: Checkout, *clients: str) -> str:
    """A bucket that holds none of these clients."""
    taken = {checkout.bucket(client) for client in clients}
    return next(name for name in (f"buckets/{digit:x}" for digit in range(16)) if name not in taken)
