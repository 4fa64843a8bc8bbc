"""Lines that are short enough are left as they are, which is quicker and nothing else."""

from __future__ import annotations

import textwrap

from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.report.text.escape import terminal
from reconciler.report.text.layout import NARROWEST, wrap_lines

TEXT = st.text(st.sampled_from(list("ab  é\u3000\xa0-\t\n\x1b€日.")), max_size=90)


@given(TEXT, st.integers(0, 70), st.text(" ", max_size=6), st.none() | st.text(" ", max_size=9))
@example("", 40, "", None)
@example("   ", 40, "  ", None)
@example("a" * 40, 40, "", None)
@example("a" * 39, 40, "  ", None)
@example("a b \u3000", 40, "", None)
def test_lines_are_those_of_textwrap(
    text: str, width: int, indent: str, following: str | None
) -> None:
    assert wrap_lines(text, width, indent, following) == textwrap.wrap(
        terminal(text),
        width=max(width, NARROWEST),
        initial_indent=indent,
        subsequent_indent=indent if following is None else following,
        break_long_words=False,
        break_on_hyphens=False,
    )
