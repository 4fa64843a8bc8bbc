"""Actions for one client: registration, rename, updates, its series, its proof, its end."""

from __future__ import annotations

from reconciler.domain.declared.desired import ClientState, DesiredClient, Lifecycle
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.kinds.credentials import CredentialKind
from reconciler.domain.live.lifecycles import lifecycle_of, read_lifecycle
from reconciler.domain.live.record import (
    ENDPOINT_FIELDS,
    ClientRecord,
    ClientStatus,
    Series,
    endpoint,
)
from reconciler.domain.plan.plan import Action
from reconciler.domain.values import names
from reconciler.domain.values.canonical import JsonObject
from reconciler.planning.actions.checks import SeriesView, Subject
from reconciler.planning.actions.inputs import Inputs
from reconciler.planning.actions.proof import plan_proof, tell_signatures
from reconciler.planning.actions.reasons import Cause, Reason
from reconciler.planning.actions.series import (
    SeriesPlan,
    end_series,
    finish_series,
    plan_series,
    rest_series,
)


def plan_client(
    desired: DesiredClient | None, record: ClientRecord | None, inputs: Inputs
) -> list[Action]:
    """Everything to do for one client; empty when it is as declared.

    ``record`` is the one that belongs to the client: after a rename, the record under the old name.
    """
    if desired is None or desired.state is ClientState.RETIRED:
        return _end_client(desired, record, inputs) if record is not None else []
    actions: list[Action] = []
    if record is None or record.status is ClientStatus.RETIRED:
        actions.append(plan_registration(desired, record))
    else:
        actions += _updates(desired, record)
    actions += _metadata_drift(desired, record, inputs)
    if desired.state is ClientState.SUSPENDED:
        return actions + _plan_suspended(desired, record, inputs)
    plans = {
        (kind, name): _plan_wanted(desired, record, kind, name, lifecycle, inputs)
        for kind, name, lifecycle in desired.lives()
    }
    for plan in plans.values():
        actions += plan.actions
    actions = [tell_signatures(desired, action) for action in actions]
    actions += _plan_undeclared(desired, record, inputs)
    return actions + plan_proof(desired, record, plans, actions, inputs.question.verifications)


def client_action(
    kind: ActionKind,
    name: str,
    cause: Cause,
    before: JsonObject | None = None,
    after: JsonObject | None = None,
) -> Action:
    return cause.action(
        kind,
        names.client_address(name),
        client=name,
        before=before,
        after=after,
    )


def plan_registration(desired: DesiredClient, record: ClientRecord | None) -> Action:
    """The registration of a client that has no ``record``, or a retired one."""
    if record is None:
        cause = Cause(Reason.NEW_CLIENT, "declared and not registered yet")
    else:
        cause = Cause(Reason.REINSTATED, "was retired and is declared again: it gets new versions")
    return client_action(ActionKind.REGISTER_CLIENT, desired.name, cause, None, dict(desired.spec))


def _updates(desired: DesiredClient, record: ClientRecord) -> list[Action]:
    actions = _rename(desired, record)
    if record.edited:
        cause = Cause(
            Reason.RECORD_EDITED, "the record was changed by hand; the declaration is restored"
        )
        before, after = compare_fields(record.spec, desired.spec)
        actions.append(client_action(ActionKind.UPDATE_CLIENT, desired.name, cause, before, after))
    return actions + _plan_changes(desired, record) + _endpoint_updates(desired, record)


def _plan_changes(desired: DesiredClient, record: ClientRecord) -> list[Action]:
    """What is declared otherwise than it was applied last. In an edited record too: only what
    equals that is a repair, and a guard of changes has no other word for the rest."""
    if (record.digest, record.base_digest) == (desired.digest, desired.base_digest):
        return []
    before, after = compare_clients(record.spec, desired.spec)
    if not (before or after):
        if record.digest == desired.digest:
            before, after = (
                {"base_digest": record.base_digest},
                {"base_digest": desired.base_digest},
            )
        elif record.edited:
            before, after = {"digest": record.digest}, {"digest": desired.digest}
        else:
            return []  # its endpoints alone
    cause = Cause(
        Reason.DECLARATION_CHANGED, f"declared otherwise: {', '.join(sorted({*before, *after}))}"
    )
    return [client_action(ActionKind.UPDATE_CLIENT, desired.name, cause, before, after)]


def _rename(desired: DesiredClient, record: ClientRecord) -> list[Action]:
    if record.name == desired.name and record.moving_to is None:
        return []
    cause = Cause(Reason.RENAMED, f"renamed from {record.name}; keys, secrets and their paths stay")
    before, after = {"name": record.name}, {"name": desired.name}
    return [client_action(ActionKind.UPDATE_CLIENT, desired.name, cause, before, after)]


def _endpoint_updates(desired: DesiredClient, record: ClientRecord) -> list[Action]:
    actions = []
    recorded = record.spec.get("webhooks") or {}
    for name in sorted({*recorded, *(webhook.name for webhook in desired.webhooks)}):
        before, after = endpoint(record.spec, name), endpoint(desired.spec, name)
        if before == after:
            continue
        if before is None:
            cause = Cause(Reason.ENDPOINT_ADDED, "a new webhook")
        elif after is None:
            cause = Cause(Reason.ENDPOINT_REMOVED, "no longer declared")
        else:
            what = (
                "events, headers or signature"
                if before.get("url") == after.get("url")
                else "the URL"
            )
            cause = Cause(Reason.ENDPOINT_CHANGED, f"{what} changed: it must prove itself again")
        actions.append(
            cause.action(
                ActionKind.UPDATE_WEBHOOK,
                names.webhook_address(desired.name, name),
                client=desired.name,
                item=name,
                before=before,
                after=after,
            )
        )
    return actions


