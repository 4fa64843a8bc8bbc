"""What a job tells people when it is no plan: the whole text of each."""

from __future__ import annotations

import pytest

from reconciler.report.forges.ci_markdown import drift_title, night_report, no_plan, quote_error
from reconciler.report.plan.markdown import marker

DONE = "What was done without a change of the declaration:"


@pytest.mark.parametrize(
    ("link", "end"),
    [
        (None, "says why.\n"),
        ("[job](https://ci.example/1)", "says why. [job](https://ci.example/1)\n"),
    ],
)
def test_no_plan_says_so_in_the_place_of_one(link: str | None, end: str) -> None:
    assert no_plan("staging", link) == (
        f"{marker('staging')}\n## No plan for <code>staging</code>\n\n> [!CAUTION]\n"
        f"> **The last commit could not be planned.** The log of the job {end}"
    )


@pytest.mark.parametrize(
    ("remedy", "text"),
    [
        ("", "> **RC401**: cannot reach it\n"),
        ("start it", "> **RC401**: cannot reach it\n>\n> Remedy: start it\n"),
    ],
)
def test_an_error_is_quoted(remedy: str, text: str) -> None:
    assert quote_error("RC401", "cannot reach it", remedy) == text


@pytest.mark.parametrize(
    ("done", "left", "clean", "text"),
    [
        ((), "", True, "# <code>staging</code> is as declared\n"),
        (
            ("- one\n", "- two\n"), "", True,
            f"# <code>staging</code> is as declared\n\n{DONE}\n\n- one\n\n- two\n",
        ),
        ((), "a table\n", False, "# <code>staging</code> is not as declared\n\nWhat is left:\n\na table\n"),
    ],
)  # fmt: skip
def test_what_a_night_left(done: tuple[str, ...], left: str, clean: bool, text: str) -> None:
    assert night_report("staging", done, left, clean=clean) == text
    assert drift_title("staging") == "staging is not as declared"
