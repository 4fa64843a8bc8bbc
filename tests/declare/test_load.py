"""A valid declaration → desired state: merge, defaults, digests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.declare import find_project, load, load_project, validate
from reconciler.declare.findings.collector import Collector
from reconciler.declare.findings.nodes import Map, merge
from reconciler.declare.webhooks.signatures import signature_spec
from reconciler.declare.webhooks.urls import parse_url
from reconciler.declare.yaml.text import parse
from reconciler.domain.declared.desired import ClientState
from reconciler.domain.declared.schemes import SCHEMES, Scheme
from reconciler.domain.plan.plan import Permissions, Risk
from reconciler.domain.plan.scopes import ScopeTable
from reconciler.domain.values.canonical import digest
from reconciler.errors import DeclarationError, UsageError
from tests.declare.conftest import CLIENT, POLICY, PROJECT, SCOPES, TEMPLATE, MakeProject, client

EXAMPLE = Path(__file__).parents[2] / "examples" / "acme-integrations"


def test_template_client_and_environment_are_merged(make_project: MakeProject) -> None:
    text = CLIENT.replace(
        "    production:\n",
        "    production:\n      keys: [{name: primary, rotation: {grace: 1h}}]\n",
    )
    root = make_project({"clients/payouts.yaml": text})
    production = load(root, "production").clients["payouts"]
    (key,) = production.keys
    assert (key.lifecycle.lifetime, key.lifecycle.renew_before) == (
        timedelta(days=90),
        timedelta(days=30),
    )
    assert key.lifecycle.grace == timedelta(hours=1)
    (webhook,) = production.webhooks
    assert (webhook.url, webhook.events) == ("https://hooks.example.com/p", ("payout.settled",))
    staging = load(root, "staging").clients["payouts"]
    assert staging.keys[0].lifecycle.grace == timedelta(hours=72)
    assert staging.digest != production.digest
    assert staging.base_digest == production.base_digest
    assert staging.digest == digest(staging.spec)
    assert (staging.source.file, staging.source.line) == ("clients/payouts.yaml", 4)


def test_spec_is_canonical(make_project: MakeProject) -> None:
    """Durations in their shortest form, sets sorted, defaults filled in, hosts in punycode."""
    text = client(
        spec="  scopes: [payouts:write, ledger:read]\n  allowedCidrs: [203.0.113.0/24, 2001:DB8::/32]\n"
        "  webhooks: [{name: a, url: https://bücher.example/x?y=1, events: [z, b], secret: {lifetime: 48h}}]"
    )
    spec = load(make_project({"clients/payouts.yaml": text}), "staging").clients["payouts"].spec
    assert spec == {
        "state": "active",
        "protect": False,
        "scopes": ["ledger:read", "payouts:write"],
        "allowedCidrs": ["2001:db8::/32", "203.0.113.0/24"],
        "keys": {"primary": {"lifetime": "90d", "renewBefore": "30d", "grace": "3d"}},
        "webhooks": {
            "a": {
                "url": "https://xn--bcher-kva.example/x?y=1",
                "events": ["b", "z"],
                "signature": {"scheme": "standard-webhooks", "algorithm": "hmac-sha256"},
                "secret": {"lifetime": "2d", "renewBefore": "16h", "grace": "16h"},
                "delivery": {"timeout": "10s", "attempts": 5, "retryFor": "30s"},
                "probes": {
                    "tampered": "require", "wrongSecret": "require", "replayed": "require", "future": "require",
                    "unsigned": "require", "eachSecret": "warn",
                },
            }
        },
    }  # fmt: skip


def test_order_in_the_file_does_not_matter(make_project: MakeProject) -> None:
    one = load(
        make_project(
            {"clients/payouts.yaml": client(spec="  scopes: [payouts:write, ledger:read]")}
        ),
        "staging",
    )
    two = load(
        make_project(
            {"clients/payouts.yaml": client(spec="  scopes: [ledger:read, payouts:write]")}
        ),
        "staging",
    )
    assert one.clients["payouts"].digest == two.clients["payouts"].digest


def test_reissue_after_is_no_other_specification(make_project: MakeProject) -> None:
    """What was revoked by hand in one environment does not make its neighbour run something
    else."""
    reissued = client().replace("{name: primary}", "{name: primary, reissueAfter: 3}")
    before = load(make_project({"clients/payouts.yaml": client()}), "staging").clients["payouts"]
    after = load(make_project({"clients/payouts.yaml": reissued}), "staging").clients["payouts"]
    assert after.keys[0].lifecycle.reissue_after == 3
    assert after.digest != before.digest
    assert after.base_digest == before.base_digest


SIGNATURE = "  webhooks: [{{name: a, url: https://a.example, signature: {{{}}}}}]"


def test_headers_are_declared_and_merged(make_project: MakeProject) -> None:
    """By name, whatever its capitals; what cannot be sent is refused where it is written."""
    template = TEMPLATE.replace(
        "events: [payout.settled]", "events: [payout.settled], headers: {X-A: a, X-B: b}"
    )
    text = CLIENT.replace("settlements, url", "settlements, headers: {X-B: '{event}'}, url", 1)
    root = make_project({"templates/paystack.yaml": template, "clients/payouts.yaml": text})
    staging, production = (
        load(root, name).clients["payouts"] for name in ("staging", "production")
    )
    assert staging.webhooks[0].headers == (("x-a", "a"), ("x-b", "{event}"))
    assert staging.spec["webhooks"]["settlements"]["headers"] == {"x-a": "a", "x-b": "{event}"}
    assert production.webhooks[0].headers == (("x-a", "a"), ("x-b", "b"))
    bad = client(
        spec="  webhooks: [{name: a, url: https://a.example, headers: {Host: a, x-a: b, X-A: '{x}'}}]"
    )
    found = validate(
        make_project({"clients/payouts.yaml": bad, "templates/paystack.yaml": TEMPLATE})
    )
    assert [(one.code, one.source.column if one.source else 0) for one in found] == [
        ("RC168", 58),
        ("RC168", 75),
    ]


def test_a_template_sets_labels(make_project: MakeProject) -> None:
    """The client's own win one by one; a template that gives none changes nothing."""
    template = TEMPLATE.replace(
        "{name: paystack}", "{name: paystack, labels: {tier: critical, region: eu}}"
    )
    own = CLIENT.replace("  name: payouts\n", "  name: payouts\n  labels: {tier: low, team: a}\n")
    plain = load(make_project({}), "staging").clients["payouts"]
    both = load(make_project({"templates/paystack.yaml": template}), "staging").clients["payouts"]
    merged = load(
        make_project({"templates/paystack.yaml": template, "clients/payouts.yaml": own}), "staging"
    )
    assert "labels" not in plain.spec
    assert both.spec["labels"] == {"tier": "critical", "region": "eu"}
    assert merged.clients["payouts"].spec["labels"] == {"tier": "low", "region": "eu", "team": "a"}


