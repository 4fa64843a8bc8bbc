"""Records and buckets as JSON and back: nothing is lost, nothing unknown is read, edits show."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.declared.desired import DesiredClient
from reconciler.domain.kinds import credentials
from reconciler.domain.kinds.actions import ActionKind
from reconciler.domain.live.observed import Lease, OpenRun
from reconciler.domain.live.record import (
    ClientRecord,
    ClientStatus,
    Delivery,
    Event,
    Hold,
    Series,
    Version,
    VersionState,
    WebhookRecord,
)
from reconciler.domain.plan.plan import Outcome, OutcomeStatus
from reconciler.domain.plan.run import action_on_record
from reconciler.errors import Address, RegistryError
from reconciler.planning.actions.clients import plan_client
from reconciler.registry.codec.bucket_codec import MAX_DOCUMENT
from reconciler.registry.codec.run_codec import decode_lease, decode_run, encode_lease, encode_run
from tests.kit.worlds.asked import inputs
from tests.kit.worlds.declared import PROJECT, client, desired, webhook
from tests.kit.worlds.memory import World
from tests.kit.worlds.runner import Runner
from tests.kit.worlds.stored import decode_bucket, encode_bucket

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}", fullmatch=True)
NUMBER = st.integers(0, 2**53)
INSTANT = st.integers(946684800, 4102444800).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
DETAIL = st.dictionaries(
    TEXT, TEXT | NUMBER | st.booleans() | st.none() | st.lists(TEXT, max_size=2), max_size=3
)
MAYBE = st.none() | INSTANT
VERSIONS = st.builds(
    Version,
    NUMBER,
    TEXT,
    st.sampled_from(VersionState),
    TEXT,
    TEXT,
    TEXT,
    INSTANT,
    INSTANT,
    MAYBE,
    MAYBE,
    MAYBE,
)


def numbered(series: Series) -> Series:
    """The same with numbers that a series can have."""
    versions = tuple(
        replace(version, number=number) for number, version in enumerate(series.versions, 1)
    )
    return replace(series, versions=versions, last=series.last + len(versions))


SERIES = st.builds(
    Series,
    st.lists(VERSIONS, max_size=3).map(tuple),
    NUMBER,
    st.none() | st.builds(Hold, NUMBER, TEXT, st.none() | TEXT, INSTANT),
    st.booleans(),
).map(numbered)
DELIVERIES = st.builds(
    Delivery, TEXT, INSTANT, TEXT, st.booleans(), st.none() | NUMBER, NUMBER, TEXT
)
WEBHOOKS = st.builds(WebhookRecord, MAYBE, st.none() | TEXT, st.none() | DELIVERIES)
EVENTS = st.builds(Event, NUMBER, INSTANT, TEXT, TEXT, TEXT, TEXT, TEXT, DETAIL)
SPECS = st.fixed_dictionaries(
    {"keys": st.dictionaries(NAME, DETAIL, max_size=2)}, optional={"labels": DETAIL}
)


@st.composite
def records(draw: st.DrawFn) -> ClientRecord:
    webhooks = draw(st.dictionaries(NAME, WEBHOOKS, max_size=2))
    series = {(credentials.KEY, name): draw(SERIES) for name in draw(st.sets(NAME, max_size=2))}
    series |= {(credentials.SIGNING_SECRET, name): draw(SERIES) for name in webhooks}
    return ClientRecord(
        draw(NAME), PROJECT, draw(NAME), draw(NUMBER), draw(TEXT), draw(st.sampled_from(ClientStatus)),
        draw(st.booleans()),
        draw(SPECS), draw(TEXT), draw(TEXT), series,
        webhooks, tuple(draw(st.lists(EVENTS, max_size=2))), draw(NUMBER),
        draw(st.none() | NAME), draw(st.booleans()),
    )  # fmt: skip


@given(
    st.lists(records(), max_size=2),
    st.dictionaries(NAME, DETAIL.map(lambda one: {**one, "owner": "them"}), max_size=2),
)
def test_a_bucket_is_read_as_it_was_written(
    several: list[ClientRecord], foreign: dict[str, Any]
) -> None:
    ours = {record.name: record for record in several}
    theirs = {name: raw for name, raw in foreign.items() if name not in ours}
    text = encode_bucket(ours, theirs)
    assert decode_bucket(text, PROJECT) == (ours, theirs)
    assert encode_bucket(*decode_bucket(text, PROJECT)) == text


def applied() -> World:
    world = World()
    runner = Runner(world)
    runner.settle(desired(client(webhooks=[webhook()])))
    world.at += timedelta(days=170)
    runner.apply(desired(client(webhooks=[webhook()])))
    return world


APPLIED = applied()
(BUCKET,) = (entry.versions[entry.current]["doc"] for entry in APPLIED.documents.values())
(RECORD,) = APPLIED.records().values()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a JSON value."""
    found = [path] if path else []
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def edited(path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> str:
    document = json.loads(BUCKET)
    holder = document["clients"]["payouts"]
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return json.dumps(document)


PLACES = [path for path in places(json.loads(BUCKET)["clients"]["payouts"]) if path != ("owner",)]
OTHERS: list[Any] = [
    "edited",
    7,
    -1,
    True,
    None,
    [],
    {},
    [1],
    {"a": 1},
    "2026-11-23T22:45:00Z",
    1.5,
    "\ud800",
]


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_every_edit_shows(path: tuple[Any, ...]) -> None:
    """Whatever is put at any place: the record or one of its series is known to be edited, or it is
    refused.

    And whatever is not refused can be planned for and written back without a traceback, still
    edited.
    """
    for other in OTHERS:

        def put(holder: Any, key: Any, other: Any = other) -> None:
            holder[key] = (
                other if holder[key] != other or type(holder[key]) is not type(other) else "else"
            )

        expect_shown(edited(path, put))

    def remove(holder: Any, key: Any) -> None:
        del holder[key]

    expect_shown(edited(path, remove))


def expect_shown(text: str) -> None:
    try:
        found, _ = decode_bucket(text, PROJECT)
    except RegistryError:
        return
    record = found["payouts"]
    assert marks(record) != marks(RECORD)
    again, _ = decode_bucket(encode_bucket(found), PROJECT)
    assert marks(again["payouts"]) == marks(record)
    declared: DesiredClient = client(webhooks=[webhook()])
    made = inputs(desired(declared), Runner(APPLIED).look(), APPLIED.at)
    assert plan_client(declared, record, made)


def marks(record: ClientRecord) -> list[bool]:
    return [record.edited, *(series.edited for _, _, series in record.all_series())]


def test_a_commit_for_another_reason_does_not_launder_an_edit() -> None:
    held = replace(RECORD, edited=True, revision=9, op="other.claim")
    series = replace(RECORD.series[credentials.KEY, "primary"], edited=True)
    text = encode_bucket({"payouts": replace(held, series={(credentials.KEY, "primary"): series})})
    record = held
    for _ in range(3):
        record = decode_bucket(text, PROJECT)[0]["payouts"]
        assert record.edited
        assert record.series[credentials.KEY, "primary"].edited
        text = encode_bucket({"payouts": replace(record, revision=record.revision + 1)})
    mended = encode_bucket({"payouts": replace(record, edited=False)})
    assert not decode_bucket(mended, PROJECT)[0]["payouts"].edited
    assert decode_bucket(mended, PROJECT)[0]["payouts"].series[credentials.KEY, "primary"].edited


LAST = ("webhooks", "settlements", "last_delivery")
A_DELIVERY = json.loads(BUCKET)["clients"]["payouts"]["webhooks"]["settlements"]["last_delivery"]
WRONG: dict[str, list[Any]] = {
    "id": [7], "at": [7], "url": [None], "accepted": [1, "true", None], "status": ["204", True, 1.5],
    "latency_ms": ["12", True, None, 1.5], "message": [None], "code": [0], "probes": [{}, None, "probes"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in WRONG.items() for value in values]
)
def test_a_delivery_whose_field_has_another_type_is_refused(field: str, value: Any) -> None:
    """It is not enough that the edit shows: what reads a delivery relies on its types."""
    assert A_DELIVERY.keys() == WRONG.keys()

    def put(holder: Any, key: Any) -> None:
        holder[key] = value

    with pytest.raises(RegistryError) as caught:
        decode_bucket(edited((*LAST, field), put), PROJECT)
    assert caught.value.code == "RC443"


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_a_delivery_has_its_fields_and_no_other(change: str) -> None:
    def put(holder: Any, key: Any) -> None:
        if change == "missing":
            del holder[key]
        else:
            holder["other"] = 1

    with pytest.raises(RegistryError, match="RC443"):
        decode_bucket(edited((*LAST, "message"), put), PROJECT)


@pytest.mark.parametrize("probes", [[{}], ["probe"], [{"probe": 1}], [None]])
def test_a_probe_of_a_delivery_has_the_form_of_one(probes: Any) -> None:
    def put(holder: Any, key: Any) -> None:
        holder[key] = probes

    with pytest.raises(RegistryError, match="RC443"):
        decode_bucket(edited((*LAST, "probes"), put), PROJECT)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_another_layout_of_a_bucket_is_no_edit(indent: int | None, ascii_only: bool) -> None:
    spec = {**RECORD.spec, "labels": {"city": "Zürich"}}
    text = encode_bucket({"payouts": replace(RECORD, spec=spec)})
    anew = json.dumps(
        dict(reversed(json.loads(text).items())), indent=indent, ensure_ascii=ascii_only
    )
    found, _ = decode_bucket(anew, PROJECT)
    assert found == {"payouts": replace(RECORD, spec=spec)}
    assert encode_bucket(found) == text


def test_a_record_under_another_name_is_an_edited_record() -> None:
    document = json.loads(BUCKET)
    document["clients"]["other"] = document["clients"].pop("payouts")
    found, _ = decode_bucket(json.dumps(document), PROJECT)
    assert found["other"].name == "other"
    assert found["other"].edited


@pytest.mark.parametrize("form", [0, 2, "1", None, [1]])
def test_a_format_of_the_future_is_refused(form: object) -> None:
    for decode in (lambda text: decode_bucket(text, PROJECT), decode_run, decode_lease):
        with pytest.raises(RegistryError) as caught:
            decode(json.dumps({"format": form, "clients": {}}))
        assert caught.value.code == "RC442"
        assert caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "1",
        "null",
        '"format"',
        "{}",
        '{"format":1}',
        '{"format":1,"clients":[]}',
        '{"format":1,"clients":{"a":1}}',
        '{"format":1,"clients":{"a":{}}}',
        '{"format":1,"clients":{"a":{"owner":"acme-integrations"}}}',
        "[" * 100_000,
        "1" * 5000,
    ],
)
def test_what_is_no_bucket_is_refused(text: str) -> None:
    for decode in (lambda text: decode_bucket(text, PROJECT), decode_run, decode_lease):
        with pytest.raises(RegistryError) as caught:
            decode(text)
        assert caught.value.code == "RC443"


