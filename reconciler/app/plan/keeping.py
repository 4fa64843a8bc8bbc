"""What plans at a person's desk keep from one to the next: files that were read, and clients of
whom there was nothing to say. ``apply``, CI and saved plans use none of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from reconciler.adapters.kept.store import cache_file, read_kept, write_kept
from reconciler.adapters.system.ci_job import is_ci_job
from reconciler.adapters.system.own_program import describe_program
from reconciler.dataclass import dataclass
from reconciler.declare.clients.kept_files import KeptFile, KeptFiles
from reconciler.domain.declared.desired import RuleLevel
from reconciler.domain.declared.placed import holds_in
from reconciler.domain.values.canonical import digest
from reconciler.planning.quiet.known import (
    NOTHING_KNOWN,
    Known,
    QuietVerdict,
    declared_digest,
)
from reconciler.planning.quiet.verdicts import judge_clients

if TYPE_CHECKING:
    from reconciler.app.workplace import Workplace
    from reconciler.domain.declared.desired import Desired
    from reconciler.domain.plan.plan import Plan
    from reconciler.planning.actions.inputs import Inputs
    from reconciler.planning.loosening.terms_before import Before

# Variables that say which server is asked.
_WHERE = ("VAULT_ADDR", "VAULT_NAMESPACE", "BAO_ADDR", "BAO_NAMESPACE")


class KeptPlan(NamedTuple):
    """``ground`` is that of the ``files``, ``terms`` that of the ``verdicts``: digests of all that
    they depend on besides."""

    ground: str = ""
    files: dict[str, KeptFile] = {}  # noqa: RUF012 - nobody changes it
    terms: str = ""
    verdicts: dict[str, QuietVerdict] = {}  # noqa: RUF012 - likewise


@dataclass(slots=True)
class Keeping:
    """What is kept in the file ``path`` for one environment. ``files`` is given to whoever reads
    the declaration; ``know`` tells afterwards of whom nothing is to be said; ``save`` keeps what
    a plan found."""

    path: Path
    files: KeptFiles
    _kept: KeptPlan
    _where: tuple[str, ...]
    _terms: str = ""
    _known: Known = NOTHING_KNOWN

    def know(
        self,
        desired: Desired,
        before: Before | None,
    ) -> Known:
        """The verdicts that hold for clients as they are ``desired``. None do where rules of one's
        own look at all clients, or where what was loosened is told of all of them."""
        if not self.files.ground or _looks_at_all(desired, before):
            return NOTHING_KNOWN
        self._terms = digest([self.files.ground, repr(desired.environment.vault), *self._where])
        self._known = Known(
            self._kept.verdicts if self._terms == self._kept.terms else {},
            {one.name: declared_digest(one.digest, one.base_digest) for one in desired.outlines()},
        )
        return self._known

    def save(
        self,
        inputs: Inputs,
        plan: Plan,
    ) -> None:
        """Keep what was read, and of whom ``plan``, made of ``inputs``, says nothing."""
        verdicts: dict[str, QuietVerdict] = {}
        if self._terms:
            quiet = inputs.observed.quiet
            verdicts = {name: self._known.verdicts[name] for name in quiet}
            verdicts |= judge_clients(inputs, plan)
        if self.files.changed or verdicts != self._kept.verdicts:
            write_kept(
                self.path, KeptPlan(self.files.ground, self.files.files, self._terms, verdicts)
            )


def open_keeping(workplace: Workplace, environment: str) -> Keeping | None:
    """What is kept for ``environment`` of this working copy; None where nothing shall be, or can
    be."""
    if is_ci_job(workplace.environ):
        return None
    path = cache_file(workplace.environ, workplace.root, environment)
    if path is None:
        return None
    kept = read_kept(path, KeptPlan) or KeptPlan()
    files = KeptFiles(describe_program, kept.ground, dict(kept.files))
    return Keeping(path, files, kept, tuple(workplace.environ.get(name, "") for name in _WHERE))


def _looks_at_all(desired: Desired, before: Before | None) -> bool:
    rules = any(
        rule.level is not RuleLevel.OFF and holds_in(rule.environments, desired.environment.name)
        for rule in desired.policy.custom_rules
    )
    return rules or (before is not None and not before.before.means(before.now))
