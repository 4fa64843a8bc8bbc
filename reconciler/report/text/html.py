"""HTML that is put together, never pasted: text goes in through ``text`` and ``element`` alone,
which neutralise it."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources
from typing import NewType

from reconciler.report.text.escape import markup

Html = NewType("Html", str)
NOTHING = Html("")


def text(words: str) -> Html:
    return Html(markup(words))


def element(name: str, attributes: dict[str, str], *inside: Html) -> Html:
    """``name`` and the names of attributes are ours; their values are neutralised here."""
    written = "".join(f' {key}="{markup(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{written}>{''.join(inside)}</{name}>")


def tag(name: str, *inside: Html, kind: str = "") -> Html:
    """An element without attributes, or with a class."""
    return element(name, {"class": kind} if kind else {}, *inside)


def code(words: str, kind: str = "") -> Html:
    """A name, an address or a value; a line may break after its slashes."""
    parts = re.split(r"(?<=[^/]/)(?=[^/])", words)
    return tag(
        "code",
        *(Html(f"{'<wbr>' if number else ''}{markup(part)}") for number, part in enumerate(parts)),
        kind=kind,
    )


def html_document(
    title: str,
    generator: str,
    body: Html,
    style: str,
    script: str,
) -> str:
    """A whole page that may load nothing and run nothing but the two files of this package that it
    carries.

    ASCII, one element a line at most, so that no line of it is a command to a CI system.
    """
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri"
        " 'none'; form-action 'none'"
    )
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="referrer" content="no-referrer">',
        f'<meta name="generator" content="{markup(generator)}">',
        f"<title>{markup(title)}</title>",
        f"<style>{style}</style>",
    ]
    start = ["<!DOCTYPE html>", '<html lang="en">', "<head>", *head, "</head>"]
    return (
        "\n".join([*start, "<body>", body, f"<script>{script}</script>", "</body>", "</html>"])
        + "\n"
    )


def read_page_file(name: str) -> str:
    """A file of ``reconciler/report/page``."""
    return (resources.files("reconciler.report") / "page" / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
