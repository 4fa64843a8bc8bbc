"""Reads a plan file. Whoever wrote it, it is either exactly a plan that this version makes or
refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.plan.plan import FORMAT_VERSION, Action, Approval, Permissions, Plan, Risk
from reconciler.domain.plan.unfinished import Unfinished, UnfinishedKind
from reconciler.domain.secrecy import beginning
from reconciler.domain.values.canonical import Json, dumps, parse_iso, parse_iso_or_none
from reconciler.engine.planfile.document import file_digest, plan_document
from reconciler.errors import Address, Finding, Level, ReconcilerError, Source, StalePlanError
from reconciler.planning.planner import plan_digest

# What files of former versions lack.
_ADDED: Mapping[str, Json] = {"dirty": [], "rollback_from": None}
_MAKE_ANEW = "make a new one with reconciler plan --out"
T = TypeVar("T")


def load_plan(text: str) -> Plan:
    """The inverse of ``plan_json``; white space and the order of fields do not matter.

    Raises ``ReconcilerError`` RC396 (not a plan) or RC397 (a format of another version) and
    ``StalePlanError`` RC399 (changed by hand since it was written).
    """
    document = _parse(text)
    if document.get("kind") != "plan":
        _refuse("its kind is not plan")
    if (found := document.get("format_version")) != FORMAT_VERSION or isinstance(found, bool):
        raise ReconcilerError(
            "RC397",
            f"the plan file has format {beginning(repr(found), 40)}; this version reads format"
            f" {FORMAT_VERSION}",
            f"{_MAKE_ANEW}, with this version of reconciler",
        )
    try:
        plan = _plan({**_ADDED, **document})
        edited = _explain_edit(plan, document)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        _refuse(f"{type(error).__name__}: {error}")
    if edited:
        raise StalePlanError(
            "RC399", f"the plan file was changed after it was made: {edited}", _MAKE_ANEW
        )
    return plan


def _refuse(why: str) -> NoReturn:
    raise ReconcilerError(
        "RC396", f"the file is not a plan: {beginning(why, 200)}", _MAKE_ANEW
    ) from None


def _explain_edit(plan: Plan, document: Mapping[str, Json]) -> str:
    """Why the file is not as it was written, empty when it is. Whoever made the digests anew cannot
    have made up what follows from the actions: summary, verdict, unknown fields. Raises
    ``ValueError`` for half a character."""
    if re.search("[\ud800-\udfff]", dumps(document)):
        raise ValueError("it is not Unicode text")
    if document.get("file_digest") != file_digest(document):
        return "its file_digest is not that of its content"
    digest = plan_digest(
        plan.environment,
        plan.project,
        plan.git_commit,
        plan.actions,
        plan.revisions,
        plan.desired_digests,
        yes_remove=plan.yes_remove,
        dirty=plan.dirty,
        rollback_from=plan.rollback_from,
    )
    made = plan_document(plan) | {"file_digest": document["file_digest"]}
    agrees = digest == plan.digest and made == {**_ADDED, **document}
    return "" if agrees else "its parts do not agree"


def _parse(text: str) -> Mapping[str, Json]:
    try:
        document = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_no_number
        )
    except (ValueError, RecursionError) as error:
        _refuse(
            f"it is not JSON ({error})"
            if isinstance(error, ValueError)
            else "it is nested too deeply"
        )
    if not isinstance(document, dict):
        _refuse("it is not a JSON object")
    return document


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Two parsers may disagree on which of two equal names counts."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return result


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{beginning(text, 20)} is not an integer")


def _plan(raw: Mapping[str, Json]) -> Plan:
    return Plan(
        environment=_get(raw, "environment", str),
        project=_get(raw, "project", str),
        created_at=parse_iso(_get(raw, "created_at", str)),
        expires_at=parse_iso(_get(raw, "expires_at", str)),
        git_commit=_optional(raw, "git_commit", str),
        actions=tuple(_action(one) for one in _get(raw, "actions", list)),
        findings=tuple(_finding(one) for one in _get(raw, "findings", list)),
        revisions=_mapping(raw, "revisions", int),
        desired_digests=_mapping(raw, "desired_digests", str),
        digest=_get(raw, "digest", str),
        unchanged=_get(raw, "unchanged", int),
        approvals=tuple(_approval(one) for one in _get(raw, "approvals", list)),
        unfinished=tuple(_read_unfinished(one) for one in _get(raw, "unfinished", list)),
        sources={name: _source(one) for name, one in _get(raw, "sources", dict).items()},
        yes_remove=_get(raw, "yes_remove", int) if "yes_remove" in raw else None,
        dirty=_texts(raw, "dirty"),
        rollback_from=_optional(raw, "rollback_from", str),
    )


def _action(raw: Any) -> Action:
    return Action(
        kind=ActionKind(_get(raw, "kind", str)),
        address=Address.read(_get(raw, "address", str)),
        reason=_get(raw, "reason", str),
        message=_get(raw, "message", str),
        risk=Risk(_get(raw, "risk", str)),
        client=_get(raw, "client", str),
        item=_optional(raw, "item", str),
        version=_optional(raw, "version", int),
        before=_optional(raw, "before", dict),
        after=_optional(raw, "after", dict),
        risk_reasons=_texts(raw, "risk_reasons"),
        permissions=(
            None if raw["permissions"] is None else _permissions(_get(raw, "permissions", dict))
        ),
    )


def _permissions(raw: Any) -> Permissions:
    sides = (_mapping(raw, name, str) for name in ("granted", "withdrawn"))
    return Permissions(*({scope: Risk(risk) for scope, risk in side.items()} for side in sides))


def _approval(raw: Any) -> Approval:
    return Approval(
        _get(raw, "approver", str),
        _texts(raw, "reasons"),
        tuple(map(Address.read, _texts(raw, "addresses"))),
    )


def _texts(raw: Any, name: str) -> tuple[str, ...]:
    texts = _get(raw, name, list)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"{name} is not a list of texts")
    return tuple(texts)


def _finding(raw: Any) -> Finding:
    file = _optional(raw, "file", str)
    source = None if file is None else _source(raw)
    return Finding(
        code=_get(raw, "code", str),
        level=Level(_get(raw, "level", str)),
        message=_get(raw, "message", str),
        address=Address.read(_get(raw, "address", str)),
        remedy=_get(raw, "remedy", str),
        source=source,
        excerpt=_optional(raw, "excerpt", str),
    )


def _source(raw: Any) -> Source:
    return Source(_get(raw, "file", str), _get(raw, "line", int), _get(raw, "column", int))


def _read_unfinished(raw: Any) -> Unfinished:
    return Unfinished(
        kind=UnfinishedKind(_get(raw, "kind", str)),
        message=_get(raw, "message", str),
        next=_get(raw, "next", str),
        since=parse_iso_or_none(_optional(raw, "since", str)),
        address=None
        if (address := _optional(raw, "address", str)) is None
        else Address.read(address),
        run_id=_optional(raw, "run_id", str),
        path=_optional(raw, "path", str),
    )


def _get(raw: Any, name: str, kind: type[T]) -> T:
    """Raises ``TypeError`` or ``KeyError``. A Boolean is no integer."""
    if not isinstance(raw, dict):
        raise TypeError("an action or finding is not an object")
    value = raw[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{name} is not of type {kind.__name__}")
    return value


def _optional(raw: Any, name: str, kind: type[T]) -> T | None:
    if not isinstance(raw, dict):
        raise TypeError("an action or finding is not an object")
    return None if raw[name] is None else _get(raw, name, kind)


def _mapping(raw: Any, name: str, kind: type[T]) -> dict[str, T]:
    inner = _get(raw, name, dict)
    return {key: _get(inner, key, kind) for key in inner}
