"""Tables as Go's tabwriter lays them out, which is how docker compose's look."""

from collections.abc import Sequence

WIDE = 20
"""Smallest column of `ls`, `images`."""


def table(rows: Sequence[Sequence[str]], *, minimum: int = 10, padding: int = 3) -> str:
    """Return aligned lines: every column but the last is as wide as its widest cell and `padding`."""
    if not rows:
        return ""
    widths = [
        max(minimum, max(len(row[column]) for row in rows) + padding)
        for column in range(max(len(row) for row in rows) - 1)
    ]
    lines = []
    for row in rows:
        padded = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        lines.append("".join(padded) + row[-1] if len(row) > len(widths) else "".join(padded))
    return "\n".join(lines) + "\n"
