"""Every attack on a log, and what finds it: the tables are ``attacks.py`` and
``former_attacks.py`` in ``tests/kit/evidence``."""

from __future__ import annotations

import pytest

from reconciler.errors.codes import CODES
from reconciler.evidence.verification.faults import Fault
from reconciler.evidence.verification.walk import VerifiedLog
from tests.kit.evidence.attacks import ATTACKS, Attack, Case, look_at
from tests.kit.evidence.former_attacks import FORMER_ATTACKS, REPORT, FormerCase, erase_report
from tests.kit.evidence.logs import sha256

# What is known elsewhere is at no place in the log.
OUTSIDE = {"RC664", "RC665", "RC666", "RC667", "RC672"}
EVERY = (*ATTACKS, *FORMER_ATTACKS)
CASES = [(attack, kinds) for attack in EVERY for kinds in attack.found]


@pytest.mark.parametrize("make", [Case, FormerCase])
def test_the_log_holds_before_the_attack(make: type[Case]) -> None:
    for kinds in ("", "key", "since", "head", "key since head"):
        case = make()
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
        former = "log-bbbbbbbb" if attack.name.startswith("a former log: ") else "log"
        assert seen.file == f"audit/staging/{former}/{seen.entry:08d}.json"


def test_a_report_of_a_former_log_may_be_erased_under_the_present_one() -> None:
    case = FormerCase()
    erase_report(sha256(case.files[REPORT]))(case)
    assert REPORT not in case.files
    verified = case.verify()
    assert isinstance(verified, VerifiedLog), verified
    assert [one.origin for one in verified.former] == [case.oldest.origin, case.old.origin]


def test_each_attack_has_a_name_of_its_own() -> None:
    assert len({attack.name for attack in EVERY}) == len(EVERY) > 80
