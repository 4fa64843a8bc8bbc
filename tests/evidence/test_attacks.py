"""Every attack on a log, and what finds it: the table is ``tests/kit/evidence/attacks.py``."""

from __future__ import annotations

import pytest

from reconciler.errors.codes import CODES
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import VerifiedLog
from tests.kit.evidence.attacks import ATTACKS, Attack, Case, look_at

# What is known elsewhere is at no place in the log.
OUTSIDE = {"RC664", "RC665", "RC666", "RC667", "RC672"}
CASES = [(attack, kinds) for attack in ATTACKS for kinds in attack.found]


def test_the_log_holds_before_the_attack() -> None:
    for kinds in ("", "key", "since", "head", "key since head"):
        case = Case()
        verified = case.verify(case.anchors(kinds))
        assert isinstance(verified, VerifiedLog), verified
        assert verified.unanchored == (kinds == "")
        assert len(verified.anchors) == len(kinds.split())


@pytest.mark.parametrize(
    ("attack", "kinds"), CASES, ids=[f"{one.name} ({kinds or 'none'})" for one, kinds in CASES]
)
def test_an_attack_is_found(attack: Attack, kinds: str) -> None:
    seen, expected = look_at(attack, kinds), attack.found[kinds]
    if expected is None:
        assert isinstance(seen, VerifiedLog), seen
        assert seen.unanchored == (kinds == "")
        return
    assert isinstance(seen, Fault), seen
    assert (seen.code, seen.message) == expected
    assert seen.remedy == CODES[seen.code].remedy
    if seen.code in OUTSIDE:
        assert (seen.entry, seen.file) == (None, None)
    entry = [word for word in seen.message.split() if word.isdigit()]
    if seen.message.startswith("entry "):
        assert str(seen.entry) == entry[0]
        assert seen.file == f"audit/staging/log/{seen.entry:08d}.json"


def test_each_attack_has_a_name_of_its_own() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) > 50
