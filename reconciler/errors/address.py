"""Where a managed thing is, as findings, plans and reports name it."""

from __future__ import annotations

from typing import Any, Self


class Address(str):
    """The stable identity of a client, of something that it has, or of a part of that.

    It is text to whoever shows, sorts, stores or compares it, and it knows its parts: nobody takes
    it apart again. A part that it does not have is empty, as is the address of nothing.

    >>> Address("payouts", "webhook", "settlements", "secret")
    'client/payouts/webhook/settlements/secret'
    >>> Address("payouts").client
    'payouts'
    """

    __slots__ = ("client", "item", "part", "word")
    client: str
    word: str  # what the item is: ``key``, ``webhook``
    item: str
    part: str

    def __new__(cls, client: str = "", word: str = "", item: str = "", part: str = "") -> Self:
        parts = [text for text in (client, word, item, part) if text]
        return cls._make("/".join(["client", *parts]) if parts else "", client, word, item, part)

    @classmethod
    def read(cls, text: str) -> Self:
        """The address that ``text``, which was stored or typed, is. Any other text is one without
        parts.

        >>> Address.read("client/payouts/key/primary").item
        'primary'
        """
        parts = text.split("/")
        if parts[0] != "client" or len(parts) not in (2, 4, 5) or not all(parts):
            return cls._make(text, "", "", "", "")
        _, client, word, item, part = parts + [""] * (5 - len(parts))
        return cls._make(text, client, word, item, part)

    @classmethod
    def _make(cls, text: str, client: str, word: str, item: str, part: str) -> Self:
        made = str.__new__(cls, text)
        made.client, made.word, made.item, made.part = client, word, item, part
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Address.read, (str(self),)


NOWHERE = Address()