def test_the_policy_goes_by_the_labels_of_a_template(make_project: MakeProject) -> None:
    template = TEMPLATE.replace("{name: paystack}", "{name: paystack, labels: {tier: critical}}")
    policy = POLICY + "  rules: {protection: {level: deny, labels: {tier: critical}}}\n"
    found = validate(make_project({"templates/paystack.yaml": template, "policy.yaml": policy}))
    assert {finding.code for finding in found} == {"RC222"}


@pytest.mark.parametrize("name", SCHEMES)
def test_a_scheme_by_its_name(name: str, make_project: MakeProject) -> None:
    """The algorithm may be written or left out: it is the same declaration."""
    for algorithm in ("", f", algorithm: {SCHEMES[name].algorithm}"):
        text = client(spec=SIGNATURE.format(f"scheme: {name}{algorithm}"))
        loaded = load(make_project({"clients/payouts.yaml": text}), "staging").clients["payouts"]
        assert loaded.webhooks[0].scheme is SCHEMES[name]
        assert loaded.spec["webhooks"]["a"]["signature"] == {
            "scheme": name,
            "algorithm": SCHEMES[name].algorithm,
        }


def test_a_custom_scheme_with_its_defaults(make_project: MakeProject) -> None:
    text = client(spec=SIGNATURE.format("scheme: custom, custom: {header: X-Acme-Signature}"))
    loaded = load(make_project({"clients/payouts.yaml": text}), "staging").clients["payouts"]
    assert loaded.webhooks[0].scheme == Scheme("custom", "hmac-sha256", "x-acme-signature")
    assert loaded.spec["webhooks"]["a"]["signature"] == {
        "scheme": "custom",
        "algorithm": "hmac-sha256",
        "custom": {
            "header": "x-acme-signature", "signed": ["body"], "joiner": ".", "keyEncoding": "text", "encoding": "hex",
            "tag": "", "separator": "", "idHeader": "", "timestampHeader": "", "timestampTag": "", "tolerance": "5m",
        },
    }  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))
