"""Digests of files that were read before, asked for by the neighbourhood.

Files of one folder were mostly made one after the other, so that their inodes are neighbours. A build that asks for one
by one of five thousand spends more time in asking than in looking at the files.
"""

import sqlite3

from runtime.state import builds

FileState = tuple[int, int, int]
"""Size in bytes, time of the content and of the inode in nanoseconds."""
_MOST = 256
"""Rows at a time."""


class KnownFiles:
    """What the state knows of files; the last part of it that was asked for stays at hand. For one thread at a time."""

    def __init__(self) -> None:
        self._device = self._first = self._last = -1
        self._near: dict[int, tuple[FileState, str]] = {}
        self._used = 0
        self._most = 1

    def find(self, connection: sqlite3.Connection, device: int, inode: int, state: FileState) -> str | None:
        """Return the digest of a file that has not changed since it was read; None when nobody knows."""
        if device != self._device or not self._first <= inode <= self._last:
            self._look_around(connection, device, inode)
        before, digest = self._near.get(inode, (None, None))
        if before != state:
            return None
        self._used += 1
        return digest

    def _look_around(self, connection: sqlite3.Connection, device: int, inode: int) -> None:
        # As many more as the last look was worth; a context whose inodes lie about pays for one at a time.
        self._most = min(self._most * 2, _MOST) if 2 * self._used >= len(self._near) else 1
        rows = builds.files_from(connection, device, inode, self._most)
        self._near = {number: (before, digest) for number, before, digest in rows}
        self._used = 0
        self._device, self._first = device, inode
        self._last = rows[-1][0] if len(rows) == self._most else 1 << 63
