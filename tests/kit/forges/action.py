"""The scripts of the composite action: they lie beside ``action.yml`` and import each other by
plain names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
ACTION = ROOT / ".github/actions/reconciler"


def script(name: str) -> Any:
    """One of them as a module."""
    if str(ACTION) not in sys.path:
        sys.path.append(str(ACTION))
    module = importlib.import_module(name)
    assert Path(module.__file__ or "").parent == ACTION
    return module