def test_every_row_of_the_table_can_be_declared_as_a_custom_scheme(
    scheme: Scheme, make_project: MakeProject
) -> None:
    written = yaml.safe_dump(
        signature_spec(replace(scheme, name="custom")), default_flow_style=True, width=1000
    )
    text = client(spec=SIGNATURE.format(written.strip()[1:-1]))
    loaded = load(make_project({"clients/payouts.yaml": text}), "staging").clients["payouts"]
    # What the scheme's own libraries refuse is nobody's to declare.
    assert loaded.webhooks[0].scheme == replace(
        scheme, name="custom", refuses_future=True, beside=()
    )


def test_a_template_declares_a_custom_scheme_and_others_change_it(
    make_project: MakeProject,
) -> None:
    """Merged deeply, as everything is; who writes ``custom`` writes ``scheme: custom`` beside
    it."""
    own = (
        "signature: {scheme: custom, custom: {header: X-Acme-Signature, tag: v1=, separator: ','}}"
    )
    changed = "signature: {scheme: custom, algorithm: hmac-sha512, custom: {encoding: base64}}"
    root = make_project({
        "templates/paystack.yaml": TEMPLATE.replace("secret:", f"{own}, secret:"),
        "clients/payouts.yaml": CLIENT.replace('staging.example.com/p"', f'staging.example.com/p", {changed}').replace(
            'hooks.example.com/p"', 'hooks.example.com/p", signature: {scheme: github}'
        ),
    })  # fmt: skip
    assert validate(root) == []
    staging, production = (
        load(root, name).clients["payouts"].webhooks[0] for name in ("staging", "production")
    )
    assert staging.scheme == Scheme(
        "custom", "hmac-sha512", "x-acme-signature", encoding="base64", tag="v1=", separator=","
    )
    assert production.scheme is SCHEMES["github"]


def test_short_lifetimes(make_project: MakeProject) -> None:
    """Seconds are allowed everywhere; a third of them is renewBefore, and grace is not longer."""
    text = client().replace("{name: primary}", "{name: primary, lifetime: 10s}")
    (key,) = load(make_project({"clients/payouts.yaml": text}), "staging").clients["payouts"].keys
    assert key.lifecycle.renew_before == timedelta(seconds=3)
    assert key.lifecycle.grace == timedelta(seconds=3)


def test_only_clients_of_the_environment(make_project: MakeProject) -> None:
    root = make_project(
        {
            "clients/a.yaml": client("a"),
            "clients/b.yaml": client("b", ", renamedFrom: old", "  state: suspended"),
        }
    )
    assert list(load(root, "staging").clients) == ["a", "b", "payouts"]
    assert list(load(root, "production").clients) == ["payouts"]
    renamed = load(root, "staging").clients["b"]
    assert (renamed.renamed_from, renamed.state) == ("old", ClientState.SUSPENDED)


