"""From a run, or a plan that was blocked, to the messages of the declared channels.

Nothing here ever fails a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from hashlib import sha256
from typing import TYPE_CHECKING

from reconciler.dataclass import dataclass
from reconciler.domain.secrecy import mask_secrets

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.adapters.alerts.channels import Courier
    from reconciler.app.workplace import Workplace
    from reconciler.domain.declared.alert import Alert, Channel, MailTarget, Notice
    from reconciler.domain.declared.desired import DesiredClient, Environment, Project
    from reconciler.domain.live.observed import Observed
    from reconciler.domain.plan.plan import Plan
    from reconciler.domain.plan.run import RunResult
    from reconciler.errors import BlockedError

# Seconds for all alerts of a run together.
_DEADLINE = 15.0
UNAFFECTED = "the run is not affected"


@dataclass(slots=True)
class Alerts:
    """What a command tells owners. ``declared`` are the clients of the declaration, none for an
    emergency.

    ``muted``: ``--no-alerts``.
    """

    workplace: Workplace
    project: Project
    environment: Environment
    declared: Mapping[str, DesiredClient] = field(default_factory=dict)
    muted: bool = False
    _observed: Observed | None = field(default=None, init=False)
    _plan: Plan | None = field(default=None, init=False)

    def learn(
        self,
        observed: Observed,
        plan: Plan | None = None,
    ) -> None:
        """What was seen before the run, and the plan that it is to carry out (an emergency has
        none): the last ones count."""
        self._observed, self._plan = observed, plan

    def of_run(self, result: RunResult) -> None:
        """Tell what a run did. Never raises, whatever happens."""
        with self._contain_failure():
            if self._channels():
                from reconciler.planning.notes.alerts import make_run_alerts

                before = self._observed.records if self._observed is not None else {}
                self._tell(make_run_alerts(result, before), result.finished_at, result.run_id)

    @contextmanager
    def if_blocked(self) -> Iterator[None]:
        """Tell which expiring keys wait when a guard blocks the plan; the error goes on as it
        was."""
        from reconciler.errors import BlockedError

        try:
            yield
        except BlockedError as error:
            self._of_blocked(error)
            raise

    def _of_blocked(self, error: BlockedError) -> None:
        with self._contain_failure():
            if self._channels() and self._plan is not None and self._observed is not None:
                from reconciler.planning.notes.alerts import make_blocked_alerts

                self._tell(
                    make_blocked_alerts(self._plan, error.findings), self._observed.now, None
                )

    def _channels(self) -> list[Channel]:
        name = self.environment.name
        return (
            []
            if self.muted
            else [channel for channel in self.project.alerts if channel.serves(name)]
        )

    @contextmanager
    def _contain_failure(self) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            self.workplace.console.warn(
                f"alerts: RC544: stopped before all were sent; {UNAFFECTED}"
            )
        except Exception as error:  # noqa: BLE001 - a failing alert never fails the run
            self.workplace.console.warn(
                f"alerts: RC542: an unexpected {type(error).__name__}; {UNAFFECTED}"
            )

    def _tell(
        self,
        alerts: Sequence[Alert],
        at: datetime,
        run_id: str | None,
    ) -> None:
        from reconciler.adapters.alerts.channels import send_all
        from reconciler.planning.notes.alerts import group_by_owner

        if not alerts:
            return
        records = self._observed.records if self._observed is not None else {}
        told = group_by_owner(
            self.project.name, self.environment.name, alerts, at, run_id, self.declared, records
        )
        problems: Counter[tuple[str, str]] = Counter()
        couriers: list[Courier] = []
        for channel in self._channels():
            try:
                own, missing = couriers_of(channel, told, self.environment, self.workplace.environ)
            except Exception as error:  # noqa: BLE001 - what is wrong with one channel keeps no other from its alerts
                own, missing = [], [f"RC542: an unexpected {type(error).__name__}"]
            couriers += own
            problems.update((channel.name, sentence) for sentence in missing)
        sent: Counter[str] = Counter()
        for courier, problem in zip(couriers, send_all(couriers, _DEADLINE), strict=True):
            if problem:
                problems[courier.channel, problem] += 1
            else:
                sent[courier.channel] += 1
        self._say(sent, problems)

    def _say(
        self,
        sent: Mapping[str, int],
        problems: Mapping[tuple[str, str], int],
    ) -> None:
        from reconciler.report.text.escape import terminal

        if sent:
            by_channel = ", ".join(f"{number} to {name}" for name, number in sorted(sent.items()))
            self.workplace.console.say(f"alerts sent: {by_channel}")
        for (channel, problem), number in problems.items():
            messages = f" ({number} messages)" if number > 1 else ""
            self.workplace.console.warn(
                terminal(f"alert channel {channel}: {problem}{messages}; {UNAFFECTED}")
            )


def couriers_of(
    channel: Channel,
    told: Sequence[Notice],
    environment: Environment,
    environ: Mapping[str, str],
) -> tuple[list[Courier], list[str]]:
    """A message for each owner, of what the channel is for; and why some, or all of them, cannot be
    sent."""
    from reconciler.adapters.alerts import channels as sending
    from reconciler.domain.declared.alert import MailTarget, WebhookTarget

    own = [narrowed for notice in told if (narrowed := _only(notice, channel)).alerts]
    if not own:
        return [], []
    secret: object = None
    if channel.variable is not None:
        signing = isinstance(channel.target, WebhookTarget)
        secret = (sending.signing_secret_from if signing else sending.secret_from)(
            channel.variable, environ
        )
    if isinstance(secret, sending.Missing):
        return [], [secret.sentence]
    if isinstance(channel.target, MailTarget):
        return _mails(channel, channel.target, own, environment, secret)
    return _posts(channel, own, environment, secret), []


def _only(notice: Notice, channel: Channel) -> Notice:
    from dataclasses import replace

    return replace(
        notice, alerts=tuple(alert for alert in notice.alerts if alert.kind in channel.on)
    )


def _posts(
    channel: Channel,
    told: Sequence[Notice],
    environment: Environment,
    secret: object,
) -> list[Courier]:
    from reconciler.adapters.alerts.channels import Post
    from reconciler.adapters.delivery.sender import WebhookSender
    from reconciler.domain.declared.alert import WebhookTarget
    from reconciler.domain.secrecy.secret import Secret
    from reconciler.report.run.alerts import slack_body, webhook_body

    assert isinstance(secret, Secret)
    sender = WebhookSender(environment.allowed_networks)
    posts: list[Courier] = []
    for notice in told:
        if isinstance(channel.target, WebhookTarget):
            body, url, signing = webhook_body(notice), Secret(channel.target.url), secret
        else:
            body, url, signing = slack_body(notice), secret, None
        identity = notice_id(notice, channel)
        posts.append(
            Post(
                channel.name,
                sender,
                url,
                mask_secrets(body).encode(),
                identity,
                notice.at,
                signing,
            )
        )
    return posts


def _mails(
    channel: Channel,
    target: MailTarget,
    told: Sequence[Notice],
    environment: Environment,
    secret: object,
) -> tuple[list[Courier], list[str]]:
    from reconciler.adapters.alerts.mail import Mail
    from reconciler.domain.declared.alert import TO_OWNER
    from reconciler.domain.secrecy.secret import Secret
    from reconciler.report.run.alerts import mail_subject, mail_text

    mails: list[Courier] = []
    missing: list[str] = []
    password = secret if isinstance(secret, Secret) else None
    for notice in told:
        addresses = [notice.owner.mail if one == TO_OWNER else one for one in target.to]
        if None in addresses:
            missing.append(f"RC545: the owner {notice.owner.shown} has no mail address as contact")
        recipients = tuple(dict.fromkeys(one for one in addresses if one is not None))
        if recipients:
            subject, text = mask_secrets(mail_subject(notice)), mask_secrets(mail_text(notice))
            identity = notice_id(notice, channel)
            mails.append(
                Mail(
                    channel.name,
                    target,
                    recipients,
                    subject,
                    text,
                    identity,
                    notice.at,
                    environment.allowed_networks,
                    password,
                )
            )
    return mails, missing


def notice_id(notice: Notice, channel: Channel) -> str:
    """``msg_`` and 24 digits. One run gives each message an id of its own; a plan that stays
    blocked the same one all day (UTC), so that a receiver which drops what it knows is told once a
    day."""
    when = notice.run_id or f"{notice.at:%Y-%m-%d}"
    alerts = [(alert.kind.value, alert.address, alert.message) for alert in notice.alerts]
    parts = (channel.name, notice.project, notice.environment, notice.owner, when, alerts)
    return "msg_" + sha256(repr(parts).encode()).hexdigest()[:24]
