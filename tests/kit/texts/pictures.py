"""The pictures of docs/review.md: ``make pictures`` takes them anew, from what the renderers make
of one real plan.

That plan is ``docs/pictures/plan.json``: ``make pictures`` plays the story of one pull request up
to its plan, on a real server, and keeps it. A test plays the story, too, and compares.

Needs Chromium, optipng and, to look as they do, the fonts Inter, JetBrains Mono and Noto Color
Emoji (Debian: ``apt-get install chromium optipng fonts-inter fonts-jetbrains-mono
fonts-noto-color-emoji``).
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.adapters.openbao.server import throw_away
from reconciler.adapters.vault.setup.bootstrap import prepare_environment
from reconciler.engine.planfile.load import load_plan
from reconciler.report.plan.html import plan_html
from reconciler.report.plan.markdown import plan_markdown
from tests.kit.git.repositories import isolate
from tests.kit.programs.chromium import chromium
from tests.kit.texts.pull_request import WIDER, pull_request
from tests.kit.texts.structure import html_of_markdown
from tests.kit.vault.places import PROJECT, settings_for, unbootstrapped

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "pictures"
# Of each picture: the digest of the page that it shows. A test compares it with what the renderers
# give now.
DIGESTS = FOLDER / "made-from.txt"
PLAN = FOLDER / "plan.json"


@dataclass(frozen=True)
class Picture:
    """``html`` is what is shown; ``height`` None: all of it."""

    html: str
    scheme: str
    width: int
    height: int | None

    @property
    def digest(self) -> str:
        """Of the page, but for the version of the program."""
        return hashlib.sha256(self.html.replace(__version__, "").encode()).hexdigest()


def pictures() -> Mapping[str, Picture]:
    """By the name of their file."""
    page = plan_html(load_plan(PLAN.read_text(encoding="utf-8")))
    return {
        "plan-page-light.png": Picture(page, "light", 1240, 1960),
        "plan-page-dark.png": Picture(page, "dark", 1240, 1240),
        "plan-comment.png": Picture(comment_page(), "light", 1048, None),
    }


def comment_page() -> str:
    """The comment in a page that looks like a forge, with the details of the wildcard unfolded."""
    link = "https://github.example.com/acme/integrations/actions/runs/77"
    plan = load_plan(PLAN.read_text(encoding="utf-8"))
    text = html_of_markdown(plan_markdown(plan, mention=True, link=link))
    text = re.sub(
        r"<blockquote>\n<p>\[!WARNING\]", '<div class="alert">\n<p>⚠ Warning</p><p>', text
    )
    text = text.replace("</blockquote>", "</div>")
    text = re.sub(rf"<details>(?=<summary>\S+ <b>client/{WIDER}</b>)", "<details open>", text)
    text = re.sub(
        r"(^|<code class=\"language-diff\">)([+-] .*)$", _coloured, text, flags=re.MULTILINE
    )
    style = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    by = '<div class="by"><b>integrations-plan</b> <span>bot</span> commented</div>'
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Comment</title><style>{style}</style>'
        f'<div class="comment">{by}<div class="text">{text}</div></div>'
    )


def _coloured(line: re.Match[str]) -> str:
    return (
        f'{line[1]}<span class="{"added" if line[2].startswith("+") else "gone"}">{line[2]}</span>'
    )


def make_plan() -> None:
    """Write the plan of the story, made in an environment that is called production."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        pytest.MonkeyPatch.context() as variables,
        throw_away() as server,
        unbootstrapped(server) as place,
    ):
        folder = Path(scratch)
        isolate(variables, folder / "home")
        place.name, place.settings = "production", settings_for(server.address, "production")
        prepare_environment(place.root, place.name, PROJECT, 16)
        with pull_request(place, folder) as story:
            story.checkout.plan("--out", str(folder / "plan.json"), role="planner").ok()
        shutil.copyfile(folder / "plan.json", PLAN)


def take() -> None:
    """Write every picture, and what it was made from."""
    FOLDER.mkdir(exist_ok=True)
    make_plan()
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        page_file = Path(scratch) / "page.html"
        for name, picture in pictures().items():
            page_file.write_text(picture.html, encoding="utf-8")
            viewport = {"width": picture.width, "height": picture.height or 800}
            page = browser.new_page(color_scheme=picture.scheme, viewport=viewport)  # type: ignore[arg-type]
            page.goto(page_file.as_uri())
            page.screenshot(path=FOLDER / name, full_page=picture.height is None)
            page.close()
            subprocess.run(["optipng", "-quiet", "-o3", FOLDER / name], check=True)
    DIGESTS.write_text(
        "".join(f"{picture.digest}  {name}\n" for name, picture in pictures().items()),
        encoding="utf-8",
    )


if __name__ == "__main__":
    take()
