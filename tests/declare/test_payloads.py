"""Payloads, probes and expected answers of a webhook: what is wrong, where, and what comes of what
is right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema.exceptions import ValidationError

from reconciler.declare import load, validate
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import plain
from reconciler.declare.webhooks import payload_schema
from reconciler.declare.yaml.text import parse
from reconciler.domain.declared.desired import DesiredWebhook, Lifecycle
from reconciler.domain.declared.proof import Demand, Expectation, Payload, Probe
from reconciler.domain.declared.schemes import SCHEMES, STANDARD_WEBHOOKS_V1A, Scheme
from reconciler.errors import Finding
from reconciler.webhooks.wire.payload import payload
from tests.declare.conftest import CLIENT, POLICY, TEMPLATE, MakeProject, client

C, T, G = "clients/payouts.yaml", "templates/paystack.yaml", "policy.yaml"
NOW = datetime(2026, 11, 23, 22, 45, tzinfo=UTC)
LIFE = Lifecycle(timedelta(days=180), timedelta(days=60), timedelta(hours=24))
SCHEMA = "{type: object, required: [id], properties: {id: {type: integer}}}"
# Forty definitions, each of which asks the next one twice.
_TWICE = "d{0}: {{allOf: [{{$ref: '#/$defs/d{1}'}}, {{$ref: '#/$defs/d{1}'}}]}}"
BOMB = (
    "$defs: {" + ", ".join(_TWICE.format(number, number + 1) for number in range(40)) + ", d40: {}}"
)


def hook(text: str, events: str = "[a.b]") -> str:
    """A client with one webhook; ``text`` stands on line 8 from column 7 on."""
    return client(
        spec=f"  webhooks:\n    - {{name: a, url: https://a.example, events: {events},\n      {text}}}"
    )


def one(payload_of_it: str) -> str:
    return hook(f"payloads: {{a.b: {{{payload_of_it}}}}}")


def template(text: str) -> str:
    return TEMPLATE.replace("secret: {lifetime: 180d}", f"{text}, secret: {{lifetime: 180d}}")


def over(text: str) -> str:
    """The client of the template with ``text`` for its webhook, on line 14 from column 37 on."""
    return f"{CLIENT}  webhooks: [{{name: settlements, {text}}}]\n"


# What is written -> code, line and column, and words of the message.
CASES: dict[str, tuple[Mapping[str, str], list[tuple[str, str, int, int, str]]]] = {
    "another event": (
        {C: hook("payloads: {a.c: {example: {x: 1}}}")},
        [("RC171", C, 9, 18, "the webhook `a` does not receive `a.c`, but `a.b`")],
    ),
    "no events at all": (
        {C: hook("payloads: {a.c: {}}", "[]")},
        [("RC171", C, 9, 18, "does not receive `a.c`: it declares no events")],
    ),
    "another event in a template": (
        {T: template("payloads: {payout.setled: {}}")},
        [("RC171", T, 8, 64, "`payout.setled`")],
    ),
    "an event that the template lacks": (
        {C: over("payloads: {payout.setled: {}}")},
        [("RC171", C, 14, 45, "`payout.setled`, but `payout.settled`")],
    ),
    "not its schema": (
        {C: one(f"example: {{id: x, more: 1}}, schema: {SCHEMA}")},
        [("RC173", C, 9, 38, "$.id must be a whole number, not `x`")],
    ),
    "a field too few": (
        {C: one(f"example: {{}}, schema: {SCHEMA}")},
        [("RC173", C, 9, 33, "$ lacks the field `id`")],
    ),
    "a field too many": (
        {
            C: one(
                "example: {id: 1, ids: 2}, schema: {properties: {id: {}}, additionalProperties: false}"
            )
        },
        [("RC173", C, 9, 41, "$ has the field `ids`")],
    ),
    "deep inside": (
        {
            C: one(
                "example: {a: [{b c: 1}]}, schema: {properties: {a: {items: {properties: {b c: {const: true}}}}}}"
            )
        },
        [("RC173", C, 9, 44, '$.a[0]["b c"] must be `true`, not `1`')],
    ),
    "a schema without an example": (
        {C: one("schema: {type: object}")},
        [("RC173", C, 9, 18, "`a.b` has a schema but no example")],
    ),
    "the client's example, the template's schema": (
        {
            T: template(f"payloads: {{payout.settled: {{schema: {SCHEMA}, example: {{id: 1}}}}}}"),
            C: over("payloads: {payout.settled: {example: {id: one}}}"),
        },
        [
            (
                "RC173",
                C,
                14,
                76,
                "does not fit its schema (templates/paystack.yaml:8): $.id must be a whole number",
            )
        ],
    ),
    "the client's schema, the template's example": (
        {
            T: template("payloads: {payout.settled: {example: {id: 1}}}"),
            C: over("payloads: {payout.settled: {schema: {properties: {id: {type: string}}}}}"),
        },
        [("RC173", C, 14, 62, "$.id must be text, not `1`")],
    ),
    "a schema that is none": (
        {C: one("example: {}, schema: {properties: {a: {type: objekt}}}")},
        [
            (
                "RC172",
                C,
                9,
                69,
                "$.properties.a.type is not JSON Schema: `objekt` is no type, did you mean `object`",
            )
        ],
    ),
    "a schema that nothing fits": (
        {C: one("example: {}, schema: false")},
        [("RC173", C, 9, 33, "$ is not allowed by the schema")],
    ),
    "a file that nothing fits": (
        {C: one("example: {}, schemaFile: x.json"), "x.json": "false"},
        [("RC173", C, 9, 33, "$ is not allowed by the schema")],
    ),
    "a format": (
        {C: one("example: {at: x}, schema: {properties: {at: {type: string, format: date-time}}}")},
        [("RC166", C, 9, 42, "not checked in the schema of `a.b`: `format`")],
    ),
    "a media type": (
        {
            C: one("example: {}, schemaFile: x.json"),
            "x.json": '{"contentMediaType": "text/x", "format": "x"}',
        },
        [("RC166", C, 9, 37, "`contentMediaType`, `format`")],
    ),
    "a digit of another script": (
        {C: one(r'example: {n: "٣"}, schema: {properties: {n: {pattern: ^\d$}}}')},
        [("RC173", C, 9, 37, r"$.n must match `^\d$`, not `٣`")],
    ),
    "a pattern that only Python knows": (
        {C: one(r"example: {}, schema: {properties: {a: {pattern: a\Z}}}")},
        [
            (
                "RC172",
                C,
                9,
                72,
                r"`a\Z` is no regular expression that can be used: `\Z` is not of ECMA-262",
            )
        ],
    ),
    "a merge conflict in a file": (
        {C: one("example: {}, schemaFile: x.json"), "x.json": '{\n<<<<<<< HEAD\n"a": 1}'},
        [("RC172", C, 9, 49, "a merge conflict was not resolved in its line 2")],
    ),
    "a draft that is not known": (
        {C: one('example: {}, schema: {$schema: "https://example.com/draft"}')},
        [("RC172", C, 9, 55, "names no draft")],
    ),
    "a reference elsewhere": (
        {C: one('example: {}, schema: {$ref: "http://127.0.0.1:1/x.json"}')},
        [
            (
                "RC172",
                C,
                9,
                45,
                "`http://127.0.0.1:1/x.json` is not in the schema, and nothing is fetched",
            )
        ],
    ),
    "a schema without an end": (
        {C: one('example: {}, schema: {allOf: [{$ref: "#"}]}')},
        [("RC172", C, 9, 45, "refers to itself")],
    ),
    "a pattern that is none": (
        {C: one('example: {}, schema: {properties: {a: {pattern: "(a"}}}')},
        [("RC172", C, 9, 72, "`(a` is no regular expression that can be used: missing )")],
    ),
    "a pattern that looks ahead": (
        {C: one('example: {}, schema: {patternProperties: {"(?=a)b": {}}}')},
        [("RC172", C, 9, 76, "looks ahead or behind")],
    ),
    "a schema here and in a file": (
        {C: one("example: {}, schema: {}, schemaFile: x.json")},
        [("RC172", C, 9, 49, "write one of the two")],
    ),
    "no such file": (
        {C: one("example: {}, schemaFile: x.json")},
        [("RC172", C, 9, 49, "`x.json` of `a.b` cannot be used: the file cannot be read")],
    ),
    "a file outside": (
        {C: one("example: {}, schemaFile: ../x.json")},
        [("RC172", C, 9, 49, "inside the project")],
    ),
    "a file that is no JSON": (
        {C: one("example: {}, schemaFile: x.json"), "x.json": "{\n a: 1}"},
        [
            (
                "RC172",
                C,
                9,
                49,
                "it is not JSON: Expecting property name enclosed in double quotes, line 2 column 2",
            )
        ],
    ),
    "a file with a field twice": (
        {C: one("example: {}, schemaFile: x.json"), "x.json": '{"a": 1, "a": 2}'},
        [("RC172", C, 9, 49, "the field `a` is written twice")],
    ),
    "a file without an object": (
        {C: one("example: {}, schemaFile: x.json"), "x.json": "[]"},
        [("RC172", C, 9, 49, "neither a JSON object nor true or false")],
    ),
    "a file without an end": (
        {C: one("example: {}, schemaFile: x.json"), "x.json": '{"a":' * 100_000},
        [("RC172", C, 9, 49, "larger than 128 KiB")],
    ),
    "a file that is too deep": (
        {
            C: one("example: {}, schemaFile: x.json"),
            "x.json": '{"a":' * 20_000 + "1" + "}" * 20_000,
        },
        [("RC172", C, 9, 49, "nested too deeply")],
    ),
    "a schema in a file, not met": (
        {
            C: one("example: {a: 1}, schemaFile: x.json"),
            "x.json": '{"properties": {"a": {"multipleOf": 0.4}}}',
        },
        [
            (
                "RC173",
                C,
                9,
                37,
                "does not fit its schema (x.json): $.a must be a multiple of 0.4, not `1`",
            )
        ],
    ),
    "too large": (
        {C: one(f"example: {{x: {'y' * 20_000}}}")},
        [("RC174", C, 9, 24, "it must have fewer than 20000")],
    ),
    "a secret in an example": (
        {C: one(f"example: {{key: whsec_{'a1' * 20}}}")},
        [("RC112", C, 9, 39, "looks like a webhook signing secret")],
    ),
    "an example that is no mapping": (
        {C: one("example: 5")},
        [("RC125", C, 9, 33, "must be a mapping")],
    ),
    "a redirect expected": (
        {C: hook("expect: {status: 301}")},
        [("RC128", C, 9, 24, "expect.status must be at most 299, not 301")],
    ),
    "404 among others": (
        {C: hook("expect: {status: [200, 404]}")},
        [("RC128", C, 9, 30, "status[1]")],
    ),
    "no JSONPath": (
        {C: hook("expect: {json: {path: received, equals: true}}")},
        [("RC175", C, 9, 29, "`received` is not a JSONPath: it begins with `$`")],
    ),
    "half a JSONPath": (
        {C: hook("expect: {json: {path: '$.a[', equals: true}}")},
        [("RC175", C, 9, 29, "is not a JSONPath at its end: unexpected end")],
    ),
    "a path and no value": (
        {C: hook("expect: {json: {path: $.a}}")},
        [("RC175", C, 9, 16, "`json` lacks `equals`")],
    ),
    "a probe without a timestamp": (
        {C: hook("signature: {scheme: github}, probes: {replayed: require}")},
        [
            (
                "RC170",
                C,
                9,
                55,
                "`replayed: require` cannot be sent with the scheme `github`: it sends no timestamp",
            )
        ],
    ),
    "a probe of one signature": (
        {C: hook("signature: {scheme: paystack}, probes: {eachSecret: warn, tampered: warn}")},
        [("RC170", C, 9, 59, "it has room for one signature")],
    ),
    "a probe of a custom scheme": (
        {C: hook("signature: {scheme: custom, custom: {header: X-A}}, probes: {future: require}")},
        [("RC170", C, 9, 76, "`future: require`")],
    ),
    "a template's probe, the client's scheme": (
        {T: template("probes: {replayed: require}"), C: over("signature: {scheme: github}")},
        [("RC170", C, 14, 54, "`replayed: require` cannot be sent with the scheme `github`")],
    ),
    "a policy's unknown demand": (
        {G: POLICY + "  probes: {tampered: requires}\n"},
        [("RC126", G, 6, 22, "spec.probes.tampered cannot be `requires`")],
    ),
    "retryFor": ({C: hook("delivery: {retryFor: 2h}")}, [("RC150", C, 9, 28, "write at most 1h")]),
}


def told(found: list[Finding]) -> list[tuple[str, str, int, int]]:
    return [
        (one.code, one.source.file, one.source.line, one.source.column)
        for one in found
        if one.source
    ]


@pytest.mark.parametrize("name", CASES)
def test_code_place_and_words(name: str, make_project: MakeProject) -> None:
    changes, expected = CASES[name]
    found = validate(make_project(changes))
    assert told(found) == [case[:4] for case in expected], [one.message for one in found]
    for finding, case in zip(found, expected, strict=True):
        assert case[4] in finding.message
        assert finding.remedy


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({C: hook("payloads: {a.bb: {}}")}, "did you mean `a.b`?"),
        ({C: one("example: {idd: 2}, schema: {properties: {id: {}}, additionalProperties: false}")}, "mean `id`?"),
        ({C: one("example: {id: 1.5}, schema: {properties: {id: {type: number}}}")}, "with a point, it is text"),
        ({C: hook("expect: {status: 301}")}, "a redirect is never followed"),
    ],
)  # fmt: skip
def test_the_remedy_says_what_was_meant(
    changes: Mapping[str, str], hint: str, make_project: MakeProject
) -> None:
    [finding] = validate(make_project(changes))
    assert hint in finding.remedy


def test_what_a_probe_is_set_to_is_shown_and_no_secret(make_project: MakeProject) -> None:
    """`wrongSecret: require` looks like a field with a secret, and is none."""
    text = hook(
        "probes: {wrongSecret: require, eachSecret: warn, nonsense: off, secret: warn-a1b2c3}"
    )
    excerpts = [finding.excerpt or "" for finding in validate(make_project({C: text}))]
    assert all("wrongSecret: require, eachSecret: warn" in line for line in excerpts)
    assert all("a1b2c3" not in line for line in excerpts)


def webhook_of(root: Path, environment: str = "staging", name: str = "payouts") -> DesiredWebhook:
    return load(root, environment).clients[name].webhooks[0]


def test_a_template_has_a_schema_and_clients_change_what_they_like(
    make_project: MakeProject,
) -> None:
    """By event and field; an example is one value, and one kind of schema replaces the other."""
    schema = "{type: object, properties: {keys: {type: array, minItems: 1}}}"
    root = make_project({
        T: template(f"payloads: {{payout.settled: {{example: {{a: 1, keys: [x]}}, schema: {schema}}}}}"),
        C: CLIENT.replace(
            'hooks.example.com/p"', 'hooks.example.com/p", payloads: {payout.settled: {example: {keys: [y]}}}'
        ),
        "clients/own.yaml": CLIENT.replace("name: payouts", "name: own")
        + "  webhooks: [{name: settlements, payloads: {payout.settled: {schemaFile: x.json}}}]\n",
        "x.json": '{"required": ["a"]}',
    })  # fmt: skip
    assert validate(root) == []
    assert webhook_of(root).payloads == (Payload("payout.settled", {"a": 1, "keys": ["x"]}),)
    assert webhook_of(root, "production").payloads == (Payload("payout.settled", {"keys": ["y"]}),)
    assert load(root, "production").clients["payouts"].spec["webhooks"]["settlements"][
        "payloads"
    ] == {"payout.settled": {"keys": ["y"]}}
    assert type(webhook_of(root).payloads[0].data) is dict


def test_a_client_s_schema_file_takes_the_place_of_its_template_s_schema(
    make_project: MakeProject,
) -> None:
    root = make_project({
        T: template("payloads: {payout.settled: {example: {a: 1}, schema: {required: [a]}}}"),
        C: over("payloads: {payout.settled: {schemaFile: x.json}}"), "x.json": '{"required": ["b"]}',
    })  # fmt: skip
    [finding] = validate(root)
    assert finding.message.endswith("does not fit its schema (x.json): $ lacks the field `b`")


@pytest.mark.parametrize(
    "draft",
    ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-04/schema"],
)
def test_nothing_is_fetched(
    draft: str, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[object] = []
    monkeypatch.setattr("urllib.request.urlopen", fetched.append)
    schema = f'{{$schema: "{draft}", properties: {{a: {{$ref: "http://127.0.0.1:1/x.json"}}}}}}'
    [finding] = validate(make_project({C: one(f"example: {{a: 1}}, schema: {schema}")}))
    assert finding.code == "RC172"
    assert fetched == []


def test_a_payload_for_each_event_in_their_order(make_project: MakeProject) -> None:
    root = make_project({C: hook("payloads: {c.d: {example: {x: 1}}}", "[e.f, c.d, a.b]")})
    assert webhook_of(root).payloads == (Payload("a.b"), Payload("c.d", {"x": 1}), Payload("e.f"))


def test_a_template_s_payloads_suit_clients_with_other_events(make_project: MakeProject) -> None:
    root = make_project(
        {
            T: template("payloads: {payout.settled: {example: {a: 1}}}"),
            C: over("events: [refund.done]"),
        }
    )
    assert validate(root) == []
    assert webhook_of(root).payloads == (Payload("refund.done"),)


def test_an_environment_may_receive_less(make_project: MakeProject) -> None:
    text = hook("payloads: {c.d: {example: {x: 1}}}", "[a.b, c.d]").replace(
        "{staging: }", "{staging: {webhooks: [{name: a, events: [a.b]}]}}"
    )
    assert validate(make_project({C: text})) == []


def test_the_expected_answer(make_project: MakeProject) -> None:
    """Merged by field, but the value that is found is one value."""
    root = make_project({
        T: template("expect: {status: [202, 200, 202], json: {path: $.state, equals: {a: 1, b: 2}}}"),
        C: over("expect: {json: {equals: {a: 3}}}"),
    })  # fmt: skip
    webhook = webhook_of(root)
    assert webhook.expect == Expectation((200, 202), "$.state", {"a": 3})
    stored = load(root, "staging").clients["payouts"].spec["webhooks"]["settlements"]
    assert stored["expect"] == {
        "status": [200, 202],
        "json": {"path": "$.state", "equals": {"a": 3}},
    }


def test_what_is_not_expected_is_not_stored(make_project: MakeProject) -> None:
    root = make_project({})
    assert webhook_of(root).expect == Expectation()
    stored = load(root, "staging").clients["payouts"].spec["webhooks"]["settlements"]
    assert stored.keys().isdisjoint({"expect", "payloads"})


def test_what_is_not_declared_of_a_webhook_is_its_default(make_project: MakeProject) -> None:
    """A webhook has the same defaults for whoever makes one without a declaration."""
    found = webhook_of(make_project({C: hook("headers: {}")}))
    plain = DesiredWebhook(found.name, found.url, found.events, found.secret)
    told = {"probes", "payloads"}  # the scheme and the events say which
    for field in fields(DesiredWebhook):
        if field.name not in told:
            assert getattr(found, field.name) == getattr(plain, field.name), field.name
    assert (found.timeout, found.attempts, found.retry_for) == (
        timedelta(seconds=10), 5, timedelta(seconds=30)
    )  # fmt: skip


@pytest.mark.parametrize(
    "scheme",
    [*SCHEMES.values(), STANDARD_WEBHOOKS_V1A],
    ids=lambda row: f"{row.name} {row.algorithm}",
)
def test_a_secret_is_half_of_a_pair_where_the_scheme_says_so(
    scheme: Scheme, make_project: MakeProject
) -> None:
    found = webhook_of(
        make_project(
            {C: hook(f"signature: {{scheme: {scheme.name}, algorithm: {scheme.algorithm}}}")}
        )
    )
    assert found.scheme == scheme
    assert found.secret.asymmetric is scheme.asymmetric


def test_retry_for(make_project: MakeProject) -> None:
    root = make_project({C: hook("delivery: {retryFor: 120s}")})
    assert webhook_of(root).retry_for == timedelta(minutes=2)
    assert (
        load(root, "staging").clients["payouts"].spec["webhooks"]["a"]["delivery"]["retryFor"]
        == "2m"
    )


def test_the_demand_of_a_probe_is_the_nearest_one(make_project: MakeProject) -> None:
    """Built-in, policy, template, client, environment; what a scheme has no room for is not sent,
    whoever asks."""
    root = make_project({
        G: POLICY + "  probes: {tampered: warn, wrongSecret: warn, replayed: warn, unsigned: warn}\n",
        T: template("probes: {wrongSecret: off, replayed: off, unsigned: off}"),
        C: CLIENT.replace('hooks.example.com/p"', 'hooks.example.com/p", probes: {unsigned: warn}')
        + "  webhooks: [{name: settlements, probes: {replayed: require, unsigned: require}}]\n",
        "clients/plain.yaml": hook("signature: {scheme: github}").replace("name: payouts", "name: plain"),
    })  # fmt: skip
    assert validate(root) == []
    expected = {
        Probe.TAMPERED: Demand.WARN, Probe.WRONG_SECRET: Demand.OFF, Probe.REPLAYED: Demand.REQUIRE,
        Probe.FUTURE: Demand.REQUIRE, Probe.UNSIGNED: Demand.REQUIRE,
        Probe.NEW_SECRET: Demand.WARN, Probe.OLD_SECRET: Demand.WARN,
    }  # fmt: skip
    assert webhook_of(root).probes == expected
    assert webhook_of(root, "production").probes == expected | {Probe.UNSIGNED: Demand.WARN}
    assert webhook_of(root, name="plain").probes == {
        Probe.TAMPERED: Demand.WARN, Probe.WRONG_SECRET: Demand.WARN, Probe.UNSIGNED: Demand.WARN
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "demand"), [("", Demand.OFF), ("probes: {future: warn}", Demand.WARN)]
)
def test_stripe_is_asked_for_the_future_only_on_demand(
    said: str, demand: Demand, make_project: MakeProject
) -> None:
    root = make_project({C: hook(f"signature: {{scheme: stripe}}, {said}".rstrip(", "))})
    assert webhook_of(root).probes[Probe.FUTURE] is demand


def test_an_older_draft_is_honoured(make_project: MakeProject) -> None:
    """`items` as a list is a tuple there, and nothing in 2020-12; `$schema` inside does not free it
    from our bounds."""
    schema = (
        '{$schema: "http://json-schema.org/draft-07/schema#", properties: {a: {items: [{type: integer}], '
        '$schema: "https://json-schema.org/draft/2020-12/schema"}}}'
    )
    [finding] = validate(make_project({C: one(f"example: {{a: [x]}}, schema: {schema}")}))
    assert "$.a[0] must be a whole number" in finding.message


def test_local_references_and_patterns_of_field_names(make_project: MakeProject) -> None:
    schema = (
        "{$id: 'https://example.com/s', $defs: {n: {type: integer}}, patternProperties: {'^n_': {$ref: '#/$defs/n'}, "
        "'_x$': {minimum: 3}}, additionalProperties: false}"
    )
    found = validate(
        make_project({C: one(f"example: {{n_a: 1, n_x: 2, m: 1, n_b: y}}, schema: {schema}")})
    )
    assert sorted(finding.message.rpartition(": ")[2] for finding in found) == [
        "$ has the field `m`, which the schema does not have",
        "$.n_b must be a whole number, not `y`",
        "$.n_x must be at least 3, not `2`",
    ]


def test_a_schema_that_explodes_is_given_up(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload_schema, "_MOST_QUESTIONS", 1_000)
    [finding] = validate(
        make_project({C: one(f"example: {{}}, schema: {{$ref: '#/$defs/d0', {BOMB}}}")})
    )
    assert (finding.code, finding.source and finding.source.column) == ("RC172", 45)
    assert "asks more than 1000 questions about this example" in finding.message


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a*)*b", "^(a|a)*$", "a*a*a*a*a*a*b"])
def test_no_pattern_takes_for_ever(pattern: str, make_project: MakeProject) -> None:
    text = "a" * 5_000 + "!"
    schema = (
        f"{{properties: {{a: {{pattern: '{pattern}'}}}}, patternProperties: {{'{pattern}': {{}}}}}}"
    )
    [finding] = validate(make_project({C: one(f"example: {{a: {text}}}, schema: {schema}")}))
    assert finding.code == "RC173"


def test_ten_thousand_clients_of_a_template_judge_its_example_once(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when each has written the same example itself."""
    judged: list[object] = []
    original = payload_schema._errors

    def counted(schema: dict[str, Any], value: Any) -> Iterator[ValidationError]:
        judged.append(value)
        return original(schema, value)

    monkeypatch.setattr(payload_schema, "_errors", counted)
    payload_schema.example_faults.cache_clear()
    shared = "{payout.settled: {example: {id: 4711}, schema: " + SCHEMA + "}}"
    many = [CLIENT.replace("name: payouts", f"name: c{number}") for number in range(100)]
    copies = [
        CLIENT.replace("name: payouts", f"name: d{number}")
        + "  webhooks: [{name: settlements, payloads: {payout.settled: {example: {id: 4711}}}}]\n"
        for number in range(100)
    ]
    root = make_project({T: template(f"payloads: {shared}"), C: "---\n".join(many + copies)})
    assert validate(root) == []
    assert len(judged) == 1


