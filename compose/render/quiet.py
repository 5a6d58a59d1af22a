"""No progress at all; errors are printed by whoever catches them."""

from typing import TextIO

from compose.events import BuildProgress, ProgressEvent


class QuietRenderer:
    """Takes everything and says nothing."""

    def start(self, title: str) -> None:
        """Say nothing."""

    def on(self, event: ProgressEvent | BuildProgress) -> None:
        """Say nothing."""

    def done(self, *, success: bool) -> None:
        """Say nothing."""


def renderer(stream: TextIO, *, dry_run: bool = False, colour: bool = False) -> QuietRenderer:  # noqa: ARG001 - one signature for all modes
    """Return the renderer of this mode."""
    return QuietRenderer()