def test_project_settings(make_project: MakeProject) -> None:
    text = PROJECT.replace(
        '"https://vault.example.com"',
        '"https://vault.example.com/", namespace: team/a/, caCert: ca.pem, timeout: 5s, '
        "auth: {method: approle, role: r, mount: ci}, mounts: {registry: kv/reg}",
    )
    text += (
        "      allowedNetworks: [127.0.0.0/8]\n      lease: {ttl: 10s}\n"
        "      freeze: [{from: 2026-12-24, to: 2026-12-26, reason: x}]\n"
    )
    root = make_project(
        {"reconciler.yaml": text.replace("  environments", "  plan: {expires: 2h}\n  environments")}
    )
    project, findings, _ = load_project(root)
    assert findings == []
    assert project is not None
    assert project.plan_expires == timedelta(hours=2)
    production = project.environments["production"]
    vault = production.vault
    assert (vault.address, vault.namespace, vault.timeout) == (
        "https://vault.example.com",
        "team/a",
        timedelta(seconds=5),
    )
    assert vault.ca_cert == str(root / "ca.pem")
    assert (vault.auth.method, vault.auth.role, vault.auth.mount) == ("approle", "r", "ci")
    assert (vault.registry_mount, vault.secrets_mount) == (
        "kv/reg",
        "integrations/production/secrets",
    )
    assert (production.requires, production.allowed_networks) == ("staging", ("127.0.0.0/8",))
    assert production.lease_ttl == timedelta(seconds=10)
    assert production.freezes[0].end - production.freezes[0].start == timedelta(days=3)


def test_policy_and_waivers(make_project: MakeProject) -> None:
    policy = (
        "apiVersion: reconciler/v1\nkind: GuardrailPolicy\nspec:\n  budgets: {changes: {percent: 5}}\n"
        "  waivers: [{guard: protect, client: gone, reason: x, approver: y, until: 2027-01-31}]\n"
    )
    root = make_project({"policy.yaml": policy})
    desired = load(root, "staging")
    assert (
        desired.policy.changes.percent,
        desired.policy.changes.at_least,
        desired.policy.removals.percent,
    ) == (
        5,
        10,
        30,
    )
    (waiver,) = desired.policy.waivers
    assert (waiver.guard, waiver.client, waiver.until, waiver.source.line) == (
        "protect",
        "gone",
        "2027-01-31",
        5,
    )
    assert (
        validate(root) == []
    )  # a waiver for a removal names a client that is gone: that is its purpose


def test_scopes_from_openapi(make_project: MakeProject) -> None:
    """Their risk is medium; the catalogue's own word wins; what no client could write is said."""
    openapi = (
        "openapi: 3.1.0\nx: &a {y: 1}\nz: *a\npaths: {/a: {get: {responses: {200: {description: ok}}}}}\n"
        "components: {securitySchemes: {o: {flows: {implicit: "
        "{scopes: {'orders:read': r, 'orders write': w, 'ledger:read': l}}}}}}\n"
    )
    text = SCOPES + "  openapi: api/openapi.yaml\n"
    root = make_project({"scopes.yaml": text, "api/openapi.yaml": openapi})
    scopes = load(root, "staging").scopes
    assert scopes["orders:read"] == "medium"
    assert scopes["ledger:read"] == "low"
    (finding,) = validate(root)
    assert (finding.code, finding.source and finding.source.file) == ("RC141", "api/openapi.yaml")


SWAGGER = """\
swagger: "2.0"
paths: {}
securityDefinitions:
  key: {type: apiKey, name: X-Key, in: header}
  mail: {type: oauth2, flow: implicit, scopes: {Mail.Read: r, "Mail.Send": s}}
"""


