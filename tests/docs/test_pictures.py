"""The pictures in docs/review.md show what the renderers make: not their pixels, the pages that
they were taken of."""

from __future__ import annotations

import re
from pathlib import Path

from tests.kit.texts.pictures import DIGESTS, FOLDER, PLAN, pictures

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 300_000


def test_each_picture_was_taken_of_what_is_rendered_now() -> None:
    taken = {
        name: digest for digest, name in (line.split() for line in DIGESTS.read_text().splitlines())
    }
    assert taken == {name: picture.digest for name, picture in pictures().items()}, (
        "run `make pictures`, and look"
    )


def test_pictures_are_pictures_and_small() -> None:
    for name in pictures():
        content = (FOLDER / name).read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert len(content) < LARGEST, name
    assert {path.name for path in FOLDER.iterdir()} == {*pictures(), DIGESTS.name, PLAN.name}


def test_the_page_shows_every_picture_with_words_for_it() -> None:
    shown = re.findall(
        r"^!\[([^\]]{20,})\]\(pictures/([^)]+)\)$",
        (ROOT / "docs/review.md").read_text(),
        re.MULTILINE,
    )
    assert sorted(name for _, name in shown) == sorted(pictures())
