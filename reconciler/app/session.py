"""A project and one of its environments, and what can be done with them.

The command line and the library are both users of ``Session``; they differ in who looks on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reconciler.app.console import Silent, ignore, never
from reconciler.app.values import Findings, Plan, Proofs, Run, Status
from reconciler.app.workplace import Workplace
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

Text = str | os.PathLike[str]


class Session:
    """What can be done with one environment of a project. ``reconciler.open`` makes one.

    Thread-safe: every call reads the declaration anew, makes a connection of its own and ends it,
    and shares nothing with other calls. Calls that change the same environment at the same time
    wait for each other by the lease in Vault, in one program as in many. Nothing is printed, and no
    signal handler is set.

    Every method raises ``ReconcilerError``: with the code, the message and the remedy that the
    command line shows. After ``close`` it is ``UsageError`` RC080.
    """

    def __init__(
        self,
        find: Callable[[], Workplace],
        environment: str,
    ) -> None:
        """``find`` is asked for the workplace by each call, after it looked at its arguments."""
        self.environment = environment
        self._find: Callable[[], Workplace] | None = find

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget the credentials. Calls that are at work go on to their end."""
        self._find = None

    def validate(self, *paths: Text) -> Findings:
        """Check the declaration, of all environments. Needs no Vault.

        ``paths``: only what concerns these files or folders is returned.
        """
        from reconciler.app.reading import validate_project

        return validate_project(self._workplace().root, [Path(path) for path in paths])

    def plan(
        self,
        *,
        only: Sequence[str] = (),
        verify: Sequence[str] = (),
        upkeep: bool = False,
        yes_remove: int | None = None,
        allow_rollback: str | None = None,
        at: datetime | None = None,
        reviewed: Text | None = None,
        base: str | None = None,
        deep: bool = False,
        cache: bool = False,
    ) -> Plan:
        """What ``apply`` would do, and why. Changes nothing and reads no secret.

        A plan that a guard blocks is returned, too: its ``blocked`` is true, its ``findings`` say
        why. The parameters are the options of ``reconciler plan``: ``only`` names clients,
        ``verify`` webhooks (``client/webhook``) that shall prove themselves again, ``at`` is a time
        (UTC) in the future. ``cache``: skip what did not change since the last such plan here, as
        the command does at a person's desk; the plan is the same.
        """
        from reconciler.app.plan.making import plan_environment
        from reconciler.app.plan.planned import Asked, client_names

        asked = Asked(
            client_names(only),
            verify,
            yes_remove,
            allow_rollback,
            at,
            deep,
        )
        return Plan(
            plan_environment(
                self._workplace(),
                self.environment,
                asked,
                upkeep=upkeep,
                reviewed=None if reviewed is None else Path(reviewed),
                base=base,
                cache=cache,
            )
        )

    def apply(
        self,
        plan: Plan | Text | None = None,
        *,
        only: Sequence[str] = (),
        verify: Sequence[str] = (),
        upkeep: bool = False,
        yes_remove: int | None = None,
        allow_rollback: str | None = None,
        shard: str | None = None,
        deep: bool = False,
        allowed_signers: Text | None = None,
        ask: bool = False,
        commit: bool = True,
        push: bool = False,
        wait: bool = True,
        alerts: bool = True,
    ) -> Run:
        """Carry out ``plan``, or the plan in that file, exactly; then commit the audit report.

        It is refused, and nothing is changed, when it is stale for the clients it touches, used,
        expired or blocked. Without ``plan`` one is made now of what the other parameters say, and
        made anew when live state changes meanwhile. ``commit``, ``push``, ``wait`` and ``alerts``
        are the options of ``reconciler apply``; ``ask`` has a person agree where there is one.

        A run that was done in part is returned: ``complete`` is false.
        """
        from reconciler.app.plan.planned import Asked, parse_shard, refuse_misused
        from reconciler.app.run.changing import Manner, Part, apply_plan

        others = (yes_remove, shard, verify, upkeep, allow_rollback)
        refuse_misused(plan, only, *others)
        part = Part(parse_shard(shard) if shard is not None else None, upkeep)
        saved = plan.content if isinstance(plan, Plan) else None if plan is None else Path(plan)
        return apply_plan(
            self._workplace(),
            self.environment,
            Asked(
                tuple(only),
                verify,
                yes_remove,
                allow_rollback,
                deep=deep,
            ),
            Manner(commit, push, wait, alerts),
            saved=saved,
            part=part,
            allowed_signers=None if allowed_signers is None else Path(allowed_signers),
            ask=ask,
        )

    def rotate(
        self,
        target: str,
        *,
        reason: str,
        commit: bool = True,
        push: bool = False,
        wait: bool = True,
        alerts: bool = True,
    ) -> Run:
        """Rotate ``client/key``, all keys of ``client``, or the signing secret of
        ``client/webhook``, now. The old version works on through its grace.

        ``reason``: a line of at most 200 characters, which goes into the evidence.
        """
        from reconciler.app.plan.targets import parse_target
        from reconciler.app.run.changing import Manner, rotate_credentials

        asked = parse_target(target)
        manner = Manner(commit, push, wait, alerts)
        return rotate_credentials(self._workplace(), self.environment, asked, reason, manner)

    def revoke(
        self,
        target: str,
        *,
        reason: str,
        incident: str | None = None,
        commit: bool = True,
        push: bool = False,
        alerts: bool = True,
    ) -> Run:
        """Revoke ``client/key``, the signing secret of ``client/webhook``, or everything that
        ``client`` has, at once: no grace, no lease, no guard.

        Nothing new is issued until the declaration says so.
        """
        from reconciler.app.plan.targets import parse_revocation
        from reconciler.app.run.changing import Manner, revoke_credentials

        request = parse_revocation(target, reason, incident)
        manner = Manner(commit, push, alerts=alerts)
        return revoke_credentials(
            self._workplace(), self.environment, request, manner, target=target
        )

    def status(self, client: str | None = None) -> Status:
        """What Vault holds: clients, versions of keys, webhooks, what is unfinished. Reads no
        secret."""
        from reconciler.app.reading import read_status

        return read_status(self._workplace(), self.environment, client)

    def prove(self, *targets: str) -> Proofs:
        """Send test deliveries and probes to webhooks (``client``, ``client/webhook``; none: all):
        each must accept what is genuine and refuse what is not. Nothing is put on record."""
        from reconciler.app.reading import prove_declared

        return prove_declared(self._workplace(), self.environment, targets)

    def _workplace(self) -> Workplace:
        find = self._find
        if find is None:
            raise UsageError("RC080", "this session is closed", "open another one")
        return find()


