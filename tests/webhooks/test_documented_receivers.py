"""The Python of ``docs/webhooks.md`` is run: each receiver accepts what is genuine and refuses what is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.schemes import SCHEMES
from tests.kit.tally import Tally
from tests.webhooks.test_interoperability import cases

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]}
SNIPPETS = {
    name: found[1] for name, part in SECTIONS.items() if (found := re.search(r"```python\n(.*?)```", part, re.DOTALL))
}


def test_every_scheme_has_a_receiver_and_a_row() -> None:
    assert SNIPPETS.keys() == SCHEMES.keys()
    assert set(re.findall(r"^\| `([a-z-]+)`", PAGE, re.MULTILINE)) == {*SCHEMES, "custom", "scheme"}


@pytest.mark.parametrize("name", SCHEMES)
def test_the_documented_receiver_is_right(name: str, tally: Tally) -> None:
    names: dict[str, Any] = {}
    exec(SNIPPETS[name], names)
    tried = cases(SCHEMES[name])
    wrong = [
        case.name
        for case in tried
        if bool(names["genuine"](case.delivery.secret, dict(case.delivery.headers), case.delivery.body.encode()))
        is not case.good
    ]
    assert wrong == []
    tally(f"scheme {name} × the receiver of docs/webhooks.md: our deliveries judged", len(tried))


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))
def test_the_table_says_what_the_rows_are(scheme: Any) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{scheme.name}`"))
    header, several = row.split(" | ")[1], row.rstrip(" |").split(" | ")[-1]
    assert header == f"`{scheme.header}`"
    assert several.startswith("yes") is scheme.several
