"""What a command may be in the middle of when it is killed: a state of the environment, and the
command."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from reconciler.domain.values.canonical import iso, parse_iso
from tests.kit.git.checkout import Checkout
from tests.kit.programs.waiting import until

PARTNER, OTHER = "partner", "other"
# Longer than a lease, and than an emergency revocation is taken to be at work.
LONG_AGO = timedelta(minutes=10)


@dataclass(frozen=True)
class Story:
    """``prepare`` makes the state, with the address of a receiver. ``command`` gets the
    environment's name. ``live``: the clients that may at no instant be without a usable key."""

    prepare: Callable[[Checkout, str], None]
    command: tuple[str, ...] = ("apply",)
    live: tuple[str, ...] = (OTHER,)

    def arguments(self, checkout: Checkout) -> tuple[str, ...]:
        verb, *rest = self.command
        sure = ("--yes",) if verb == "apply" else ()
        return (verb, "-e", checkout.environment, *rest, *sure, "--format", "json")


def edit(checkout: Checkout, path: str, change: Callable[[Any], None]) -> None:
    """Change a stored document of the registry past the reconciler."""
    stored = checkout.vault("GET", f"registry/data/{path}")["data"]
    document = json.loads(stored["data"]["doc"])
    change(document)
    body = {
        "options": {"cas": stored["metadata"]["version"]},
        "data": {"doc": json.dumps(document)},
    }
    checkout.vault("POST", f"registry/data/{path}", body)


def time_goes_by(checkout: Checkout) -> None:
    """The lease and the open runs of a dead run, as they are found some minutes later."""

    def earlier(name: str) -> Callable[[Any], None]:
        return lambda document: document.update({name: iso(parse_iso(document[name]) - LONG_AGO)})

    if checkout.vault("GET", "registry/data/lease"):
        edit(checkout, "lease", earlier("until"))
    runs = checkout.vault("LIST", "registry/metadata/runs/")
    for name in runs["data"]["keys"] if runs else ():
        edit(checkout, f"runs/{name}", earlier("started_at"))


def _applied(checkout: Checkout, url: str, **spec: Any) -> None:
    checkout.hooked(PARTNER, url, **spec)
    checkout.client(OTHER)
    checkout.commit()
    checkout.apply().ok()


def _new(checkout: Checkout, url: str) -> None:
    checkout.client(OTHER)
    checkout.commit()
    checkout.apply().ok()
    checkout.hooked(PARTNER, url, keys=[{"name": "primary"}, {"name": "batch"}])
    checkout.client("third")


def _due(checkout: Checkout, url: str) -> None:
    """An hour before the key expires, a month ahead is declared to be early enough."""
    _applied(
        checkout,
        url,
        keys=[{"name": "primary", "lifetime": "1h", "rotation": {"renewBefore": "5m"}}],
    )
    checkout.hooked(
        PARTNER,
        url,
        keys=[{"name": "primary", "lifetime": "90d", "rotation": {"renewBefore": "30d"}}],
    )
    assert "rotate-key" in {kind for kind, _, _ in checkout.actions()}


def _graced(checkout: Checkout, url: str) -> None:
    _applied(
        checkout, url, keys=[{"name": "primary", "lifetime": "90d", "rotation": {"grace": "1s"}}]
    )
    checkout.run("rotate", "-e", checkout.environment, PARTNER, "--reason", "test").ok()
    until(lambda: "revoke-key" in {kind for kind, _, _ in checkout.actions()})


def _renamed(checkout: Checkout, url: str) -> None:
    _applied(checkout, url)
    checkout.remove(PARTNER)
    checkout.hooked("partner-two", url, metadata={"renamedFrom": PARTNER}, scopes=["ledger:read"])


def _retired(checkout: Checkout, url: str) -> None:
    _applied(checkout, url)
    checkout.hooked(PARTNER, url, state="retired")


def _removed(checkout: Checkout, url: str) -> None:
    _applied(checkout, url)
    checkout.remove(PARTNER)


def _suspended(checkout: Checkout, url: str) -> None:
    _applied(checkout, url)
    checkout.hooked(PARTNER, url, state="suspended")


def _undeclared_key(checkout: Checkout, url: str) -> None:
    _applied(checkout, url, keys=[{"name": "primary"}, {"name": "batch"}])
    checkout.hooked(PARTNER, url, scopes=["ledger:read"])


def _edited(checkout: Checkout, url: str) -> None:
    _applied(checkout, url)
    edit(
        checkout,
        checkout.bucket(PARTNER),
        lambda one: one["clients"][PARTNER]["spec"].update(scopes=["*"]),
    )


def _overwritten(checkout: Checkout, url: str) -> None:
    _applied(checkout, url)
    other = {"options": {"cas": 1}, "data": {"value": "by-hand-and-never-adopted"}}
    checkout.vault("POST", "secrets/data/keys/partner.primary", other)


def _unreported(checkout: Checkout, url: str) -> None:
    """An earlier run changed something and never told."""
    _applied(checkout, url)
    checkout.hooked(PARTNER, url, scopes=["ledger:read"])
    checkout.apply("--no-commit").ok()
    checkout.client(OTHER, scopes=["ledger:read"])


def _saved(checkout: Checkout, url: str) -> None:
    """The plan comes from a file, which one run may use once."""
    _applied(checkout, url)
    checkout.hooked(PARTNER, url, keys=[{"name": "primary"}, {"name": "batch"}])
    checkout.plan("--out", "plan.json").ok()


def _first(checkout: Checkout, _url: str) -> None:
    """Nothing was ever applied: there is no audit directory."""
    checkout.client(OTHER)


ROTATE = ("rotate", PARTNER, "--reason", "test")
REVOKE = ("revoke", PARTNER, "--reason", "compromise")
BOTH = (PARTNER, OTHER)
FIRST = Story(_first, live=())
UNREPORTED = Story(_unreported, live=BOTH)
STORIES = {
    "issue": Story(_new),
    "renew": Story(_due, live=BOTH),
    "rotate": Story(_applied, ROTATE, BOTH),
    "grace over": Story(_graced, live=BOTH),
    "revoke": Story(_applied, REVOKE),
    "rename": Story(_renamed, live=BOTH),
    "retire": Story(_retired),
    "remove": Story(_removed),
    "suspend": Story(_suspended),
    "key removed": Story(_undeclared_key, live=BOTH),
    "record edited": Story(_edited, live=BOTH),
    "secret overwritten": Story(_overwritten),
    "saved plan": Story(_saved, ("apply", "plan.json"), BOTH),
    "earlier run unreported": UNREPORTED,
}