def test_nothing_is_written_over_an_unknown_format() -> None:
    """A future format: every action fails with a sentence and the bucket stays as it is."""
    world = World()
    runner = Runner(world)
    declared = desired(client())
    observed = runner.look()
    plan = runner.plan(declared, observed=observed)
    runner.settle(declared)
    (entry,) = world.documents.values()
    entry.put({"doc": '{"format":2,"clients":{}}'}, entry.current)
    writes = world.writes
    outcomes = runner.carry_out(plan, declared, observed)
    assert {(outcome.status.value, outcome.message.split(":")[0]) for outcome in outcomes} == {
        ("failed", "RC442")
    }
    assert world.writes == writes


def test_a_bucket_that_is_too_large_is_refused_with_its_remedy() -> None:
    large = replace(RECORD, spec={"labels": {"a": "x" * MAX_DOCUMENT}})
    with pytest.raises(RegistryError) as caught:
        encode_bucket({"payouts": large})
    assert caught.value.code == "RC441"
    assert "--buckets" in caught.value.remedy


OUTCOMES = st.builds(
    Outcome,
    st.builds(action_on_record, st.sampled_from(ActionKind), TEXT.map(Address.read), TEXT, TEXT,
    st.none() | st.integers(0, 9)),
    st.sampled_from(OutcomeStatus), TEXT, st.dictionaries(TEXT, st.none() | TEXT | st.integers(0, 9), max_size=2),
)  # fmt: skip
RUNS = st.builds(
    OpenRun, TEXT, TEXT, TEXT, INSTANT, st.none() | TEXT, TEXT, st.booleans(), st.booleans(), st.none() | INSTANT,
    st.booleans(), st.lists(OUTCOMES, max_size=3).map(tuple), st.integers(0, 9),
)  # fmt: skip


@given(RUNS, TEXT, INSTANT)
def test_runs_and_leases_are_read_as_they_were_written(
    run: OpenRun, holder: str, until: datetime
) -> None:
    assert decode_run(encode_run(run)) == run
    assert decode_lease(encode_lease(Lease(holder, until))) == Lease(holder, until)


def test_a_run_document_from_before_runs_told_their_end_is_read() -> None:
    run = OpenRun(
        "r", "apply", "Ada", datetime(2026, 11, 23, tzinfo=UTC), None, "sha256:0", planfile=True
    )
    old = json.loads(encode_run(run))
    for name in ("finished_at", "interrupted", "unrecorded", "omitted"):
        del old[name]
    assert decode_run(json.dumps(old)) == run


def test_no_bucket_is_an_empty_one() -> None:
    assert decode_bucket(None, PROJECT) == ({}, {})
