"""Where the parts meet: ports get their adapters, the engine gets its ports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import DeliveryError, RegistryError, VaultDenied

if TYPE_CHECKING:
    from reconciler.adapters.delivery.sender import WebhookSender
    from reconciler.adapters.git.command import GitCommand
    from reconciler.adapters.vault.live import Live
    from reconciler.app.workplace import Workplace
    from reconciler.domain.declared.checkout import Applied, Checkout
    from reconciler.domain.declared.desired import (
        Desired,
        Environment,
        Project,
        VaultSettings,
    )
    from reconciler.domain.live.record import ClientRecord
    from reconciler.engine.engine import Engine
    from reconciler.engine.ports import Sender


@contextmanager
def connect_live(workplace: Workplace, environment: Environment) -> Iterator[Live]:
    """Live state of one environment, with the credentials among the variables of ``workplace``.

    Raises ``VaultError`` RC070 to RC073 for a server that a person did not accept.
    """
    from reconciler.adapters.vault.auth import connect

    require_consent(workplace, environment.vault)
    with connect(environment.vault, workplace.environ) as live:
        yield live


def require_consent(workplace: Workplace, vault: VaultSettings) -> None:
    """Let the server of an environment be accepted where a person can answer.

    Raises ``VaultError`` RC070 elsewhere, RC071 to RC073 as ``consent.find_unaccepted`` does, and
    what the console raises for a no.
    """
    from reconciler.adapters.vault import consent

    where = consent.find_unaccepted(vault, workplace.environ)
    if where is None:
        return
    question = (
        f"reconciler.yaml names {where} for {vault.environment}. Send your credentials there from"
        " now on?"
    )
    if not workplace.console.accepts(question):
        raise consent.address_not_accepted(where, vault.environment)
    consent.accept(where, workplace.environ)


@contextmanager
def engine_for(
    workplace: Workplace,
    project: Project,
    environment: Environment,
    stopping: Callable[[], bool] | None = None,
    *,
    delivers: bool = False,
) -> Iterator[Engine]:
    """An engine on the real parts. ``stopping`` tells whether to stop between actions.

    Raises ``VaultError`` when the environment was not bootstrapped for us; with ``delivers`` also
    ``DeliveryError`` RC520, before anything is begun.
    """
    from reconciler.adapters.cel.judge import CelJudge
    from reconciler.adapters.delivery.late import LateSender
    from reconciler.adapters.git.folder import FolderLedger
    from reconciler.adapters.git.ledger import GitLedger
    from reconciler.adapters.system.minting import RandomMinter
    from reconciler.adapters.vault.setup.meta import read_meta
    from reconciler.adapters.vault.setup.mounts import mount_settings
    from reconciler.adapters.vault.setup.policies import policy_drift
    from reconciler.app.reports import SearchedReports
    from reconciler.engine.engine import Engine

    git, environ, console = workplace.git, workplace.environ, workplace.console
    make = partial(sender_for, workplace, environment)
    sender: Sender = make() if delivers else LateSender(make)
    with connect_live(workplace, environment) as live:
        meta = read_meta(live, project.name, environment.name)
        yield Engine(
            project=project,
            environment=environment,
            buckets=meta.buckets,
            live=live,
            minter=RandomMinter(project.key_prefix, environment.name),
            sender=sender,
            ledger=(
                GitLedger(git, project.audit_path, branch=project.audit_branch, environ=environ)
                if project.git
                else FolderLedger(git, environ)
            ),
            reporter=SearchedReports(project.audit_path),
            logged=meta.logged,
            say=console.say,
            progress=console.progress(),
            stopping=stopping or (lambda: False),
            edited_policies=lambda: policy_drift(live, environment.name),
            mounts=lambda: mount_settings(live),
            judge=CelJudge(),
            checkout=checkout_of(git, project),
        )


def checkout_of(git: GitCommand, project: Project) -> Callable[[Desired, Applied | None], Checkout]:
    """What tells of the checkout that a declaration was loaded from."""
    from reconciler.adapters.git import checkout as git_checkout
    from reconciler.declare.files.committed import clients_in, says_git
    from reconciler.declare.files.files import PROJECT_FILE, SUFFIXES, declares
    from reconciler.domain.declared.checkout import WITHOUT_GIT

    projects = [f"{PROJECT_FILE}{suffix}" for suffix in SUFFIXES]
    reading = git_checkout.Reading(declares, projects, clients_in)

    def look(desired: Desired, applied: Applied | None) -> Checkout:
        if not project.git and not git_checkout.relies_on_git(git, projects, says_git):
            return WITHOUT_GIT
        files = {client.name: client.source.file for client in desired.outlines()}
        used = git_checkout.Used(desired.files, files, desired.environment.name)
        return git_checkout.read_checkout(git, project.audit_path, reading, used, applied)

    return look


def sender_for(workplace: Workplace, environment: Environment) -> WebhookSender:
    """The sender of an environment, which needs the files of ``deliveries``.

    Raises ``DeliveryError`` RC520 for files that cannot be used, and for a private key that git
    tracks.
    """
    from reconciler.adapters.delivery.handshake import settings_with_variables
    from reconciler.adapters.delivery.sender import WebhookSender
    from reconciler.adapters.git.ledger import GitLedger

    settings = settings_with_variables(environment.deliveries, environment.name, workplace.environ)
    sender = WebhookSender(environment.allowed_networks, settings)
    key = settings.client_key
    if key is not None and GitLedger(workplace.git).tracks(Path(key).absolute()):
        message = f"git tracks the client key {key}: everybody who reads the repository has it"
        remedy = "have a new certificate issued, and keep its key where git does not see it"
        raise DeliveryError("RC520", message, remedy)
    sender.check()
    return sender


def read_required_records(
    workplace: Workplace,
    desired: Desired,
) -> Mapping[str, ClientRecord] | None:
    """The records of the environment that the promotion gate asks for, None when there is no gate.

    Raises ``VaultError``; when it is denied, with the remedy for a gate.
    """
    from reconciler.adapters.vault.setup.meta import read_meta
    from reconciler.engine.engine import list_names_on_record
    from reconciler.engine.look.records import read_sought

    project, environment = desired.project, desired.environment
    if environment.requires is None:
        return None
    first = project.environments[environment.requires]
    try:
        with connect_live(workplace, first) as live:
            buckets = read_meta(live, project.name, first.name).buckets
            return read_sought(live, project.name, buckets, list_names_on_record(desired)).records
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
