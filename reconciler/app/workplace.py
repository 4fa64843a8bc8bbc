"""Where a use case happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.console import Console, Silent
from reconciler.dataclass import dataclass

if TYPE_CHECKING:
    from reconciler.adapters.git.command import GitCommand


@dataclass(frozen=True)
class Workplace:
    """``root`` is the project's directory, ``environ`` all the variables that may be read. Each use
    of a use case has a workplace of its own."""

    root: Path
    environ: Mapping[str, str] = field(repr=False)
    console: Console = field(default_factory=Silent)

    @cached_property
    def git(self) -> GitCommand:
        """git in ``root``."""
        from reconciler.adapters.git.command import GitCommand

        return GitCommand(self.root)
