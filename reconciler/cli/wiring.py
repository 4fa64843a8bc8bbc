"""Where the parts meet: ports get their adapters, the engine gets its ports.

The only module that knows both.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import TYPE_CHECKING

from reconciler.cli.loaded import environment_and_files, unknown_environment
from reconciler.cli.output import Progress, Settings, say
from reconciler.domain.secrecy import masked
from reconciler.errors import (
    DeliveryError,
    ReconcilerError,
    RegistryError,
    UsageError,
    VaultDenied,
    VaultError,
)

if TYPE_CHECKING:
    from reconciler.adapters.delivery.sender import WebhookSender
    from reconciler.adapters.vault.live import Live
    from reconciler.adapters.vault.setup.ci_platforms import Platform
    from reconciler.domain.declared.checkout import Applied, Checkout
    from reconciler.domain.declared.desired import Desired, Environment, Project
    from reconciler.domain.live.record import ClientRecord
    from reconciler.domain.plan.run import RunResult
    from reconciler.engine.engine import Engine


def project_root(settings: Settings) -> Path:
    """The directory of ``reconciler.yaml``. Raises ``UsageError`` RC001, ``ReconcilerError`` RC042
    for the project of somebody else."""
    from reconciler.declare.files.files import find_project, misnamed_project, shown

    start = settings.project or Path.cwd()
    root = find_project(start)
    if root is None or (settings.project is not None and root != settings.project.resolve()):
        if (other := misnamed_project(start)) is not None:
            message = f"{start} has {shown(other)} and no reconciler.yaml: capitals count in names"
            raise UsageError("RC001", message, f"rename {shown(other)} to {other.lower()}")
        raise UsageError(
            "RC001",
            f"there is no reconciler.yaml in {start} or above",
            "go to your repository, name it with --project DIR, or make one with reconciler init",
        )
    refuse_foreign(root)
    return root


def refuse_foreign(root: Path) -> None:
    """Raises ``ReconcilerError`` RC042 when the project, or its reconciler.yaml, is another
    user's."""
    from reconciler.adapters.git.project_owner import is_foreign
    from reconciler.declare.files.files import project_paths

    if is_foreign(root, project_paths(root), os.environ):
        raise ReconcilerError(
            "RC042",
            f"{root} or its reconciler.yaml belongs to another user, who could name a server of"
            " theirs",
            f"if you trust that user: git config --global --add safe.directory {root}",
        )


def load_environment(root: Path, name: str) -> tuple[Project, Environment]:
    """The project and one environment, from ``reconciler.yaml`` alone: an emergency revocation must
    work while some client's file is broken. Raises ``DeclarationError`` and ``UsageError``
    RC002."""
    project, environment, _ = environment_and_files(root, name)
    return project, environment


def load_desired(root: Path, environment: str) -> Desired:
    """Everything declared for one environment.

    Raises ``DeclarationError`` with all findings, ``UsageError`` RC002.
    """
    from reconciler.declare.repository import load, load_project

    project, _ = load_project(root)
    if project is not None and environment not in project.environments:
        raise unknown_environment(project, environment)
    return load(root, environment)


@contextmanager
def connected(environment: Environment) -> Iterator[Live]:
    """Live state of one environment, with the credentials of this process's environment variables.

    Raises ``VaultError`` RC070 to RC073 for a server that a person did not accept.
    """
    from reconciler.adapters.vault.auth import connect
    from reconciler.cli.trust import require_consent

    require_consent(environment.vault)
    with connect(environment.vault, os.environ) as live:
        yield live


@contextmanager
def engine_for(
    settings: Settings,
    root: Path,
    project: Project,
    environment: Environment,
    stopping: Callable[[], bool] | None = None,
    *,
    delivers: bool = False,
) -> Iterator[Engine]:
    """An engine on the real parts. Raises ``VaultError`` when the environment was not bootstrapped
    for us; with ``delivers`` also ``DeliveryError`` RC520, before anything is begun."""
    from reconciler.adapters.cel.judge import CelJudge
    from reconciler.adapters.git.folder import FolderLedger
    from reconciler.adapters.git.ledger import GitLedger
    from reconciler.adapters.system.minting import RandomMinter
    from reconciler.adapters.vault.setup.meta import read_meta
    from reconciler.adapters.vault.setup.mounts import mount_settings
    from reconciler.adapters.vault.setup.policies import policy_drift
    from reconciler.engine.engine import Engine

    sender = sender_for(root, environment, delivers=delivers)
    with connected(environment) as live:
        meta = read_meta(live, project.name, environment.name)
        yield Engine(
            project=project,
            environment=environment,
            buckets=meta.buckets,
            live=live,
            minter=RandomMinter(project.key_prefix, environment.name),
            sender=sender,
            ledger=GitLedger(root, project.audit_path) if project.git else FolderLedger(root),
            reporter=SearchedReports(project.audit_path),
            say=lambda text: say(settings, text),
            progress=Progress(settings),
            stopping=stopping or (lambda: False),
            edited_policies=lambda: policy_drift(live, environment.name),
            mounts=lambda: mount_settings(live),
            judge=CelJudge(),
            checkout=checkout_of(root, project),
        )


def checkout_of(root: Path, project: Project) -> Callable[[Desired, Applied | None], Checkout]:
    """What tells of the checkout that a declaration was loaded from."""
    from reconciler.adapters.git import checkout as git_checkout
    from reconciler.declare.files.committed import clients_in, says_git
    from reconciler.declare.files.files import PROJECT_FILE, SUFFIXES, declares
    from reconciler.domain.declared.checkout import WITHOUT_GIT

    projects = [f"{PROJECT_FILE}{suffix}" for suffix in SUFFIXES]
    reading = git_checkout.Reading(declares, projects, clients_in)

    def look(desired: Desired, applied: Applied | None) -> Checkout:
        if not project.git and not git_checkout.relies_on_git(root, projects, says_git):
            return WITHOUT_GIT
        files = {name: client.source.file for name, client in desired.clients.items()}
        used = git_checkout.Used(desired.files, files, desired.environment.name)
        return git_checkout.checkout_of(root, project.audit_path, reading, used, applied)

    return look


