"""Bad input → code and place. Columns and lines are those an editor shows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.declare import load_project, validate
from reconciler.errors import Finding, Level
from reconciler.errors.codes import CODES
from reconciler.errors.codes.declaration import DECLARATION_CODES
from reconciler.errors.codes.policy import POLICY_CODES
from tests.declare.conftest import (
    CLIENT,
    FILES,
    POLICY,
    PROJECT,
    SCOPES,
    TEMPLATE,
    MakeProject,
    client,
)

C = "clients/payouts.yaml"
P, S, G, T = "reconciler.yaml", "scopes.yaml", "policy.yaml", "templates/paystack.yaml"
# Put together here, so that no scanner takes this file for a leak.
ISSUED = "acme_staging_" + "a1B2c3D4e5F6_" + "x" * 49
TOKEN = "hvs." + "CAESIJ" + "a1B2c3D4" * 4

Place = tuple[str, str, int, int]
Changes = Mapping[str, str | bytes | None]


def hook(url: str) -> str:
    return client(spec=f'  webhooks: [{{name: a, url: "{url}"}}]')


def allowing(network: str) -> str:
    return PROJECT.replace(
        "    production:", f"      allowedNetworks: [{network}]\n    production:"
    )


def delivering(text: str) -> str:
    return PROJECT.replace("    production:", f"      deliveries: {{{text}}}\n    production:")


def signature(text: str) -> str:
    return client(spec=f"  webhooks: [{{name: a, url: https://a.example, signature: {{{text}}}}}]")


def key(text: str) -> str:
    return client(spec="").replace("{name: primary}", f"{{name: primary, {text}}}")


def channel(text: str) -> str:
    return PROJECT.replace("  keyPrefix", f"  alerts: [{{name: ops, {text}}}]\n  keyPrefix")


MAIL = "type: email, to: [owner], smtp: {host: mail.example, from: a@example.com"
HEAD = "apiVersion: reconciler/v1\nkind: IntegrationClient\nmetadata: {name: a}\n"

CASES: dict[str, tuple[Changes, list[Place]]] = {
    # Files and text
    "too large": ({C: b"#" * (1024 * 1024 + 1)}, [("RC103", C, 1, 1)]),
    "latin-1": ({C: "a: b\nc: é".encode("latin-1")}, [("RC104", C, 2, 4)]),
    "utf-16": ({C: CLIENT.encode("utf-16")}, [("RC104", C, 1, 1)]),
    "escape character": ({C: "a: b\x1b[2J"}, [("RC105", C, 1, 5)]),
    "bidi override": ({C: "a: \u202eb\n"}, [("RC105", C, 1, 4)]),
    "zero width": ({C: CLIENT.replace("payments", "pay\u200bments")}, [("RC105", C, 7, 20)]),
    "lone carriage return": ({C: "a: b\rc: d\n"}, [("RC105", C, 1, 5)]),
    "escaped control": ({C: CLIENT.replace("payments", '"pay\\ements"')}, [("RC105", C, 7, 17)]),
    "tab indentation": ({C: "a:\n\tb: c\n"}, [("RC106", C, 2, 1)]),
    "conflict": (
        {
            C: CLIENT.replace("  owner", "<<<<<<< HEAD\n  owner").replace(
                "  scopes", "=======\n  scopes"
            )
        },
        [("RC165", C, 7, 1)],
    ),
    "no space after a colon": ({C: CLIENT.replace("scopes: [", "scopes:[")}, [("RC106", C, 8, 9)]),
    "no space before a brace": ({C: client(spec="  owner:{team: x}")}, [("RC123", C, 7, 3)]),
    "a word without a colon": ({C: "a: b\nc\nd: e\n"}, [("RC106", C, 2, 1)]),
    "braces of a template engine": (
        {C: CLIENT.replace("paystack", "{{ x }}")},
        [("RC110", C, 6, 14)],
    ),
    "environments as a list": (
        {C: HEAD + "spec:\n  environments: [staging]\n  keys: [{name: k}]\n"},
        [("RC125", C, 5, 17)],
    ),
    "keys by name": (
        {C: HEAD + "spec:\n  environments: {staging: }\n  keys: {primary: {lifetime: 3d}}\n"},
        [("RC125", C, 6, 9)],
    ),
    "the end of a conflict": ({C: CLIENT + ">>>>>>> main\n"}, [("RC165", C, 14, 1)]),
    "comment without a space": (
        {C: CLIENT.replace("paystack", '"paystack"#x')},
        [("RC129", C, 6, 23)],
    ),
    "number of 65 bits": (
        {C: CLIENT.replace("team: payments", "team: 18446744073709551616")},
        [("RC128", C, 7, 17)],
    ),
    "unclosed list": ({C: "a: [b\nc: d\n"}, [("RC106", C, 1, 4)]),
    "stray colon": ({C: "a: b: c\n"}, [("RC106", C, 1, 5)]),
    "anchor and alias": (
        {C: CLIENT.replace("payments", "&x payments").replace("paystack", "*x")},
        [("RC107", C, 6, 13), ("RC107", C, 7, 17)],
    ),
    "tag": ({C: CLIENT.replace("team: payments", "team: !!str payments")}, [("RC108", C, 7, 17)]),
    "tag directive": ({C: "%TAG ! tag:x,2000:\n---\n" + CLIENT}, [("RC108", C, 1, 1)]),
    "duplicate field": ({C: CLIENT + "  scopes: []\n"}, [("RC109", C, 14, 3)]),
    "number as field name": ({C: CLIENT.replace("owner:", "7:")}, [("RC110", C, 7, 3)]),
    "list as field name": ({C: "? [a]\n: b\n"}, [("RC110", C, 1, 3)]),
    "too deep": ({C: "a: " + "[" * 30}, [("RC111", C, 1, 23)]),
    "issued key": (
        {C: CLIENT.replace("paystack", ISSUED)},
        [("RC112", C, 6, 13), ("RC127", C, 6, 13)],
    ),
    "token in a comment": ({C: f"{CLIENT}# {TOKEN}\n"}, [("RC112", C, 14, 3)]),
    "private key": (
        {C: client(spec="  justification: |\n    -----BEGIN PRIVATE" + " KEY-----\n    MIIabc\n")},
        [("RC112", C, 8, 5)],
    ),
    "empty file": ({C: "# nothing\n"}, [("RC116", C, 1, 1)]),
    "no project": ({P: None}, [("RC114", P, 1, 1)]),
    "policy in a folder": (
        {G: None, "policy/main.yaml": POLICY},
        [("RC118", "policy/main.yaml", 1, 1)],
    ),
    # Documents
    "not a mapping": ({C: "- a\n"}, [("RC125", C, 1, 1)]),
    "no apiVersion": ({C: CLIENT.replace("apiVersion: reconciler/v1\n", "")}, [("RC120", C, 1, 1)]),
    "other apiVersion": ({C: CLIENT.replace("reconciler/v1", "v2")}, [("RC120", C, 1, 13)]),
    "misspelt kind": (
        {C: CLIENT.replace("IntegrationClient", "IntegrationCleint")},
        [("RC121", C, 2, 7)],
    ),
    "kind elsewhere": ({C: TEMPLATE}, [("RC122", C, 2, 7)]),
    "misspelt field": ({C: CLIENT.replace("  scopes:", "  scpoes:")}, [("RC123", C, 8, 3)]),
    "field elsewhere": ({C: key("renewBefore: 3d")}, [("RC123", C, 6, 26)]),
    "no environments": ({C: HEAD + "spec: {keys: [{name: primary}]}\n"}, [("RC124", C, 4, 7)]),
    "key without a name": (
        {C: HEAD + "spec:\n  environments: {staging: }\n  keys: [{lifetime: 3d}]\n"},
        [("RC124", C, 6, 10)],
    ),
    "number for text": ({C: CLIENT.replace("payments", "12")}, [("RC125", C, 7, 17)]),
    "yes for true": ({C: client(spec="  protect: yes")}, [("RC125", C, 7, 12)]),
    "null for a value": ({C: client(spec="  owner: ~")}, [("RC125", C, 7, 10)]),
    "unknown state": ({C: client(spec="  state: actve")}, [("RC126", C, 7, 10)]),
    "bad name": ({C: client("Pay_outs")}, [("RC127", C, 3, 18)]),
    "name with a newline": ({C: client('"pay\\n"')}, [("RC127", C, 3, 18)]),
    "bad label name": ({C: client(metadata=', labels: {"a b": c}')}, [("RC127", C, 3, 36)]),
    "bare number for a duration": ({C: key("lifetime: 90")}, [("RC125", C, 6, 36)]),
    "environment without settings": (
        {P: PROJECT.replace(' {address: "http://127.0.0.1:8200"}', "")},
        [("RC125", P, 8, 13)],
    ),
    "no unit": ({C: key('lifetime: "90"')}, [("RC127", C, 6, 36)]),
    "attempts out of range": (
        {
            C: client(
                spec="  webhooks: [{name: a, url: https://a.example, delivery: {attempts: 0}}]"
            )
        },
        [("RC128", C, 7, 69)],
    ),
    "no environment at all": (
        {C: HEAD + "spec: {keys: [{name: k}], environments: {}}\n"},
        [("RC128", C, 4, 41)],
    ),
    "scope twice": (
        {C: client(spec="  scopes: [ledger:read, ledger:read]")},
        [("RC131", C, 7, 11)],
    ),
    # Names and references
    "client twice": ({"clients/b/other.yaml": client()}, [("RC130", C, 4, 9)]),
    "template twice": ({"templates/z.yml": TEMPLATE}, [("RC130", "templates/z.yml", 3, 18)]),
    "two projects": ({P: PROJECT + "---\n" + PROJECT}, [("RC130", P, 14, 7)]),
    "key twice": (
        {C: client().replace("{name: primary}", "{name: k}, {name: k}")},
        [("RC131", C, 6, 28)],
    ),
    "unknown template": ({C: CLIENT.replace("paystack", "paystak")}, [("RC132", C, 6, 13)]),
    "unknown environment": (
        {C: CLIENT.replace("staging:", "stagin:")},
        [("RC133", C, 10, 5), ("RC142", C, 12, 5)],
    ),
    "requires nobody": (
        {P: PROJECT.replace("requires: staging", "requires: stage")},
        [("RC133", P, 11, 17)],
    ),
    "unknown scope": ({C: CLIENT.replace("payouts:write", "payout:write")}, [("RC134", C, 8, 12)]),
    "wildcard for nothing": (
        {C: CLIENT.replace("payouts:write", '"refunds:*"')},
        [("RC135", C, 8, 12)],
    ),
    "renamed from itself": ({C: client(metadata=", renamedFrom: payouts")}, [("RC136", C, 3, 40)]),
    "renamed from a living one": (
        {"clients/b.yaml": client("b", ", renamedFrom: payouts")},
        [("RC136", "clients/b.yaml", 3, 34)],
    ),
    "one name, two heirs": (
        {C: client(metadata=", renamedFrom: x"), "clients/q.yaml": client("q", ", renamedFrom: x")},
        [("RC136", "clients/q.yaml", 3, 34)],
    ),
    "circle": (
        {P: PROJECT.replace('8200"}', '8200"}\n      requires: production')},
        [("RC137", P, 9, 17), ("RC137", P, 12, 17)],
    ),
    "misspelt owner": (
        {
            f"clients/{n}.yaml": client(n, spec=f"  owner: {{team: {t}}}")
            for n, t in (("b", "payments"), ("c", "paymnets"))
        },
        [("RC138", "clients/c.yaml", 7, 17)],
    ),
    "no catalogue": ({S: None}, [("RC139", "", 0, 0)]),
    "no OpenAPI file": ({S: SCOPES + "  openapi: api.yaml\n"}, [("RC140", S, 8, 12)]),
    "OpenAPI outside": ({S: SCOPES + "  openapi: ../api.yaml\n"}, [("RC140", S, 8, 12)]),
    "not in the required environment": (
        {C: client().replace("staging", "production")},
        [("RC142", C, 5, 18)],
    ),
    # Values
    "grace too long to be": ({C: key("rotation: {grace: 99999d}")}, [("RC150", C, 6, 44)]),
    "no lifetime": ({C: key("lifetime: 0s")}, [("RC151", C, 6, 36)]),
    "renewBefore not shorter": (
        {C: key("lifetime: 3d, rotation: {renewBefore: 3d}")},
        [("RC151", C, 6, 64)],
    ),
    "window": ({C: key("rotation: {window: Mon-Fri 9-16}")}, [("RC152", C, 6, 45)]),
    "time zone": (
        {C: key("rotation: {window: daily 09:00-16:00 Europe/Lundon}")},
        [("RC152", C, 6, 45)],
    ),
    "freeze backwards": (
        {P: PROJECT + "      freeze: [{from: 2027-01-02, to: 2026-12-24, reason: x}]\n"},
        [("RC153", P, 12, 23)],
    ),
    "host bits": ({C: client(spec="  allowedCidrs: [203.0.113.7/24]")}, [("RC154", C, 7, 18)]),
    "no network": ({C: client(spec="  allowedCidrs: [203.0.113.300/24]")}, [("RC154", C, 7, 18)]),
    "user name in URL": ({C: hook("https://u:secret@a.example/")}, [("RC155", C, 7, 29)]),
    "relative URL": ({C: hook("/hooks")}, [("RC155", C, 7, 29)]),
    "other scheme": ({C: hook("ftp://a.example/")}, [("RC155", C, 7, 29)]),
    "no host": ({C: hook("https:///x")}, [("RC155", C, 7, 29)]),
    "fragment": ({C: hook("https://a.example/#x")}, [("RC155", C, 7, 29)]),
    "port 0": ({C: hook("https://a.example:0/")}, [("RC155", C, 7, 29)]),
    "port 99999": ({C: hook("https://a.example:99999/")}, [("RC155", C, 7, 29)]),
    "short loopback": ({C: hook("https://127.1/")}, [("RC155", C, 7, 29)]),
    "number for a host": ({C: hook("https://2130706433/")}, [("RC155", C, 7, 29)]),
    "circled digits": ({C: hook("https://①②⑦.0.0.1/")}, [("RC155", C, 7, 29)]),
    "space in URL": ({C: hook("https://a.example/a b")}, [("RC155", C, 7, 29)]),
    "http": ({C: hook("http://a.example/")}, [("RC183", C, 7, 29)]),
    "http where a network is allowed": (
        {P: allowing("10.0.0.0/8"), C: hook("http://a.example/")},
        [("RC156", C, 7, 29)],
    ),
    "port": ({C: hook("https://a.example:9443/")}, [("RC183", C, 7, 29)]),
    "private address": ({C: hook("https://10.0.0.1/")}, [("RC183", C, 7, 29)]),
    "beside brackets": ({C: hook("https://[::1].a.example/")}, [("RC155", C, 7, 29)]),
    "international host": ({C: hook("https://bücher.example/")}, [("RC180", C, 7, 29)]),
    "look-alike host": (
        {C: hook("https://p\u0430ypal.example/")},
        [("RC180", C, 7, 29), ("RC181", C, 7, 29)],
    ),
    "branch without git": (
        {P: PROJECT.replace("  keyPrefix", "  audit: {git: false, branch: main}\n  keyPrefix")},
        [("RC169", P, 5, 23)],
    ),
    "key without certificate": ({P: delivering("clientKey: a.key")}, [("RC182", P, 9, 20)]),
    "port 0 of deliveries": ({P: delivering("ports: [0]")}, [("RC128", P, 9, 28)]),
    "no port of deliveries": ({P: delivering("ports: []")}, [("RC128", P, 9, 27)]),
    "port 65536 of deliveries": ({P: delivering("ports: [443, 65536]")}, [("RC128", P, 9, 33)]),
    "no deliveries at once": ({P: delivering("concurrency: 0")}, [("RC128", P, 9, 33)]),
    "very many at once": ({P: delivering("concurrency: 257")}, [("RC128", P, 9, 33)]),
    "none to a host": ({P: delivering("perHost: 0")}, [("RC128", P, 9, 29)]),
    "half a delivery": ({P: delivering("perHost: 0.5")}, [("RC125", P, 9, 29)]),
    "path of two lines": ({P: delivering('caCert: "a\\nb"')}, [("RC127", P, 9, 28)]),
    "misspelt setting of deliveries": ({P: delivering("cacert: a.pem")}, [("RC123", P, 9, 20)]),
    "no url in one environment": (
        {C: CLIENT.replace('[{name: settlements, url: "https://hooks.example.com/p"}]', "[]")},
        [("RC157", C, 12, 5)],
    ),
    "misspelt webhook": (
        {
            C: CLIENT.replace(
                'name: settlements, url: "https://hooks.ex',
                'name: settlement, url: "https://hooks.ex',
            )
        },
        [("RC157", C, 12, 5)],
    ),
    "neither keys nor webhooks": (
        {C: HEAD + "spec: {environments: {staging: }}\n"},
        [("RC158", C, 4, 7)],
    ),
    "scheme": ({C: signature("scheme: strip")}, [("RC126", C, 7, 68)]),
    "algorithm of another scheme": (
        {C: signature("scheme: stripe, algorithm: hmac-sha512")},
        [("RC159", C, 7, 87)],
    ),
    "algorithm of a template's scheme": (
        {
            T: TEMPLATE.replace(
                "secret:", "signature: {algorithm: hmac-sha512, scheme: paystack}, secret:"
            ),
            C: CLIENT + "  webhooks: [{name: settlements, signature: {scheme: stripe}}]\n",
        },
        [("RC159", C, 14, 54)],
    ),
    "custom beside another scheme": (
        {C: signature("scheme: github, custom: {header: X-A}")},
        [("RC159", C, 7, 76)],
    ),
    "custom without saying so": ({C: signature("custom: {header: X-A}")}, [("RC159", C, 7, 60)]),
    "custom without a mapping": ({C: signature("scheme: custom")}, [("RC159", C, 7, 68)]),
    "custom without a header": (
        {C: signature("scheme: custom, custom: {tag: x}")},
        [("RC159", C, 7, 76)],
    ),
    "header injection": (
        {C: signature('scheme: custom, custom: {header: "X-A\\r\\nHost: b"}')},
        [("RC127", C, 7, 93)],
    ),
    "reserved header": (
        {C: signature("scheme: custom, custom: {header: X-A, idHeader: Content-Length}")},
        [("RC159", C, 7, 108)],
    ),
    "one header twice": (
        {C: signature("scheme: custom, custom: {header: X-A, idHeader: x-a}")},
        [("RC159", C, 7, 108)],
    ),
    "timestamp without a place": (
        {C: signature("scheme: custom, custom: {header: X-A, signed: [timestamp, body]}")},
        [("RC159", C, 7, 106)],
    ),
    "tolerance of nothing": (
        {C: signature("scheme: custom, custom: {header: X-A, tolerance: 0s}")},
        [("RC150", C, 7, 109)],
    ),
    "audit outside": (
        {P: PROJECT.replace("  keyPrefix", "  audit: {path: ../x}\n  keyPrefix")},
        [("RC160", P, 5, 17)],
    ),
    "audit among the clients": (
        {P: PROJECT.replace("  keyPrefix", "  audit: {path: clients}\n  keyPrefix")},
        [("RC160", P, 5, 17)],
    ),
    "mounts shared": (
        {
            P: PROJECT.replace(
                '"http://127.0.0.1:8200"', '"https://vault.example.com", mounts: {registry: x}'
            ).replace('.com"}\n      req', '.com", mounts: {secrets: x}}\n      req')
        },
        [("RC161", P, 10, 71)],
    ),
    "grace is cut": ({C: key("rotation: {renewBefore: 3d, grace: 4d}")}, [("RC162", C, 6, 61)]),
    "vault address": (
        {P: PROJECT.replace("http://127.0.0.1:8200", "127.0.0.1:8200")},
        [("RC163", P, 8, 24)],
    ),
    "channel without its fields": (
        {P: channel("type: webhook")},
        [("RC164", P, 5, 12), ("RC164", P, 5, 12)],
    ),
    "channel with a field of another type": (
        {P: channel("type: slack, urlFrom: {env: A}, url: https://a.example")},
        [("RC164", P, 5, 56)],
    ),
    "channel with the URL of a Slack webhook": (
        {
            P: channel(
                "type: slack, urlFrom: {env: A}, url: https://hooks.slack.com/services/T00/B00/abcdefgh"
            )
        },
        [("RC164", P, 5, 56), ("RC112", P, 5, 69)],
    ),
    "channel with its secret in the file": (
        {P: channel("type: webhook, url: https://a.example, secret: x")},
        [("RC123", P, 5, 63)],
    ),
    "channel with the name of a variable that is none": (
        {P: channel("type: slack, urlFrom: {env: A-B}")},
        [("RC127", P, 5, 52)],
    ),
    "channels of one name": (
        {P: channel("type: slack, urlFrom: {env: A}}, {name: ops, type: slack, urlFrom: {env: B}")},
        [("RC131", P, 5, 64)],
    ),
    "channel of an unknown environment": (
        {P: channel("type: slack, urlFrom: {env: A}, environments: [stagng]")},
        [("RC133", P, 5, 71)],
    ),
    "channel of an unknown type": ({P: channel("type: pager")}, [("RC126", P, 5, 30)]),
    "channel for an unknown kind": (
        {P: channel("type: slack, urlFrom: {env: A}, on: [expired]")},
        [("RC126", P, 5, 61)],
    ),
    "alerts to no URL": (
        {P: channel("type: webhook, secretFrom: {env: A}, url: a.example")},
        [("RC155", P, 5, 66)],
    ),
    "alerts by http": (
        {P: channel('type: webhook, secretFrom: {env: A}, url: "http://a.example"')},
        [("RC156", P, 5, 66)],
    ),
    "alerts to no address": (
        {P: channel(MAIL.replace("owner", "Owner <o@a.example>") + "}")},
        [("RC164", P, 5, 42)],
    ),
    "alerts from no address": (
        {P: channel(MAIL.replace("a@example.com", "nobody") + "}")},
        [("RC164", P, 5, 83)],
    ),
    "alerts to a server with its port": (
        {P: channel(MAIL.replace(".example,", ".example:25,") + "}")},
        [("RC127", P, 5, 63)],
    ),
    "alerts with a user and no password": (
        {P: channel(MAIL + ", username: u}")},
        [("RC164", P, 5, 56)],
    ),
    "key prefix": (
        {P: PROJECT.replace("keyPrefix: acme", "keyPrefix: Acme_1")},
        [("RC127", P, 5, 14)],
    ),
    # Policy
    "waiver date": (
        {
            G: POLICY
            + "  waivers: [{guard: freeze, client: payouts, reason: x, approver: y, until: 2027-02-30}]\n"
        },
        [("RC201", G, 6, 77)],
    ),
    "waiver for nobody": (
        {
            G: POLICY
            + "  waivers: [{guard: freeze, client: nobody, reason: x, approver: y, until: 2027-02-20}]\n"
        },
        [("RC202", G, 6, 37)],
    ),
}


def places(findings: list[Finding]) -> list[Place]:
    return [
        (f.code, f.source.file, f.source.line, f.source.column) if f.source else (f.code, "", 0, 0)
        for f in findings
    ]


def test_the_base_is_valid(make_project: MakeProject) -> None:
    assert validate(make_project({})) == []


@pytest.mark.parametrize("name", CASES)
def test_code_and_place(name: str, make_project: MakeProject) -> None:
    changes, expected = CASES[name]
    found = validate(make_project(changes))
    assert places(found) == expected
    for finding in found:
        assert finding.level is CODES[finding.code].level
        assert finding.message
        assert finding.remedy


def test_every_code_is_provoked() -> None:
    """A code that nothing can provoke would be a promise nobody keeps."""
    provoked = {place[0] for _, expected in CASES.values() for place in expected}
    elsewhere = {
        "RC100",
        "RC101",
        "RC102",
        "RC113",
        "RC115",
        "RC117",
        "RC141",
    }  # below, in test_load, in test_limits
    elsewhere |= {"RC166", "RC170", "RC171", "RC172", "RC173", "RC174", "RC175"}  # in test_payloads
    elsewhere |= {
        "RC119",
        "RC167",
        "RC168",
        "RC184",
    }  # in test_strays; tests/cli/test_deliveries.py
    rows = {code.id for code in DECLARATION_CODES}
    policy = {code.id for code in POLICY_CODES}  # in test_policy
    assert provoked | elsewhere | policy == rows | policy


HINTS = {
    "misspelt field": "`scopes`",
    "misspelt kind": "`IntegrationClient`",
    "field elsewhere": "spec.keys[].rotation",
    "unknown template": "`paystack`",
    "unknown environment": "`staging`",
    "requires nobody": "`staging`",
    "unknown scope": "`payouts:write`",
    "unknown state": "`active`",
    "misspelt owner": "`payments`",
    "misspelt webhook": "`settlement`",
    "yes for true": "true or false",
    "number for text": '"12"',
    "stray colon": "quote",
    "tab indentation": "spaces",
    "no space after a colon": "`name: value`",
    "braces of a template engine": '"{{ … }}"',
    "environments as a list": "`environments: {staging: {}}`",
    "keys by name": "`keys: [{name: primary, …}]`",
}


@pytest.mark.parametrize("name", HINTS)
def test_the_remedy_says_what_was_meant(name: str, make_project: MakeProject) -> None:
    found = validate(make_project(CASES[name][0]))
    assert HINTS[name] in found[0].remedy


OUT_OF_RANGE = {
    "no text": (client(spec='  justification: ""'), "spec.justification must not be empty"),
    "too long a text": (
        client(spec=f"  justification: {'x' * 2001}"),
        "spec.justification must have at most 2000 characters, not 2001",
    ),
    "too small a number": (
        key("reissueAfter: 0"), "spec.keys[0].reissueAfter must be at least 1, not 0",
    ),
    "too large a number": (
        key("reissueAfter: 2147483648"),
        "spec.keys[0].reissueAfter must be at most 2147483647, not 2147483648",
    ),
    "too long a list": (
        client(spec=f"  allowedCidrs: [{', '.join(f'10.0.{n}.0/24' for n in range(257))}]"),
        "spec.allowedCidrs must have at most 256 items, not 257",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_what_is_out_of_range_is_said_with_its_limit(name: str, make_project: MakeProject) -> None:
    text, sentence = OUT_OF_RANGE[name]
    found = [one for one in validate(make_project({C: text})) if one.code == "RC128"]
    assert [one.message for one in found] == [sentence]


def test_the_meant_network_is_named(make_project: MakeProject) -> None:
    found = validate(make_project(CASES["host bits"][0]))
    assert "did you mean `203.0.113.0/24`?" in found[0].message


def test_all_problems_of_all_files_at_once(make_project: MakeProject) -> None:
    """Also several in one file, whether the schema or the semantics find them."""
    bad = client(
        spec="  scpoes: []\n  protect: yes\n  scopes: [nothing:here]\n  allowedCidrs: [10.0.0.1/8]"
    )
    found = validate(
        make_project({C: bad, "clients/x.yaml": "a: [", T: TEMPLATE.replace("90d", "9 days")})
    )
    assert places(found) == [
        ("RC123", C, 7, 3),
        ("RC125", C, 8, 12),
        ("RC134", C, 9, 12),
        ("RC154", C, 10, 18),
        ("RC106", "clients/x.yaml", 1, 5),
        ("RC127", T, 6, 33),
    ]


def test_a_broken_file_does_not_fault_what_refers_to_it(make_project: MakeProject) -> None:
    found = validate(make_project({T: "a: [", S: "a: ["}))
    assert [finding.code for finding in found] == ["RC106", "RC106"]


@pytest.mark.parametrize("secret", [ISSUED, TOKEN, "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
@pytest.mark.parametrize(
    "line",
    ["  justification: {}", "  template: {}", "  protect: {}", "  {}: x", "  state: {}", "  # {}"],
)
def test_a_secret_is_never_repeated(secret: str, line: str, make_project: MakeProject) -> None:
    found = validate(make_project({C: client(spec=line.format(secret))}))
    assert "RC112" in {finding.code for finding in found}
    assert secret not in str(found)


def test_passwords_are_never_repeated(make_project: MakeProject) -> None:
    """What has no pattern of its own: a URL's password, a value under a name that says secret, key
    material."""
    spec = (
        "  webhooks: [{name: a, url: https://user:hunter22@a.example/, secret: {value: hunter22}}]\n"
        "  password: hunter22\n  justification: |\n    -----BEGIN RSA PRIVATE"
        " KEY-----\n    hunter22\n    bad: hunter22\n"
    )
    found = validate(make_project({C: client(spec=spec)}))
    assert {"RC112", "RC123", "RC155"} <= {finding.code for finding in found}
    assert "hunter22" not in str(found)


def test_not_a_regular_file(make_project: MakeProject) -> None:
    """A pipe does not block, a folder and a device are refused."""
    root = make_project({})
    os.mkfifo(root / "clients/pipe.yaml")
    (root / "clients/folder.yaml").mkdir()
    (root / "clients/zero.yaml").symlink_to("/dev/zero")
    assert [f[:2] for f in places(validate(root))] == [
        ("RC102", "clients/folder.yaml"),
        ("RC102", "clients/pipe.yaml"),
        ("RC113", "clients/zero.yaml"),
    ]


def test_links(make_project: MakeProject, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.yaml").write_text(client("x"))
    root = make_project({})
    (root / "clients/out.yaml").symlink_to(outside / "x.yaml")
    (root / "clients/team").symlink_to(outside)
    (root / "clients/loop.yaml").symlink_to("loop.yaml")
    (root / "clients/gone.yaml").symlink_to("nowhere.yaml")
    assert [f[:2] for f in places(validate(root))] == [
        ("RC101", "clients/gone.yaml"),
        ("RC101", "clients/loop.yaml"),
        ("RC113", "clients/out.yaml"),
        ("RC113", "clients/team"),
    ]


def test_a_file_name_of_any_bytes(make_project: MakeProject) -> None:
    root = make_project({})
    (Path(os.fsdecode(os.fsencode(root) + b"/clients/\xff\x1b.yaml"))).write_text("a: [")
    found = validate(root)
    assert places(found) == [("RC106", "clients/\\xff\x1b.yaml", 1, 5)]


def test_an_unreadable_project_file(make_project: MakeProject) -> None:
    root = make_project({P: None})
    (root / P).mkdir()
    project, found, _ = load_project(root)
    assert project is None
    assert places(found) == [("RC102", P, 1, 1)]


def test_paths_restrict_what_is_shown(make_project: MakeProject) -> None:
    root = make_project({C: "a: [", "clients/b/x.yaml": "b: [", T: "c: ["})
    assert [f.source.file for f in validate(root, [root / "clients"]) if f.source] == [
        "clients/b/x.yaml",
        C,
    ]
    assert places(validate(root, [root / "clients/b/x.yaml"])) == [
        ("RC106", "clients/b/x.yaml", 1, 5)
    ]
    assert [f.code for f in validate(root, [root / "nowhere.yaml"])] == ["RC115"]
    assert [f.code for f in validate(root, [root.parent])] == ["RC115"]


def test_levels() -> None:
    assert {row.id for row in (*DECLARATION_CODES, *POLICY_CODES) if row.level is not Level.ERROR} == {
        "RC119", "RC138", "RC139", "RC141", "RC142", "RC156", "RC162", "RC166", "RC180", "RC181", "RC202", "RC204",
        "RC205", "RC206", "RC209",
    }  # fmt: skip


def test_files_are_untouched(make_project: MakeProject) -> None:
    root = make_project({})
    validate(root)
    assert {str(path.relative_to(root)) for path in root.rglob("*.yaml")} == set(FILES)
