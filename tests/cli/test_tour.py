"""Each check of the demo fails when what it checks is not so: told of a world that differs in one
thing.

``test_demo.py`` has the whole story in a world that is right. Here the commands' outputs, the
receiver and what an administrator sees are values, so that each can be wrong alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.adapters.receiving.receiver import Arrival, LoopbackReceiver
from reconciler.adapters.vault.http.errors import StatusError
from reconciler.adapters.vault.live import Live
from reconciler.cli.demo.eyes import Eyes
from reconciler.cli.demo.story import PARTNER, PAYOUTS, Story
from reconciler.cli.demo.tour import NotAsTold, Tour
from reconciler.domain.secrecy.secret import Secret
from reconciler.domain.values.keytext import compose
from reconciler.errors import VaultDenied
from reconciler.webhooks.signature.verification import SignatureCheck
from tests.kit.git.checkout import Checkout, new_checkout
from tests.kit.git.repositories import commit_file, git, isolate, new_repository
from tests.kit.programs.commands import environ
from tests.kit.vault.places import PROJECT, Place

REFUSED = (
    "SignatureMismatch", "SignatureMismatch", "TimestampOutsideTolerance", "TimestampOutsideTolerance", "HeaderMissing",
)  # fmt: skip
REPORT = "audit/staging/20261124t000249z-0e2879d5b0cc-79f6"
EVIDENCE = (
    "# Run\n\n| Command | revoke |\n\n## Actions\n\nthere are some\n\n## Revocations\n\n"
    "RevocationRequested, INC-1234\n\n## Next\n"
)
# A step, a command of it, and the words that it must print. The first command with the words is
# meant.
SHOWN: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("_mistake", "init", ("reconciler.yaml",)),
    (
        "_mistake",
        "validate",
        ("lifetme", "did you mean `lifetime`", "did you mean `payouts:write`"),
    ),
    ("_fix", "validate", ("the declaration is valid",)),
    ("_plan", "plan", ("2 to register",)),
    ("_proof", "apply", ("8 actions done",)),
    ("_proof", "status", ("nothing needs attention",)),
    ("_drift", "plan", ("SecretDestroyed", "because of drift")),
    ("_rotation", "status", ("v2 active, v1 retiring",)),
    ("_rotation", "apply", ("revoke-key",)),
    ("_emergency", "plan", ("RevocationHeld", "reissueAfter: 2")),
    ("_emergency", "apply", ("ReissueDeclared",)),
    ("_quiet", "plan", ("No changes",)),
)
# Where a command may end with something else than 0.
CODES = {("_mistake", "validate"): 1}
HOLDS = "The log of staging holds: 6 entries\n  by pinned key"
# What `audit` says each time: the key, that the log holds, what was changed, that it holds again.
LOGGED: tuple[tuple[int, str], ...] = (
    (0, "acme/staging/0+1+2"),
    (0, HOLDS),
    (1, f"{REPORT}.md was changed after entry 5 vouched for it."),
    (0, HOLDS),
)


def key(number: int) -> Secret:
    return Secret(compose("acme", "staging", "a" * 11 + str(number), "b" * 43))


def arrival(status: int, reason: str = "") -> Arrival:
    check = SignatureCheck(accepted=not reason, reason=reason or "Genuine", message="")
    return Arrival("/payouts", {"webhook-id": "msg_1"}, b"{}", check, status)


@dataclass
class World:
    """What the steps look at. ``keys``: by client, the versions in Vault, in the order in which
    they are asked for; ``accepted``: what a gateway answers, in order."""

    prints: dict[tuple[str, str], str] = field(default_factory=dict)
    codes: dict[tuple[str, str], int] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    held: list[Secret | None] = field(default_factory=list)
    accepted: list[bool] = field(default_factory=list)
    valid: dict[int, object] = field(default_factory=dict)
    evidence: str = EVIDENCE
    logged: list[tuple[int, str]] = field(default_factory=lambda: list(LOGGED))
    ran: list[str] = field(default_factory=list)


def right_world() -> World:
    prints = {(step, command): "\n".join(words) for step, command, words in SHOWN}
    prints["_emergency", "revoke"] = f"Audit report: {REPORT}.json, commit bc2a9077e073."
    arrivals = [arrival(204), *(arrival(401, reason) for reason in REFUSED)]
    return World(prints, dict(CODES), arrivals, [None, None, None], [True] * 4)


class Seen(Eyes):
    """An administrator's eyes for which everything is as the world says."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen = [key(1), key(2), key(3)]
        self.secrets = [Secret("whsec_" + "1b" * 32), Secret("whsec_" + "2c" * 32)]

    def new_token(self, role: str) -> Secret:
        return Secret(f"hvs.{role}")

    def destroy(self, client: str, version: int) -> str:
        return f"PUT {client} {version}"

    def key(self, client: str, version: int) -> Secret | None:
        return self.world.held.pop(0)

    def signing_secrets(self, client: str, webhook: str) -> list[Secret]:
        return self.secrets

    def valid(self, client: str) -> dict[int, object]:  # type: ignore[override]
        return self.world.valid

    def accepts(self, client: str, *versions: int) -> bool:
        return self.world.accepted.pop(0)

    def grace_left(self, client: str, version: int) -> float:
        return 0.0

    def wait_for_grace(self, client: str, version: int) -> None:
        """It is over."""


