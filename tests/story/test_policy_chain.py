"""Several commits in one push may not do what one commit may not."""

from __future__ import annotations

from pathlib import Path

from tests.kit.git.checkout import Checkout
from tests.kit.git.repositories import git
from tests.kit.git.signing import new_signer

SIGNERS = ".allowed_signers"


def refused(checkout: Checkout) -> str:
    """``apply`` exits 3 and writes nothing to Vault; its message."""
    before = checkout.everything_written()
    ran = checkout.apply()
    assert (ran.code, ran.json["code"]) == (3, "RC240"), ran.out + ran.err
    assert checkout.everything_written() == before
    return str(ran.json["message"])


def test_neither_the_demand_nor_a_key_is_changed_by_two_commits(
    checkout: Checkout, tmp_path: Path
) -> None:
    ada, eve = (new_signer(tmp_path / "keys", name) for name in ("ada", "eve"))
    demand = {"apply": {"signedCommits": {"allowedSigners": SIGNERS}}}
    checkout.write(SIGNERS, ada.line)
    checkout.commit("signers")
    checkout.document("policy.yaml", "GuardrailPolicy", "guardrails", demand)
    checkout.client("partner")
    ada.commit(checkout.root)
    checkout.apply().ok()
    start = git(checkout.root, "rev-parse", "HEAD")

    (checkout.root / "policy.yaml").unlink()
    checkout.commit("no more demand")
    checkout.client("partner", scopes=["payouts:read"])
    checkout.commit("and what it would have stopped")
    assert "has no ssh signature" in refused(checkout)

    git(checkout.root, "reset", "--quiet", "--hard", start)
    checkout.write(SIGNERS, ada.line + eve.line)
    checkout.commit("one more key")
    checkout.client("partner", scopes=["payouts:read"])
    eve.commit(checkout.root)
    assert "as signed commits left it" in refused(checkout)
    assert checkout.versions("partner") == {1: "active"}

    checkout.write("notes.txt", "seen")
    ada.commit(checkout.root)
    checkout.apply().ok()
    checkout.assert_quiet()
