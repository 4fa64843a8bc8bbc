"""What commands import: our modules by name, no package of others that they do not use, next to
nothing for ``--help``, and hvac only where docs/vault.md says so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.receiving.receiver import LoopbackReceiver
from reconciler.domain.secrecy.secret import Secret
from tests.kit.git.checkout import Checkout
from tests.kit.programs.commands import environ

PAGE = (Path(__file__).resolve().parents[2] / "docs/vault.md").read_text(encoding="utf-8")
PAIR = {"scheme": "standard-webhooks", "algorithm": "ed25519"}
WITHOUT = {
    "plan": (),
    "apply": ("--yes",),
    "status": (),
    "deliveries": (),
    "rotate": ("partner/primary", "--reason", "test"),
    "revoke": ("partner/primary", "--reason", "test"),
}
WITH = ("bootstrap", "doctor")
ENDING = "print('ended', code, *sys.modules, file=sys.stderr)"
COMMAND = f"from reconciler.cli.main import main; code = main(sys.argv[1:]); {ENDING}"
# The least that a program made with click imports when it shows its help.
SMALLEST = f"""
import click
@click.command(context_settings={{"max_content_width": 100}})
@click.version_option("1")
def cli():
    "A command."
code = cli(standalone_mode=False) or 0
{ENDING}
"""
# Packages of others, by command. Each costs every start some hundredths of a second.
PACKAGES = {
    "--help": {"click"},
    "validate": {"click", "tzdata", "yaml"},
    "plan": {"click", "httptools", "msgspec", "typing_extensions", "tzdata", "yaml"},
    "status": {"click", "httptools", "msgspec", "typing_extensions", "yaml"},
}  # msgspec takes typing_extensions where it is installed: what tests need brings it
OURS = {"__main__", "reconciler", "loopback_only"}  # the last one is the guard of the tests
# What a package brings in compiled form, and what Debian or setuptools put into every start.
PARTS = ("_", "cython_runtime", "sitecustomize", "usercustomize")


def imports_hvac(checkout: Checkout, command: str, *arguments: str) -> bool:
    """Whether a command that succeeds does, as another process."""
    return "hvac" in list_imported(checkout, command, "-e", checkout.environment, *arguments)


def list_imported(checkout: Checkout, command: str, *arguments: str) -> set[str]:
    """The packages of others that a command imports that succeeds."""
    return of_others(list_modules(checkout, COMMAND, command, *arguments))


def list_modules(checkout: Checkout, code: str, command: str, *arguments: str) -> set[str]:
    """All modules that are there at the end of a program that succeeds."""
    code = f"import sys; sys.argv[0] = 'reconciler'\n{code}"
    variables = {"VAULT_TOKEN": checkout.place.token(checkout.role)}
    if command in WITH:
        variables["VAULT_TOKEN"] = checkout.place.server.token.reveal()
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code, command, *arguments],
        cwd=checkout.root,
        env=environ(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    ended, exit_code, *modules = ran.stderr.splitlines()[-1].split()
    assert (ended, exit_code) == ("ended", "0"), ran.stderr
    return set(modules)


def of_others(modules: set[str]) -> set[str]:
    packages = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - OURS
    return {name for name in packages if not name.startswith(PARTS)}


def ours(modules: set[str]) -> str:
    """Those of this program, one a line. A package is left out where one of its modules is there:
    it only holds them."""
    names = {name for name in modules if name.partition(".")[0] == "reconciler"}
    held = {name.rpartition(".")[0] for name in names}
    return "".join(f"{name}\n" for name in sorted(names - held))


def test_commands_import_no_module_that_they_do_not_use(
    checkout: Checkout, golden: Callable[[str, str], None]
) -> None:
    """A module that is new in one of the lists costs every start: is it needed there?"""
    checkout.hooked(
        "partner",
        "http://127.0.0.1:1/hook",
        keys=[{"name": "primary", "rotation": {"window": "Mon-Fri 09:00-16:00 Europe/London"}}],
    )
    checkout.commit()
    for command, packages in PACKAGES.items():
        where = ("-e", checkout.environment) if command in {"plan", "status"} else ()
        modules = list_modules(checkout, COMMAND, command, *where)
        assert of_others(modules) == packages
        golden(f"imports_{command.strip('-')}.txt", ours(modules))


def test_help_imports_hardly_more_than_click_itself(checkout: Checkout) -> None:
    shown, least = (list_modules(checkout, code, "--help") for code in (COMMAND, SMALLEST))
    more = {name for name in shown - least if name.partition(".")[0] != "reconciler"}
    assert more == {"copy", "dataclasses"}


def test_commands_of_every_day_do_without_hvac(checkout: Checkout) -> None:
    with LoopbackReceiver(
        lambda: [Secret(checkout.secret("webhooks/partner.settlements") or "")]
    ) as receiver:
        checkout.hooked("partner", receiver.url)
        checkout.commit()
        for command, arguments in WITHOUT.items():
            assert f"`{command}`" in PAGE
            assert not imports_hvac(checkout, command, *arguments), command


def test_a_run_with_key_pairs_needs_hvac(checkout: Checkout) -> None:
    with LoopbackReceiver(
        lambda: [Secret(checkout.secret("webhooks/partner.settlements") or "")]
    ) as receiver:
        checkout.hooked("partner", receiver.url, webhook={"signature": PAIR})
        checkout.commit()
        assert imports_hvac(checkout, "apply", "--yes")
        assert not imports_hvac(checkout, "plan")


@pytest.mark.parametrize("command", WITH)
def test_commands_that_set_up_need_hvac(checkout: Checkout, command: str) -> None:
    """The page would promise too little otherwise."""
    assert f"`{command}`" in PAGE
    assert imports_hvac(checkout, command)
