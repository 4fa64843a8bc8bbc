"""Everything that is left unfinished is shown by `status` and `plan`, and one apply settles what
can be settled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.vault.http.adapter import VaultAdapter
from reconciler.domain.plan.unfinished import UnfinishedKind
from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git

SETTLED_BY_TIME_OR_A_PERSON = {"retiring-version", "hold"}


class Killed(BaseException):
    """The command ends here, as far as it can be ended inside this process."""


def killed_at(checkout: Checkout, part: str, *arguments: str) -> None:
    """An apply that dies before it sends the write whose URL or body has ``part``."""
    request = VaultAdapter.request

    def cut(self: VaultAdapter, method: str, url: str, **kwargs: Any) -> Any:
        if method.upper() != "GET" and part in f"{url} {kwargs.get('json')}":
            raise Killed
        return request(self, method, url, **kwargs)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(VaultAdapter, "request", cut)
        with pytest.raises(Killed):
            checkout.apply(*arguments)


def shown(checkout: Checkout, *command: str) -> dict[str, list[dict[str, str]]]:
    """The unfinished business that a command shows, by kind."""
    found: dict[str, list[dict[str, str]]] = {}
    for one in (
        checkout.run(*command, "-e", checkout.environment, "--format", "json")
        .ok()
        .json["unfinished"]
    ):
        found.setdefault(one["kind"], []).append(one)
    return found


@pytest.fixture
def unfinished(checkout: Checkout, remote: Path) -> Checkout:
    """One of every kind."""
    for name in ("rotated", "held", "gone", "before", "edited"):
        checkout.client(name)
    checkout.commit()
    checkout.apply("--push").ok()
    checkout.run("rotate", "-e", checkout.environment, "rotated", "--reason", "laptop lost").ok()
    checkout.run("revoke", "-e", checkout.environment, "held", "--reason", "compromise").ok()
    checkout.remove("gone")
    killed_at(checkout, "/destroy/", "--only", "gone")
    checkout.client("claimed")
    killed_at(checkout, "/keys/claimed.primary", "--only", "claimed")
    checkout.remove("before")
    checkout.client("after", metadata={"renamedFrom": "before"})
    killed_at(checkout, ".moved0", "--only", "after")
    checkout.client("edited", scopes=["ledger:read"])
    checkout.apply("--only", "edited", "--no-commit").ok()
    assert git(remote, "rev-list", "--count", "main") != git(
        checkout.root, "rev-list", "--count", "main"
    )
    return checkout


def test_every_kind_is_shown_and_one_apply_settles_it(unfinished: Checkout) -> None:
    checkout = unfinished
    for command in ("status", "plan"):
        found = shown(checkout, command)
        assert found.keys() == {kind.value for kind in UnfinishedKind}
        [claim] = found["stale-claim"]
        assert (claim["address"], claim["next"]) == (
            "client/claimed/key/primary",
            "the next apply abandons it",
        )
        [destroyed] = found["not-destroyed"]
        assert (destroyed["address"], destroyed["next"]) == (
            "client/gone/key/primary",
            "the next apply destroys it",
        )
        [retiring] = found["retiring-version"]
        assert retiring["address"] == "client/rotated/key/primary"
        assert "version 1 is retiring and valid until" in retiring["message"]
        [hold] = found["hold"]
        assert "reissueAfter: 1" in hold["next"]
        assert [one["address"] for one in found["rename"]] == ["client/before"]
        assert len(found["open-run"]) == 4
        [ended] = [one for one in found["open-run"] if "cut short" not in one["message"]]
        assert ended["next"] == "the next apply commits its report"
        [report] = found["uncommitted-report"]
        assert report["path"] == f"audit/{checkout.environment}/{ended['run_id']}.json"
        assert report["next"].startswith("the next apply commits it if it is what the history says")
        assert found["unpushed-report"][0]["next"] == "the next apply --push pushes them"
        text = checkout.run(command, "-e", checkout.environment).ok().out
        assert "Unfinished (11 items):" in text
    assert checkout.secret("keys/gone.primary", 1)
    checkout.apply("--push").ok()
    for command in ("status", "plan"):
        assert shown(checkout, command).keys() == SETTLED_BY_TIME_OR_A_PERSON
    assert checkout.secret("keys/gone.primary", 1) is None
    checkout.assert_quiet()
    quiet = checkout.run("plan", "-e", checkout.environment).ok().out
    assert "No changes" in quiet
    assert "Unfinished (2 items):" in quiet
    comment = checkout.run("plan", "-e", checkout.environment, "--format", "markdown").ok().out
    assert "Unfinished (2 items)" in comment


def test_what_a_plan_leaves_alone_is_said(unfinished: Checkout) -> None:
    found = shown(unfinished, "plan", "--only", "edited")
    assert {one["next"] for one in (*found["stale-claim"], *found["not-destroyed"])} == {
        "this plan leaves it as it is"
    }
    assert (
        "unfinished"
        in unfinished.run("status", "-e", unfinished.environment, "held", "--format", "json")
        .ok()
        .json
    )
    narrow = shown(unfinished, "status", "held")
    assert {"stale-claim", "retiring-version", "rename"}.isdisjoint(narrow)
    assert narrow["hold"]


def test_a_saved_plan_keeps_what_was_unfinished(unfinished: Checkout) -> None:
    unfinished.plan("--out", "plan.json").ok()
    told = unfinished.run("show", "plan.json").ok().out
    assert "Unfinished (11 items):" in told


def test_a_report_that_somebody_changed_or_removed_is_shown(checkout: Checkout) -> None:
    for scope in ("payouts:write", "ledger:read"):
        checkout.client("partner", scopes=[scope])
        checkout.apply().ok()
    first, second = sorted((checkout.root / f"audit/{checkout.environment}").glob("*.json"))
    first.write_text("{}")
    second.unlink()
    found = shown(checkout, "status")["uncommitted-report"]
    assert [Path(one["path"]).name for one in found] == [first.name, second.name]
    assert "was changed after it was committed" in found[0]["message"]
    assert "git restore" in found[1]["next"]


def test_a_claim_of_a_client_that_is_renamed_is_settled_under_its_new_name(
    checkout: Checkout,
) -> None:
    checkout.client("stays")
    checkout.client("before")
    checkout.apply().ok()
    checkout.client("before", keys=[{"name": "primary"}, {"name": "second"}])
    killed_at(checkout, "/keys/before.second")
    checkout.remove("before")
    keys = [{"name": "primary"}, {"name": "second"}]
    checkout.client("after", metadata={"renamedFrom": "before"}, keys=keys)
    [claim] = shown(checkout, "plan")["stale-claim"]
    assert (claim["address"], claim["next"]) == (
        "client/before/key/second",
        "the next apply abandons it",
    )
    checkout.apply().ok()
    assert shown(checkout, "plan") == {}


def test_a_hold_that_the_declaration_ends_says_so(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    checkout.run("revoke", "-e", checkout.environment, "partner", "--reason", "compromise").ok()
    [hold] = shown(checkout, "plan")["hold"]
    assert hold["next"].endswith("reissueAfter: 1")
    checkout.client("partner", keys=[{"name": "primary", "reissueAfter": 1}])
    [hold] = shown(checkout, "plan")["hold"]
    assert hold["next"] == "the next apply issues a new version, as declared"
    checkout.apply().ok()
    assert shown(checkout, "plan") == {}
