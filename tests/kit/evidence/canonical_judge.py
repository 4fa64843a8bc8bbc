"""The library of npm for canonical JSON (RFC 8785), run by node."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.kit.programs.npm import fetched, run_script

SCRIPT = Path(__file__).with_suffix(".mjs")
# Package and version -> sha512 of its archive. Apache-2.0.
PINNED: Mapping[str, str] = {
    "canonicalize@4.0.0": "FEdXzwWs+N3rZqEqpqleiY9M1A6IAf9oo1zHFABnLW9FcJ/jzsu+G/Ks3Hq3FglmPKe80GeGBw8ZXLEnwPB0vQ==",
}


def canonicalize(texts: Sequence[str]) -> list[str]:
    """Each JSON text as RFC 8785 writes it.

    Without node the test is skipped, unless ``CI`` is set.
    """
    folder = fetched("canonical-judge", PINNED, "node")
    answers: list[str] = json.loads(run_script(folder, SCRIPT, json.dumps(list(texts))))
    assert len(answers) == len(texts)
    return answers
