"""The story that ``demo`` tells: its files, its steps, and what each step must have brought
about."""

from __future__ import annotations

import re
from collections.abc import Callable

from reconciler.adapters.receiving.receiver import LoopbackReceiver
from reconciler.cli.demo.eyes import Eyes
from reconciler.cli.demo.tour import NotAsTold, Tour
from reconciler.dataclass import dataclass
from reconciler.domain.secrecy import holds_secret

PROJECT = "acme-integrations"
PAYOUTS = "paystack-payouts"
PARTNER = "example-partner"
GRACE = "rotation: {grace: 6s}"
_REPORT = re.compile(r"Audit report: (audit/staging/[0-9a-z-]+)\.json, commit")
_PAYOUTS_FILE = f"clients/{PAYOUTS}.yaml"
_PAYOUTS_TEXT = """\
# yaml-language-server: $schema=../schemas/integration-client.schema.json
apiVersion: reconciler/v1
kind: IntegrationClient
metadata:
  name: paystack-payouts
spec:
  owner: {team: payments, contact: payments@example.com}
  justification: PAY-1421 nightly settlement of merchant payouts
  scopes: [payouts:wirte]
  keys:
    - name: primary
      lifetme: 90d
  webhooks:
    - name: settlements
      events: [payout.settled]
      url: "@URL@/payouts"
  environments:
    staging:
"""


# What a right receiver finds wrong with each probe.
_REFUSALS = (
    "SignatureMismatch",
    "SignatureMismatch",
    "TimestampOutsideTolerance",
    "TimestampOutsideTolerance",
    "HeaderMissing",
)


