"""What ``doctor --conformance`` prints of what was tried: a table, or a document."""

from __future__ import annotations

import json

import pytest

from reconciler import __version__
from reconciler.adapters.vault.conformance.trials import Trial
from reconciler.cli.setup.conformance import show_trials

TRIALS = (
    Trial("bootstrap", "PUT sys/mounts", "ok"),
    Trial("read", "GET a|b", "fallback", "not \x1b[31mthere"),
)
TABLE = f"""\
reconciler {__version__} on OpenBao 2.7.0

| trial     | result   | requests       | note              |
|-----------|----------|----------------|-------------------|
| bootstrap | ok       | PUT sys/mounts |                   |
| read      | fallback | GET a\\|b       | not \\x1b[31mthere |
"""


def test_the_table_is_markdown_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_trials("OpenBao 2.7.0", TRIALS, "text") == 0
    assert capsys.readouterr().out == TABLE


def test_the_document_has_every_trial(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_trials("OpenBao 2.7.0", TRIALS, "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["server"], document["reconciler"]) == ("OpenBao 2.7.0", __version__)
    assert document["trials"] == [
        {"name": "bootstrap", "request": "PUT sys/mounts", "result": "ok", "note": ""},
        {
            "name": "read",
            "request": "GET a|b",
            "result": "fallback",
            "note": "not \x1b[31mthere",
        },
    ]


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_differs_fails(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    differs = Trial("write", "PUT", "differs", "it took a wrong version")
    assert show_trials("OpenBao 2.7.0", (*TRIALS, differs), form) == 1
    assert "it took a wrong version" in capsys.readouterr().out
