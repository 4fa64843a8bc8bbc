"""Channels as they are declared → as values, with their defaults."""

from __future__ import annotations

import pytest

from reconciler.declare import load_project
from reconciler.domain.declared.alert import (
    AlertKind,
    Channel,
    MailTarget,
    SlackTarget,
    SmtpTls,
    WebhookTarget,
)
from tests.declare.conftest import PROJECT, MakeProject

SMTP = "host: mail.example.com, from: r@example.com"


def mail(tls: SmtpTls, port: int) -> MailTarget:
    return MailTarget("mail.example.com", port, tls, "r@example.com", ("owner",))


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        (
            "type: webhook, url: https://Alerts.example.com/a, secretFrom: {env: SECRET}",
            Channel("ops", WebhookTarget("https://alerts.example.com/a", "SECRET")),
        ),
        (
            "type: slack, urlFrom: {env: URL}, on: [revoked], environments: [production]",
            Channel(
                "ops", SlackTarget("URL"), frozenset({AlertKind.REVOKED}), frozenset({"production"})
            ),
        ),
        (
            f"type: email, to: [owner], smtp: {{{SMTP}}}",
            Channel("ops", mail(SmtpTls.STARTTLS, 587)),
        ),
        (
            f"type: email, to: [owner], smtp: {{{SMTP}, tls: implicit}}",
            Channel("ops", mail(SmtpTls.IMPLICIT, 465)),
        ),
        (
            f"type: email, to: [owner], smtp: {{{SMTP}, tls: none}}",
            Channel("ops", mail(SmtpTls.NONE, 25)),
        ),
        (
            f"type: email, to: [owner], smtp: {{{SMTP}, port: 2525}}",
            Channel("ops", mail(SmtpTls.STARTTLS, 2525)),
        ),
    ],
)
def test_a_channel(text: str, channel: Channel, make_project: MakeProject) -> None:
    spec = PROJECT.replace("  keyPrefix", f"  alerts: [{{name: ops, {text}}}]\n  keyPrefix")
    project, findings, _ = load_project(make_project({"reconciler.yaml": spec}))
    assert findings == []
    assert project is not None
    assert project.alerts == (channel,)


def test_a_login_and_an_authority_of_the_project(make_project: MakeProject) -> None:
    smtp = f"{SMTP}, username: u, passwordFrom: {{env: PASSWORD}}, caCert: ca.pem"
    text = f"  alerts: [{{name: ops, type: email, to: [a@example.com, owner], smtp: {{{smtp}}}}}]\n  keyPrefix"
    root = make_project({"reconciler.yaml": PROJECT.replace("  keyPrefix", text)})
    project, _, _ = load_project(root)
    assert project is not None
    [channel] = project.alerts
    assert isinstance(channel.target, MailTarget)
    assert (channel.variable, channel.target.username) == ("PASSWORD", "u")
    assert channel.target.ca_cert == str(root / "ca.pem")
    assert channel.target.to == ("a@example.com", "owner")


@pytest.mark.parametrize(
    "host", ["localhost", "10.0.0.25", "::1", "2001:db8::25", "::ffff:10.0.0.1"]
)
def test_where_a_mail_server_may_be(host: str, make_project: MakeProject) -> None:
    channel = (
        f'{{name: ops, type: email, to: [owner], smtp: {{host: "{host}", from: r@example.com}}}}'
    )
    text = PROJECT.replace("  keyPrefix", f"  alerts: [{channel}]\n  keyPrefix")
    project, findings, _ = load_project(make_project({"reconciler.yaml": text}))
    assert findings == []
    assert project is not None


def test_which_environments_a_channel_is_for() -> None:
    assert Channel("ops", SlackTarget("A")).serves("staging")
    assert not Channel("ops", SlackTarget("A"), environments=frozenset({"production"})).serves(
        "staging"
    )
