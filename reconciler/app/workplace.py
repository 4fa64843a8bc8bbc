"""Where a use case happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.app.console import Console, Silent


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Workplace:
    """``root`` is the project's directory, ``environ`` all the variables that may be read.

    ``stopping`` is asked between actions, from many threads: True ends a run after what is begun.
    """

    root: Path
    environ: Mapping[str, str]
    console: Console = field(default_factory=Silent)
    stopping: Callable[[], bool] = _never
