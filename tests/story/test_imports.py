"""What commands import: no package of others that they do not use, and hvac only where docs/vault.md
says so."""

from __future__ import annotations

import subprocess
import sys
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
ENDING = "code = main(sys.argv[1:]); print('ended', code, *sys.modules, file=sys.stderr)"
# Packages of others, by command. Each costs every start some hundredths of a second.
PACKAGES = {
    "--help": {"click"},
    "validate": {"click", "tzdata", "yaml"},
    "plan": {"click", "tzdata", "urllib3", "yaml"},
    "status": {"click", "urllib3", "yaml"},
}
OURS = {"__main__", "reconciler", "loopback_only"}  # the last one is the guard of the tests
# What a package brings in compiled form, and what Debian or setuptools put into every start.
PARTS = ("_", "cython_runtime", "sitecustomize", "usercustomize")


def imports_hvac(checkout: Checkout, command: str, *arguments: str) -> bool:
    """Whether a command that succeeds does, as another process."""
    return "hvac" in list_imported(checkout, command, "-e", checkout.environment, *arguments)


def list_imported(checkout: Checkout, command: str, *arguments: str) -> set[str]:
    """The packages of others that a command imports that succeeds."""
    code = f"import sys; sys.argv[0] = 'reconciler'; from reconciler.cli.main import main; {ENDING}"
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
    ended, code, *modules = ran.stderr.splitlines()[-1].split()
    assert (ended, code) == ("ended", "0"), ran.stderr
    packages = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - OURS
    return {name for name in packages if not name.startswith(PARTS)}


def test_commands_import_no_package_that_they_do_not_use(checkout: Checkout) -> None:
    checkout.hooked(
        "partner",
        "http://127.0.0.1:1/hook",
        keys=[{"name": "primary", "rotation": {"window": "Mon-Fri 09:00-16:00 Europe/London"}}],
    )
    checkout.commit()
    assert list_imported(checkout, "--help") == PACKAGES["--help"]
    assert list_imported(checkout, "validate") == PACKAGES["validate"]
    for command in ("plan", "status"):
        assert list_imported(checkout, command, "-e", checkout.environment) == PACKAGES[command]


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
