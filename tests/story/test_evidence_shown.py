"""A client comes, rotates and loses its key; then what the log tells of it, and the pack that an
auditor gets: from the reports that the program really writes."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from reconciler.evidence.history.reports import ReportedClient, ReportedRun
from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.kit.webhooks.receivers import answers, receiving

KEY = "client/partner/key/primary"


def show(checkout: Checkout, *arguments: str) -> Any:
    command = ("audit", "show", "-e", checkout.environment, "--format", "json")
    return checkout.run(*command, *arguments, token="none").ok().json


def table(pack: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((pack / f"{name}.csv").read_text(encoding="utf-8"))))


def test_what_happened_is_shown_exported_and_verified_by_others(
    checkout: Checkout, tmp_path: Path
) -> None:
    where = ("-e", checkout.environment)
    with receiving(answers(204)) as receiver:
        checkout.hooked("partner", receiver.url)
        git(checkout.root, "add", "--all")
        message = "Declare partner (#7)\n\nApproved-by: Grace Hopper <grace@example.com>"
        git(checkout.root, "commit", "--quiet", "-m", message)
        checkout.apply().ok()
        checkout.run("rotate", *where, "partner/primary", "--reason", "asked for").ok()
        both = show(checkout, "--at", last_change(checkout))
        checkout.run("revoke", *where, "partner/primary", "--reason", "leaked").ok()

    entries = show(checkout)["entries"]
    assert [one["command"] for one in entries] == ["apply", "rotate", "revoke"]
    assert entries[0]["requests"] == ["7"]
    assert entries[0]["approved_by"] == ["Grace Hopper <grace@example.com>"]
    assert all(one["actor"] == "Ada Auditor <ada@example.com>" for one in entries)
    assert all(one["reports"][0]["state"] == "there" for one in entries)
    whys = [change["why"] for one in entries for change in one["changes"]]
    assert all(whys)
    assert any("leaked" in why for why in whys)

    keys = [one for one in both["versions"] if one["address"] == KEY]
    recorded = {one["version"]: one for one in checkout.status("partner")["keys"][0]["versions"]}
    assert [(one["version"], one["state"]) for one in keys] == [(1, "retiring"), (2, "active")]
    for one in keys:
        known = recorded[one["version"]]
        assert {name: one[name] for name in ("id", "sha256", "issued_at", "expires_at")} == {
            name: known[name] for name in ("id", "sha256", "issued_at", "expires_at")
        }
    assert [one["address"] for one in show(checkout, "--at", "2100-01-01")["versions"]] == [
        "client/partner/webhook/settlements/secret"
    ]

    pack = tmp_path / "pack"
    checkout.run("audit", "export", *where, "--out", str(pack), token="none").ok()
    [revoked, other] = table(pack, "revocations")
    assert {revoked["Id"], other["Id"]} == {one["id"] for one in recorded.values()}
    assert all(row["Destroyed"] for row in (revoked, other))
    [access] = table(pack, "access")
    assert (access["Status"], access["Scopes"]) == ("suspended", "payouts:write")
    assert access["Owner"] == "payments (payments@example.com)"
    assert [row["Proven"] for row in table(pack, "deliveries")] == ["yes"]
    for command in re.findall(
        r"^```sh\n(.*?)^```$", (pack / "README.md").read_text(), re.MULTILINE | re.DOTALL
    ):
        ran = subprocess.run(
            ["sh", "-e", "-c", command], cwd=pack, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
    pinned = checkout.run("audit", "key", *where).ok().out.strip()
    assert pinned in (pack / "README.md").read_text()
    ran = subprocess.run(
        ["node", "verify.mjs", f"audit/{checkout.environment}/log", pinned],
        cwd=pack,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.startswith("3 entries of "), ran.stderr


def last_change(checkout: Checkout) -> str:
    return str(show(checkout)["entries"][-1]["changes"][-1]["at"])


def test_everything_that_history_reads_of_a_report_is_in_one(checkout: Checkout) -> None:
    """The names that are read are those that are written, so that a default never hides a
    rename."""
    with receiving(answers(204)) as receiver:
        checkout.hooked("partner", receiver.url)
        checkout.apply().ok()
    [path] = (checkout.root / "audit" / checkout.environment).glob("*.json")
    report = json.loads(path.read_text())
    assert {*ReportedRun.__struct_fields__} <= {*report}
    assert {*ReportedClient.__struct_fields__} - {"credentials"} <= {*report["clients"][0]}
    outcome = report["outcomes"][0]
    for name in ("address", "kind", "status", "message", "client", "version", "reason", "why"):
        assert name in outcome
    client = report["clients"][0]
    for name in ("name", "path", "url", "verified_at", "last_delivery", "secrets", "failures"):
        assert name in client["webhooks"][0]
    assert {"name", "path", "versions"} <= {*client["keys"][0]}
