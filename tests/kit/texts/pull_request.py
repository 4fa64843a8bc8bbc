"""The story of one pull request: what is on ``main`` and applied for weeks, and five changes that a
branch brings.

Names, hosts and times look like those of a company, so that its plan can be shown to people: the
pictures of docs/review.md are taken of it. Everything happens: two receivers on loopback answer for
the two hosts, with certificates of an authority that the sender trusts, and the server's clock is
ahead or behind by ``clock``.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from reconciler.adapters.vault.http import answer
from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.kit.vault.places import PROJECT, Place
from tests.kit.webhooks.authority import Authority
from tests.kit.webhooks.careful import careful
from tests.kit.webhooks.receivers import Receiver, receiving

OLD_HOST, NEW_HOST = "hooks.example.com", "orders.shop-events.example.net"
NEW, WIDER, MOVED, DUE, GONE = (
    "quickbooks-sales",
    "paystack-payouts",
    "storefront-orders",
    "tax-filing",
    "legacy-erp",
)
OTHER = "staging"  # an environment of the project in which nothing is
BRANCH = "orders-on-the-event-bus"
PLAN_HOLDS = timedelta(days=3)
# So long ago ``main`` was applied.
APPLIED = timedelta(days=40)
WHY = {
    NEW: "FIN-301 sales invoices appear in QuickBooks", WIDER: "PAY-1421 nightly settlement of merchant payouts",
    MOVED: "SHOP-88 the storefront hears of orders", DUE: "FIN-260 quarterly tax returns",
    GONE: "SHOP-12 orders as the old ERP knows them", "fraud-screening": "PAY-1377 scores every charge",
    "warehouse-stock": "SHOP-132 the warehouse counts stock every night",
}  # fmt: skip
CATALOGUE = {
    "payouts:read": "low", "payouts:write": "high", "payouts:refund": "high", "payouts:approve": "critical",
    "ledger:read": "low", "invoices:read": "low", "invoices:write": "high", "customers:read": "medium",
    "orders:read": "low", "orders:write": "high", "inventory:read": "low",
}  # fmt: skip
POLICY = {
    "rules": {"wildcard-scopes": {"level": "warn"}, "https-only": {"level": "deny"}},
    "approvers": [
        {"approver": "@acme/security", "when": {"risk": "high"}},
        {
            "approver": "@acme/finance-leads",
            "when": {"scopes": ["invoices:write", "payouts:approve"]},
        },
    ],
}


@dataclass
class Clock:
    """How far the server's time is from the real one."""

    shift: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift

    @contextmanager
    def moved(self, by: timedelta) -> Iterator[None]:
        before, self.shift = self.shift, self.shift + by
        try:
            yield
        finally:
            self.shift = before


@dataclass
class PullRequest:
    """``main`` is applied, and the branch is checked out.

    ``old`` and ``new`` are the receivers of the two hosts.
    """

    checkout: Checkout
    clock: Clock
    old: Receiver
    new: Receiver
    keys: dict[str, str] = field(default_factory=dict, repr=False)  # by client, as issued weeks ago

    def merge(self) -> str:
        """As a forge merges it; the commit."""
        git(self.checkout.root, "checkout", "--quiet", "main")
        git(
            self.checkout.root,
            "merge",
            "--quiet",
            "--no-ff",
            "-m",
            "Merge the pull request",
            BRANCH,
        )
        return git(self.checkout.root, "rev-parse", "HEAD")


@contextmanager
def pull_request(place: Place, folder: Path) -> Iterator[PullRequest]:
    """The story up to the plan, in an environment that is bootstrapped and empty."""
    clock, authority = Clock(), Authority(folder)
    checkouts: list[Checkout] = []
    with ExitStack() as stack:
        receive = careful(checkouts, now=clock.now)
        old, new = (
            stack.enter_context(receiving(receive, authority.server_context(host)))
            for host in (OLD_HOST, NEW_HOST)
        )
        stack.enter_context(_named({OLD_HOST: old.port, NEW_HOST: new.port}))
        stack.enter_context(_server_clock(clock))
        stack.enter_context(patch.dict("os.environ", SSL_CERT_FILE=authority.ca_file))
        checkout = _declared(Checkout(folder / "acme-integrations", place, buckets=16))
        checkouts.append(checkout)
        with clock.moved(-APPLIED):
            checkout.apply().ok()
        story = PullRequest(checkout, clock, old, new)
        for name in (WIDER, MOVED, DUE, GONE):
            story.keys[name] = checkout.secret(f"keys/{name}.primary") or ""
        _five_changes(checkout)
        yield story


