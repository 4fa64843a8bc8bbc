"""Policies for witnesses: who must have cosigned (C2SP tlog-policy)."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import EvidenceError
from reconciler.evidence.policy import MAX_DEFINITIONS, parse_policy
from reconciler.evidence.verification.anchors import Anchors
from reconciler.evidence.verification.walk import LogFiles, VerifiedLog, verify_log
from tests.kit.evidence.logs import ORIGIN, Log, SigningKey, witness

NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
KEYS = {name: witness(f"{name}.example", number) for number, name in enumerate(NAMES, 50)}
LOG = Log()
LOG.run()
LINES = {name: f"witness {name} {key.verifier.text}" for name, key in KEYS.items()}
# The example of the specification.
EXAMPLE = f"""log {LOG.first_key.text}

{LINES["X1"]}
{LINES["X2"]}
{LINES["X3"]}
group X-witnesses 2 X1 X2 X3

{LINES["Y1"]}
{LINES["Y2"]}
{LINES["Y3"]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


SUBSETS = list(chain.from_iterable(combinations(NAMES, size) for size in range(7)))


@pytest.mark.parametrize("signers", SUBSETS)
def test_the_example_of_the_specification(signers: tuple[str, ...]) -> None:
    note = LOG.checkpoint_note
    for name in signers:
        note = KEYS[name].sign_note(note, at=7)
    policy = parse_policy(EXAMPLE.encode())
    assert policy.list_cosigners(note) == signers
    of = [sum(name.startswith(group) for name in signers) for group in "XY"]
    assert policy.is_met(note) == (of[0] >= 2 and of[1] >= 1)


@pytest.mark.parametrize(
    "text",
    [
        "quorum none\n",
        "quorum none",
        "  \t\n# nobody\n \t# quorum X\n\tquorum \t none \n",
        f"{LINES['X1']} https://x1.example/\nquorum X1\n",
        f"log {LOG.first_key.text} https://log.example/\nquorum none\n",
        f"{LINES['X1'].replace('X1 ', 'Ⅹ１ ')}\ngroup größe all Ⅹ１\nquorum größe\n",
    ],
)
def test_other_policies(text: str) -> None:
    policy = parse_policy(text.encode())
    assert policy.is_met(KEYS["X1"].sign_note(LOG.checkpoint_note, at=7))
    assert policy.is_met(LOG.checkpoint_note) == (policy.quorum == "none")


MANY = "".join(f"group g{n} all g{n - 1}\n" for n in range(1, MAX_DEFINITIONS + 1))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None),
        (LINES["X1"], None),
        ("quorum", 1),
        ("quorum X1", 1),
        ("quorum none none", 1),
        ("quorum none\nquorum none", 2),
        ("Quorum none", 1),
        ("quorum none\r\n", 1),
        ("quorum none\x00", 1),
        ("quorum none\n# \x00", 2),
        ("# \x7f\nquorum none", 1),
        ("quorum\u00a0none", 1),
        ("log", 1),
        ("log vkey", 1),
        (f"log {KEYS['X1'].verifier.text}", 1),
        (f"log {LOG.first_key.text} a b", 1),
        (f"log {LOG.first_key.text}\nlog {LOG.first_key.text}", 2),
        ("witness X1", 1),
        (f"witness X1 {SigningKey('x', 1).verifier.text}", 1),
        (f"{LINES['X1']} a b", 1),
        (f"{LINES['X1']}\n{LINES['X1']}", 2),
        (f"{LINES['X1']}\n{LINES['X1'].replace('X1 ', 'X2 ')}", 2),
        (LINES["X1"].replace("X1 ", "none "), 1),
        ("group", 1),
        ("group g", 1),
        ("group g all", 1),
        ("group g all X1", 1),
        ("group g all none", 1),
        ("group g all g", 1),
        *[(f"{LINES['X1']}\ngroup g {count} X1", 2) for count in ("0", "2", "-1", "01", "+1", "most", "1.0", "١")],
        (f"{LINES['X1']}\ngroup X1 all X1", 2),
        (f"{LINES['X1']}\ngroup none all X1", 2),
        (f"{LINES['X1']}\ngroup g any X1 X1", 2),
        (f"{LINES['X1']}\ngroup g any X1\ngroup h any X1", 3),
        (f"{LINES['X1']}\ngroup g0 all X1\n{MANY}", MAX_DEFINITIONS + 1),
    ],
)  # fmt: skip
def test_what_is_no_policy(text: str, line: int | None) -> None:
    with pytest.raises(EvidenceError) as refused:
        parse_policy(text.encode())
    assert refused.value.code == "RC668"
    assert ("line" in refused.value.message) == (line is not None) or line is None
    if line is not None:
        assert f"line {line}: " in refused.value.message


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(EvidenceError, match="not UTF-8"):
        parse_policy(b"# \xff\nquorum none\n")


@given(text=st.text() | st.lists(st.sampled_from(EXAMPLE.split()), max_size=20).map(" ".join))
def test_any_text_is_a_policy_or_is_refused(text: str) -> None:
    try:
        parse_policy(text.encode())
    except EvidenceError as error:
        refused = error.code
    else:
        refused = "RC668"
    assert refused == "RC668"


@pytest.mark.parametrize("own", [True, False])
def test_a_policy_may_be_for_certain_logs(own: bool) -> None:
    key = LOG.first_key if own else SigningKey(ORIGIN, 666).verifier
    policy = parse_policy(f"log {key.text}\nquorum none\n".encode())
    files = LogFiles(
        zip(LOG.names, LOG.entries, strict=True),
        LOG.files.get,
        LOG.keys,
        LOG.checkpoint,
        folder="audit/staging/log",
    )
    seen = verify_log(files, Anchors(policy=policy))
    if own:
        assert isinstance(seen, VerifiedLog)
        assert seen.anchors == ("policy: cosigned by nobody",)
    else:
        assert not isinstance(seen, VerifiedLog)
        assert seen.code == "RC666"
