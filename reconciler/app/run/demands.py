"""What a policy asks for before ``apply`` begins: a signed commit, and an approver who is not the
author.

Never asked of ``revoke``, which reads no policy, nor of ``rotate``, which changes nothing that is
declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.adapters.system.ci_job import is_ci_job
from reconciler.adapters.trust.commits import Declaration, refuse_changed
from reconciler.adapters.trust.platform import (
    Person,
    all_authors,
    approver,
    platform_host,
    read_authors,
    same_person,
)
from reconciler.app.workplace import Workplace
from reconciler.declare.files.files import PROJECT_FILE, SUFFIXES, declares
from reconciler.declare.policy.policy import demands_in
from reconciler.declare.project.project import name_in
from reconciler.domain.declared.checkout import Checkout
from reconciler.domain.declared.desired import ApplyDemands, Desired, DistinctApprover
from reconciler.domain.plan.plan import Plan
from reconciler.errors import AuditError, BlockedError
from reconciler.planning.guards.situation import is_declared
from reconciler.planning.trust.chain import Followed

OWN_SIGNERS = (
    "warning: who may sign was read from the repository itself; set RECONCILER_ALLOWED_SIGNERS from"
    " outside of it: at GitHub a variable of the repository, at GitLab a protected variable of type"
    " File (docs/policy.md)"
)
_POLICIES = tuple(f"policy{suffix}" for suffix in SUFFIXES)
_PROJECTS = tuple(f"{PROJECT_FILE}{suffix}" for suffix in SUFFIXES)


class Demands:
    """What is demanded of one ``apply`` of ``desired``."""

    def __init__(
        self,
        workplace: Workplace,
        desired: Desired,
    ) -> None:
        self._workplace = workplace
        self._desired = desired
        self._declaration: Declaration | None = None

    def refuse_badly_signed(self, given: Path | None) -> None:
        """As ``refuse_unsigned``. In CI it is told when the repository alone said who may sign."""
        if self.refuse_unsigned(given) and is_ci_job(self._workplace.environ):
            self._workplace.console.say(OWN_SIGNERS)

    def refuse_unsigned(self, given: Path | None = None) -> bool:
        """Whether the repository alone said who may sign.

        Raises ``BlockedError`` RC240 to RC242 when a signature is demanded: by the policy that is
        applied, by that of the commit before, as signed commits left it last, or by ``given``, a
        file of allowed signers that the repository has no say in."""
        own = self._desired.policy.apply.allowed_signers
        allowed = self._outside(given) if given is not None else None
        try:
            commit = self._find()
        except BlockedError:
            if own is None and allowed is None:
                return False
            raise
        name = self._desired.project.name
        followed = Followed(name, _POLICIES, _PROJECTS, _signers_in, name_in)
        inherited = commit.find_inherited(followed)
        demanded = {path for path in (own, _before(commit).allowed_signers) if path is not None}
        if not demanded and not inherited and allowed is None:
            return False
        commit.refuse_uncommitted(self._desired.files, declares)
        if allowed is not None:
            commit.refuse_other_keys(allowed, str(given))
        for signers in sorted(demanded):
            commit.refuse_unsigned(signers)
        for path, kept in inherited:
            commit.refuse_other_keys(kept, f"{path} as signed commits left it")
        return allowed is None

    def refuse_plan(
        self,
        plan: Plan,
        checkout: Checkout,
    ) -> None:
        """Raises ``BlockedError`` for a plan of what no commit holds (RC242), or that its own author
        approved (RC243, RC244), where the policy says so."""
        self._refuse_uncommitted(plan, checkout)
        if any(map(is_declared, plan.changes)):
            self._refuse_same_person(checkout)

    def _refuse_uncommitted(
        self,
        plan: Plan,
        checkout: Checkout,
    ) -> None:
        """Raises ``BlockedError`` RC242 for what no commit held as ``plan`` was made, or holds now.

        Only where the policy in HEAD, or the one that is applied, demands it.
        """
        dirty = sorted({*plan.dirty, *checkout.dirty})
        if not dirty:
            return
        commit = self._find_or_none(checkout)
        in_head = _demands_of(commit, commit.head) if commit is not None else ApplyDemands()
        if self._desired.policy.apply.needs_commit or in_head.needs_commit:
            refuse_changed(dirty)

    def _refuse_same_person(self, checkout: Checkout) -> None:
        """Raises ``BlockedError`` RC243 when who approved a declared change wrote it, RC244 when
        that must be known and is not. A run that only rotates and repairs has no approver."""
        commit = self._find_or_none(checkout)
        before = _before(commit) if commit is not None else ApplyDemands()
        demands = (self._desired.policy.apply.distinct_approver, before.distinct_approver)
        if set(demands) == {DistinctApprover.OFF}:
            return
        environ = self._workplace.environ
        who = approver(environ)
        authors = _authors(commit, environ)
        same = same_person(who, authors, platform_host(environ))
        if same:
            raise BlockedError(
                "RC243",
                f"{who} approved what {who} wrote: the policy demands another approver",
                "have somebody else merge, start or re-run it",
            )
        if same is None and DistinctApprover.ALWAYS in demands:
            raise BlockedError(
                "RC244",
                f"the policy demands an approver who is not the author, and"
                f" {_missing(who, authors)}",
                "run it in CI, or have the pipeline set RECONCILER_APPROVER and RECONCILER_AUTHOR"
                " from its platform's API",
            )
        if same is None:
            self._workplace.console.say(
                f"whether the approver is the author is not known: {_missing(who, authors)}"
            )

    def _find_or_none(self, checkout: Checkout) -> Declaration | None:
        """The declaration in HEAD, None without any commit. ``checkout`` says which HEAD it is."""
        known = self._declaration
        if known is not None and known.head == checkout.head:
            return known
        try:
            return self._find()
        except BlockedError:
            return None

    def _find(self) -> Declaration:
        """Raises ``BlockedError`` RC240 when there is no commit."""
        audit = self._desired.project.audit_path
        self._declaration = Declaration(self._workplace.git, audit)
        return self._declaration

    def _outside(self, path: Path) -> str:
        """The text of a file of allowed signers. Raises ``BlockedError`` RC241 for one that cannot
        be read, is empty, or lies in the repository, which would choose whom to trust by itself."""
        remedy = "name a file outside of the repository, in the format of ssh-keygen"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise BlockedError(
                "RC241", f"the allowed signers in {path} cannot be read: {why}", remedy
            ) from None
        if not text.strip():
            raise BlockedError("RC241", f"the file of allowed signers {path} is empty", remedy)
        if path.resolve().is_relative_to(self._work_tree()):
            raise BlockedError(
                "RC241",
                f"the allowed signers in {path} lie in the repository that they judge",
                remedy,
            )
        return text

    def _work_tree(self) -> Path:
        try:
            return self._workplace.git.repository.work_tree.resolve()
        except AuditError:  # what it is will be said when the commit is looked for
            return self._workplace.root.resolve()


def _before(commit: Declaration) -> ApplyDemands:
    """What the policy demanded before this commit: a commit cannot take back what is demanded of
    it."""
    return _demands_of(commit, next(iter(commit.parents), None))


def _demands_of(declaration: Declaration, commit: str | None) -> ApplyDemands:
    return next(map(demands_in, declaration.policies(commit, _POLICIES)), ApplyDemands())


def _signers_in(policy: str) -> str | None:
    return demands_in(policy).allowed_signers


def _authors(commit: Declaration | None, environ: Mapping[str, str]) -> list[Person]:
    if commit is None or environ.get("RECONCILER_AUTHOR", "").strip():
        return read_authors(environ, "", is_merge=False)
    told = read_authors(environ, commit.commit, is_merge=commit.is_merge)
    return all_authors(told, commit.authors())


def _missing(who: Person | None, authors: list[Person]) -> str:
    if who is None:
        return "nothing tells who approved this run"
    return f"nothing tells whether {who} wrote it" if authors else "nothing tells who wrote it"
