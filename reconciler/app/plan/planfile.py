"""The file of a plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.domain.declared.desired import Desired
    from reconciler.domain.plan.plan import Plan


def load_for(desired: Desired, path: Path) -> Plan:
    """Read a plan file that must be for this environment. Raises ``ReconcilerError``."""
    from reconciler.engine.planfile.saved import refuse_wrong_target

    saved = load_planfile(path)
    refuse_wrong_target(saved, desired.environment.name, desired.project.name)
    return saved


def load_planfile(path: Path) -> Plan:
    """Read a plan file. Raises ``ReconcilerError`` for anything that is not an unaltered plan."""
    from reconciler.domain.values.names import is_name
    from reconciler.engine.planfile.load import load_plan
    from reconciler.errors import UsageError

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        one = f"; to apply what one client needs, say --only {path}" if is_name(str(path)) else ""
        raise UsageError(
            "RC005", f"{path} cannot be read: {why}", f"name a file that plan --out wrote{one}"
        ) from None
    return load_plan(text)