@contextmanager
def _named(ports: dict[str, int]) -> Iterator[None]:
    """The two names lead to their receivers, whatever port a URL says."""
    real = socket.getaddrinfo

    def answered(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        return (
            real("127.0.0.1", ports[host], *args, **kwargs)
            if host in ports
            else real(host, port, *args, **kwargs)
        )

    with patch.object(socket, "getaddrinfo", answered):
        yield


@contextmanager
def _server_clock(clock: Clock) -> Iterator[None]:
    """What the server's ``Date`` header says, for every command in this process."""
    real = answer.server_time

    def told(date: str | None) -> datetime | None:
        found = real(date)
        return None if found is None else found + clock.shift

    with patch.object(answer, "server_time", told):
        yield


def _declared(checkout: Checkout) -> Checkout:
    checkout.root.mkdir()
    git(checkout.root, "init", "--quiet")
    address = checkout.place.server.address
    environments = {
        name: {"vault": {"address": address}, "allowedNetworks": ["127.0.0.0/8"]}
        for name in (checkout.environment, OTHER)
    }
    project = {
        "keyPrefix": "acme",
        "audit": {"path": "audit"},
        "plan": {"expires": f"{PLAN_HOLDS.days}d"},
    }
    checkout.document(
        "reconciler.yaml", "Project", PROJECT, {**project, "environments": environments}
    )
    scopes = [{"name": name, "risk": risk} for name, risk in CATALOGUE.items()]
    checkout.document("scopes.yaml", "ScopeCatalog", "acme-api", {"scopes": scopes})
    checkout.document("policy.yaml", "GuardrailPolicy", "guardrails", POLICY)
    _client(checkout, WIDER, "payments", ["ledger:read", "payouts:read"])
    _client(
        checkout, MOVED, "commerce", ["orders:read"], url=f"https://{OLD_HOST}/orders", renew="41d"
    )
    _client(checkout, DUE, "finance", ["ledger:read"])
    _client(checkout, GONE, "commerce", ["inventory:read", "orders:write"])
    _client(checkout, "fraud-screening", "payments", ["ledger:read"], renew="15d")
    _client(checkout, "warehouse-stock", "commerce", ["inventory:read"], renew="15d")
    checkout.commit("Declare the clients of Acme")
    return checkout


def _client(
    checkout: Checkout,
    name: str,
    team: str,
    scopes: list[str],
    *,
    url: str = "",
    renew: str = "30d",
) -> None:
    webhook = {"name": "orders", "url": url, "events": ["order.paid"], "delivery": {"attempts": 1}}
    checkout.client(
        name,
        justification=WHY[name],
        owner={"team": team, "contact": f"{team}@example.com"},
        scopes=scopes,
        allowedCidrs=["203.0.113.0/24"],
        keys=[
            {
                "name": "primary",
                "lifetime": "90d",
                "rotation": {"renewBefore": renew, "grace": "72h"},
            }
        ],
        webhooks=[webhook] if url else None,
        metadata={"labels": {"team": team}},
    )


def _five_changes(checkout: Checkout) -> None:
    git(checkout.root, "checkout", "--quiet", "-b", BRANCH)
    _client(checkout, NEW, "finance", ["customers:read", "invoices:write"])
    _client(checkout, WIDER, "payments", ["ledger:read", "payouts:*"])
    _client(
        checkout, MOVED, "commerce", ["orders:read"], url=f"https://{NEW_HOST}/hook", renew="41d"
    )
    _client(checkout, DUE, "finance", ["ledger:read"], renew="60d")
    checkout.remove(GONE)
    checkout.commit("Move the orders to the event bus, and four more")
