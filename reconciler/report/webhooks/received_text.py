"""What ``listen`` shows of a delivery on a terminal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from reconciler.domain.declared.schemes import Scheme
from reconciler.domain.secrecy import mask_secrets
from reconciler.domain.values import canonical
from reconciler.report.text.escape import terminal
from reconciler.report.text.layout import count_words, list_words, wrap_lines
from reconciler.report.text.paint import Paint
from reconciler.report.webhooks.received import (
    body_json,
    body_text,
    cut,
    of_interest,
    show_headers,
)
from reconciler.webhooks.signature.receiving import HeldSecret, Judgement, Received

LINES = 40


def received_text(
    received: Received,
    scheme: Scheme,
    *,
    width: int,
    colour: bool = False,
    verbose: bool = False,
) -> str:
    """A delivery with its verdict. ``verbose``: every header."""
    paint = Paint(colour)
    first = (
        f"#{received.number} {canonical.iso(received.at)} {received.method}"
        f" {cut(mask_secrets(received.path))}"
    )
    lines = [paint("bold", terminal(first)) + f": answered {received.status}"]
    lines += _verdict(received.judgement, width, paint)
    headers = show_headers(received.headers, scheme)
    shown = {name: value for name, value in headers.items() if verbose or of_interest(name, scheme)}
    lines += [f"  {terminal(name)}: {terminal(value)}" for name, value in shown.items()]
    if rest := len(headers) - len(shown):
        lines.append(
            paint(
                "dim", f"  and {count_words(rest, 'more header')}: reconciler -v listen shows them"
            )
        )
    return "\n".join([*lines, *_body(received.body)]) + "\n"


def summarise_received(results: Sequence[Judgement]) -> str:
    """One line for the end."""
    kinds = Counter(_kind(one) for one in results)
    parts = [f"{kinds[kind]} {kind}" for kind in _KINDS if kinds[kind]]
    return f"{count_words(len(results), 'delivery', 'deliveries')}" + (
        f": {list_words(parts)}" if parts else ""
    )


_KINDS = ("accepted", "refused", "refused as it should be", "not verified")


def _kind(judgement: Judgement) -> str:
    if judgement.accepted is None:
        return "not verified"
    if judgement.accepted:
        return "accepted"
    return "refused as it should be" if judgement.as_it_should_be else "refused"


def _verdict(judgement: Judgement, width: int, paint: Paint) -> Iterator[str]:
    style, words = _WORDS[_kind(judgement)]
    text = f"{words}: {judgement.reason}: {judgement.message}"
    if judgement.by is not None:
        text += f", by secret {judgement.number} of {judgement.held} ({_origin(judgement.by)})"
    yield from (paint(style, line) for line in wrap_lines(text, width, "  ", "    "))
    if judgement.remedy:
        yield from wrap_lines(f"what to do: {judgement.remedy}", width, "  ", "    ")
    if judgement.test:
        yield "  marked as a test delivery of reconciler: nothing happened"


_WORDS = {
    "accepted": ("good", "accepted"),
    "refused": ("alarm", "refused"),
    "refused as it should be": ("plain", "refused, as it should be"),
    "not verified": ("change", "not verified"),
}


def _origin(held: HeldSecret) -> str:
    return held.source if held.version is None else f"{held.source}, version {held.version}"


def _body(body: bytes) -> Iterator[str]:
    is_json, value = body_json(body)
    if not body:
        yield "  no body"
        return
    yield f"  {count_words(len(body), 'byte')} of {'JSON' if is_json else 'text or data'}:"
    text = json.dumps(value, indent=2, ensure_ascii=False) if is_json else body_text(body)
    lines = text.split("\n")
    yield from (f"    {terminal(cut(line))}" for line in lines[:LINES])
    if len(lines) > LINES:
        yield f"    … and {count_words(len(lines) - LINES, 'more line')}"
