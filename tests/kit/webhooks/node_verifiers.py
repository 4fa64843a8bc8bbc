"""The webhook libraries of npm, run by node."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.kit.programs.npm import fetched, run_script

SCRIPT = Path(__file__).with_suffix(".mjs")
# Package and version -> sha512 of its archive. All are MIT, fast-sha256 is in the public domain.
PINNED: Mapping[str, str] = {
    "@octokit/webhooks@14.2.0": "da6KbdNCV5sr1/txD896V+6W0iamFWrvVl8cHkBSPT+YlvmT3DwXa4jxZnQc+gnuTEqSWbBeoSZYTayXH9wXcw==",  # noqa: E501
    "@octokit/webhooks-methods@6.0.0": "MFlzzoDJVw/GcbfzVC1RLR36QqkTLUf79vLVO3D+xn7r0QgxnFoLZgtrzxiQErAjFUOdH6fas2KeQJ1yr/qaXQ==",  # noqa: E501
    "@stablelib/base64@1.0.1": "1bnPQqSxSuc3Ii6MhBysoWCg58j97aUjuCSZrGSmDxNqtytIi0k8utUenAwTZN4V5mXXYGsVUI9zeBqy+jBOSQ==",  # noqa: E501
    "fast-sha256@1.3.0": "n11RGP/lrWEFI/bWdygLxhI+pVeo1ZYIVwvvPkW7azl/rOy+F3HYRZ2K5zeE9mmkhQppyv9sQFx0JM9UabnpPQ==",
    "standardwebhooks@1.1.1": "bCbX9ZEyFkWPsRz7Bl3NuQUJohmwGSev/yhr7vhaGPlc4AfIrspIRa6cPTBuI1ItmrTDJ4d/S2hCsfe4+vQGnQ==",  # noqa: E501
    "stripe@23.1.0": "fVUfMSfTPoukfoV//MUKAx2+YxyKmYaYtnAL9VkfnHfaPNQylFdWZMD+zgUFerI8rjbaiER8Vzj2XEUQ2AhAsQ==",
    "svix@2.5.0": "mqcwCPKL6J5yqC2EQy5ZqE5XEJriCZffy49EGBDCsnrQ7RAYF4kZLJhKfXrB0n21S+3M9qYmQ9YjzrNjRlIuCw==",
}

Case = Mapping[str, Any]


class NodeVerifiers:
    """``folder`` holds the libraries as ``node_modules``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ask(self, cases: Sequence[Case]) -> list[object]:
        """One answer a case, in order: what the library returned, or a text that says why it
        refused."""
        answers: list[object] = json.loads(
            run_script(self._folder, SCRIPT, json.dumps(list(cases)))
        )
        assert len(answers) == len(cases)
        return answers


def node_verifiers() -> NodeVerifiers:
    """The libraries, fetched when they are not there yet.

    Without node the test is skipped, unless ``CI`` is set.
    """
    return NodeVerifiers(fetched("node-verifiers", PINNED, "node"))
