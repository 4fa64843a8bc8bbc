"""The report of a run is right whatever became of it: not committed, not pushed, made elsewhere,
cut short."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.vault.http.adapter import VaultAdapter
from reconciler.cli.output import Settings, say
from reconciler.domain.values.canonical import digest
from reconciler.errors import VaultUnreachable
from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import add_hook, commit_file, git
from tests.kit.webhooks.receivers import answers, receiving

DEAD = "http://127.0.0.1:1/"


def report(checkout: Checkout, run_id: str) -> Any:
    return json.loads((checkout.root / f"audit/{checkout.environment}/{run_id}.json").read_text())


def open_runs(checkout: Checkout) -> list[str]:
    status = checkout.run("status", "-e", checkout.environment, "--format", "json").ok().json
    return [run["run_id"] for run in status["open_runs"]]


def in_part(checkout: Checkout, *arguments: str) -> Any:
    """One client that is done and one whose webhook does not answer: done, failed and skipped
    outcomes."""
    checkout.client("good")
    checkout.hooked("bad", DEAD)
    checkout.commit()
    ran = checkout.apply(*arguments)
    assert ran.code == 5, ran.err
    assert all(ran.json["summary"].values())
    return ran.json


def mended(checkout: Checkout) -> None:
    """Nothing of the failed client is left to be tried again.

    Not committed: that would commit the reports too.
    """
    checkout.client("bad")


def no_commit(checkout: Checkout) -> Any:
    return in_part(checkout, "--no-commit")


def hook_refuses(checkout: Checkout) -> Any:
    add_hook(
        checkout.root,
        "pre-commit",
        "git diff --cached --name-only | grep -q ^audit/ && exit 1; exit 0",
    )
    result = in_part(checkout)
    (checkout.root / ".git/hooks/pre-commit").unlink()
    return result


@pytest.mark.parametrize("uncommitted", [no_commit, hook_refuses])
def test_a_report_that_is_there_is_committed_as_it_is(
    checkout: Checkout, uncommitted: Callable[[Checkout], Any]
) -> None:
    first = uncommitted(checkout)
    written = report(checkout, first["run_id"])
    assert (written["interrupted"], written["recovered_by"]) == (False, None)
    mended(checkout)
    again = checkout.apply()
    assert again.json["recovered"] == [first["run_id"]]
    assert report(checkout, first["run_id"]) == written
    assert f"{first['run_id']}.json" in git(
        checkout.root, "show", "--name-only", "--format=", "HEAD"
    )
    assert open_runs(checkout) == []


def test_a_report_of_some_other_run_under_its_name_is_not_taken_for_it(checkout: Checkout) -> None:
    first = in_part(checkout, "--no-commit")
    path = checkout.root / first["audit"]["path"]
    right = report(checkout, first["run_id"])
    path.write_text(path.read_text().replace(first["run_id"], f"{first['run_id'][:-4]}0000"))
    mended(checkout)
    checkout.apply()
    assert report(checkout, first["run_id"])["outcomes"] == right["outcomes"]


def test_a_report_in_the_last_commit_is_not_written_again(checkout: Checkout) -> None:
    """Killed between the commit and the word to the registry; then somebody removed the file."""
    first = in_part(checkout, "--no-commit")
    written = report(checkout, first["run_id"])
    checkout.commit()
    (checkout.root / first["audit"]["path"]).unlink()
    mended(checkout)
    checkout.apply()
    assert report(checkout, first["run_id"]) == written
    assert open_runs(checkout) == []


def test_a_report_made_in_another_checkout_tells_the_same(
    checkout: Checkout, tmp_path: Path
) -> None:
    """An ephemeral workspace of CI is gone, its run is told by the next one from the registry."""
    shutil.copytree(checkout.root, tmp_path / "ephemeral")
    away = replace(checkout, root=tmp_path / "ephemeral")
    first = in_part(away, "--no-commit")
    direct = report(away, first["run_id"])
    git(checkout.root, "pull", "--quiet", str(away.root), "HEAD")
    checkout.client("later")
    checkout.commit()
    second = checkout.apply("--only", "later").ok().json
    folded = report(checkout, first["run_id"])
    assert folded["recovered_by"] == second["run_id"]
    assert {**folded, "recovered_by": None, "registry": None, "clients": None} == {
        **direct, "registry": None, "clients": None,
    }  # fmt: skip
    assert open_runs(checkout) == []


@pytest.fixture
def unpushed(checkout: Checkout, remote: Path) -> Any:
    """A run that committed its report, which the remote refused until now."""
    checkout.client("partner")
    checkout.commit()
    git(checkout.root, "push", "--quiet")
    add_hook(remote, "pre-receive", "exit 1")
    refused = checkout.apply("--push")
    assert refused.code == 1
    assert "RC615" in refused.err
    assert refused.json["audit"]["commit"] == git(checkout.root, "rev-parse", "HEAD")
    assert open_runs(checkout) == [refused.json["run_id"]]
    (remote / "hooks/pre-receive").unlink()
    return refused.json


def test_a_run_whose_push_failed_is_pushed_and_closed_by_a_later_one(
    checkout: Checkout, remote: Path, unpushed: Any
) -> None:
    quiet = checkout.apply("--push").ok()
    assert (quiet.json["outcomes"], quiet.json["recovered"]) == ([], [unpushed["run_id"]])
    assert git(remote, "rev-parse", "main") == unpushed["audit"]["commit"]
    assert open_runs(checkout) == []


def test_a_report_that_was_not_pushed_from_a_workspace_that_is_gone_is_there_again(
    checkout: Checkout, remote: Path, unpushed: Any, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", str(remote), "another")
    another = replace(checkout, root=tmp_path / "another")
    direct = report(checkout, unpushed["run_id"])
    another.apply("--push").ok()
    git(checkout.root, "fetch", "--quiet")
    pushed = json.loads(git(checkout.root, "show", f"origin/main:{unpushed['audit']['path']}"))
    assert pushed == direct  # the bytes that the run stored in the registry
    assert open_runs(checkout) == []


def test_a_run_without_anything_to_do_pushes_nobody_s_work(
    checkout: Checkout, remote: Path
) -> None:
    before = git(remote, "rev-parse", "main")
    commit_file(checkout.root, "notes.txt", "mine")
    checkout.apply("--push").ok()
    assert git(remote, "rev-parse", "main") == before


def test_a_run_says_which_earlier_reports_it_committed(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.commit()
    first = checkout.apply("--no-commit").ok().json
    told = checkout.run("apply", "-e", checkout.environment, "--yes").ok().out
    assert f"The report of run {first['run_id']} is committed too." in told
    assert "No audit report was written" not in told


def test_only_the_clients_of_a_run_are_in_its_report(checkout: Checkout) -> None:
    checkout.client("one")
    checkout.client("two")
    checkout.apply().ok()
    checkout.client("two", scopes=["ledger:read"])
    second = report(checkout, checkout.apply().ok().json["run_id"])
    assert [client["name"] for client in second["clients"]] == ["two"]
    status = checkout.run("status", "-e", checkout.environment, "--format", "json").ok().json
    assert second["registry"] == {"clients": 2, "digest": digest(status["clients"])}


def test_nothing_is_kept_of_runs_that_are_reported(checkout: Checkout) -> None:
    for scope in ("payouts:write", "ledger:read", "ledger:write"):
        checkout.client("partner", scopes=[scope])
        checkout.apply().ok()
    listing = checkout.vault("LIST", "registry/metadata/runs/")
    assert listing is None


def pressing(
    monkeypatch: pytest.MonkeyPatch, moment: Callable[[str, Any], bool], times: int = 1
) -> list[int]:
    """Ctrl-C, ``times`` times, right after the first request (URL and body) that ``moment`` is
    about."""
    pressed: list[int] = []
    heard = threading.Event()
    request = VaultAdapter.request

    def watched(self: VaultAdapter, method: str, url: str, **kwargs: Any) -> Any:
        answer = request(self, method, url, **kwargs)
        if not pressed and method != "GET" and moment(url, kwargs.get("json")):
            pressed.append(times)
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)
                assert heard.wait(60)
        return answer

    def hearing(settings: Settings, text: str) -> None:
        say(settings, text)
        if text.startswith("stopping"):
            heard.set()

    monkeypatch.setattr(VaultAdapter, "request", watched)
    monkeypatch.setattr("reconciler.cli.terminal.say", hearing)
    return pressed


def test_a_signal_during_the_last_action_interrupts_nothing(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.client("partner")
    checkout.commit()
    pressed = pressing(monkeypatch, lambda url, body: "/buckets/" in url and ".commit" in str(body))
    ran = checkout.apply()
    assert pressed
    assert ran.code == 0, ran.err
    assert ran.json["interrupted"] is False
    assert report(checkout, ran.json["run_id"])["interrupted"] is False


def test_a_signal_with_work_left_interrupts(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(answers(204)) as receiver:
        checkout.hooked("partner", receiver.url)
        checkout.commit()
        pressing(monkeypatch, lambda url, body: "secrets/data/keys/" in url)
        ran = checkout.apply()
    assert ran.code == 5
    assert ran.json["interrupted"] is True
    assert ran.json["summary"]["skipped"] > 0


def test_a_second_ctrl_c_says_what_is_left_open(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.client("partner")
    checkout.commit()
    pressing(monkeypatch, lambda url, body: "/buckets/" in url, times=2)
    ran = checkout.apply()
    assert ran.code == 130
    [run_id] = open_runs(checkout)
    assert f"run {run_id} is left open" in ran.err
    assert "the next apply" in ran.err


def test_a_report_is_written_though_vault_is_gone_by_then(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.project(lease={"ttl": "2s"})  # nobody gives it back
    checkout.client("partner")
    checkout.commit()
    request = VaultAdapter.request
    gone = threading.Event()

    def cut(self: VaultAdapter, method: str, url: str, **kwargs: Any) -> Any:
        if gone.is_set():
            raise VaultUnreachable("RC401", "nobody answers", "try again")
        answer = request(self, method, url, **kwargs)
        if ".commit" in str(kwargs.get("json")):
            gone.set()
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(VaultAdapter, "request", cut)
        ran = checkout.apply().ok()
    assert "nobody answers" in ran.err
    told = report(checkout, ran.json["run_id"])
    assert (told["interrupted"], told["summary"]["done"], told["clients"]) == (False, 3, None)
    assert ran.json["audit"]["commit"] == git(checkout.root, "rev-parse", "HEAD")
    assert open_runs(checkout) == [ran.json["run_id"]]
    checkout.client("another")
    checkout.apply().ok()
    assert open_runs(checkout) == []
    anew = report(checkout, ran.json["run_id"])  # Vault knows less of it, and is what counts
    assert anew["interrupted"]
    assert [(one["address"], one["kind"], one["status"]) for one in anew["outcomes"]] == [
        (one["address"], one["kind"], one["status"]) for one in told["outcomes"]
    ]


def changed_by_hand(path: Path, old: str, new: str) -> None:
    """In both files of a report."""
    for one in (path, path.with_suffix(".md")):
        assert old in one.read_text()
        one.write_text(one.read_text().replace(old, new))


def test_a_report_that_somebody_changed_is_made_anew_and_that_is_told(checkout: Checkout) -> None:
    checkout.client("partner")
    checkout.commit()
    checkout.apply().ok()
    rotate = ("rotate", "-e", checkout.environment, "partner", "--format", "json")
    first = checkout.run(*rotate, "--reason", "leaked", "--no-commit").ok().json
    path = checkout.root / first["audit"]["path"]
    right = report(checkout, first["run_id"])
    changed_by_hand(path, "leaked", "routine")
    ran = checkout.apply().ok()
    [finding] = ran.json["findings"]
    assert (finding["code"], finding["level"]) == ("RC631", "warning")
    assert first["run_id"] in finding["message"]
    committed = json.loads(git(checkout.root, "show", f"HEAD:{first['audit']['path']}"))
    assert (committed["outcomes"], committed["clients"]) == (right["outcomes"], right["clients"])
    assert "routine" not in git(checkout.root, "show", "HEAD")
    assert f"run {first['run_id']}, made anew" in git(checkout.root, "log", "-1", "--format=%B")
    assert checkout.apply().ok().json["findings"] == []


@pytest.mark.parametrize("field", ["clients", "registry", "finished_at", "actor", "deliveries"])
def test_no_field_of_a_report_is_believed(checkout: Checkout, field: str) -> None:
    first = in_part(checkout, "--no-commit")
    path = checkout.root / first["audit"]["path"]
    right = report(checkout, first["run_id"])
    wrong = {"finished_at": "2026-01-01T00:00:00Z", "actor": "Mallory"}.get(field)
    path.write_text(json.dumps({**right, field: wrong}, indent=2) + "\n")
    mended(checkout)
    ran = checkout.apply()
    assert [one["code"] for one in ran.json["findings"]] == ["RC631"]
    assert report(checkout, first["run_id"])[field] != wrong


def test_a_forged_report_of_a_run_that_was_cut_short_does_not_close_it(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Vault knows of it would be lost: its document goes once it is reported."""
    checkout.client("partner")
    checkout.commit()
    with monkeypatch.context() as patched:
        pressing(patched, lambda url, body: "/buckets/" in url and "applied" not in url, times=2)
        assert checkout.apply().code == 130
    [run_id] = open_runs(checkout)
    forged = {"format_version": 1, "kind": "audit", "environment": checkout.environment, "run_id": run_id,
              "outcomes": []}  # fmt: skip
    checkout.write(f"audit/{checkout.environment}/{run_id}.json", json.dumps(forged))
    checkout.write(f"audit/{checkout.environment}/{run_id}.md", "# Nothing happened\n")
    checkout.commit("forged, and even committed")
    ran = checkout.apply().ok()
    assert [one["code"] for one in ran.json["findings"]] == ["RC631"]
    told = json.loads(
        git(checkout.root, "show", f"HEAD:audit/{checkout.environment}/{run_id}.json")
    )
    assert told["outcomes"] != []
    assert "Nothing happened" not in git(
        checkout.root, "show", f"HEAD:audit/{checkout.environment}/{run_id}.md"
    )
    assert open_runs(checkout) == []


