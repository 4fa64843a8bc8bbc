"""The command line as people type it: options in any place, a client by its name, a time that is
over."""

from __future__ import annotations

import re

import pytest

from tests.kit.git.checkout import Checkout


@pytest.fixture
def two(checkout: Checkout) -> Checkout:
    checkout.client("one")
    checkout.client("two", scopes=["x:read"])
    return checkout


def test_global_options_stand_before_or_behind_the_command(
    two: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ("-e", two.environment)
    two.apply().ok()
    plain = two.run("plan", *where, "--base", "HEAD").ok()
    quiet = two.run("plan", *where, "--base", "HEAD", "-q").ok()
    before = two.run("-q", "plan", *where, "--base", "HEAD").ok()
    # The first line has the time of the plan.
    assert plain.out.splitlines()[1:] == quiet.out.splitlines()[1:] == before.out.splitlines()[1:]
    assert quiet.err == before.err == ""
    two.client("two", keys=[{"name": f"k{number}", "lifetime": "90d"} for number in range(9)])
    verbose = two.run("plan", *where, "-qv").ok().out
    assert "(-v shows" in two.run("plan", *where, "--quiet").ok().out
    assert "(-v shows" not in verbose
    monkeypatch.chdir("/")
    assert two.run("status", *where, "--project", str(two.root), "one").ok().out
    assert two.run("plan", *where, f"--project={two.root}", "--no-color").ok().out
    missing = two.run("status", *where, "--project", "/nowhere-at-all", "--format", "json")
    assert missing.code != 0
    assert two.run("gitlab", "issue", *where, "-q", "--nonsense").code == 64


def test_what_looks_like_a_global_option_may_be_a_value(two: Checkout) -> None:
    two.apply().ok()
    ran = two.run("rotate", "-e", two.environment, "one", "--reason=-q", "--format", "json").ok()
    assert ran.json["outcomes"]
    assert two.versions("one") == {1: "retiring", 2: "active"}


def test_plan_takes_clients_by_name_as_status_does(two: Checkout) -> None:
    assert {action["client"] for action in two.plan("one").ok().json["actions"]} == {"one"}
    assert {
        action["client"] for action in two.plan("one", "--only", "two").ok().json["actions"]
    } == {"one", "two"}
    unknown = two.plan("ome")
    assert (unknown.code, unknown.json["code"], unknown.json["remedy"]) == (
        64,
        "RC007",
        "did you mean one?",
    )
    assert two.plan("plan.json").json["message"] == "'plan.json' is not a client's name"


def test_apply_with_a_client_where_a_plan_is_expected_says_how_it_is_written(two: Checkout) -> None:
    ran = two.apply("one")
    assert (ran.code, ran.json["code"]) == (64, "RC005")
    assert ran.json["remedy"].endswith("to apply what one client needs, say --only one")


def test_two_shards_together_are_everything(two: Checkout) -> None:
    """Each of them does its part, and leaves the other's alone."""
    names = {"one", "two", *(f"c{number}" for number in range(8))}
    for name in sorted(names):
        two.client(name)
    assert {action["client"] for action in two.plan().ok().json["actions"]} == names
    done = []
    for shard in ("1/2", "2/2"):
        outcomes = two.apply("--shard", shard).ok().json["outcomes"]
        done.append({one["address"].split("/")[1] for one in outcomes})
    assert done[0]
    assert done[1]
    assert done[0] | done[1] == names
    assert done[0] & done[1] == set()
    assert all(two.versions(name) == {1: "active"} for name in names)
    two.assert_quiet()


def test_a_time_in_the_past_is_refused(two: Checkout) -> None:
    two.apply().ok()
    ran = two.plan("--at", "2020-01-01T00:00:00Z")
    assert (ran.code, ran.json["code"]) == (64, "RC060")
    assert re.fullmatch(
        r"--at 2020-01-01T00:00:00Z is in the past: it is 2\d\d\d-\S+Z by the server's time",
        ran.json["message"],
    )
    assert two.plan("--at", "2999-01-01T00:00:00Z").ok().json["actions"]


def test_the_two_counts_of_clients_agree_and_leave_out_who_was_retired(two: Checkout) -> None:
    two.client("three", keys=[{"name": "primary", "lifetime": "90d"}])
    two.apply().ok()
    two.client("three", state="retired")
    two.apply().ok()
    two.remove("three")
    plan = two.plan().ok().json
    assert (plan["unchanged"], plan["summary"]["no_op"]) == (2, 2), (
        "nobody declares the third one any more"
    )
    two.client("two", scopes=["y:read"])
    plan = two.plan().ok().json
    text = two.run("plan", "-e", two.environment).ok().out
    assert plan["summary"]["no_op"] == 1
    assert text.rstrip().endswith("1 client unchanged.")