def test_scopes_from_swagger_2(make_project: MakeProject) -> None:
    root = make_project(
        {"scopes.yaml": SCOPES + "  openapi: swagger.yaml\n", "swagger.yaml": SWAGGER}
    )
    assert validate(root) == []
    assert load(root, "staging").scopes["Mail.Send"] == "medium"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('swagger: "2.0"\n', "is Swagger 2 and has no scopes under securityDefinitions.*.scopes"),
        ("openapi: 3.0.0\n", "has no scopes under components.securitySchemes.*.flows.*.scopes"),
        ("asyncapi: 3.0.0\n", "is neither OpenAPI 3 nor Swagger 2"),
        ("[]\n", "is neither OpenAPI 3 nor Swagger 2"),
    ],
)
def test_what_a_file_without_scopes_is(text: str, words: str, make_project: MakeProject) -> None:
    root = make_project({"scopes.yaml": SCOPES + "  openapi: api.yaml\n", "api.yaml": text})
    (finding,) = validate(root)
    assert finding.code == "RC140"
    assert words in finding.message


def test_the_largest_openapi_file_can_be_set(make_project: MakeProject) -> None:
    """GitHub's has 13 MB."""
    large = SWAGGER + "# " + "x" * (9 << 20) + "\n"
    text = SCOPES + "  openapi: swagger.yaml\n"
    (finding,) = validate(make_project({"scopes.yaml": text, "swagger.yaml": large}))
    assert (finding.code, "8192 KiB" in finding.message) == ("RC140", True)
    assert "openapiMaxMiB" in finding.remedy
    assert (
        validate(
            make_project({"scopes.yaml": text + "  openapiMaxMiB: 10\n", "swagger.yaml": large})
        )
        == []
    )


CASED = """\
apiVersion: reconciler/v1
kind: ScopeCatalog
spec:
  scopes:
    - {name: Mail.Read, risk: low}
    - {name: mail.read, risk: high}
    - {name: PAYMENTS_READ, risk: low}
    - {name: "https://api.example.com/auth/x?y=1#z|~", risk: low}
"""


def scoped(scopes: str) -> dict[str, str | bytes | None]:
    return {"scopes.yaml": CASED, "clients/payouts.yaml": client(spec=f"  scopes: [{scopes}]")}


def test_scopes_are_those_of_rfc_6749(make_project: MakeProject) -> None:
    """Case-sensitive, in the catalogue as well as behind a wildcard."""
    text = 'Mail.Read, "PAY*", "https://api.example.com/auth/x?y=1#z|~"'
    root = make_project(scoped(text))
    assert validate(root) == []
    desired = load(root, "staging")
    assert desired.clients["payouts"].spec["scopes"] == sorted(yaml.safe_load(f"[{text}]"))
    table = ScopeTable(desired.scopes)
    assert table.members("Mail.*") == {"Mail.Read"}
    assert table.members("*.read") == {"mail.read"}
    assert table.change(["mail.read"], ["Mail.Read"]) == Permissions(
        {"Mail.Read": Risk.LOW}, {"mail.read": Risk.HIGH}
    )


@pytest.mark.parametrize(
    ("written", "code", "hint"),
    [
        ("MAIL.Read", "RC134", "`Mail.Read`"), ("payments_read", "RC134", "`PAYMENTS_READ`"),
        ('"payments_*"', "RC135", "scopes are case-sensitive, and there is `PAYMENTS_READ`"),
        ("'a b'", "RC127", ""), ("'a\"b'", "RC127", ""), (r"'a\\b'", "RC127", ""), ("é", "RC127", ""),
        ("''", "RC127", ""),
        ("x" * 257, "RC127", ""),
    ],
)  # fmt: skip
def test_a_scope_that_is_none(
    written: str, code: str, hint: str, make_project: MakeProject
) -> None:
    (finding,) = validate(make_project(scoped(written)))
    assert finding.code == code
    assert hint in finding.remedy