FORMATS = (
    "for file in $(git diff --cached --name-only -- audit);"
    ' do sed -i s/partner/partnerr/ "$file"; done\ngit add audit'
)


@pytest.mark.parametrize("how", ["hook", "filter"])
def test_evidence_that_is_rewritten_on_its_way_is_not_committed(
    checkout: Checkout, how: str
) -> None:
    checkout.client("partner")
    before = checkout.commit()
    if how == "hook":
        add_hook(checkout.root, "pre-commit", FORMATS)
    else:
        git(checkout.root, "config", "filter.mend.clean", "sed s/partner/partnerr/")
        (checkout.root / ".git/info/attributes").write_text("audit/** filter=mend\n")
    ran = checkout.apply()
    assert (ran.code, ran.json["problem"]["code"]) == (1, "RC632")
    assert git(checkout.root, "rev-parse", "HEAD") == before
    assert git(checkout.root, "diff", "--cached", "--name-only") == ""
    path = checkout.root / ran.json["audit"]["path"]
    assert "partnerr" not in path.read_text()
    assert open_runs(checkout) == [ran.json["run_id"]]
    if how == "hook":
        (checkout.root / ".git/hooks/pre-commit").unlink()
    else:
        (checkout.root / ".git/info/attributes").unlink()
    again = checkout.apply().ok()
    assert (again.json["recovered"], again.json["findings"]) == ([ran.json["run_id"]], [])
    assert (
        git(checkout.root, "show", f"HEAD:{ran.json['audit']['path']}") + "\n" == path.read_text()
    )


def test_a_report_that_is_committed_is_not_changed_by_a_later_run(checkout: Checkout) -> None:
    """Nobody knows its history any more: what somebody makes of it on disk stays there, and status
    tells."""
    checkout.client("partner")
    checkout.commit()
    path = checkout.root / checkout.apply().ok().json["audit"]["path"]
    changed_by_hand(path, "partner", "another")
    checkout.write(f"audit/{checkout.environment}/20260101t000000z-made-up.json", "{}")
    checkout.client("partner", scopes=["ledger:read"])
    second = checkout.apply().ok().json
    names = git(checkout.root, "show", "--name-only", "--format=", "HEAD").splitlines()
    log = f"audit/{checkout.environment}/log"
    assert names == [
        second["audit"]["path"],
        second["audit"]["path"].replace(".json", ".md"),
        f"{log}/00000002.json",
        f"{log}/checkpoint",
    ]
    assert "another" not in git(checkout.root, "show", f"HEAD:{path.relative_to(checkout.root)}")
    told = (
        checkout.run("status", "-e", checkout.environment, "--format", "json")
        .ok()
        .json["unfinished"]
    )
    assert {one["next"].partition(":")[0] for one in told} == {
        "no apply commits that", "no open run has this report",
    }  # fmt: skip
