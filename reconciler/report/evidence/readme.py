"""The README of a pack: what is in it, and how to verify the log without us. Its text is
``report/pack/README.md``, with room for values: ``@@NAME@@``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources

from reconciler.domain.values.canonical import iso
from reconciler.report.evidence.pack import Pack, Sheet
from reconciler.report.text.escape import markdown
from reconciler.report.text.layout import count_words

VERIFIER = "verify.mjs"
_ROOM = re.compile(r"@@([A-Z_]+)@@")


def pack_readme(pack: Pack, sheets: Sequence[Sheet]) -> str:
    """Markdown. Its blocks of ``sh`` are run in the folder of the pack."""
    rows = [
        f"| `{sheet.name}.csv` | {len(sheet.rows)} | {markdown(sheet.about)} |" for sheet in sheets
    ]
    problem = pack.declared.problem
    values = {
        "ENVIRONMENT": markdown(pack.environment),
        "PROJECT": markdown(pack.project),
        "PERIOD": pack.period.text,
        "ENTRIES": count_words(pack.size, "entry", "entries"),
        "CLOSED": iso(pack.closed),
        "SHEETS": "\n".join(rows),
        "FOLDER": pack.folder,
        "SIZE": str(pack.size),
        "VERIFIER": VERIFIER,
        "VERIFIER_KEY": pack.verifier,
        "FORMER": _tell_former(pack),
        "PROBLEM": f"\n{markdown(problem)}\n" if problem else "",
    }
    return _ROOM.sub(lambda room: values[room[1]], _read("README.md"))


def _tell_former(pack: Pack) -> str:
    """How to verify the logs before this one; empty where there are none."""
    if not pack.former:
        return ""
    commands = "\n".join(f"node {VERIFIER} {folder}" for folder in pack.former)
    return (
        "\nThis log follows others, which could not go on because their key was lost. Its first"
        f" entry vouches for them. Each verifies by itself:\n\n```sh\n{commands}\n```\n"
    )


def read_verifier() -> str:
    """The script that verifies a log with Node alone."""
    return _read(VERIFIER)


def _read(name: str) -> str:
    return (resources.files("reconciler.report") / "pack" / name).read_text(encoding="utf-8")
