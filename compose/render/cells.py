"""How wide a text is on a terminal. Apart from text.py, because most commands never ask."""

import unicodedata

_JOINER = "\u200d"
_SELECTORS = "\ufe0e\ufe0f"


def cells(text: str) -> int:
    """Return the columns that a text takes: two for wide characters, none for those that combine.

    A joiner takes what follows it into the character before. Source: Unicode, UAX #11.
    """
    if text.isascii():
        return len(text)
    joined = ("", *text)
    return sum(_width(character) for before, character in zip(joined, text, strict=False) if before != _JOINER)


def _width(character: str) -> int:
    if character == _JOINER or character in _SELECTORS or unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
