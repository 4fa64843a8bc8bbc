"""One finding of ``doctor``."""

from __future__ import annotations

from typing import Literal

from reconciler.dataclass import dataclass

_Result = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: ``result`` is ``ok``, ``warn`` or ``fail``; ``remedy`` is empty when all is
    well."""

    name: str
    result: _Result
    sentence: str
    remedy: str = ""
