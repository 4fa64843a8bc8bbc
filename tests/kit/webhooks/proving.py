"""Drives the proof of a webhook: with a real sender, or with answers made up by a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from reconciler.domain.declared.desired import DesiredWebhook
from reconciler.domain.live.record import Delivery
from reconciler.domain.secrecy.secret import Secret
from reconciler.webhooks.proof.proving import Now, Pause, prove
from reconciler.webhooks.signature.signing import Credential
from reconciler.webhooks.wire.exchange import Order
from reconciler.webhooks.wire.http import HttpFailure, HttpRequest, HttpResponse

SEED = "a seed"
Answer = HttpResponse | HttpFailure


class Sending(Protocol):
    def send(self, request: HttpRequest) -> Answer: ...


def order_for(
    webhook: DesiredWebhook, secrets: Sequence[Secret], client: str = "paystack-payouts", *, seed: str = SEED,
    owner: str = "",
) -> Order:  # fmt: skip
    """``secrets``: the newest first."""
    numbers = range(len(secrets), 0, -1)
    credentials = tuple(
        Credential(number, secret) for number, secret in zip(numbers, secrets, strict=True)
    )
    return Order(client, webhook, credentials, seed, owner)


def drive(
    order: Order,
    send: Callable[[HttpRequest], Answer],
    now: Callable[[], datetime],
    pause: Callable[[Pause], bool] = lambda pause: True,
) -> Delivery:
    """Every ask of ``prove`` answered; nobody signs remotely here."""
    steps = prove(order)
    try:
        ask = next(steps)
        while True:
            if isinstance(ask, HttpRequest):
                ask = steps.send(send(ask))
            elif isinstance(ask, Pause):
                ask = steps.send(pause(ask))
            else:
                assert isinstance(ask, Now)
                ask = steps.send(now())
    except StopIteration as end:
        delivery: Delivery = end.value
        return delivery


def delivered(
    sender: Sending,
    client: str,
    webhook: DesiredWebhook,
    secrets: Sequence[Secret],
    now: datetime,
    seed: str = SEED,
) -> Delivery:
    """What came of proving ``webhook`` through a real sender at one moment, without pauses."""
    return drive(order_for(webhook, secrets, client, seed=seed), sender.send, lambda: now)