def test_the_starter_s_webhook_is_valid_once_its_comment_signs_are_gone(
    make_project: MakeProject,
) -> None:
    folder = resources.files("reconciler.app") / "starter"
    text = (folder / "client-example-partner.yaml").read_text()
    uncommented = re.sub(r"^  # (webhooks:|  )", r"  \1", text, flags=re.MULTILINE)
    assert uncommented.count("\n") == text.count("\n")
    root = make_project({
        C: uncommented.replace("orders:read", "payouts:read"), T: (folder / "template-custom.yaml").read_text(),
        G: (folder / "policy.yaml").read_text().replace("  # probes", "  probes"),
    })  # fmt: skip
    assert validate(root) == []
    [webhook] = load(root, "staging").clients["example-partner"].webhooks
    assert webhook.payloads[0].data is not None
    assert webhook.expect.statuses == (200, 202)


_NAMES = st.text("ab cÄ€𝄞-.$", min_size=1, max_size=4)
_LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-(10**17), 10**17), st.text(max_size=8))
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=4))
def test_what_the_loader_reads_is_what_the_body_holds(value: dict[str, object]) -> None:
    """JSON is YAML here, but for what a declaration refuses (control characters, too deep)."""
    found = Collector()
    documents = parse(json.dumps(value, ensure_ascii=False), "f.yaml", found)
    if found.errors or not documents:
        return
    example = plain(documents[0].value)
    assert example == value
    webhook = DesiredWebhook(
        "w", "https://a.example", ("a.b",), LIFE, payloads=(Payload("a.b", example),)
    )
    body = json.loads(payload("c", webhook, "a.b", NOW))
    assert body == {"type": "a.b", "timestamp": "2026-11-23T22:45:00Z", "test": True, "data": value}


@pytest.mark.parametrize(
    "text",
    [
        "example: {a: 1}, schema: true",
        "example: {}, schema: {properties: {format: {type: string}, a: true, b: false}}",
        "example: {}, schema: {examples: [{format: x}], const: {}}",
    ],
)
def test_a_schema_that_fits(text: str, make_project: MakeProject) -> None:
    """true and false are schemas, and a field may be named as a keyword is."""
    assert validate(make_project({C: one(text)})) == []


@pytest.mark.parametrize("number", [7615917337495251231, (1 << 64) - 1, -(1 << 63)])
def test_a_number_of_64_bits_is_sent_as_one(number: int, make_project: MakeProject) -> None:
    """As Shopify and others have ids; a receiver whose schema says integer would refuse a text."""
    root = make_project({C: one(f"example: {{id: {number}, ids: [{number}]}}, schema: {SCHEMA}")})
    assert validate(root) == []
    (webhook,) = load(root, "staging").clients["payouts"].webhooks
    body = payload("payouts", webhook, "a.b", NOW).decode()
    assert f'"data":{{"id":{number},"ids":[{number}]}}' in body
