"""``payloads`` of webhooks: the examples that test deliveries carry, and what is wrong with them.

Ten thousand clients share a template's examples, so what was judged once is not judged again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.declare.files.files import is_inside, name_file, plain_path, read, stays_inside
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map, Mark, locate, plain
from reconciler.declare.findings.suggest import did_you_mean, list_choices
from reconciler.declare.schema.keywords import list_unchecked
from reconciler.declare.yaml.syntax import conflict_line
from reconciler.declare.yaml.text import TextLimits
from reconciler.domain.values import canonical
from reconciler.errors import Address
from reconciler.webhooks.wire.payload import PAYLOAD_LIMIT, event_body

SCHEMA_LIMIT = 128 * 1024
_SCHEMA_FILE = TextLimits(size=SCHEMA_LIMIT)
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


class Payloads:
    """Of one declaration. What was seen is known by identity, and kept, so that no other thing gets
    that identity."""

    def __init__(
        self,
        root: Path,
        found: Collector,
    ) -> None:
        self._root = root
        self._found = found
        self._judged: dict[tuple[int, int], tuple[Map, object]] = {}
        self._plain: dict[int, tuple[Map, dict[str, Any]]] = {}
        self._files: dict[str, tuple[str, str]] = {}

    def examples(self, webhook: Map) -> Mapping[str, Any]:
        """The example of each event that has one."""
        payloads = webhook.get("payloads")
        if not isinstance(payloads, Map):
            return {}
        if id(payloads) not in self._plain:
            found = {
                event: plain(payloads.sub(event)["example"]) for event in _with(payloads, "example")
            }
            self._plain[id(payloads)] = payloads, found
        return self._plain[id(payloads)][1]

    def check_written(
        self,
        webhook: Map,
        address: Address,
    ) -> None:
        """What is wrong in one text, whatever is merged with it."""
        payloads = webhook.sub("payloads")
        if "events" in webhook:
            self._strangers(webhook, set(webhook["events"]), address)
        for event in payloads:
            entry = payloads.sub(event)
            if "schema" in entry and "schemaFile" in entry:
                self._found.add(
                    "RC172",
                    entry.key_marks["schemaFile"],
                    f"`{event}` has a schema here and one in a file: write one of the two",
                    address=address,
                )
            else:
                self._judge(event, entry, address)

    def check_merged(
        self,
        webhook: Map,
        address: Address,
        file: str,
        elsewhere: Collection[str],
    ) -> None:
        """What only shows once everything is merged for the client in ``file``; ``elsewhere`` are
        the events that this webhook has before an environment changes it."""
        payloads, events = webhook.get("payloads"), webhook.get("events")
        if not isinstance(payloads, Map) or (id(payloads), id(events)) in self._judged:
            return
        self._judged[id(payloads), id(events)] = payloads, events
        known = {*(events or ()), *elsewhere}
        self._strangers(webhook, known, address, file)
        for event in payloads:
            entry = payloads.sub(event)
            schemas = len({"schema", "schemaFile"} & entry.keys())
            if event not in (events or ()) or schemas > 1:
                continue
            if schemas and "example" not in entry:
                message = (
                    f"`{event}` has a schema but no example: what is made up instead would not"
                    " conform to it"
                )
                remedy = "write an example, or remove the schema"
                self._found.add(
                    "RC173", payloads.key_marks[event], message, remedy=remedy, address=address
                )
            self._judge(event, entry, address, file)

    def _strangers(
        self,
        webhook: Map,
        known: Collection[str],
        address: Address,
        file: str = "",
    ) -> None:
        """Payloads for events that the webhook does not receive; with ``file`` those that are
        written there: a template's suit other clients."""
        payloads = webhook.sub("payloads")
        for event, mark in payloads.key_marks.items():
            if event in known or (file and mark[0] != file):
                continue
            others = (
                f", but {list_choices(sorted(known), 5)}" if known else ": it declares no events"
            )
            message = f"the webhook `{webhook.get('name', '')}` does not receive `{event}`{others}"
            hint = did_you_mean(event, [other for other in known if other not in payloads] or known)
            self._found.add("RC171", mark, message, hint=hint, address=address)

    def _judge(
        self,
        event: str,
        entry: Map,
        address: Address,
        file: str = "",
    ) -> None:
        """The schema by itself, the example by its size and by the schema."""
        schema = self._schema(event, entry, address)
        example = entry.get("example")
        if not isinstance(example, Map):
            return
        size = len(event_body(event, example, _ANY_TIME))
        if size >= PAYLOAD_LIMIT:
            message = (
                f"the test event `{event}` has {size} bytes with this example; it must have fewer"
                f" than {PAYLOAD_LIMIT}"
            )
            self._found.add("RC174", entry.key_marks["example"], message, address=address)
        elif schema:
            self._conform(event, entry, schema, address, file)

    def _conform(
        self,
        event: str,
        entry: Map,
        schema: str,
        address: Address,
        file: str,
    ) -> None:
        # Imported here: only a declaration with schemas pays for jsonschema (0.1 s).
        from reconciler.declare.webhooks.payload_schema import example_faults  # noqa: PLC0415

        example = entry.sub("example")
        schema_mark = entry.key_marks[_schema_field(entry)]
        for fault in example_faults(schema, canonical.dumps(example)):
            if fault.of_schema:
                self._unusable(event, entry, fault.message, fault.path, address)
                continue
            mark = _place(example, fault.path, fault.field)
            where = f" ({entry['schemaFile']})" if "schemaFile" in entry else ""
            if not where and schema_mark[0] != mark[0]:
                where = f" ({schema_mark[0]}:{schema_mark[1]})"
            if mark[0] != file and schema_mark[0] == file:
                mark = schema_mark  # the client wrote another schema for its template's example
            message = f"the example of `{event}` does not fit its schema{where}: {fault.message}"
            self._found.add("RC173", mark, message, hint=fault.hint, address=address)

    def _schema(
        self,
        event: str,
        entry: Map,
        address: Address,
    ) -> str:
        """The canonical text of a schema that can be used; empty when there is none, or it
        cannot."""
        if not {"schema", "schemaFile"} & entry.keys():
            return ""
        if "schemaFile" in entry:
            name_file(entry["schemaFile"], entry.marks["schemaFile"], self._found)
        text, message = (
            self._of_file(entry["schemaFile"])
            if "schemaFile" in entry
            else _inline(entry["schema"])
        )
        if message:
            self._unusable(event, entry, message, (), address)
            return ""
        from reconciler.declare.webhooks.payload_schema import schema_fault  # noqa: PLC0415

        fault = schema_fault(text)
        if fault is not None:
            self._unusable(event, entry, fault.message, fault.path, address)
        elif words := list_unchecked(text):
            names = ", ".join(f"`{word}`" for word in words)
            message = f"not checked in the schema of `{event}`: {names}"
            self._found.add(
                "RC166", entry.key_marks[_schema_field(entry)], message, address=address
            )
        return "" if fault else text

    def _unusable(
        self,
        event: str,
        entry: Map,
        message: str,
        path: tuple[str | int, ...],
        address: Address,
    ) -> None:
        field = _schema_field(entry)
        mark = (
            locate(entry.sub("schema"), path) if path and field == "schema" else entry.marks[field]
        )
        file = f" `{entry[field]}`" if field == "schemaFile" else ""
        self._found.add(
            "RC172",
            mark,
            f"the schema{file} of `{event}` cannot be used: {message}",
            address=address,
        )

    def _of_file(self, path: str) -> tuple[str, str]:
        """The canonical text of a JSON file of the project, and what is wrong with it."""
        if path not in self._files:
            try:
                self._files[path] = self._read(path), ""
            except ValueError as error:
                self._files[path] = "", str(error)
        return self._files[path]

    def _read(self, path: str) -> str:
        if not is_inside(path):
            raise ValueError("it is not a path inside the project")
        path, aside = plain_path(path), Collector()
        text = (
            read(self._root, path, aside, _SCHEMA_FILE)
            if stays_inside(self._root, path, aside)
            else None
        )
        if text is None:
            raise ValueError(aside.findings()[0].message)
        self._found.read_too(aside)
        line = conflict_line(text)
        if line is not None:
            raise ValueError(f"a merge conflict was not resolved in its line {line}")
        try:
            value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"it is not JSON: {error.msg}, line {error.lineno} column {error.colno}"
            ) from None
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        if not isinstance(value, dict | bool):
            raise ValueError("it is neither a JSON object nor true or false")  # noqa: TRY004 - the text is wrong, not its type
        return canonical.dumps(value)


def _schema_field(entry: Map) -> str:
    return "schemaFile" if "schemaFile" in entry else "schema"


def _inline(schema: object) -> tuple[str, str]:
    """The canonical text of a schema that is written in place, and what is wrong with it."""
    text = canonical.dumps(schema)
    too_large = len(text.encode("utf-8", "replace")) > SCHEMA_LIMIT
    return ("", f"it is larger than {SCHEMA_LIMIT // 1024} KiB") if too_large else (text, "")


def _with(payloads: Map, field: str) -> Iterator[str]:
    return (event for event in payloads if field in payloads.sub(event))


def _place(
    example: Map,
    path: tuple[str | int, ...],
    field: str | None,
) -> Mark:
    """Where the value at ``path`` is written, or the name of the ``field`` in it."""
    container: Any = example
    for part in path:
        container = container[part]
    if field is not None and isinstance(container, Map):
        return container.key_marks.get(field, container.mark)
    return locate(example, path)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the field `{name}` is written twice in one object")
        found[name] = value
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"it is not JSON: {text} is no number")
