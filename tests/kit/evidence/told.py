"""A log whose reports tell a whole story: a client comes, rotates, fails a delivery and loses its
key; the signing key changes; a report is erased. Everything that a person may write is ``words``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from reconciler.domain.values.canonical import iso
from reconciler.evidence.statement import LoggedEvent, LoggedFile, Statement
from reconciler.report.text.document import document
from tests.kit.evidence.logs import BEGAN, Log, sha256

ENVIRONMENT = "staging"
ADA = "Ada Lovelace <ada@example.com>"
EARLIER = "20260228t090000z-aaaa"  # made before the log
URL = "https://hooks.example.com/acme"
_LIFE = timedelta(days=90)


@dataclass
class Story:
    """The log, and the client ``acme`` as its reports tell it. ``words`` None: plain words."""

    words: str | None = None
    log: Log = field(default_factory=Log)
    versions: dict[int, dict[str, Any]] = field(default_factory=dict)
    status: str = "active"
    seq: int = 0

    def say(self, plain: str) -> str:
        return plain if self.words is None else self.words

    def issue(self, number: int, at: datetime, run: str) -> None:
        """A version is active from then on, and the one before it retires."""
        for former in self.versions.values():
            if former["state"] == "active":
                former |= {"state": "retiring", "grace_until": iso(at + timedelta(days=3))}
        self.versions[number] = {
            "version": number,
            "id": f"Id{number:010}",
            "state": "active",
            "sha256": sha256(f"key {number}".encode()),
            "reason": self.say("NotIssued"),
            "run": run,
            "issued_at": iso(at),
            "expires_at": iso(at + _LIFE),
        }

    def revoke(self, number: int, at: datetime) -> None:
        gone = {"revoked_at": iso(at), "destroyed_at": iso(at)}
        self.versions[number] |= {"state": "revoked", **gone}

    def client(self, delivery: Mapping[str, Any] | None) -> dict[str, Any]:
        """As ``status`` shows it."""
        at = self.log.clock
        secret: dict[str, Any] = {"id": "Id9000000000", "sha256": sha256(b"secret")}
        told = delivery or {"accepted": False}
        last = {"at": iso(at), "status": told.get("status"), "message": told.get("result", "")}
        secret |= {"version": 1, "state": "active", "reason": self.say("NotIssued"), "run": "r"}
        secret |= {"issued_at": iso(BEGAN), "expires_at": iso(BEGAN + _LIFE)}
        return {
            "name": "acme",
            "status": self.say(self.status),
            "scopes": [self.say("payouts:write")],
            "keys": [
                {
                    "name": "primary",
                    "path": "keys/acme.primary",
                    "versions": list(self.versions.values()),
                }
            ],
            "webhooks": [
                {
                    "name": "settlements",
                    "url": self.say(URL),
                    "path": "webhooks/acme.settlements",
                    "verified_at": iso(at),
                    "last_delivery": last if delivery else None,
                    "failing_since": None,
                    "failures": 0,
                    "secrets": [secret],
                }
            ],
        }

    def report(
        self,
        run: str,
        command: str,
        outcomes: Sequence[Mapping[str, Any]],
        deliveries: Sequence[Mapping[str, Any]] = (),
    ) -> LoggedFile:
        """The report of a run, among the files of the log."""
        text = document(
            "audit",
            {
                "run_id": run,
                "command": command,
                "actor": self.say(ADA),
                "git_commit": "c" * 40,
                "dirty": [self.say("clients/acme.yaml")],
                "started_at": iso(self.log.clock),
                "finished_at": iso(self.log.clock),
                "outcomes": list(outcomes),
                "deliveries": list(deliveries),
                "clients": [self.client(next(iter(deliveries), None))],
            },
        )
        name = f"audit/{ENVIRONMENT}/{run}.json"
        self.log.files[name] = text.encode()
        return LoggedFile(name, sha256(text.encode()))

    def outcome(
        self, kind: str, address: str, version: int | None = None, **detail: Any
    ) -> dict[str, Any]:
        """What the report says of one change that was done."""
        known = self.versions.get(version or 0, {})
        kept = {name: known[name] for name in ("id", "sha256", "expires_at") if name in known}
        return {
            "address": address,
            "kind": kind,
            "status": "done",
            "message": self.say("done"),
            "client": "acme",
            "version": version,
            "reason": self.say("Reason"),
            "why": self.say(f"why {kind} happened"),
            "detail": {**kept, **detail},
        }

    def run(
        self,
        command: str,
        outcomes: Sequence[Mapping[str, Any]],
        *,
        deliveries: Sequence[Mapping[str, Any]] = (),
        beside: Sequence[LoggedFile] = (),
        bases: Mapping[str, int] | None = None,
    ) -> Statement:
        """An entry with its report, and an event for each outcome."""
        run = f"202603{len(self.log.entries) + 1:02}t120000z-bbbb"
        files = sorted([self.report(run, command, outcomes, deliveries), *beside], key=_name)
        return self.log.add(
            run=run,
            command=command,
            commit="c" * 40,
            subjects=tuple(files),
            events=tuple(map(self._event, outcomes)),
            bases=dict(bases or {}),
        )

    def _event(self, outcome: Mapping[str, Any]) -> LoggedEvent:
        self.seq += 1
        return LoggedEvent(
            client="acme",
            record="acme",
            seq=self.seq,
            at=self.log.clock,
            kind=outcome["kind"],
            address=outcome["address"],
            reason=outcome["reason"],
            version=outcome["version"],
            digest=sha256(str(self.seq).encode()),
        )

    def days(self, count: int) -> None:
        self.log.clock += timedelta(days=count)


def _name(file: LoggedFile) -> str:
    return file.name


def make_story(words: str | None = None) -> Log:
    """The log of the whole story; its first entry is of 2026-03-01, its last of 2026-04-10.

    Entry 1 registers the client and vouches for a report from before the log, which issued key 1;
    3 rotates it (2 on 11 March); 4 is the successor of the signing key; 5 a delivery that failed,
    6 one that succeeded; 7 revokes key 1 on 21 March; 8 erases the report of entry 5; 9 is a
    heartbeat, 10 rotates to key 3.
    """
    story = Story(words)
    log, key = story.log, "client/acme/key/primary"
    story.issue(1, log.clock - timedelta(days=1), EARLIER)
    earlier = story.report(EARLIER, "apply", [story.outcome("issue-key", key, 1)])
    story.seq = 1
    story.run(
        "apply",
        [story.outcome("update-client", "client/acme")],
        beside=[earlier],
        bases={"acme": 1},
    )
    log.heartbeat()
    story.days(10)
    story.issue(2, log.clock, "20260303t120000z-bbbb")
    story.run("rotate", [story.outcome("rotate-key", key, 2)])
    log.rotate()
    delivery: dict[str, Any] = {
        "address": "client/acme/webhook/settlements",
        "delivery": story.say("msg_1"),
        "url": story.say(URL),
        "accepted": False,
        "status": 500,
        "latency_ms": 12,
        "code": "RC503",
        "result": story.say("HTTP 500"),
        "attempts": [
            {
                "probe": "valid",
                "event": story.say("payout.settled"),
                "id": story.say("msg_1"),
                "number": 1,
                "at": iso(log.clock),
                "status": 500,
                "code": "RC503",
                "message": story.say("HTTP 500"),
                "latency_ms": {"connect": 3, "total": 12},
                "excerpt": "",
            }
        ],
    }
    proof = story.outcome("verify-webhook", "client/acme/webhook/settlements", accepted=False)
    story.run("apply", [proof], deliveries=[delivery])
    good = {"accepted": True, "status": 204, "code": "", "result": story.say("HTTP 204")}
    attempt = delivery["attempts"][0] | {
        "status": 204,
        "code": "",
        "message": story.say("HTTP 204"),
    }
    story.run(
        "apply", [proof | {"detail": {}}], deliveries=[delivery | good | {"attempts": [attempt]}]
    )
    story.days(10)
    story.revoke(1, log.clock)
    story.run("revoke", [story.outcome("revoke-key", key, 1)])
    log.erase([f"audit/{ENVIRONMENT}/20260305t120000z-bbbb.json"])
    story.days(10)
    log.heartbeat()
    story.days(10)
    story.issue(3, log.clock, "20260310t120000z-bbbb")
    story.run("rotate", [story.outcome("rotate-key", key, 3)])
    return log


def write_log(root: Path, log: Log) -> None:
    """The files of a log where they lie in a project."""
    folder = root / "audit" / ENVIRONMENT / "log"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(log.names, log.entries, strict=True):
        (folder / name).write_bytes(content)
    (folder / "keys").write_bytes(log.keys)
    (folder / "checkpoint").write_bytes(log.checkpoint)
    for path, content in log.files.items():
        (root / path).write_bytes(content)


def write_project(root: Path) -> None:
    """A valid project with the client of the story, a waiver and approvers."""
    root.mkdir(parents=True, exist_ok=True)
    settings = {"vault": {"address": "https://vault.example.com"}}
    webhook = {"name": "settlements", "url": URL, "events": ["payout.settled"]}
    client = {
        "owner": {"team": "payments", "contact": "payments@example.com"},
        "scopes": ["payouts:write"],
        "keys": [{"name": "primary"}],
        "webhooks": [webhook],
        "environments": {ENVIRONMENT: None},
    }
    catalogued = {"name": "payouts:write", "risk": "high", "description": "send money"}
    waiver = {
        "guard": "freeze",
        "client": "acme",
        "reason": "moves in May",
        "approver": "grace",
        "until": "2026-04-30",
    }
    policy = {
        "waivers": [waiver],
        "approvers": [
            {"approver": "acme/security", "when": {"scopes": ["payouts:*"]}},
            {"approver": "acme/ciso", "when": {"risk": "critical"}},
        ],
    }
    project = {"keyPrefix": "shop", "environments": {ENVIRONMENT: settings}}
    _declare(root / "reconciler.yaml", "Project", "shop", project)
    _declare(root / "clients" / "acme.yaml", "IntegrationClient", "acme", client)
    _declare(root / "scopes.yaml", "ScopeCatalog", "scopes", {"scopes": [catalogued]})
    _declare(root / "policy.yaml", "GuardrailPolicy", "policy", policy)


def _declare(path: Path, kind: str, name: str, spec: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"name": name}
    content = {"apiVersion": "reconciler/v1", "kind": kind, "metadata": metadata, "spec": spec}
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