@dataclass
class Received(LoopbackReceiver):
    world: World

    @property
    def url(self) -> str:
        return "http://127.0.0.1:1"

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        return tuple(self.world.arrivals)


Tell = Callable[[str, World], Tour]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six runs, six commits with nothing but reports in them."""
    isolate(monkeypatch, tmp_path / "home")
    made = new_repository(tmp_path / "acme-integrations")
    for name, value in (
        ("name", "Demo"),
        ("email", "demo@example.com"),
    ):  # as the story's first step does
        git(made, "config", f"user.{name}", value)
    commit_file(
        made, f"clients/{PAYOUTS}.yaml", "spec:\n  scopes: [payouts:write]\n      lifetime: 90d\n"
    )
    partner = "    - name: primary                 # its lifetime and rotation come from templates/custom.yaml\n"
    commit_file(made, f"clients/{PARTNER}.yaml", partner)
    for number in range(6):
        audit(made, f"audit/staging/{number}.json")
    return made


def audit(repository: Path, name: str) -> None:
    target = repository / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("{}\n")
    git(repository, "add", "--", name)
    git(repository, "commit", "--quiet", "-m", f"audit(staging): run {name}")


@pytest.fixture
def tell(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Tell one step of the story in a world."""

    def told(step: str, world: World) -> Tour:
        def run(
            arguments: Sequence[str],
            _in: Path,
            _with: Mapping[str, str],
            each: Callable[[str], None],
        ) -> int:
            command = next(one for one in arguments if not one.startswith("-"))
            world.ran.append(command)
            if command == "audit":
                code, text = world.logged.pop(0)
                for line in text.splitlines():
                    each(line)
                return code
            for line in world.prints.get((step, command), "").splitlines():
                each(line)
            return world.codes.get((step, command), 0)

        monkeypatch.setattr("reconciler.cli.demo.tour.run_own_command", run)
        (repository / f"{REPORT}.md").write_text(world.evidence)
        directory = repository.parent if step == "_mistake" else repository
        if step == "_fix":
            text = "  scopes: [payouts:wirte]\n      lifetme: 90d\n"
            (repository / f"clients/{PAYOUTS}.yaml").write_text(text)
        tour = Tour(directory, environ(), width=80, colour=False)
        tour.tokens = {role: Secret("hvs.x") for role in ("root", "planner", "run")}
        getattr(Story(tour, Seen(world), Received(world)), step)()
        return tour

    return told


STEPS = (
    "_mistake", "_fix", "_plan", "_proof", "_drift", "_rotation", "_emergency", "_log", "_no_secret",
    "_quiet",
)  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_in_a_world_that_is_right_every_step_is_as_told(step: str, tell: Tell) -> None:
    tell(step, right_world())