def open_session(
    path: Text,
    environment: str,
    *,
    token: str | None = None,
    address: str | None = None,
    environ: Mapping[str, str] | None = None,
    notes: Callable[[str], None] | None = None,
    stopping: Callable[[], bool] | None = None,
) -> Session:
    """A session for ``environment`` of the project in the folder ``path``. Nothing is connected yet.

    ``token``: the token of Vault, and no other credential is looked for. Without it the credential
    is found in ``environ`` as the command line finds it in its environment variables
    (``VAULT_TOKEN``, the login that ``vault.auth`` declares, …). ``address``: the server, instead
    of the one in ``reconciler.yaml``; naming it here is consent to send the credential there.
    ``environ`` is copied; without it, what ``os.environ`` holds now is used, ``{}`` takes nothing
    from it.

    ``notes`` gets the sentences that the command line prints on stderr, and ``stopping`` is asked
    between the actions of a run whether to end it; both are called from several threads.

    Raises ``UsageError`` RC001 when ``path`` holds no project, RC002 when it has no such
    environment; ``ReconcilerError`` RC042 for the project of another user; ``DeclarationError``
    when reconciler.yaml is not valid.
    """
    from reconciler.app.credentials import with_credentials
    from reconciler.app.project import load_environment, project_root

    variables = with_credentials(os.environ if environ is None else environ, token, address)
    root = project_root(Path(path), variables)
    load_environment(root, environment)
    console = Silent(notes or ignore, stopping or never)
    return Session(lambda: Workplace(root, variables, console), environment)
