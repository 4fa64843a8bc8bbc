"""Names that nothing has: the remedy offers those that there are, or says how there come to be
some."""

from __future__ import annotations

import pytest

from tests.kit.git.checkout import Checkout

CASES = {
    "status nobody": ("RC361", "partner", "apply registers"),
    "status ../partner": ("RC361", "partner", "apply registers"),
    "rotate nobody --reason test": ("RC361", "partner", "run reconciler apply first"),
    "rotate partner/nothing --reason test": ("RC362", "primary", None),
    "revoke nobody --reason test": ("RC361", "partner", "apply registers"),
    "revoke partner/nothing --reason test": ("RC362", "primary", None),
    "plan --only nobody": ("RC007", "partner", "declare one"),
    "apply --yes --only nobody": ("RC007", "partner", "declare one"),
}


def remedy(checkout: Checkout, arguments: str, code: str) -> str:
    command, *rest = arguments.split()
    ran = checkout.run(command, "-e", checkout.environment, *rest, "--format", "json")
    assert (ran.code, ran.json["code"]) == (64, code)
    assert f"error[{code}]: " in ran.err
    return str(ran.json["remedy"])


def test_an_unknown_name(checkout: Checkout) -> None:
    checkout.commit()
    for arguments, (code, _, nothing_yet) in CASES.items():
        if nothing_yet is not None:
            assert nothing_yet in remedy(checkout, arguments, code), arguments
    checkout.client("partner")
    checkout.apply().ok()
    before = checkout.everything_written()
    for arguments, (code, offered, _) in CASES.items():
        assert f"name one of: {offered}" in remedy(checkout, arguments, code), arguments
    assert checkout.everything_written() == before


@pytest.mark.parametrize("state", ["suspended", "retired"])
def test_a_client_that_gets_no_new_version(checkout: Checkout, state: str) -> None:
    checkout.client("partner")
    checkout.apply().ok()
    checkout.client("partner", state=state)
    assert "active" in remedy(checkout, "rotate partner --reason test", "RC363")
    assert checkout.versions("partner") == {1: "active"}
