"""Bootstrap through the command line, and spreading the registry over another number of buckets."""

from __future__ import annotations

from tests.kit.checkout import Checkout


def bootstrap(checkout: Checkout, *arguments: str) -> list[str]:
    ran = checkout.run("bootstrap", "-e", checkout.environment, "--format", "json", *arguments, role="root").ok()
    return [step["did"] for step in ran.json["steps"]]


def test_bootstrap_again_changes_nothing(checkout: Checkout) -> None:
    assert set(bootstrap(checkout)) == {"unchanged"}


def test_the_registry_is_spread_anew_and_nothing_else_changes(checkout: Checkout) -> None:
    for name in ("partner", "other", "third"):
        checkout.client(name)
    checkout.apply().ok()
    keys = {name: checkout.status(name)["keys"] for name in ("partner", "other", "third")}
    assert bootstrap(checkout, "--buckets", "256")[-1] == "updated"
    assert {name: checkout.status(name)["keys"] for name in keys} == keys
    checkout.assert_quiet()
    assert set(bootstrap(checkout, "--buckets", "256")) == {"unchanged"}
    checkout.remove("other")
    checkout.client("renamed", metadata={"renamedFrom": "other"})  # leaves an empty bucket behind
    checkout.client("fourth")
    checkout.apply().ok()
    assert bootstrap(checkout, "--buckets", "16")[-1] == "updated"  # and back, over the markers
    checkout.assert_quiet()
    assert checkout.versions("fourth") == {1: "active"}
