"""Owners are told, through real receivers: whole commands, and what became of the run when telling
them fails."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from reconciler.app.run import alerts
from tests.kit.git.checkout import Checkout, Ran
from tests.kit.git.repositories import git
from tests.kit.programs.commands import PYTHON_PATH
from tests.kit.programs.started import started
from tests.kit.programs.waiting import until
from tests.kit.vault.places import PROJECT
from tests.kit.webhooks.authority import Authority
from tests.kit.webhooks.mail import MailServer, mail_server
from tests.kit.webhooks.receivers import Receiver, answers, never_answers, receiving

REPOSITORY = Path(__file__).resolve().parents[2]
SIGNING = "whsec_" + base64.b64encode(b"alerts-canary-" * 2 + b"....").decode()
PASSWORD = "smtp-password-canary"
SLACK = "/services/T0CANARY/B0CANARY/xCANARYx"


@dataclass
class Channels:
    """A receiver of each type, and the variables that a pipeline would set."""

    ops: Receiver
    slack: Receiver
    mail: MailServer
    authority: Authority

    @property
    def variables(self) -> dict[str, str]:
        return {
            "OPS_SECRET": SIGNING, "SLACK_URL": f"{self.slack.url}{SLACK}", "SMTP_PASSWORD": PASSWORD,
        }  # fmt: skip

    def declared(self) -> list[dict[str, Any]]:
        smtp = {
            "host": "127.0.0.1", "port": self.mail.port, "from": "reconciler@example.com", "username": "reconciler",
            "passwordFrom": {"env": "SMTP_PASSWORD"}, "caCert": str(Path(self.authority.ca_file).name),
        }  # fmt: skip
        return [
            {
                "name": "ops",
                "type": "webhook",
                "url": f"{self.ops.url}/alerts",
                "secretFrom": {"env": "OPS_SECRET"},
            },
            {"name": "room", "type": "slack", "urlFrom": {"env": "SLACK_URL"}},
            {
                "name": "post",
                "type": "email",
                "smtp": smtp,
                "to": ["owner", "security@example.com"],
            },
        ]

    def counts(self) -> tuple[int, int, int]:
        return len(self.ops.seen), len(self.slack.seen), len(self.mail.mails)

    def told(self) -> list[dict[str, Any]]:
        """What the signed webhook was told, once the library that receivers use has verified it."""
        return [Webhook(SIGNING).verify(seen.body, seen.headers)["data"] for seen in self.ops.seen]


def declare(checkout: Checkout, channels: list[dict[str, Any]], *others: str) -> None:
    """``others``: environments beside the one of the test."""
    settings = {
        "vault": {"address": checkout.place.server.address},
        "allowedNetworks": ["127.0.0.0/8"],
    }
    environments = {name: deepcopy(settings) for name in (checkout.environment, *others)}
    spec = {"keyPrefix": "acme", "environments": environments, "alerts": channels}
    checkout.document("reconciler.yaml", "Project", PROJECT, spec)


@pytest.fixture
def channels(checkout: Checkout) -> Iterator[Channels]:
    authority = Authority(checkout.root)
    with (
        receiving(answers(204)) as ops,
        receiving(answers(200, b"ok")) as slack,
        mail_server(starttls=authority.server_context(), login=("reconciler", PASSWORD)) as mail,
    ):
        made = Channels(ops, slack, mail, authority)
        declare(checkout, made.declared())
        yield made


def test_a_failed_verification_is_told_to_the_owner_once(
    checkout: Checkout, channels: Channels
) -> None:
    with receiving(answers(500)) as broken:
        checkout.hooked("partner", broken.url)
        ran = checkout.apply(**channels.variables)
        assert ran.code == 5
        assert "alerts sent: 1 to ops, 1 to post, 1 to room" in ran.err
        [data] = channels.told()
        assert data["owner"] == {"team": "payments", "contact": "payments@example.com"}
        assert (data["environment"], data["run_id"]) == (checkout.environment, ran.json["run_id"])
        [alert] = data["alerts"]
        assert alert["kind"] == "verification-failed"
        assert alert["address"] == "client/partner/webhook/settlements"
        assert "RC517" in alert["message"]
        [mail], [recipients] = channels.mail.mails, channels.mail.recipients
        assert recipients == ["payments@example.com", "security@example.com"]
        assert "1 failed verification" in mail["subject"]
        assert "client/partner/webhook/settlements" in mail.get_content()
        [message] = [json.loads(seen.body) for seen in channels.slack.seen]
        assert "1 failed verification" in message["text"]
        again = checkout.apply(**channels.variables)  # it goes on failing, on the same day
        assert again.code == 5
    assert channels.counts() == (1, 1, 1)


def test_a_run_that_goes_well_tells_nobody(checkout: Checkout, channels: Channels) -> None:
    checkout.client("partner")
    ran = checkout.apply(**channels.variables).ok()
    checkout.apply(**channels.variables).ok()
    assert "alert" not in ran.err
    assert channels.counts() == (0, 0, 0)


def revoke(checkout: Checkout, *more: str, **variables: str) -> Ran:
    why = ("--reason", "compromise", "--incident", "INC-7")
    return checkout.run("revoke", "-e", checkout.environment, "partner", *why, *more, **variables)


def test_an_emergency_is_told_everywhere_by_whom_and_why(
    checkout: Checkout, channels: Channels
) -> None:
    checkout.client("partner")
    checkout.apply(**channels.variables).ok()
    checkout.write("clients/broken.yaml", "kind: [")
    revoke(checkout, **channels.variables).ok()
    [data] = channels.told()
    [alert] = data["alerts"]
    assert (alert["kind"], alert["urgent"], alert["incident"], alert["version"]) == (
        "revoked",
        True,
        "INC-7",
        1,
    )
    assert "by Ada Auditor" in alert["message"]
    assert "compromise" in alert["message"]
    assert data["owner"]["contact"] == "payments@example.com"
    [message] = [json.loads(seen.body) for seen in channels.slack.seen]
    assert "client/partner/key/primary" in json.dumps(message)
    assert [seen.path for seen in channels.slack.seen] == [SLACK]
    [mail] = channels.mail.mails
    assert "INC-7" in mail.get_content()
    assert "Ada Auditor" in mail.get_content()


def test_no_alerts(checkout: Checkout, channels: Channels) -> None:
    checkout.client("partner")
    checkout.apply(**channels.variables).ok()
    revoke(checkout, "--no-alerts", **channels.variables).ok()
    assert channels.counts() == (0, 0, 0)


def test_a_blocked_plan_tells_which_expiring_keys_it_holds(
    checkout: Checkout, channels: Channels
) -> None:
    checkout.client("guarded", protect=True)
    checkout.client("partner")
    checkout.apply(**channels.variables).ok()
    short = {"lifetime": "1h", "rotation": {"renewBefore": "3599s", "grace": "1m"}}
    checkout.client("partner", keys=[{"name": "primary", **short}])
    checkout.remove("guarded")
    until(lambda: any(kind == "rotate-key" for kind, _, _ in checkout.actions()))
    ids = []
    for _ in range(2):
        ran = checkout.apply(**channels.variables)
        assert (ran.code, ran.json["code"]) == (3, "RC310")
        [alert] = channels.told()[-1]["alerts"]
        assert channels.told()[-1]["run_id"] is None
        assert (alert["kind"], alert["address"]) == ("cannot-rotate", "client/partner/key/primary")
        assert "RC310" in alert["message"]
        assert "protect" in alert["remedy"]
        ids.append(channels.ops.seen[-1].headers["webhook-id"])
    assert ids[0] == ids[1], "a receiver knows it again"
    assert [mail["message-id"] for mail in channels.mail.mails] == [
        channels.mail.mails[0]["message-id"]
    ] * 2


def test_a_channel_is_told_what_it_is_for(checkout: Checkout, channels: Channels) -> None:
    declared = channels.declared()
    declared[0]["on"] = ["verification-failed"]
    declared[1]["on"] = ["revoked", "cannot-rotate"]
    declare(checkout, declared)
    checkout.client("partner")
    checkout.apply(**channels.variables).ok()
    revoke(checkout, **channels.variables).ok()
    assert channels.counts() == (0, 1, 1)


def test_a_missing_variable_is_one_warning_and_no_failure(
    checkout: Checkout, channels: Channels
) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    ran = revoke(checkout).ok()
    warnings = [line for line in ran.err.splitlines() if "alert channel" in line]
    assert warnings == [
        f"alert channel {name}: RC540: neither of the environment variables {variable} and {variable}_FILE is set; "
        "the run is not affected"
        for name, variable in (
            ("ops", "OPS_SECRET"),
            ("room", "SLACK_URL"),
            ("post", "SMTP_PASSWORD"),
        )
    ]
    doctor = checkout.run("doctor", "-e", checkout.environment, SLACK_URL="https://x")
    assert "warn  alert channel ops: RC540" in doctor.out
    assert "ok    alert channel room: SLACK_URL is set" in doctor.out


def test_doctor_asks_for_no_secret_of_a_channel_of_another_environment(
    checkout: Checkout, channels: Channels
) -> None:
    declared = channels.declared()
    declared[0]["environments"] = ["elsewhere"]
    declare(checkout, declared, "elsewhere")
    doctor = checkout.run("doctor", "-e", checkout.environment)
    assert "alert channel ops" not in doctor.out
    assert "warn  alert channel room: RC540" in doctor.out


def test_an_owner_without_an_address_costs_nobody_else_the_mail(
    checkout: Checkout, channels: Channels
) -> None:
    checkout.client("partner", owner={"team": "payments", "contact": "#payments"})
    checkout.apply(**channels.variables).ok()
    ran = revoke(checkout, **channels.variables).ok()
    assert "RC545: the owner payments has no mail address as contact" in ran.err
    assert channels.mail.recipients == [["security@example.com"]]


def broken_channels(channels: Channels, port: int) -> list[dict[str, Any]]:
    """Refused connections and an authority that nobody trusts."""
    ops, room, untrusted, gone = (*channels.declared(), channels.declared()[2])
    ops["url"] = f"http://127.0.0.1:{port}/"
    untrusted["smtp"].pop("caCert")
    gone["name"], gone["smtp"]["port"] = "gone", port
    return [ops, room, untrusted, gone]


def test_nothing_that_goes_wrong_with_alerts_changes_a_run(
    checkout: Checkout, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(answers(204)) as gone:
        pass
    declare(checkout, broken_channels(channels, gone.port))
    monkeypatch.setattr(alerts, "_DEADLINE", 1.0)
    checkout.client("partner")
    checkout.apply().ok()
    with receiving(never_answers) as hanging:
        variables = {**channels.variables, "SLACK_URL": f"{hanging.url}{SLACK}"}
        ran = revoke(checkout, "--format", "json", **variables).ok()
    assert ran.json["audit"]["commit"]
    assert checkout.versions("partner") == {1: "revoked"}
    told = {
        line.split(":")[0]: line
        for line in ran.err.splitlines()
        if line.startswith("alert channel")
    }
    assert "RC505" in told["alert channel ops"]
    assert "RC510" in told["alert channel room"] or "RC543" in told["alert channel room"]
    assert "not trusted" in told["alert channel post"]
    assert "cannot be reached" in told["alert channel gone"]
    assert all(line.endswith("; the run is not affected") for line in told.values())
    assert channels.mail.mails == []


def test_an_exception_of_any_sort_changes_no_exit_code(
    checkout: Checkout, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [RuntimeError(SIGNING), KeyboardInterrupt(), MemoryError(SIGNING)]

    def fail(*_: object) -> None:
        raise errors[-1]

    for number in range(len(errors)):
        checkout.client(f"partner-{number}")
    checkout.apply().ok()
    monkeypatch.setattr("reconciler.planning.notes.alerts.group_by_owner", fail)
    while errors:
        name = f"partner-{len(errors) - 1}"
        ran = checkout.run(
            "revoke", "-e", checkout.environment, name, "--reason", "x", **channels.variables
        ).ok()
        assert "the run is not affected" in ran.err
        assert SIGNING not in ran.err
        assert checkout.versions(name) == {1: "revoked"}
        errors.pop()


def test_a_result_that_nobody_reads_keeps_no_owner_from_the_alert(
    checkout: Checkout, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(*_: str) -> None:
        raise BrokenPipeError

    checkout.client("partner")
    checkout.apply().ok()
    monkeypatch.setattr("reconciler.cli.ended.emit", unread)
    assert revoke(checkout, **channels.variables).code == 1
    assert len(channels.told()) == 1


@contextmanager
def revoking(checkout: Checkout, variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    environ = {
        **os.environ,
        "VAULT_TOKEN": checkout.place.token("run"),
        "PYTHONPATH": PYTHON_PATH,
        **variables,
    }
    command = [
        sys.executable,
        "-c",
        "import sys; from reconciler.cli.main import main; sys.exit(main())",
    ]
    command += ["revoke", "-e", checkout.environment, "partner", "--reason", "compromise"]
    with started(command, cwd=checkout.root, env=environ, stderr=subprocess.PIPE) as process:
        yield process


def test_ctrl_c_while_alerts_are_sent_ends_the_command_as_the_run_ended(
    checkout: Checkout, channels: Channels
) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    with receiving(never_answers) as hanging:
        declare(checkout, [{"name": "room", "type": "slack", "urlFrom": {"env": "SLACK_URL"}}])
        with revoking(checkout, {"SLACK_URL": hanging.url}) as process:
            until(lambda: bool(hanging.seen))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "RC544: stopped before it was sent; the run is not affected" in err
    assert "revoke-key" in out
    assert checkout.versions("partner") == {1: "revoked"}


def test_no_secret_of_a_channel_is_in_any_output_report_or_message(
    checkout: Checkout, channels: Channels
) -> None:
    gone = {**channels.variables, "SLACK_URL": f"http://127.0.0.1:1{SLACK}"}
    wrong = {
        **channels.variables,
        "SMTP_PASSWORD": f"{PASSWORD}-wrong",
        "OPS_SECRET": f"{SIGNING}-no",
    }
    checkout.client("partner")
    for variables in (gone, wrong, channels.variables):
        checkout.hooked("partner", "http://127.0.0.1:9/")
        checkout.run("-v", "apply", "-e", checkout.environment, "--yes", **variables)
        checkout.run(
            "-v",
            "revoke",
            "-e",
            checkout.environment,
            "partner",
            "--reason",
            "compromise",
            **variables,
        )
    checkout.run("doctor", "-e", checkout.environment, **wrong)
    checkout.run("validate", **wrong)
    checkout.commit()
    sent = b"".join(seen.body for seen in (*channels.ops.seen, *channels.slack.seen)).decode()
    mails = "".join(mail.as_string() for mail in channels.mail.mails)
    objects = git(checkout.root, "cat-file", "--batch-all-objects", "--batch", "--unordered")
    for text in ("".join(checkout.printed), sent, mails, objects):
        assert "partner" in text, "nothing was searched"
        for secret in (SIGNING, SIGNING[6:], PASSWORD, "CANARY", checkout.place.token("run")):
            assert secret not in text


HOSTILE = "<!channel> *x* & @here <https://evil.example|c>"


def test_what_strangers_wrote_stays_text(checkout: Checkout, channels: Channels) -> None:
    checkout.client("partner", owner={"team": HOSTILE, "contact": "payments@example.com"})
    checkout.apply(**channels.variables).ok()
    git(checkout.root, "config", "user.name", f"Mallory {HOSTILE}")
    reason = f"leaked {HOSTILE}"
    checkout.run(
        "revoke", "-e", checkout.environment, "partner", "--reason", reason, **channels.variables
    ).ok()
    [message] = [json.loads(seen.body) for seen in channels.slack.seen]
    assert "<" not in json.dumps(message)
    assert "&lt;!channel&gt;" in json.dumps(message)
    [data], [mail] = channels.told(), channels.mail.mails
    assert data["owner"]["team"] == HOSTILE
    assert HOSTILE in data["alerts"][0]["message"]
    assert channels.mail.recipients == [["payments@example.com", "security@example.com"]]
    assert HOSTILE in mail["subject"]