def test_wildcards(make_project: MakeProject) -> None:
    assert (
        validate(
            make_project({"clients/payouts.yaml": client(spec='  scopes: ["payouts:*", "*:read"]')})
        )
        == []
    )


def test_an_emergency_needs_the_project_only(make_project: MakeProject) -> None:
    root = make_project({"clients/payouts.yaml": "a: [", "policy.yaml": b"\xff"})
    project, findings, _ = load_project(root)
    assert project is not None
    assert findings == []
    with pytest.raises(DeclarationError) as raised:
        load(root, "staging")
    assert raised.value.code == "RC100"
    assert "2 errors" in raised.value.message
    assert len(raised.value.findings) == 2


def test_an_environment_that_does_not_exist(make_project: MakeProject) -> None:
    with pytest.raises(UsageError) as raised:
        load(make_project({}), "stagin")
    assert raised.value.code == "RC002"
    assert "staging" in raised.value.remedy


def test_find_project(make_project: MakeProject, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = make_project({})
    assert find_project(root / "clients") == root
    assert find_project(tmp_path_factory.mktemp("elsewhere")) is None


def test_both_suffixes_and_several_documents(make_project: MakeProject) -> None:
    root = make_project({"clients/x/y/many.yml": f"{client('a')}---\n{client('b')}---\n"})
    assert list(load(root, "staging").clients) == ["a", "b", "payouts"]


def test_the_examples_are_valid() -> None:
    """Without even a warning; all templates are used; both environments load."""
    assert validate(EXAMPLE) == []
    staging, production = load(EXAMPLE, "staging"), load(EXAMPLE, "production")
    assert (len(staging.clients), len(production.clients)) == (10, 9)
    assert {c.spec.get("template") for c in staging.clients.values()} == {
        "paystack",
        "quickbooks",
        "custom",
        None,
    }
    for name, desired in production.clients.items():
        assert desired.base_digest == staging.clients[name].base_digest
    for path in sorted(EXAMPLE.rglob("*.yaml")):
        if path.name != "openapi.yaml":
            first = path.read_text().splitlines()[0]
            assert (path.parent / first.removeprefix("# yaml-language-server: $schema=")).is_file()


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("https://Hooks.Example.COM/Path", "https://hooks.example.com/Path"),
        ("HTTPS://a.example", "https://a.example"),
        ("https://a.example:8443/x?y=z", "https://a.example:8443/x?y=z"),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000/"),
        ("http://[::1]:9000/", "http://[::1]:9000/"),
        ("https://аррӏе.example/", "https://xn--80ak6aa92e.example/"),
        ("https://my_host.example/", "https://my_host.example/"),
        ("https://a.example/%68ook", "https://a.example/hook"),
        ("https://a.example/%7euser/%41?%62=%2f%3d", "https://a.example/~user/A?b=%2F%3D"),
        ("https://a.example/a%2fb%25%c3%a9", "https://a.example/a%2Fb%25%C3%A9"),
        ("https://a.example:443/x", "https://a.example/x"),
        ("http://127.0.0.1:80/x", "http://127.0.0.1/x"),
        ("https://a.example:80/x", "https://a.example:80/x"),
        ("https://a.example:0443/x", "https://a.example/x"),
        ("https://a.example/a/./b/../c", "https://a.example/a/c"),
        ("https://a.example/a/%2e%2E/../../b/.", "https://a.example/b/"),
        ("https://a.example/a/..", "https://a.example/"),
        ("https://a.example/a//b/../c?d=/../e", "https://a.example/a//c?d=/../e"),
        ("https://a.example/%zz%4", "https://a.example/%zz%4"),
    ],
)
def test_urls(written: str, stored: str) -> None:
    assert parse_url(written) == stored
    assert parse_url(stored) == stored


