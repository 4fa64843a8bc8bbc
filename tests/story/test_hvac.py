"""hvac is imported by the commands that docs/vault.md says need it, and by no other."""

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
ENDING = "code = main(sys.argv[1:]); print('ended', code, 'hvac' in sys.modules, file=sys.stderr)"


def imports_hvac(checkout: Checkout, command: str, *arguments: str) -> bool:
    """Whether a command that succeeds does, as another process."""
    code = f"import sys; sys.argv[0] = 'reconciler'; from reconciler.cli.main import main; {ENDING}"
    variables = {"VAULT_TOKEN": checkout.place.token(checkout.role)}
    if command in WITH:
        variables["VAULT_TOKEN"] = checkout.place.server.token.reveal()
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code, command, "-e", checkout.environment, *arguments],
        cwd=checkout.root,
        env=environ(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    code_and_hvac = ran.stderr.splitlines()[-1].split()
    assert code_and_hvac[:2] == ["ended", "0"], ran.stderr
    return code_and_hvac[2] == "True"


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