def sender_for(root: Path, environment: Environment, *, delivers: bool) -> WebhookSender:
    """The sender of an environment. Only who ``delivers`` needs the files of ``deliveries``: a plan
    has no key.

    Raises ``DeliveryError`` RC520 for files that cannot be used, and for a private key that git
    tracks.
    """
    from reconciler.adapters.delivery.handshake import settings_with_variables
    from reconciler.adapters.delivery.sender import WebhookSender
    from reconciler.adapters.git.ledger import GitLedger

    settings = settings_with_variables(environment.deliveries, environment.name, os.environ)
    sender = WebhookSender(environment.allowed_networks, settings)
    if delivers:
        key = settings.client_key
        if key is not None and GitLedger(root).tracks(Path(key).absolute()):
            message = f"git tracks the client key {key}: everybody who reads the repository has it"
            remedy = "have a new certificate issued, and keep its key where git does not see it"
            raise DeliveryError("RC520", message, remedy)
        sender.check()
    return sender


def prepared(
    settings: Settings,
    root: Path,
    project: Project,
    environment: Environment,
    buckets: int | None,
    platform: Platform | None = None,
) -> list[tuple[str, str]]:
    """What ``bootstrap`` made or changed, in order. Raises ``VaultError``."""
    from reconciler.adapters.vault.setup.bootstrap import bootstrap
    from reconciler.adapters.vault.setup.ci_roles import login_roles
    from reconciler.adapters.vault.setup.meta import Meta, existing_meta
    from reconciler.engine.rebucket import close_rest, spread

    with connected(environment) as live:
        present = existing_meta(live, project.name, environment.name)
        anew = present is not None and buckets not in (None, present.buckets)
        done: list[tuple[str, str]] = list(
            bootstrap(live, environment.name, project.name, None if anew else buckets)
        )
        if platform is not None:
            try:
                done += login_roles(live, environment.name, platform)
            except VaultError:
                say(settings, "\n".join(["done before it failed:", *map(step_text, done)]))
                raise
    if present is None or buckets is None:
        return done
    if not anew:
        with engine_for(settings, root, project, environment) as engine:
            closed = close_rest(engine)
        return [*done, (f"registry: old buckets closed {closed}", "updated")] if closed else done
    meta = Meta(project.name, environment.name, buckets, present.version)
    with engine_for(settings, root, project, environment) as engine:
        moved = spread(engine, buckets, meta.text(), present.version, engine.say)
    return [
        *done,
        (f"registry: clients {moved}, buckets {buckets} instead of {present.buckets}", "updated"),
    ]


def step_text(step: tuple[str, str]) -> str:
    """A step of ``prepared``: what, and what was done to it."""
    what, did = step
    return f"{did!s:<9} {what}"


@dataclass(frozen=True, slots=True)
class SearchedReports:
    """The audit reports below ``root``; what looks like a secret leaves none of them."""

    root: str

    def files(
        self, result: RunResult, records: Mapping[str, ClientRecord] | None
    ) -> Mapping[PurePosixPath, str]:
        from reconciler.report.run.audit import audit_files

        return {
            path: masked(text) for path, text in audit_files(self.root, result, records).items()
        }

    def is_report(self, text: str, anew: str) -> bool:
        from reconciler.report.run.audit import is_report

        return is_report(text, anew)

    def tells_otherwise(self, text: str, anew: str, *, original: bool) -> bool:
        from reconciler.report.run.audit import tells_otherwise

        return tells_otherwise(text, anew, original=original)


def required_records(desired: Desired) -> Mapping[str, ClientRecord] | None:
    """The records of the environment that the promotion gate asks for, None when there is no gate.

    Raises ``VaultError``; when it is denied, with the remedy for a gate.
    """
    from reconciler.adapters.vault.setup.meta import read_meta
    from reconciler.engine.engine import registered_as
    from reconciler.engine.look.records import read_sought

    project, environment = desired.project, desired.environment
    if environment.requires is None:
        return None
    first = project.environments[environment.requires]
    try:
        with connected(first) as live:
            buckets = read_meta(live, project.name, first.name).buckets
            return read_sought(live, project.name, buckets, registered_as(desired)).records
    # its documents have the names that those of this environment have
    except RegistryError as error:
        raise RegistryError(error.code, f"{first.name}: {error.message}", error.remedy) from None
    except VaultDenied as error:
        name = first.name.upper().replace("-", "_")
        raise VaultDenied(
            error.code,
            f"{environment.name} requires {first.name}, and its registry cannot be read:"
            f" {error.message}",
            f"run `reconciler bootstrap -e {environment.name}`: its planner and applier then may"
            " read that registry too; on another server, or in another namespace, set"
            f" VAULT_TOKEN_{name} to a planner's token of its own",
        ) from None


@contextmanager
def stop_on_signals(settings: Settings) -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C or SIGTERM asks the run to stop between actions; a second one stops at once.

    What was ignored when the program started (SIGINT in the background of a script) stays ignored.
    """
    from reconciler.adapters.system.signals import handling

    asked = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        say(
            settings,
            "stopping: what is begun is finished and put on record (press again to stop at once)",
        )

    with handling(ask, signal.SIGINT, signal.SIGTERM):
        yield asked.is_set