def _metadata_drift(
    desired: DesiredClient, record: ClientRecord | None, inputs: Inputs
) -> list[Action]:
    if record is None:
        return []
    edited = [
        path
        for kind, name, _ in record.all_series()
        if (info := inputs.observed.secrets.get(path := record.secret_path(kind, name))) is not None
        and info.edited
    ]
    if not edited:
        return []
    message = f"settings of {', '.join(edited)} were changed by hand; they are reset"
    cause = Cause(Reason.SECRET_METADATA_EDITED, message)
    return [client_action(ActionKind.UPDATE_CLIENT, desired.name, cause, None, {"reset": edited})]


def _view(
    record: ClientRecord | None,
    subject: Subject,
    lifecycle: Lifecycle,
    inputs: Inputs,
) -> SeriesView:
    """A series as it is on record, in Vault and as it is declared: the one place that makes one."""
    client, kind, item = subject.client, subject.kind, subject.item
    path = record.secret_path(kind, item) if record else kind.path(client, item)
    request = inputs.question.rotations.get(client)
    if request is not None and (kind is not request.kind or request.key not in (None, item)):
        request = None
    return SeriesView(
        subject=subject,
        path=path,
        series=record.series_of(kind, item) if record else Series(),
        lifecycle=lifecycle,
        info=inputs.observed.secrets.get(path),
        now=inputs.now,
        freezes=inputs.desired.environment.freezes,
        request=request,
        stranger=path in inputs.observed.strangers,
        claimed=inputs.observed.claims.get(path, frozenset()),
    )


def _plan_wanted(
    desired: DesiredClient,
    record: ClientRecord | None,
    kind: CredentialKind,
    name: str,
    lifecycle: Lifecycle,
    inputs: Inputs,
) -> SeriesPlan:
    return plan_series(_view(record, Subject(desired.name, kind, name), lifecycle, inputs))


def _plan_undeclared(
    desired: DesiredClient, record: ClientRecord | None, inputs: Inputs
) -> list[Action]:
    """Keys that are no longer declared retire through their grace; signing secrets end with their
    webhook."""
    if record is None:
        return []
    declared = {(kind, name) for kind, name, _ in desired.lives()}
    actions: list[Action] = []
    for kind, name, _ in record.all_series():
        if (kind, name) in declared:
            continue
        lifecycle = read_lifecycle(record, kind, name)
        view = _view(record, Subject(desired.name, kind, name), lifecycle, inputs)
        actions += finish_series(view)
    return actions


def _plan_suspended(
    desired: DesiredClient, record: ClientRecord | None, inputs: Inputs
) -> list[Action]:
    """A suspended client gets nothing new; what is running out runs out."""
    actions: list[Action] = []
    if record is None or record.status is not ClientStatus.SUSPENDED:
        cause = Cause(
            Reason.DECLARED_SUSPENDED, "declared suspended: a gateway must refuse its keys"
        )
        actions.append(client_action(ActionKind.SUSPEND_CLIENT, desired.name, cause))
    if record is None:
        return actions
    declared = {(kind, name) for kind, name, _ in desired.lives()}
    for kind, name, _ in record.all_series():
        if (kind, name) in declared:
            lifecycle = lifecycle_of(desired, record, kind, name)
            actions += rest_series(
                _view(record, Subject(desired.name, kind, name), lifecycle, inputs)
            )
    return actions + _plan_undeclared(desired, record, inputs)


def _end_client(
    desired: DesiredClient | None, record: ClientRecord, inputs: Inputs
) -> list[Action]:
    if desired is None:
        cause = Cause(Reason.DECLARATION_REMOVED, "no longer declared")
    else:
        cause = Cause(Reason.DECLARED_RETIRED, "declared retired")
    # A client that is renamed and retired in one change is renamed first: all of its actions bear
    # one name.
    actions = _rename(desired, record) if desired is not None else []
    client = desired.name if desired is not None else record.name
    for kind, name, _ in record.all_series():
        lifecycle = read_lifecycle(record, kind, name)
        view = _view(record, Subject(client, kind, name), lifecycle, inputs)
        actions += end_series(view, cause)
    if record.status is not ClientStatus.RETIRED:
        actions.append(client_action(ActionKind.RETIRE_CLIENT, client, cause))
    return actions


def compare_fields(before: JsonObject, after: JsonObject) -> tuple[JsonObject, JsonObject]:
    """The fields that differ, with their values on each side; a key absent on a side is absent
    there too."""
    names = sorted({*before, *after})
    differing = [name for name in names if before.get(name) != after.get(name)]
    return (
        {name: before[name] for name in differing if name in before},
        {name: after[name] for name in differing if name in after},
    )


def compare_clients(before: JsonObject, after: JsonObject) -> tuple[JsonObject, JsonObject]:
    """Changes of the client itself: everything but endpoints, and webhooks that come or go, which
    have actions of their own."""
    kept = set(before.get("webhooks") or {}) & set(after.get("webhooks") or {})
    return compare_fields(_without_endpoints(before, kept), _without_endpoints(after, kept))


def _without_endpoints(spec: JsonObject, kept: set[str]) -> JsonObject:
    webhooks = {
        name: {field: value for field, value in webhook.items() if field not in ENDPOINT_FIELDS}
        for name, webhook in (spec.get("webhooks") or {}).items()
        if name in kept
    }
    return {**spec, "webhooks": {name: rest for name, rest in webhooks.items() if rest}}
