"""docs/library.md: its examples run in order, against a real server, and its tables are complete."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import reconciler
from reconciler.adapters.openbao.server import throw_away
from reconciler.adapters.receiving.receiver import LoopbackReceiver
from reconciler.adapters.vault.setup.bootstrap import prepare_environment
from reconciler.domain.secrecy.secret import Secret
from tests.kit.git.checkout import Checkout, new_checkout
from tests.kit.git.repositories import isolate
from tests.kit.vault.places import PROJECT, Place, settings_for

PAGE = (Path(__file__).resolve().parents[2] / "docs/library.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkout]:
    """The folder ``integrations`` in the working directory, with one client, and the environment
    ``staging`` on a server of its own."""
    isolate(monkeypatch, tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        server = stack.enter_context(throw_away())
        place = Place(server, "staging", settings_for(server.address, "staging"), stack)
        prepare_environment(place.live("root"), "staging", PROJECT, 16)
        checkout = new_checkout(place, tmp_path / "integrations", 16)

        def held() -> list[Secret]:
            return [Secret(checkout.secret("webhooks/paystack-payouts.settlements") or "")]

        receiver = stack.enter_context(LoopbackReceiver(held))
        checkout.hooked("paystack-payouts", receiver.url, webhook={"probes": {}})
        checkout.commit()
        monkeypatch.setenv("VAULT_TOKEN", place.token("run"))
        monkeypatch.setenv("VAULT_ADDR", server.address)
        monkeypatch.delenv("CI", raising=False)
        yield checkout


@pytest.mark.openbao
def test_the_examples_run(reader: Checkout) -> None:
    assert len(EXAMPLES) == 5
    names: dict[str, Any] = {}
    for example in EXAMPLES:
        exec(compile(example, "docs/library.md", "exec"), names)
    assert reader.versions("paystack-payouts") == {1: "revoked", 2: "revoked"}
    assert (Path.cwd() / "plan.json").is_file()
    assert "VAULT_TOKEN" in os.environ


def test_the_page_has_every_public_name_method_and_parameter() -> None:
    code = set(
        re.findall(
            r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
        )
    )
    words = {word for text in code for word in re.findall(r"\w+", text)}
    assert set(reconciler.__all__) <= words
    for name, method in inspect.getmembers(reconciler.Session, inspect.isfunction):
        if not name.startswith("_"):
            signature = inspect.signature(method).parameters
            assert {name, *signature} - {"self", "ask"} <= words, name
    assert set(inspect.signature(reconciler.open).parameters) <= words
