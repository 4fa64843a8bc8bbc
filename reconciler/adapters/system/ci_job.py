"""Whether a CI platform runs this program."""

from __future__ import annotations

from collections.abc import Mapping


def is_ci_job(environ: Mapping[str, str]) -> bool:
    """Whether a CI platform runs this: each of them sets CI.

    >>> is_ci_job({"CI": "true"}), is_ci_job({"CI": "false"}), is_ci_job({})
    (True, False, False)
    """
    return environ.get("CI", "").lower() not in ("", "0", "false", "no")
