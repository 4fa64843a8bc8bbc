"""The result of a run as text and JSON, and its audit report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from reconciler.domain.live.record import ClientStatus
from reconciler.domain.plan.plan import Outcome, OutcomeStatus
from reconciler.errors import AuditError
from reconciler.report.run.audit import audit_files, audit_json
from reconciler.report.run.audit_markdown import audit_markdown
from reconciler.report.run.report import run_json, run_text
from tests.report.samples import ACTIONS, HOSTILE, hostile_plan, record, records, run_result

Golden = Callable[[str, str], None]


def test_text(golden: Golden) -> None:
    golden("run.txt", run_text(run_result()))


def test_text_of_a_run_that_went_well(golden: Golden) -> None:
    outcomes = tuple(
        outcome for outcome in run_result().outcomes if outcome.status is OutcomeStatus.DONE
    )
    golden(
        "run-complete.txt",
        run_text(replace(run_result(), outcomes=outcomes, recovered=()), colour=True),
    )


def test_text_of_a_run_that_was_interrupted(golden: Golden) -> None:
    golden(
        "run-interrupted.txt", run_text(replace(run_result(), interrupted=True, audit_commit=None))
    )


def test_text_of_a_run_with_nothing_to_do(golden: Golden) -> None:
    golden(
        "run-nothing.txt",
        run_text(replace(run_result(), outcomes=(), audit_path=None, recovered=())),
    )


def test_json(golden: Golden) -> None:
    golden("run.json", run_json(run_result()))


@pytest.mark.parametrize(("accepted", "word"), [(True, "yes"), (False, "no")])
def test_a_delivery_was_accepted_or_not(accepted: bool, word: str) -> None:
    """In a report of a run, where an auditor looks."""
    result = run_result()
    told = [
        replace(one, detail={**one.detail, "accepted": accepted})
        if "delivery" in one.detail
        else one
        for one in result.outcomes
    ]
    text = audit_markdown(replace(result, outcomes=tuple(told)), records())
    assert [line.split("|")[3].strip() for line in text.splitlines() if "msg&#95;" in line] == [
        word
    ]


def test_the_contract() -> None:
    document = json.loads(run_json(run_result()))
    assert document.keys() >= {"format_version", "kind", "run_id", "environment", "plan_digest", "started_at",
                               "finished_at", "outcomes", "summary", "audit"}  # fmt: skip
    assert document["kind"] == "run"
    assert document["summary"] == {"done": 3, "failed": 1, "skipped": 1}
    assert document["audit"].keys() == {"path", "commit"}
    for outcome in document["outcomes"]:
        assert outcome.keys() >= {"address", "kind", "status", "message"}


def test_audit_json(golden: Golden) -> None:
    golden("audit.json", audit_json(run_result(), records()))


def test_audit_markdown(golden: Golden) -> None:
    golden("audit.md", audit_markdown(run_result(), records()))


def test_audit_of_a_run_that_another_one_reported(golden: Golden) -> None:
    earlier = replace(
        run_result(), recovered_by="20261124t080000z-cccccc", interrupted=True, plan_digest=""
    )
    golden("audit-recovered.md", audit_markdown(earlier, {}))


def test_the_audit_report_knows_deliveries_and_revocations() -> None:
    document = json.loads(audit_json(run_result(), records()))
    assert [(sent["address"], sent["status"]) for sent in document["deliveries"]] == [
        ("client/paystack-payouts/webhook/settlements", 500)
    ]
    assert [(ended["address"], ended["version"]) for ended in document["revocations"]] == [
        ("client/legacy-erp/key/primary", 2)
    ]
    touched = {outcome["client"] for outcome in document["outcomes"]}
    assert {client["name"] for client in document["clients"]} == touched
    assert document["registry"]["clients"] == len(records()) > len(touched)


def test_the_version_of_an_issued_key_is_the_one_that_was_claimed() -> None:
    issued = json.loads(run_json(run_result()))["outcomes"][2]
    assert (issued["kind"], issued["version"]) == ("issue-key", 1)


def test_audit_files_lie_below_the_environment() -> None:
    folder = PurePosixPath("evidence/production")
    run_id = run_result().run_id
    assert dict(audit_files("evidence", run_result(), records())).keys() == {
        folder / f"{run_id}.json",
        folder / f"{run_id}.md",
    }


@pytest.mark.parametrize("run_id", ["", "../../x", "a/b", "a.b", "a\nb", "x" * 129, "ä"])
def test_a_run_id_that_leaves_the_folder_is_refused(run_id: str) -> None:
    """The id of an earlier run comes from Vault, where a person may have written it."""
    with pytest.raises(AuditError) as caught:
        dict(audit_files("audit", replace(run_result(), run_id=run_id), {}))
    assert caught.value.code == "RC620"


def test_foreign_strings_cannot_act(golden: Golden) -> None:
    outcome = Outcome(
        hostile_plan().actions[0],
        OutcomeStatus.FAILED,
        HOSTILE,
        {"url": HOSTILE, "delivery": HOSTILE},
    )
    result = replace(
        run_result(),
        actor=HOSTILE,
        command=HOSTILE,
        project=HOSTILE,
        outcomes=(outcome,),
        git_commit=None,
        dirty=(HOSTILE,),
        rollback_from=HOSTILE,
    )
    hostile = {
        "x": record("x", spec={"scopes": [HOSTILE], "webhooks": {}}, status=ClientStatus.PENDING)
    }
    assert "\x1b" not in run_text(result)
    assert audit_json(result, hostile).isascii()
    golden("audit-hostile.md", audit_markdown(result, hostile))


def test_a_run_is_complete_when_everything_was_done() -> None:
    assert not run_result().complete
    assert not replace(run_result(), outcomes=(), interrupted=True).complete
    assert replace(
        run_result(), outcomes=(Outcome(ACTIONS[0], OutcomeStatus.DONE, "done"),)
    ).complete
