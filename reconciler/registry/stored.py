"""What every stored document has in common: it is JSON that names its format."""

from __future__ import annotations

import json
from typing import Any

from reconciler.errors import RegistryError

FORMAT = 1
# What the format of a bucket says once its records live in other buckets.
MOVED = "moved to"


def parse_stored(text: str, what: str) -> dict[str, Any]:
    """The document. Raises ``RegistryError`` RC442 (unknown format), RC443 (not one of ours), RC446 (moved away)."""
    try:
        document: dict[str, Any] = json.loads(text)
        found = document["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise garbled(what, error) from None
    if isinstance(found, str) and found.startswith(MOVED):
        raise RegistryError(
            "RC446", f"the registry was {found} while this command ran", "run the same command again"
        )  # fmt: skip
    if found != FORMAT:
        raise RegistryError(
            "RC442", f"the {what} has format {found!r}; this version reads format {FORMAT}",
            "use the version of reconciler that wrote it, or a newer one; nothing was changed",
        )  # fmt: skip
    return document


def garbled(what: str, error: Exception) -> RegistryError:
    """The error for a document of the right format that is not what we write."""
    return RegistryError(
        "RC443", f"the {what} in the registry cannot be read ({type(error).__name__})",
        "somebody edited it by hand: restore its previous version with 'bao kv rollback' or 'vault kv rollback'",
    )  # fmt: skip
