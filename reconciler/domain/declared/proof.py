"""How a webhook proves itself: what is sent to it, what must come back, what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from reconciler.dataclass import dataclass
from reconciler.domain.values.canonical import Json, JsonObject


class Probe(StrEnum):
    """What a delivery is sent for.

    ``VALID`` and the two of a grace must be accepted, all others refused.
    """

    VALID = "valid"
    TAMPERED = "tampered"  # the body was changed after it was signed
    WRONG_SECRET = "wrong-secret"  # signed with a secret that was never issued
    REPLAYED = "replayed"  # signed as it should be, at a time long before the tolerance
    FUTURE = "future"  # likewise, long after it
    UNSIGNED = "unsigned"  # without a signature
    NEW_SECRET = "new-secret"  # in a grace: signed with the new secret alone
    OLD_SECRET = "old-secret"  # likewise, with the old one


class Demand(StrEnum):
    """What a probe that goes wrong means: the webhook has not proven itself, a warning, or it is
    not sent."""

    REQUIRE = "require"
    WARN = "warn"
    OFF = "off"


# As they are declared (`probes:`) -> the probes they stand for.
DECLARED_PROBES: Mapping[str, tuple[Probe, ...]] = {
    "tampered": (Probe.TAMPERED,),
    "wrongSecret": (Probe.WRONG_SECRET,),
    "replayed": (Probe.REPLAYED,),
    "future": (Probe.FUTURE,),
    "unsigned": (Probe.UNSIGNED,),
    "eachSecret": (Probe.NEW_SECRET, Probe.OLD_SECRET),
}
# A receiver that has not read the new secret yet is right: it has until the end of the grace. So
# that is a warning.
DEFAULT_DEMANDS: Mapping[str, Demand] = {
    "tampered": Demand.REQUIRE,
    "wrongSecret": Demand.REQUIRE,
    "replayed": Demand.REQUIRE,
    "future": Demand.REQUIRE,
    "unsigned": Demand.REQUIRE,
    "eachSecret": Demand.WARN,
}
# Required of every scheme that has room for them. Not ``future``: libraries of some schemes look at
# the past only.
GENUINE_ONLY = ("tampered", "wrongSecret", "replayed", "unsigned")


# Sent while two secrets are valid, and accepted then.
IN_GRACE = (Probe.NEW_SECRET, Probe.OLD_SECRET)


def list_probes(demands: Mapping[Probe, Demand], secrets: int) -> list[tuple[Probe, Demand]]:
    """What a receiver that accepts the genuine deliveries is sent besides, while so many secrets
    are valid."""
    return [
        (probe, demand)
        for probe, demand in demands.items()
        if demand is not Demand.OFF and (secrets > 1 or probe not in IN_GRACE)
    ]


@dataclass(frozen=True, slots=True)
class Payload:
    """What is sent for one event type: ``data`` of the body; None: a made-up one."""

    event: str
    data: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an accepted delivery is answered with. ``statuses`` empty: any 2xx. ``path``: an RFC
    9535 JSONPath that must select exactly one value of the answer's body, equal to ``equals``;
    None: the body is not looked at."""

    statuses: tuple[int, ...] = ()
    path: str | None = None
    equals: Json = None


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from the start of the attempt to the end of each step; None: not reached, or not
    needed."""

    total: int = 0
    resolve: int | None = None
    connect: int | None = None
    tls: int | None = None
    first_byte: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP try of one delivery. ``number`` counts from 1 within the delivery, whose ``id``
    stays.

    ``code`` is empty when the answer was the right one, else RC5xx. ``excerpt`` is the beginning of
    the answer's body, with whatever looks like a secret or personal data taken out.
    """

    probe: Probe
    event: str
    id: str
    number: int
    at: datetime
    status: int | None
    code: str
    message: str
    latency: Latency = field(default_factory=Latency)
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """``passed`` None: it was not sent, and ``message`` says why."""

    probe: Probe
    demand: Demand
    passed: bool | None
    code: str
    message: str

    @property
    def failed(self) -> bool:
        """Whether the webhook has not proven itself because of it."""
        return self.passed is False and self.demand is Demand.REQUIRE