_WHY = "--reason compromise --incident INC-1234"
# Lines that a step prints of its own: what it shows, and what it does without a command of ours.
TOLD: dict[str, tuple[str, ...]] = {
    "_mistake": (
        "── 1. A repository, and a mistake ──────────────────────────────────────────────",
        "init makes a working repository. Then somebody declares a client.",
        "$ reconciler -q init acme-integrations",
        f"clients/{PAYOUTS}.yaml, as it was written:",
        "      scopes: [payouts:wirte]",
        '          url: "http://127.0.0.1:1/payouts"',
        "Two words are misspelt. All problems of all files are reported at once, each",
        "$ reconciler validate",
        "(exit code 1)",
    ),
    "_fix": (
        "── 1. The fix ──────────────────────────────────────────────────────────────────",
        "    -   scopes: [payouts:wirte]",
        "    +   scopes: [payouts:write]",
        "    -       lifetme: 90d",
        "    +       lifetime: 90d",
        "And the key of example-partner gets a short grace, so that this tour can wait",
        "    +       rotation: {grace: 6s}",
        '$ git add . && git commit -m "Declare paystack-payouts"',
    ),
    "_plan": (
        "── 1. Bootstrap and plan ───────────────────────────────────────────────────────",
        "$ reconciler bootstrap -e staging --buckets 16   # with an administrator's token",
        "$ reconciler plan -e staging --out plan.json   # with the planner's token",
    ),
    "_proof": (
        "── 1. Apply, and a delivery that proves the webhook ────────────────────────────",
        "$ reconciler -q apply -e staging plan.json   # with the token of a run",
        "✓ the receiver got delivery msg_1 and checked its signature and its age with the",
        "  secret that Vault holds: genuine, answered 204",
        "✓ and five more that nobody may accept: changed after it was signed, signed by a",
        "$ reconciler status -e staging   # with the planner's token",
    ),
    "_drift": (
        "── 1. Drift ────────────────────────────────────────────────────────────────────",
        f"    PUT {PAYOUTS} 1",
        "✓ Vault has destroyed version 1",
        "$ reconciler -q apply -e staging --yes   # with the token of a run",
        "✓ version 2 lies in Vault, and its SHA-256 is the one in the registry",
    ),
    "_rotation": (
        "── 1. A rotation without downtime ──────────────────────────────────────────────",
        f'$ reconciler rotate -e staging {PARTNER}/primary --reason "laptop lost"   # with the token of a run',
        f"$ reconciler status -e staging {PARTNER}   # with the planner's token",
        "✓ a gateway accepts both: versions 1 and 2 are in Vault, and the registry has",
        "  the hashes of both",
        "… waiting 0 s for the end of the grace, by the server's clock …",
        "✓ version 1 is destroyed in Vault",
        "✓ version 2 works on",
    ),
    "_emergency": (
        "── 1. An emergency ─────────────────────────────────────────────────────────────",
        f"$ reconciler revoke -e staging {PAYOUTS}/primary {_WHY}   # with the token of a run",
        "✓ version 2 is destroyed in Vault",
        "✓ a gateway accepts no version of it any more",
        "Nothing new is issued behind anybody's back: the plan says what the declaration",
        "So it is declared, reviewed and applied:",
        "    +       reissueAfter: 2   # INC-1234",
        '$ git add . && git commit -m "Have a new key issued after INC-1234"',
        "✓ version 3 lies in Vault, and the registry has its hash",
        "── 2. The evidence ─────────────────────────────────────────────────────────────",
        "$ git log --oneline --stat -n 3 -- audit",
        "     1 file changed, 1 insertion(+)",
        "✓ six runs, six commits with nothing in them but reports and their entries in a",
        f"From {REPORT}.md, the report of the",
        "    # Run",
        "    ## Revocations",
        "    RevocationRequested, INC-1234",
        "✓ it says what was revoked, and why",
    ),
    "_log": (
        "── 1. The log holds ────────────────────────────────────────────────────────────",
        "$ reconciler audit key -e staging   # with the planner's token",
        "$ reconciler audit verify -e staging --key acme/staging/0+1+2",
        "Somebody who may push makes the revocation look like a rotation:",
        "    + | Command | rotate |",
        "✓ the log says which file was changed, and that it was",
        "$ git revert --no-edit HEAD",
    ),
    "_no_secret": (
        "── 1. No secret anywhere but in Vault ──────────────────────────────────────────",
        "Whatever was printed or committed is searched.",
        "✓ the 5 secrets that the checks read from Vault, and anything else that looks",
    ),
    "_quiet": (
        "── 1. Nothing left to do ───────────────────────────────────────────────────────",
        "$ reconciler plan -e staging --detailed-exitcode   # with the planner's token",
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_every_step_shows_what_it_is_about(step: str, tell: Tell) -> None:
    told = tell(step, right_world()).transcript
    assert [line for line in TOLD[step] if line not in told] == []


def test_of_a_report_the_facts_and_the_revocations_are_shown(tell: Tell) -> None:
    told = tell("_emergency", right_world()).transcript
    assert not {"    there are some", "    ## Actions", "    ## Next"} & set(told)


WORDS = [(step, command, word) for step, command, words in SHOWN for word in words]


@pytest.mark.parametrize(("step", "command", "word"), WORDS)
def test_a_command_that_does_not_say_so_ends_the_story(
    step: str, command: str, word: str, tell: Tell
) -> None:
    world = right_world()
    world.prints[step, command] = world.prints[step, command].replace(word, "something else")
    with pytest.raises(NotAsTold, match="is not in what this command printed"):
        tell(step, world)


RUN = [(step, command) for step, command, _ in SHOWN] + [
    ("_plan", "bootstrap"), ("_drift", "apply"), ("_rotation", "rotate"), ("_emergency", "revoke"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "command"), RUN)
def test_a_command_that_ends_otherwise_ends_the_story(step: str, command: str, tell: Tell) -> None:
    world = right_world()
    world.codes[step, command] = 5
    with pytest.raises(NotAsTold, match="ended with 5"):
        tell(step, world)


def without(arrivals: list[Arrival], number: int, *instead: Arrival) -> list[Arrival]:
    return [*arrivals[:number], *instead, *arrivals[number + 1 :]]


GENUINE = right_world().arrivals
DELIVERED: dict[str, tuple[list[Arrival], str]] = {
    "nothing arrived": ([], "the receiver got delivery"),
    "the first was refused": (without(GENUINE, 0, arrival(401)), "the receiver got delivery"),
    "it was accepted unverified": (
        without(GENUINE, 0, arrival(204, "NotVerified")),
        "the receiver got delivery",
    ),
    "one probe is missing": (GENUINE[:-1], "and five more"),
    "no probe was sent": (GENUINE[:1], "and five more"),
    "one too many": ([*GENUINE, arrival(401, "HeaderMissing")], "and five more"),
    "a probe was accepted": (without(GENUINE, 2, arrival(204, REFUSED[1])), "and five more"),
    "refused for another reason": (
        without(GENUINE, 3, arrival(401, "SignatureMismatch")),
        "and five more",
    ),
}


@pytest.mark.parametrize("name", DELIVERED)
def test_what_the_receiver_got(name: str, tell: Tell) -> None:
    world = right_world()
    world.arrivals, sentence = DELIVERED[name]
    with pytest.raises(NotAsTold, match=sentence):
        tell("_proof", world)


SEEN: dict[str, tuple[str, dict[str, object], str]] = {
    "destroyed by hand, and still there": ("_drift", {"held": [key(1)]}, "Vault has destroyed version 1"),
    "no new version after drift": ("_drift", {"accepted": [False]}, "version 2 lies in Vault"),
    "the old key ends at once": ("_rotation", {"accepted": [False, True]}, "a gateway accepts both"),
    "the old key lives on": ("_rotation", {"held": [key(1)]}, "version 1 is destroyed in Vault"),
    "the new key ends with it": ("_rotation", {"accepted": [True, False]}, "version 2 works on"),
    "revoked, and still there": ("_emergency", {"held": [key(2)]}, "version 2 is destroyed in Vault"),
    "revoked, and still valid": ("_emergency", {"valid": {2: None}}, "accepts no version of it"),
    "no key after the incident": ("_emergency", {"accepted": [False]}, "version 3 lies in Vault"),
    "a report without the revocation": (
        "_emergency", {"evidence": EVIDENCE.replace("RevocationRequested", "x")}, "it says what was revoked, and why",
    ),
    "a report without the reason": (
        "_emergency", {"evidence": EVIDENCE.replace("INC-1234", "x")}, "it says what was revoked, and why",
    ),
    "a reason that stands elsewhere": (
        "_emergency", {"evidence": EVIDENCE.replace("INC-1234\n\n## Next", "\n\n## Next\n\nINC-1234")},
        "it says what was revoked, and why",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_what_is_in_vault_and_in_the_report(name: str, tell: Tell) -> None:
    step, changed, sentence = SEEN[name]
    with pytest.raises(NotAsTold, match=sentence):
        tell(step, replace(right_world(), **changed))  # type: ignore[arg-type]


OTHERWISE: dict[str, tuple[int, tuple[int, str], str]] = {
    "the log does not hold": (1, (1, "no"), "ended with 1, not 0"),
    "the log is another one": (1, (0, "The log of staging holds: 5 entries"), "is not in what"),
    "nobody notices": (2, (0, HOLDS), "ended with 0, not 1"),
    "another file is blamed": (
        2,
        (1, "x was changed after entry 5 vouched for it"),
        "the log says",
    ),
    "it does not hold any more": (3, (1, "no"), "ended with 1, not 0"),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_the_log_is_said_to_be(name: str, tell: Tell) -> None:
    number, said, sentence = OTHERWISE[name]
    world = right_world()
    world.logged[number] = said
    with pytest.raises(NotAsTold, match=sentence):
        tell("_log", world)


def test_a_revocation_that_names_no_report(tell: Tell) -> None:
    world = right_world()
    world.prints["_emergency", "revoke"] = "done"
    with pytest.raises(NotAsTold, match="the revocation names its audit report"):
        tell("_emergency", world)


@pytest.mark.parametrize("name", ["audit/staging/6.json", "clients/more.yaml"])
def test_one_commit_too_many_and_one_with_something_else(
    name: str, repository: Path, tell: Tell
) -> None:
    audit(repository, name)
    with pytest.raises(NotAsTold, match="six runs, six commits"):
        tell("_emergency", right_world())


def test_six_commits_of_which_one_holds_a_declaration(repository: Path, tell: Tell) -> None:
    (repository / "clients/more.yaml").write_text("x\n")
    git(repository, "add", "clients/more.yaml")
    git(repository, "commit", "--quiet", "--amend", "--no-edit")
    with pytest.raises(NotAsTold, match="six runs, six commits"):
        tell("_emergency", right_world())


@pytest.mark.parametrize("secret", [key(2).reveal(), key(9).reveal(), "whsec_" + "1b" * 32])
def test_a_secret_in_the_history_of_git(secret: str, repository: Path, tell: Tell) -> None:
    """One that was read from Vault, and one that only looks like a key."""
    commit_file(repository, "notes", f"it is {secret}\n")
    (repository / "notes").unlink()
    with pytest.raises(NotAsTold, match="secrets that the checks read from Vault"):
        tell("_no_secret", right_world())


def test_a_secret_in_the_message_of_a_commit(repository: Path, tell: Tell) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "-m", f"now {key(1).reveal()}")
    with pytest.raises(NotAsTold, match="secrets that the checks read from Vault"):
        tell("_no_secret", right_world())


def test_a_secret_that_was_printed(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signing secret does not look like one of our keys: it is searched for by its value."""
    monkeypatch.setattr(Tour, "step", lambda tour, *_: tour.transcript.append("whsec_" + "2c" * 32))
    with pytest.raises(NotAsTold, match="secrets that the checks read from Vault"):
        tell("_no_secret", right_world())


def test_a_search_that_would_find_nothing(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer secrets than the story makes, or ones of another form: the search proves nothing."""
    monkeypatch.setattr(Seen, "signing_secrets", lambda *_: [])
    with pytest.raises(NotAsTold, match="secrets that the checks read from Vault"):
        tell("_no_secret", right_world())


def test_a_file_that_is_not_as_it_was_told(repository: Path, tell: Tell) -> None:
    (repository / f"clients/{PARTNER}.yaml").write_text("spec: {}\n")
    with pytest.raises(NotAsTold, match="once"):
        tell("_fix", right_world())


# What an administrator sees of a real server.


@pytest.fixture
def checkout(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    isolate(monkeypatch, tmp_path / "home")
    made = new_checkout(place, tmp_path / "repository")
    made.client("partner")
    made.apply().ok()
    return made


def eyes_of(checkout: Checkout, live: Live | None = None) -> Eyes:
    return Eyes(live or checkout.place.root, PROJECT, checkout.environment)


@pytest.mark.openbao
def test_a_gateway_accepts_what_is_valid_and_there_with_its_hash(checkout: Checkout) -> None:
    eyes = eyes_of(checkout)
    assert eyes.accepts("partner", 1)
    assert not eyes.accepts("partner", 2)
    assert not eyes.accepts("partner", 1, 2)
    assert [one.reveal() for one in eyes.seen][:1] == [checkout.secret("keys/partner.primary")]
    checkout.vault(
        "PUT",
        "secrets/data/keys/partner.primary",
        {"data": {"value": "another"}, "options": {"cas": 1}},
    )
    assert eyes.key("partner", 2) is not None
    assert not eyes.accepts("partner", 2)  # it is there, and nobody issued it


@pytest.mark.openbao
def test_what_lies_in_the_place_of_a_valid_version_is_not_accepted(checkout: Checkout) -> None:
    path = "keys/partner.primary"
    checkout.vault("DELETE", f"secrets/metadata/{path}")
    written = {"data": {"value": "another"}, "options": {"cas": 0}}
    checkout.vault("PUT", f"secrets/data/{path}", written)
    eyes = eyes_of(checkout)
    found = eyes.key("partner", 1)
    assert found is not None
    assert found.reveal() == "another"
    assert list(eyes.valid("partner")) == [1]
    assert not eyes.accepts("partner", 1)


@pytest.mark.openbao
def test_what_is_destroyed_or_revoked_is_accepted_no_more(checkout: Checkout) -> None:
    eyes = eyes_of(checkout)
    verb, place, body = eyes.destroy("partner", 1).split(" ", 2)
    destroyed = f"/v1/integrations/{checkout.environment}/secrets/destroy/keys/partner.primary"
    assert (verb, place, json.loads(body)) == ("PUT", destroyed, {"versions": [1]})
    assert eyes.key("partner", 1) is None
    assert not eyes.accepts("partner", 1)
    assert list(eyes.valid("partner")) == [1]  # the registry has not heard of it
    checkout.run("revoke", "-e", checkout.environment, "partner", "--reason", "compromise").ok()
    assert eyes.valid("partner") == {}


@pytest.mark.openbao
def test_a_server_that_refuses_is_no_missing_key(checkout: Checkout) -> None:
    eyes = eyes_of(checkout, checkout.place.live("planner"))
    with pytest.raises((StatusError, VaultDenied)):
        eyes.key("partner", 1)


@pytest.mark.openbao
def test_a_grace_that_there_is_and_one_that_there_is_not(checkout: Checkout) -> None:
    checkout.client("partner", keys=[{"name": "primary", "rotation": {"grace": "2h"}}])
    eyes = eyes_of(checkout)
    for version in (1, 2):
        with pytest.raises(NotAsTold, match="works on through its grace"):
            eyes.grace_left("partner", version)
    checkout.run("rotate", "-e", checkout.environment, "partner", "--reason", "x").ok()
    left = timedelta(seconds=eyes.grace_left("partner", 1))
    assert timedelta(hours=1, minutes=55) < left <= timedelta(hours=2)
    assert set(eyes.valid("partner")) == {1, 2}
    assert eyes.accepts("partner", 1, 2)
    with pytest.raises(NotAsTold, match="is short"):
        eyes.wait_for_grace("partner", 1)


@pytest.mark.openbao
def test_the_wait_ends_with_the_grace(checkout: Checkout) -> None:
    checkout.client("partner", keys=[{"name": "primary", "rotation": {"grace": "2s"}}])
    eyes = eyes_of(checkout)
    checkout.run("rotate", "-e", checkout.environment, "partner", "--reason", "x").ok()
    eyes.wait_for_grace("partner", 1)
    assert eyes.grace_left("partner", 1) <= 0
