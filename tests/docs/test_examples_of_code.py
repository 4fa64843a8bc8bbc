"""The examples in docstrings (``>>>``) say what the code does, and where examples are expected
there are some."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Where every public function and class has an example, or a word here why it needs none.
TAUGHT = sorted([
    *(ROOT / "reconciler/domain/values").glob("[!_]*.py"),
    ROOT / "reconciler/domain/secrecy/secret.py",
    ROOT / "reconciler/domain/declared/schemes.py",
    ROOT / "reconciler/webhooks/signature/signing.py",
    ROOT / "reconciler/webhooks/signature/verification.py",
])  # fmt: skip
# Shapes that a function of the same module fills and explains, and one-liners whose text is all.
PLAIN = {
    "iso_or_none", "parse_iso_or_none",
    "client_address", "webhook_address",
    "PatternError", "Window", "Freeze",
    "Scheme", "Credential", "SignRemotely", "SigningFailed", "SignatureCheck",
    "key_bytes", "encode_signature", "signatures", "headers",
    "find_reached", "is_wide", "find_widest",
}  # fmt: skip


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


WITH_EXAMPLES = sorted(
    module_name(path)
    for path in (ROOT / "reconciler").rglob("*.py")
    if "\n    >>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_a_module_run(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.attempted
    assert not found.failed, "see the captured output"


def test_values_signatures_and_secrets_teach_by_examples() -> None:
    missing = {
        f"{module_name(path)}.{name}"
        for path in TAUGHT
        for name, part in vars(importlib.import_module(module_name(path))).items()
        if (inspect.isfunction(part) or inspect.isclass(part))
        and part.__module__ == module_name(path)
        and not name.startswith("_")
        and name not in PLAIN
        and ">>> " not in inspect.getsource(part)
    }
    assert missing == set()
