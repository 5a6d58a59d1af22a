"""Text that may come from anywhere, made safe to print."""

CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
CONTROLS[ord("\n")] = "\\n"
CONTROLS[ord("\t")] = "\\t"
CONTROLS[ord("\r")] = "\\r"


def escaped(name: str) -> str:
    """Return a name with control characters written out, so that it cannot move the cursor."""
    return name if name.isprintable() else name.translate(CONTROLS)


def ellipsis(text: str, length: int) -> str:
    """Return at most `length` characters, the last a `…` when some are left out."""
    return text if len(text) <= length else text[: length - 1] + "…"


def middle_ellipsis(text: str, length: int) -> str:
    """Return at most `length` characters, with a `…` for what is left out of the middle: names differ at their ends."""
    if len(text) <= length:
        return text
    tail = length // 2
    return f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}"
