"""``test`` and ``deliveries``: what a person sees of webhooks that prove themselves, and of those
that do not."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.adapters.receiving.receiver import LoopbackReceiver
from reconciler.domain.secrecy.secret import Secret
from tests.kit.git.checkout import Checkout
from tests.kit.programs.waiting import until
from tests.kit.webhooks.receivers import Handler, answers, receiving

PATH = "webhooks/partner.settlements"
PROBED = {"probes": {}, "events": ["payout.settled", "payout.failed"]}


def held(checkout: Checkout) -> list[Secret]:
    return [Secret(checkout.secret(PATH) or "")]


def let_a_second_pass(checkout: Checkout) -> None:
    """What the log puts in order by its seconds, happens in another second."""
    before = checkout.place.root.now()
    until(lambda: checkout.place.root.now() > before)


def test_a_client_is_active_only_when_its_receiver_refuses_what_is_not_genuine(
    checkout: Checkout,
) -> None:
    with receiving(answers(200)) as careless, LoopbackReceiver(lambda: held(checkout)) as careful:
        checkout.hooked("partner", careless.url, webhook=PROBED)
        ran = checkout.apply()
        assert ran.code == 5
        assert checkout.status("partner")["status"] == "pending"
        last = checkout.status("partner")["webhooks"][0]["last_delivery"]
        assert (last["accepted"], last["code"]) == (False, "RC530")
        assert (
            "the receiver accepted a body that was changed after it was signed with 200"
            in last["message"]
        )
        assert "compute the signature over the raw body" in last["message"]
        assert last["message"].endswith("(and 4 more); ask payments (payments@example.com)")
        checkout.hooked("partner", careful.url, webhook=PROBED)
        checkout.apply().ok()
        webhook = checkout.status("partner")["webhooks"][0]
        assert checkout.status("partner")["status"] == "active"
        assert [probe["passed"] for probe in webhook["last_delivery"]["probes"]] == [True] * 6
        assert (webhook["failures"], webhook["failing_since"]) == (0, None)
        checkout.assert_quiet()


def test_what_fails_is_taken_up_by_the_next_run_with_its_history(checkout: Checkout) -> None:
    with LoopbackReceiver(lambda: held(checkout)) as receiver:
        receiver.reject(503)
        checkout.hooked("partner", receiver.url, webhook={"delivery": {"attempts": 2}})
        assert checkout.apply().code == 5
        let_a_second_pass(checkout)
        assert checkout.apply().code == 5
        webhook = checkout.status("partner")["webhooks"][0]
        assert webhook["failures"] == 2
        assert webhook["failing_since"] <= webhook["last_delivery"]["at"]
        assert "2 runs" in checkout.run("plan", "-e", checkout.environment).ok().out
        receiver.reject(None)
        let_a_second_pass(checkout)
        checkout.apply().ok()
    log = checkout.run("deliveries", "-e", checkout.environment, "--format", "json").ok().json
    told = [(one["number"], one["status"], one["code"]) for one in log["attempts"]]
    assert told == [
        (1, 204, ""),
        (2, 503, "RC517"),
        (1, 503, "RC517"),
        (2, 503, "RC517"),
        (1, 503, "RC517"),
    ]
    assert len({one["run_id"] for one in log["attempts"]}) == 3


def test_the_log_is_narrowed_by_client_result_and_time(checkout: Checkout) -> None:
    with LoopbackReceiver(lambda: held(checkout)) as receiver, receiving(answers(500)) as broken:
        checkout.hooked("partner", receiver.url)
        checkout.hooked("other", broken.url)
        checkout.apply("--no-commit")

        def log(*arguments: str) -> list[tuple[str, int]]:
            ran = checkout.run(
                "deliveries", "-e", checkout.environment, "--format", "json", *arguments
            ).ok()
            return sorted(
                (one["address"].split("/")[1], one["status"]) for one in ran.json["attempts"]
            )

        assert log() == [("other", 500), ("partner", 204)]
        assert log("--failed") == log("other") == [("other", 500)]
        assert log("--since", "1h") == log()
    text = checkout.run("-v", "deliveries", "-e", checkout.environment, "--failed").ok().out
    assert "RC517" in text
    assert "total" in text
    assert checkout.run("deliveries", "-e", checkout.environment, "nobody").code == 64
    assert checkout.run("deliveries", "-e", checkout.environment, "--since", "yesterday").code == 64


def test_a_test_writes_nothing(checkout: Checkout) -> None:
    with LoopbackReceiver(lambda: held(checkout)) as receiver:
        checkout.hooked("partner", receiver.url, webhook=PROBED)
        checkout.apply().ok()
        before, commits = checkout.everything_written(), checkout.commit()
        ran = checkout.run(
            "test", "-e", checkout.environment, "partner/settlements", "--format", "json"
        ).ok()
        assert checkout.everything_written() == before
        assert (
            checkout.commit("after") != commits
        )  # an empty commit of the test itself: nothing else changed
        (webhook,) = ran.json["webhooks"]
        assert ran.json["summary"] == {"passed": 1, "failed": 0, "skipped": 0}
        assert [one["probe"] for one in webhook["attempts"]] == [
            "valid", "valid", "tampered", "wrong-secret", "replayed", "future", "unsigned",
        ]  # fmt: skip
        assert {one["event"] for one in webhook["attempts"][:2]} == {
            "payout.settled",
            "payout.failed",
        }


SENT = "a verification sends {}; while two signing secrets are valid, 2 more, each signed with one of them"
ALL_OFF = dict.fromkeys(
    ("tampered", "wrongSecret", "replayed", "future", "unsigned", "eachSecret"), "off"
)


@pytest.mark.parametrize(
    ("webhook", "told", "number"),
    [
        (PROBED, SENT.format("7 test deliveries: 2 genuine and 5 that must be refused"), 7),
        (
            {"probes": {"future": "off"}},
            SENT.format("5 test deliveries: 1 genuine and 4 that must be refused"),
            5,
        ),
        ({"probes": ALL_OFF}, "a verification sends 1 test delivery", 1),
    ],
    ids=["two events", "one probe less", "no probe"],
)
def test_a_plan_says_how_many_deliveries_arrive_and_claims_no_proof_before_it(
    checkout: Checkout, webhook: dict[str, Any], told: str, number: int
) -> None:
    with LoopbackReceiver(lambda: held(checkout)) as receiver:
        checkout.hooked("partner", receiver.url, webhook=webhook)
        actions = {one["kind"]: one for one in checkout.plan().json["actions"]}
        assert actions["verify-webhook"]["risk_reasons"] == [told]
        assert actions["activate-client"]["message"] == "once every webhook has proven itself"
        checkout.apply().ok()
        assert len(receiver.arrivals) == number


def test_a_test_shows_what_is_wrong_and_how_to_mend_it(checkout: Checkout) -> None:
    with receiving(answers(200, b"thank you, jane@example.com")) as careless:
        checkout.hooked("partner", careless.url, webhook=PROBED)
        checkout.apply()
        ran = checkout.run("-v", "test", "-e", checkout.environment)
    assert ran.code == 1
    assert "✗ partner/settlements" in ran.out
    told = " ".join(ran.out.split())
    assert (
        "RC534: the receiver accepted a delivery without a signature with 200; answer 401 when"
        in told
    )
    assert "thank you, ***" in ran.out
    assert f"{checkout.environment}: 0 webhooks passed, 1 failed." in ran.out
    assert "[1/1] partner/settlements: RC530" in ran.err


def test_a_webhook_that_was_never_applied_is_skipped_and_says_so(checkout: Checkout) -> None:
    checkout.hooked("partner", "https://hooks.example.com/in")
    ran = checkout.run("test", "-e", checkout.environment)
    assert ran.code == 1
    assert "the client is not registered yet" in ran.out


@pytest.mark.parametrize("target", ["nobody", "partner/nothing", "partner/a/b/c"])
def test_a_wrong_target_says_what_there_is(checkout: Checkout, target: str) -> None:
    checkout.hooked("partner", "https://hooks.example.com/in")
    ran = checkout.run("test", "-e", checkout.environment, target)
    assert ran.code == 64
    assert "remedy: " in ran.err


def test_an_endpoint_that_is_gone_is_not_called_until_somebody_says_so(checkout: Checkout) -> None:
    with LoopbackReceiver(lambda: held(checkout)) as receiver:
        receiver.reject(410)
        checkout.hooked("partner", receiver.url)
        assert checkout.apply().code == 5
        called = len(receiver.arrivals)
        plan = checkout.plan().json
        assert not any(action["kind"] == "verify-webhook" for action in plan["actions"])
        (finding,) = [one for one in plan["findings"] if one["code"] == "RC365"]
        assert "--verify partner/settlements" in finding["remedy"]
        checkout.apply().ok()
        assert len(receiver.arrivals) == called
        receiver.reject(None)
        checkout.apply("--verify", "partner/settlements").ok()
        assert len(receiver.arrivals) == called + 1
        assert checkout.status("partner")["webhooks"][0]["last_delivery"]["accepted"]
        checkout.apply().ok()
        assert checkout.status("partner")["status"] == "active"


def test_a_saved_plan_keeps_the_proof_that_was_asked_for(checkout: Checkout) -> None:
    with LoopbackReceiver(lambda: held(checkout)) as receiver:
        checkout.hooked("partner", receiver.url)
        checkout.apply().ok()
        checkout.run(
            "plan", "-e", checkout.environment, "--verify", "partner", "--out", "plan.json"
        ).ok()
        checkout.run("apply", "-e", checkout.environment, "plan.json").ok()
        assert len(receiver.arrivals) == 2


def test_a_rotation_that_the_receiver_did_not_notice_is_reported(checkout: Checkout) -> None:
    """It accepts what both secrets signed, and would refuse everything once the old one is gone."""
    pair = {"scheme": "standard-webhooks", "algorithm": "ed25519"}
    with receiving(lambda handler: _by_version_one(checkout, handler)) as receiver:
        checkout.hooked("partner", receiver.url)
        checkout.apply().ok()
        checkout.hooked(
            "partner", receiver.url, webhook={"signature": pair, "probes": {"eachSecret": "warn"}}
        )
        checkout.apply().ok()
        last = checkout.status("partner")["webhooks"][0]["last_delivery"]
        assert last["accepted"]
        told = {probe["probe"]: (probe["passed"], probe["code"]) for probe in last["probes"]}
        assert told["new-secret"] == (False, "RC536")
        assert told["old-secret"] == (True, "")
        (finding,) = [one for one in checkout.plan().json["findings"] if one["code"] == "RC366"]
        assert "does not know the new signing secret yet; the old one ends 20" in finding["message"]


def _by_version_one(checkout: Checkout, handler: Handler) -> None:
    receiver = LoopbackReceiver(lambda: [Secret(checkout.secret(PATH, 1) or "")])
    try:
        seen = handler.arrived
        handler.reply(receiver.receive(seen.path, seen.headers, seen.body))
    finally:
        receiver.stop()