def test_one_url_in_two_spellings_is_no_change(make_project: MakeProject) -> None:
    """Nobody has to prove a webhook again because its URL is spelt otherwise."""
    specs = [
        load(
            make_project(
                {"clients/payouts.yaml": client(spec=f"  webhooks: [{{name: a, url: '{url}'}}]")}
            ),
            "staging",
        )
        for url in ("https://A.example:443/x/../%68ook", "https://a.example/hook")
    ]
    assert specs[0].clients["payouts"].digest == specs[1].clients["payouts"].digest


def test_one_server_in_two_spellings_is_one(make_project: MakeProject) -> None:
    """Two environments would write over each other there."""
    mounts = "mounts: {registry: a/registry, secrets: a/secrets, transit: a/transit}"
    text = PROJECT.replace('"http://127.0.0.1:8200"', f'"https://VAULT.example.com:443/", {mounts}')
    text = text.replace('"https://vault.example.com"', f'"https://vault.example.com", {mounts}')
    found = validate(make_project({"reconciler.yaml": text}))
    assert [finding.code for finding in found] == ["RC161"] * 3


@pytest.mark.parametrize(
    "url",
    [
        "https://straße.example/", "https://a..example/", "https://-a.example/", "https://a.example./", "https://[::1",
        "https://[fe80::1%25eth0]/", "https://a.example:/", "https://0x7f000001/", "https://0/", "https://1.2.3.04/",
        "https://a.example/é", "https://a.example\\@b.example/", "https://a.example/\x01", "//a.example/", "",
        "https://a_.example:-1/", "https://" + "a" * 64 + ".example/", "https://user@a.example/", "mailto:a@b.example",
    ],
)  # fmt: skip
def test_refused_urls(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        parse_url(url)


_SCALARS = st.sampled_from(["x", "y", "10d"])
_ROTATION = st.fixed_dictionaries({}, optional={"grace": _SCALARS, "window": _SCALARS})
_ITEM = st.fixed_dictionaries({}, optional={"lifetime": _SCALARS, "rotation": _ROTATION})
_ITEMS = st.dictionaries(st.sampled_from("abc"), _ITEM, max_size=3).map(
    lambda items: [{"name": name, **item} for name, item in items.items()]
)
_SPECS = st.fixed_dictionaries(
    {},
    optional={
        "justification": _SCALARS, "scopes": st.lists(_SCALARS, max_size=2), "keys": _ITEMS, "webhooks": _ITEMS,
        "owner": st.fixed_dictionaries({}, optional={"team": _SCALARS, "contact": _SCALARS}),
    },
)  # fmt: skip


def node(value: object) -> Map:
    (document,) = parse(yaml.safe_dump(value, sort_keys=False), "f.yaml", Collector())
    assert isinstance(document.value, Map)
    return document.value


@given(_SPECS, _SPECS, _SPECS)
def test_merge_laws(a: object, b: object, c: object) -> None:
    """Nothing, or the same, on top changes nothing; grouping does not matter; what is on top
    wins."""
    x, y, z = node(a), node(b), node(c)
    assert merge(x, node({})) == x
    assert merge(node({}), x) == x
    assert merge(x, x) == x
    assert merge(merge(x, y), z) == merge(x, merge(y, z))
    both = merge(x, y)
    assert both.get("justification") == y.get("justification", x.get("justification"))
    assert set(both) == set(both.marks) == set(both.key_marks) == set(x) | set(y)
    assert {key["name"] for key in both.list_named("keys")} == {
        key["name"] for part in (x, y) for key in part.list_named("keys")
    }
    assert x == node(a)  # neither argument is changed


def test_template_is_shared_not_changed(make_project: MakeProject) -> None:
    root = make_project(
        {
            "clients/a.yaml": CLIENT.replace("name: payouts", "name: a")
            + "  keys: [{name: primary, lifetime: 200d}]\n"
        }
    )
    clients = load(root, "staging").clients
    assert clients["a"].keys[0].lifecycle.lifetime == timedelta(days=200)
    assert clients["payouts"].keys[0].lifecycle.lifetime == timedelta(days=90)
    assert "200d" not in TEMPLATE