@dataclass(frozen=True)
class Story:
    """``eyes`` see what is really there: in Vault and in the registry."""

    tour: Tour
    eyes: Eyes
    receiver: LoopbackReceiver

    def tell(self) -> None:
        """All steps. Raises ``NotAsTold``, and the errors of what it looks at."""
        steps: list[Callable[[], None]] = [
            self._mistake,
            self._fix,
            self._plan,
            self._proof,
            self._drift,
            self._rotation,
            self._emergency,
            self._log,
            self._no_secret,
            self._quiet,
        ]
        for step in steps:
            step()

    def _mistake(self) -> None:
        tour = self.tour
        tour.step(
            "A repository, and a mistake",
            "init makes a working repository. Then somebody declares a client.",
        )
        tour.run("-q", "init", PROJECT, shows=("reconciler.yaml",))
        tour.directory /= PROJECT
        for name, value in (("name", "Demo"), ("email", "demo@example.com")):
            tour.git("config", f"user.{name}", value)
        self._write(_PAYOUTS_FILE, _PAYOUTS_TEXT.replace("@URL@", self.receiver.url))
        tour.say(f"{_PAYOUTS_FILE}, as it was written:")
        tour.show(self._read(_PAYOUTS_FILE))
        tour.say(
            "Two words are misspelt. All problems of all files are reported at once, each with its"
            " place."
        )
        tour.run(
            "validate",
            expect=1,
            shows=("lifetme", "did you mean `lifetime`", "did you mean `payouts:write`"),
        )

    def _fix(self) -> None:
        tour = self.tour
        tour.step(
            "The fix",
            "Both words are corrected, and the files are committed: git holds what is desired.",
        )
        self._change(_PAYOUTS_FILE, "  scopes: [payouts:wirte]", "  scopes: [payouts:write]")
        self._change(_PAYOUTS_FILE, "      lifetme: 90d", "      lifetime: 90d")
        tour.say(
            f"And the key of {PARTNER} gets a short grace, so that this tour can wait for its end:"
        )
        before = (
            "    - name: primary                 # its lifetime and rotation come from"
            " templates/custom.yaml"
        )
        after = (
            "    - name: primary                 # its lifetime comes from templates/custom.yaml\n"
            f"      {GRACE}"
        )
        self._change(f"clients/{PARTNER}.yaml", before, after)
        tour.run("validate", shows=("the declaration is valid",))
        self._commit("Declare paystack-payouts")

    def _plan(self) -> None:
        tour = self.tour
        tour.step(
            "Bootstrap and plan",
            "An administrator prepares Vault once: mounts, policies, roles. (A registry in 16 parts"
            " is enough for two clients; 256 are usual.) The plan runs with the role planner, which"
            " cannot read a single secret, and is saved for review.",
        )
        tour.run("bootstrap", "-e", "staging", "--buckets", "16", role="root")
        for role in ("planner", "run"):
            tour.tokens[role] = self.eyes.new_token(role)
        tour.run(
            "plan", "-e", "staging", "--out", "plan.json", role="planner", shows=("2 to register",)
        )

    def _proof(self) -> None:
        tour = self.tour
        tour.step(
            "Apply, and a delivery that proves the webhook",
            "Exactly the plan that was reviewed is applied, or nothing. The role of a run writes"
            " keys that it cannot read back. A client with a webhook is active only after that"
            " accepted a signed test delivery and refused what is not genuine.",
        )
        tour.run("-q", "apply", "-e", "staging", "plan.json", role="run", shows=("8 actions done",))
        arrivals = self.receiver.arrivals
        tour.check(
            [arrival.status for arrival in arrivals][:1] == [204] and arrivals[0].check.accepted,
            "the receiver got delivery"
            f" {arrivals[0].headers.get('webhook-id') if arrivals else '(none)'} and checked its"
            " signature and its age with the secret that Vault holds: genuine, answered 204",
        )
        tour.check(
            [(arrival.status, arrival.check.reason) for arrival in arrivals[1:]]
            == [(401, why) for why in _REFUSALS],
            "and five more that nobody may accept: changed after it was signed, signed by a"
            " stranger, old, from the future, unsigned: each answered 401",
        )
        tour.run("status", "-e", "staging", role="planner", shows=("nothing needs attention",))

    def _drift(self) -> None:
        tour = self.tour
        tour.step(
            "Drift",
            "Somebody with too many rights destroys a key in Vault, by hand. Nothing in git has"
            " changed.",
        )
        tour.show(self.eyes.destroy(PAYOUTS, 1))
        tour.check(self.eyes.key(PAYOUTS, 1) is None, "Vault has destroyed version 1")
        tour.run(
            "plan", "-e", "staging", role="planner", shows=("SecretDestroyed", "because of drift")
        )
        tour.run("-q", "apply", "-e", "staging", "--yes", role="run")
        tour.check(
            self.eyes.accepts(PAYOUTS, 2),
            "version 2 lies in Vault, and its SHA-256 is the one in the registry",
        )

    def _rotation(self) -> None:
        tour = self.tour
        tour.step(
            "A rotation without downtime",
            "A new version is issued at once; the old one works on through its grace, so that the"
            " partner can change over. Due dates do the same without being asked.",
        )
        tour.run(
            "rotate", "-e", "staging", f"{PARTNER}/primary", "--reason", "laptop lost", role="run"
        )
        tour.run(
            "status", "-e", "staging", PARTNER, role="planner", shows=("v2 active, v1 retiring",)
        )
        tour.check(
            self.eyes.accepts(PARTNER, 1, 2),
            "a gateway accepts both: versions 1 and 2 are in Vault, and the registry has the hashes"
            " of both",
        )
        left = self.eyes.grace_left(PARTNER, 1)
        tour.say(
            f"… waiting {max(left, 0):.0f} s for the end of the grace, by the server's clock …"
        )
        self.eyes.wait_for_grace(PARTNER, 1)
        tour.run("apply", "-e", "staging", "--yes", role="run", shows=("revoke-key",))
        tour.check(self.eyes.key(PARTNER, 1) is None, "version 1 is destroyed in Vault")
        tour.check(self.eyes.accepts(PARTNER, 2), "version 2 works on")

    def _emergency(self) -> None:
        tour = self.tour
        tour.step(
            "An emergency",
            "A key has leaked. Revoking is one command: no plan, no grace, no lease, no"
            " declaration.",
        )
        why = ("--reason", "compromise", "--incident", "INC-1234")
        told = tour.run("revoke", "-e", "staging", f"{PAYOUTS}/primary", *why, role="run")
        report = _REPORT.search(told)
        if report is None:
            raise NotAsTold("the revocation names its audit report")
        tour.check(self.eyes.key(PAYOUTS, 2) is None, "version 2 is destroyed in Vault")
        tour.check(not self.eyes.valid(PAYOUTS), "a gateway accepts no version of it any more")
        tour.say(
            "Nothing new is issued behind anybody's back: the plan says what the declaration must"
            " say first."
        )
        tour.run(
            "plan", "-e", "staging", role="planner", shows=("RevocationHeld", "reissueAfter: 2")
        )
        tour.say("So it is declared, reviewed and applied:")
        self._change(
            _PAYOUTS_FILE,
            "      lifetime: 90d",
            "      lifetime: 90d\n      reissueAfter: 2   # INC-1234",
        )
        self._commit("Have a new key issued after INC-1234")
        tour.run("apply", "-e", "staging", "--yes", role="run", shows=("ReissueDeclared",))
        tour.check(
            self.eyes.accepts(PAYOUTS, 3), "version 3 lies in Vault, and the registry has its hash"
        )
        self._evidence(report[1])

    def _evidence(self, report: str) -> None:
        tour = self.tour
        tour.step(
            "The evidence",
            "Every run has committed its own report. This is what a security reviewer gets.",
        )
        tour.command("git log --oneline --stat -n 3 -- audit")
        tour.show(tour.git("log", "--oneline", "--stat", "-n", "3", "--", "audit"))
        runs = ("log", "--grep=^audit(staging): run ")
        files = tour.git(*runs, "--name-only", "--format=").split()
        tour.check(
            len(tour.git(*runs, "--format=%h").split()) == 6
            and all(name.startswith("audit/staging/") for name in files),
            "six runs, six commits with nothing in them but reports and their entries in a log",
        )
        tour.say(f"From {report}.md, the report of the revocation:")
        facts, _, rest = self._read(f"{report}.md").partition("## Actions")
        section = "## Revocations" + rest.partition("## Revocations")[2].partition("\n## ")[0]
        tour.show(facts + section)
        tour.check(
            "RevocationRequested" in section and "INC-1234" in section,
            "it says what was revoked, and why",
        )

    def _log(self) -> None:
        """The log is verified, tampered with, and found out."""
        tour = self.tour
        tour.step(
            "The log holds",
            "Each run is also an entry of a log: signed by a key that never leaves Vault, chained"
            " to the one before. Who pinned the key needs nobody else to check it.",
        )
        key = tour.run("audit", "key", "-e", "staging", role="planner").splitlines()[0]
        verify = ("audit", "verify", "-e", "staging", "--key", key)
        tour.run(*verify, shows=("The log of staging holds: 6 entries", "by pinned key"))
        tour.say("Somebody who may push makes the revocation look like a rotation:")
        report = self._find_report("| Command | revoke |")
        self._change(report, "| Command | revoke |", "| Command | rotate |")
        self._commit("Correct a word")
        told = tour.run(*verify, expect=1, shows=("was changed after entry 5 vouched for it",))
        tour.check(report in told, "the log says which file was changed, and that it was")
        tour.command("git revert --no-edit HEAD")
        tour.git("revert", "--no-edit", "HEAD")
        tour.run(*verify, shows=("The log of staging holds",))

    def _no_secret(self) -> None:
        """Search all that was printed and committed, and show first that the search would find
        one."""
        tour = self.tour
        tour.step(
            "No secret anywhere but in Vault", "Whatever was printed or committed is searched."
        )
        places = {
            "output": "\n".join(tour.transcript),
            "git": tour.git("log", "--all", "--patch", "--format=%B"),
        }
        values = {
            secret.reveal()
            for secret in (*self.eyes.seen, *self.eyes.signing_secrets(PAYOUTS, "settlements"))
        }
        tour.check(
            len(values) >= 5
            and all(map(holds_secret, values))
            and not any(
                holds_secret(text) or any(value in text for value in values)
                for text in places.values()
            ),
            f"the {len(values)} secrets that the checks read from Vault, and anything else that"
            f" looks like one, are in none of the {len(tour.transcript)} lines printed so far and"
            " nowhere in the history of git",
        )

    def _quiet(self) -> None:
        tour = self.tour
        tour.step(
            "Nothing left to do",
            "What is declared is what Vault holds: exit code 0 says so to a pipeline.",
        )
        tour.run(
            "plan", "-e", "staging", "--detailed-exitcode", role="planner", shows=("No changes",)
        )

    def _find_report(self, line: str) -> str:
        """The first report with a line."""
        found = sorted((self.tour.directory / "audit" / "staging").glob("*.md"))
        return next(f"audit/staging/{one.name}" for one in found if line in one.read_text("utf-8"))

    def _write(self, path: str, text: str) -> None:
        (self.tour.directory / path).write_text(text, encoding="utf-8")

    def _read(self, path: str) -> str:
        return (self.tour.directory / path).read_text(encoding="utf-8")

    def _change(self, path: str, before: str, after: str) -> None:
        """Change a file as a person would, and show the change."""
        text = self._read(path)
        if text.count(before) != 1:
            raise NotAsTold(f"{path} has {before!r} once")
        self._write(path, text.replace(before, after))
        shown = [f"- {line}" for line in before.split("\n")] + [
            f"+ {line}" for line in after.split("\n")
        ]
        self.tour.show("\n".join(shown))

    def _commit(self, message: str) -> None:
        self.tour.command(f'git add . && git commit -m "{message}"')
        self.tour.git("add", ".")
        self.tour.git("commit", "--quiet", "-m", message)
