"""Where a use case happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.app.console import Console, Silent


@dataclass(frozen=True, slots=True)
class Workplace:
    """``root`` is the project's directory, ``environ`` all the variables that may be read."""

    root: Path
    environ: Mapping[str, str] = field(repr=False)
    console: Console = field(default_factory=Silent)
