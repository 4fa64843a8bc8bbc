"""The main job: declared, applied, seen in Vault, and quiet afterwards."""

from __future__ import annotations

import json
import re

from standardwebhooks import Webhook

from reconciler.adapters.vault.http.adapter import VaultAdapter
from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.kit.webhooks.receivers import answers, receiving


def test_twenty_clients_are_applied_and_then_nothing_is_written(wide_checkout: Checkout) -> None:
    checkout = wide_checkout
    names = [f"partner-{number:02}" for number in range(20)]
    for name in names:
        checkout.client(name, keys=[{"name": "primary"}, {"name": "batch", "lifetime": "30d"}])
    checkout.commit()
    result = checkout.apply().ok().json
    assert result["summary"] == {"done": 80, "failed": 0, "skipped": 0}
    for name in names:
        status = checkout.status(name)
        assert status["status"] == "active"
        for key in status["keys"]:
            [version] = key["versions"]
            assert (version["version"], version["state"]) == (1, "active")
            assert version["sha256"] == checkout.hash(f"keys/{name}.{key['name']}", 1)
    checkout.assert_quiet()


def test_issued_keys_have_the_declared_shape(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    value = checkout.secret("keys/partner.primary") or ""
    [version] = checkout.status("partner")["keys"][0]["versions"]
    assert re.fullmatch(rf"acme_{checkout.environment}_{version['id']}_[0-9A-Za-z]{{49}}", value)


def test_a_client_is_active_only_after_its_webhook_accepted_a_signed_delivery(
    checkout: Checkout,
) -> None:
    with receiving(answers(204)) as receiver:
        checkout.hooked("partner", receiver.url)
        checkout.apply().ok()
        [seen] = receiver.seen
    secret = checkout.secret("webhooks/partner.settlements") or ""
    Webhook(secret).verify(seen.body, seen.headers)  # the independent implementation judges
    status = checkout.status("partner")
    assert status["status"] == "active"
    [webhook] = status["webhooks"]
    assert webhook["last_delivery"]["status"] == 204
    assert webhook["verified_at"]
    checkout.assert_quiet()


def test_a_refused_delivery_leaves_the_client_pending_until_it_passes(checkout: Checkout) -> None:
    with receiving(answers(500)) as broken:
        checkout.hooked("partner", broken.url)
        refused = checkout.apply()
    assert refused.code == 5
    assert checkout.status("partner")["status"] == "pending"
    statuses = {(o["kind"], o["status"]) for o in refused.json["outcomes"]}
    assert {
        ("verify-webhook", "failed"),
        ("activate-client", "skipped"),
        ("issue-key", "done"),
    } <= statuses
    assert [kind for kind, _, _ in checkout.actions()] == ["verify-webhook", "activate-client"]
    with receiving(answers(200)) as mended:
        checkout.hooked("partner", mended.url)
        checkout.apply().ok()
        assert len(mended.seen) == 1
    assert checkout.status("partner")["status"] == "active"


def test_a_new_url_must_prove_itself_before_the_client_is_active_again(checkout: Checkout) -> None:
    with receiving(answers(200)) as first:
        checkout.hooked("partner", first.url)
        checkout.apply().ok()
    with receiving(answers(404)) as second:
        checkout.hooked("partner", second.url)
        assert checkout.apply().code == 5
    assert checkout.status("partner")["status"] == "pending"
    assert checkout.versions("partner") == {1: "active"}


def test_the_audit_report_is_committed_and_complete(checkout: Checkout) -> None:
    with receiving(answers(204)) as receiver:
        checkout.hooked("partner", receiver.url)
        commit = checkout.commit("declare partner")
        result = checkout.apply().ok().json
    assert git(checkout.root, "rev-parse", "HEAD") == result["audit"]["commit"]
    changed = git(checkout.root, "show", "--name-only", "--format=", "HEAD").splitlines()
    stem = f"audit/{checkout.environment}/{result['run_id']}"
    log = f"audit/{checkout.environment}/log"
    files = [f"{log}/{name}" for name in ("00000001.json", "checkpoint", "keys")]
    assert changed == [f"{stem}.json", f"{stem}.md", *files]
    report = json.loads((checkout.root / f"{stem}.json").read_text())
    assert report["git_commit"] == commit
    assert report["plan_digest"] == result["plan_digest"]
    assert "Ada Auditor" in report["actor"]
    assert {o["kind"] for o in report["outcomes"]} == {o["kind"] for o in result["outcomes"]}
    assert checkout.hash("keys/partner.primary") in json.dumps(report)


def test_the_actions_of_a_run_come_in_the_order_of_their_levels(checkout: Checkout) -> None:
    with receiving(answers(204)) as receiver:
        checkout.hooked("partner", receiver.url)
        kinds = [kind for kind, _, _ in checkout.actions()]
    assert kinds == [
        "register-client",
        "issue-key",
        "issue-secret",
        "verify-webhook",
        "activate-client",
    ]


def test_a_thousand_clients_are_planned_without_a_request_for_each(wide_checkout: Checkout) -> None:
    checkout = wide_checkout
    spec = f"{{scopes: [payouts:write], keys: [{{name: primary}}], environments: {{{checkout.environment}: null}}}}"
    clients = [
        f"apiVersion: reconciler/v1\nkind: IntegrationClient\nmetadata: {{name: c{number:04}}}\nspec: {spec}\n"
        for number in range(1000)
    ]
    checkout.write("clients/all.yaml", "---\n".join(clients))
    checkout.apply("--no-commit").ok()
    sent: list[str] = []
    original = VaultAdapter.request

    def counting(self: VaultAdapter, method: str, url: str, **kwargs: object) -> object:
        sent.append(url)
        return original(self, method, url, **kwargs)

    VaultAdapter.request = counting  # type: ignore[method-assign,assignment]
    command = ("plan", "-e", checkout.environment, "--format", "json", "--detailed-exitcode")
    try:
        for more in (["--no-cache"], [], []):
            sent.clear()
            plan = checkout.run(*command, *more)
            assert plan.code == 0, plan.err
            assert plan.json["summary"]["no_op"] == 1000
            assert len(sent) < 300
    finally:
        VaultAdapter.request = original  # type: ignore[method-assign]
