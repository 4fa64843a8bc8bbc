"""Random statements of an evidence log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from reconciler.evidence.statement import MAX_NUMBER, LoggedEvent, LoggedFile, NewKey, Statement
from tests.kit.evidence.logs import ORIGIN, SigningKey

NUMBERS = st.integers(1, MAX_NUMBER) | st.integers(1, 20)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
# Anything that UTF-8 can say: also what JSON escapes, and characters beyond the first plane.
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}", fullmatch=True)
TIMES = st.integers(0, 2**33).map(lambda one: datetime.fromtimestamp(one, UTC))
PATHS = st.lists(
    st.text(
        st.characters(codec="utf-8", min_codepoint=0x20, exclude_characters="/\x7f"), min_size=1
    ).filter(lambda part: part not in {".", ".."}),
    min_size=1,
    max_size=3,
).map("/".join)
EVENTS = st.builds(
    LoggedEvent,
    client=NAMES,
    record=NAMES,
    seq=NUMBERS,
    at=TIMES,
    kind=TEXTS,
    address=TEXTS,
    reason=TEXTS,
    version=st.none() | NUMBERS,
    digest=DIGESTS,
)


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    """Any entry that a log may hold."""
    number = draw(st.just(1) | NUMBERS)
    kind = draw(
        st.sampled_from(
            ["run", "heartbeat", "repair", "erased", "archived", *["key"] * (number > 1)]
        )
    )
    key = draw(st.integers(1, 9))
    introduced = key if number == 1 else key + draw(st.integers(1, 3))
    keys = (NewKey(introduced, SigningKey(ORIGIN, introduced).verifier.text),)
    opened = draw(TIMES)
    paths = draw(st.lists(PATHS, min_size=1, max_size=3, unique=True))
    return Statement(
        subjects=tuple(LoggedFile(path, draw(DIGESTS)) for path in sorted(paths)),
        origin=ORIGIN,
        number=number,
        previous=None if number == 1 else draw(DIGESTS),
        key=key,
        kind=kind,
        run=draw(TEXTS),
        command=draw(TEXTS),
        actor=draw(st.none() | DIGESTS),
        opened=opened,
        closed=opened + timedelta(seconds=draw(st.integers(0, 10_000))),
        plan=draw(st.none() | TEXTS),
        commit=draw(st.none() | TEXTS),
        events=tuple(draw(st.lists(EVENTS, max_size=3))),
        bases=draw(st.dictionaries(NAMES, st.integers(0, MAX_NUMBER), max_size=3)),
        open=tuple(sorted(draw(st.sets(TEXTS, max_size=3)))),
        keys=keys if number == 1 or kind == "key" else (),
    )
