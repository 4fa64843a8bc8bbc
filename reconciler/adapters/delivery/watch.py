"""One deadline over everything a delivery does, and when each of its steps ended."""

from __future__ import annotations

from dataclasses import field
from time import monotonic
from typing import Literal

from reconciler.dataclass import dataclass
from reconciler.domain.declared.proof import Latency

WatchStep = Literal["resolve", "connect", "tls", "first_byte"]


class DeliveryStopped(Exception):
    """The delivery ends here: a code of ``reconciler.errors.codes`` and a detail without any
    secret."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(slots=True)
class Watch:
    """``seconds`` is the time for everything, from now on, by a clock that is never set. ``step``
    is what is under way, for messages; ``received`` how many bytes of an answer have been read."""

    seconds: float
    step: str = "resolving the name"
    received: int = 0
    _started: float = field(init=False)
    _ended: dict[WatchStep, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._started = monotonic()

    def remaining(self) -> float:
        """Seconds left, more than zero. Raises ``DeliveryStopped``."""
        left = self._started + self.seconds - monotonic()
        if left <= 0:
            raise self.timeout_error()
        return left

    def timeout_error(self) -> DeliveryStopped:
        return DeliveryStopped("RC510", f"the deadline passed while {self.step}")

    def end_step(self, step: WatchStep) -> None:
        self._ended[step] = self._milliseconds()

    def latency(self) -> Latency:
        """What has been measured up to now."""
        return Latency(
            total=self._milliseconds(),
            resolve=self._ended.get("resolve"),
            connect=self._ended.get("connect"),
            tls=self._ended.get("tls"),
            first_byte=self._ended.get("first_byte"),
        )

    def _milliseconds(self) -> int:
        return round((monotonic() - self._started) * 1000)
