"""What earlier versions stored of a webhook is what this one stores: nothing has to prove itself
again after an update."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.declare import load
from reconciler.domain.live.record import endpoint, verification_digest
from tests.declare.conftest import MakeProject, client
from tests.kit.worlds.judged import ISSUED

# Written by the version of the time: {case: {declared, stored, verified}}. Cases may be added;
# none may be written anew.
STORED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).with_name("stored") / "webhooks.json").read_text(encoding="utf-8")
)
WEBHOOK = '  webhooks: [{{name: a, url: "https://hooks.example.com/p", events: [x], {}}}]'


@pytest.mark.parametrize("case", STORED)
def test_a_webhook_is_stored_as_it_was(case: str, make_project: MakeProject) -> None:
    was = STORED[case]
    text = client(spec=WEBHOOK.format(was["declared"]))
    spec = load(make_project({"clients/payouts.yaml": text}), "staging").clients["payouts"].spec
    assert spec["webhooks"]["a"] == was["stored"]
    then = {"webhooks": {"a": was["stored"]}}
    assert endpoint(spec, "a") == endpoint(then, "a")
    assert verification_digest(spec, "a", ISSUED) == was["verified"]
