"""A secret that cannot print itself."""

from __future__ import annotations

import hashlib
from typing import NoReturn

from reconciler.domain.secrecy import held


class Secret:
    """Wraps secret text. ``repr``, ``str`` and ``format`` show a mask; pickling and copying refuse.

    ``reveal()`` is the only way out and is called where the text leaves for Vault or for an HMAC.
    Equality is by identity, so a secret never ends up as a dictionary key or in a set of values.
    While it lives, ``secrecy`` finds its text in what is about to be shown or stored.

    >>> secret = Secret("correct horse")
    >>> print(f"{secret} {secret!r}", secret == Secret("correct horse"))
    Secret(***) Secret(***) False
    >>> secret.reveal()
    'correct horse'
    """

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        held.remember(self)

    def reveal(self) -> str:
        """The secret text. Callers keep it out of every string that is shown or stored."""
        return self._text

    def sha256(self) -> str:
        """The 64 hex digits of the text's SHA-256: what a gateway compares with.

        >>> Secret("correct horse").sha256()[:16]
        '4104d36f8da2c254'
        """
        return hashlib.sha256(self._text.encode()).hexdigest()

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never serialised")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret is never serialised")

    def __copy__(self) -> NoReturn:
        raise TypeError("a Secret is never copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a Secret is never copied")
