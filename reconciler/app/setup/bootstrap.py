"""``bootstrap``: what an environment needs in Vault, and its registry spread anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.app.project import load_environment
from reconciler.app.wiring import connect_live, engine_for
from reconciler.errors import VaultError

if TYPE_CHECKING:
    from reconciler.adapters.vault.setup.ci_platforms import Platform
    from reconciler.app.workplace import Workplace
    from reconciler.domain.declared.desired import Environment, Project


def prepare(
    workplace: Workplace,
    name: str,
    buckets: int | None,
    platform: Platform | None = None,
) -> list[tuple[str, str]]:
    """What ``bootstrap`` made or changed for the environment ``name``, in order. ``platform``: whose
    jobs may log in.

    Raises ``DeclarationError``, ``UsageError`` RC002, ``VaultError``.
    """
    project, environment = load_environment(workplace.root, name)
    done = _prepare(workplace, project, environment, buckets, platform)
    if platform is not None and environment.vault.auth.method != "jwt":
        role = f"{{method: jwt, role: integrations-{name}-plan}}"
        sentence = f"jobs log in once reconciler.yaml says vault.auth: {role} for {name}"
        workplace.console.say(sentence)
    return done


def _prepare(
    workplace: Workplace,
    project: Project,
    environment: Environment,
    buckets: int | None,
    platform: Platform | None,
) -> list[tuple[str, str]]:
    from reconciler.adapters.vault.setup.bootstrap import prepare_environment
    from reconciler.adapters.vault.setup.ci_roles import login_roles
    from reconciler.adapters.vault.setup.meta import Meta, existing_meta
    from reconciler.engine.rebucket import close_rest, spread_registry

    with connect_live(workplace, environment) as live:
        present = existing_meta(live, project.name, environment.name)
        anew = present is not None and buckets not in (None, present.buckets)
        done: list[tuple[str, str]] = list(
            prepare_environment(live, environment.name, project.name, None if anew else buckets)
        )
        if anew:  # what was just done may have written it
            present = existing_meta(live, project.name, environment.name)
        if platform is not None:
            try:
                done += login_roles(live, environment.name, platform)
            except VaultError:
                workplace.console.say("\n".join(["done before it failed:", *map(step_text, done)]))
                raise
    if present is None or buckets is None:
        return done
    if not anew:
        with engine_for(workplace, project, environment) as engine:
            closed = close_rest(engine)
        return [*done, (f"registry: old buckets closed {closed}", "updated")] if closed else done
    meta = Meta(project.name, environment.name, buckets, present.version)
    with engine_for(workplace, project, environment) as engine:
        moved = spread_registry(engine, buckets, meta.text(), present.version, engine.say)
    return [
        *done,
        (f"registry: clients {moved}, buckets {buckets} instead of {present.buckets}", "updated"),
    ]


def step_text(step: tuple[str, str]) -> str:
    """A step of ``prepared``: what, and what was done to it."""
    what, did = step
    return f"{did!s:<9} {what}"
