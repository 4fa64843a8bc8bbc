"""The rooms of the house: which modules belong together, and which tests stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from tests.kit.programs.commands import ROOT


@dataclass(frozen=True, slots=True)
class Room:
    """``modules``: patterns below ``reconciler/``; the first room that has a module keeps it.
    ``tests``: patterns below ``tests/`` of what may notice; which of them run is measured, mutant
    by mutant. ``last``: tests that try so many cases that measuring them takes too long; they run
    after the others, and only for what survived them (``--again``)."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    last: tuple[str, ...] = ()


# What stands for whole commands.
COMMANDS = (
    "cli/*.py",
    "ci/test_*notes.py",
    "ci/test_*reviewed.py",
    "ci/test_gitlab*.py",
    "story/test_alerts.py",
    "story/test_command_line.py",
    "story/test_failures.py",
    "story/test_library.py",
    "story/test_listen.py",
    "story/test_main_job.py",
    "story/test_pull_request.py",
    "story/test_reports.py",
    "story/test_saved_plans.py",
    "story/test_uncommitted.py",
)

ROOMS = (
    Room(
        "vault",
        ("adapters/vault/*",),
        (
            "adapters/test_vault_*.py",
            "adapters/test_secretinfo.py",
            "adapters/test_ci_roles*.py",
            "adapters/test_at_once.py",
            "cli/test_ci.py",
            "cli/test_trust.py",
            "story/test_roles.py",
            "story/test_bootstrap.py",
            "story/test_key_pairs.py",
            "story/test_drift.py",
            "story/test_names_only.py",
            "story/test_unreadable.py",
            "story/test_mount_settings.py",
            "story/test_imports.py",
        ),
    ),
    Room(
        "registry",
        ("registry/*", "engine/rebucket.py"),
        (
            "registry/*.py",
            "engine/*.py",
            "story/test_edited_records.py",
            "story/test_bootstrap.py",
            "story/test_unfinished.py",
            "story/test_webhook_tests.py",
        ),
        (
            "reliability/test_faults_in_memory.py",
            "reliability/test_edits_in_memory.py",
            "reliability/test_third_kinds.py",
            "reliability/test_stored_laws.py",
        ),
    ),
    Room("evidence", ("evidence/*",), ("evidence/*.py",)),
    Room(
        "demo",
        (
            "cli/demo/*",
            "adapters/receiving/receiver.py",
            "adapters/receiving/loopback.py",
            "adapters/system/own_command.py",
        ),
        (
            "cli/test_demo.py",
            "cli/test_tour*.py",
            "adapters/test_receiver.py",
            "adapters/test_loopback_http.py",
            "cli/test_listen.py",
        ),
    ),
    Room(
        "git",
        (
            "adapters/git/*",
            "adapters/trust/*",
            "adapters/forges/*",
        ),
        (
            "adapters/test_git*.py",
            "adapters/test_platform.py",
            "adapters/test_web.py",
            "adapters/test_vault_consent.py",
            "ci/test_gitlab*.py",
            "ci/test_github_notes.py",
            "ci/test_notes.py",
            "cli/test_demands.py",
            "story/test_policy_chain.py",
            "story/test_uncommitted.py",
            "story/test_reports.py",
            "story/test_git_first.py",
            "story/test_hidden_by_git.py",
            "story/test_embedded_repository.py",
        ),
    ),
    Room(
        "delivery",
        (
            "adapters/delivery/*",
            "adapters/alerts/*",
            "adapters/receiving/*",
        ),
        (
            "adapters/test_sender*.py",
            "adapters/test_alerts*.py",
            "adapters/test_deliveries.py",
            "adapters/test_listening.py",
            "cli/test_listen.py",
            "story/test_listen.py",
            "story/test_alerts.py",
        ),
    ),
    Room(
        "server",
        ("adapters/*",),
        (
            "adapters/test_openbao.py",
            "adapters/test_cel.py",
            "adapters/test_own_memory.py",
            "adapters/test_sender_tls.py",
            "webhooks/test_schemes.py",
            "cli/test_dev.py",
            "cli/test_init.py",
            "cli/test_listen.py",
            "story/test_interrupt.py",
        ),
    ),
    Room(
        "planning",
        ("planning/*",),
        (
            "planning/*.py",
            "report/*.py",
            "adapters/test_git_chain.py",
            "declare/test_policy*.py",
            "story/test_guards.py",
            "story/test_loosened.py",
            "story/test_policy*.py",
        ),
        ("reliability/test_laws.py",),
    ),
    Room(
        "webhooks",
        ("webhooks/*",),
        (
            "webhooks/*.py",
            "docs/test_schemes.py",
            "adapters/test_sender*.py",
            "adapters/test_deliveries.py",
            "adapters/test_receiver.py",
            "adapters/test_listening.py",
            "story/test_webhook_tests.py",
            "story/test_schemes.py",
        ),
    ),
    Room(
        "declare",
        ("declare/*",),
        (
            "declare/*.py",
            "docs/test_policy_page.py",
            "docs/test_schemes.py",
            "cli/test_codeowners.py",
            "cli/test_errors.py",
            "story/test_examples.py",
            "story/test_unknown_names.py",
        ),
    ),
    Room(
        "report",
        ("report/*",),
        (
            "report/*.py",
            "docs/test_formats.py",
            "cli/test_deliveries.py",
            "cli/test_rendering.py",
            "story/test_reports.py",
        ),
    ),
    Room(
        "engine",
        ("engine/*",),
        (
            "engine/*.py",
            "story/test_edited_records.py",
            "story/test_failures.py",
            "story/test_main_job.py",
            "story/test_reports.py",
            "story/test_saved_plans.py",
            "story/test_unfinished.py",
            "story/test_unreadable.py",
            "story/test_webhook_tests.py",
        ),
        ("reliability/test_faults_in_memory.py",),
    ),
    Room(
        "domain",
        ("domain/*", "errors/*"),
        (
            "domain/*.py",
            "declare/*.py",
            "engine/*.py",
            "planning/*.py",
            "registry/*.py",
            "report/*.py",
            "webhooks/*.py",
            "docs/test_codes.py",
            "docs/test_schemes.py",
        ),
    ),
    Room(
        "app",
        ("app/*",),
        (
            *COMMANDS,
            "adapters/test_vault_doctor.py",
            "docs/test_library_page.py",
            "story/test_bootstrap.py",
        ),
    ),
    Room(
        "cli",
        ("cli/*", "*.py"),
        COMMANDS,
    ),
)


def room_of(module: Path) -> Room:
    """``module``: below ``reconciler/``."""
    return next(room for room in ROOMS if any(fnmatch(str(module), one) for one in room.modules))


def modules_of(room: Room) -> list[str]:
    """The modules of a room, below the checkout, in order. What ``init`` copies is data."""
    package = ROOT / "reconciler"
    found = sorted(path.relative_to(package) for path in package.rglob("*.py"))
    kept = [one for one in found if "starter" not in one.parts and room_of(one) is room]
    return [f"reconciler/{one}" for one in kept]


def chosen_tests(room: Room) -> list[str]:
    """The test files of a room that are measured, below the checkout."""
    found = {path for one in room.tests for path in (ROOT / "tests").glob(one)}
    return sorted(str(path.relative_to(ROOT)) for path in found if path.name.startswith("test_"))
