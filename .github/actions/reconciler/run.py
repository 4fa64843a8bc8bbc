"""One command of the action: runs the reconciler, and says what came of it in outputs and in the
job's summary."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api import Api, ApiError
from login import NAME, logged_in
from reviewed import BY_HAND, Reviewed, fetched
from runner import Refused, fenced, output, say, scratch, summary, tell, variable

# What only this script needs is not handed on to the reconciler.
PRIVATE = ("ACTIONS_", "INPUT_", "GITHUB_TOKEN")
CHANGES, BLOCKED = 2, 3
COMPARED = (
    ", as far as the apply compares it with what it would do itself. Findings, approvers, the commit and what is "
    "unfinished are not part of that: they are in the comment there"
)
# The environment before has to verify the same first: an apply does so, it takes one after the
# other.
PROMOTION = "RC340"
# Git wants a name for a commit; a name that the runner has been given is kept.
BOT = "41898282+github-actions[bot]@users.noreply.github.com"
IDENTITY = {
    "GIT_AUTHOR_NAME": "github-actions[bot]", "GIT_AUTHOR_EMAIL": BOT, "GIT_COMMITTER_NAME": "github-actions[bot]",
    "GIT_COMMITTER_EMAIL": BOT,
}  # fmt: skip


@dataclass(frozen=True)
class Result:
    """``code`` is that of the reconciler; ``verdict`` that of the job. ``report`` is Markdown."""

    code: int
    report: str = ""
    changes: bool = False
    blocked: bool = False
    digest: str = ""
    plan_file: str = ""
    plans: str = "[]"
    clean: bool = False
    passes: tuple[int, ...] = (0,)

    @property
    def verdict(self) -> int:
        return 0 if self.code in self.passes else self.code


@dataclass(frozen=True)
class Ran:
    """What one call of the reconciler did. ``document`` is what ``--format json`` printed."""

    code: int
    document: Mapping[str, Any]

    @property
    def error(self) -> str:
        """What went wrong, as Markdown; empty when nothing did."""
        if self.document.get("kind") != "error":
            return ""
        return fenced(
            f"{self.document['code']}: {self.document['message']}\nremedy: {self.document['remedy']}"
        )


def environment() -> str:
    name = variable("INPUT_ENVIRONMENT")
    if not NAME.fullmatch(name):
        raise Refused(
            f"the input environment is {name!r}", "Name an environment of reconciler.yaml"
        )
    return name


def project() -> Path:
    """The directory of reconciler.yaml in what is checked out."""
    return Path(variable("GITHUB_WORKSPACE") or ".", variable("INPUT_PROJECT"))


def deepen() -> None:
    """Whether HEAD builds on what was applied last is asked of its history: one that is cut off is
    fetched. When that fails, the reconciler says what is missing."""
    if _git("rev-parse", "--is-shallow-repository").stdout.strip() != "true":
        return
    fetch = ("fetch", "--quiet", "--no-tags", "--unshallow", "origin")
    if _git(*fetch).returncode != 0 and _git(*fetch, token=variable("INPUT_TOKEN")).returncode != 0:
        tell(
            "warning", "The history is cut off and cannot be fetched: check out with fetch-depth 0"
        )


def _git(*arguments: str, token: str = "") -> subprocess.CompletedProcess[str]:
    """git in the project; ``token`` goes along in the environment, where no list of processes shows
    it."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
    if token:
        login = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        given |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{variable('GITHUB_SERVER_URL')}/.extraheader",
            "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {login}",
        }
    return subprocess.run(  # noqa: S603 - a list, no shell
        ["git", "-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false", *arguments],  # noqa: S607
        cwd=project(), env=given | {"GIT_TERMINAL_PROMPT": "0"}, stdin=subprocess.DEVNULL,
        capture_output=True, encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip


def signers() -> dict[str, str]:
    """The keys that may sign what is applied, as the input says: a variable of the repository,
    which no commit changes."""
    text = variable("INPUT_ALLOWED_SIGNERS")
    if not text:
        return {}
    target = scratch() / "allowed_signers"
    target.write_text(f"{text}\n", encoding="utf-8")
    return {"RECONCILER_ALLOWED_SIGNERS": str(target)}


def reconcile(*arguments: str, login: Mapping[str, str] | None = None) -> Ran:
    """Run the reconciler with ``--format json``. Its progress goes to the log."""
    done = subprocess.run(  # noqa: S603 - a list, no shell
        [variable("RECONCILER"), "--project", str(project()), *arguments, "--format", "json"],
        env=_environ(login or {}), stdout=subprocess.PIPE, encoding="utf-8", check=False,
    )  # fmt: skip
    try:
        document = json.loads(done.stdout)
    except ValueError:
        raise Refused(
            f"the reconciler ended with {done.returncode} and no result", "Its message is above"
        ) from None
    return Ran(done.returncode, document)


def _environ(login: Mapping[str, str]) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
    return IDENTITY | given | dict(login)


def shown(plan_file: Path, *more: str) -> str:
    """The plan as Markdown."""
    done = subprocess.run(  # noqa: S603 - a list, no shell
        [variable("RECONCILER"), "show", str(plan_file), "--format", "markdown", *more],
        env=_environ({}), stdout=subprocess.PIPE, encoding="utf-8", check=False,
    )  # fmt: skip
    return done.stdout if done.returncode == 0 else "The plan cannot be shown.\n"


def planned(
    place: str, login: Mapping[str, str], *more: str, name: str = "plan.json", show: bool = True
) -> tuple[Ran, Result]:
    """Plan, and keep the file.

    ``show`` False: an apply follows and tells itself; only a blocked plan is shown.
    """
    deepen()
    target = scratch() / place / name
    target.parent.mkdir(exist_ok=True)
    target.unlink(missing_ok=True)
    ran = reconcile(
        "plan", "-e", place, "--out", str(target), "--detailed-exitcode", *more, login=login
    )
    if ran.document.get("kind") != "plan":
        return ran, Result(ran.code, f"## No plan for {place}\n\n{ran.error}")
    changes = any(action["kind"] != "no-op" for action in ran.document["actions"])
    blocked = ran.document["blocked"]
    report = shown(target) if show or blocked else ""
    result = Result(
        ran.code, report, changes, blocked, ran.document["digest"], str(target), passes=(0, CHANGES)
    )  # fmt: skip
    return ran, result


def validate() -> Result:
    """Findings become annotations: the reconciler prints them as the runner wants them."""
    done = subprocess.run(  # noqa: S603 - a list, no shell
        [variable("RECONCILER"), "--project", str(project()), "validate", "--format", "github"],
        env=_environ({}), check=False,
    )  # fmt: skip
    verdict = (
        "The declaration is valid." if done.returncode == 0 else "The declaration is **not valid**."
    )
    return Result(done.returncode, f"{verdict}\n")


def plan() -> Result:
    place = environment()
    ran, result = planned(place, logged_in(place, "plan"))
    blocks = {one["code"] for one in ran.document.get("findings") or () if one["level"] == "error"}
    if blocks == {PROMOTION}:
        tell(
            "notice",
            f"{place} waits for the environment that it requires; an apply does that one first",
        )
        return replace(result, passes=(*result.passes, BLOCKED))
    if result.changes and not result.blocked:
        source = {"environment": place, "run": variable("GITHUB_RUN_ID"), "digest": result.digest}
        return replace(result, plans=json.dumps([source]))
    return result


def reviewed() -> Result:
    """What the pull requests of this push showed, as far as an apply holds it against a plan of its
    own: whoever may push a branch can have its run keep any sentence."""
    wanted = variable("INPUT_ENVIRONMENTS").split()
    if not wanted or not all(map(NAME.fullmatch, wanted)):
        raise Refused(
            f"the input environments is {' '.join(wanted)!r}", "Name those that are planned"
        )
    found = _reviewed().sources(event(), variable("GITHUB_REF_NAME"), wanted)
    parts = []
    for source in found:
        target = scratch() / f"reviewed-{source.pull}-{source.environment}.json"
        target.write_bytes(source.plan)
        parts.append(
            f"Reviewed in pull request #{source.pull}{COMPARED}:\n\n{shown(target, '--compared')}"
        )
    if not parts:
        parts = [
            "No pull request of this push has a plan that changes anything: nothing is applied.\n"
        ]
    plans = [
        {"environment": one.environment, "run": str(one.run), "digest": one.digest} for one in found
    ]
    return Result(0, "\n".join(parts), bool(plans), plans=json.dumps(plans))


def apply() -> Result:
    """Make the reviewed plan anew, from the branch as it is; only if it is the same is it carried
    out."""
    place = environment()
    agreed = fetched(
        _reviewed(),
        variable("INPUT_RUN"),
        place,
        variable("INPUT_DIGEST"),
        scratch() / "reviewed.json",
    )
    ran, result = planned(place, logged_in(place, "apply"), "--reviewed", str(agreed), show=False)
    if ran.document.get("code") == "RC389":
        return replace(result, report=f"{result.report}\n{BY_HAND}.\n")
    if ran.code not in (0, CHANGES):
        return result
    return replace(
        _applied(place, result.plan_file, logged_in(place, "apply")), digest=result.digest
    )


def _applied(place: str, plan_file: str, login: Mapping[str, str]) -> Result:
    ran = reconcile("apply", "-e", place, plan_file, "--push", login={**login, **signers()})
    return Result(
        ran.code, told(ran), changes=bool(ran.document.get("outcomes")), plan_file=plan_file
    )


def told(ran: Ran) -> str:
    """What a run did, as Markdown: its audit report, or why there is none."""
    if ran.document.get("kind") != "run":
        return f"## Nothing was done\n\n{ran.error}"
    path = (ran.document["audit"] or {}).get("path")
    report = (project() / path).with_suffix(".md") if path else None
    text = (
        report.read_text(encoding="utf-8")
        if report and report.is_file()
        else "Nothing was to be done.\n"
    )
    problem = ran.document["problem"]
    return text + (f"\n{fenced('{code}: {message}'.format(**problem))}" if problem else "")


def drift() -> Result:
    """Do what needs nobody's decision, then say what is left."""
    place = environment()
    upkeep, result = planned(
        place, logged_in(place, "upkeep"), "--upkeep", name="upkeep.json", show=False
    )
    done = (
        _applied(place, result.plan_file, logged_in(place, "upkeep"))
        if upkeep.code == CHANGES
        else result
    )
    left, rest = planned(place, logged_in(place, "upkeep"))
    parts = (
        [f"# {place} is not as declared\n"]
        if left.code or done.verdict
        else [f"# {place} is as declared\n"]
    )
    if done.changes or done.verdict:
        parts.append(f"What was done without a change of the declaration:\n\n{done.report}")
    if left.code:
        parts.append(f"What is left:\n\n{rest.report}")
    return replace(
        rest, report="\n".join(parts), code=done.verdict or left.code, clean=not (left.code or done.verdict),
        passes=(0, CHANGES, BLOCKED),
    )  # fmt: skip


def revoke() -> Result:
    place, client, key = environment(), variable("INPUT_CLIENT"), variable("INPUT_KEY")
    for what, name in (("client", client), ("key", key)):
        if not NAME.fullmatch(name) and (name or what == "client"):
            raise Refused(f"the input {what} is {name!r}", "Names look like paystack-payouts")
    incident = variable("INPUT_INCIDENT")
    ran = reconcile(
        "revoke", "-e", place, f"{client}/{key}" if key else client, f"--reason={variable('INPUT_REASON')}",
        *([f"--incident={incident}"] if incident else []), "--push", login=logged_in(place, "revoke"),
    )  # fmt: skip
    return Result(ran.code, told(ran), changes=bool(ran.document.get("outcomes")))


def unknown() -> Result:
    raise Refused(
        f"the input command is {variable('INPUT_COMMAND')!r}", f"It is one of {', '.join(COMMANDS)}"
    )


def event() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(
        Path(variable("GITHUB_EVENT_PATH")).read_text(encoding="utf-8")
    )
    return found


def _reviewed() -> Reviewed:
    return Reviewed(
        Api(variable("GITHUB_API_URL"), variable("INPUT_TOKEN")), variable("GITHUB_REPOSITORY")
    )


COMMANDS: Mapping[str, Callable[[], Result]] = {
    "validate": validate, "plan": plan, "reviewed": reviewed, "apply": apply, "drift": drift, "revoke": revoke,
}  # fmt: skip


def main() -> int:
    """Always 0 once there is a report: the last step of the action fails, after people were
    told."""
    name = variable("INPUT_COMMAND")
    try:
        result = COMMANDS.get(name, unknown)()
    except (Refused, ApiError) as refused:
        tell("error", str(refused))
        result = Result(1, f"## {name}: nothing was done\n\n{fenced(str(refused))}")
    report = scratch() / "report.md"
    report.write_text(result.report, encoding="utf-8")
    summary(result.report)
    for output_name, value in (
        ("changes", str(result.changes).lower()), ("blocked", str(result.blocked).lower()), ("digest", result.digest),
        ("exit-code", str(result.code)), ("plan-file", result.plan_file), ("plans", result.plans),
        ("clean", str(result.clean).lower()), ("report", str(report)), ("verdict", str(result.verdict)),
    ):  # fmt: skip
        output(output_name, value)
    say(f"exit code {result.code}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
