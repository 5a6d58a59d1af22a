"""inotify(7) through ctypes: to be told of changes in a folder instead of asking again and again."""

import ctypes
import os
from pathlib import Path

from runtime.errors import SyscallError

IN_MODIFY = 0x2
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_DELETE_SELF = 0x400
_CHANGES = IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF
_EVENT_BYTES = 64 * 1024

_libc = ctypes.CDLL(None, use_errno=True)
_init = _libc.inotify_init1
_init.argtypes = [ctypes.c_int]
_add_watch = _libc.inotify_add_watch
_add_watch.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]


class FolderWatch:
    """Readable when a file in the folder is made, changed or removed."""

    def __init__(self, folder: Path) -> None:
        self._descriptor: int = _init(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise SyscallError(
                ctypes.get_errno(), "inotify_init1", hint="raise the sysctl fs.inotify.max_user_instances"
            )
        if _add_watch(self._descriptor, os.fsencode(folder), _CHANGES) < 0:
            number = ctypes.get_errno()
            os.close(self._descriptor)
            raise SyscallError(number, "inotify_add_watch", str(folder))

    def fileno(self) -> int:
        """Return the inotify descriptor."""
        return self._descriptor

    def clear(self) -> None:
        """Take all that was reported."""
        try:
            while os.read(self._descriptor, _EVENT_BYTES):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Stop watching. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
