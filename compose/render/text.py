"""Text that may come from anywhere, made safe to print."""

_WRITTEN = {ord("\n"): "\\n", ord("\t"): "\\t", ord("\r"): "\\r"}
_OBEYED = (
    range(0x20),
    range(0x7F, 0xA0),
    (0x61C, 0x200E, 0x200F, 0xFEFF),
    range(0x2028, 0x202F),
    range(0x2066, 0x206A),
    range(0xD800, 0xE000),
)
"""Control characters, marks of direction (CVE-2021-42574), Unicode's line ends, and bytes that are no text."""


class _Controls(dict[int, str]):
    """A table for `str.translate` that is filled as it is used."""

    def __missing__(self, code: int) -> str:
        obeyed = any(code in codes for codes in _OBEYED)
        text = (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}") if obeyed else chr(code)
        return self.setdefault(code, text)


_CONTROLS = _Controls(_WRITTEN)


def escaped(text: str) -> str:
    """Return a text that cannot move a terminal's cursor, hide or reorder what stands beside it."""
    return text if text.isprintable() else text.translate(_CONTROLS)


def ellipsis(text: str, length: int) -> str:
    """Return at most `length` characters, the last a `…` when some are left out."""
    return text if len(text) <= length else text[: length - 1] + "…"


def middle_ellipsis(text: str, length: int) -> str:
    """Return at most `length` characters, with a `…` for what is left out of the middle: names differ at their ends."""
    if len(text) <= length:
        return text
    tail = length // 2
    return f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}"
